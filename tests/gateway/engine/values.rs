//! Values that do not fit their types, in variables and in documents: rejected before execution, with a helpful message.

use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

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

/// Asserts that the request is rejected before execution, with this one message.
async fn assert_rejected(desk: &Desk, query: &str, variables: Value, sentence: &str) {
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
async fn an_invalid_variable_is_rejected_with_its_path() {
    let desk = Desk::open().await;
    let date_time =
        "It must be written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00.";
    let date = "It must be a day that exists, written as YYYY-MM-DD.";

    for (query, variables, sentence) in [
        (
            FIRST,
            json!({ "n": "5" }),
            "$n\" got invalid value \"5\"; Int cannot represent non-integer value: \"5\"".to_owned(),
        ),
        (
            FIRST,
            json!({ "n": 2_147_483_648_u64 }),
            "$n\" got invalid value 2147483648; Int cannot represent non 32-bit signed integer value: 2147483648".to_owned(),
        ),
        (
            FIRST,
            json!({ "n": 1.5 }),
            "$n\" got invalid value 1.5; Int cannot represent non-integer value: 1.5".to_owned(),
        ),
        (
            FIRST,
            json!({ "n": 1e300 }),
            "$n\" got invalid value 1e+300; Int cannot represent non 32-bit signed integer value: 1e+300".to_owned(),
        ),
        (
            FIRST,
            json!({ "n": true }),
            "$n\" got invalid value true; Int cannot represent non-integer value: true".to_owned(),
        ),
        (
            FIRST,
            json!({ "n": [5] }),
            "$n\" got invalid value [5]; Int cannot represent non-integer value: [5]".to_owned(),
        ),
        (
            TICKET,
            json!({}),
            "$id\" of required type \"ID!\" was not provided.".to_owned(),
        ),
        (
            TICKET,
            json!({ "id": null }),
            "$id\" of non-null type \"ID!\" must not be null.".to_owned(),
        ),
        (
            TICKET,
            json!({ "id": 1.5 }),
            "$id\" got invalid value 1.5; ID cannot represent value: 1.5".to_owned(),
        ),
        (
            TICKET,
            json!({ "id": {} }),
            "$id\" got invalid value {}; ID cannot represent value: {}".to_owned(),
        ),
        (
            SKIP,
            json!({ "if": "true" }),
            "$if\" got invalid value \"true\"; Boolean cannot represent a non boolean value: \"true\"".to_owned(),
        ),
        (
            NODES,
            json!({ "ids": ["a", null] }),
            "$ids\" got invalid value null at \"ids[1]\"; Expected non-nullable type \"ID!\" not to be null.".to_owned(),
        ),
        (
            NODES,
            json!({ "ids": null }),
            "$ids\" of non-null type \"[ID!]!\" must not be null.".to_owned(),
        ),
        (
            STATS,
            json!({ "from": "2024-02-30" }),
            format!("$from\" got invalid value \"2024-02-30\"; Expected type \"Date\". {date}"),
        ),
        (
            STATS,
            json!({ "from": 20240301 }),
            format!("$from\" got invalid value 20240301; Expected type \"Date\". {date}"),
        ),
        (
            TICKETS,
            json!({ "filter": 5 }),
            "$filter\" got invalid value 5; Expected type \"TicketFilter\" to be an object.".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "dueFrom": "2024-03-01" } }),
            format!("$filter\" got invalid value \"2024-03-01\" at \"filter.dueFrom\"; Expected type \"DateTime\". {date_time}"),
        ),
        (
            TICKETS,
            json!({ "filter": { "statuses": ["PENDING", "Li Wei"] } }),
            "$filter\" got invalid value \"Li Wei\" at \"filter.statuses[1]\"; Value \"Li Wei\" does not exist in \"TicketStatus\" enum.".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "statuses": [7] } }),
            "$filter\" got invalid value 7 at \"filter.statuses[0]\"; Enum \"TicketStatus\" cannot represent non-string value: 7.".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "subject": "a" } }),
            "$filter\" got invalid value { subject: \"a\" }; Field \"subject\" is not defined by type \"TicketFilter\".".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "Li Wei 138": "a" } }),
            "$filter\" got invalid value { Li Wei 138: \"a\" }; Field \"Li Wei 138\" is not defined by type \"TicketFilter\".".to_owned(),
        ),
        (
            TICKETS,
            json!({ "filter": { "search": ["a"] } }),
            "$filter\" got invalid value [\"a\"] at \"filter.search\"; String cannot represent a non string value: [\"a\"]".to_owned(),
        ),
        (
            CREATE,
            json!({ "input": { "subject": "a" } }),
            "$input\" got invalid value { subject: \"a\" }; Field \"content\" of required type \"String!\" was not provided.".to_owned(),
        ),
        (
            CREATE,
            json!({ "input": { "subject": null, "content": "b" } }),
            "$input\" got invalid value null at \"input.subject\"; Expected non-nullable type \"String!\" not to be null.".to_owned(),
        ),
        (
            FIELDS,
            json!({ "input": { "id": "a", "customFields": [{ "key": "a" }, { "key": 5 }] } }),
            "$input\" got invalid value 5 at \"input.customFields[1].key\"; String cannot represent a non string value: 5".to_owned(),
        ),
    ] {
        assert_rejected(
            &desk,
            query,
            variables,
            &format!("Variable \"{sentence}"),
        )
        .await;
    }
}

