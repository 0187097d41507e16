//! The issuer's keys: when the gateway fetches them, and who waits for it.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use super::{
    issuer::{Issuer, SigningKey, claims, encoded},
    tokens::{QUERY, desk, options, send_query, status},
};
use crate::harness::{Desk, in_time, until};

fn token(key: &SigningKey) -> String {
    key.token("EdDSA", &claims("read"))
}

/// Asserts that the tokens can't be judged now, and returns after how many seconds they may be.
async fn assert_withheld(response: Response) -> u64 {
    assert_eq!(response.status(), 503);
    let wait = response.headers().get("retry-after");
    let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
    let answer: Value = response.json().await.expect("the error is JSON");
    let code = &answer["errors"][0]["extensions"]["code"];
    assert_eq!(code, "UPSTREAM_UNAVAILABLE");
    wait.expect("it says how long to wait")
}

#[tokio::test]
async fn a_new_key_is_accepted_at_once_though_tokens_named_unknown_ones() {
    let (old, new) = (SigningKey::ed25519("old"), SigningKey::ed25519("new"));
    let issuer = Issuer::start(&[&old]).await;
    let desk = desk(&issuer).await;
    // Without a request with a token, the issuer gets no request either.
    assert_eq!(issuer.requests(), 0);
    assert_eq!(status(&desk, &token(&old)).await, 200);
    assert_eq!(status(&desk, &token(&old)).await, 200);
    assert_eq!(issuer.requests(), 1);

    let unheard_of = token(&SigningKey::ed25519("unheard of"));
    for fetches in 2..=3 {
        assert_eq!(status(&desk, &unheard_of).await, 401);
        assert_eq!(issuer.requests(), fetches);
    }
    issuer.publish(&[&new]);
    assert_eq!(status(&desk, &token(&new)).await, 200);
    assert_eq!(status(&desk, &token(&old)).await, 401);
    assert_eq!(issuer.requests(), 5);
}

#[tokio::test]
async fn unknown_keys_cause_five_fetches_in_five_minutes_and_then_503() {
    let (old, new) = (SigningKey::ed25519("old"), SigningKey::ed25519("new"));
    let issuer = Issuer::start(&[&old]).await;
    let desk = desk(&issuer).await;
    assert_eq!(status(&desk, &token(&old)).await, 200);

    let unheard_of = token(&SigningKey::ed25519("unheard of"));
    for _ in 0..5 {
        assert_eq!(status(&desk, &unheard_of).await, 401);
    }
    assert_eq!(issuer.requests(), 6);
    issuer.publish(&[&old, &new]);
    for key in [&unheard_of, &token(&new)] {
        let wait = assert_withheld(send_query(&desk, key, QUERY).await).await;
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // Requests with a known key are not concerned.
    assert_eq!(status(&desk, &token(&old)).await, 200);
    assert_eq!(issuer.requests(), 6);

    advance_clock(Duration::from_secs(61)).await;
    assert_eq!(status(&desk, &token(&new)).await, 200);
    assert_eq!(issuer.requests(), 7);
    // One more was granted with the time, not five.
    assert_withheld(send_query(&desk, &unheard_of, QUERY).await).await;
    advance_clock(Duration::from_secs(300)).await;
    for _ in 0..5 {
        assert_eq!(status(&desk, &unheard_of).await, 401);
    }
    assert_withheld(send_query(&desk, &unheard_of, QUERY).await).await;
}

#[tokio::test]
async fn many_requests_with_one_unknown_key_wait_for_one_fetch() {
    let (old, new) = (SigningKey::ed25519("old"), SigningKey::ed25519("new"));
    let issuer = Issuer::start(&[&old]).await;
    let desk = desk(&issuer).await;
    assert_eq!(status(&desk, &token(&old)).await, 200);

    issuer.publish(&[&old, &new]);
    let held = issuer.hold();
    let by_new = token(&new);
    let waiting = join_all((0..16).map(|_| status(&desk, &by_new)));
    let released = async {
        issuer.until_requests(2).await;
        // A known key does not wait with them.
        assert_eq!(status(&desk, &token(&old)).await, 200);
        drop(held);
    };
    let (statuses, ()) = tokio::join!(waiting, released);
    assert_eq!(statuses, vec![200; 16]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_request_waits_for_unknown_keys_no_longer_than_it_may_take() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = Desk::open_with(options(&issuer).set("LIMITS__REQUEST_TIMEOUT_MS", 200)).await;
    let held = issuer.hold();
    assert_withheld(send_query(&desk, &token(&key), QUERY).await).await;
    drop(held);
    until("the keys that were waited for are there", async || {
        status(&desk, &token(&key)).await == 200
    })
    .await;
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn keys_over_an_hour_old_are_refreshed_behind_the_requests_that_use_them() {
    let (old, new) = (SigningKey::ed25519("old"), SigningKey::ed25519("new"));
    let issuer = Issuer::start(&[&old, &new]).await;
    let desk = desk(&issuer).await;
    let [by_old, by_new] = [&old, &new].map(token);
    assert_eq!(status(&desk, &by_old).await, 200);

    issuer.publish(&[&new]);
    advance_clock(Duration::from_secs(59 * 60)).await;
    assert_eq!(status(&desk, &by_old).await, 200);
    assert_eq!(issuer.requests(), 1);

    advance_clock(Duration::from_secs(61)).await;
    let held = issuer.hold();
    let many = in_time("requests pass while the issuer hangs", async {
        join_all((0..16).map(|_| status(&desk, &by_old))).await
    });
    assert_eq!(many.await, vec![200; 16]);
    issuer.until_requests(2).await;
    drop(held);
    until("the withdrawn key is dropped", async || {
        status(&desk, &by_old).await == 401
    })
    .await;
    assert_eq!(status(&desk, &by_new).await, 200);
}

#[tokio::test]
async fn known_keys_stay_valid_for_a_day_while_the_issuer_fails() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;
    let token = token(&key);
    assert_eq!(status(&desk, &token).await, 200);

    issuer.fail();
    advance_clock(Duration::from_secs(24 * 60 * 60 - 20)).await;
    for _ in 0..5 {
        assert_eq!(status(&desk, &token).await, 200);
    }
    issuer.until_requests(2).await;
    assert_eq!(status(&desk, &token).await, 200);
    assert_eq!(issuer.requests(), 2);

    // Past the day the next attempt is due after seconds.
    advance_clock(Duration::from_secs(21)).await;
    let wait = assert_withheld(send_query(&desk, &token, QUERY).await).await;
    assert!((1..=5).contains(&wait), "{wait}");
    issuer.publish(&[&key]);
    advance_clock(Duration::from_secs(6)).await;
    assert_eq!(status(&desk, &token).await, 200);
    assert_eq!(issuer.requests(), 4);
}

#[tokio::test]
async fn an_empty_set_replaces_none() {
    assert_replaces_none(json!({ "keys": [] })).await;
}

#[tokio::test]
async fn a_set_without_a_usable_key_replaces_none() {
    let secret = json!({ "kty": "oct", "kid": "a", "k": encoded("secret") });
    assert_replaces_none(json!({ "keys": [secret, 7] })).await;
}

async fn assert_replaces_none(body: Value) {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;
    assert_eq!(status(&desk, &token(&key)).await, 200);

    issuer.answer_with(Some(body));
    let unheard_of = token(&SigningKey::ed25519("unheard of"));
    assert_withheld(send_query(&desk, &unheard_of, QUERY).await).await;
    advance_clock(Duration::from_secs(61 * 60)).await;
    for _ in 0..3 {
        assert_eq!(status(&desk, &token(&key)).await, 200);
    }
    issuer.until_requests(3).await;
    assert_eq!(status(&desk, &token(&key)).await, 200);
}

#[tokio::test]
async fn an_empty_set_is_no_set_at_the_start_either() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[]).await;
    let desk = desk(&issuer).await;
    let wait = assert_withheld(send_query(&desk, &token(&key), QUERY).await).await;
    assert!((1..=5).contains(&wait), "{wait}");

    issuer.publish(&[&key]);
    advance_clock(Duration::from_secs(6)).await;
    assert_eq!(status(&desk, &token(&key)).await, 200);
}

