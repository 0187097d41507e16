//! Values that do not fit their types, in variables and in documents: refused before anything runs, in a sentence that helps.

use serde_json::{Value, json};

use crate::harness::{Desk, Wishes};

const TICKETS: &str = "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount } }";
const CREATE: &str =
    "mutation($input: CreateTicketInput!) { createTicket(input: $input) { userErrors { code } } }";
const FIELDS: &str = "mutation($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) { userErrors { code } } }";
const STATS: &str =
    "query($from: Date!) { serviceRecordStats(from: $from, to: \"2024-03-01\") { total } }";
const FIRST: &str = "query($n: Int) { tickets(first: $n) { totalCount } }";
const TICKET: &str = "query($id: ID!) { ticket(id: $id) { id } }";
const SKIP: &str = "query($if: Boolean!) { __typename @skip(if: $if) }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";

/// Refused before anything runs, with this one sentence.
async fn assert_refused(desk: &Desk, query: &str, variables: Value, sentence: &str) {
    let body = json!({ "query": query, "variables": variables });
    let (status, answer) = desk.post(&body).await;

    assert_eq!(status, 400, "{body}: {answer}");
    assert_eq!(answer.get("data"), None, "{body}: {answer}");
    assert_eq!(
        answer["errors"].as_array().map(Vec::len),
        Some(1),
        "{body}: {answer}"
    );
    let error = &answer["errors"][0];
    assert_eq!(
        error["extensions"]["code"], "BAD_USER_INPUT",
        "{body}: {answer}"
    );
    assert_eq!(error["message"], sentence, "{body}");
    assert!(
        error["locations"][0]["line"].is_number(),
        "{body}: {answer}"
    );
    assert_eq!(desk.calls(), (0, 0), "{body}");
}

#[tokio::test]
async fn a_variable_that_does_not_fit_is_refused_by_its_path() {
    let desk = Desk::open().await;
    let int = "an Int (a whole number from -2147483648 to 2147483647)";
    let id = "an ID (a string or a whole number)";
    let date_time =
        "a DateTime, written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00";
    let date = "a Date, a day that exists, written as YYYY-MM-DD";
    let status = "a TicketStatus (one of PENDING, IN_PROGRESS, RESOLVED, CLOSED, UNKNOWN)";

    for (query, variables, sentence) in [
        (
            FIRST,
            json!({ "n": "5" }),
            format!("$n must be {int}, but is a string"),
        ),
        (
            FIRST,
            json!({ "n": 2_147_483_648_u64 }),
            format!("$n must be {int}, but is another number"),
        ),
        (
            FIRST,
            json!({ "n": 1.5 }),
            format!("$n must be {int}, but is another number"),
        ),
        (
            FIRST,
            json!({ "n": 1e300 }),
            format!("$n must be {int}, but is another number"),
        ),
        (
            FIRST,
            json!({ "n": true }),
            format!("$n must be {int}, but is true or false"),
        ),
        (
            FIRST,
            json!({ "n": [5] }),
            format!("$n must be {int}, but is a list"),
        ),
        (
            TICKET,
            json!({}),
            format!("$id must be {id}, but is missing"),
        ),
        (
            TICKET,
            json!({ "id": null }),
            format!("$id must be {id}, but is null"),
        ),
        (
            TICKET,
            json!({ "id": 1.5 }),
            format!("$id must be {id}, but is another number"),
        ),
        (
            TICKET,
            json!({ "id": {} }),
            format!("$id must be {id}, but is an object"),
        ),
        (
            SKIP,
            json!({ "if": "true" }),
            "$if must be a Boolean (true or false), but is a string".to_owned(),
        ),
        (
            NODES,
            json!({ "ids": ["a", null] }),
            format!("$ids[1] must be {id}, but is null"),
        ),
        (
            NODES,
            json!({ "ids": null }),
            "$ids must be a list, but is null".to_owned(),
        ),
        (
            STATS,
            json!({ "from": "2024-02-30" }),
            format!("$from must be {date}, but is a string of another form"),
        ),
        (
            STATS,
            json!({ "from": 20240301 }),
            format!("$from must be {date}, but is a number"),
        ),
        (
            TICKETS,
            json!({ "filter": 5 }),
            "$filter must be an object of the type TicketFilter, but is a number".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "dueFrom": "2024-03-01" } }),
            format!("$filter.dueFrom must be {date_time}, but is a string of another form"),
        ),
        (
            TICKETS,
            json!({ "filter": { "statuses": ["PENDING", "Li Wei"] } }),
            format!("$filter.statuses[1] must be {status}, but is another name"),
        ),
        (
            TICKETS,
            json!({ "filter": { "statuses": [7] } }),
            format!("$filter.statuses[0] must be {status}, but is a number"),
        ),
        (
            TICKETS,
            json!({ "filter": { "subject": "a" } }),
            "$filter can't have the field subject: TicketFilter has no such field".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "Li Wei 138": "a" } }),
            "$filter can't have a field of that name: TicketFilter has no such field".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "search": ["a"] } }),
            "$filter.search must be a String, but is a list".to_owned(),
        ),
        (
            CREATE,
            json!({ "input": { "subject": "a" } }),
            "$input.content must be a String, but is missing".to_owned(),
        ),
        (
            CREATE,
            json!({ "input": { "subject": null, "content": "b" } }),
            "$input.subject must be a String, but is null".to_owned(),
        ),
        (
            FIELDS,
            json!({ "input": { "id": "a", "customFields": [{ "key": "a" }, { "key": 5 }] } }),
            "$input.customFields[1].key must be a String, but is a number".to_owned(),
        ),
    ] {
        assert_refused(
            &desk,
            query,
            variables,
            &format!("The variable {sentence}."),
        )
        .await;
    }
}

