//! The log of the real program: what a line contains, and what no line contains, whatever RUST_LOG is.

use base64::{Engine, engine::general_purpose::STANDARD};
use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions, credentials};
use serde_json::{Value, json};

use crate::harness::until;
use crate::program::{Ended, Program, client, settings_for};

const API_KEY: &str = "top-secret-key-31337";

struct Logged {
    vendors: Sandbox,
    program: Program,
    client: reqwest::Client,
}

impl Logged {
    async fn start(format: &str, filter: &str) -> Self {
        let vendors = Sandbox::start(SandboxOptions::default())
            .await
            .expect("ports are free");
        let keys =
            json!([{ "name": "desk-app", "key": API_KEY, "scopes": ["read", "write", "pii"] }]);
        let mut settings = settings_for(&vendors);
        settings.extend([
            ("DESKGRAPH_LOG__FORMAT", format.to_owned()),
            ("DESKGRAPH_AUTH__MODE", "api_key".to_owned()),
            ("DESKGRAPH_AUTH__API_KEYS", keys.to_string()),
            ("RUST_LOG", filter.to_owned()),
        ]);
        let logged = Self {
            program: Program::start(&["serve"], &settings).await,
            vendors,
            client: client(),
        };
        // The start has logged in to the vendors.
        until("it is ready", async || {
            let ready = logged.client.get(logged.program.url("/health/ready"));
            ready.send().await.is_ok_and(|ready| ready.status() == 200)
        })
        .await;
        logged
    }

    async fn execute(&self, request_id: &str, query: &str, variables: Value) -> Value {
        let response = self
            .client
            .post(self.program.url("/graphql"))
            .bearer_auth(API_KEY)
            .header("x-request-id", request_id)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .expect("the gateway responds");
        response.json().await.expect("the response is JSON")
    }

    async fn end(self) -> Ended {
        let ended = self.program.end_by("-INT").await;
        assert_eq!(ended.code, Some(0));
        ended
    }
}

fn of_request<'a>(lines: &'a [Value], target: &str, id: &str) -> Vec<&'a Value> {
    let is_wanted = |line: &&Value| line["target"] == target && line["request.id"] == id;
    lines.iter().filter(is_wanted).collect()
}

const OPEN_TICKETS: &str =
    "query OpenTickets { tickets(first: 2) { nodes { id handler { name } } } }";

#[tokio::test]
async fn a_request_and_each_of_its_vendor_calls_have_a_json_line() {
    let logged = Logged::start("json", "info,deskgraph=debug").await;
    for id in ["first-time", "second-time"] {
        let answer = logged.execute(id, OPEN_TICKETS, json!({})).await;
        assert_eq!(answer.get("errors"), None);
    }
    let login = logged.vendors.firstline().requests_to("/api/v1/auth").len();
    let lists = logged
        .vendors
        .firstline()
        .requests_to("/api/v1/ticket")
        .len();
    assert_eq!((login, lists), (1, 2));
    let lines = logged.end().await.lines();

    let requests = of_request(&lines, "deskgraph::request", "first-time");
    assert_eq!(requests.len(), 1);
    let line = requests[0];
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["http.route"], "/graphql");
    assert_eq!(line["http.status"], 200);
    assert_eq!(line["graphql.operation.name"], "OpenTickets");
    assert_eq!(line["graphql.operation.type"], "query");
    assert_eq!(line["caller"], "desk-app");
    assert_eq!(line["errors"], 0);
    assert!(line["duration_ms"].is_u64(), "{line}");
    assert_eq!(
        line["vendor.calls"], 2,
        "the list's two calls, after the login at the start: {line}"
    );
    assert!(line["cache.hits"].is_u64(), "{line}");

    let again = of_request(&lines, "deskgraph::request", "second-time");
    assert_eq!(again.len(), 1);
    assert_eq!(again[0]["vendor.calls"], 0);
    assert!(again[0]["cache.hits"].as_u64() > Some(0));

    let calls = of_request(&lines, "deskgraph::upstream", "first-time");
    let routes: Vec<&Value> = calls.iter().map(|line| &line["http.route"]).collect();
    assert_eq!(routes, ["/api/v1/ticket", "/api/v1/ticket"]);
    for line in calls {
        assert_eq!(line["level"], "DEBUG");
        assert_eq!(line["vendor"], "firstline");
        assert_eq!(line["http.status"], 200);
        assert_eq!(line["attempt"], 1);
        assert!(line["duration_ms"].is_u64(), "{line}");
        assert!(line["bytes"].as_u64() > Some(0), "{line}");
    }
    assert!(of_request(&lines, "deskgraph::upstream", "second-time").is_empty());
}

