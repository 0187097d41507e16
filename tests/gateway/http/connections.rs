//! Connections: HTTP versions, compression, and how long the gateway waits for a silent client.

use std::{io::ErrorKind, time::Duration};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use reqwest::{Response, Version, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{Desk, DeskOptions};

/// Longer than any timeout of the gateway here.
const WAIT_LIMIT: Duration = Duration::from_secs(600);

const LARGE: &str = "{ serviceRecords(first: 20) { nodes { id vendor status handler { name } } } }";
const SMALL: &str = "{ __typename }";

async fn send_query(
    desk: &Desk,
    client: &reqwest::Client,
    query: &str,
    accepted: &str,
) -> Response {
    client
        .post(desk.url("/graphql"))
        .header(header::ACCEPT_ENCODING, accepted)
        .json(&json!({ "query": query }))
        .send()
        .await
        .expect("the gateway responds")
}

fn encoding_of(response: &Response) -> Option<&str> {
    response
        .headers()
        .get(header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
}

/// A client that does not decompress responses.
fn plain_client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .build()
        .expect("a client without options builds")
}

#[tokio::test]
async fn a_large_response_is_compressed_with_the_preferred_encoding() {
    let desk = Desk::open().await;
    let client = plain_client();
    let whole = desk.execute(LARGE).await;

    for (accepted, encoding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("zstd, gzip", Some("gzip")),
        ("gzip, br;q=0.9", Some("gzip")),
        ("gzip;q=0.1, deflate, br;q=0.2", Some("br")),
        ("deflate", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity;q=0.0, *;q=0", None),
        ("identity;q=0, *;q=0, br", Some("br")),
    ] {
        let response = send_query(&desk, &client, LARGE, accepted).await;
        assert_eq!(response.status(), 200, "{accepted}");
        assert_eq!(encoding_of(&response), encoding, "{accepted}");
        let varies = response.headers().get_all(header::VARY).iter();
        let mut varied = varies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(", "));
        assert!(varied.any(|name| name == "accept-encoding"), "{accepted}");

        let packed = response.bytes().await.expect("the answer comes whole");
        let mut unpacked = Vec::new();
        match encoding {
            Some("gzip") => GzipDecoder::new(&*packed).read_to_end(&mut unpacked).await,
            Some("br") => {
                BrotliDecoder::new(&*packed)
                    .read_to_end(&mut unpacked)
                    .await
            }
            Some("zstd") => ZstdDecoder::new(&*packed).read_to_end(&mut unpacked).await,
            _ => (&*packed).read_to_end(&mut unpacked).await,
        }
        .expect("it can be unpacked");
        let answer: Value = serde_json::from_slice(&unpacked).expect("it is JSON");
        assert_eq!(answer["data"], whole, "{accepted}");
        if encoding.is_some() {
            assert!(packed.len() < unpacked.len() / 2, "{accepted}");
        }
    }
}

#[tokio::test]
async fn a_small_response_is_not_compressed() {
    let desk = Desk::open().await;
    let response = send_query(&desk, &plain_client(), SMALL, "gzip, br, zstd").await;

    assert_eq!(encoding_of(&response), None);
    let answer: Value = response.json().await.expect("it is JSON");
    assert_eq!(answer, json!({ "data": { "__typename": "Query" } }));
}

#[tokio::test]
async fn http_1_and_http_2_are_served_on_one_port_without_tls() {
    let desk = Desk::open().await;
    let by_preface = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client without options builds");

    for (client, version) in [
        (plain_client(), Version::HTTP_11),
        (by_preface, Version::HTTP_2),
    ] {
        let pending = (0..20).map(|_| send_query(&desk, &client, LARGE, "identity"));
        for response in futures_util::future::join_all(pending).await {
            assert_eq!(response.version(), version);
            let answer: Value = response.json().await.expect("it is JSON");
            assert_eq!(answer["errors"], Value::Null);
        }
        let missing = client.get(desk.url("/nothing")).send().await;
        let missing = missing.expect("the gateway responds");
        assert_eq!(missing.status(), 404);
        let missing: Value = missing.json().await.expect("it is JSON");
        assert_eq!(missing["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_send_a_complete_head_is_closed() {
    let desk = Desk::open().await;
    let address = desk.url("").replace("http://", "");
    let mut silent = Vec::new();
    for start in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    ] {
        let mut connection = TcpStream::connect(&address).await.expect("it listens");
        connection
            .write_all(start.as_bytes())
            .await
            .expect("it takes what comes");
        silent.push((start, connection));
    }
    desk.execute(SMALL).await;

    // The clock advances while all tasks wait.
    tokio::time::pause();
    for (start, mut connection) in silent {
        let mut rest = Vec::new();
        let closed = timeout(WAIT_LIMIT, connection.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "after {start:?}");
    }
    tokio::time::resume();
    desk.execute(SMALL).await;
}

#[tokio::test]
async fn at_the_connection_limit_a_new_connection_waits_until_one_ends() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_CONNECTIONS", "2")).await;
    let mut first = connect(&desk).await;
    let mut second = connect(&desk).await;
    first.request().await;
    second.request().await;

    let mut third = connect(&desk).await;
    third.send().await;
    // The connections with a slot work meanwhile, often enough that a third one would have been served too.
    for _ in 0..20 {
        first.request().await;
        second.request().await;
    }
    let answered = third.stream.try_read(&mut [0]);
    let kind = answered.map_err(|err| err.kind());
    assert_eq!(kind, Err(ErrorKind::WouldBlock));

    drop(first);
    third.read_response().await;
    second.request().await;
}

/// A connection that stays open between requests.
struct Connection {
    stream: TcpStream,
}

async fn connect(desk: &Desk) -> Connection {
    let address = desk.url("").replace("http://", "");
    let stream = TcpStream::connect(&address).await.expect("it listens");
    Connection { stream }
}

impl Connection {
    async fn request(&mut self) {
        self.send().await;
        self.read_response().await;
    }

    async fn send(&mut self) {
        let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let sent = self.stream.write_all(request).await;
        sent.expect("the connection takes it");
    }

    /// Reads a whole response, which ends with its only object.
    async fn read_response(&mut self) {
        let mut received = Vec::new();
        while !received.ends_with(b"}") {
            let read = self.stream.read_buf(&mut received).await;
            assert_ne!(read.expect("the connection goes on"), 0);
        }
        assert!(received.starts_with(b"HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn a_malformed_head_gets_a_status_and_closes_only_its_connection() {
    let desk = Desk::open().await;
    let address = desk.url("").replace("http://", "");
    let large = "a".repeat(70_000);

    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\na b: c\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        (
            format!("GET /graphql?query={large} HTTP/1.1\r\n\r\n"),
            "414",
        ),
        (
            format!("GET / HTTP/1.1\r\na: {large}\r\nb: {large}\r\n\r\n"),
            "431",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101)),
            "431",
        ),
    ] {
        let mut connection = TcpStream::connect(&address).await.expect("it listens");
        connection
            .write_all(request.as_bytes())
            .await
            .expect("it takes what comes");
        let mut answer = Vec::new();
        connection
            .read_to_end(&mut answer)
            .await
            .expect("it answers and closes");
        let head = String::from_utf8(answer).expect("the answer is text");

        let what = &request[..request.len().min(40)];
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{what}: {head}"
        );
        assert!(head.contains("connection: close"), "{what}: {head}");
    }
    desk.execute(SMALL).await;
}
