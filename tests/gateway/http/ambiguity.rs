//! Requests that a proxy and the gateway could read differently.

use serde_json::json;

use super::wire::{address_of, exchange};
use crate::harness::{Desk, DeskOptions};

const BODY: &str = r#"{"query":"{ __typename }"}"#;

async fn desk_with_key() -> Desk {
    let keys = json!([{ "name": "page", "key": "a-key-of-a-page-0001", "scopes": ["read"] }]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    Desk::open_with(options).await
}

/// The status of the response to a head with these lines; CR and LF follow each.
async fn status_of(desk: &Desk, lines: &[&str]) -> String {
    let head = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
    status_of_bytes(desk, &head).await
}

async fn status_of_bytes(desk: &Desk, bytes: &str) -> String {
    let response = exchange(address_of(&desk.url("")), bytes.as_bytes()).await;
    let status = response.split(' ').nth(1).unwrap_or_default();
    status.to_owned()
}

const QUERY: &str = "GET /graphql?query=%7B__typename%7D HTTP/1.1";

#[tokio::test]
async fn a_key_or_token_sent_twice_is_rejected_on_every_path() {
    let desk = desk_with_key().await;
    for (lines, status) in [
        (
            ["host: a", "x-api-key: a-key-of-a-page-0001"].as_slice(),
            "200",
        ),
        (
            &["host: a", "authorization: Bearer a-key-of-a-page-0001"],
            "200",
        ),
        (
            &[
                "host: a",
                "x-api-key: a-key-of-a-page-0001",
                "x-api-key: a-key-of-a-page-0001",
            ],
            "400",
        ),
        (
            &["host: a", "X-API-Key: b", "x-api-key: a-key-of-a-page-0001"],
            "400",
        ),
        (
            &[
                "host: a",
                "authorization: Bearer a-key-of-a-page-0001",
                "Authorization: Bearer b",
            ],
            "400",
        ),
    ] {
        for request in [QUERY, "GET / HTTP/1.1", "GET /nothing HTTP/1.1"] {
            let lines = [&[request], lines].concat();
            let got = status_of(&desk, &lines).await;
            let is_other_page = request != QUERY && status == "200" && got != "400";
            assert!(got == status || is_other_page, "{lines:?}: {got}");
        }
    }
}

#[tokio::test]
async fn http_1_1_needs_exactly_one_valid_host() {
    for desk in [Desk::open().await, desk_with_key().await] {
        for (lines, status) in [
            (
                ["GET /health/live HTTP/1.1", "host: localhost"].as_slice(),
                "200",
            ),
            (&["GET /health/live HTTP/1.1", "host:"], "200"),
            (&["GET /health/live HTTP/1.0"], "200"),
            (&["GET /health/live HTTP/1.1"], "400"),
            (&["GET http://localhost/health/live HTTP/1.1"], "400"),
            (
                &[
                    "GET /health/live HTTP/1.1",
                    "host: localhost",
                    "host: localhost",
                ],
                "400",
            ),
            (
                &["GET /health/live HTTP/1.0", "host: localhost", "host: a"],
                "400",
            ),
            (&["GET /health/live HTTP/1.1", "host: a b"], "400"),
            (&["GET / HTTP/1.1"], "400"),
            (&["GET /nothing HTTP/1.1"], "400"),
        ] {
            assert_eq!(status_of(&desk, lines).await, status, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_line_feed_alone_ends_no_line_of_a_head_and_may_stand_in_a_body() {
    let desk = Desk::open().await;
    let get = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let last = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for head in [
        "GET /health/live HTTP/1.1\nhost: localhost\n\n",
        "GET /health/live HTTP/1.1\nhost: localhost\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nhost: localhost\n\r\n",
        "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\n",
        "\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "P\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        assert_eq!(status_of_bytes(&desk, head).await, "400", "{head:?}");
        // The same as the second request of a connection.
        let both = format!("{get}{head}");
        let responses = exchange(address_of(&desk.url("")), both.as_bytes()).await;
        let statuses = responses.matches("HTTP/1.1 200").count();
        assert_eq!(statuses, 1, "{head:?}: {responses}");
        assert_eq!(responses.matches("HTTP/1.1 400").count(), 1, "{head:?}");
    }

    let body = "{\n\"query\":\n\n\"{ __typename }\"\n}\n";
    let start = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let length = body.len();
    for request in [
        format!("{start}content-length: {length}\r\n\r\n{body}"),
        format!(
            "{start}transfer-encoding: chunked\r\n\r\n{length:x};a=\"b\"\r\n{body}\r\n0\r\n\r\n"
        ),
        format!(
            "{start}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n{:X} ;x\r\n{}\r\n0\r\na: b\r\n\r\n",
            length - 1,
            &body[1..]
        ),
    ] {
        let all = format!("{request}{request}{last}");
        let responses = exchange(address_of(&desk.url("")), all.as_bytes()).await;
        let statuses = responses.matches("HTTP/1.1 200").count();
        assert_eq!(statuses, 3, "{request:?}: {responses}");
        assert_eq!(responses.matches("\"Query\"").count(), 2, "{responses}");
    }
    desk.execute("{ __typename }").await;
}

#[tokio::test]
async fn a_body_whose_end_can_be_read_in_two_ways_is_rejected() {
    let desk = Desk::open().await;
    let start = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let body = "{\"query\":\"{__typename}\"}";
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = body.len();
    for headers in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
        "transfer-encoding: gzip, chunked".to_owned(),
        "transfer-encoding: chunked, chunked".to_owned(),
        "transfer-encoding: identity\r\ntransfer-encoding: chunked".to_owned(),
    ] {
        let request = format!("{start}{headers}\r\n\r\n{chunks}");
        assert_eq!(status_of_bytes(&desk, &request).await, "400", "{headers}");
        desk.execute("{ __typename }").await;
    }
    let fine = format!("{start}transfer-encoding: Chunked\r\n\r\n{chunks}");
    assert_eq!(status_of_bytes(&desk, &fine).await, "200");
}

#[tokio::test]
async fn a_compressed_body_is_rejected_with_what_is_accepted() {
    let desk = Desk::open().await;
    for (encodings, status) in [
        ([].as_slice(), 200),
        (&["identity"], 200),
        (&["Identity, identity"], 200),
        (&["gzip"], 415),
        (&["br"], 415),
        (&["identity", "gzip"], 415),
        (&["identity, x-unknown"], 415),
    ] {
        let mut request = desk.client().post(desk.url("/graphql"));
        for encoding in encodings {
            request = request.header("content-encoding", *encoding);
        }
        let request = request
            .header("content-type", "application/json")
            .body(BODY);
        let response = request.send().await.expect("the gateway responds");
        assert_eq!(response.status(), status, "{encodings:?}");
        let accepted = response.headers().get("accept-encoding");
        let accepted = accepted.and_then(|value| value.to_str().ok());
        assert_eq!(
            accepted,
            (status == 415).then_some("identity"),
            "{encodings:?}"
        );
    }
}
