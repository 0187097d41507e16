//! The signals that the process handles.

#[cfg(unix)]
use std::future::poll_fn;
use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use deskgraph::http::server::Stop;

/// The signals that stop the process.
pub(super) struct StopSignals {
    #[cfg(unix)]
    interrupts: Signal,
    #[cfg(unix)]
    terminations: Signal,
}

impl StopSignals {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupts: signal(SignalKind::interrupt())?,
            terminations: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// A person at a terminal does not wait for load balancers.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupts.recv() => Stop::Now,
            _ = self.terminations.recv() => Stop::AfterDrain,
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Stop {
        // Without signal handlers, the process is killed from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Stop::Now
    }
}

/// The signal to reload, SIGHUP. Elsewhere than on Unix there is none.
pub(super) struct ReloadSignals {
    #[cfg(unix)]
    hangups: Signal,
}

impl ReloadSignals {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hangups: signal(SignalKind::hangup())?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        poll_fn(|context| self.hangups.poll_recv(context)).await;
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
