//! Accepting connections, also while the process has no file descriptors left.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

use super::repeated_warning::RepeatedWarning;

/// Connections that the system holds until they are accepted. The system may have a lower limit.
const BACKLOG: u32 = 4096;

/// After a failure that is not the connection's own, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Files besides connections: the listener, the log, the runtime's own, and lookups of names.
const OTHER_FILES: u64 = 64;

pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // So that a restart does not wait for the connections of the process before it. On Windows, it would allow two listeners.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the process's limit of open files as far as it may, and warns if it is too low for these connections.
pub fn raise_file_limit(max_connections: usize, vendor_connections: usize) {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(err) => {
            tracing::warn!(
                error = err.to_string(),
                "the limit of open files can't be raised"
            );
            return;
        }
    };
    let needed = max_connections as u64 + vendor_connections as u64 + OTHER_FILES;
    if limit < needed {
        tracing::warn!(
            limit,
            needed,
            "the limit of open files is too low for DESKGRAPH_LIMITS__MAX_CONNECTIONS and the calls to the vendors"
        );
    }
}

pub(super) async fn accept(
    listener: &TcpListener,
    warning: &RepeatedWarning,
) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(err) if is_of_connection(&err) => {}
            Err(err) => {
                if let Some(repeats) = warning.due() {
                    tracing::warn!(
                        error = err.to_string(),
                        repeats,
                        "connections can't be accepted; the gateway tries again"
                    );
                }
                sleep(PAUSE).await;
            }
        }
    }
}

/// The client has gone before its connection was accepted.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
    )
}