#[tokio::test]
async fn the_text_format_has_the_same_lines() {
    let logged = Logged::start("text", "deskgraph=debug").await;
    logged.execute("as-text", OPEN_TICKETS, json!({})).await;
    let text = logged.end().await.stderr;

    let line_with = |part: &str| {
        let mut lines = text
            .lines()
            .filter(|line| line.contains("as-text") && line.contains(part));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no line has {part}: {text}"));
        assert_eq!(lines.next(), None);
        line
    };
    let request = line_with("deskgraph::request");
    for part in [
        "INFO",
        "http.status=200",
        "graphql.operation.name=\"OpenTickets\"",
        "caller=\"desk-app\"",
        "duration_ms=",
        "vendor.calls=2",
        "cache.hits=",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    let is_call =
        |line: &&str| line.contains("as-text") && line.contains("http.route=\"/api/v1/ticket\"");
    let call = text.lines().find(is_call).expect("the list was read");
    for part in [
        "DEBUG",
        "vendor=\"firstline\"",
        "http.status=200",
        "attempt=1",
        "duration_ms=",
        "bytes=",
    ] {
        assert!(call.contains(part), "{part}: {call}");
    }
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
}

#[tokio::test]
async fn each_attempt_of_a_call_is_logged_and_its_failure_once() {
    let logged = Logged::start("json", "deskgraph=debug").await;
    let broken = Fault::Status {
        code: 503,
        body: "out of order".to_owned(),
        headers: Default::default(),
    };
    logged
        .vendors
        .firstline()
        .add_fault(FaultRule::new("/api/v1/ticket", broken));
    let answer = logged.execute("failing", OPEN_TICKETS, json!({})).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"],
        "UPSTREAM_UNAVAILABLE"
    );
    let lines = logged.end().await.lines();

    let calls = of_request(&lines, "deskgraph::upstream", "failing");
    let attempts: Vec<u64> = calls
        .iter()
        .filter(|line| line["level"] == "DEBUG" && line["http.status"] == 503)
        .filter_map(|line| line["attempt"].as_u64())
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    let failures: Vec<&&Value> = calls
        .iter()
        .filter(|line| line["level"] == "WARN")
        .collect();
    assert_eq!(failures.len(), 1, "{calls:?}");
    assert_eq!(failures[0]["error.code"], "ServerError");
    assert_eq!(
        of_request(&lines, "deskgraph::request", "failing")[0]["errors"],
        1
    );
}

#[tokio::test]
async fn a_malformed_response_is_logged_with_the_place_in_its_json() {
    let logged = Logged::start("json", "info").await;
    let wrong = Fault::Status {
        code: 200,
        body: r#"{"data":[{"id":"Geheim-4713"}]}"#.to_owned(),
        headers: Default::default(),
    };
    logged
        .vendors
        .firstline()
        .add_fault(FaultRule::new("/api/v1/ticket", wrong));
    let answer = logged.execute("wrong-shape", OPEN_TICKETS, json!({})).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"],
        "UPSTREAM_CONTRACT"
    );
    let ended = logged.end().await;
    let lines = ended.lines();

    let failures = of_request(&lines, "deskgraph::upstream", "wrong-shape");
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0]["level"], "WARN");
    assert_eq!(failures[0]["json.path"], "data[0].id");
    assert_eq!(failures[0]["http.route"], "/api/v1/ticket");
    assert!(!ended.stderr.contains("Geheim-4713"));
}

/// Messages of the process that belong to no request.
const OF_NO_REQUEST: [&str; 2] = ["listening", "stopping: waiting for requests in flight"];

