//! Host names, as they stand in URLs and in the header Host.

use std::net::IpAddr;

/// Whether a host is this machine, so that its traffic leaves no network interface.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || ip_address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

/// The IP address that a host is, an IPv6 one with or without brackets; none where it is a name.
pub fn ip_address(host: &str) -> Option<IpAddr> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bracketed.unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_recognized_by_its_name_and_by_its_addresses() {
        for host in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.example.com",
            "example.com",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "127.0.0.1.example.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
