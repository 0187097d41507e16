//! One vendor's listening server: bound, served and stopped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connection::{Connection, SandboxListener};

/// How long a stopping server waits for the requests in flight.
const GRACE: Duration = Duration::from_millis(500);

pub(super) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// Resolves when the server is about to stop, so that a response that never comes ends with it.
#[derive(Clone)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    pub(super) async fn wait(mut self) {
        // A dropped sender means the same as a stop signal.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

impl Server {
    pub(super) async fn start(
        port: u16,
        router: impl FnOnce(Stopping) -> Router,
    ) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let stopping = Stopping(stopping);
        let service = router(stopping.clone()).into_make_service_with_connect_info::<Connection>();

        let serving = tokio::spawn(async move {
            let outcome = axum::serve(SandboxListener::new(listener), service)
                .with_graceful_shutdown(stopping.wait())
                .await;
            if let Err(err) = outcome {
                tracing::error!(error = %err, "a sandbox vendor stopped serving");
            }
        });

        Ok(Server {
            address,
            stop,
            serving,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(true);
        let mut serving = self.serving;
        if tokio::time::timeout(GRACE, &mut serving).await.is_err() {
            serving.abort();
        }
    }
}
