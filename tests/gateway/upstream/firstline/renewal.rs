//! Renewal of a token beside traffic: no call waits for it while the old token is good, and none fails because the new token
//! ended the old one.

use std::time::Duration;

use deskgraph::sandbox::{Fault, FaultRule, LoggedRequest, MethodSupport};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time;

use super::record_id;
use crate::harness::{Desk, DeskOptions, in_time};

const ONE_RECORD: &str = "query($id: ID!) { serviceRecord(id: $id) { vendorId } }";
const CREATE: &str = "mutation { createTicket(input: { subject: \"only one\", content: \"c\" }) { ticket { id } userErrors { code } } }";
const AUTH: &str = "/api/v1/auth";
const LIFE_SECONDS: i64 = 220;
const NEAR_ITS_END: Duration = Duration::from_secs(170);
const AFTER_ITS_END: Duration = Duration::from_secs(221);
/// Connections that are idle for longer are closed.
const MOST_AT_ONCE: Duration = Duration::from_secs(72);

/// A gateway with a token that is renewed in the last minute of its life. Its deadlines are far off, because the clock is moved.
async fn desk_with_token() -> Desk {
    let options = DeskOptions::default()
        .set("CACHE__ENABLED", "false")
        .set("LIMITS__REQUEST_TIMEOUT_MS", 600_000)
        .set("FIRSTLINE__TIMEOUT_MS", 600_000);
    let desk = Desk::open_with(options).await;
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.login_life_seconds = Some(LIFE_SECONDS));
    read(&desk, 0).await;
    assert_eq!(auth_calls(&desk, "POST").len(), 1);
    desk
}

/// Moves the clock of the gateway and of the sandbox. The connections need one that goes on.
async fn pass_time(desk: &Desk, mut duration: Duration) {
    while !duration.is_zero() {
        let step = duration.min(MOST_AT_ONCE);
        time::pause();
        time::advance(step).await;
        time::resume();
        duration -= step;
        if !duration.is_zero() {
            read(desk, 0).await;
        }
    }
}

async fn read(desk: &Desk, index: i64) {
    let number = 245_001 + index;
    let answer = desk
        .answer(ONE_RECORD, json!({ "id": record_id(number) }))
        .await;
    let expected = json!({ "data": { "serviceRecord": { "vendorId": number.to_string() } } });
    assert_eq!(answer, expected);
}

fn auth_calls(desk: &Desk, method: &str) -> Vec<LoggedRequest> {
    let mut calls = desk.sandbox.firstline().requests_to(AUTH);
    calls.retain(|call| call.method == method);
    calls
}

/// Waits until the renewal has this status.
async fn renewed(desk: &Desk, status: u16) {
    let control = desk.sandbox.firstline();
    let renewed = control.until(|control| {
        let calls = control.requests_to(AUTH);
        calls
            .iter()
            .any(|call| call.method == "PUT" && call.status == Some(status))
    });
    in_time("the token is renewed", renewed).await;
}

#[tokio::test]
async fn no_call_waits_for_a_renewal_while_the_old_token_is_good() {
    let desk = desk_with_token().await;
    let control = desk.sandbox.firstline();
    control.add_fault(FaultRule::new(AUTH, Fault::HeldWork).times(1));
    pass_time(&desk, NEAR_ITS_END).await;

    join_all((1..=20).map(|index| read(&desk, index))).await;
    read(&desk, 21).await;
    let renewals = auth_calls(&desk, "PUT");
    assert_eq!(renewals.len(), 1, "one renewal runs beside the calls");
    assert_eq!(renewals[0].status, None, "and is held back");

    control.release();
    renewed(&desk, 200).await;
    // The renewed token outlives the old one.
    pass_time(&desk, AFTER_ITS_END - NEAR_ITS_END).await;
    join_all((22..=41).map(|index| read(&desk, index))).await;
    assert_eq!(auth_calls(&desk, "PUT").len(), 1);
    assert_eq!(auth_calls(&desk, "POST").len(), 1, "there was one login");
}

