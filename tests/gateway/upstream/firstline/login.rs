//! Authentication at FirstLine: by a permanent token, or by a login that is shared, renewed and not retried in vain.

use deskgraph::sandbox::{
    Fault, FaultRule, LoggedRequest, LoginAnswer, UnauthenticatedBody, credentials,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{record_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const ONE_RECORD: &str = "query($id: ID!) { serviceRecord(id: $id) { vendorId } }";

fn logins(desk: &Desk) -> Vec<LoggedRequest> {
    let mut requests = desk.sandbox.firstline().requests();
    requests.retain(|request| request.path == "/api/v1/auth");
    requests
}

fn record_number(index: usize) -> i64 {
    245_001 + index as i64
}

/// Reads this number of different records at once, each in its own request.
async fn execute_concurrently(desk: &Desk, count: usize) -> Vec<Value> {
    let requests = (0..count).map(async |index| {
        let id = record_id(record_number(index));
        desk.answer(ONE_RECORD, json!({ "id": id })).await
    });
    join_all(requests).await
}

fn with_token(token: &str) -> DeskOptions {
    DeskOptions::default()
        .set("FIRSTLINE__USERNAME", "")
        .set("FIRSTLINE__PASSWORD", "")
        .set("FIRSTLINE__TOKEN", token)
}

#[tokio::test]
async fn a_permanent_token_is_sent_without_a_login() {
    let desk = Desk::open_with(with_token(credentials::FIRSTLINE_TOKEN)).await;
    for (index, answer) in execute_concurrently(&desk, 5).await.into_iter().enumerate() {
        let expected = json!({ "data": { "serviceRecord": { "vendorId": record_number(index).to_string() } } });
        assert_eq!(answer, expected);
    }
    assert_eq!(logins(&desk).len(), 0);
    for request in desk.sandbox.firstline().requests() {
        assert!(request.authorized_as.is_some());
        assert_eq!(request.query_value("token"), None);
    }
}

#[tokio::test]
async fn a_rejected_permanent_token_is_an_error_and_causes_no_login() {
    let desk = Desk::open_with(with_token("another-token")).await;
    let (error, data) = desk
        .execute_failing(ONE_RECORD, json!({ "id": record_id(245_001) }))
        .await;
    assert_eq!(data, json!({ "serviceRecord": null }));
    assert_eq!(
        error["extensions"],
        json!({
            "code": "UPSTREAM_REJECTED", "vendor": "FIRSTLINE", "vendorCode": "UNAUTHENTICATED", "retryable": false,
        })
    );
    assert!(!error.to_string().contains("another-token"), "{error}");
    assert_eq!(vendor_requests(&desk).len(), 1);
    assert_eq!(logins(&desk).len(), 0);
}

#[tokio::test]
async fn twenty_concurrent_requests_share_one_login() {
    let desk = Desk::open().await;
    desk.forget_calls();
    for (index, answer) in execute_concurrently(&desk, 20)
        .await
        .into_iter()
        .enumerate()
    {
        let expected = json!({ "data": { "serviceRecord": { "vendorId": record_number(index).to_string() } } });
        assert_eq!(answer, expected);
    }
    let logins = logins(&desk);
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0].method, "POST");
    assert_eq!(logins[0].body["name"], credentials::FIRSTLINE_USERNAME);
    assert_eq!(vendor_requests(&desk).len(), 20);
}

#[tokio::test]
async fn an_expired_token_is_replaced_by_one_new_login() {
    for body in [
        UnauthenticatedBody::Message,
        UnauthenticatedBody::Error,
        UnauthenticatedBody::Html,
    ] {
        let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.unauthenticated_body = body);
        execute_concurrently(&desk, 1).await;
        desk.sandbox.firstline_expire_tokens();
        desk.forget_calls();

        for answer in execute_concurrently(&desk, 20).await {
            assert_eq!(answer.get("errors"), None, "{answer}");
        }
        let logins = logins(&desk);
        assert_eq!(logins.len(), 1);
        assert_eq!(
            (logins[0].method.as_str(), logins[0].status),
            ("POST", Some(200))
        );
    }
}

