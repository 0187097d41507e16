//! URLs of servers, as settings may have them.

use std::net::Ipv6Addr;

use crate::domain::is_loopback;

pub(super) struct ServerUrl<'a> {
    is_https: bool,
    /// An IPv6 address without its brackets.
    host: &'a str,
    port: Option<u16>,
    /// From its first slash on.
    path: &'a str,
}

impl<'a> ServerUrl<'a> {
    /// An http or https URL with a host, and without credentials or a query: credentials would be shown wherever the URL is, and a
    /// query would be lost.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        if !rest.chars().all(|letter| letter.is_ascii_graphic())
            || rest.contains(['?', '#', '@', '\\'])
        {
            return None;
        }

        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, port)
            }
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(digits.parse().ok().filter(|port| *port > 0)?),
            None if port.is_empty() => None,
            None => return None,
        };
        (!host.is_empty()).then_some(Self {
            is_https,
            host,
            port,
            path,
        })
    }

    /// Whether the connection is safe from impersonation.
    pub(super) fn is_guarded(&self) -> bool {
        self.is_https || is_loopback(self.host)
    }

    /// Whether it is an origin as browsers send it, apart from upper case.
    pub(super) fn is_origin(&self) -> bool {
        let default_port = if self.is_https { 443 } else { 80 };
        self.path.is_empty() && self.port != Some(default_port) && !self.host.contains('*')
    }
}
