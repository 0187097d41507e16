//! Serving connections: their limits and timeouts, and graceful shutdown.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    serve::Listener,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tower::ServiceExt;

/// How long requests in flight may continue after the signal to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);

/// A new connection must send the head of its first request within this time, in HTTP/1.1 and HTTP/2.
const FIRST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be idle between requests. Proxies keep theirs for a minute, and must not find them closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The head of a request: its target and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;

/// Concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// Serves until `stop` is done, then accepts nothing new, and ends with the last request and `last_work` or at the end of the
/// grace period. Beyond `max_connections`, new connections wait in the system's backlog.
pub async fn serve(
    mut listener: TcpListener,
    max_connections: usize,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    last_work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let protocol = Arc::new(protocol());
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(max_connections));
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            // It waits while file descriptors are short, and skips connections that were reset.
            let (stream, peer) = Listener::accept(&mut listener).await;
            (slot, stream, peer)
        };
        tokio::select! {
            (slot, stream, peer) = next => {
                let connection = serve_connection(
                    protocol.clone(),
                    stream,
                    peer,
                    router.clone(),
                    connections.watcher(),
                );
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            () = &mut stop => break,
        }
    }
    drop(listener);

    let all_ended = async {
        connections.shutdown().await;
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

/// Serves one connection until either side closes it.
async fn serve_connection(
    protocol: Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
) {
    // Responses are written in one piece, so that there is nothing to coalesce. A failure to set it is harmless.
    let _ = stream.set_nodelay(true);
    let has_request = Arc::new(AtomicBool::new(false));
    let seen = has_request.clone();
    let service = router.map_request(move |mut request: Request<_>| {
        seen.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });

    let stream = TokioIo::new(stream);
    let connection = protocol.serve_connection(stream, TowerToHyperService::new(service));
    let mut serving = pin!(watcher.watch(connection.into_owned()));
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = sleep(FIRST_HEAD_TIMEOUT) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if has_request.load(Ordering::Relaxed) => serving.await,
        // Dropped, the connection is closed.
        None => return,
    };
    if let Err(err) = ended {
        tracing::debug!(error = err, "a connection failed");
    }
}
