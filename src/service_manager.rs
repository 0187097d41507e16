//! systemd, where it is the parent: the socket that it passes, and what it wants to know. Elsewhere all of this does nothing.

#[cfg(unix)]
use std::io;
use std::net::TcpListener;

use deskgraph::StartError;

/// The socket that systemd listens on for the gateway; none where it passes none. To be called before there are threads, because it
/// removes variables from the environment.
#[cfg(unix)]
pub(super) fn listener() -> Result<Option<TcpListener>, StartError> {
    let mut sockets = listenfd::ListenFd::from_env();
    if sockets.len() > 1 {
        let count = sockets.len();
        let error = io::Error::other(format!("there must be one, not {count}"));
        return Err(StartError::Socket(error));
    }
    sockets.take_tcp_listener(0).map_err(StartError::Socket)
}

#[cfg(not(unix))]
pub(super) fn listener() -> Result<Option<TcpListener>, StartError> {
    Ok(None)
}

#[cfg(unix)]
pub(super) mod notify {
    use sd_notify::NotifyState;

    pub(crate) fn ready() {
        send(&[NotifyState::Ready]);
    }

    pub(crate) fn reloading() {
        // systemd ignores the notification without the time.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(_) => send(&[NotifyState::Reloading]),
        }
    }

    pub(crate) fn stopping() {
        send(&[NotifyState::Stopping]);
    }

    fn send(state: &[NotifyState<'_>]) {
        if let Err(err) = sd_notify::notify(state) {
            tracing::warn!(
                error = err.to_string(),
                "the service manager can't be notified"
            );
        }
    }
}

#[cfg(not(unix))]
pub(super) mod notify {
    pub(crate) fn ready() {}
    pub(crate) fn reloading() {}
    pub(crate) fn stopping() {}
}
