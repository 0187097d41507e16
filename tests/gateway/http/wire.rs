//! HTTP on plain sockets, for clients that behave as no library does.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::harness::in_time;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const WINDOW_UPDATE: u8 = 0x8;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// The address of a URL without a path.
pub(super) fn address_of(url: &str) -> SocketAddr {
    let address = url.trim_start_matches("http://");
    address.parse().expect("it is an address and a port")
}

/// A connection whose client's system buffers little.
pub(super) async fn connect_with_small_buffer(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket
        .set_recv_buffer_size(4096)
        .expect("a socket has a buffer");
    in_time("a connection", socket.connect(address))
        .await
        .expect("it listens")
}

/// Everything that the gateway sends until it closes the connection, also if it resets it at the end.
pub(super) async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    // What was received before an error counts.
    let _ = in_time("the end of a connection", stream.read_to_end(&mut received)).await;
    String::from_utf8_lossy(&received).into_owned()
}

/// The response to these bytes on a connection of their own, which the gateway closes.
pub(super) async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request).await.expect("it takes all");
    read_to_close(&mut stream).await
}

/// The head and the body of one response with a Content-Length.
pub(super) async fn read_response(stream: &mut TcpStream) -> (String, String) {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().expect("it is a number"));
            if body.len() >= length {
                return (head.to_owned(), body.to_owned());
            }
        }
        let read = in_time("a response", stream.read_buf(&mut received)).await;
        assert_ne!(read.expect("the connection goes on"), 0, "{received:?}");
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// SETTINGS with this window for each stream.
pub(super) fn settings_with_window(bytes: u32) -> Vec<u8> {
    let mut payload = vec![0, 4];
    payload.extend(bytes.to_be_bytes());
    frame(SETTINGS, 0, 0, &payload)
}

/// A request without a body.
pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
    let block = headers(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
    ]);
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
}

/// Header fields as HPACK writes them without a table or Huffman's code.
fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "a longer text needs more bytes of length");
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An HTTP/2 connection, frame by frame.
pub(super) struct Frames {
    pub(super) stream: TcpStream,
    received: Vec<u8>,
}

pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frames {
    pub(super) async fn open(address: SocketAddr, first: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket can be set");
        let start = [PREFACE, first].concat();
        stream.write_all(&start).await.expect("it takes the start");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Whether the gateway has taken it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        in_time("bytes are sent", self.stream.write_all(bytes))
            .await
            .is_ok()
    }

    /// The next frame, or none at the end of the connection.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            let read = in_time("a frame", self.stream.read_buf(&mut self.received)).await;
            if read.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next frame of this kind, or none at the end of the connection.
    pub(super) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// Whether the connection ends within this time, whatever is received until then.
    pub(super) async fn ends_within(&mut self, time: Duration) -> bool {
        let end = async { while self.next().await.is_some() {} };
        tokio::time::timeout(time, end).await.is_ok()
    }

    fn take(&mut self) -> Option<Frame> {
        let header = self.received.get(..9)?;
        let length =
            usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let frame = Frame {
            kind: header[3],
            flags: header[4],
            stream: u32::from_be_bytes([header[5], header[6], header[7], header[8]]),
            payload: self.received.get(9..9 + length)?.to_vec(),
        };
        self.received.drain(..9 + length);
        Some(frame)
    }
}
