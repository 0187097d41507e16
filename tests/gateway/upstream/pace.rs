//! The pace towards a vendor: pauses after a 429, the ceiling of calls per minute, and slots that callers share.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, in_time, until};

const TICKET: &str = "query ($id: ID!) { node(id: $id) { id } }";

fn options() -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records: 12,
            tickets: 2,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    }
    .without("BANGWO8")
    // A login would be one of the counted calls.
    .set("FIRSTLINE__USERNAME", "")
    .set("FIRSTLINE__PASSWORD", "")
    .set("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN)
}

fn too_many(headers: &[(&str, &str)]) -> Fault {
    let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Fault::Status {
        code: 429,
        body: "{}".to_owned(),
        headers: headers.iter().map(header).collect::<BTreeMap<_, _>>(),
    }
}

fn limit_once(desk: &Desk, headers: &[(&str, &str)]) {
    let rule = FaultRule::new("GET /api/v1/ticket", too_many(headers)).times(1);
    desk.sandbox.firstline().add_fault(rule);
}

fn new_ticket(desk: &Desk) -> String {
    format!(
        "firstline:Ticket:{}",
        desk.sandbox.firstline_insert_ticket(json!({}))
    )
}

async fn read(desk: &Desk, id: &str) -> Value {
    desk.answer(TICKET, json!({ "id": id })).await
}

fn extensions(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]
}

fn assert_limited(answer: &Value, seconds: std::ops::RangeInclusive<i64>) {
    assert_eq!(extensions(answer)["vendorCode"], "RATE_LIMITED", "{answer}");
    let wait = extensions(answer)["retryAfterSeconds"].as_i64();
    assert!(wait.is_some_and(|wait| seconds.contains(&wait)), "{answer}");
}

#[tokio::test]
async fn after_a_429_no_call_is_sent_into_the_pause() {
    let desk = Desk::open_with(options()).await;
    limit_once(&desk, &[("retry-after", "60")]);

    assert_limited(&read(&desk, &new_ticket(&desk)).await, 50..=60);
    let started_at = Instant::now();
    for _ in 0..29 {
        assert_limited(&read(&desk, &new_ticket(&desk)).await, 30..=60);
    }
    let list = "{ tickets { nodes { id } sources { error { code } } } }";
    let (error, _) = desk.execute_failing(list, json!({})).await;
    assert_eq!(error["extensions"]["vendorCode"], "RATE_LIMITED");
    let create = "mutation { createTicket(input: { subject: \"a\", contactId: \"firstline:Contact:1\", content: \"b\" }) { ticket { id } userErrors { code } } }";
    let written = desk.answer(create, json!({})).await;
    assert_eq!(
        extensions(&written)["vendorCode"],
        "RATE_LIMITED",
        "{written}"
    );
    assert_eq!(desk.calls().0, 1, "the one that was limited");
    // They fail at once, not at their deadline.
    assert!(started_at.elapsed() < Duration::from_secs(25));
    // The vendor responds, so its circuit stays closed.
    let vendors = desk.execute("{ vendors { state circuit } }").await;
    assert_eq!(
        vendors["vendors"][0],
        json!({ "state": "DEGRADED", "circuit": "CLOSED" })
    );
}

#[tokio::test]
async fn calls_and_writes_that_can_wait_for_the_end_of_the_pause_do() {
    let desk = Desk::open_with(options()).await;
    let deleted = new_ticket(&desk);
    limit_once(&desk, &[("retry-after", "2")]);
    let started_at = Instant::now();
    let first = {
        let id = new_ticket(&desk);
        let desk = &desk;
        async move { read(desk, &id).await }
    };
    let others = async {
        let limited = |requests: usize| requests > 0;
        let firstline = desk.sandbox.firstline();
        in_time(
            "the first call is limited",
            firstline.until(|control| {
                limited(
                    control
                        .requests()
                        .iter()
                        .filter(|request| request.status == Some(429))
                        .count(),
                )
            }),
        )
        .await;
        let delete =
            "mutation ($id: ID!) { deleteTicket(input: { id: $id }) { userErrors { code } } }";
        let write = desk.answer(delete, json!({ "id": deleted }));
        let ids: Vec<String> = (0..20).map(|_| new_ticket(&desk)).collect();
        let reads = join_all(ids.iter().map(|id| read(&desk, id)));
        futures_util::future::join(write, reads).await
    };
    let (first, (written, reads)) = futures_util::future::join(first, others).await;

    assert!(started_at.elapsed() >= Duration::from_secs(2));
    for answer in reads.iter().chain([&first]) {
        assert!(answer["data"]["node"].is_object(), "{answer}");
    }
    assert_eq!(written.get("errors"), None, "{written}");
    assert_eq!(
        desk.calls().0,
        1 + 1 + 20 + 1,
        "each was sent once, and the first once more"
    );
}

