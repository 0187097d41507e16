//! Equal queries share one execution and one cached response. The tests read `response.source` in the log of the real
//! program.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    harness::{Desk, DeskOptions, in_time},
    program::{Ended, Program, client, settings_for},
};

const TICKETS: &str =
    "query Tickets { tickets(first: 3) { nodes { id subject contact { identityNo } } } }";
const RECORDS: &str =
    "query Records { serviceRecords(first: 3) { nodes { id memo } sources { vendor state } } }";
const UPDATE_TICKET: &str = "mutation ($id: ID!, $subject: String!) {
    updateTicket(input: { id: $id, subject: $subject }) { ticket { subject } userErrors { message } } }";
/// Every setting of a time to live: nothing expires while a test runs.
const LIVES: [&str; 3] = [
    "DESKGRAPH_CACHE__LIST_TTL_MS",
    "DESKGRAPH_CACHE__ENTITY_TTL_MS",
    "DESKGRAPH_CACHE__DIRECTORY_TTL_MS",
];

/// The program with its log in JSON, and callers with different scopes: `reader` does not see personal data.
struct LoggedProgram {
    vendors: Sandbox,
    program: Program,
    client: reqwest::Client,
}

impl LoggedProgram {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(more: &[(&'static str, &str)]) -> Self {
        let vendors = Sandbox::start(SandboxOptions::default())
            .await
            .expect("ports are free");
        let keys = json!([
            { "name": "full", "key": "full-key-of-a-test", "scopes": ["read", "write", "pii"] },
            { "name": "another-full", "key": "another-full-key-of-a-test", "scopes": ["pii", "write", "read"] },
            { "name": "reader", "key": "reader-key-of-a-test", "scopes": ["read"] },
        ]);
        let mut settings = settings_for(&vendors);
        settings.extend(LIVES.map(|name| (name, "600000".to_owned())));
        settings.extend([
            ("DESKGRAPH_LOG__FORMAT", "json".to_owned()),
            ("DESKGRAPH_AUTH__MODE", "api_key".to_owned()),
            ("DESKGRAPH_AUTH__API_KEYS", keys.to_string()),
            ("RUST_LOG", "info".to_owned()),
        ]);
        settings.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        Self {
            program: Program::start(&["serve"], &settings).await,
            vendors,
            client: client(),
        }
    }

    fn request_as(
        &self,
        caller: &str,
        id: &str,
        query: &str,
        variables: Value,
    ) -> reqwest::RequestBuilder {
        self.client
            .post(self.program.url("/graphql"))
            .bearer_auth(format!("{caller}-key-of-a-test"))
            .header("x-request-id", id)
            .json(&json!({ "query": query, "variables": variables }))
    }

    async fn execute_as(&self, caller: &str, id: &str, query: &str) -> Value {
        self.answer(caller, id, query, json!({})).await
    }

    async fn answer(&self, caller: &str, id: &str, query: &str, variables: Value) -> Value {
        let response = self.request_as(caller, id, query, variables).send().await;
        let response = response.expect("the gateway responds");
        response.json().await.expect("the response is JSON")
    }

    /// Delays FirstLine's responses for tickets until all concurrent requests have arrived.
    fn delay_tickets(&self) {
        self.vendors
            .firstline()
            .add_fault(FaultRule::new("/api/v1/ticket", Fault::Delay { ms: 3_000 }));
    }

    async fn until_tickets_are_requested(&self) {
        let vendor = self.vendors.firstline();
        let arrived = vendor.until(|vendor| !vendor.requests_to("/api/v1/ticket").is_empty());
        in_time("the vendor receives a request for tickets", arrived).await;
    }

    async fn end(self) -> Log {
        Log(self.program.end_by("-INT").await)
    }
}

struct Log(Ended);

impl Log {
    /// The source of each response, by the id of its request.
    fn sources(&self) -> BTreeMap<String, Value> {
        self.0
            .lines()
            .into_iter()
            .filter(|line| line["target"] == "deskgraph::request")
            .map(|line| {
                let id = line["request.id"].as_str().unwrap_or_default().to_owned();
                (id, line["response.source"].clone())
            })
            .collect()
    }

    fn count(&self, sources: &str) -> usize {
        let all = self.sources();
        all.values().filter(|known| **known == sources).count()
    }
}

#[tokio::test]
async fn a_hundred_concurrent_equal_queries_share_one_execution() {
    let gateway = LoggedProgram::start().await;
    gateway.delay_tickets();

    let ids: Vec<String> = (0..100).map(|number| format!("equal-{number}")).collect();
    let callers = ["full", "another-full"];
    let pending = ids
        .iter()
        .enumerate()
        .map(|(number, id)| gateway.execute_as(callers[number % callers.len()], id, TICKETS));
    let answers = join_all(pending).await;

    assert_eq!(
        answers[0]["data"]["tickets"]["nodes"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        gateway
            .vendors
            .firstline()
            .requests_to("/api/v1/ticket")
            .len(),
        2
    );
    let log = gateway.end().await;
    assert_eq!((log.count("executed"), log.count("coalesced")), (1, 99));
}

#[tokio::test]
async fn different_scopes_and_different_queries_share_nothing() {
    let gateway = LoggedProgram::start().await;
    gateway.delay_tickets();

    let other_variables = "query Tickets($first: Int) { tickets(first: $first) { nodes { id } } }";
    let (full, reader, _, _) = tokio::join!(
        gateway.execute_as("full", "full", TICKETS),
        gateway.execute_as("reader", "reader", TICKETS),
        gateway.answer("full", "one", other_variables, json!({ "first": 1 })),
        gateway.answer("full", "two", other_variables, json!({ "first": 2 })),
    );

    assert_ne!(full, reader, "personal data is masked for the reader");
    assert_eq!(gateway.end().await.count("executed"), 4);
}

#[tokio::test]
async fn queries_with_different_variables_are_executed_separately() {
    let gateway = LoggedProgram::start().await;
    let query = "query Dashboard($employee: ID!) {
        tickets(first: 3) { nodes { id } } employee(id: $employee) { name } }";

    let ids: Vec<String> = (0..100).map(|number| format!("other-{number}")).collect();
    let pending = ids.iter().enumerate().map(|(number, id)| {
        let employee = format!("firstline:Employee:{}", 1_000_000 + number);
        gateway.answer("full", id, query, json!({ "employee": employee }))
    });
    for answer in join_all(pending).await {
        assert_eq!(answer.get("errors"), None);
    }

    let calls = gateway.vendors.firstline().requests_to("/api/v1/ticket");
    assert_eq!(calls.len(), 2, "the common list is read once");
    assert_eq!(gateway.end().await.count("executed"), 100);
}

#[tokio::test]
async fn a_shared_execution_survives_the_disconnect_of_its_leader() {
    let gateway = LoggedProgram::start().await;
    gateway.delay_tickets();

    let disconnecting = gateway
        .request_as("full", "disconnecting", TICKETS, json!({}))
        .timeout(Duration::from_millis(1_000))
        .send();
    let staying = async {
        gateway.until_tickets_are_requested().await;
        let pending = ["second", "third"].map(|id| gateway.execute_as("full", id, TICKETS));
        join_all(pending).await
    };
    let (left, answers) = tokio::join!(disconnecting, staying);

    assert!(left.is_err(), "it disconnected before the response");
    for answer in answers {
        assert_eq!(answer.get("errors"), None);
        assert!(answer["data"]["tickets"].is_object());
    }
    assert_eq!(
        gateway
            .vendors
            .firstline()
            .requests_to("/api/v1/ticket")
            .len(),
        2
    );
    let sources = gateway.end().await.sources();
    assert_eq!(sources["disconnecting"], "executed");
    assert_eq!(sources["second"], "coalesced");
    assert_eq!(sources["third"], "coalesced");
}

#[tokio::test]
async fn a_follower_does_not_inherit_the_timeout_of_its_leader() {
    const TIME: Duration = Duration::from_secs(4);
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("LIMITS__REQUEST_TIMEOUT_MS", TIME.as_millis())
            .set("FIRSTLINE__TIMEOUT_MS", 60_000),
    )
    .await;
    desk.execute("{ sponsors { id } }").await;
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("/api/v1/ticket", Fault::HangBeforeHead).times(1));

