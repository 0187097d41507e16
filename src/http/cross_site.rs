//! A gateway without authentication answers no requests of other sites' pages.
//!
//! Such a page can't read the response. But the queries of its links, images and forms would be executed, and call the vendors.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::HttpError;
use crate::error::ErrorCode;

/// Browsers say in it which site's page a request is from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins whose pages may send requests.
#[derive(Clone)]
pub(super) struct AllowedOrigins(pub(super) Arc<[String]>);

pub(super) async fn reject_cross_site(
    State(allowed): State<AllowedOrigins>,
    request: Request,
    next: Next,
) -> Response {
    if allowed.allow(request.headers()) {
        return next.run(request).await;
    }
    HttpError::new(
        StatusCode::FORBIDDEN,
        ErrorCode::Forbidden,
        "Pages of other sites may send requests only if DESKGRAPH_CORS__ORIGINS names their origin.",
    )
    .into_response()
}

impl AllowedOrigins {
    fn allow(&self, headers: &HeaderMap) -> bool {
        let sites = headers.get_all(SEC_FETCH_SITE).iter();
        let is_cross_site = sites
            .map(|site| site.as_bytes())
            .any(|site| site.eq_ignore_ascii_case(b"cross-site"));
        let origin = headers.get(header::ORIGIN);
        let is_allowed = |origin: &[u8]| self.0.iter().any(|known| known.as_bytes() == origin);
        !is_cross_site || origin.is_some_and(|origin| is_allowed(origin.as_bytes()))
    }
}
