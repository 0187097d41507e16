//! What the gateway caches of the vendors' data, for how long, and what it serves when a vendor fails.

use std::time::Duration;

use deskgraph::sandbox::{Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, in_time, until};

const LIST: &str = "{ tickets(first: 5) { nodes { id } sources { vendor state error { code } } } }";
const ENTITY: &str = "{ ticket(id: \"firstline:Ticket:1002\") { subject } }";
const DIRECTORY: &str = "{ sponsors { id } }";
const FOREVER: &str = "86400000";

fn fail_all_calls(desk: &Desk) {
    let fault = Fault::HtmlError { code: 503 };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("", fault.clone()));
    desk.sandbox.bangwo8().add_fault(FaultRule::new("", fault));
}

/// FirstLine's calls for one query, on a gateway that has logged in.
async fn calls_for(desk: &Desk, query: &str) -> usize {
    desk.forget_calls();
    desk.execute(query).await;
    desk.calls().0
}

#[tokio::test]
async fn each_kind_of_read_has_its_own_time_to_live() {
    let kinds = [
        ("CACHE__LIST_TTL_MS", LIST),
        ("CACHE__ENTITY_TTL_MS", ENTITY),
        ("CACHE__DIRECTORY_TTL_MS", DIRECTORY),
    ];
    for (short, _) in kinds {
        let mut options = DeskOptions::default();
        for (setting, _) in kinds {
            options = options.set(setting, if setting == short { "0" } else { FOREVER });
        }
        let desk = Desk::open_with(options).await;
        // The list comes last, because it caches the ticket too.
        for (setting, query) in kinds.iter().rev() {
            assert!(calls_for(&desk, query).await > 0, "{query}");
            let repeated = calls_for(&desk, query).await;
            assert_eq!(repeated > 0, *setting == short, "{short}: {query}");
        }
    }
}

#[tokio::test]
async fn expired_data_replaces_the_data_of_a_failing_vendor() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__LIST_TTL_MS", 0)
            .set("CACHE__ENTITY_TTL_MS", 0)
            .set("CACHE__DIRECTORY_TTL_MS", 0)
            .set("FIRSTLINE__MAX_RETRIES", 0)
            .set("BANGWO8__MAX_RETRIES", 0),
    )
    .await;
    let queries = [
        LIST,
        "{ serviceRecords(first: 5) { nodes { id } totalCount sources { vendor state totalCount error { code } } } }",
        "{ employees(first: 5) { nodes { id } totalCount sources { vendor state error { code } } } }",
        "{ categories { nodes { id } sources { vendor state error { code } } } }",
    ];
    let mut before = Vec::new();
    for query in queries {
        before.push(desk.execute(query).await);
    }
    let ticket = desk.execute(ENTITY).await;

    fail_all_calls(&desk);
    for (query, before) in queries.iter().zip(before) {
        let answer = desk.answer(query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        for (field, before) in before.as_object().expect("it is an object") {
            let now = &answer["data"][field];
            assert_eq!(now["nodes"], before["nodes"], "{query}");
            let sources = now["sources"].as_array().expect("it is a list");
            assert!(!sources.is_empty());
            for source in sources {
                // A stale source has the error that made it stale.
                let is_loaded = match source["state"].as_str() {
                    Some("STALE") => {
                        let code = &source["error"]["code"];
                        code == "SERVER_ERROR" || code == "CIRCUIT_OPEN"
                    }
                    Some("SKIPPED") => source["error"].is_null(),
                    _ => false,
                };
                assert!(is_loaded, "{query}: {source}");
            }
            assert!(sources.iter().any(|source| source["state"] == "STALE"));
        }
    }
    assert_eq!(desk.execute(ENTITY).await, ticket);

    // FirstLine is known to be down by now, so that the first read only probes it.
    desk.sandbox.firstline().clear_faults();
    until("FirstLine's data is fresh", async || {
        let answer = desk.execute(LIST).await;
        answer["tickets"]["sources"][0]["state"] == "FRESH"
    })
    .await;
}

#[tokio::test]
async fn data_older_than_the_stale_limit_is_not_served() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__LIST_TTL_MS", 0)
            .set("CACHE__STALE_MS", 0)
            .set("FIRSTLINE__MAX_RETRIES", 0),
    )
    .await;
    desk.execute(LIST).await;
    fail_all_calls(&desk);

    let (error, data) = desk.execute_failing(LIST, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(data["tickets"], Value::Null);
}

