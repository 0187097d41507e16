//! How often a caller may ask.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Desk, Wishes};

const KEYS: &str = r#"[
    {"name": "dashboard", "key": "dashboard-key", "scopes": ["read"]},
    {"name": "report", "key": "report-key", "scopes": ["read"]}
]"#;

async fn desk(requests_per_minute: u32) -> Desk {
    let wishes = Wishes::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", KEYS)
        .set("LIMITS__REQUESTS_PER_MINUTE", requests_per_minute);
    Desk::open_with(wishes).await
}

async fn ask(desk: &Desk, key: &str, body: &Value) -> Response {
    let request = desk.client().post(desk.url("/graphql"));
    request
        .header("x-api-key", key)
        .json(body)
        .send()
        .await
        .expect("the gateway answers")
}

async fn assert_too_many(response: Response) {
    assert_eq!(response.status(), 429);
    let wait = response.headers().get("retry-after");
    let wait = wait.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    assert!(
        wait.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "{wait:?}"
    );
    let answer: Value = response.json().await.expect("the refusal is JSON");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "LIMIT_EXCEEDED");
    assert!(extensions["allowed"].is_u64(), "{answer}");
    assert_eq!(answer.get("data"), None);
}

fn query() -> Value {
    json!({ "query": "{ tickets(first: 1) { nodes { id } } }" })
}

#[tokio::test]
async fn a_caller_over_the_limit_waits_and_others_do_not() {
    let desk = desk(3).await;

    for _ in 0..3 {
        assert_eq!(ask(&desk, "dashboard-key", &query()).await.status(), 200);
    }
    desk.forget_calls();
    assert_too_many(ask(&desk, "dashboard-key", &query()).await).await;
    // What can't be read counts as well.
    assert_too_many(ask(&desk, "dashboard-key", &json!("{")).await).await;
    assert_eq!(desk.calls(), (0, 0));

    assert_eq!(ask(&desk, "report-key", &query()).await.status(), 200);
    assert_eq!(ask(&desk, "unknown-key", &query()).await.status(), 401);
    let health = desk.client().get(desk.url("/health/live")).send().await;
    assert_eq!(health.expect("the gateway answers").status(), 200);
}

#[tokio::test]
async fn a_caller_that_has_waited_may_ask_again() {
    // One a second.
    let desk = desk(60).await;
    let mut let_in = 0;
    while ask(&desk, "dashboard-key", &query()).await.status() == 200 {
        let_in += 1;
    }
    assert!(let_in >= 60, "{let_in}");

    let asking = async { while ask(&desk, "dashboard-key", &query()).await.status() != 200 {} };
    let answered = timeout(Duration::from_secs(60), asking).await;
    assert!(answered.is_ok());
}

#[tokio::test]
async fn a_batch_counts_as_its_requests() {
    let desk = desk(5).await;
    let batch = |length: usize| Value::from(vec![query(); length]);

    assert_eq!(ask(&desk, "dashboard-key", &batch(3)).await.status(), 200);
    assert_too_many(ask(&desk, "dashboard-key", &batch(3)).await).await;
    assert_eq!(ask(&desk, "dashboard-key", &query()).await.status(), 200);
    assert_too_many(ask(&desk, "dashboard-key", &query()).await).await;

    // A batch as large as the limit passes; a larger one never would, so nobody is told to wait.
    assert_eq!(ask(&desk, "report-key", &batch(5)).await.status(), 200);
    let desk = self::desk(5).await;
    let response = ask(&desk, "report-key", &batch(6)).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers().get("retry-after"), None);
    let answer: Value = response.json().await.expect("the refusal is JSON");
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "cost": 6, "allowed": 5 });
    assert_eq!(answer["errors"][0]["extensions"], extensions);
}

#[tokio::test]
async fn where_callers_are_not_told_apart_their_addresses_are() {
    let desk = Desk::open_with(Wishes::default().set("LIMITS__REQUESTS_PER_MINUTE", 2)).await;

    for _ in 0..2 {
        assert_eq!(ask(&desk, "", &query()).await.status(), 200);
    }
    assert_too_many(ask(&desk, "", &query()).await).await;

    let from_another_address = reqwest::Client::builder()
        .no_proxy()
        .local_address("127.0.0.2".parse().ok())
        .build()
        .expect("a client without options builds");
    let request = from_another_address
        .post(desk.url("/graphql"))
        .json(&query());
    let response = request.send().await.expect("the gateway answers");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn by_default_nobody_is_told_to_wait() {
    let desk = Desk::open().await;
    for _ in 0..200 {
        let response = ask(&desk, "", &json!({ "query": "{ __typename }" })).await;
        assert_eq!(response.status(), 200);
    }
}