#[tokio::test]
async fn a_429_without_a_usable_retry_after_pauses_for_a_second_which_doubles() {
    let unusable = [None, Some("-5"), Some("soon"), Some("0")];
    join_all(unusable.map(async |retry_after| {
        let header = retry_after.map(|value| ("retry-after", value));
        let headers = header.as_slice();
        let desk = Desk::open_with(options().set("FIRSTLINE__MAX_RETRIES", 0)).await;
        for longest in [1, 2, 4] {
            limit_once(&desk, headers);
            // It waits for the pause before it.
            assert_limited(&read(&desk, &new_ticket(&desk)).await, longest..=longest);
        }
        assert!(read(&desk, &new_ticket(&desk)).await["data"]["node"].is_object());
        limit_once(&desk, headers);
        assert_limited(&read(&desk, &new_ticket(&desk)).await, 1..=1);
        assert_eq!(desk.calls().0, 5);
    }))
    .await;
}

#[tokio::test]
async fn an_absurd_retry_after_is_taken_for_an_hour() {
    for absurd in [
        "31536000",
        "99999999999999999999999",
        "Fri, 01 Jan 2100 00:00:00 GMT",
    ] {
        let desk = Desk::open_with(options()).await;
        limit_once(&desk, &[("retry-after", absurd)]);
        for _ in 0..2 {
            assert_limited(&read(&desk, &new_ticket(&desk)).await, 3_500..=3_600);
        }
        assert_eq!(desk.calls().0, 1, "{absurd}");
    }
}

#[tokio::test]
async fn stale_data_stands_in_while_the_vendor_is_paused() {
    let desk = Desk::open_with(
        options()
            .set("CACHE__ENTITY_TTL_MS", 0)
            .set("CACHE__LIST_TTL_MS", 0),
    )
    .await;
    let list = "{ tickets { nodes { id } sources { state error { code retryAfterSeconds } } } }";
    let before = desk.execute(list).await;
    limit_once(&desk, &[("retry-after", "3600")]);
    for _ in 0..2 {
        let now = desk.execute(list).await;
        assert_eq!(now["tickets"]["nodes"], before["tickets"]["nodes"]);
        let source = &now["tickets"]["sources"][0];
        assert_eq!(source["state"], "STALE", "{now}");
        assert_eq!(source["error"]["code"], "RATE_LIMITED", "{now}");
    }
}

#[tokio::test]
async fn logins_and_other_calls_are_paused_together() {
    let options = DeskOptions::default().without("BANGWO8");
    let desk = Desk::open_with(options).await;
    let rule = FaultRule::new("POST /api/v1/auth", too_many(&[("retry-after", "60")])).times(1);
    desk.sandbox.firstline().add_fault(rule);
    for _ in 0..5 {
        assert_limited(&read(&desk, &new_ticket(&desk)).await, 30..=60);
    }
    assert_eq!(desk.sandbox.firstline().requests().len(), 1);
}

#[tokio::test]
async fn a_vendor_that_limits_calls_by_the_minute_never_limits_a_gateway_with_that_ceiling() {
    const CEILING: usize = 12;
    let desk = Desk::open_with(
        DeskOptions::default()
            .without("BANGWO8")
            .set("FIRSTLINE__REQUESTS_PER_MINUTE", CEILING)
            .set("LIMITS__REQUEST_TIMEOUT_MS", 8_000),
    )
    .await;
    let firstline = desk.sandbox.firstline();
    firstline.change_switches(|switches| switches.calls_per_minute = Some(CEILING));

    let ids: Vec<String> = (0..40).map(|_| new_ticket(&desk)).collect();
    let answers = join_all(ids.iter().map(|id| read(&desk, id))).await;
    let (read, limited): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer["data"]["node"].is_object());
    // A login and a quarter of the ceiling at once, and more from time to time.
    assert!(read.len() >= 2, "{read:?}");
    for answer in limited {
        assert_limited(answer, 1..=62);
    }
    let requests = firstline.requests();
    assert!(requests.len() <= CEILING, "{}", requests.len());
    assert!(requests.iter().all(|request| request.status == Some(200)));
}

