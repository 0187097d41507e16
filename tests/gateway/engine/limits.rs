//! Demand control: each limit at its bound and above it, reported with both numbers, and without a vendor call.

use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

/// A limit, and a query that needs this much of what it limits.
struct Limit {
    setting: &'static str,
    allowed: u64,
    query: fn(u64) -> String,
    what: &'static str,
}

const LIMITS: [Limit; 7] = [
    Limit {
        setting: "LIMITS__MAX_DEPTH",
        allowed: 5,
        query: |depth| {
            let levels = depth as usize - 2;
            format!(
                "{{ category(id: \"a\") {{ {} id {} }} }}",
                "parent {".repeat(levels),
                "}".repeat(levels)
            )
        },
        what: "levels of fields",
    },
    Limit {
        setting: "LIMITS__MAX_COMPLEXITY",
        allowed: 100,
        query: |cost| {
            // The remaining cost: a call, the connection, and a ticket with its id.
            let first = (cost - 10 - 2) / 3;
            let rest = "__typename ".repeat(((cost - 10 - 2) % 3) as usize);
            format!("{{ tickets(first: {first}) {{ nodes {{ id }} {rest} }} }}")
        },
        what: "points of complexity",
    },
    Limit {
        setting: "LIMITS__MAX_ALIASES",
        allowed: 3,
        query: |aliases| {
            let aliased: String = (0..aliases)
                .map(|number| format!("a{number}: id "))
                .collect();
            format!("{{ ticket(id: \"a\") {{ {aliased} }} }}")
        },
        what: "aliases",
    },
    Limit {
        setting: "LIMITS__MAX_ROOT_FIELDS",
        allowed: 3,
        query: |fields| format!("{{ {} }}", "sponsors { id } ".repeat(fields as usize)),
        what: "root fields",
    },
    Limit {
        setting: "LIMITS__MAX_DIRECTIVES",
        allowed: 2,
        query: |directives| {
            format!(
                "{{ sponsors {{ {} }} }}",
                "... @include(if: true) { id } ".repeat(directives as usize)
            )
        },
        what: "directives",
    },
    Limit {
        setting: "LIMITS__MAX_TOKENS",
        allowed: 20,
        query: |tokens| format!("{{ sponsors {{ {} }} }}", "id ".repeat(tokens as usize - 5)),
        what: "tokens",
    },
    Limit {
        setting: "LIMITS__MAX_DOCUMENT_BYTES",
        allowed: 200,
        query: |bytes| format!("{:bytes$}", "{ sponsors { id } }", bytes = bytes as usize),
        what: "bytes of document",
    },
];

/// Asserts that the response is an error of this limit, with both numbers.
fn assert_over((status, answer): &(u16, Value), has: u64, what: &str, allowed: u64) {
    assert_eq!(*status, 400, "{answer}");
    assert_eq!(answer.get("data"), None, "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(
        error["message"],
        format!("The query has {has} {what}; at most {allowed} are allowed.")
    );
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "cost": has, "allowed": allowed });
    assert_eq!(error["extensions"], extensions);
}

#[tokio::test]
async fn each_document_limit_accepts_its_bound_and_rejects_more() {
    for limit in LIMITS {
        let desk = Desk::open_with(DeskOptions::default().set(limit.setting, limit.allowed)).await;

        let within = json!({ "query": (limit.query)(limit.allowed) });
        let (status, answer) = desk.post(&within).await;
        assert_eq!(status, 200, "{}: {within}: {answer}", limit.setting);

        desk.forget_calls();
        let past = json!({ "query": (limit.query)(limit.allowed + 1) });
        assert_over(
            &desk.post(&past).await,
            limit.allowed + 1,
            limit.what,
            limit.allowed,
        );
        assert_eq!(desk.calls(), (0, 0), "{}", limit.setting);
    }
}