#[tokio::test]
async fn every_log_line_of_a_request_has_its_id_once() {
    // A filter that leaves out the span of the id must not remove the id from the other lines.
    let narrow = "deskgraph=info,deskgraph::http=off,deskgraph::upstream=debug";
    for filter in ["trace", narrow] {
        let logged = Logged::start("json", filter).await;
        let bangwo8 = logged.vendors.bangwo8();
        bangwo8.add_fault(FaultRule::new("", Fault::Errcode));
        let records = "{ serviceRecords(first: 1) { nodes { id } } }";
        logged.execute("refused-within", records, json!({})).await;
        bangwo8.clear_faults();
        if filter == "trace" {
            send_marked_queries(&logged).await;
        }
        let text = logged.end().await.stderr;

        let mut refused_within_a_success = false;
        for line in text.lines() {
            let entry: Value = serde_json::from_str(line).expect("each line is JSON");
            if OF_NO_REQUEST
                .iter()
                .any(|message| entry["message"] == *message)
            {
                continue;
            }
            refused_within_a_success |=
                entry["message"] == "the vendor rejected a call with a status of success";
            let ids = line.matches("\"request.id\":").count();
            assert_eq!(ids, 1, "{filter}: {line}");
        }
        assert!(refused_within_a_success, "{filter}");
    }
}

/// Texts that are recognised anywhere: a search, personal data, contents, and the body of a broken vendor.
const MARKED: [&str; 12] = [
    "Zebrafink-4711",
    "Annabel Marked",
    "marked@customer.example",
    "M-4712-MEMBER",
    "Geheim-4713",
    "Subject-4714",
    "Content-4715",
    "Key-4716",
    "unknownField4717",
    "alias4718",
    "Memo-4719",
    "987654321",
];

#[tokio::test]
async fn no_log_line_contains_queries_values_or_secrets() {
    for (format, filter) in [
        ("text", "trace"),
        (
            "json",
            "trace,hyper=trace,hyper_util=trace,reqwest=trace,h2=trace,rustls=trace,tower_http=trace",
        ),
    ] {
        let logged = Logged::start(format, filter).await;
        send_marked_queries(&logged).await;
        let text = logged.end().await.stderr;

        assert!(text.contains("DEBUG") && text.contains("WARN"), "{text}");
        for marked in MARKED {
            assert!(
                !text.contains(marked),
                "{marked} is in a line: {}",
                line_of(&text, marked)
            );
        }
        let basic = STANDARD.encode(format!(
            "{}:{}",
            credentials::BANGWO8_ACCOUNT,
            credentials::BANGWO8_PASSWORD
        ));
        for secret in [
            API_KEY,
            credentials::FIRSTLINE_PASSWORD,
            credentials::BANGWO8_ACCOUNT,
            credentials::BANGWO8_PASSWORD,
            &basic,
            // The first characters of the tokens that a login returns.
            "eyJ",
            "Bearer ",
            "search=",
            "per_page",
            "{ nodes",
        ] {
            assert!(
                !text.contains(secret),
                "{secret} is in a line: {}",
                line_of(&text, secret)
            );
        }
    }
}

fn line_of<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines()
        .find(|line| line.contains(part))
        .unwrap_or_default()
}

