//! What hyper refuses by itself, because it can't read a request's head, it answers by a status alone. Here such an answer gets
//! the body and the headers that every other refusal has.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    SAFETY_HEADERS,
    error::HttpError,
    negotiation::MediaType,
    request_log::{REQUEST_ID, random_id},
};
use crate::error::ErrorCode;

/// A connection's two directions.
pub(super) struct Completing<S> {
    stream: S,
    underway: Option<Underway>,
}

/// An answer that is written in place of another.
struct Underway {
    answer: Vec<u8>,
    written: usize,
}

impl<S> Completing<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            underway: None,
        }
    }
}

impl<S: AsyncWrite + Unpin> Completing<S> {
    /// Writes the completed answer to its end, however often it takes, and then tells that the bare one was written.
    fn poll_complete(
        &mut self,
        context: &mut Context<'_>,
        bare: &[u8],
    ) -> Poll<Option<io::Result<usize>>> {
        if self.underway.is_none() {
            self.underway = completed(bare).map(|answer| Underway { answer, written: 0 });
        }
        let Some(underway) = &mut self.underway else {
            return Poll::Ready(None);
        };

        while let rest @ [_, ..] = &underway.answer[underway.written..] {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest)) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(written) => underway.written += written,
                Err(err) => return Poll::Ready(Some(Err(err))),
            }
        }
        self.underway = None;
        Poll::Ready(Some(Ok(bare.len())))
    }
}

/// The whole answer in place of one that hyper made. The gateway's own bear an id, so that they are told apart.
fn completed(answer: &[u8]) -> Option<Vec<u8>> {
    if !answer.starts_with(b"HTTP/1.1 4") || !answer.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(answer).ok()?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    if head.contains(REQUEST_ID.as_str()) {
        return None;
    }

    let status = head.get("HTTP/1.1 ".len()..)?.get(..3)?;
    let (code, message) = match status {
        "414" => (
            ErrorCode::LimitExceeded,
            "The address is too long: send the query by POST.",
        ),
        "431" => (
            ErrorCode::LimitExceeded,
            "The request has more or longer headers than it may.",
        ),
        _ => (
            ErrorCode::BadUserInput,
            "The request can't be read as one of HTTP/1.1 or HTTP/2.",
        ),
    };
    let body = HttpError::new(StatusCode::BAD_REQUEST, code, message)
        .body()
        .ok()?;
    let body = String::from_utf8(body).ok()?;
    let id = random_id();
    tracing::info!(
        target: "deskgraph::request",
        { request.id = id, http.status = status },
        "a request whose head can't be read"
    );

    let mut headers = format!(
        "content-length: {}\r\ncontent-type: {}\r\ncache-control: no-store\r\n{REQUEST_ID}: {id}\r\n",
        body.len(),
        MediaType::Json.header().to_str().ok()?
    );
    for (name, value) in SAFETY_HEADERS {
        headers.push_str(&format!("{name}: {value}\r\n"));
    }
    Some(format!("{before}{headers}{after}{body}").into_bytes())
}

impl<S: AsyncRead + Unpin> AsyncRead for Completing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Completing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_complete(context, bytes)) {
            Some(result) => Poll::Ready(result),
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    /// A bare answer is one slice, so that of several the first is none.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [bytes] = slices
            && let Some(result) = ready!(self.poll_complete(context, bytes))
        {
            return Poll::Ready(result);
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
