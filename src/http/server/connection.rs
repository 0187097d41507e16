//! One connection, from its first byte to its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError,
    body::HttpBody,
    extract::{ConnectInfo, Request},
    http::{HeaderValue, Response, Version, header},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep},
};
use tower::{Service, ServiceExt};

use super::{
    Phase, ServerControl,
    request_body::{Reuse, lend},
    socket::Socket,
    unsent::{Connection, CountedBody, OpenConnection},
};

/// A new connection must send the head of its first request within this time, in HTTP/1.1 and HTTP/2.
const FIRST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a request stays open when the gateway stops.
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// The process is about to stop: `/health/ready` says so.
#[derive(Clone, Copy)]
pub(in crate::http) struct IsStopping;

/// What serves the requests of a connection.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) control: Arc<ServerControl>,
    pub(super) phase: watch::Receiver<Phase>,
}

/// Serves one connection until either side closes it. `reset` makes the system drop what the stream has not sent.
pub(super) async fn serve_connection<S>(
    protocol: Arc<Builder<TokioExecutor>>,
    (stream, reset): (S, fn(&S)),
    peer: SocketAddr,
    handler: Handler,
    open: OpenConnection,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = &open.0;
    let mut phase = handler.phase.clone();
    let stream = TokioIo::new(Socket::new(stream, connection.clone(), reset));
    let service = TowerToHyperService::new(ConnectionHandler {
        handler,
        peer,
        connection: connection.clone(),
    });
    let mut serving = pin!(protocol.serve_connection(stream, service).into_owned());
    let mut first_head = pin!(sleep(FIRST_HEAD_TIMEOUT));
    let mut awaits_first_head = true;
    let mut last_chance = pin!(sleep(FIRST_HEAD_TIMEOUT));
    let mut is_on_last_chance = false;

    loop {
        tokio::select! {
            // First what has arrived already, so that a request is not lost to the end of the phase.
            biased;
            ended = &mut serving => {
                if let Err(err) = ended {
                    tracing::debug!(error = err, "a connection failed");
                }
                return;
            }
            // Dropped, the connection is closed.
            () = connection.ended() => return,
            () = &mut first_head, if awaits_first_head => {
                awaits_first_head = false;
                if !connection.has_request.load(Relaxed) {
                    return;
                }
            }
            Ok(()) = phase.changed() => {
                let phase = *phase.borrow_and_update();
                // The first request of a connection that was just accepted is on its way: its response will close the connection.
                if phase == Phase::Stopping && !connection.has_request.load(Relaxed) {
                    is_on_last_chance = true;
                    last_chance.as_mut().reset(Instant::now() + LAST_CHANCE);
                    continue;
                }
                // An idle HTTP/1 connection may carry a last request as long as others are accepted.
                if phase == Phase::Stopping || connection.speaks_http2.load(Relaxed) {
                    serving.as_mut().graceful_shutdown();
                }
            }
            () = &mut last_chance, if is_on_last_chance => {
                is_on_last_chance = false;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

#[derive(Clone)]
struct ConnectionHandler {
    handler: Handler,
    peer: SocketAddr,
    connection: Arc<Connection>,
}

impl<B> Service<Request<B>> for ConnectionHandler
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError> + Send,
{
    type Response = Response<CountedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self {
            handler: Handler { control, phase },
            peer,
            connection,
        } = self.clone();
        connection.has_request.store(true, Relaxed);
        Box::pin(async move {
            connection.room().await;

            let version = request.version();
            let (mut request, rest) = lend(request);
            request.extensions_mut().insert(ConnectInfo(peer));
            if *phase.borrow() != Phase::Serving {
                request.extensions_mut().insert(IsStopping);
            }
            let router = control.served().router.clone();
            let mut response = router.oneshot(request).await?;

            let reuse = rest.discard().await;
            let is_last = reuse == Reuse::Impossible || *phase.borrow() != Phase::Serving;
            if is_last && version < Version::HTTP_2 {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| CountedBody::new(body, connection)))
        })
    }
}