/// Sends queries with marked values in every place, to vendors that work, fail and do not respond.
async fn send_marked_queries(logged: &Logged) {
    let (firstline, bangwo8) = (logged.vendors.firstline(), logged.vendors.bangwo8());
    logged.vendors.firstline_insert_ticket(json!({
        "id": 987_654_321,
        "subject": "Subject-4714",
        "content": "Content-4715",
        "contact": {
            "id": 4712, "name": "Annabel Marked", "membership_no": "M-4712-MEMBER", "email": "marked@customer.example"
        },
    }));

    let marked_ticket = r#"query Marked($search: String) {
        alias4718: tickets(first: 2, filter: { search: $search }) { nodes { id } }
        node(id: "firstline:Ticket:987654321") { id ... on Ticket { subject content contact { name membershipNo } } }
        employees(filter: { search: "Annabel Marked" }) { nodes { id } }
        serviceRecords(first: 3) { nodes { id contact { name } messages { nodes { text } } } sources { state } }
    }"#;
    let answer = logged
        .execute(
            "marked",
            marked_ticket,
            json!({ "search": "Zebrafink-4711" }),
        )
        .await;
    assert_eq!(
        answer["data"]["node"]["subject"], "Subject-4714",
        "{answer}"
    );

    let create = r#"mutation Create($input: CreateTicketInput!) {
        createTicket(input: $input) { ticket { subject } userErrors { message } }
    }"#;
    let input = json!({ "input": {
        "subject": "Subject-4714", "content": "Content-4715", "statusMemo": "Memo-4719", "idempotencyKey": "Key-4716"
    } });
    let answer = logged.execute("create", create, input.clone()).await;
    assert_eq!(
        answer["data"]["createTicket"]["ticket"]["subject"], "Subject-4714",
        "{answer}"
    );

    // Invalid requests, by POST and by GET.
    for query in [
        "{ unknownField4717 }",
        "{ tickets(filter: { search: \"Zebrafink-4711\" }",
        "{ ticket(id: \"Geheim-4713\") { id } }",
        "{ tickets(first: \"Geheim-4713\") { totalCount } }",
    ] {
        let answer = logged
            .execute("refused", query, json!({ "search": "Geheim-4713" }))
            .await;
        assert!(answer["errors"].is_array(), "{answer}");
        let request = logged
            .client
            .get(logged.program.url("/graphql"))
            .query(&[("query", query)])
            .header("x-api-key", API_KEY);
        request.send().await.expect("the gateway responds");
    }
    for (key, body) in [(API_KEY, "{\"query\": Geheim-4713"), ("Geheim-4713", "{}")] {
        let request = logged
            .client
            .post(logged.program.url("/graphql?search=Zebrafink-4711"))
            .header("content-type", "application/json")
            .bearer_auth(key)
            .body(body);
        request.send().await.expect("the gateway responds");
    }

    // Failing vendors, each with marked text in the request or in the response.
    let says = |code| {
        Fault::Status {
        code,
        body: r#"{"message":"Geheim-4713","errors":{"subject":["Geheim-4713"]},"data":[{"id":"Geheim-4713"}]}"#.to_owned(),
        headers: [("x-detail".to_owned(), "Geheim-4713".to_owned())].into(),
    }
    };
    for fault in [
        says(200),
        says(302),
        says(400),
        says(401),
        says(403),
        says(404),
        says(422),
        says(500),
        Fault::CloseBeforeHead,
        Fault::ResetConnection,
        Fault::TruncatedBody,
        Fault::NotJson,
        Fault::WrongShape,
        Fault::Errcode,
    ] {
        firstline.add_fault(FaultRule::new("", fault.clone()));
        bangwo8.add_fault(FaultRule::new("", fault));
        let search = json!({ "search": format!("Zebrafink-4711 {}", firstline.requests().len()) });
        logged.execute("failing", marked_ticket, search).await;
        let mut input = input.clone();
        input["input"]["idempotencyKey"] =
            json!(format!("Key-4716 {}", firstline.requests().len()));
        logged.execute("failing-write", create, input).await;
        firstline.clear_faults();
        bangwo8.clear_faults();
    }
}

#[tokio::test]
async fn a_filter_that_the_vendor_ignores_is_one_warning_with_its_parameter_and_setting() {
    let logged = Logged::start("json", "info").await;
    let ignored = |name: &str| deskgraph::sandbox::IgnoredParameter {
        name: name.to_owned(),
        place: Default::default(),
    };
    logged.vendors.firstline().change_switches(|switches| {
        switches.ignored_parameters = vec![ignored("statuses"), ignored("handler_id")];
        switches.ignores_created_at = true;
    });
    for (id, query) in [
        (
            "tickets",
            "{ tickets(filter: { statuses: [CLOSED] }) { totalCount } }",
        ),
        (
            "stats",
            "{ ticketStats(filter: { statuses: [PENDING] }) { total } }",
        ),
        (
            "records",
            "{ serviceRecords(filter: { handlerId: \"firstline:Employee:7\" }) { totalCount } }",
        ),
        (
            "bounds",
            "{ tickets(filter: { createdTo: \"2020-01-01T00:00:00Z\" }) { totalCount } }",
        ),
    ] {
        let answer = logged.execute(id, query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }
    let lines = logged.end().await.lines();
    let warnings = lines.iter().filter(|line| line["level"] == "WARN");
    let named: Vec<(&str, &str)> = warnings
        .filter_map(|line| {
            Some((
                line["filter.parameter"].as_str()?,
                line["setting"].as_str()?,
            ))
        })
        .collect();
    let style = "DESKGRAPH_FIRSTLINE__ARRAY_STYLE";
    for parameter in ["statuses", "handler_id"] {
        let of_parameter = named.iter().filter(|(name, _)| *name == parameter);
        let settings: Vec<&str> = of_parameter.map(|(_, setting)| *setting).collect();
        assert_eq!(settings, [style], "{parameter}");
    }
    assert!(
        named.contains(&("creation time", "DESKGRAPH_FIRSTLINE__TIME_ZONE")),
        "{named:?}"
    );
}