#[tokio::test]
async fn the_variables_have_their_own_limit() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_VARIABLES_BYTES", 50)).await;
    let query = "query($search: String) { tickets(filter: { search: $search }) { totalCount } }";
    let variables =
        |bytes: usize| json!({ "search": "a".repeat(bytes - "{\"search\":\"\"}".len()) });

    let (status, _) = desk
        .post(&json!({ "query": query, "variables": variables(50) }))
        .await;
    assert_eq!(status, 200);
    desk.forget_calls();
    let answer = desk
        .post(&json!({ "query": query, "variables": variables(51) }))
        .await;
    assert_over(&answer, 51, "bytes of variables", 50);
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_page_size_in_a_variable_counts_towards_the_cost() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_COMPLEXITY", 100)).await;
    let query = "query($n: Int = 29) { tickets(first: $n) { nodes { id } } }";

    for variables in [json!({}), json!({ "n": 29 }), json!({ "n": 29.0 })] {
        let (status, answer) = desk
            .post(&json!({ "query": query, "variables": variables }))
            .await;
        assert_eq!(status, 200, "{answer}");
    }
    desk.forget_calls();
    for variables in [json!({ "n": 30 }), json!({ "n": 30.0 })] {
        let answer = desk
            .post(&json!({ "query": query, "variables": variables }))
            .await;
        assert_over(&answer, 102, "points of complexity", 100);
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_batch_has_a_limit_and_so_has_each_of_its_requests() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_BATCH", 3)).await;
    let request = json!({ "query": "{ sponsors { id } }" });

    let (status, answers) = desk.post(&json!([request, request, request])).await;
    assert_eq!((status, answers.as_array().map(Vec::len)), (200, Some(3)));

    desk.forget_calls();
    let (status, answer) = desk
        .post(&json!([request, request, request, request]))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "LIMIT_EXCEEDED", "cost": 4, "allowed": 3 })
    );
    assert_eq!(
        answer["errors"][0]["message"],
        "The batch has 4 requests; at most 3 are allowed."
    );

    let greedy = json!({ "query": format!("{{ {} }}", "sponsors { id } ".repeat(31)) });
    let (status, answers) = desk
        .post(&json!([greedy, { "query": "{ __typename }" }]))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        answers[0]["errors"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );
    assert_eq!(answers[1], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_body_over_the_limit_is_rejected_with_its_size_if_declared() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_BODY_BYTES", 100)).await;
    let body = |bytes: usize| {
        format!(
            "{:bytes$}",
            json!({ "query": "{ __typename }" }).to_string()
        )
    };
    let send = async |body: reqwest::Body| {
        let request = desk.client().post(desk.url("/graphql"));
        let request = request.header("content-type", "application/json");
        let response = request.body(body).send().await.expect("it answers");
        let status = response.status().as_u16();
        let answer: Value = response.json().await.expect("it answers in JSON");
        (status, answer["errors"][0]["extensions"].clone())
    };

    assert_eq!(send(body(100).into()).await, (200, Value::Null));
    let counted = json!({ "code": "LIMIT_EXCEEDED", "cost": 101, "allowed": 100 });
    assert_eq!(send(body(101).into()).await, (413, counted));
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body(101))]);
    let uncounted = json!({ "code": "LIMIT_EXCEEDED", "allowed": 100 });
    let stream = reqwest::Body::wrap_stream(stream);
    assert_eq!(send(stream).await, (413, uncounted));
}

#[tokio::test]
async fn graphiqls_introspection_passes_with_the_strictest_limits() {
    let narrow = [
        ("LIMITS__MAX_DEPTH", 1),
        ("LIMITS__MAX_COMPLEXITY", 1),
        ("LIMITS__MAX_ALIASES", 0),
        ("LIMITS__MAX_ROOT_FIELDS", 1),
        ("LIMITS__MAX_DIRECTIVES", 0),
        ("LIMITS__MAX_TOKENS", 1),
        ("LIMITS__MAX_DOCUMENT_BYTES", 1),
    ];
    let options = narrow
        .into_iter()
        .fold(DeskOptions::default(), |options, (name, value)| {
            options.set(name, value)
        });
    let desk = Desk::open_with(options).await;

    let introspection = include_str!("../../fixtures/introspection.graphql");
    let found = desk.execute(introspection).await;
    assert!(found["__schema"]["types"].is_array(), "{found}");
    let (status, answer) = desk.post(&json!({ "query": "{ __typename }" })).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
}