#[tokio::test]
async fn all_keys_of_one_id_are_tried() {
    let keys = [
        SigningKey::rsa("a"),
        SigningKey::another_rsa("a"),
        SigningKey::ed25519("a"),
        SigningKey::p256("a"),
    ];
    let issuer = Issuer::start(&keys.each_ref()).await;
    let desk = desk(&issuer).await;
    for (key, algorithm) in keys.iter().zip(["RS256", "RS256", "EdDSA", "ES256"]) {
        let token = key.token(algorithm, &claims("read"));
        assert_eq!(status(&desk, &token).await, 200, "{algorithm}");
    }
    let forged = SigningKey::ed25519("a").token("EdDSA", &claims("read"));
    assert_eq!(status(&desk, &forged).await, 401);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn without_any_keys_tokens_get_503() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let token = token(&key);

    for body in [
        None,
        Some(json!("no set of keys")),
        Some(json!({ "keys": [], "padding": "a".repeat(300_000) })),
    ] {
        issuer.answer_with(body);
        // The gateway starts without the issuer.
        let desk = desk(&issuer).await;
        let before = issuer.requests();
        for _ in 0..3 {
            let response = send_query(&desk, &token, QUERY).await;
            assert_eq!(response.status(), 503);
            let wait = response.headers().get("retry-after");
            let wait = wait.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            assert!(
                wait.is_some_and(|seconds| (1..=5).contains(&seconds)),
                "{wait:?}"
            );
            let answer: Value = response.json().await.expect("the error is JSON");
            assert_eq!(
                answer["errors"][0]["extensions"]["code"],
                "UPSTREAM_UNAVAILABLE"
            );
        }
        assert_eq!(issuer.requests(), before + 1);
        // A malformed token gets 401 without keys, and health checks need no caller.
        assert_eq!(status(&desk, "garbage").await, 401);
        let health = desk.client().get(desk.url("/health/live")).send().await;
        assert_eq!(health.expect("the gateway responds").status(), 200);

        issuer.publish(&[&key]);
        advance_clock(Duration::from_secs(6)).await;
        assert_eq!(status(&desk, &token).await, 200);
    }
}

/// Advances the gateway's clock by this time.
async fn advance_clock(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
