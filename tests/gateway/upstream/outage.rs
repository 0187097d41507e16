//! A vendor that is known to be down: nobody waits for it whose data is held, and it is probed by one call at a time.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, until};

const LISTS: &str =
    "{ serviceRecords { nodes { id } totalCount sources { vendor state error { code } } } }";

fn options(timeout: Duration) -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records: 12,
            tickets: 2,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    }
    // A login would be one of the counted calls.
    .set("FIRSTLINE__USERNAME", "")
    .set("FIRSTLINE__PASSWORD", "")
    .set("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN)
    .set("FIRSTLINE__TIMEOUT_MS", timeout.as_millis())
    .set("FIRSTLINE__MAX_RETRIES", 0)
    .set("CACHE__LIST_TTL_MS", 0)
    .set("CACHE__ENTITY_TTL_MS", 0)
}

fn fail(desk: &Desk, fault: Fault) {
    desk.sandbox.firstline().clear_faults();
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("", fault));
}

async fn circuit(desk: &Desk) -> Value {
    let vendors = desk.execute("{ vendors { vendor circuit state } }").await;
    vendors["vendors"][0]["circuit"].clone()
}

async fn source(desk: &Desk) -> Value {
    let lists = desk.execute(LISTS).await;
    lists["serviceRecords"]["sources"][0].clone()
}

/// One call for an object that nobody has asked for.
async fn call(desk: &Desk) -> Value {
    let number = desk.sandbox.firstline_insert_ticket(json!({}));
    let query = format!("{{ ticket(id: \"firstline:Ticket:{number}\") {{ id }} }}");
    desk.answer(&query, json!({})).await["errors"][0]["extensions"]["vendorCode"].clone()
}

#[tokio::test]
async fn three_time_outs_in_a_row_open_the_circuit_of_a_vendor_with_little_traffic() {
    let desk = Desk::open_with(options(Duration::from_millis(300))).await;
    for _ in 0..2 {
        fail(&desk, Fault::HangBeforeHead);
        for _ in 0..2 {
            assert_eq!(call(&desk).await, "TIMEOUT");
        }
        assert_eq!(circuit(&desk).await, "CLOSED");
        // A success in between resets the count.
        desk.sandbox.firstline().clear_faults();
        assert_eq!(call(&desk).await, Value::Null);
    }
    fail(&desk, Fault::HangBeforeHead);
    for expected in ["CLOSED", "CLOSED", "OPEN"] {
        assert_eq!(call(&desk).await, "TIMEOUT");
        assert_eq!(circuit(&desk).await, expected);
    }
    assert_eq!(call(&desk).await, "CIRCUIT_OPEN");
}

#[tokio::test]
async fn a_vendor_that_is_down_holds_up_nobody_whose_data_is_held() {
    // Longer than any response of this test may take.
    const TIMEOUT: Duration = Duration::from_secs(25);
    const AT_ONCE: Duration = Duration::from_secs(15);
    const TICKET: &str = "{ ticket(id: \"firstline:Ticket:1002\") { id } }";

    let desk = Desk::open_with(options(TIMEOUT)).await;
    let held = desk.execute(LISTS).await;
    desk.execute(TICKET).await;
    fail(&desk, Fault::HtmlError { code: 500 });
    for _ in 0..10 {
        call(&desk).await;
    }
    assert_eq!(circuit(&desk).await, "OPEN");

    // From here on it does not even fail.
    fail(&desk, Fault::HangBeforeHead);
    desk.forget_calls();
    let started = Instant::now();
    until("a probe is sent", async || {
        let source = source(&desk).await;
        assert_eq!(source["state"], "STALE");
        assert_eq!(source["error"]["code"], "CIRCUIT_OPEN");
        desk.calls().0 > 0
    })
    .await;
    let lists = join_all((0..20).map(|_| desk.execute(LISTS))).await;
    let tickets = join_all((0..20).map(|_| desk.answer(TICKET, json!({})))).await;
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(circuit(&desk).await, "HALF_OPEN", "the probe is in flight");
    assert_eq!(desk.calls().0, 1, "one call at a time probes");

    for lists in lists {
        let (now, then) = (&lists["serviceRecords"], &held["serviceRecords"]);
        assert_eq!(now["sources"][0]["state"], "STALE");
        assert_eq!(
            (&now["nodes"], &now["totalCount"]),
            (&then["nodes"], &then["totalCount"])
        );
    }
    for ticket in tickets {
        assert_eq!(ticket["data"]["ticket"]["id"], "firstline:Ticket:1002");
        assert_eq!(ticket["extensions"]["stale"][0]["path"], json!(["ticket"]));
    }
    // A caller whose data is not held is told at once.
    assert_eq!(call(&desk).await, "CIRCUIT_OPEN");
}

#[tokio::test]
async fn the_read_after_a_probe_that_succeeded_is_fresh() {
    for (query, pointer) in [
        (LISTS, "/data/serviceRecords/sources/0/state"),
        (
            "{ ticket(id: \"firstline:Ticket:1002\") { id } }",
            "/extensions",
        ),
    ] {
        let desk = Desk::open_with(options(Duration::from_secs(20))).await;
        desk.execute(query).await;
        fail(&desk, Fault::HtmlError { code: 500 });
        for _ in 0..10 {
            call(&desk).await;
        }
        desk.sandbox.firstline().clear_faults();
        desk.forget_calls();

        until("the vendor's data is fresh", async || {
            let answer = desk.answer(query, json!({})).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            let told = answer.pointer(pointer);
            told.is_none_or(|state| state == "FRESH" || state == "CACHED")
        })
        .await;
        assert_eq!(circuit(&desk).await, "CLOSED");
        let requests = desk.sandbox.firstline().requests();
        let first = requests.first().expect("it was probed");
        assert_ne!(first.header("x-request-id"), Some("recovery"));
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_behind_a_closed_circuit_holds_up_nobody_either() {
    const TIMEOUT: Duration = Duration::from_secs(25);
    const AT_ONCE: Duration = Duration::from_secs(15);

    let desk = Desk::open_with(options(TIMEOUT)).await;
    desk.execute(LISTS).await;
    fail(&desk, Fault::HtmlError { code: 500 });
    for _ in 0..5 {
        call(&desk).await;
    }
    let vendors = desk.execute("{ vendors { state circuit } }").await;
    assert_eq!(
        vendors["vendors"][0],
        json!({ "state": "DOWN", "circuit": "CLOSED" })
    );

    fail(&desk, Fault::HangBeforeHead);
    desk.forget_calls();
    let started = Instant::now();
    for _ in 0..10 {
        let source = source(&desk).await;
        assert_eq!(source["state"], "STALE");
        assert_eq!(source["error"]["code"], "SERVER_ERROR");
    }
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    until("a probe is sent", async || desk.calls().0 > 0).await;
    assert_eq!(desk.calls().0, 1, "one call at a time probes");
}
