//! Clients that send their whole request before they read: they get the response also if it comes before the end of the body.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use deskgraph::sandbox::{Sandbox, SandboxOptions};

use super::wire::{address_of, read_response, read_to_close};
use crate::{
    harness::{Desk, DeskOptions, in_time},
    program::{Program, settings_for},
};

const TIMES: usize = 40;

fn keys() -> String {
    json!([{ "name": "page", "key": "a-key-of-a-page-0001", "scopes": ["read"] }]).to_string()
}

async fn desk() -> Desk {
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys());
    Desk::open_with(options).await
}

/// A gateway in a process of its own, so that it closes a connection while the client sends.
async fn program() -> (Sandbox, Program) {
    let vendors = Sandbox::start(SandboxOptions::default()).await;
    let vendors = vendors.expect("ports are free");
    let mut settings = settings_for(&vendors);
    settings.push(("DESKGRAPH_AUTH__MODE", "api_key".to_owned()));
    settings.push(("DESKGRAPH_AUTH__API_KEYS", keys()));
    let program = Program::start(&["serve"], &settings).await;
    (vendors, program)
}

fn head(request: &str, headers: &[&str]) -> String {
    let headers = headers.join("\r\n");
    format!("{request} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n")
}

async fn connect(desk: &Desk) -> TcpStream {
    let address = address_of(&desk.url(""));
    TcpStream::connect(address).await.expect("it listens")
}

/// Requests that are refused before their body is read.
const REFUSED: [(&str, &[&str], &str); 6] = [
    ("POST /graphql", &["content-type: application/json"], "401"),
    (
        "POST /graphql",
        &[
            "x-api-key: a-key-of-a-page-0001",
            "content-type: application/json",
        ],
        "413",
    ),
    (
        "POST /graphql",
        &[
            "x-api-key: a-key-of-a-page-0001",
            "content-type: application/json",
            "accept: text/html",
        ],
        "406",
    ),
    (
        "POST /graphql",
        &[
            "x-api-key: a-key-of-a-page-0001",
            "content-type: text/plain",
        ],
        "415",
    ),
    ("POST /nothing", &[], "404"),
    ("PUT /graphql", &[], "405"),
];

#[tokio::test]
async fn a_client_that_reads_after_it_has_sent_all_gets_every_refusal() {
    let (_vendors, program) = program().await;
    let body = vec![b'a'; 3 << 20];
    for (request, headers, status) in REFUSED {
        for _ in 0..TIMES {
            let length = format!("content-length: {}", body.len());
            let head = head(request, &[headers, &[length.as_str()]].concat());
            let connected = TcpStream::connect(&program.address).await;
            let mut stream = connected.expect("it listens");
            let sent = async {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&body).await
            };
            let sent = in_time("the body is sent", sent).await;
            sent.unwrap_or_else(|err| panic!("{request} {status}: {err}"));

            let response = read_response(&mut stream).await.0;
            assert!(
                response.starts_with(&format!("HTTP/1.1 {status} ")),
                "{request}: {response}"
            );
        }
    }
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused_in_the_same_way() {
    let (_vendors, program) = program().await;
    let headers = [
        "x-api-key: a-key-of-a-page-0001",
        "content-type: application/json",
        "transfer-encoding: chunked",
    ];
    let chunk = [b"10000\r\n".as_slice(), &[b'a'; 1 << 16], b"\r\n"].concat();
    for _ in 0..TIMES {
        let connected = TcpStream::connect(&program.address).await;
        let mut stream = connected.expect("it listens");
        let head = head("POST /graphql", &headers);
        let sent = async {
            stream.write_all(head.as_bytes()).await?;
            for _ in 0..40 {
                stream.write_all(&chunk).await?;
            }
            stream.write_all(b"0\r\n\r\n").await
        };
        let sent = in_time("the body is sent", sent).await;
        sent.expect("all of it is taken");
        let response = read_response(&mut stream).await.0;
        assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    }
}

#[tokio::test]
async fn after_a_small_refused_body_the_connection_goes_on() {
    let desk = desk().await;
    for (request, headers, status) in REFUSED {
        if status == "413" {
            continue;
        }
        let mut stream = connect(&desk).await;
        let head = head(request, &[headers, &["content-length: 100000"]].concat());
        for _ in 0..3 {
            let sent = stream.write_all(head.as_bytes()).await;
            sent.expect("it takes the head");
            let sent = stream.write_all(&[b'\n'; 100_000]).await;
            sent.expect("it takes the body");
            let (response, _) = read_response(&mut stream).await;
            assert!(
                response.starts_with(&format!("HTTP/1.1 {status} ")),
                "{request}: {response}"
            );
            assert!(!response.contains("connection: close"), "{response}");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_discarded_up_to_a_limit_and_the_connection_is_closed() {
    let desk = desk().await;
    let (request, headers, _) = REFUSED[0];
    let head = head(
        request,
        &[headers, &["content-length: 10000000000"]].concat(),
    );

    // A client that sends on, and one that waits.
    let mut stream = connect(&desk).await;
    stream
        .write_all(head.as_bytes())
        .await
        .expect("it takes the head");
    let (mut reading, mut writing) = stream.into_split();
    let mut sent = 0u64;
    let sending = async {
        while writing.write_all(&[b'a'; 1 << 16]).await.is_ok() {
            sent += 1 << 16;
        }
    };
    in_time("the gateway reads no more", sending).await;
    // The limit, and what both systems buffer.
    assert!(sent < 32 << 20, "{sent}");
    let mut response = Vec::new();
    // The client was told in time, but has sent too much.
    let _ = reading.read_to_end(&mut response).await;

    let mut stream = connect(&desk).await;
    stream
        .write_all(head.as_bytes())
        .await
        .expect("it takes the head");
    let response = read_to_close(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    assert!(response.contains("connection: close"), "{response}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_at_once_or_told_to_continue() {
    let desk = desk().await;
    let body = r#"{"query":"{ __typename }"}"#;
    let length = format!("content-length: {}", body.len());
    let common = [
        "content-type: application/json",
        "expect: 100-continue",
        &length,
    ];

    let mut stream = connect(&desk).await;
    let refused = head("POST /graphql", &common);
    stream
        .write_all(refused.as_bytes())
        .await
        .expect("it takes the head");
    let (response, _) = read_response(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    assert!(response.contains("connection: close"), "{response}");

    let mut stream = connect(&desk).await;
    let accepted = head(
        "POST /graphql",
        &[common.as_slice(), &["x-api-key: a-key-of-a-page-0001"]].concat(),
    );
    stream
        .write_all(accepted.as_bytes())
        .await
        .expect("it takes the head");
    let (response, _) = read_response(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 100 "), "{response}");
    stream
        .write_all(body.as_bytes())
        .await
        .expect("it takes the body");
    let (response, body) = read_response(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(body.contains("Query"), "{body}");
}

#[tokio::test]
async fn over_http2_a_refused_body_is_discarded_and_the_connection_goes_on() {
    let desk = desk().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client without options builds");
    for _ in 0..TIMES {
        let request = client.post(desk.url("/graphql")).body(vec![b'a'; 3 << 20]);
        let response = request.send().await.expect("the status arrives");
        assert_eq!(response.status(), 401);
    }
}