/// The whole introspection query with its selection of `__schema` under other names.
fn introspection_as(aliases: &[&str]) -> String {
    let whole = include_str!("../../fixtures/introspection.graphql");
    let (_, rest) = whole
        .split_once("  __schema {")
        .expect("it selects the schema");
    let (selection, fragments) = rest.split_once("\n  }\n}").expect("the selection ends");
    let selections = aliases
        .iter()
        .map(|alias| format!("{alias}: __schema {{ {selection} }} "));
    format!("{{ {} }} {fragments}", selections.collect::<String>())
}

#[tokio::test]
async fn introspection_under_many_aliases_in_a_batch_is_refused_and_the_next_request_is_answered() {
    let desk = Desk::open().await;
    let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let request = json!({ "query": introspection_as(&ten) });
    let (status, answer) = desk.post(&request).await;
    assert_over(
        &(status, answer),
        10,
        "selections of `__schema` and `__type`",
        4,
    );

    let attack = async || {
        let batch = vec![request.clone(); 10];
        let (_, answers) = desk.post(&json!(batch)).await;
        assert!(answers.to_string().len() < 10_000, "{answers}");
        for answer in answers.as_array().into_iter().flatten() {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        }
    };
    futures_util::future::join_all((0..12).map(|_| attack())).await;
    let whole = include_str!("../../fixtures/introspection.graphql");
    assert!(desk.execute(whole).await["__schema"]["types"].is_array());
}

#[tokio::test]
async fn a_batch_may_read_the_schema_as_often_as_one_request() {
    let desk = Desk::open().await;
    let schema = json!({ "query": introspection_as(&["a"]) });
    let cheap = json!({ "query": "{ __typename }" });
    let two =
        json!({ "query": "{ a: __type(name: \"ID\") { name } b: __schema { description } }" });
    let batch = json!([schema, cheap, two, schema, schema, cheap]);
    // The second time, some responses come from the cache.
    for _ in 0..2 {
        let (status, answers) = desk.post(&batch).await;
        assert_eq!(status, 200);
        let is_refused = |index: usize| answers[index]["errors"][0]["extensions"].is_object();
        let refused: Vec<bool> = (0..6).map(is_refused).collect();
        assert_eq!(refused, [false, false, false, false, true, false]);
        assert_eq!(
            answers[4]["errors"][0]["message"],
            "The batch has 5 selections of `__schema` and `__type`; at most 4 are allowed."
        );
        assert_eq!(
            answers[4]["errors"][0]["extensions"],
            json!({ "code": "LIMIT_EXCEEDED", "cost": 5, "allowed": 4 })
        );
    }
}

#[tokio::test]
async fn introspection_costs_as_much_as_its_answer_holds() {
    let desk = Desk::open().await;
    // Inside one selection of the schema, aliases multiply as well.
    let lists = ["a", "b", "c", "d"].map(|alias| format!("{alias}: types {{ ...FullType }} "));
    let whole = include_str!("../../fixtures/introspection.graphql");
    let (_, fragments) = whole.split_once("fragment").expect("it has fragments");
    let query = format!(
        "{{ __schema {{ {} }} }} fragment{fragments}",
        lists.concat()
    );
    let (status, answer) = desk.post(&json!({ "query": query })).await;
    assert_eq!(status, 400, "{answer}");
    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("points of complexity"), "{message}");
}

