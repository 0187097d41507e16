//! Compression of responses: at once, so that a slow reader holds bytes and no compressor; once, where a body never changes.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{self, HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

use super::error::HttpError;

/// A smaller response fits a packet or two without compression.
const MIN_COMPRESSED_BYTES: u64 = 512;

/// As the gateway prefers them among those that a client accepts equally. Older clients name zstd but can't read it.
const ENCODINGS: [&str; 3] = ["br", "gzip", "zstd"];

/// The gateway is bound by its processor, so the fastest level of each. Pictures are compressed already.
pub(super) fn layer() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::IMAGES))
}

/// Leaves one encoding in Accept-Encoding: the compression layer prefers zstd, and sends 406 after the request was executed where
/// a client accepts nothing.
pub(super) fn choose_encoding(mut request: Request) -> Request {
    let headers = request.headers_mut();
    if headers.contains_key(header::ACCEPT_ENCODING) {
        let chosen = HeaderValue::from_static(preferred(headers));
        headers.insert(header::ACCEPT_ENCODING, chosen);
    }
    request
}

fn preferred(headers: &HeaderMap) -> &'static str {
    let entries: Vec<(&str, f32)> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(entry)
        .collect();
    let quality_of = |wanted: &str| {
        let mut named = entries.iter();
        named
            .find(|(coding, _)| coding.eq_ignore_ascii_case(wanted))
            .map(|(_, quality)| *quality)
    };

    let others = quality_of("*").unwrap_or(0.0);
    let (mut best, mut best_quality) = ("identity", quality_of("identity").unwrap_or(0.0));
    for encoding in ENCODINGS {
        let quality = quality_of(encoding).unwrap_or(others);
        if quality > best_quality || quality == best_quality && quality > 0.0 && best == "identity"
        {
            (best, best_quality) = (encoding, quality);
        }
    }
    best
}

/// The coding and its quality, which is 1 where it is not named and 0 where it can't be read.
fn entry(entry: &str) -> (&str, f32) {
    let (coding, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
    let weight = weight.trim();
    let weight = weight
        .strip_prefix("q=")
        .or_else(|| weight.strip_prefix("Q="));
    let quality = weight.and_then(|weight| weight.trim().parse().ok());
    (coding.trim(), quality.unwrap_or(0.0))
}

/// The whole body of the response is in memory; it is not a stream.
#[derive(Clone, Copy)]
struct Complete;

pub(super) fn mark_complete<B: HttpBody>(mut response: http::Response<B>) -> http::Response<B> {
    if response.body().size_hint().exact().is_some() {
        response.extensions_mut().insert(Complete);
    }
    response
}

/// Compresses a complete body before it is sent. The compression layer alone would keep its state, of megabytes, until the client
/// has read the response.
pub(super) async fn compress_at_once(request: Request, next: Next) -> Response {
    let (mut parts, body) = next.run(request).await.into_parts();
    let encoding = parts.headers.get(header::CONTENT_ENCODING).cloned();
    let is_complete = parts.extensions.remove::<Complete>().is_some();
    let (Some(encoding), true) = (encoding, is_complete) else {
        return Response::from_parts(parts, body);
    };

    let source = parts.extensions.remove::<StaticBody>();
    let known = source
        .as_ref()
        .and_then(|source| source.compressed(&encoding));
    let bytes = match known {
        Some(bytes) => bytes,
        None => match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(err) => {
                tracing::error!(error = err.to_string(), "a response can't be compressed");
                return HttpError::internal().into_response();
            }
        },
    };
    if let Some(source) = source {
        source.add(encoding, bytes.clone());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// A body that all its responses share, also its compressed forms.
#[derive(Clone)]
pub(super) struct StaticBody(Arc<Forms>);

struct Forms {
    plain: Bytes,
    /// At most one of each encoding.
    compressed: Mutex<Vec<(HeaderValue, Bytes)>>,
}

impl StaticBody {
    pub(super) fn new(plain: Bytes) -> Self {
        Self(Arc::new(Forms {
            plain,
            compressed: Mutex::default(),
        }))
    }

    fn compressed(&self, encoding: &HeaderValue) -> Option<Bytes> {
        let forms = self.0.compressed.lock();
        let forms = forms.unwrap_or_else(PoisonError::into_inner);
        let mut forms = forms.iter();
        let form = forms.find(|(known, _)| known == encoding);
        form.map(|(_, bytes)| bytes.clone())
    }

    fn add(&self, encoding: HeaderValue, bytes: Bytes) {
        let forms = self.0.compressed.lock();
        let mut forms = forms.unwrap_or_else(PoisonError::into_inner);
        if forms.iter().all(|(known, _)| *known != encoding) {
            forms.push((encoding, bytes));
        }
    }
}

impl IntoResponse for StaticBody {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0.plain.clone()));
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accepted: &'static str) -> &'static str {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_static(accepted);
        headers.insert(header::ACCEPT_ENCODING, value);
        preferred(&headers)
    }

    #[test]
    fn the_client_prefers_and_the_gateway_decides_among_equals() {
        for (accepted, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("zstd, gzip", "gzip"),
            ("zstd", "zstd"),
            ("*", "br"),
            ("br;q=0, *", "gzip"),
            ("gzip;q=0.5, zstd;q=0.8, br;q=0.5", "zstd"),
            ("identity, gzip;q=0.5", "identity"),
            ("identity;q=1, gzip;q=1", "gzip"),
            ("identity;q=0, *;q=0", "identity"),
            ("identity;q=0, gzip;Q=0.1", "gzip"),
            ("deflate", "identity"),
            ("gzip;q=x", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(chosen(accepted), encoding, "{accepted}");
        }
    }

    #[test]
    fn a_compressed_form_is_stored_once() {
        let body = StaticBody::new(Bytes::from_static(b"text"));
        let gzip = HeaderValue::from_static("gzip");
        assert_eq!(body.compressed(&gzip), None);
        body.add(gzip.clone(), Bytes::from_static(b"first"));
        body.add(gzip.clone(), Bytes::from_static(b"second"));
        assert_eq!(body.compressed(&gzip), Some(Bytes::from_static(b"first")));
    }
}
