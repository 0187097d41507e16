//! What a handler leaves of a request's body: it is read and discarded, so that the client can read the response.
//!
//! Many clients send their whole request before they read. If the gateway closed the connection meanwhile, they would get an error
//! instead of the response.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, HttpBody},
    extract::Request,
    http::{Version, header},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// How long a response waits for the rest of its request, so that the connection can go on. After that, HTTP/1 closes the
/// connection, and discards more while it closes.
const PAUSE: Duration = Duration::from_millis(100);
const DISCARDED_BYTES: usize = 2 << 20;

/// An HTTP/2 connection goes on in any case. Its stream is reset, without an error, after this time or so many bytes.
const STREAM_TIME: Duration = Duration::from_secs(2);
const STREAM_BYTES: usize = 4 << 20;

/// Whether the connection can be used for another request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Possible,
    Impossible,
}

/// What the handler has left of a body.
enum Left<B> {
    Nothing,
    Body(B),
    /// The client waits for `100 Continue` before it sends its body.
    Unrequested,
}

type Slot<B> = Arc<Mutex<Left<B>>>;

/// The place for a body that its handler does not read to its end.
pub(super) struct Rest<B> {
    slot: Option<Slot<B>>,
    version: Version,
}

/// A request's body, on loan to its handler.
struct Lent<B: HttpBody> {
    body: Option<B>,
    /// The client waits for `100 Continue`, which the first read sends.
    awaits_read: bool,
    slot: Slot<B>,
}

/// Lends the body of this request to its handler.
pub(super) fn lend<B>(request: Request<B>) -> (Request, Rest<B>)
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let version = request.version();
    if request.body().is_end_stream() {
        let rest = Rest {
            slot: None,
            version,
        };
        return (request.map(Body::new), rest);
    }

    let slot = Arc::new(Mutex::new(Left::Nothing));
    let awaits_read = request.headers().contains_key(header::EXPECT);
    let request = request.map(|body| {
        Body::new(Lent {
            body: Some(body),
            awaits_read,
            slot: slot.clone(),
        })
    });
    let rest = Rest {
        slot: Some(slot),
        version,
    };
    (request, rest)
}

impl<B> Rest<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    /// Discards what the handler has left.
    pub(super) async fn discard(self) -> Reuse {
        let left = self.slot.map_or(Left::Nothing, |slot| take(&slot));
        let mut body = match left {
            Left::Nothing => return Reuse::Possible,
            Left::Unrequested => return Reuse::Impossible,
            Left::Body(body) => body,
        };
        if self.version >= Version::HTTP_2 {
            tokio::spawn(async move {
                // Whatever is left after that, the stream is reset.
                let _ = timeout(STREAM_TIME, reach_end(&mut body, STREAM_BYTES)).await;
            });
            return Reuse::Possible;
        }
        let reached = timeout(PAUSE, reach_end(&mut body, DISCARDED_BYTES)).await;
        reached.unwrap_or(Reuse::Impossible)
    }
}

async fn reach_end<B: HttpBody<Data = Bytes> + Unpin>(body: &mut B, max_bytes: usize) -> Reuse {
    let mut bytes = 0;
    while bytes <= max_bytes {
        match body.frame().await {
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) => return Reuse::Impossible,
            None => return Reuse::Possible,
        }
    }
    Reuse::Impossible
}

fn take<B>(slot: &Slot<B>) -> Left<B> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    mem::replace(&mut *slot, Left::Nothing)
}

impl<B> HttpBody for Lent<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.awaits_read = false;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody> Drop for Lent<B> {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let left = match self.awaits_read {
            true => Left::Unrequested,
            false => Left::Body(body),
        };
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}
