//! The rate limits: of a caller, and of failed authentication.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, until};

const KEYS: &str = r#"[
    {"name": "dashboard", "key": "dashboard-key-of-a-test", "scopes": ["read"]},
    {"name": "report", "key": "report-key-of-a-test", "scopes": ["read"]}
]"#;

async fn desk(requests_per_minute: u32) -> Desk {
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", KEYS)
        .set("LIMITS__REQUESTS_PER_MINUTE", requests_per_minute);
    Desk::open_with(options).await
}

async fn send_query(desk: &Desk, key: &str, body: &Value) -> Response {
    let request = desk.client().post(desk.url("/graphql"));
    request
        .header("x-api-key", key)
        .json(body)
        .send()
        .await
        .expect("the gateway responds")
}

async fn assert_too_many(response: Response) {
    assert_eq!(response.status(), 429);
    let wait = response.headers().get("retry-after");
    let wait = wait.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    assert!(
        wait.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "{wait:?}"
    );
    let answer: Value = response.json().await.expect("the error is JSON");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "LIMIT_EXCEEDED");
    assert!(extensions["allowed"].is_u64(), "{answer}");
    assert_eq!(answer.get("data"), None);
}

fn query() -> Value {
    json!({ "query": "{ tickets(first: 1) { nodes { id } } }" })
}

#[tokio::test]
async fn a_caller_over_the_rate_limit_is_rejected_and_others_are_not() {
    let desk = desk(3).await;

    for _ in 0..3 {
        assert_eq!(
            send_query(&desk, "dashboard-key-of-a-test", &query())
                .await
                .status(),
            200
        );
    }
    desk.forget_calls();
    assert_too_many(send_query(&desk, "dashboard-key-of-a-test", &query()).await).await;
    // A malformed request counts as well.
    assert_too_many(send_query(&desk, "dashboard-key-of-a-test", &json!("{")).await).await;
    assert_eq!(desk.calls(), (0, 0));

    assert_eq!(
        send_query(&desk, "report-key-of-a-test", &query())
            .await
            .status(),
        200
    );
    assert_eq!(
        send_query(&desk, "unknown-key", &query()).await.status(),
        401
    );
    let health = desk.client().get(desk.url("/health/live")).send().await;
    assert_eq!(health.expect("the gateway responds").status(), 200);
}

#[tokio::test]
async fn a_caller_is_accepted_again_after_retry_after() {
    // One request per second.
    let desk = desk(60).await;
    let mut accepted = 0;
    while send_query(&desk, "dashboard-key-of-a-test", &query())
        .await
        .status()
        == 200
    {
        accepted += 1;
    }
    assert!(accepted >= 60, "{accepted}");

    until("the caller is accepted again", async || {
        send_query(&desk, "dashboard-key-of-a-test", &query())
            .await
            .status()
            == 200
    })
    .await;
}

#[tokio::test]
async fn each_request_of_a_batch_counts_towards_the_rate_limit() {
    let desk = desk(5).await;
    let batch = |length: usize| Value::from(vec![query(); length]);

    assert_eq!(
        send_query(&desk, "dashboard-key-of-a-test", &batch(3))
            .await
            .status(),
        200
    );
    assert_too_many(send_query(&desk, "dashboard-key-of-a-test", &batch(3)).await).await;
    assert_eq!(
        send_query(&desk, "dashboard-key-of-a-test", &query())
            .await
            .status(),
        200
    );
    assert_too_many(send_query(&desk, "dashboard-key-of-a-test", &query()).await).await;

    // A batch of the size of the limit passes; a larger one never would, so the error has no `Retry-After`.
    assert_eq!(
        send_query(&desk, "report-key-of-a-test", &batch(5))
            .await
            .status(),
        200
    );
    let desk = self::desk(5).await;
    let response = send_query(&desk, "report-key-of-a-test", &batch(6)).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers().get("retry-after"), None);
    let answer: Value = response.json().await.expect("the error is JSON");
    let extensions = json!({ "code": "LIMIT_EXCEEDED", "cost": 6, "allowed": 5 });
    assert_eq!(answer["errors"][0]["extensions"], extensions);
}

#[tokio::test]
async fn without_authentication_the_rate_limit_is_per_address() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__REQUESTS_PER_MINUTE", 2)).await;

    for _ in 0..2 {
        assert_eq!(send_query(&desk, "", &query()).await.status(), 200);
    }
    assert_too_many(send_query(&desk, "", &query()).await).await;

    let from_another_address = reqwest::Client::builder()
        .no_proxy()
        .local_address("127.0.0.2".parse().ok())
        .build()
        .expect("a client without options builds");
    let request = from_another_address
        .post(desk.url("/graphql"))
        .json(&query());
    let response = request.send().await.expect("the gateway responds");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn by_default_there_is_no_rate_limit() {
    let desk = Desk::open().await;
    for _ in 0..200 {
        let response = send_query(&desk, "", &json!({ "query": "{ __typename }" })).await;
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn failed_authentication_is_limited_and_good_keys_of_the_same_address_pass() {
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", KEYS)
        .set("AUTH__FAILURES_PER_MINUTE", 3);
    let desk = Desk::open_with(options).await;
    let guess = async |number: usize| send_query(&desk, &format!("guess-{number}"), &query()).await;

    for number in 0..3 {
        assert_eq!(guess(number).await.status(), 401);
    }
    assert_too_many(guess(3).await).await;
    assert_too_many(guess(4).await).await;
    assert_eq!(desk.calls(), (0, 0));

    let good = send_query(&desk, "dashboard-key-of-a-test", &query()).await;
    assert_eq!(good.status(), 200);
    // A request without a key is no guess.
    let request = desk.client().post(desk.url("/graphql")).json(&query());
    let missing = request.send().await.expect("the gateway responds");
    assert_eq!(missing.status(), 401);

    let from_another_address = reqwest::Client::builder()
        .no_proxy()
        .local_address("127.0.0.2".parse().ok())
        .build()
        .expect("a client without options builds");
    let request = from_another_address
        .post(desk.url("/graphql"))
        .bearer_auth("guess")
        .json(&query());
    let response = request.send().await.expect("the gateway responds");
    assert_eq!(response.status(), 401);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(guess(5).await.status(), 401);
}

#[tokio::test]
async fn by_default_sixty_failures_a_minute_are_answered_and_zero_means_all() {
    let options = || {
        DeskOptions::default()
            .set("AUTH__MODE", "api_key")
            .set("AUTH__API_KEYS", KEYS)
    };
    let guesses = async |desk: &Desk| {
        let mut statuses = Vec::new();
        for _ in 0..200 {
            statuses.push(send_query(desk, "guess", &query()).await.status().as_u16());
        }
        statuses
    };

    let desk = Desk::open_with(options()).await;
    let statuses = guesses(&desk).await;
    assert!(statuses[..60].iter().all(|status| *status == 401));
    assert!(statuses.contains(&429), "{statuses:?}");

    let desk = Desk::open_with(options().set("AUTH__FAILURES_PER_MINUTE", 0)).await;
    assert_eq!(guesses(&desk).await, vec![401; 200]);
}
