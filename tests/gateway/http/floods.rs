//! HTTP/2 connections that send more control frames than any client needs, and those that must not be taken for such.

use serde_json::Value;

use super::wire::{
    ACK, DATA, END_STREAM, Frames, GOAWAY, PING, SETTINGS, WINDOW_UPDATE, address_of, frame, get,
};
use crate::harness::Desk;

const ENHANCE_YOUR_CALM: [u8; 4] = [0, 0, 0, 0xb];

/// More of any kind than is accepted at once.
const MANY: usize = 20_000;

async fn open(desk: &Desk) -> Frames {
    Frames::open(address_of(&desk.url("")), &frame(SETTINGS, 0, 0, &[])).await
}

#[tokio::test]
async fn a_flood_of_control_frames_ends_its_connection_and_no_other() {
    let desk = Desk::open().await;
    let mut other = open(&desk).await;
    for (what, flood) in [
        ("PING", frame(PING, 0, 0, &[0; 8])),
        ("PING ACK", frame(PING, ACK, 0, &[0; 8])),
        ("SETTINGS", frame(SETTINGS, 0, 0, &[])),
        (
            "SETTINGS of a window",
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 1, 0]),
        ),
        ("PRIORITY", frame(0x2, 0, 7, &[0, 0, 0, 0, 1])),
        ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("unknown frames", frame(0x77, 0, 0, &[1])),
    ] {
        let mut connection = open(&desk).await;
        // The gateway may close the connection before it is sent whole.
        connection.send(&flood.repeat(MANY)).await;
        let end = connection.next_of(GOAWAY).await;
        let end = end.unwrap_or_else(|| panic!("{what}: the connection ends without GOAWAY"));
        assert_eq!(end.payload[4..8], ENHANCE_YOUR_CALM, "{what}");
        while connection.next().await.is_some() {}
        desk.execute("{ __typename }").await;
    }

    assert!(other.send(&get(1, "/health/live")).await);
    let response = other.next_of(DATA).await.expect("it is answered");
    assert_eq!(response.stream, 1);
}

#[tokio::test]
async fn a_flood_of_empty_data_ends_its_connection() {
    let desk = Desk::open().await;
    let mut connection = open(&desk).await;
    let mut request = get(1, "/graphql");
    // The request has a body.
    request[4] &= !END_STREAM;
    let flood = frame(DATA, 0, 1, &[]).repeat(MANY);
    connection.send(&[request, flood].concat()).await;
    while connection.next().await.is_some() {}
    desk.execute("{ __typename }").await;
}

#[tokio::test]
async fn requests_that_a_client_cancels_at_once_are_no_flood() {
    const RST_STREAM: u8 = 0x3;
    const CANCEL: [u8; 4] = [0, 0, 0, 8];
    let desk = Desk::open().await;
    let mut connection = open(&desk).await;
    let mut all = Vec::new();
    for number in 0..90 {
        let stream = 2 * number + 1;
        all.extend(get(stream, "/health/live"));
        all.extend(frame(RST_STREAM, 0, stream, &CANCEL));
    }
    all.extend(get(181, "/health/live"));
    assert!(connection.send(&all).await);
    loop {
        let data = connection.next_of(DATA).await;
        if data.expect("the connection goes on").stream == 181 {
            break;
        }
    }
}

#[tokio::test]
async fn frames_that_the_gateways_own_data_causes_are_no_flood() {
    let desk = Desk::open().await;
    let mut connection = open(&desk).await;
    // Small windows make many DATA frames; the client answers each with two window updates and a ping.
    let mut pages = 0;
    let mut frames = 0;
    let mut stream = 1;
    assert!(connection.send(&get(stream, "/docs/ARCHITECTURE.md")).await);
    while frames < 5_000 {
        let data = connection.next_of(DATA).await.expect("it goes on");
        frames += 1;
        let bytes = (data.payload.len() as u32).to_be_bytes();
        let mut answer = frame(PING, 0, 0, &[0; 8]);
        if !data.payload.is_empty() {
            answer.extend(frame(WINDOW_UPDATE, 0, 0, &bytes));
        }
        if data.flags & END_STREAM != 0 {
            pages += 1;
            stream += 2;
            answer.extend(get(stream, "/docs/ARCHITECTURE.md"));
        } else {
            answer.extend(frame(WINDOW_UPDATE, 0, stream, &bytes));
        }
        assert!(connection.send(&answer).await, "after {frames} frames");
    }
    assert!(pages > 100, "{pages}");
}

#[tokio::test]
async fn large_uploads_and_downloads_of_a_library_are_no_flood() {
    let desk = Desk::open_with(
        crate::harness::DeskOptions::default()
            .set("LIMITS__MAX_BODY_BYTES", 32 << 20)
            .set("LIMITS__MAX_DOCUMENT_BYTES", 32 << 20)
            .set("LIMITS__BODY_TIMEOUT_MS", 60_000),
    )
    .await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .http2_adaptive_window(true)
        .build()
        .expect("a client without options builds");

    let query = format!("{{ __typename }} #{}", "a".repeat(20 << 20));
    let upload = client.post(desk.url("/graphql"));
    let upload = upload.json(&serde_json::json!({ "query": query }));
    let response = upload.send().await.expect("it takes the body");
    let answer: Value = response.json().await.expect("it is JSON");
    assert_eq!(answer["data"]["__typename"], "Query", "{answer}");

    let download = async || {
        let page = client.get(desk.url("/schema.graphql")).send().await;
        let page = page.expect("it answers").bytes().await;
        page.expect("it comes whole").len()
    };
    let mut bytes = 0;
    while bytes < 20 << 20 {
        let pages = futures_util::future::join_all((0..20).map(|_| download())).await;
        bytes += pages.into_iter().sum::<usize>();
    }
}
