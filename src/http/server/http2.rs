//! The frames of an HTTP/2 connection, counted to end a connection that floods the gateway with control frames.
//!
//! h2 bounds reset streams, small DATA frames and header blocks, but answers any number of PING and SETTINGS frames.

use tokio::time::{Duration, Instant};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADER_BYTES: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const END_STREAM: u8 = 0x1;

const ENHANCE_YOUR_CALM: u32 = 0xb;

/// Control frames that may come at once, and per second. Clients send one ping a second or less; under load they send a ping or
/// a window update for each DATA frame that they get, which `CREDIT_PER_DATA` allows.
const BURST: u32 = 2_000;
const PER_SECOND: u32 = 200;
const CREDIT_PER_DATA: u32 = 4;

/// A SETTINGS frame changes the window of every stream, and a request that is reset was started in vain.
const COST_OF_SETTINGS: u32 = 20;
const COST_OF_RESET: u32 = 5;

/// The client sent more control frames than any client needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flood;

/// Splits bytes into frames without storing them.
#[derive(Default)]
struct Frames {
    header: [u8; HEADER_BYTES],
    length: usize,
    payload_left: usize,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: usize,
}

pub(super) struct FrameCounter {
    received: Frames,
    sent: Frames,
    allowed: u32,
    refilled_at: Instant,
    last_stream: u32,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.payload_left.min(bytes.len());
            self.payload_left -= skipped;
            bytes = &bytes[skipped..];

            let taken = (HEADER_BYTES - self.length).min(bytes.len());
            self.header[self.length..self.length + taken].copy_from_slice(&bytes[..taken]);
            self.length += taken;
            bytes = &bytes[taken..];
            if self.length == HEADER_BYTES {
                let frame = Frame::of(self.header);
                self.length = 0;
                self.payload_left = frame.payload;
                each(frame);
            }
        }
    }

    fn is_between_frames(&self) -> bool {
        self.length == 0 && self.payload_left == 0
    }
}

impl Frame {
    fn of(header: [u8; HEADER_BYTES]) -> Self {
        let [high, middle, low, kind, flags, stream @ ..] = header;
        Self {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
            payload: usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low),
        }
    }
}

impl FrameCounter {
    pub(super) fn new() -> Self {
        Self {
            received: Frames::default(),
            sent: Frames::default(),
            allowed: BURST,
            refilled_at: Instant::now(),
            last_stream: 0,
        }
    }

    pub(super) fn received(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        let mut cost = 0u32;
        let (mut requests, mut last_stream) = (0, self.last_stream);
        self.received.read(bytes, |frame| match frame.kind {
            HEADERS => {
                requests += 1;
                last_stream = last_stream.max(frame.stream);
            }
            DATA if frame.payload > 0 || frame.flags & END_STREAM != 0 => {}
            SETTINGS => cost += COST_OF_SETTINGS,
            RST_STREAM => cost += COST_OF_RESET,
            _ => cost += 1,
        });
        self.last_stream = last_stream;
        self.credit(requests);
        self.charge(cost)
    }

    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let mut credit = 0;
        self.sent.read(bytes, |frame| {
            if frame.kind == DATA && frame.payload > 0 {
                credit += CREDIT_PER_DATA;
            }
        });
        self.credit(credit);
    }

    fn credit(&mut self, credit: u32) {
        self.allowed = self.allowed.saturating_add(credit).min(BURST);
    }

    fn charge(&mut self, cost: u32) -> Result<(), Flood> {
        if cost > self.allowed {
            let now = Instant::now();
            let seconds = (now - self.refilled_at)
                .min(Duration::from_secs(60))
                .as_secs_f64();
            self.refilled_at = now;
            self.credit((seconds * f64::from(PER_SECOND)) as u32);
        }
        self.allowed = self.allowed.checked_sub(cost).ok_or(Flood)?;
        Ok(())
    }

    /// The frame that ends the connection; none within a frame that is partly sent.
    pub(super) fn go_away(&self) -> Option<Vec<u8>> {
        if !self.sent.is_between_frames() {
            return None;
        }
        let mut frame = vec![0, 0, 8, 0x7, 0, 0, 0, 0, 0];
        frame.extend(self.last_stream.to_be_bytes());
        frame.extend(ENHANCE_YOUR_CALM.to_be_bytes());
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("it is short");
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 1]);
        frame.extend(payload);
        frame
    }

    /// How many of these frames are accepted at once.
    fn accepted(frame: &[u8]) -> u32 {
        let mut counter = FrameCounter::new();
        (0..100_000)
            .take_while(|_| counter.received(frame).is_ok())
            .count() as u32
    }

    #[tokio::test(start_paused = true)]
    async fn floods_of_control_frames_differ_from_requests() {
        assert_eq!(accepted(&frame(0x6, 0, &[0; 8])), BURST);
        assert_eq!(accepted(&frame(0x4, 0, &[])), BURST / COST_OF_SETTINGS);
        assert_eq!(accepted(&frame(0x4, 1, &[])), BURST / COST_OF_SETTINGS);
        assert_eq!(accepted(&frame(0x2, 0, &[0; 5])), BURST);
        assert_eq!(accepted(&frame(0x8, 0, &[0, 0, 0, 1])), BURST);
        assert_eq!(accepted(&frame(0x0, 0, &[])), BURST);
        assert_eq!(accepted(&frame(0x9, 0, &[])), BURST);
        assert_eq!(accepted(&frame(0x3, 0, &[0; 4])), BURST / COST_OF_RESET);
        assert_eq!(accepted(&frame(0x0, 0, &[1])), 100_000);
        assert_eq!(accepted(&frame(0x0, END_STREAM, &[])), 100_000);
        assert_eq!(accepted(&frame(HEADERS, 0, &[0; 30])), 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_each_second_and_window_updates_for_received_data_are_never_a_flood() {
        let mut counter = FrameCounter::new();
        let (ping, update) = (frame(0x6, 0, &[0; 8]), frame(0x8, 0, &[0, 0, 64, 0]));
        let data = frame(DATA, 0, &[0; 16_384]);
        for _ in 0..10_000 {
            counter.sent(&data);
            let all = [update.clone(), update.clone(), ping.clone()].concat();
            assert_eq!(counter.received(&all), Ok(()));
        }
        for _ in 0..10_000 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(counter.received(&ping), Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn frames_are_found_in_pieces_of_any_size() {
        let bytes = [frame(0x6, 0, &[0; 8]), frame(HEADERS, 0, &[7; 20])].concat();
        for size in 1..bytes.len() {
            let mut counter = FrameCounter::new();
            for piece in bytes.chunks(size) {
                assert_eq!(counter.received(piece), Ok(()));
                counter.sent(piece);
            }
            assert_eq!(counter.last_stream, 1);
            assert_eq!(counter.allowed, BURST - 1 + u32::from(size < 26));
            assert!(counter.go_away().is_some());
            counter.sent(&[0]);
            assert_eq!(counter.go_away(), None);
        }
    }
}
