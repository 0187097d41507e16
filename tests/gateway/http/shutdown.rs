//! Shutdown: requests in flight may end within a time, and idle connections do not delay it.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinHandle};

use super::wire::{ACK, DATA, Frames, GOAWAY, PING, SETTINGS, frame, get, read_response};
use crate::{
    harness::{in_time, until},
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

/// A gateway that drains for some seconds.
async fn draining_gateway() -> (Sandbox, Program) {
    let vendors = Sandbox::start(SandboxOptions::default()).await;
    let vendors = vendors.expect("ports are free");
    let mut settings = settings_for(&vendors);
    settings.retain(|(name, _)| *name != "DESKGRAPH_SHUTDOWN__DRAIN_MS");
    settings.push(("DESKGRAPH_SHUTDOWN__DRAIN_MS", "4000".to_owned()));
    let program = Program::start(&["serve"], &settings).await;
    until("it is ready", async || {
        let ready = client().get(program.url("/health/ready")).send().await;
        ready.is_ok_and(|ready| ready.status() == 200)
    })
    .await;
    (vendors, program)
}

async fn request(stream: &mut TcpStream, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("the connection takes it");
    read_response(stream).await
}

#[tokio::test]
async fn after_sigterm_no_request_is_lost_while_load_balancers_notice() {
    let (_vendors, program) = draining_gateway().await;
    let mut idle = TcpStream::connect(&program.address)
        .await
        .expect("it listens");
    let (before, _) = request(&mut idle, "/health/ready").await;
    assert!(before.starts_with("HTTP/1.1 200 "), "{before}");
    assert!(!before.contains("connection: close"), "{before}");

    // Clients that send one request after the other, until no new connection is accepted.
    let clients = (0..20).map(|_| {
        let url = program.url("/graphql?query=%7B__typename%7D");
        let client = client();
        tokio::spawn(async move {
            let mut answered = 0;
            loop {
                match client.get(&url).send().await {
                    Ok(response) => assert_eq!(response.status(), 200),
                    Err(err) if err.is_connect() => return answered,
                    Err(err) => panic!("after {answered} requests: {err:?}"),
                }
                answered += 1;
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let signalled_at = Instant::now();
    program.signal("-TERM").await;

    // At once, and on a connection that was opened before.
    until("it is not ready", async || {
        let ready = client().get(program.url("/health/ready")).send().await;
        ready.is_ok_and(|ready| ready.status() == 503)
    })
    .await;
    assert!(signalled_at.elapsed() < Duration::from_secs(3));
    let (head, body) = request(&mut idle, "/graphql?query=%7B__typename%7D").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert!(body.contains("Query"), "{body}");

    for client in clients {
        let answered = client.await.expect("no request is lost");
        assert!(answered > 0);
    }
    assert!(signalled_at.elapsed() >= Duration::from_secs(4));
    assert_eq!(program.end().await.code, Some(0));
}

#[tokio::test]
async fn while_it_drains_an_http_2_connection_is_told_to_end_and_still_answers() {
    let (_vendors, program) = draining_gateway().await;
    let address = program.address.parse().expect("it is an address");
    let mut connection = Frames::open(address, &frame(SETTINGS, 0, 0, &[])).await;
    assert!(connection.send(&get(1, "/health/live")).await);
    assert!(connection.next_of(DATA).await.is_some());
    program.signal("-TERM").await;

    // First that no more requests should come, then, once the client has seen that, that none will be answered.
    let first = connection.next_of(GOAWAY).await.expect("it is told");
    assert_eq!(first.payload[..8], [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert!(connection.send(&get(3, "/health/live")).await);
    let ping = connection.next_of(PING).await.expect("it is asked");
    let response = connection.next_of(DATA).await.expect("it is answered");
    assert_eq!(response.stream, 3);
    assert!(connection.send(&frame(PING, ACK, 0, &ping.payload)).await);
    let second = connection.next_of(GOAWAY).await.expect("it is told again");
    assert_eq!(second.payload[..8], [0, 0, 0, 3, 0, 0, 0, 0]);

    // A new connection is served until the end.
    let mut late = Frames::open(address, &frame(SETTINGS, 0, 0, &[])).await;
    assert!(late.send(&get(1, "/health/live")).await);
    let response = late.next_of(DATA).await.expect("it is answered");
    assert_eq!(response.stream, 1);
    assert!(late.next_of(GOAWAY).await.is_some());
    assert_eq!(program.end().await.code, Some(0));
}
