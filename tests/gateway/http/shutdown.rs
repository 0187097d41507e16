//! Shutdown: requests in flight may end within a time, and idle connections do not delay it.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};

use crate::{
    harness::in_time,
    program::{Program, client, settings_for},
};

/// The time that requests in flight have after the first signal.
const GRACE: Duration = Duration::from_secs(20);
/// The time that a busy machine may add to an immediate exit.
const A_LITTLE: Duration = Duration::from_secs(10);

struct SlowGateway {
    vendors: Sandbox,
    program: Program,
    client: reqwest::Client,
}

impl SlowGateway {
    /// A program whose requests may take as long as the vendor does.
    async fn open() -> Self {
        let vendors = Sandbox::start(SandboxOptions::default())
            .await
            .expect("ports are free");
        let mut settings = settings_for(&vendors);
        for setting in [
            "DESKGRAPH_LIMITS__REQUEST_TIMEOUT_MS",
            "DESKGRAPH_FIRSTLINE__TIMEOUT_MS",
        ] {
            settings.push((setting, "600000".to_owned()));
        }
        Self {
            program: Program::start(&["serve"], &settings).await,
            client: client(),
            vendors,
        }
    }

    /// A request that this fault delays, once the vendor has received it.
    async fn in_flight(&self, fault: Fault) -> JoinHandle<Option<Value>> {
        let firstline = self.vendors.firstline();
        firstline.add_fault(FaultRule::new("/api/v1/sponsor", fault));
        let sent = self
            .client
            .post(self.program.url("/graphql"))
            .json(&json!({ "query": "{ sponsors { id } }" }))
            .send();
        let answer = tokio::spawn(async move { sent.await.ok()?.json().await.ok() });
        let arrived = firstline.until(|vendor| !vendor.requests_to("/api/v1/sponsor").is_empty());
        in_time("the vendor has the request", arrived).await;
        answer
    }
}

#[tokio::test]
async fn requests_in_flight_finish_and_idle_connections_do_not_delay_shutdown() {
    for signal in ["-TERM", "-INT"] {
        let slow = SlowGateway::open().await;
        // One connection that was used and stays open, and one that never sends anything.
        let live = slow.client.get(slow.program.url("/health/live"));
        assert!(live.send().await.is_ok());
        let silent = TcpStream::connect(&slow.program.address).await;
        assert!(silent.is_ok());

        let answer = slow.in_flight(Fault::Delay { ms: 1_500 }).await;
        let signalled_at = Instant::now();
        slow.program.signal(signal).await;
        slow.program.stops_listening().await;
        let answer = answer.await.expect("it is not cut off");
        let sponsors = answer.map(|answer| answer["data"]["sponsors"].is_array());
        assert_eq!(sponsors, Some(true), "it is answered whole");

        let ended = slow.program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(
            signalled_at.elapsed() < GRACE,
            "{:?}",
            signalled_at.elapsed()
        );
    }
}

#[tokio::test]
async fn a_write_of_a_disconnected_client_finishes_before_the_process_exits() {
    let slow = SlowGateway::open().await;
    let firstline = slow.vendors.firstline();
    firstline.add_fault(FaultRule::new(
        "POST /api/v1/ticket",
        Fault::Delay { ms: 1_500 },
    ));
    let create =
        "mutation { createTicket(input: { subject: \"s\", content: \"c\" }) { ticket { id } } }";
    let sent = slow
        .client
        .post(slow.program.url("/graphql"))
        .json(&json!({ "query": create }))
        .send();
    let client = tokio::spawn(sent);
    let arrived = firstline.until(|vendor| !vendor.requests_to("/api/v1/ticket").is_empty());
    in_time("the vendor has the write", arrived).await;
    client.abort();

    let ended = slow.program.end_by("-TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("a write ended"), "{}", ended.stderr);
    let status = firstline.requests_to("/api/v1/ticket")[0].status;
    assert!(status.is_some_and(|status| status < 300), "{status:?}");
}

#[tokio::test]
async fn a_create_in_the_background_finishes_before_the_process_exits() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let mut settings = settings_for(&vendors);
    settings.push(("DESKGRAPH_FIRSTLINE__TIMEOUT_MS", "500".to_owned()));
    let program = Program::start(&["serve"], &settings).await;
    let firstline = vendors.firstline();
    firstline.add_fault(FaultRule::new("POST /api/v1/ticket", Fault::HeldWork));
    let create =
        "mutation { createTicket(input: { subject: \"s\", content: \"c\" }) { ticket { id } } }";
    let sent = client()
        .post(program.url("/graphql"))
        .json(&json!({ "query": create }))
        .send();
    let answer: Value = sent.await.expect("it responds").json().await.expect("JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "OUTCOME_UNKNOWN");

    program.signal("-TERM").await;
    program.stops_listening().await;
    firstline.release();
    let ended = program.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let is_settled = ended
        .stderr
        .contains("a create ended after its caller's deadline");
    assert!(is_settled, "{}", ended.stderr);
    let status = firstline.requests_to("/api/v1/ticket")[0].status;
    assert_eq!(status, Some(201));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let slow = SlowGateway::open().await;
    let answer = slow.in_flight(Fault::HangBeforeHead).await;
    slow.program.signal("-TERM").await;
    slow.program.stops_listening().await;

    let signalled_at = Instant::now();
    let ended = slow.program.end_by("-TERM").await;
    assert!(signalled_at.elapsed() < A_LITTLE);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(answer.await.expect("the client goes on"), None);
}

#[tokio::test]
async fn requests_that_exceed_the_shutdown_time_are_aborted() {
    let slow = SlowGateway::open().await;
    let answer = slow.in_flight(Fault::HangBeforeHead).await;
    let signalled_at = Instant::now();
    let ended = slow.program.end_by("-TERM").await;
    let took = signalled_at.elapsed();
    assert!((GRACE..GRACE + A_LITTLE).contains(&took), "{took:?}");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("cut off"), "{}", ended.stderr);
    assert_eq!(answer.await.expect("the client goes on"), None);
}
