//! A connection's bytes on their way to and from hyper, to see what hyper does not: line ends, floods, and clients that still send
//! when the connection closes.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{
    http1::HeadScanner,
    http2::{FrameCounter, PREFACE},
    unsent::Connection,
};

/// While a connection closes, what the client still sends is read and discarded, within these limits. Without that, the system
/// would reset the connection, and the client might lose the response.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 2 << 20;

/// The start of a response after which the connection speaks another protocol.
const SWITCHING: &[u8] = b"HTTP/1.1 101 ";

pub(super) struct Socket<S> {
    stream: S,
    connection: Arc<Connection>,
    /// Makes the system drop what it has not sent, once the stream is closed.
    reset: fn(&S),
    protocol: Protocol,
    /// What hyper reads instead of what arrives.
    replacement: &'static [u8],
    ending: Option<Ending>,
}

enum Protocol {
    /// So many bytes of HTTP/2's preface have arrived.
    Unknown(usize),
    Http1(HeadScanner),
    Http2(FrameCounter),
}

enum Fault {
    /// At this place.
    AmbiguousHead(usize),
    Flood,
}

/// What replaces the rest of a head, so that hyper rejects the request: a byte that is invalid anywhere, and the end of the head.
const INVALID_END: &[u8] = b"\0\r\n\r\n";

/// Writes what is left to say, tells the client that nothing follows, and discards what it sends.
struct Ending {
    last_words: Vec<u8>,
    is_shut_down: bool,
    time: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, connection: Arc<Connection>, reset: fn(&S)) -> Self {
        Self {
            stream,
            connection,
            reset,
            protocol: Protocol::Unknown(0),
            replacement: &[],
            ending: None,
        }
    }

    /// Looks at bytes that have arrived.
    fn inspect(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match &mut self.protocol {
            Protocol::Http1(scanner) => scanner.read(bytes).map_err(Fault::AmbiguousHead),
            Protocol::Http2(frames) => frames.received(bytes).map_err(|_| Fault::Flood),
            Protocol::Unknown(known) => {
                let known = *known;
                let expected = &PREFACE[known..];
                let length = bytes.len().min(expected.len());
                if bytes[..length] != expected[..length] {
                    let mut scanner = HeadScanner::new();
                    // It has no such line.
                    let _ = scanner.read(&PREFACE[..known]);
                    self.protocol = Protocol::Http1(scanner);
                    return self.inspect(bytes);
                }
                if length < expected.len() {
                    self.protocol = Protocol::Unknown(known + length);
                    return Ok(());
                }
                self.connection.speaks_http2.store(true, Relaxed);
                self.protocol = Protocol::Http2(FrameCounter::new());
                self.inspect(&bytes[length..])
            }
        }
    }

    /// Looks at bytes that were sent.
    fn inspect_sent(&mut self, bytes: &[u8]) {
        match &mut self.protocol {
            Protocol::Http2(frames) => frames.sent(bytes),
            Protocol::Http1(scanner) if bytes.starts_with(SWITCHING) => scanner.stop(),
            _ => {}
        }
    }

    /// Puts as much of the replacement into the buffer as it takes.
    fn replace(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.replacement.len().min(buffer.remaining());
        let (now, later) = self.replacement.split_at(length);
        buffer.put_slice(now);
        self.replacement = later;
    }

    fn end_flood(&mut self) {
        let last_words = match &self.protocol {
            Protocol::Http2(frames) => frames.go_away().unwrap_or_default(),
            _ => Vec::new(),
        };
        tracing::debug!("a connection is closed, because its client sends too many control frames");
        self.ending = Some(Ending::new(last_words));
    }

    /// Whether the client may still be sending.
    fn is_client_sending(&self) -> bool {
        match &self.protocol {
            Protocol::Unknown(_) => false,
            Protocol::Http1(scanner) => !scanner.is_between_messages(),
            Protocol::Http2(_) => true,
        }
    }

    fn note_write(&self, result: &Poll<io::Result<usize>>) {
        self.connection.set_blocked(result.is_pending());
    }
}

impl Ending {
    fn new(last_words: Vec<u8>) -> Self {
        Self {
            last_words,
            is_shut_down: false,
            time: Box::pin(sleep(LINGER_TIME)),
            bytes_left: LINGER_BYTES,
        }
    }

    /// Ready at the end of the time, too.
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.time.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while !self.last_words.is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.last_words))?;
            if written == 0 {
                return Poll::Ready(Ok(()));
            }
            self.last_words.drain(..written);
        }
        if !self.is_shut_down {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
            self.is_shut_down = true;
        }
        let mut space = [0; 8 << 10];
        loop {
            let mut discarded = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut discarded))?;
            let bytes = discarded.filled().len();
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            if bytes == 0 || self.bytes_left == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// An error once the ending of a flood is complete.
    fn poll_ending(&mut self, context: &mut Context<'_>) -> Option<Poll<io::Error>> {
        let ending = self.ending.as_mut()?;
        Some(ending.poll(&mut self.stream, context).map(|_| {
            let reason = "the client sent too many control frames";
            io::Error::new(io::ErrorKind::ConnectionAborted, reason)
        }))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(ending) = self.poll_ending(context) {
            return ending.map(Err);
        }
        if !self.replacement.is_empty() {
            self.replace(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        match self.inspect(&buffer.filled()[before..]) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Fault::AmbiguousHead(place)) => {
                buffer.set_filled(before + place);
                self.replacement = INVALID_END;
                self.replace(buffer);
                Poll::Ready(Ok(()))
            }
            Err(Fault::Flood) => {
                buffer.set_filled(before);
                self.end_flood();
                self.poll_read(context, buffer)
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(ending) = self.poll_ending(context) {
            return ending.map(Err);
        }
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(&result);
        if let Poll::Ready(Ok(written)) = result {
            self.inspect_sent(&bytes[..written]);
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(ending) = self.poll_ending(context) {
            return ending.map(Err);
        }
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(&result);
        if let Poll::Ready(Ok(mut written)) = result {
            for slice in slices {
                let length = slice.len().min(written);
                self.inspect_sent(&slice[..length]);
                written -= length;
            }
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ending.is_none() && !this.is_client_sending() {
            return Pin::new(&mut this.stream).poll_shutdown(context);
        }
        let ending = this.ending.get_or_insert_with(|| Ending::new(Vec::new()));
        ending.poll(&mut this.stream, context)
    }
}

impl<S> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.connection.is_ended() {
            (self.reset)(&self.stream);
        }
    }
}
