//! Serving: what connections may hold and how long they may keep silent, and the end of it all.

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

/// How long requests that are under way may go on after the gateway was told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Within this time a new connection has sent its first request's head, whichever version of HTTP it speaks.
const FIRST_HEAD: Duration = Duration::from_secs(10);

/// How long a connection may wait between its requests. Proxies keep theirs for a minute, and must not find them closed.
const IDLE: Duration = Duration::from_secs(75);

/// The head of a request: its address and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;

/// Requests under way at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;

/// Serves until `stop` is done, then takes nothing new, and ends with the last request and `last_work` or at the end of the
/// grace. Who comes while there are `max_connections` is left to the system, which lets some wait for a place.
pub async fn serve(
    mut listener: TcpListener,
    max_connections: usize,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    last_work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let protocol = Arc::new(protocol());
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(max_connections));
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            // It waits out what the system lacks, and passes over connections that are gone already.
            let (stream, peer) = Listener::accept(&mut listener).await;
            (place, stream, peer)
        };
        tokio::select! {
            (place, stream, peer) = next => {
                let conversation = converse(
                    protocol.clone(),
                    stream,
                    peer,
                    router.clone(),
                    connections.watcher(),
                );
                tokio::spawn(async move {
                    conversation.await;
                    drop(place);
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
        () = sleep(GRACE) => {
            tracing::warn!("requests were still under way at the end of the grace, and are cut off");
        }
    }
    Ok(())
}

/// HTTP/1.1 and, to whoever opens with its preface, HTTP/2 without TLS.
fn protocol() -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MAX_HEAD_BYTES as usize);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(IDLE);
    protocol
}

/// Serves one connection until either side closes it.
async fn converse(
    protocol: Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
) {
    // Answers are written whole, so that there is nothing to gather. A connection that refuses this serves all the same.
    let _ = stream.set_nodelay(true);
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = has_asked.clone();
    let service = router.map_request(move |mut request: Request<_>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });

    let stream = TokioIo::new(stream);
    let connection = protocol.serve_connection(stream, TowerToHyperService::new(service));
    let mut serving = pin!(watcher.watch(connection.into_owned()));
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = sleep(FIRST_HEAD) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if has_asked.load(Ordering::Relaxed) => serving.await,
        // Dropped, the connection is closed.
        None => return,
    };
    if let Err(err) = ended {
        tracing::debug!(error = err, "a connection broke off");
    }
}