    let later = async {
        // The deadline of the second request is this much later.
        sleep(TIME / 2).await;
        desk.answer(TICKETS, json!({})).await
    };
    let (first, second) = tokio::join!(desk.answer(TICKETS, json!({})), later);

    assert_eq!(first["errors"][0]["extensions"]["code"], "UPSTREAM_TIMEOUT");
    assert_eq!(second.get("errors"), None, "{second}");
    assert!(second["data"]["tickets"].is_object());
}

#[tokio::test]
async fn a_follower_with_more_time_gets_a_retry_that_the_leader_had_no_time_for() {
    const TIME: Duration = Duration::from_secs(6);
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("LIMITS__REQUEST_TIMEOUT_MS", TIME.as_millis())
            .set("FIRSTLINE__TIMEOUT_MS", 60_000),
    )
    .await;
    desk.execute("{ sponsors { id } }").await;
    // 3 seconds of 6 are over when the vendor asks the gateway to wait for 4.
    let firstline = desk.sandbox.firstline();
    let late = Fault::Delay { ms: 3_000 };
    firstline.add_fault(FaultRule::new("/api/v1/ticket", late).times(1));
    let busy = Fault::Status {
        code: 429,
        body: String::new(),
        headers: BTreeMap::from([("retry-after".to_owned(), "4".to_owned())]),
    };
    firstline.add_fault(FaultRule::new("/api/v1/ticket", busy).times(1));

    let started = Instant::now();
    let later = async {
        // The deadline of the second request is this much later.
        sleep(TIME / 3).await;
        desk.answer(TICKETS, json!({})).await
    };
    let (first, second) = tokio::join!(desk.answer(TICKETS, json!({})), later);

    let extensions = &first["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(extensions["retryAfterSeconds"], 4);
    assert_eq!(second.get("errors"), None, "{second}");
    assert!(second["data"]["tickets"].is_object());
    assert!(
        started.elapsed() >= Duration::from_secs(7),
        "the gateway waited as long as the vendor requested"
    );
    assert_eq!(firstline.requests_to("/api/v1/ticket").len(), 3);
}

