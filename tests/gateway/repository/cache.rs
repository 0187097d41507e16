//! What the gateway keeps of the vendors' answers, for how long, and what it serves when a vendor fails.

use std::time::Duration;

use deskgraph::sandbox::{Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, Wishes, in_time};

const LIST: &str = "{ tickets(first: 5) { nodes { id } sources { vendor state error { code } } } }";
const ENTITY: &str = "{ ticket(id: \"firstline:Ticket:1002\") { subject } }";
const DIRECTORY: &str = "{ sponsors { id } }";
const FOREVER: &str = "86400000";

fn all_fail(desk: &Desk) {
    let fault = Fault::HtmlError { code: 503 };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("", fault.clone()));
    desk.sandbox.bangwo8().add_fault(FaultRule::new("", fault));
}

/// FirstLine's calls for one query, after one that signed in.
async fn calls_for(desk: &Desk, query: &str) -> usize {
    desk.forget_calls();
    desk.ask(query).await;
    desk.calls().0
}

#[tokio::test]
async fn each_kind_of_answer_has_its_own_time_to_live() {
    let kinds = [
        ("CACHE__LIST_TTL_MS", LIST),
        ("CACHE__ENTITY_TTL_MS", ENTITY),
        ("CACHE__DIRECTORY_TTL_MS", DIRECTORY),
    ];
    for (short, _) in kinds {
        let mut wishes = Wishes::default();
        for (setting, _) in kinds {
            wishes = wishes.set(setting, if setting == short { "0" } else { FOREVER });
        }
        let desk = Desk::open_with(wishes).await;
        // The list comes last: it would bring the ticket along.
        for (setting, query) in kinds.iter().rev() {
            assert!(calls_for(&desk, query).await > 0, "{query}");
            let repeated = calls_for(&desk, query).await;
            assert_eq!(repeated > 0, *setting == short, "{short}: {query}");
        }
    }
}

#[tokio::test]
async fn an_answer_past_its_time_stands_in_for_a_vendor_that_fails() {
    let desk = Desk::open_with(
        Wishes::default()
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
        before.push(desk.ask(query).await);
    }
    let ticket = desk.ask(ENTITY).await;

    all_fail(&desk);
    for (query, before) in queries.iter().zip(before) {
        let answer = desk.answer(query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        for (field, before) in before.as_object().expect("it is an object") {
            let now = &answer["data"][field];
            assert_eq!(now["nodes"], before["nodes"], "{query}");
            let sources = now["sources"].as_array().expect("it is a list");
            assert!(!sources.is_empty());
            for source in sources {
                // What stands in tells why it does.
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
    assert_eq!(desk.ask(ENTITY).await, ticket);

    desk.sandbox.firstline().clear_faults();
    let answer = desk.ask(LIST).await;
    assert_eq!(answer["tickets"]["sources"][0]["state"], "FRESH");
}

#[tokio::test]
async fn what_is_too_old_to_stand_in_is_served_no_more() {
    let desk = Desk::open_with(
        Wishes::default()
            .set("CACHE__LIST_TTL_MS", 0)
            .set("CACHE__STALE_MS", 0)
            .set("FIRSTLINE__MAX_RETRIES", 0),
    )
    .await;
    desk.ask(LIST).await;
    all_fail(&desk);

    let (error, data) = desk.fault(LIST, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(data["tickets"], Value::Null);
}

#[tokio::test]
async fn what_a_vendor_says_is_gone_never_stands_in_for_it() {
    let desk = Desk::open_with(
        Wishes::default()
            .set("CACHE__ENTITY_TTL_MS", 0)
            .set("FIRSTLINE__MAX_RETRIES", 0),
    )
    .await;
    let id = desk.sandbox.firstline_insert_record(json!({}));
    let query = format!("{{ serviceRecord(id: \"firstline:ServiceRecord:{id}\") {{ id }} }}");
    assert!(desk.ask(&query).await["serviceRecord"].is_object());
    desk.sandbox.firstline_remove_record(id);
    assert_eq!(desk.ask(&query).await["serviceRecord"], Value::Null);

    all_fail(&desk);
    let (error, _) = desk.fault(&query, json!({})).await;
    assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let desk = Desk::open_with(Wishes::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    for (query, field) in [
        (LIST, "tickets"),
        (ENTITY, "ticket"),
        (DIRECTORY, "sponsors"),
    ] {
        all_fail(&desk);
        let (error, data) = desk.fault(query, json!({})).await;
        assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");
        assert_eq!(data[field], Value::Null);

        desk.sandbox.firstline().clear_faults();
        assert!(!desk.ask(query).await[field].is_null(), "{query}");
    }
}

#[tokio::test]
async fn nothing_is_kept_where_the_cache_is_switched_off() {
    let desk = Desk::open_with(Wishes::default().set("CACHE__ENABLED", "false")).await;
    for query in [LIST, ENTITY, DIRECTORY] {
        let first = calls_for(&desk, query).await;
        assert!(first > 0);
        let second = calls_for(&desk, query).await;
        assert!(
            second > 0 && second <= first,
            "{query}: {second} after {first}"
        );
    }

    all_fail(&desk);
    let (error, _) = desk.fault(DIRECTORY, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn a_client_that_leaves_does_not_take_the_others_answer_along() {
    let desk = Desk::open().await;
    desk.ask(DIRECTORY).await;
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
            // The one that leaves is first.
            let arrived = desk.sandbox.firstline().until(|_| desk.calls().0 > 0);
            in_time("FirstLine is called", arrived).await;
            join_all((0..5).map(|_| desk.ask(query))).await
        };
        let (left, answers) = tokio::join!(leaving, staying);
        desk.sandbox.firstline().clear_faults();

        assert!(left.is_err(), "it left before its answer came");
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(desk.calls(), (calls, 0), "{query}");
    }
}

#[tokio::test]
async fn what_is_still_read_late_in_its_life_is_read_again_in_the_background() {
    const LIFE: Duration = Duration::from_millis(3_000);
    const KINDS: [(&str, &str); 3] = [
        (LIST, "/api/v1/ticket"),
        (ENTITY, "/api/v1/ticket/{id}"),
        (DIRECTORY, "/api/v1/sponsor"),
    ];
    let desk = Desk::open_with(
        Wishes::default()
            .set("CACHE__LIST_TTL_MS", LIFE.as_millis())
            .set("CACHE__ENTITY_TTL_MS", LIFE.as_millis())
            .set("CACHE__DIRECTORY_TTL_MS", LIFE.as_millis()),
    )
    .await;
    // The first reading of a list takes a call more than those after it.
    let calls = || {
        let [lists, entities, directories] =
            KINDS.map(|(_, route)| desk.sandbox.firstline().requests_to(route).len());
        [lists - 1, entities, directories]
    };
    let read_all = async || {
        for (query, _) in KINDS {
            desk.ask(query).await;
        }
    };
    read_all().await;
    assert_eq!(calls(), [1, 1, 1]);

    // Each answer comes from the cache; at 4/5 of its life one reader sends the second reading off.
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

    // The second life began before the first was over.
    while started.elapsed() < LIFE + LIFE / 5 {
        reads.tick().await;
        read_all().await;
    }
    assert_eq!(calls(), [2, 2, 2]);
}