#[tokio::test]
async fn every_variable_that_does_not_fit_is_loaded() {
    let desk = Desk::open().await;
    let query = "query($n: Int, $after: String, $id: ID!) { tickets(first: $n, after: $after) { totalCount } ticket(id: $id) { id } }";

    let body = json!({ "query": query, "variables": { "n": "a", "after": 5 } });
    let (status, answer) = desk.post(&body).await;
    assert_eq!(status, 400);
    let messages: Vec<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["message"].as_str())
        .collect();
    assert_eq!(messages.len(), 3, "{answer}");
    for (message, name) in messages.iter().zip(["$n", "$after", "$id"]) {
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn a_literal_that_does_not_fit_is_refused_by_its_path() {
    let desk = Desk::open().await;
    let date_time =
        "a DateTime, written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00";
    let date = "a Date, a day that exists, written as YYYY-MM-DD";
    let int = "an Int (a whole number from -2147483648 to 2147483647)";
    let vendor = "a Vendor (one of FIRSTLINE, BANGWO8)";

    for (query, sentence) in [
        (
            "{ tickets(filter: { dueFrom: \"2024-03-01\" }) { totalCount } }",
            format!("argument filter.dueFrom of the field tickets must be {date_time}, but is a string of another form"),
        ),
        (
            "query($to: DateTime) { tickets(filter: { dueFrom: \"secret\", dueTo: $to }) { totalCount } }",
            format!("argument filter.dueFrom of the field tickets must be {date_time}, but is a string of another form"),
        ),
        (
            "{ serviceRecordStats(from: \"2024-13-01\", to: \"2024-03-01\") { total } }",
            format!("argument from of the field serviceRecordStats must be {date}, but is a string of another form"),
        ),
        (
            "{ tickets(first: 3000000000) { totalCount } }",
            format!("argument first of the field tickets must be {int}, but is another number"),
        ),
        (
            "{ tickets(first: 1.0) { totalCount } }",
            format!("argument first of the field tickets must be {int}, but is another number"),
        ),
        (
            "{ categories(vendors: [\"FIRSTLINE\"]) { nodes { id } } }",
            format!("argument vendors[0] of the field categories must be {vendor}, but is a string"),
        ),
        (
            "{ tickets(filter: 5) { totalCount } }",
            "argument filter of the field tickets must be an object of the type TicketFilter, but is a number".to_owned(),
        ),
        (
            "{ ...Q } fragment Q on Query { ... on Query { ticket(id: PENDING) { id } } }",
            "argument id of the field ticket must be an ID (a string or a whole number), but is a name".to_owned(),
        ),
        (
            "{ vendors { vendor } } query Other { tickets(first: true) { totalCount } }",
            format!("argument first of the field tickets must be {int}, but is true or false"),
        ),
        (
            "query($to: DateTime = \"soon\") { tickets(filter: { dueTo: $to }) { totalCount } }",
            format!("default of the variable $to must be {date_time}, but is a string of another form"),
        ),
    ] {
        let query = query.replace("{ vendors { vendor } } query", "query Q { vendors { vendor } } query");
        let body = json!({ "query": query, "operationName": query.contains("query Q").then_some("Q") });
        let (status, answer) = desk.post(&body).await;
        assert_eq!(status, 400, "{query}: {answer}");
        assert_eq!(answer.get("data"), None, "{query}: {answer}");
        assert_eq!(answer["errors"][0]["message"], format!("The {sentence}."), "{query}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_type_that_is_no_input_type_is_refused() {
    let desk = Desk::open().await;

    for query in [
        "query($a: Nothing) { __typename }",
        "query($a: Ticket) { __typename }",
        "query($a: [Nothing] = [1]) { __typename }",
        "query($a: [[Nothing!]!] = [[{ b: 1 }]]) { __typename }",
    ] {
        let (status, answer) = desk
            .post(&json!({ "query": query, "variables": { "a": 1 } }))
            .await;
        assert_eq!(status, 400, "{query}: {answer}");
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_field_stands_once_in_an_input_object() {
    let desk = Desk::open().await;

    // The mark shows what is complained of.
    for marked in [
        r#"{ tickets(filter: { search: "a", ^search: "b" }) { totalCount } }"#,
        r#"{ tickets(filter: { search: "a", statuses: [CLOSED], ^search: "a" }) { totalCount } }"#,
        r#"query($f: TicketFilter = { search: "a" ^search: null }) { tickets(filter: $f) { totalCount } }"#,
        r#"query($a: String) { tickets(filter: { search: $a ^search: $a }) { totalCount } }"#,
        r#"{ tickets { nodes @include(if: { a: { b: 1 }, c: [{ search: 1, ^search: 2 }] }) { id } } }"#,
        r#"{ tickets(filter: { search: "é}\"", dueTo: """\""" } é""", ^search: "" }) { totalCount } }"#,
        "{ tickets(filter: { search: \"\" # }\n ^search: \"\" }) { totalCount } }",
    ] {
        let query = marked.replace('^', "");
        let before = marked.split('^').next().unwrap_or_default();
        let line = before.lines().last().unwrap_or_default();

        let (status, answer) = desk.post(&json!({ "query": query })).await;
        assert_eq!(status, 400, "{query}: {answer}");
        assert_eq!(
            answer,
            json!({ "errors": [{
                "message": "The input object has the field search more than once.",
                "locations": [{ "line": before.lines().count(), "column": line.chars().count() + 1 }],
                "extensions": { "code": "GRAPHQL_VALIDATION_FAILED" },
            }] }),
            "{query}"
        );
    }
    let long = "a".repeat(1_000);
    let twice = format!("{{ tickets(filter: {{ {long}: 1, {long}: 1 }}) {{ totalCount }} }}");
    let (status, answer) = desk.post(&json!({ "query": twice })).await;
    assert_eq!(status, 400);
    assert!(answer.to_string().len() < 700, "{answer}");
    assert_eq!(desk.calls(), (0, 0));

    // The same name in two objects, as an argument, an alias, a variable and a value.
    let query = r#"query($search: String = "search") {
        search: tickets(filter: { search: $search }, first: 1) { totalCount }
        other: tickets(first: 1, filter: { search: "search: a, search: b" }) { search: totalCount search: totalCount }
    }"#;
    let (status, answer) = desk.post(&json!({ "query": query })).await;
    assert_eq!((status, answer.get("errors")), (200, None), "{answer}");
}

#[tokio::test]
async fn null_does_not_pass_by_a_default() {
    let desk = Desk::open().await;
    let id = json!({ "id": null });
    let sentence = "The variable $id must not be null where it stands.";

    for (query, data, path) in [
        (
            "query($id: ID = \"a\") { vendors { vendor } a: ticket(id: $id) { id } }",
            json!({ "vendors": [{ "vendor": "FIRSTLINE" }, { "vendor": "BANGWO8" }], "a": null }),
            json!(["a"]),
        ),
        (
            "query($id: ID = \"a\") { ...Q __typename } fragment Q on Query { ... { ticket(id: $id) { id } } }",
            json!({ "ticket": null, "__typename": "Query" }),
            json!(["ticket"]),
        ),
        (
            "query($id: String = \"a\") { __typename __type(name: $id) { name } }",
            json!({ "__typename": "Query", "__type": null }),
            json!(["__type"]),
        ),
        (
            "query($id: TicketStatus = CLOSED) { tickets(filter: { statuses: [PENDING, $id] }) { totalCount } }",
            json!({ "tickets": null }),
            json!(["tickets"]),
        ),
        // What can't be null takes all that is around it along.
        (
            "query($id: ID = \"a\") { __typename nodes(ids: [\"b\", $id]) { id } }",
            Value::Null,
            json!(["nodes"]),
        ),
        (
            "mutation($id: CreateTicketInput = { subject: \"s\", content: \"c\" }) { createTicket(input: $id) { ticket { id } } }",
            Value::Null,
            json!(["createTicket"]),
        ),
    ] {
        // The first time and once the document is known.
        for _ in 0..2 {
            let (status, answer) = desk.post(&json!({ "query": query, "variables": id })).await;
            assert_eq!(status, 200, "{query}: {answer}");
            assert_eq!(answer["data"], data, "{query}");
            assert_eq!(
                answer["errors"].as_array().map(Vec::len),
                Some(1),
                "{answer}"
            );
            let error = &answer["errors"][0];
            assert_eq!(error["message"], sentence);
            assert_eq!(error["path"], path, "{query}");
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT" }));
            assert!(error["locations"][0]["column"].is_number(), "{error}");
        }
    }
    // Nothing of it passes by the validation, and the marks of such fields are nobody else's to write.
    for query in [
        "query($id: ID = \"a\") { ticket(id: $id) { nothing } }",
        "query($id: ID = \"a\") { ticket(id: $id) { id } sponsors @_failsForNull { id } }",
        "query($id: Boolean = true) { __typename @skip(if: $id) }",
        "query($id: Boolean = true) { ...Q } fragment Q on Query { sponsors @include(if: $id) { id } }",
    ] {
        let (status, answer) = desk.post(&json!({ "query": query, "variables": id })).await;
        assert_eq!(
            (status, answer.get("data")),
            (400, None),
            "{query}: {answer}"
        );
    }
    assert_eq!(desk.calls(), (0, 0));

    // Where the schema may not be asked for, too.
    let closed = Desk::open_with(Wishes::default().set("INTROSPECTION__ENABLED", "false")).await;
    let query = "query($id: ID = \"a\") { __typename ticket(id: $id) { id } }";
    let (error, data) = closed.fault(query, id).await;
    assert_eq!(data, json!({ "__typename": "Query", "ticket": null }));
    assert_eq!(error["message"], sentence);

    // The same document serves those who send a value or none, and null where it may stand.
    let query = "query($n: Int = 1, $id: ID = \"a\") { tickets(first: $n) { nodes { __typename } } ticket(id: $id) { id } }";
    let data = desk
        .answer(query, json!({ "n": null, "id": "firstline:Ticket:1001" }))
        .await;
    assert_eq!(data.get("errors"), None, "{data}");
    assert_eq!(
        data["data"]["tickets"]["nodes"].as_array().map(Vec::len),
        Some(20)
    );
    assert_eq!(data["data"]["ticket"]["id"], "firstline:Ticket:1001");
}

#[tokio::test]
async fn values_are_coerced_as_graphql_has_it() {
    let desk = Desk::open_with(Wishes::default().set("CACHE__ENABLED", "false")).await;
    let first = "query($n: Int) { tickets(first: $n) { nodes { id } } }";

    for (variables, length) in [
        (json!({ "n": 3 }), 3),
        (json!({ "n": 3.0 }), 3),
        (json!({ "n": null }), 20),
        (json!({}), 20),
        (json!({ "n": 3, "unknown": { "a": [1] } }), 3),
    ] {
        let data = desk.data(first, variables.clone()).await;
        assert_eq!(
            data["tickets"]["nodes"].as_array().map(Vec::len),
            Some(length),
            "{variables}"
        );
    }

    // One value stands for a list of it, a name in JSON for an enum's, a whole number for an id.
    let one = "query($vendors: [Vendor!]) { categories(vendors: $vendors) { nodes { vendor } } }";
    let data = desk.data(one, json!({ "vendors": "FIRSTLINE" })).await;
    let nodes = data["categories"]["nodes"].as_array().expect("a list");
    assert!(!nodes.is_empty() && nodes.iter().all(|node| node["vendor"] == "FIRSTLINE"));
    for id in [
        json!(7),
        json!(7.0),
        json!("7"),
        json!(18_000_000_000_000_000_000_u64),
    ] {
        let (error, data) = desk.fault(TICKET, json!({ "id": id })).await;
        assert_eq!(data, json!({ "ticket": null }), "{error}");
        assert_eq!(error["path"], json!(["ticket"]));
    }
    let list = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = desk.answer(list, json!({ "ids": 7 })).await;
    assert_eq!(answer["data"]["nodes"], json!([null]));
}

#[tokio::test]
async fn a_variables_default_decides_what_is_skipped_and_included() {
    let desk = Desk::open().await;
    let query = "query($yes: Boolean = true, $no: Boolean! = false) { \
        a: __typename @include(if: $yes) b: __typename @skip(if: $yes) \
        c: __typename @include(if: $no) d: __typename @skip(if: $no) }";

    assert_eq!(desk.ask(query).await, json!({ "a": "Query", "d": "Query" }));
    let data = desk.data(query, json!({ "yes": false, "no": true })).await;
    assert_eq!(data, json!({ "b": "Query", "c": "Query" }));
}

#[tokio::test]
async fn what_stands_at_typename_is_checked_like_everything_else() {
    let desk = Desk::open().await;

    for query in [
        "{ __typename(a: 1) }",
        "{ __typename { a } }",
        "{ __typename @nothing }",
        "query($if: Int) { __typename @skip(if: $if) }",
        "query($if: Boolean!) { __typename }",
    ] {
        let body = json!({ "query": query, "variables": { "if": 1 } });
        let (status, answer) = desk.post(&body).await;
        assert_eq!(
            (status, answer.get("data")),
            (400, None),
            "{query}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_variable_stands_only_where_its_type_may() {
    let desk = Desk::open().await;

    for (definition, usage, expected) in [
        ("$a: Int", "ticket(id: $a) { id }", "ID!"),
        ("$a: ID", "ticket(id: $a) { id }", "ID!"),
        ("$a: ID = null", "ticket(id: $a) { id }", "ID!"),
        ("$a: String!", "ticket(id: $a) { id }", "ID!"),
        ("$a: [ID!]!", "ticket(id: $a) { id }", "ID!"),
        ("$a: [ID]!", "nodes(ids: $a) { id }", "[ID!]!"),
        ("$a: ID!", "nodes(ids: $a) { id }", "[ID!]!"),
        ("$a: ID", "nodes(ids: [$a]) { id }", "ID!"),
        (
            "$a: String",
            "tickets(filter: { dueFrom: $a }) { totalCount }",
            "DateTime",
        ),
        (
            "$a: [TicketStatus]",
            "tickets(filter: { statuses: $a }) { totalCount }",
            "[TicketStatus!]",
        ),
        (
            "$a: Boolean",
            "sponsors @include(if: $a) { id }",
            "Boolean!",
        ),
        ("$a: Int", "__typename @skip(if: $a)", "Boolean!"),
        ("$a: Int!", "__type(name: $a) { name }", "String!"),
        (
            "$a: Int",
            "...F } fragment F on Query { ticket(id: $a) { id }",
            "ID!",
        ),
    ] {
        let query = format!("query({definition}) {{ {usage} }}");
        let (status, answer) = desk.post(&json!({ "query": query })).await;
        assert_eq!(status, 400, "{query}: {answer}");
        let var_type = definition
            .strip_prefix("$a: ")
            .and_then(|rest| rest.split(" =").next())
            .unwrap_or_default();
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        let sentence =
            format!("The variable $a of the type {var_type} can't stand where {expected} must.");
        assert_eq!(message, sentence, "{query}");
        assert_eq!(
            answer["errors"][0]["extensions"]["code"],
            "GRAPHQL_VALIDATION_FAILED"
        );
    }
    assert_eq!(desk.calls(), (0, 0));

    for (definition, usage) in [
        ("$a: ID = \"a\"", "ticket(id: $a) { __typename }"),
        ("$a: [ID!]! = []", "nodes(ids: $a) { id }"),
        ("$a: Boolean = true", "__typename @include(if: $a)"),
        ("$a: Int! = 1", "tickets(first: $a) { totalCount }"),
        (
            "$a: [TicketStatus!]! = []",
            "tickets(filter: { statuses: $a }) { totalCount }",
        ),
        (
            "$a: TicketStatus! = CLOSED",
            "tickets(filter: { statuses: [$a] }) { totalCount }",
        ),
    ] {
        let query = format!("query({definition}) {{ {usage} }}");
        let (status, answer) = desk.post(&json!({ "query": query })).await;
        assert_eq!(status, 200, "{query}: {answer}");
    }
}