#[tokio::test]
async fn a_cached_response_is_replayed_until_a_write_to_a_dependency() {
    let gateway = LoggedProgram::start().await;
    for round in 1..=3 {
        for (name, query) in [("tickets", TICKETS), ("records", RECORDS)] {
            let answer = gateway
                .execute_as("full", &format!("{name}-{round}"), query)
                .await;
            assert_eq!(answer.get("errors"), None);
        }
    }

    let tickets = gateway.execute_as("full", "tickets-4", TICKETS).await;
    let id = &tickets["data"]["tickets"]["nodes"][0]["id"];
    let variables = json!({ "id": id, "subject": "Written meanwhile" });
    gateway
        .answer("full", "write", UPDATE_TICKET, variables)
        .await;
    let tickets = gateway.execute_as("full", "tickets-5", TICKETS).await;
    gateway.execute_as("full", "records-5", RECORDS).await;

    let nodes = tickets["data"]["tickets"]["nodes"]
        .as_array()
        .expect("a list");
    let written = nodes
        .iter()
        .find(|node| node["id"] == *id)
        .expect("it is still there");
    assert_eq!(written["subject"], "Written meanwhile");
    let sources = gateway.end().await.sources();
    assert_eq!(sources["tickets-1"], "executed");
    assert_eq!(sources["tickets-2"], "cached");
    // The first response says FRESH, which would not be true of a replay.
    assert_eq!(sources["records-2"], "executed");
    assert_eq!(sources["records-3"], "cached");
    assert_eq!(sources["write"], "executed");
    assert_eq!(sources["tickets-5"], "executed");
    assert_eq!(sources["records-5"], "cached", "no record was written");
}