#[tokio::test]
async fn an_object_deleted_at_the_vendor_is_never_served_stale() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__ENTITY_TTL_MS", 0)
            .set("FIRSTLINE__MAX_RETRIES", 0),
    )
    .await;
    let id = desk.sandbox.firstline_insert_record(json!({}));
    let query = format!("{{ serviceRecord(id: \"firstline:ServiceRecord:{id}\") {{ id }} }}");
    assert!(desk.execute(&query).await["serviceRecord"].is_object());
    desk.sandbox.firstline_remove_record(id);
    assert_eq!(desk.execute(&query).await["serviceRecord"], Value::Null);

    fail_all_calls(&desk);
    let (error, _) = desk.execute_failing(&query, json!({})).await;
    assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");
}

#[tokio::test]
async fn a_failure_is_not_cached() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    for (query, field) in [
        (LIST, "tickets"),
        (ENTITY, "ticket"),
        (DIRECTORY, "sponsors"),
    ] {
        fail_all_calls(&desk);
        let (error, data) = desk.execute_failing(query, json!({})).await;
        assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");
        assert_eq!(data[field], Value::Null);

        desk.sandbox.firstline().clear_faults();
        assert!(!desk.execute(query).await[field].is_null(), "{query}");
    }
}

#[tokio::test]
async fn nothing_is_cached_with_the_cache_disabled() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    for query in [LIST, ENTITY, DIRECTORY] {
        let first = calls_for(&desk, query).await;
        assert!(first > 0);
        let second = calls_for(&desk, query).await;
        assert!(
            second > 0 && second <= first,
            "{query}: {second} after {first}"
        );
    }

    fail_all_calls(&desk);
    let (error, _) = desk.execute_failing(DIRECTORY, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn a_disconnecting_client_does_not_cancel_a_shared_read() {
    let desk = Desk::open().await;
    desk.execute(DIRECTORY).await;
    for (query, calls) in [(LIST, 2), (ENTITY, 1)] {
        desk.forget_calls();
        let late = Fault::Delay { ms: 600 };
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("/api/v1/ticket", late));

        let leaving = desk
            .client()
            .post(desk.url("/graphql"))
            .json(&json!({ "query": query }))
            .timeout(Duration::from_millis(250))
            .send();
        let staying = async {
            // The first request is the one that disconnects.
            let arrived = desk.sandbox.firstline().until(|_| desk.calls().0 > 0);
            in_time("FirstLine is called", arrived).await;
            join_all((0..5).map(|_| desk.execute(query))).await
        };
        let (left, answers) = tokio::join!(leaving, staying);
        desk.sandbox.firstline().clear_faults();

        assert!(left.is_err(), "it disconnected before the response");
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(desk.calls(), (calls, 0), "{query}");
    }
}

#[tokio::test]
async fn data_near_expiry_is_refreshed_in_the_background() {
    const LIFE: Duration = Duration::from_millis(3_000);
    const KINDS: [(&str, &str); 3] = [
        (LIST, "/api/v1/ticket"),
        (ENTITY, "/api/v1/ticket/{id}"),
        (DIRECTORY, "/api/v1/sponsor"),
    ];
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__LIST_TTL_MS", LIFE.as_millis())
            .set("CACHE__ENTITY_TTL_MS", LIFE.as_millis())
            .set("CACHE__DIRECTORY_TTL_MS", LIFE.as_millis()),
    )
    .await;
    // The first read of a list needs one call more than later ones.
    let calls = || {
        let [lists, entities, directories] =
            KINDS.map(|(_, route)| desk.sandbox.firstline().requests_to(route).len());
        [lists - 1, entities, directories]
    };
    let read_all = async || {
        for (query, _) in KINDS {
            desk.execute(query).await;
        }
    };
    read_all().await;
    assert_eq!(calls(), [1, 1, 1]);

    // Each response comes from the cache; after 4/5 of the time to live one request starts the refresh.
    let started = tokio::time::Instant::now();
    let mut reads = tokio::time::interval(LIFE / 100);
    while calls().contains(&1) {
        assert!(started.elapsed() < LIFE, "one was let die: {:?}", calls());
        reads.tick().await;
        read_all().await;
    }
    assert!(
        started.elapsed() > LIFE / 2,
        "they were read again too soon"
    );

    // The refresh ended before the first value expired.
    while started.elapsed() < LIFE + LIFE / 5 {
        reads.tick().await;
        read_all().await;
    }
    assert_eq!(calls(), [2, 2, 2]);
}