#[tokio::test]
async fn every_documented_shape_of_a_login_response_is_accepted() {
    for answer in [
        LoginAnswer::AccessToken,
        LoginAnswer::DataAccessToken,
        LoginAnswer::Token,
        LoginAnswer::DataToken,
    ] {
        let desk = Desk::open().await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.login_answer = answer);
        let data = desk
            .data(ONE_RECORD, json!({ "id": record_id(245_001) }))
            .await;
        assert_eq!(data["serviceRecord"]["vendorId"], "245001");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_retried() {
    let desk =
        Desk::open_with(DeskOptions::default().set("FIRSTLINE__PASSWORD", "a-wrong-password"))
            .await;
    for round in 0..3 {
        for answer in execute_concurrently(&desk, 5).await {
            assert_eq!(answer["data"], json!({ "serviceRecord": null }), "{round}");
            assert_eq!(
                answer["errors"][0]["extensions"],
                json!({
                    "code": "UPSTREAM_REJECTED", "vendor": "FIRSTLINE", "vendorCode": "UNAUTHENTICATED", "retryable": false,
                })
            );
            assert!(!answer.to_string().contains("a-wrong-password"));
        }
    }
    assert_eq!(logins(&desk).len(), 1);
    assert_eq!(vendor_requests(&desk), Vec::<String>::new());

    // The other vendor's part of a list is still served.
    let data = desk.execute("{ serviceRecords(first: 2) { nodes { vendor } sources { vendor state error { code retryable } } } }").await;
    assert_eq!(
        data["serviceRecords"]["nodes"],
        json!([{ "vendor": "BANGWO8" }, { "vendor": "BANGWO8" }])
    );
    assert_eq!(
        data["serviceRecords"]["sources"][0],
        json!({
            "vendor": "FIRSTLINE", "state": "FAILED", "error": { "code": "UNAUTHENTICATED", "retryable": false },
        })
    );
}

#[tokio::test]
async fn a_new_token_that_is_rejected_is_not_replaced_again() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    let refused = Fault::Status {
        code: 401,
        body: "{\"message\":\"Unauthenticated.\"}".into(),
        headers: Default::default(),
    };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("GET /api/v1/interact-collection", refused));
    for _ in 0..4 {
        let (error, _) = desk
            .execute_failing(ONE_RECORD, json!({ "id": record_id(245_001) }))
            .await;
        assert_eq!(error["extensions"]["vendorCode"], "UNAUTHENTICATED");
    }
    // One first login and one replacement, then a pause.
    assert_eq!(logins(&desk).len(), 2);
}

#[tokio::test]
async fn a_rejected_login_is_retried_after_the_configured_pause() {
    for (pause_ms, expected_logins) in [("60000", 1), ("0", 2)] {
        let desk = Desk::open_with(
            DeskOptions::default().set("FIRSTLINE__REFUSED_LOGIN_PAUSE_MS", pause_ms),
        )
        .await;
        let refused = Fault::Status {
            code: 401,
            body: "{\"message\":\"Unauthenticated.\"}".into(),
            headers: Default::default(),
        };
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("/api/v1/auth", refused).times(1));
        let id = json!({ "id": record_id(245_001) });

        let (error, _) = desk.execute_failing(ONE_RECORD, id.clone()).await;
        assert_eq!(error["extensions"]["vendorCode"], "UNAUTHENTICATED");
        let answer = desk.answer(ONE_RECORD, id).await;
        assert_eq!(logins(&desk).len(), expected_logins);
        let is_answered = answer["data"]["serviceRecord"].is_object();
        assert_eq!(is_answered, expected_logins == 2, "{answer}");
    }
}

#[tokio::test]
async fn an_unreadable_login_response_is_a_contract_error() {
    let desk = Desk::open().await;
    let garbage = Fault::Status {
        code: 200,
        body: "{\"token_type\":\"bearer\"}".into(),
        headers: Default::default(),
    };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("/api/v1/auth", garbage).times(1));
    let (error, _) = desk
        .execute_failing(ONE_RECORD, json!({ "id": record_id(245_001) }))
        .await;
    assert_eq!(
        error["extensions"],
        json!({
            "code": "UPSTREAM_CONTRACT", "vendor": "FIRSTLINE", "vendorCode": "BAD_RESPONSE", "retryable": false,
        })
    );
    let data = desk
        .data(ONE_RECORD, json!({ "id": record_id(245_001) }))
        .await;
    assert_eq!(data["serviceRecord"]["vendorId"], "245001");
}

#[tokio::test]
async fn a_list_is_null_when_its_only_vendor_rejects_the_credentials() {
    let options = DeskOptions::default()
        .without("BANGWO8")
        .set("FIRSTLINE__PASSWORD", "a-wrong-password");
    let desk = Desk::open_with(options).await;
    for field in ["serviceRecords", "tickets", "employees", "categories"] {
        let (error, data) = desk
            .execute_failing(&format!("{{ {field} {{ nodes {{ id }} }} }}"), Value::Null)
            .await;
        assert_eq!(data[field], Value::Null, "{field}");
        assert_eq!(error["path"], json!([field]));
        assert_eq!(
            error["extensions"]["vendorCode"], "UNAUTHENTICATED",
            "{field}"
        );
    }
    assert_eq!(logins(&desk).len(), 1);
}
