//! A GraphQL response over HTTP: its status, media type and caching headers, and 304 where the client has it already.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::negotiation::MediaType;
use crate::engine::{EncodedResponse, Rejection};

/// Which caches may store a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheScope {
    /// Any cache: the gateway knows no callers, so that all clients get the same.
    Public,
    /// The client's own: the response depends on the caller's rights.
    Private,
}

/// How the client wants the response.
pub(super) struct Negotiated<'a> {
    pub(super) media_type: MediaType,
    pub(super) cache_scope: CacheScope,
    /// The headers of a GET, which may name a response that the client has already.
    pub(super) conditions: Option<&'a HeaderMap>,
}

pub(super) fn respond(encoded: &EncodedResponse, negotiated: &Negotiated<'_>) -> Response {
    let good_for = encoded.good_for();
    let is_cacheable = !good_for.is_zero();
    let tag = negotiated
        .conditions
        .filter(|_| is_cacheable)
        .and_then(|_| entity_tag(encoded));
    let matches = negotiated
        .conditions
        .zip(tag.as_ref())
        .is_some_and(|(conditions, tag)| names_tag(conditions, tag));

    let mut response = if matches {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let status = match (negotiated.media_type, encoded.rejection()) {
            (MediaType::GraphqlResponse, Some(rejection)) => status_of(rejection),
            _ => StatusCode::OK,
        };
        (status, Body::from(encoded.body().clone())).into_response()
    };
    let headers = response.headers_mut();
    if !matches {
        headers.insert(header::CONTENT_TYPE, negotiated.media_type.header());
    }
    let scope = negotiated.cache_scope;
    headers.insert(header::CACHE_CONTROL, scope.cache_control(good_for));
    headers.insert(header::VARY, scope.vary());
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The responses to a batch, in the order of its requests. Each has its own errors.
pub(super) fn respond_to_batch(
    responses: &[Arc<EncodedResponse>],
    media_type: MediaType,
    cache_scope: CacheScope,
) -> Response {
    let bodies: Vec<&[u8]> = responses
        .iter()
        .map(|response| &**response.body())
        .collect();
    let mut body = vec![b'['];
    body.extend(bodies.join(&b','));
    body.push(b']');
    let good_for = responses.iter().map(|response| response.good_for()).min();

    let headers = [
        (header::CONTENT_TYPE, media_type.header()),
        (
            header::CACHE_CONTROL,
            cache_scope.cache_control(good_for.unwrap_or_default()),
        ),
        (header::VARY, cache_scope.vary()),
    ];
    (headers, body).into_response()
}

fn status_of(rejection: Rejection) -> StatusCode {
    match rejection {
        Rejection::Invalid => StatusCode::BAD_REQUEST,
        Rejection::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Rejection::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl CacheScope {
    fn cache_control(self, good_for: Duration) -> HeaderValue {
        let seconds = good_for.as_secs();
        let no_store = HeaderValue::from_static(match self {
            CacheScope::Public => "no-store",
            CacheScope::Private => "private, no-store",
        });
        if good_for.is_zero() {
            return no_store;
        }
        let control = match self {
            CacheScope::Public => format!("public, max-age={seconds}"),
            CacheScope::Private => format!("private, max-age={seconds}"),
        };
        HeaderValue::from_str(&control).unwrap_or(no_store)
    }

    /// The same for a full response and a 304, although only the former is compressed.
    fn vary(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            CacheScope::Public => "accept, accept-encoding",
            CacheScope::Private => "accept, accept-encoding, authorization, x-api-key",
        })
    }
}

/// Weak, because the same response may be compressed.
fn entity_tag(encoded: &EncodedResponse) -> Option<HeaderValue> {
    let digest = encoded.digest()?;
    HeaderValue::from_str(&format!("W/\"{digest:032x}\"")).ok()
}

/// Whether the client names the tag of a response that it has.
fn names_tag(conditions: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(opaque) else {
        return false;
    };
    conditions
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|named| named.to_str().ok())
        .flat_map(|named| named.split(','))
        .any(|named| named.trim() == "*" || opaque(named) == tag)
}