#[tokio::test]
async fn calls_that_were_in_flight_when_the_renewal_landed_are_repeated_with_the_new_token() {
    let desk = desk_with_token().await;
    let control = desk.sandbox.firstline();
    // So that the requests are in flight for less than their client's time.
    let moment = Duration::from_secs(20);
    pass_time(&desk, NEAR_ITS_END - moment).await;
    for line in [
        "GET /api/v1/interact-collection/24500",
        "POST /api/v1/ticket",
    ] {
        control.add_fault(FaultRule::new(line, Fault::HeldWork).times(3));
    }
    let before = control.requests().len();
    let held = async {
        let reads = join_all((1..=3).map(|index| read(&desk, index)));
        let creates = join_all((0..3).map(|_| desk.answer(CREATE, Value::Null)));
        tokio::join!(reads, creates).1
    };
    let renewal = async {
        let arrived = control.until(|control| control.requests().len() >= before + 6);
        in_time("the calls are in flight", arrived).await;
        pass_time(&desk, moment).await;
        read(&desk, 20).await;
        renewed(&desk, 200).await;
        control.release();
    };
    let (created, ()) = tokio::join!(held, renewal);

    for answer in created {
        assert!(
            answer["data"]["createTicket"]["ticket"]["id"].is_string(),
            "{answer}"
        );
    }
    let refused = control.requests();
    let refused = refused.iter().filter(|request| request.status == Some(401));
    assert_eq!(refused.count(), 6, "each of them met the new token");
    let found = desk
        .execute("{ tickets(filter: { search: \"only one\" }) { totalCount } }")
        .await;
    assert_eq!(found["tickets"]["totalCount"], 3);
    assert_eq!(auth_calls(&desk, "POST").len(), 1, "there was one login");
    assert_eq!(auth_calls(&desk, "PUT").len(), 1);
    let vendors = desk
        .execute("{ vendors { state lastError { code } } }")
        .await;
    assert_eq!(
        vendors["vendors"][0],
        json!({ "state": "UP", "lastError": null })
    );
}

#[tokio::test]
async fn a_call_that_is_refused_while_the_new_token_is_on_its_way_waits_for_it() {
    let desk = desk_with_token().await;
    let control = desk.sandbox.firstline();
    // The old token ends with the new one, which the gateway does not know yet.
    control.add_fault(FaultRule::new(AUTH, Fault::HeldResponse).times(1));
    pass_time(&desk, NEAR_ITS_END).await;
    read(&desk, 1).await;
    let arrived = control.until(|_| !auth_calls(&desk, "PUT").is_empty());
    in_time("the vendor has the renewal", arrived).await;

    let is_refused = |request: &LoggedRequest| request.status == Some(401);
    let release = async {
        let refused = control.until(|control| control.requests().iter().any(is_refused));
        in_time("a call is refused", refused).await;
        control.release();
    };
    let reads = join_all((2..=6).map(|index| read(&desk, index)));
    tokio::join!(reads, release);
    assert_eq!(auth_calls(&desk, "POST").len(), 1, "there was one login");
    assert_eq!(auth_calls(&desk, "PUT").len(), 1);
}

#[tokio::test]
async fn a_renewal_that_fails_fails_no_call_and_is_tried_again_after_a_pause() {
    let desk = desk_with_token().await;
    let control = desk.sandbox.firstline();
    let unusable = Fault::Status {
        code: 400,
        body: "{}".into(),
        headers: Default::default(),
    };
    control.add_fault(FaultRule::new("PUT /api/v1/auth", unusable.clone()));
    control.add_fault(FaultRule::new("POST /api/v1/auth", unusable));
    pass_time(&desk, NEAR_ITS_END).await;

    let failed = |count| {
        move |control: &deskgraph::sandbox::VendorControl<_>| {
            let calls = control.requests_to(AUTH);
            calls.iter().filter(|call| call.status == Some(400)).count() == count
        }
    };
    read(&desk, 1).await;
    // A renewal and, instead of it, a login.
    in_time("it fails", control.until(failed(2))).await;
    join_all((2..=9).map(|index| read(&desk, index))).await;
    assert!(failed(2)(control), "it is not tried again at once");

    // The account is not locked by more logins; the renewal itself is tried again.
    pass_time(&desk, Duration::from_secs(5)).await;
    read(&desk, 10).await;
    in_time("it is tried again", control.until(failed(3))).await;
}

#[tokio::test]
async fn a_renewal_uses_post_where_the_vendor_takes_no_put() {
    let desk = desk_with_token().await;
    let control = desk.sandbox.firstline();
    control.change_switches(|switches| switches.method_support = MethodSupport::PutOverridden);
    pass_time(&desk, NEAR_ITS_END).await;
    read(&desk, 1).await;
    let overridden = control.until(|control| {
        let calls = control.requests_to(AUTH);
        let mut renewals = calls.iter().filter(|call| call.body["_method"] == "put");
        renewals.any(|call| call.status == Some(200))
    });
    in_time("the token is renewed", overridden).await;
    pass_time(&desk, AFTER_ITS_END - NEAR_ITS_END).await;
    read(&desk, 2).await;
    assert_eq!(auth_calls(&desk, "POST").len(), 2, "a login and a renewal");
}

#[tokio::test]
async fn a_token_that_expired_unused_is_replaced_by_one_login() {
    let desk = desk_with_token().await;
    let last_use = Duration::from_secs(150);
    pass_time(&desk, last_use).await;
    read(&desk, 0).await;
    pass_time(&desk, AFTER_ITS_END - last_use).await;
    join_all((1..=20).map(|index| read(&desk, index))).await;
    assert_eq!(auth_calls(&desk, "POST").len(), 2);
    assert_eq!(auth_calls(&desk, "PUT").len(), 0);
}
