//! The host names under which a gateway without authentication accepts requests: a guard against DNS rebinding.
//!
//! The owner of a name can point it at this machine after a browser has loaded a page from it. That page may then send requests to
//! the gateway and read the responses, because the browser takes both for one origin; but its requests carry that name in `Host`.
//! An IP address can't be pointed elsewhere.

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

/// The names besides localhost.
#[derive(Clone)]
pub(super) struct KnownHosts(pub(super) Arc<[String]>);

pub(super) async fn reject_other_hosts(
    State(known): State<KnownHosts>,
    request: Request,
    next: Next,
) -> Response {
    if known.allow(&request) {
        return next.run(request).await;
    }
    HttpError::new(
        StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::BadUserInput,
        "The request's Host is not one of the gateway's; DESKGRAPH_AUTH__ALLOWED_HOSTS can add more.",
    )
    .into_response()
}

impl KnownHosts {
    /// A request without a name does not come from a browser.
    fn allow(&self, request: &Request) -> bool {
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
        // Browsers resolve the names below localhost to this machine by themselves.
        is_loopback(&host)
            || host.ends_with(".localhost")
            || ip_address(&host).is_some()
            || self.0.contains(&host)
    }
}
