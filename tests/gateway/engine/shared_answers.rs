//! Equal queries share one execution and one kept answer: seen in the real program's log, which tells how each request came
//! by its answer.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    harness::{Desk, Wishes, in_time},
    program::{Ended, Program, client, settings_for},
};

const TICKETS: &str =
    "query Tickets { tickets(first: 3) { nodes { id subject contact { identityNo } } } }";
const RECORDS: &str =
    "query Records { serviceRecords(first: 3) { nodes { id memo } sources { vendor state } } }";
const UPDATE_TICKET: &str = "mutation ($id: ID!, $subject: String!) {
    updateTicket(input: { id: $id, subject: $subject }) { ticket { subject } userErrors { message } } }";
/// Every setting that says how long something is fresh: nothing grows old while a test runs.
const LIVES: [&str; 3] = [
    "DESKGRAPH_CACHE__LIST_TTL_MS",
    "DESKGRAPH_CACHE__ENTITY_TTL_MS",
    "DESKGRAPH_CACHE__DIRECTORY_TTL_MS",
];

/// The program with two callers: `full` may do everything, `reader` may not see personal data.
struct Watched {
    vendors: Sandbox,
    program: Program,
    client: reqwest::Client,
}

impl Watched {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(more: &[(&'static str, &str)]) -> Self {
        let vendors = Sandbox::start(SandboxOptions::default())
            .await
            .expect("ports are free");
        let keys = json!([
            { "name": "full", "key": "full", "scopes": ["read", "write", "pii"] },
            { "name": "another-full", "key": "another-full", "scopes": ["pii", "write", "read"] },
            { "name": "reader", "key": "reader", "scopes": ["read"] },
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

    fn asking(
        &self,
        caller: &str,
        id: &str,
        query: &str,
        variables: Value,
    ) -> reqwest::RequestBuilder {
        self.client
            .post(self.program.url("/graphql"))
            .bearer_auth(caller)
            .header("x-request-id", id)
            .json(&json!({ "query": query, "variables": variables }))
    }

    async fn ask_as(&self, caller: &str, id: &str, query: &str) -> Value {
        self.answer(caller, id, query, json!({})).await
    }

    async fn answer(&self, caller: &str, id: &str, query: &str, variables: Value) -> Value {
        let response = self.asking(caller, id, query, variables).send().await;
        let response = response.expect("the gateway answers");
        response.json().await.expect("the answer is JSON")
    }

    /// FirstLine answers calls for tickets so late that all who ask at once have come by then.
    fn delay_tickets(&self) {
        self.vendors
            .firstline()
            .add_fault(FaultRule::new("/api/v1/ticket", Fault::Delay { ms: 3_000 }));
    }

    async fn until_tickets_are_asked_for(&self) {
        let vendor = self.vendors.firstline();
        let arrived = vendor.until(|vendor| !vendor.requests_to("/api/v1/ticket").is_empty());
        in_time("the vendor is asked for tickets", arrived).await;
    }

    async fn end(self) -> Log {
        Log(self.program.end_by("-INT").await)
    }
}

struct Log(Ended);

impl Log {
    /// How each request came by its answer, by its id.
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
async fn a_hundred_equal_queries_at_once_make_one_execution() {
    let watched = Watched::start().await;
    watched.delay_tickets();

    let ids: Vec<String> = (0..100).map(|number| format!("equal-{number}")).collect();
    let callers = ["full", "another-full"];
    let asked = ids
        .iter()
        .enumerate()
        .map(|(number, id)| watched.ask_as(callers[number % callers.len()], id, TICKETS));
    let answers = join_all(asked).await;

    assert_eq!(
        answers[0]["data"]["tickets"]["nodes"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        watched
            .vendors
            .firstline()
            .requests_to("/api/v1/ticket")
            .len(),
        2
    );
    let log = watched.end().await;
    assert_eq!((log.count("executed"), log.count("coalesced")), (1, 99));
}

#[tokio::test]
async fn callers_of_other_rights_and_other_questions_share_nothing() {
    let watched = Watched::start().await;
    watched.delay_tickets();

    let other_variables = "query Tickets($first: Int) { tickets(first: $first) { nodes { id } } }";
    let (full, reader, _, _) = tokio::join!(
        watched.ask_as("full", "full", TICKETS),
        watched.ask_as("reader", "reader", TICKETS),
        watched.answer("full", "one", other_variables, json!({ "first": 1 })),
        watched.answer("full", "two", other_variables, json!({ "first": 2 })),
    );

    assert_ne!(full, reader, "personal data is masked for the reader");
    assert_eq!(watched.end().await.count("executed"), 4);
}

#[tokio::test]
async fn a_hundred_that_differ_in_a_variable_are_each_executed() {
    let watched = Watched::start().await;
    let query = "query Dashboard($employee: ID!) {
        tickets(first: 3) { nodes { id } } employee(id: $employee) { name } }";

    let ids: Vec<String> = (0..100).map(|number| format!("other-{number}")).collect();
    let asked = ids.iter().enumerate().map(|(number, id)| {
        let employee = format!("firstline:Employee:{}", 1_000_000 + number);
        watched.answer("full", id, query, json!({ "employee": employee }))
    });
    for answer in join_all(asked).await {
        assert_eq!(answer.get("errors"), None);
    }

    let calls = watched.vendors.firstline().requests_to("/api/v1/ticket");
    assert_eq!(calls.len(), 2, "what they have in common is read once");
    assert_eq!(watched.end().await.count("executed"), 100);
}

#[tokio::test]
async fn the_one_who_had_it_executed_may_leave() {
    let watched = Watched::start().await;
    watched.delay_tickets();

    let leaving = watched
        .asking("full", "leaving", TICKETS, json!({}))
        .timeout(Duration::from_millis(1_000))
        .send();
    let staying = async {
        watched.until_tickets_are_asked_for().await;
        let asked = ["second", "third"].map(|id| watched.ask_as("full", id, TICKETS));
        join_all(asked).await
    };
    let (left, answers) = tokio::join!(leaving, staying);

    assert!(left.is_err(), "it left before its answer came");
    for answer in answers {
        assert_eq!(answer.get("errors"), None);
        assert!(answer["data"]["tickets"].is_object());
    }
    assert_eq!(
        watched
            .vendors
            .firstline()
            .requests_to("/api/v1/ticket")
            .len(),
        2
    );
    let sources = watched.end().await.sources();
    assert_eq!(sources["leaving"], "executed");
    assert_eq!(sources["second"], "coalesced");
    assert_eq!(sources["third"], "coalesced");
}

#[tokio::test]
async fn who_came_later_does_not_get_the_time_out_of_the_one_before() {
    const TIME: Duration = Duration::from_secs(4);
    let desk = Desk::open_with(
        Wishes::default()
            .set("LIMITS__REQUEST_TIMEOUT_MS", TIME.as_millis())
            .set("FIRSTLINE__TIMEOUT_MS", 60_000),
    )
    .await;
    desk.ask("{ sponsors { id } }").await;
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("/api/v1/ticket", Fault::HangBeforeHead).times(1));

    let later = async {
        // By as much its own time ends later.
        sleep(TIME / 2).await;
        desk.answer(TICKETS, json!({})).await
    };
    let (first, second) = tokio::join!(desk.answer(TICKETS, json!({})), later);

    assert_eq!(first["errors"][0]["extensions"]["code"], "UPSTREAM_TIMEOUT");
    assert_eq!(second.get("errors"), None, "{second}");
    assert!(second["data"]["tickets"].is_object());
}

#[tokio::test]
async fn who_has_more_time_waits_for_a_retry_that_was_too_late_for_the_one_before() {
    const TIME: Duration = Duration::from_secs(6);
    let desk = Desk::open_with(
        Wishes::default()
            .set("LIMITS__REQUEST_TIMEOUT_MS", TIME.as_millis())
            .set("FIRSTLINE__TIMEOUT_MS", 60_000),
    )
    .await;
    desk.ask("{ sponsors { id } }").await;
    // 3 seconds of 6 are over when the vendor says to wait for 4.
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
        // By as much its own time ends later.
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
        "the vendor was given the time that it asked for"
    );
    assert_eq!(firstline.requests_to("/api/v1/ticket").len(), 3);
}

#[tokio::test]
async fn a_kept_answer_is_given_until_its_kind_of_data_is_written() {
    let watched = Watched::start().await;
    for round in 1..=3 {
        for (name, query) in [("tickets", TICKETS), ("records", RECORDS)] {
            let answer = watched
                .ask_as("full", &format!("{name}-{round}"), query)
                .await;
            assert_eq!(answer.get("errors"), None);
        }
    }

    let tickets = watched.ask_as("full", "tickets-4", TICKETS).await;
    let id = &tickets["data"]["tickets"]["nodes"][0]["id"];
    let variables = json!({ "id": id, "subject": "Written meanwhile" });
    watched
        .answer("full", "write", UPDATE_TICKET, variables)
        .await;
    let tickets = watched.ask_as("full", "tickets-5", TICKETS).await;
    watched.ask_as("full", "records-5", RECORDS).await;

    let nodes = tickets["data"]["tickets"]["nodes"]
        .as_array()
        .expect("a list");
    let written = nodes
        .iter()
        .find(|node| node["id"] == *id)
        .expect("it is still there");
    assert_eq!(written["subject"], "Written meanwhile");
    let sources = watched.end().await.sources();
    assert_eq!(sources["tickets-1"], "executed");
    assert_eq!(sources["tickets-2"], "cached");
    // The first answer said FRESH, which is not true of a second one.
    assert_eq!(sources["records-2"], "executed");
    assert_eq!(sources["records-3"], "cached");
    assert_eq!(sources["write"], "executed");
    assert_eq!(sources["tickets-5"], "executed");
    assert_eq!(sources["records-5"], "cached", "no record was written");
}

#[tokio::test]
async fn a_write_to_a_record_drops_the_tickets_that_hold_it() {
    let watched = Watched::start().await;
    let sponsors = "query Sponsors { sponsors { id } }";
    let number = watched.vendors.firstline_insert_record(json!({}));
    let id = format!("firstline:ServiceRecord:{number}");
    for round in 1..=2 {
        watched
            .ask_as("full", &format!("tickets-{round}"), TICKETS)
            .await;
        watched
            .ask_as("full", &format!("sponsors-{round}"), sponsors)
            .await;
    }

    let update = "mutation ($id: ID!) { updateServiceRecord(input: { id: $id, memo: \"Seen\" }) { userErrors { message } } }";
    watched
        .answer("full", "write", update, json!({ "id": id }))
        .await;
    watched.ask_as("full", "tickets-3", TICKETS).await;
    watched.ask_as("full", "sponsors-3", sponsors).await;

    let sources = watched.end().await.sources();
    assert_eq!(sources["tickets-2"], "cached");
    assert_eq!(sources["tickets-3"], "executed");
    assert_eq!(sources["sponsors-3"], "cached");
}

#[tokio::test]
async fn an_answer_with_errors_or_a_failed_part_is_not_kept() {
    let watched = Watched::start_with(&[("DESKGRAPH_BANGWO8__MAX_RETRIES", "0")]).await;
    let broken = FaultRule::new("", Fault::HtmlError { code: 503 });
    watched.vendors.bangwo8().add_fault(broken);
    let half = "{ serviceRecords(first: 3) { nodes { id } } }";
    let nulled = "{ sponsors { id } serviceRecords(first: 3, filter: { vendors: [BANGWO8] }) { nodes { id } } }";
    for round in 1..=3 {
        let answer = watched.ask_as("full", &format!("half-{round}"), half).await;
        assert_eq!(answer.get("errors"), None);
        let answer = watched
            .ask_as("full", &format!("nulled-{round}"), nulled)
            .await;
        assert_eq!(answer["data"]["serviceRecords"], Value::Null);
    }

    assert_eq!(watched.end().await.count("cached"), 0);
}

#[tokio::test]
async fn no_answer_is_kept_where_the_cache_is_switched_off_or_may_hold_none() {
    for off in [
        ("DESKGRAPH_CACHE__ENABLED", "false"),
        ("DESKGRAPH_CACHE__ANSWERS_MAX_BYTES", "0"),
    ] {
        let watched = Watched::start_with(&[off]).await;
        for round in 1..=4 {
            watched
                .ask_as("full", &format!("round-{round}"), TICKETS)
                .await;
        }
        assert_eq!(watched.end().await.count("cached"), 0, "{off:?}");
    }
}

#[tokio::test]
async fn a_kept_answer_never_reaches_a_caller_of_fewer_rights() {
    let watched = Watched::start().await;
    for round in 1..=2 {
        watched
            .ask_as("full", &format!("full-{round}"), TICKETS)
            .await;
    }
    let full = watched
        .ask_as("another-full", "another-full", TICKETS)
        .await;
    let reader = watched.ask_as("reader", "reader", TICKETS).await;

    assert_ne!(full, reader);
    let sources = watched.end().await.sources();
    assert_eq!(sources["another-full"], "cached");
    assert_eq!(sources["reader"], "executed");
}