#[tokio::test]
async fn with_introspection_disabled_nothing_reveals_the_schema() {
    let desk = Desk::open_with(DeskOptions::default().set("INTROSPECTION__ENABLED", "false")).await;

    for (query, field) in [
        ("{ __schema { types { name } } }", "__schema"),
        ("{ __type(name: \"Ticket\") { fields { name } } }", "__type"),
        (
            "{ ...Q } fragment Q on Query { a: __schema { queryType { name } } }",
            "__schema",
        ),
    ] {
        let (status, answer) = desk.post(&json!({ "query": query })).await;
        assert_eq!(status, 400, "{answer}");
        assert_eq!(
            answer["errors"][0]["message"],
            format!(
                "GraphQL introspection has been disabled, but the requested query contained the field \"{field}\"."
            )
        );
    }
    assert_eq!(
        desk.execute("{ __typename vendors { __typename } }").await["__typename"],
        "Query"
    );

    let mut found = Vec::new();
    for (query, variables) in [
        ("{ tickts { nodes { id } } }", json!({})),
        ("{ tickets { nodes { subjct } } }", json!({})),
        ("{ tickets(frst: 1) { totalCount } }", json!({})),
        ("{ tickets(first: \"a\") { totalCount } }", json!({})),
        (
            "{ tickets(filter: { statses: [PENDING] }) { totalCount } }",
            json!({}),
        ),
        (
            "{ tickets(filter: { statuses: [PENDNG] }) { totalCount } }",
            json!({}),
        ),
        ("{ ticket { id } }", json!({})),
        ("{ ticket(id: \"a\") }", json!({})),
        ("{ ticket(id: \"a\") { id { a } } }", json!({})),
        ("{ ticket(id: \"a\") { ... on Tickt { id } } }", json!({})),
        ("{ ticket(id: \"a\") { ... on Sponsor { id } } }", json!({})),
        (
            "{ ticket(id: \"a\") { ... on DateTime { id } } }",
            json!({}),
        ),
        (
            "{ ticket(id: \"a\") { ...F } } fragment G on Ticket { id }",
            json!({}),
        ),
        ("{ sponsors { id @skp(if: true) } }", json!({})),
        ("{ sponsors { id @skip(f: true) } }", json!({})),
        ("{ sponsors { id @skip } }", json!({})),
        ("query($a: Tickt) { ticket(id: $a) { id } }", json!({})),
        ("query($a: Int) { ticket(id: $a) { id } }", json!({})),
        ("mutation { createTicket { ticket { id } } }", json!({})),
        (
            "mutation { createTicket(input: {}) { ticket { id } } }",
            json!({}),
        ),
        (
            "mutation { createTicket(input: { subject: 5 }) { ticket { id } } }",
            json!({}),
        ),
        (
            "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount } }",
            json!({ "filter": { "statuses": ["PENDNG"] } }),
        ),
        (
            "mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id } } }",
            json!({ "input": { "subjct": "a" } }),
        ),
        (
            "{ tickets(filter: { createdFrom: \"yesterday\" }) { totalCount } }",
            json!({}),
        ),
        (
            "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount } }",
            json!({ "filter": { "createdFrom": 5 } }),
        ),
        ("subscription { a }", json!({})),
    ] {
        let (status, answer) = desk
            .post(&json!({ "query": query, "variables": variables }))
            .await;
        assert_eq!(status, 400, "{query}: {answer}");

        let sent = format!("{query} {variables}");
        let schema = schema_without_descriptions();
        for error in answer["errors"].as_array().into_iter().flatten() {
            let message = error["message"].as_str().unwrap_or_default();
            assert!(!message.contains("Did you mean"), "{query}: {message}");
            for name in names(message) {
                let is_loaded = names(&schema).any(|known| known == name)
                    && !names(&sent).any(|known| known == name)
                    && !PLAIN_WORDS.contains(&name);
                if is_loaded {
                    found.push(format!("{query}: {name} in {message}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(desk.calls(), (0, 0));
    let schema = desk.client().get(desk.url("/schema.graphql")).send().await;
    assert_eq!(
        schema.map(|response| response.status().as_u16()).ok(),
        Some(404)
    );
}

/// Names of the schema that are also words of plain sentences, and GraphQL's own types, which every schema has.
const PLAIN_WORDS: [&str; 13] = [
    "query", "type", "field", "enum", "input", "Int", "String", "Boolean", "ID", "name", "from",
    "to", "value",
];

fn schema_without_descriptions() -> String {
    let schema = deskgraph::schema::sdl();
    let outside_blocks = schema.split("\"\"\"").step_by(2);
    outside_blocks
        .flat_map(str::lines)
        .filter(|line| !line.trim_start().starts_with('"'))
        .collect::<Vec<_>>()
        .join("\n")
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric())
        .filter(|name| !name.is_empty())
}
