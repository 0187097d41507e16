//! Injected faults, and the sandbox's log of requests.

use std::{collections::BTreeMap, time::Duration};

use deskgraph::sandbox::{Bangwo8Switches, CountForm, Fault, FaultRule, credentials};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, array, read, send};
use crate::harness::in_time;

#[tokio::test]
async fn responses_of_injected_faults_reach_the_client() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    let sent = async |fault: Fault| {
        control.add_fault(FaultRule::new("GET /api/v1/ticket", fault).times(1));
        send(desk.firstline(Method::GET, "/api/v1/ticket")).await
    };

    let throttled = sent(Fault::Status {
        code: 429,
        body: "{}".to_owned(),
        headers: BTreeMap::from([("Retry-After".to_owned(), "7".to_owned())]),
    })
    .await;
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["retry-after"], "7");

    let page = sent(Fault::HtmlError { code: 502 }).await;
    assert_eq!(page.status(), 502);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = sent(Fault::NotJson).await;
    assert_eq!(page.status(), 200);
    assert!(page.json::<Value>().await.is_err());
    assert!(read(sent(Fault::WrongShape).await).await.is_array());
    assert_eq!(read(sent(Fault::Errcode).await).await["errcode"], "100047");
    let large = sent(Fault::OversizedBody { bytes: 3_000_000 }).await;
    let large = large.bytes().await.expect("the answer is whole");
    assert_eq!(large.len(), 3_000_000);
    assert!(serde_json::from_slice::<Value>(&large).is_ok());
    assert_eq!(sent(Fault::Delay { ms: 1 }).await.status(), 200);

    assert_eq!(desk.firstline_get("/api/v1/ticket/1001").await["id"], 1_001);
}

#[tokio::test]
async fn connections_broken_by_injected_faults_fail_at_the_client() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    for fault in [
        Fault::CloseBeforeHead,
        Fault::ResetConnection,
        Fault::CloseAfterWork,
    ] {
        control.add_fault(FaultRule::new("/api/v1/ticket", fault.clone()));
        let broken = desk.firstline(Method::GET, "/api/v1/ticket").send().await;
        let err = broken.expect_err("no answer comes");
        assert!(!err.is_timeout() && !err.is_connect(), "{fault:?}: {err:?}");
        let is_reset = format!("{err:?}").contains("ConnectionReset");
        assert_eq!(is_reset, fault == Fault::ResetConnection, "{err:?}");
        control.clear_faults();
    }
    assert_eq!(
        control
            .requests()
            .iter()
            .filter(|request| request.status.is_none())
            .count(),
        control.requests().len()
    );

    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::TruncatedBody));
    let truncated = send(desk.firstline(Method::GET, "/api/v1/ticket")).await;
    assert_eq!(truncated.status(), 200);
    assert!(
        truncated
            .content_length()
            .is_some_and(|length| length > 1_000)
    );
    assert!(truncated.bytes().await.is_err());
    control.clear_faults();

    let patience = Duration::from_millis(150);
    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::HangBeforeHead));
    let silent = desk
        .firstline(Method::GET, "/api/v1/ticket")
        .timeout(patience)
        .send()
        .await;
    assert!(silent.expect_err("no answer comes").is_timeout());
    control.clear_faults();

    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::HangInBody));
    let half = send(desk.firstline(Method::GET, "/api/v1/ticket")).await;
    assert_eq!(half.status(), 200);
    let rest = tokio::time::timeout(patience, half.bytes()).await;
    assert!(rest.is_err(), "the second half never comes");
    control.clear_faults();
    assert_eq!(desk.firstline_get("/api/v1/ticket/1001").await["id"], 1_001);
}

#[tokio::test]
async fn a_request_whose_response_is_lost_may_have_been_executed() {
    let desk = Desk::open().await;
    let before = desk.total("/api/v1/ticket").await;
    let body = json!({ "subject": "s", "content": "c" });
    for (fault, created) in [
        (Fault::CloseBeforeHead, 0),
        (Fault::CloseAfterWork, 1),
        (Fault::TruncatedBody, 2),
        (Fault::HtmlErrorAfterWork { code: 504 }, 3),
    ] {
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("POST /api/v1/ticket", fault).times(1));
        let answer = desk
            .firstline(Method::POST, "/api/v1/ticket")
            .json(&body)
            .send()
            .await;
        let lost = match answer {
            Ok(response) => response.status() == 504 || response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(lost);
        assert_eq!(desk.total("/api/v1/ticket").await, before + created);
    }
}

