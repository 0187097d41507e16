//! Under which names the gateway may be asked where it asks nobody who they are.
//!
//! Whoever owns a name can have it stand for this machine after a page of theirs was loaded. That page may then ask the gateway
//! and read its answers, as its browser takes both for one site; but its requests bear that name. An address stands for itself.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::HttpError;
use crate::{
    domain::{ip_address, is_loopback},
    error::ErrorCode,
};

/// The names besides this machine's own.
#[derive(Clone)]
pub(super) struct KnownHosts(pub(super) Arc<[String]>);

pub(super) async fn refuse_other_hosts(
    State(known): State<KnownHosts>,
    request: Request,
    next: Next,
) -> Response {
    if known.have_all_of(&request) {
        return next.run(request).await;
    }
    HttpError::new(
        StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::BadUserInput,
        "The gateway does not go by the name that the request gives it; DESKGRAPH_AUTH__ALLOWED_HOSTS can name more.",
    )
    .into_response()
}

impl KnownHosts {
    /// A request that gives no name comes from no browser.
    fn have_all_of(&self, request: &Request) -> bool {
        let headers = request.headers().get_all(header::HOST);
        let has_known_headers = headers.iter().all(|host| {
            let authority = Authority::try_from(host.as_bytes());
            authority.is_ok_and(|authority| self.has(authority.host()))
        });
        let has_known_target = request.uri().host().is_none_or(|host| self.has(host));
        has_known_headers && has_known_target
    }

    fn has(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        // Browsers take the names below localhost for this machine themselves, and ask nobody.
        is_loopback(&host)
            || host.ends_with(".localhost")
            || ip_address(&host).is_some()
            || self.0.contains(&host)
    }
}
