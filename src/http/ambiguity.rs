//! Requests that a proxy and the gateway could read differently are rejected.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{auth::API_KEY, error::HttpError};

/// Of several, each reader could take another one.
const SINGLE_HEADERS: [HeaderName; 3] = [header::HOST, header::AUTHORIZATION, API_KEY];

pub(super) async fn reject_ambiguous(request: Request, next: Next) -> Response {
    match fault_of(&request) {
        None => next.run(request).await,
        Some(fault) => HttpError::bad_request(fault).into_response(),
    }
}

fn fault_of(request: &Request) -> Option<String> {
    let headers = request.headers();
    for name in &SINGLE_HEADERS {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Some(format!("The header {name} may be sent only once."));
        }
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !codings.next().is_none_or(is_chunked) || codings.next().is_some() {
        return Some("The only transfer-encoding that is accepted is chunked.".to_owned());
    }
    match headers.get(header::HOST) {
        None if request.version() == Version::HTTP_11 => {
            Some("A request of HTTP/1.1 must have the header host.".to_owned())
        }
        None if request.version() == Version::HTTP_2 && request.uri().authority().is_none() => {
            Some("A request of HTTP/2 must have :authority or the header host.".to_owned())
        }
        Some(host) if !host.is_empty() && Authority::try_from(host.as_bytes()).is_err() => {
            Some("The header host must be a host name, with a port or without.".to_owned())
        }
        _ => None,
    }
}
