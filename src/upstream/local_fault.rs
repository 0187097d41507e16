//! Failures of a call on the gateway's own side: the vendor was not reached, and is not at fault.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
};

/// Errors of the operating system that have no `io::ErrorKind` of their own.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };

/// Whether the gateway could not build the call, or this machine lacks what it takes to send it.
pub(super) fn is_local(error: &reqwest::Error) -> bool {
    error.is_builder()
        || match os_error(error) {
            Some(os_error) => is_shortage(os_error),
            // A name is not resolved without a descriptor, and the resolver does not say so.
            None => error.is_connect() && lacks_descriptors(),
        }
}

/// The error of the operating system at the root of this error.
fn os_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        let Some(io_error) = error.downcast_ref::<io::Error>() else {
            continue;
        };
        if io_error.raw_os_error().is_some() {
            return Some(io_error);
        }
        // An I/O error does not count the error that it wraps among its sources.
        if let Some(wrapped) = io_error.get_ref() {
            next = Some(wrapped);
        }
    }
    None
}

fn is_shortage(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::OutOfMemory | io::ErrorKind::PermissionDenied => true,
        // Without ports, or for the other address of a host, where this machine has no IPv6.
        io::ErrorKind::AddrNotAvailable => lacks_ports(),
        _ => matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS)),
    }
}

fn lacks_descriptors() -> bool {
    let opened = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    opened.is_err_and(|error| matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS)))
}

fn lacks_ports() -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("a call failed")]
    struct Outer(#[source] io::Error);

    fn is_local_shortage(error: io::Error) -> bool {
        os_error(&Outer(error)).is_some_and(is_shortage)
    }

    #[test]
    fn a_lack_of_descriptors_or_buffers_is_local_and_a_refused_connection_is_not() {
        for local in [EMFILE, ENFILE, ENOBUFS] {
            let error = || io::Error::from_raw_os_error(local);
            assert!(is_local_shortage(error()), "{local}");
            assert!(is_local_shortage(io::Error::other(error())), "{local}");
            assert!(
                is_local_shortage(io::Error::other(Outer(error()))),
                "{local}"
            );
        }
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
        ] {
            assert!(!is_local_shortage(io::Error::from(kind)), "{kind}");
        }
        // This machine has ports, so the address is one that it can't use.
        let no_such_address = if cfg!(target_os = "linux") { 99 } else { 49 };
        assert!(!is_local_shortage(io::Error::from_raw_os_error(
            no_such_address
        )));
        assert!(!lacks_descriptors());
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_built_is_local_and_one_that_nobody_accepts_is_not() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client without options builds");
        let url = format!("http://127.0.0.1:1/?search={}", "a".repeat(65_600));
        let too_long = client.get(url).send().await;
        assert!(too_long.is_err_and(|error| is_local(&error)));
        let refused = client.get("http://127.0.0.1:1/").send().await;
        assert!(refused.is_err_and(|error| !is_local(&error)));
    }
}