#[tokio::test]
async fn a_write_to_a_record_invalidates_the_tickets_that_contain_it() {
    let gateway = LoggedProgram::start().await;
    let sponsors = "query Sponsors { sponsors { id } }";
    let number = gateway.vendors.firstline_insert_record(json!({}));
    let id = format!("firstline:ServiceRecord:{number}");
    for round in 1..=2 {
        gateway
            .execute_as("full", &format!("tickets-{round}"), TICKETS)
            .await;
        gateway
            .execute_as("full", &format!("sponsors-{round}"), sponsors)
            .await;
    }

    let update = "mutation ($id: ID!) { updateServiceRecord(input: { id: $id, memo: \"Seen\" }) { userErrors { message } } }";
    gateway
        .answer("full", "write", update, json!({ "id": id }))
        .await;
    gateway.execute_as("full", "tickets-3", TICKETS).await;
    gateway.execute_as("full", "sponsors-3", sponsors).await;

    let sources = gateway.end().await.sources();
    assert_eq!(sources["tickets-2"], "cached");
    assert_eq!(sources["tickets-3"], "executed");
    assert_eq!(sources["sponsors-3"], "cached");
}

#[tokio::test]
async fn a_response_with_errors_or_a_failed_part_is_not_cached() {
    let gateway = LoggedProgram::start_with(&[("DESKGRAPH_BANGWO8__MAX_RETRIES", "0")]).await;
    let broken = FaultRule::new("", Fault::HtmlError { code: 503 });
    gateway.vendors.bangwo8().add_fault(broken);
    let half = "{ serviceRecords(first: 3) { nodes { id } } }";
    let nulled = "{ sponsors { id } serviceRecords(first: 3, filter: { vendors: [BANGWO8] }) { nodes { id } } }";
    for round in 1..=3 {
        let answer = gateway
            .execute_as("full", &format!("half-{round}"), half)
            .await;
        assert_eq!(answer.get("errors"), None);
        let answer = gateway
            .execute_as("full", &format!("nulled-{round}"), nulled)
            .await;
        assert_eq!(answer["data"]["serviceRecords"], Value::Null);
    }

    assert_eq!(gateway.end().await.count("cached"), 0);
}

#[tokio::test]
async fn no_response_is_cached_with_the_cache_disabled_or_of_size_zero() {
    for off in [
        ("DESKGRAPH_CACHE__ENABLED", "false"),
        ("DESKGRAPH_CACHE__ANSWERS_MAX_BYTES", "0"),
    ] {
        let gateway = LoggedProgram::start_with(&[off]).await;
        for round in 1..=4 {
            gateway
                .execute_as("full", &format!("round-{round}"), TICKETS)
                .await;
        }
        assert_eq!(gateway.end().await.count("cached"), 0, "{off:?}");
    }
}

#[tokio::test]
async fn a_cached_response_never_reaches_a_caller_with_fewer_scopes() {
    let gateway = LoggedProgram::start().await;
    for round in 1..=2 {
        gateway
            .execute_as("full", &format!("full-{round}"), TICKETS)
            .await;
    }
    let full = gateway
        .execute_as("another-full", "another-full", TICKETS)
        .await;
    let reader = gateway.execute_as("reader", "reader", TICKETS).await;

    assert_ne!(full, reader);
    let sources = gateway.end().await.sources();
    assert_eq!(sources["another-full"], "cached");
    assert_eq!(sources["reader"], "executed");
}
