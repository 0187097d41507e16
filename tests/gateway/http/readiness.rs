//! Readiness at the start: the vendors are checked first.

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions, credentials};
use serde_json::Value;

use crate::{
    harness::{in_time, until},
    program::{Program, client, settings_for},
};

const FIRSTLINE_EMPLOYEES: &str = "/api/v1/employee";

async fn vendors() -> Sandbox {
    Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free")
}

async fn readiness(program: &Program) -> (u16, String) {
    let response = client().get(program.url("/health/ready")).send().await;
    let response = response.expect("the gateway responds");
    let code = response.status().as_u16();
    let body: Value = response.json().await.expect("the response is JSON");
    let status = body["status"].as_str().expect("it has a status");
    (code, status.to_owned())
}

async fn until_status(program: &Program, status: &str) -> u16 {
    let mut code = 0;
    until(status, async || {
        let seen = readiness(program).await;
        code = seen.0;
        seen.1 == status
    })
    .await;
    code
}

/// The settings with other values for some of them.
fn with(vendors: &Sandbox, changes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut settings = settings_for(vendors);
    for (name, value) in changes {
        settings.retain(|(known, _)| known != name);
        settings.push((name, (*value).to_owned()));
    }
    settings
}

#[tokio::test]
async fn the_gateway_is_ready_once_each_vendor_has_answered_and_after_two_calls_at_most() {
    let vendors = vendors().await;
    let firstline = vendors.firstline();
    firstline.add_fault(FaultRule::new(FIRSTLINE_EMPLOYEES, Fault::HangBeforeHead));
    let program = Program::start(&["serve"], &settings_for(&vendors)).await;

    let arrived = firstline.until(|vendor| !vendor.requests_to(FIRSTLINE_EMPLOYEES).is_empty());
    in_time("the check has arrived", arrived).await;
    let bangwo8 = vendors.bangwo8();
    in_time(
        "Bangwo8 has answered",
        bangwo8.until(|vendor| !vendor.requests().is_empty()),
    )
    .await;
    assert_eq!(readiness(&program).await, (503, "starting".to_owned()));
    program.end_by("-KILL").await;

    firstline.clear_faults();
    firstline.clear_requests();
    bangwo8.clear_requests();
    let program = Program::start(&["serve"], &settings_for(&vendors)).await;
    assert_eq!(until_status(&program, "ready").await, 200);
    let (login, list) = (
        firstline.requests_to("/api/v1/auth"),
        firstline.requests_to(FIRSTLINE_EMPLOYEES),
    );
    assert_eq!(
        (login.len(), list.len(), firstline.requests().len()),
        (1, 1, 2)
    );
    assert_eq!(bangwo8.requests().len(), 1);
}

#[tokio::test]
async fn wrong_credentials_for_every_vendor_are_not_ready_and_take_two_calls_at_most() {
    let vendors = vendors().await;
    for changes in [
        [
            ("DESKGRAPH_FIRSTLINE__PASSWORD", "another-password"),
            ("DESKGRAPH_BANGWO8__PASSWORD", "another-password"),
        ]
        .as_slice(),
        &[
            ("DESKGRAPH_FIRSTLINE__USERNAME", ""),
            ("DESKGRAPH_FIRSTLINE__PASSWORD", ""),
            ("DESKGRAPH_FIRSTLINE__TOKEN", "another-token"),
            ("DESKGRAPH_BANGWO8__ACCOUNT", ""),
            ("DESKGRAPH_BANGWO8__PASSWORD", ""),
            (
                "DESKGRAPH_BANGWO8__CLIENT_ID",
                credentials::BANGWO8_CLIENT_ID,
            ),
            ("DESKGRAPH_BANGWO8__CLIENT_SECRET", "another-secret"),
        ],
    ] {
        vendors.firstline().clear_requests();
        vendors.bangwo8().clear_requests();
        let program = Program::start(&["serve"], &with(&vendors, changes)).await;

        assert_eq!(until_status(&program, "no vendor is up").await, 503);
        assert!(vendors.firstline().requests().len() <= 2);
        assert!(vendors.bangwo8().requests().len() <= 2);
    }
}

#[tokio::test]
async fn a_vendor_that_does_not_work_delays_nothing_when_another_one_works() {
    let vendors = vendors().await;
    let unavailable = Fault::Status {
        code: 503,
        body: "{}".to_owned(),
        headers: Default::default(),
    };
    vendors
        .firstline()
        .add_fault(FaultRule::new("/api/v1", unavailable));
    let program = Program::start(&["serve"], &settings_for(&vendors)).await;
    assert_eq!(until_status(&program, "ready").await, 200);
    assert!(vendors.firstline().requests().len() <= 2);

    let nobody = [("DESKGRAPH_BANGWO8__BASE_URL", "http://127.0.0.1:9")];
    vendors.firstline().clear_faults();
    let program = Program::start(&["serve"], &with(&vendors, &nobody)).await;
    assert_eq!(until_status(&program, "ready").await, 200);
}

#[tokio::test]
async fn the_gateway_gets_ready_when_a_vendor_works_after_all() {
    let vendors = vendors().await;
    let refused = Fault::Status {
        code: 503,
        body: "{}".to_owned(),
        headers: Default::default(),
    };
    vendors
        .firstline()
        .add_fault(FaultRule::new("/api/v1", refused));
    let nobody = [("DESKGRAPH_BANGWO8__BASE_URL", "http://127.0.0.1:9")];
    let program = Program::start(&["serve"], &with(&vendors, &nobody)).await;
    assert_eq!(until_status(&program, "no vendor is up").await, 503);

    vendors.firstline().clear_faults();
    assert_eq!(until_status(&program, "ready").await, 200);
}
