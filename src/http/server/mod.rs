//! Serving connections: their limits and timeouts, and graceful shutdown.

mod accept;
mod connection;
mod control;
pub mod tls;

// What hyper leaves to its user.
mod http1;
mod http2;
mod request_body;
mod socket;
mod unsent;

mod repeated_warning;

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    task::JoinSet,
    time::sleep,
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

pub use accept::{listen, raise_file_limit};
pub(super) use connection::IsStopping;
use connection::{Handler, serve_connection};
pub use control::{Served, ServerControl};
use repeated_warning::RepeatedWarning;
pub use unsent::UnsentLimits;

/// How long requests in flight may continue once nothing new is accepted.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);

/// How long a connection may be idle between requests. Proxies keep theirs for a minute, and must not find them closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The head of a request: its target and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;

/// Requests that a client may cancel in one go, before the gateway has seen them: a page that is left, or a proxy for many clients.
/// More are a flood, which is counted with all control frames too.
const MAX_CANCELLED_STREAMS: usize = 500;

/// Concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// What the system buffers of a response that it can't send yet. More would hide from the gateway how fast the client reads.
#[cfg(target_os = "linux")]
const SYSTEM_BUFFER_BYTES: u32 = 32 << 10;

#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Beyond it, new connections wait in the system's backlog.
    pub max_connections: usize,
    pub unsent: UnsentLimits,
    /// How long the gateway still accepts requests, while it says that it is not ready, before it stops.
    pub drain: Duration,
}

/// How serving ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// After a time in which load balancers notice it.
    AfterDrain,
    /// Nothing new is accepted.
    Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Requests are accepted, but each response asks the client to open another connection.
    Draining,
    Stopping,
}

/// What accepted connections are served with.
struct Server {
    protocol: Arc<Builder<TokioExecutor>>,
    handler: Handler,
    tasks: TaskTracker,
    warning: RepeatedWarning,
}

/// Serves until `stop` is done, then accepts nothing new, and ends with the last request and `last_work` or at the end of the
/// grace period.
pub async fn serve(
    listener: TcpListener,
    control: Arc<ServerControl>,
    stop: impl Future<Output = Stop> + Send + 'static,
    last_work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (phase, seen_phase) = watch::channel(Phase::Serving);
    let server = Server {
        protocol: Arc::new(protocol()),
        handler: Handler {
            control: control.clone(),
            phase: seen_phase,
        },
        tasks: TaskTracker::new(),
        warning: RepeatedWarning::new(),
    };
    // Ends with this function.
    let mut checks = JoinSet::new();
    checks.spawn(control.connections.clone().end_stalled());

    if server.accept_until(&listener, stop).await == Stop::AfterDrain {
        phase.send_replace(Phase::Draining);
        let drain = control.served().settings.drain;
        server.accept_until(&listener, sleep(drain)).await;
    }
    // The system would reset the connections that wait.
    while let Some(Some(())) = server.accept_one(&listener).map(Some).now_or_never() {}
    drop(listener);
    phase.send_replace(Phase::Stopping);
    server.tasks.close();

    let all_ended = async {
        server.tasks.wait().await;
        last_work.await;
    };
    tokio::select! {
        () = all_ended => {}
        () = sleep(SHUTDOWN_GRACE) => {
            tracing::warn!("requests were still in flight at the end of the grace period, and are cut off");
        }
    }
    Ok(())
}

impl Server {
    async fn accept_until<T>(&self, listener: &TcpListener, end: impl Future<Output = T>) -> T {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                () = self.accept_one(listener) => {}
                result = &mut end => return result,
            }
        }
    }

    async fn accept_one(&self, listener: &TcpListener) {
        let slot = self.handler.control.slot().await;
        let (stream, peer) = accept::accept(listener, &self.warning).await;
        if let Some(slot) = slot {
            self.serve(stream, peer, slot);
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        prepare(&stream);
        // The connection hears of the phases that begin from now on.
        let mut handler = self.handler.clone();
        handler.phase.mark_unchanged();
        let open = handler.control.connections.open_one();
        let protocol = self.protocol.clone();
        let tls = handler.control.served().tls.clone();
        self.tasks.spawn(async move {
            match tls {
                None => {
                    let stream = (stream, reset as fn(&TcpStream));
                    serve_connection(protocol, stream, peer, handler, open).await;
                }
                Some(tls) => {
                    let mut phase = handler.phase.clone();
                    let accepted = tokio::select! {
                        accepted = tls.accept(stream) => accepted,
                        // It has sent no request yet.
                        _ = phase.wait_for(|phase| *phase == Phase::Stopping) => return,
                    };
                    match accepted {
                        Ok(stream) => {
                            let reset: fn(&TlsStream<TcpStream>) = |tls| reset(tls.get_ref().0);
                            serve_connection(protocol, (stream, reset), peer, handler, open).await;
                        }
                        Err(err) => {
                            tracing::debug!(error = err.to_string(), "a TLS handshake failed");
                        }
                    }
                }
            }
            drop(slot);
        });
    }
}

/// Makes the system drop what it has not sent. A failure is harmless.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Failures to set options are harmless.
fn prepare(stream: &TcpStream) {
    // Responses are written in one piece, so that there is nothing to coalesce.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(SYSTEM_BUFFER_BYTES);
}

/// HTTP/1.1, and HTTP/2 without TLS for clients that send its preface.
fn protocol() -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES as usize);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_CANCELLED_STREAMS)
        .keep_alive_interval(IDLE_TIMEOUT);
    protocol
}
