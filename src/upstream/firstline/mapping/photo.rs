//! Where the picture of an employee is.

use std::net::IpAddr;

use reqwest::Url;

use crate::domain::Photo;

/// A path is one below the vendor's URL. An address is taken where it is on the vendor's host, or on another one that anybody can
/// reach.
pub(super) fn photo(base_url: &Url, address: &str) -> Option<Photo> {
    let mut root = base_url.clone();
    let prefix = base_url.path().trim_end_matches('/');
    root.set_path("/");
    let mut url = root.join(address).ok()?;
    url.set_fragment(None);
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    // The vendor's samples have http where its host has TLS.
    let is_without_tls =
        url.scheme() == "http" && url.port().is_none() && url.host_str() == root.host_str();
    if url.origin() != root.origin() && !is_without_tls {
        let is_public = url.scheme() == "https" && url.host_str().is_some_and(is_public_host);
        return is_public.then(|| Photo::Public(url.into()));
    }

    let path = url.path();
    let below = path.strip_prefix(prefix);
    let path = below.filter(|below| below.starts_with('/')).unwrap_or(path);
    Some(Photo::OfVendor(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }))
}

/// A name in the domain name system: not an address, which may be one of the desk's own network, and not a name of that network.
fn is_public_host(host: &str) -> bool {
    const PRIVATE: [&str; 5] = ["localhost", "local", "internal", "lan", "home.arpa"];

    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    let is_private = PRIVATE
        .iter()
        .any(|name| host == *name || host.ends_with(&format!(".{name}")));
    host.contains('.') && !is_address && !is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_on_the_vendors_host_or_at_a_public_address() {
        let vendor = |path: &str| Some(Photo::OfVendor(path.to_owned()));
        let public = |url: &str| Some(Photo::Public(url.to_owned()));
        for (base, address, expected) in [
            (
                "https://desk.example/",
                "/employee/7/photo",
                vendor("/employee/7/photo"),
            ),
            (
                "https://desk.example/",
                "employee/7/photo?v=2#top",
                vendor("/employee/7/photo?v=2"),
            ),
            (
                "https://desk.example/",
                "https://desk.example/a.png",
                vendor("/a.png"),
            ),
            (
                "https://desk.example/",
                "//desk.example/../a.png",
                vendor("/a.png"),
            ),
            (
                "https://desk.example/tenant",
                "/employee/7/photo",
                vendor("/employee/7/photo"),
            ),
            (
                "https://desk.example/tenant/",
                "/tenant/a.png",
                vendor("/a.png"),
            ),
            (
                "https://desk.example/tenant/",
                "/tenants/a.png",
                vendor("/tenants/a.png"),
            ),
            (
                "https://desk.example/",
                "https://cdn.example/7.png",
                public("https://cdn.example/7.png"),
            ),
            (
                "https://desk.example/",
                "//cdn.example/7.png",
                public("https://cdn.example/7.png"),
            ),
            ("https://desk.example/", "http://cdn.example/7.png", None),
            (
                "https://desk.example/",
                "http://desk.example/7.png",
                vendor("/7.png"),
            ),
            ("http://127.0.0.1:4011", "http://127.0.0.1:4012/7.png", None),
            (
                "https://desk.example/",
                "https://desk.example:444/7.png",
                public("https://desk.example:444/7.png"),
            ),
            (
                "https://desk.example/",
                "https://name:secret@cdn.example/7.png",
                None,
            ),
            (
                "https://desk.example/",
                "https://name@desk.example/7.png",
                None,
            ),
            ("https://desk.example/", "https://10.0.0.1/7.png", None),
            ("https://desk.example/", "https://2130706433/7.png", None),
            ("https://desk.example/", "https://[::1]/7.png", None),
            ("https://desk.example/", "https://intranet/7.png", None),
            ("https://desk.example/", "https://a.internal./7.png", None),
            ("https://desk.example/", "javascript:alert(1)", None),
            ("https://desk.example/", "data:text/html,x", None),
        ] {
            let base = Url::parse(base).expect("the test's URL is right");
            assert_eq!(photo(&base, address), expected, "{address}");
        }
    }
}
