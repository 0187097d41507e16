//! Serving: a listener, and the end of it.

use std::{future::Future, io, time::Duration};

use axum::Router;
use tokio::net::TcpListener;

/// How long requests that are under way may go on after the gateway was told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Serves until `stop` is done, then takes nothing new, and ends with the last request or at the end of the grace.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut is_stopping) = tokio::sync::watch::channel(());
    let stop = async move {
        stop.await;
        // Nobody to tell means that the serving is over already.
        let _ = stopping.send(());
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);

    let grace_is_over = async move {
        // An error means that the serving is over, and the other branch will tell how.
        match is_stopping.changed().await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = serving => result,
        () = grace_is_over => {
            tracing::warn!("requests were still under way at the end of the grace, and are cut off");
            Ok(())
        }
    }
}