#[tokio::test]
async fn a_fault_skips_and_hits_the_configured_number_of_requests() {
    let desk = Desk::open().await;
    desk.sandbox.bangwo8().add_fault(
        FaultRule::new("page=2", Fault::HtmlError { code: 503 })
            .after(1)
            .times(2),
    );
    let mut statuses = Vec::new();
    for page in [1, 2, 2, 2, 2] {
        let response = send(desk.bangwo8(&format!("/api/v1/supports.json?page={page}"))).await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 503, 503, 200]);
}

#[tokio::test]
async fn every_request_is_logged_without_its_secrets() {
    let desk = Desk::open().await;
    let login = json!({ "name": credentials::FIRSTLINE_USERNAME, "password": credentials::FIRSTLINE_PASSWORD });
    send(
        desk.client
            .post(format!("{}/api/v1/auth", desk.sandbox.firstline_url()))
            .json(&login),
    )
    .await;
    send(desk.firstline(Method::GET, "/api/v1/ticket/1001?search=a%20b&token=t")).await;
    send(desk.firstline(Method::GET, "/api/v1/nothing")).await;
    send(desk.client.get(format!(
        "{}/_sandbox/switches",
        desk.sandbox.firstline_url()
    )))
    .await;

    let requests = desk.sandbox.firstline().requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].body["password"], "[replaced]");
    assert_eq!(requests[0].authorized_as, None);
    assert_eq!(
        (requests[1].method.as_str(), requests[1].path.as_str()),
        ("GET", "/api/v1/ticket/1001")
    );
    assert_eq!(requests[1].route.as_deref(), Some("/api/v1/ticket/{id}"));
    assert_eq!(requests[1].query_value("search"), Some("a b"));
    assert_eq!(requests[1].query_value("token"), Some("[replaced]"));
    assert_eq!(requests[1].authorized_as.as_deref(), Some("yating02"));
    assert_eq!(
        (requests[1].status, requests[2].status),
        (Some(200), Some(404))
    );
    assert!(requests[1].header("authorization").is_none());
    assert_eq!(
        desk.sandbox
            .firstline()
            .requests_to("/api/v1/ticket/{id}")
            .len(),
        1
    );
    desk.sandbox.firstline().clear_requests();
    assert!(desk.sandbox.firstline().requests().is_empty());
}

#[tokio::test]
async fn the_peak_of_concurrent_requests_is_counted() {
    let desk = Desk::open().await;
    let control = desk.sandbox.bangwo8();
    send(desk.bangwo8("/api/v1/supports.json")).await;
    assert_eq!(control.in_flight_peak(), 1);

    control.add_fault(FaultRule::new(
        "/api/v1/supports.json",
        Fault::HangBeforeHead,
    ));
    let hanging: Vec<_> = (0..4)
        .map(|_| tokio::spawn(desk.bangwo8("/api/v1/supports.json").send()))
        .collect();
    let arrived = control.until(|vendor| vendor.in_flight() == 4);
    in_time("all four are under way", arrived).await;
    assert_eq!(control.in_flight_peak(), 4);
    desk.sandbox.stop().await;
    for request in hanging {
        let outcome = request.await.expect("the request did not panic");
        assert!(outcome.is_err(), "stopping ends what hangs");
    }
}

#[tokio::test]
async fn the_sandbox_is_controlled_over_http() {
    let desk = Desk::open().await;
    let own = |path: &str| format!("{}/_sandbox/{path}", desk.sandbox.bangwo8_url());

    let shown = read(send(desk.client.get(own("switches"))).await).await;
    let defaults = serde_json::to_value(Bangwo8Switches::default()).expect("switches are JSON");
    assert_eq!(shown, defaults);
    let changed = desk
        .client
        .put(own("switches"))
        .json(&json!({ "count_form": "text" }));
    assert_eq!(read(send(changed).await).await["count_form"], "text");
    assert_eq!(
        desk.sandbox.bangwo8().switches().count_form,
        CountForm::Text
    );
    let unknown = desk
        .client
        .put(own("switches"))
        .json(&json!({ "nothing": 1 }));
    assert_eq!(send(unknown).await.status(), 422);

    let rule = json!({
        "path_contains": "/supports", "remaining": 1,
        "fault": { "kind": "status", "code": 503, "body": "{}", "headers": { "Retry-After": "1" } },
    });
    assert_eq!(
        send(desk.client.post(own("faults")).json(&rule))
            .await
            .status(),
        204
    );
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports.json")).await.status(),
        503
    );
    assert_eq!(send(desk.client.delete(own("faults"))).await.status(), 204);
    assert!(desk.sandbox.bangwo8().faults().is_empty());

    let requests = read(send(desk.client.get(own("requests"))).await).await;
    assert_eq!(array(&requests["requests"]).len(), 1);
    assert_eq!(
        send(desk.client.delete(own("requests"))).await.status(),
        204
    );
    assert!(desk.sandbox.bangwo8().requests().is_empty());
}
