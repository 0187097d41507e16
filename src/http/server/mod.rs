//! Serving connections: their limits and timeouts, and graceful shutdown.

mod accept;
mod connection;

// What hyper leaves to its user.
mod http1;
mod http2;
mod request_body;
mod socket;
mod unsent;

mod repeated_warning;

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::sleep,
};
use tokio_util::task::TaskTracker;

pub use accept::{listen, raise_file_limit};
pub(super) use connection::IsStopping;
use connection::{Handler, serve_connection};
use repeated_warning::RepeatedWarning;
use unsent::Connections;
pub use unsent::UnsentLimits;

/// How long requests in flight may continue once nothing new is accepted.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);

/// How long a connection may be idle between requests. Proxies keep theirs for a minute, and must not find them closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The head of a request: its target and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;

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
    /// Requests are accepted, but the clients are told to go elsewhere.
    Draining,
    Stopping,
}

/// What accepted connections are served with.
struct Server {
    protocol: Arc<Builder<TokioExecutor>>,
    handler: Handler,
    connections: Arc<Connections>,
    tasks: TaskTracker,
    slots: Arc<Semaphore>,
    warning: RepeatedWarning,
}

/// Serves until `stop` is done, then accepts nothing new, and ends with the last request and `last_work` or at the end of the
/// grace period.
pub async fn serve(
    listener: TcpListener,
    settings: ServerSettings,
    router: Router,
    stop: impl Future<Output = Stop> + Send + 'static,
    last_work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (phase, seen_phase) = watch::channel(Phase::Serving);
    let server = Server {
        protocol: Arc::new(protocol()),
        handler: Handler {
            router,
            phase: seen_phase,
        },
        connections: Connections::new(settings.unsent),
        tasks: TaskTracker::new(),
        slots: Arc::new(Semaphore::new(settings.max_connections)),
        warning: RepeatedWarning::new(),
    };
    // Ends with this function.
    let mut checks = JoinSet::new();
    checks.spawn(server.connections.clone().end_stalled());

    if server.accept_until(&listener, stop).await == Stop::AfterDrain {
        phase.send_replace(Phase::Draining);
        server.accept_until(&listener, sleep(settings.drain)).await;
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
        let slot = self.slots.clone().acquire_owned().await;
        let (stream, peer) = accept::accept(listener, &self.warning).await;
        // The semaphore is never closed.
        if let Ok(slot) = slot {
            self.serve(stream, peer, slot);
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        prepare(&stream);
        // A failure to set it is harmless.
        let reset: fn(&TcpStream) = |stream| drop(stream.set_zero_linger());
        // The connection hears of the phases that begin from now on.
        let mut handler = self.handler.clone();
        handler.phase.mark_unchanged();
        let connection = serve_connection(
            self.protocol.clone(),
            (stream, reset),
            peer,
            handler,
            self.connections.open_one(),
        );
        self.tasks.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
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
        .keep_alive_interval(IDLE_TIMEOUT);
    protocol
}