#[tokio::test]
async fn every_invalid_variable_is_reported() {
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
async fn an_invalid_literal_is_rejected_with_its_path() {
    let desk = Desk::open().await;
    let date_time =
        "It must be written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00.";
    let date = "It must be a day that exists, written as YYYY-MM-DD.";

    for (query, sentence) in [
        (
            "{ tickets(filter: { dueFrom: \"2024-03-01\" }) { totalCount } }",
            format!("Expected value of type \"DateTime\", found \"2024-03-01\"; {date_time}"),
        ),
        (
            "query($to: DateTime) { tickets(filter: { dueFrom: \"secret\", dueTo: $to }) { totalCount } }",
            format!("Expected value of type \"DateTime\", found \"secret\"; {date_time}"),
        ),
        (
            "{ serviceRecordStats(from: \"2024-13-01\", to: \"2024-03-01\") { total } }",
            format!("Expected value of type \"Date!\", found \"2024-13-01\"; {date}"),
        ),
        (
            "{ tickets(first: 3000000000) { totalCount } }",
            "Int cannot represent non 32-bit signed integer value: 3000000000".to_owned(),
        ),
        (
            "{ tickets(first: 1.0) { totalCount } }",
            "Int cannot represent non-integer value: 1.0".to_owned(),
        ),
        (
            "{ categories(vendors: [\"FIRSTLINE\"]) { nodes { id } } }",
            "Enum \"Vendor\" cannot represent non-enum value: \"FIRSTLINE\". Did you mean the enum value \"FIRSTLINE\"?".to_owned(),
        ),
        (
            "{ tickets(filter: 5) { totalCount } }",
            "Expected value of type \"TicketFilter\", found 5.".to_owned(),
        ),
        (
            "{ ...Q } fragment Q on Query { ... on Query { ticket(id: PENDING) { id } } }",
            "ID cannot represent a non-string and non-integer value: PENDING".to_owned(),
        ),
        (
            "{ vendors { vendor } } query Other { tickets(first: true) { totalCount } }",
            "Int cannot represent non-integer value: true".to_owned(),
        ),
        (
            "query($to: DateTime = \"soon\") { tickets(filter: { dueTo: $to }) { totalCount } }",
            format!("Expected value of type \"DateTime\", found \"soon\"; {date_time}"),
        ),
    ] {
        let query = query.replace("{ vendors { vendor } } query", "query Q { vendors { vendor } } query");
        let body = json!({ "query": query, "operationName": query.contains("query Q").then_some("Q") });
        let (status, answer) = desk.post(&body).await;
        assert_eq!(status, 400, "{query}: {answer}");
        assert_eq!(answer.get("data"), None, "{query}: {answer}");
        assert_eq!(answer["errors"][0]["message"], sentence, "{query}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_variable_of_a_non_input_type_is_rejected() {
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
async fn a_duplicate_input_field_is_rejected() {
    let desk = Desk::open().await;

    // The markers show what the error names.
    for marked in [
        r#"{ tickets(filter: { ^search: "a", ^search: "b" }) { totalCount } }"#,
        r#"{ tickets(filter: { ^search: "a", statuses: [CLOSED], ^search: "a" }) { totalCount } }"#,
        r#"query($f: TicketFilter = { ^search: "a" ^search: null }) { tickets(filter: $f) { totalCount } }"#,
        r#"query($a: String) { tickets(filter: { ^search: $a ^search: $a }) { totalCount } }"#,
        r#"{ tickets { nodes @include(if: { a: { b: 1 }, c: [{ ^search: 1, ^search: 2 }] }) { id } } }"#,
        r#"{ tickets(filter: { ^search: "é}\"", dueTo: """\""" } é""", ^search: "" }) { totalCount } }"#,
        "{ tickets(filter: { ^search: \"\" # }\n ^search: \"\" }) { totalCount } }",
    ] {
        let query = marked.replace('^', "");
        let parts: Vec<&str> = marked.split('^').collect();
        let places = (1..parts.len()).map(|count| {
            let before = parts[..count].concat();
            let line = before.lines().last().unwrap_or_default();
            json!({ "line": before.lines().count(), "column": line.chars().count() + 1 })
        });
        let places: Vec<Value> = places.collect();

        let (status, answer) = desk.post(&json!({ "query": query })).await;
        assert_eq!(status, 400, "{query}: {answer}");
        let errors = answer["errors"].as_array().expect("errors");
        let expected = json!({
            "message": "There can be only one input field named \"search\".",
            "locations": places,
            "extensions": { "code": "GRAPHQL_VALIDATION_FAILED" },
        });
        assert!(errors.contains(&expected), "{query}: {answer}");
    }
    let long = "a".repeat(1_000);
    let twice = format!("{{ tickets(filter: {{ {long}: 1, {long}: 1 }}) {{ totalCount }} }}");
    let (status, answer) = desk.post(&json!({ "query": twice })).await;
    assert_eq!(status, 400);
    assert!(
        answer["errors"]
            .as_array()
            .is_some_and(|errors| errors.iter().all(|error| error.to_string().len() < 700)),
        "{answer}"
    );
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
async fn an_explicit_null_does_not_take_the_default() {
    let desk = Desk::open().await;
    let id = json!({ "id": null });
    let sentence = "Argument \"id\" of non-null type \"ID!\" must not be null.";

    for (query, data, path, sentence) in [
        (
            "query($id: ID = \"a\") { vendors { vendor } a: ticket(id: $id) { id } }",
            json!({ "vendors": [{ "vendor": "FIRSTLINE" }, { "vendor": "BANGWO8" }], "a": null }),
            json!(["a"]),
            sentence,
        ),
        (
            "query($id: ID = \"a\") { ...Q __typename } fragment Q on Query { ... { ticket(id: $id) { id } } }",
            json!({ "ticket": null, "__typename": "Query" }),
            json!(["ticket"]),
            sentence,
        ),
        (
            "query($id: String = \"a\") { __typename __type(name: $id) { name } }",
            json!({ "__typename": "Query", "__type": null }),
            json!(["__type"]),
            "Argument \"name\" of non-null type \"String!\" must not be null.",
        ),
        (
            "query($id: TicketStatus = CLOSED) { tickets(filter: { statuses: [PENDING, $id] }) { totalCount } }",
            json!({ "tickets": null }),
            json!(["tickets"]),
            "Argument \"filter\" has invalid value {statuses: [PENDING, $id]}.",
        ),
        // A non-null field that fails nulls its parent.
        (
            "query($id: ID = \"a\") { __typename nodes(ids: [\"b\", $id]) { id } }",
            Value::Null,
            json!(["nodes"]),
            "Argument \"ids\" has invalid value [\"b\", $id].",
        ),
        (
            "mutation($id: CreateTicketInput = { subject: \"s\", content: \"c\" }) { createTicket(input: $id) { ticket { id } } }",
            Value::Null,
            json!(["createTicket"]),
            "Argument \"input\" of non-null type \"CreateTicketInput!\" must not be null.",
        ),
    ] {
        // For a new and for a cached document.
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
    // These fields are validated too, and clients can't use the gateway's own marks.
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

    // The same with introspection disabled.
    let closed =
        Desk::open_with(DeskOptions::default().set("INTROSPECTION__ENABLED", "false")).await;
    let query = "query($id: ID = \"a\") { __typename ticket(id: $id) { id } }";
    let (error, data) = closed.execute_failing(query, id).await;
    assert_eq!(data, json!({ "__typename": "Query", "ticket": null }));
    assert_eq!(
        error["message"],
        "Argument \"id\" of non-null type \"ID!\" must not be null."
    );

    // The same document works with a value, without one, and with null where null is allowed.
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
async fn values_are_coerced_as_the_specification_says() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
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

    // A single value is coerced to a list, a string in JSON to an enum value, and an integer to an ID.
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
        let (error, data) = desk.execute_failing(TICKET, json!({ "id": id })).await;
        assert_eq!(data, json!({ "ticket": null }), "{error}");
        assert_eq!(error["path"], json!(["ticket"]));
    }
    let list = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = desk.answer(list, json!({ "ids": 7 })).await;
    assert_eq!(answer["data"]["nodes"], json!([null]));
}

#[tokio::test]
async fn a_variables_default_decides_skip_and_include() {
    let desk = Desk::open().await;
    let query = "query($yes: Boolean = true, $no: Boolean! = false) { \
        a: __typename @include(if: $yes) b: __typename @skip(if: $yes) \
        c: __typename @include(if: $no) d: __typename @skip(if: $no) }";

    assert_eq!(
        desk.execute(query).await,
        json!({ "a": "Query", "d": "Query" })
    );
    let data = desk.data(query, json!({ "yes": false, "no": true })).await;
    assert_eq!(data, json!({ "b": "Query", "c": "Query" }));
}

#[tokio::test]
async fn arguments_and_directives_of_typename_are_checked() {
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
async fn a_variable_is_allowed_only_where_its_type_fits() {
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
        let sentence = format!(
            "Variable \"$a\" of type \"{var_type}\" used in position expecting type \"{expected}\"."
        );
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