#[tokio::test]
async fn a_gateway_without_a_ceiling_keeps_to_the_pause_of_a_vendor_that_limits_calls_by_the_minute()
 {
    let desk = Desk::open_with(options()).await;
    let firstline = desk.sandbox.firstline();
    firstline.change_switches(|switches| switches.calls_per_minute = Some(5));
    for _ in 0..20 {
        read(&desk, &new_ticket(&desk)).await;
    }
    let statuses: Vec<_> = firstline
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(
        statuses
            .iter()
            .filter(|status| **status == Some(200))
            .count(),
        5
    );
    assert_eq!(statuses.len(), 6, "one call learnt that there are too many");
}

/// Two callers with a key each.
fn with_keys(options: DeskOptions) -> DeskOptions {
    let key = |name: &str| json!({ "name": name, "key": key_of(name), "scopes": ["read"] });
    options
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", json!([key("first"), key("second")]))
}

fn key_of(name: &str) -> String {
    format!("{name}-{}", "k".repeat(40))
}

async fn send_as(desk: &Desk, caller: &str, body: Value) -> Value {
    let request = desk
        .client()
        .post(desk.url("/graphql"))
        .bearer_auth(key_of(caller));
    let response = request
        .json(&body)
        .send()
        .await
        .expect("the gateway responds");
    response.json().await.expect("the response is JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_callers_call_is_received_after_the_calls_in_flight_though_1500_wait() {
    const SLOTS: usize = 4;
    const REQUESTS: usize = 15;
    const IDS: usize = 100;

    for has_keys in [true, false] {
        let options = options()
            .set("FIRSTLINE__MAX_CONCURRENCY", SLOTS)
            .set("FIRSTLINE__TIMEOUT_MS", 60_000)
            .set("LIMITS__REQUEST_TIMEOUT_MS", 60_000);
        let options = if has_keys {
            with_keys(options)
        } else {
            options
        };
        let desk = Desk::open_with(options).await;
        let firstline = desk.sandbox.firstline();
        let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let requests: Vec<Value> = (0..REQUESTS)
            .map(|_| {
                let ids: Vec<String> = (0..IDS).map(|_| new_ticket(&desk)).collect();
                json!({ "query": nodes, "variables": { "ids": ids } })
            })
            .collect();
        let small = new_ticket(&desk);
        let call = |ms| FaultRule::new("GET /api/v1/ticket", Fault::Delay { ms });
        firstline.add_fault(call(10));

        let flood = join_all(
            requests
                .into_iter()
                .map(|body| send_as(&desk, "first", body)),
        );
        let second = async {
            let under_way = |requests: usize| requests >= 100;
            let control = firstline.until(|control| under_way(control.requests().len()));
            in_time("the first caller's calls are under way", control).await;
            // From now on each slot is held by a call that takes so long that the second caller's comes meanwhile.
            firstline.add_fault(call(5_000).times(SLOTS as u32));
            until("all slots are held", async || {
                firstline
                    .faults()
                    .iter()
                    .any(|rule| rule.remaining == Some(0))
            })
            .await;
            let received_before = firstline.requests().len();
            let body = json!({ "query": TICKET, "variables": { "id": small } });
            let answer = send_as(&desk, "second", body).await;
            assert!(answer["data"]["node"].is_object(), "{answer}");
            let number = small.rsplit(':').next().unwrap_or_default();
            let path = format!("/api/v1/ticket/{number}");
            let requests = firstline.requests();
            let received = requests.iter().position(|request| request.path == path);
            received.expect("it was received") - received_before
        };
        tokio::select! {
            biased;
            passed_by = second => {
                assert!(passed_by < SLOTS, "keys: {has_keys}: {passed_by} calls went before it");
            }
            _ = flood => panic!("the flood is over before the second caller is served"),
        }
    }
}

#[tokio::test]
async fn the_wait_for_a_slot_is_not_part_of_the_calls_own_time() {
    let desk = Desk::open_with(
        options()
            .set("FIRSTLINE__MAX_CONCURRENCY", 1)
            .set("FIRSTLINE__TIMEOUT_MS", 3_000),
    )
    .await;
    // Six calls after each other take longer than the time of one.
    let firstline = desk.sandbox.firstline();
    firstline.add_fault(FaultRule::new(
        "GET /api/v1/ticket",
        Fault::Delay { ms: 800 },
    ));
    let ids: Vec<String> = (0..6).map(|_| new_ticket(&desk)).collect();
    for answer in join_all(ids.iter().map(|id| read(&desk, id))).await {
        assert!(answer["data"]["node"].is_object(), "{answer}");
    }
    assert_eq!(desk.calls().0, 6);
}
