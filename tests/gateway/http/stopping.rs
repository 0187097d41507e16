//! How the program ends: what is under way may end first, for a while, and nobody who only keeps a connection holds it up.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};

use crate::{
    harness::in_time,
    program::{Program, client, settings_for},
};

/// How long requests under way may go on after the first signal.
const GRACE: Duration = Duration::from_secs(20);
/// What a busy machine may add to an end that comes at once.
const A_LITTLE: Duration = Duration::from_secs(10);

struct Stage {
    vendors: Sandbox,
    program: Program,
    client: reqwest::Client,
}

impl Stage {
    /// A program whose requests may take as long as a vendor does.
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

    /// A request that the vendor keeps waiting by this fault, once the vendor has it.
    async fn under_way(&self, fault: Fault) -> JoinHandle<Option<Value>> {
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
async fn requests_under_way_end_and_idle_connections_hold_nothing_up() {
    for signal in ["-TERM", "-INT"] {
        let stage = Stage::open().await;
        // One connection that was used and is kept, and one that never says anything.
        let live = stage.client.get(stage.program.url("/health/live"));
        assert!(live.send().await.is_ok());
        let silent = TcpStream::connect(&stage.program.address).await;
        assert!(silent.is_ok());

        let answer = stage.under_way(Fault::Delay { ms: 1_500 }).await;
        let signalled_at = Instant::now();
        stage.program.signal(signal).await;
        stage.program.stops_listening().await;
        let answer = answer.await.expect("it is not cut off");
        let sponsors = answer.map(|answer| answer["data"]["sponsors"].is_array());
        assert_eq!(sponsors, Some(true), "it is answered whole");

        let ended = stage.program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(
            signalled_at.elapsed() < GRACE,
            "{:?}",
            signalled_at.elapsed()
        );
    }
}

#[tokio::test]
async fn a_write_whose_client_went_away_ends_before_the_program() {
    let stage = Stage::open().await;
    let firstline = stage.vendors.firstline();
    firstline.add_fault(FaultRule::new(
        "POST /api/v1/ticket",
        Fault::Delay { ms: 1_500 },
    ));
    let create =
        "mutation { createTicket(input: { subject: \"s\", content: \"c\" }) { ticket { id } } }";
    let sent = stage
        .client
        .post(stage.program.url("/graphql"))
        .json(&json!({ "query": create }))
        .send();
    let client = tokio::spawn(sent);
    let arrived = firstline.until(|vendor| !vendor.requests_to("/api/v1/ticket").is_empty());
    in_time("the vendor has the write", arrived).await;
    client.abort();

    let ended = stage.program.end_by("-TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("a write ended"), "{}", ended.stderr);
    let status = firstline.requests_to("/api/v1/ticket")[0].status;
    assert!(status.is_some_and(|status| status < 300), "{status:?}");
}

#[tokio::test]
async fn a_second_signal_ends_the_program_at_once() {
    let stage = Stage::open().await;
    let answer = stage.under_way(Fault::HangBeforeHead).await;
    stage.program.signal("-TERM").await;
    stage.program.stops_listening().await;

    let signalled_at = Instant::now();
    let ended = stage.program.end_by("-TERM").await;
    assert!(signalled_at.elapsed() < A_LITTLE);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(answer.await.expect("the client goes on"), None);
}

#[tokio::test]
async fn what_does_not_end_in_its_time_is_cut_off() {
    let stage = Stage::open().await;
    let answer = stage.under_way(Fault::HangBeforeHead).await;
    let signalled_at = Instant::now();
    let ended = stage.program.end_by("-TERM").await;
    let took = signalled_at.elapsed();
    assert!((GRACE..GRACE + A_LITTLE).contains(&took), "{took:?}");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("cut off"), "{}", ended.stderr);
    assert_eq!(answer.await.expect("the client goes on"), None);
}
