//! Answers in GraphQL's form, in the media type that the client accepts.

use std::{borrow::Cow, time::Duration};

use async_graphql::{Response as GraphqlResponse, ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The codes that the gateway's outer shell gives by itself.
pub(crate) mod code {
    pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    pub(crate) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    pub(crate) const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    pub(crate) const UPSTREAM_UNAVAILABLE: &str = "UPSTREAM_UNAVAILABLE";
    pub(crate) const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";
    pub(crate) const INTERNAL: &str = "INTERNAL";
    pub(crate) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    pub(crate) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
    pub(crate) const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
    pub(crate) const PERSISTED_QUERY_NOT_SUPPORTED: &str = "PERSISTED_QUERY_NOT_SUPPORTED";
    pub(crate) const DOCUMENT_NOT_TRUSTED: &str = "DOCUMENT_NOT_TRUSTED";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// Tells by its status whether the request was executed.
    GraphqlResponse,
    /// What GraphQL was answered with before: 200 for every request that is well formed.
    Json,
}

impl MediaType {
    const ALL: [MediaType; 2] = [MediaType::GraphqlResponse, MediaType::Json];

    fn essence(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json",
            MediaType::Json => "application/json",
        }
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.text())
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            MediaType::Json => "application/json; charset=utf-8",
        }
    }

    /// The type that the client likes best; none when it accepts neither. A client that does not say which gets JSON.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accept: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let accept = accept.join(",");
        if accept.trim().is_empty() {
            return Some(MediaType::Json);
        }

        let ranges: Vec<AcceptedRange<'_>> =
            accept.split(',').filter_map(AcceptedRange::read).collect();
        MediaType::ALL
            .into_iter()
            .filter_map(|media_type| {
                let range = ranges
                    .iter()
                    .filter_map(|range| Some((range.exactness(media_type)?, range.quality)))
                    .max_by_key(|(exactness, _)| *exactness)?;
                let (exactness, quality) = range;
                (quality > 0).then_some((quality, exactness, media_type))
            })
            // Of several that are alike the last one wins: JSON among wildcards, but not when both types are named.
            .max_by_key(|(quality, exactness, media_type)| {
                let is_named = *exactness == Exactness::Named;
                let is_preferred = is_named == (*media_type == MediaType::GraphqlResponse);
                (*quality, *exactness, is_preferred)
            })
            .map(|(_, _, media_type)| media_type)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Anything,
    AnyApplication,
    Named,
}

/// One entry of an Accept header.
struct AcceptedRange<'a> {
    essence: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> AcceptedRange<'a> {
    fn read(entry: &'a str) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?;
        let mut quality = 1000;

        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = thousandths(value.trim())?,
                // No other encoding is spoken.
                "charset" if !is_utf8(value) => return None,
                _ => {}
            }
        }
        Some(Self { essence, quality })
    }

    fn exactness(&self, media_type: MediaType) -> Option<Exactness> {
        if self.essence.eq_ignore_ascii_case(media_type.essence()) {
            Some(Exactness::Named)
        } else if self.essence.eq_ignore_ascii_case("application/*") {
            Some(Exactness::AnyApplication)
        } else if self.essence == "*/*" {
            Some(Exactness::Anything)
        } else {
            None
        }
    }
}

fn thousandths(quality: &str) -> Option<u16> {
    let quality: f32 = quality.parse().ok()?;
    // The bounds are checked, so that the number fits.
    (0.0..=1.0)
        .contains(&quality)
        .then_some((quality * 1000.0) as u16)
}

pub(crate) fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// A request that the gateway does not take, whatever it asks: told by the status in every media type.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    excess: Option<Excess>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// What a request has of something that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    /// None where nobody counted to the end.
    pub(crate) cost: Option<u64>,
    pub(crate) allowed: u64,
}

impl Fault {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            excess: None,
            header: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message)
    }

    /// The request is over one of the limits.
    pub(crate) fn over_limit(
        status: StatusCode,
        excess: Excess,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            excess: Some(excess),
            ..Self::new(status, code::LIMIT_EXCEEDED, message)
        }
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// In whole seconds, and never at once: a client that is told 0 may go round in a circle.
    pub(crate) fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).clamp(1, 3600) as u64;
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The gateway's own, in the few words that it always has.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code::INTERNAL,
            "The gateway failed while answering.",
        )
    }

    /// The same where it is one answer among others.
    pub(crate) fn into_answer(self) -> Answer {
        let error = match self.excess {
            Some(excess) => excess.error(self.message),
            None => error(self.code, self.message),
        };
        Answer::refused_with(self.status, vec![error])
    }

    pub(crate) fn into_response_as(mut self, media_type: MediaType) -> Response {
        let (status, header) = (self.status, self.header.take());
        let mut response = json_response(status, media_type, &self.into_answer());
        if let Some(header) = header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        self.into_response_as(MediaType::Json)
    }
}

/// One error without a place in the answer's data.
pub(crate) fn error(code: &'static str, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error
        .extensions
        .get_or_insert_default()
        .set("code", Value::from(code));
    error
}

impl Excess {
    /// Tells both numbers beside the code.
    pub(crate) fn error(self, message: impl Into<String>) -> ServerError {
        let mut error = error(code::LIMIT_EXCEEDED, message);
        let extensions = error.extensions.get_or_insert_default();
        if let Some(cost) = self.cost {
            extensions.set("cost", Value::from(cost));
        }
        extensions.set("allowed", Value::from(self.allowed));
        error
    }
}

/// What one GraphQL request is answered with.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<ServerError>,
    /// None when nothing was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip)]
    pub(crate) refused_with: Option<StatusCode>,
}

impl Answer {
    /// Nothing was executed: the request itself is at fault.
    pub(crate) fn refused(errors: Vec<ServerError>) -> Self {
        Self::refused_with(StatusCode::BAD_REQUEST, errors)
    }

    /// Nothing was executed, for a reason that this status tells.
    pub(crate) fn refused_with(status: StatusCode, errors: Vec<ServerError>) -> Self {
        Self {
            errors,
            data: None,
            refused_with: Some(status),
        }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.refused_with.is_some()
    }

    pub(crate) fn executed(response: GraphqlResponse) -> Self {
        Self {
            errors: response.errors,
            data: Some(response.data),
            refused_with: None,
        }
    }
}

fn json_response(status: StatusCode, media_type: MediaType, body: &Answer) -> Response {
    let Ok(body) = serde_json::to_vec(body) else {
        tracing::error!("an answer can't be written as JSON");
        return (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, media_type.header()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::MediaType;

    fn accepted(accept: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        MediaType::accepted(&headers)
    }

    #[test]
    fn json_is_the_type_for_those_who_do_not_say() {
        assert_eq!(
            MediaType::accepted(&HeaderMap::new()),
            Some(MediaType::Json)
        );
        for accept in ["", "*/*", "application/*", "text/html, */*;q=0.1"] {
            assert_eq!(accepted(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn the_type_that_is_named_wins_over_wildcards() {
        for accept in [
            "application/graphql-response+json",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json, application/graphql-response+json",
            "*/*, application/graphql-response+json",
            "APPLICATION/GraphQL-Response+JSON; charset=UTF-8",
        ] {
            assert_eq!(
                accepted(accept),
                Some(MediaType::GraphqlResponse),
                "{accept}"
            );
        }
        for accept in [
            "application/json",
            "application/json, */*",
            "application/graphql-response+json;q=0.5, application/json",
            "application/graphql-response+json;q=0, */*",
        ] {
            assert_eq!(accepted(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn other_types_encodings_and_refused_ones_are_not_acceptable() {
        for accept in [
            "text/html",
            "application/json;q=0",
            "application/json; charset=utf-16",
            "*/*;q=0",
        ] {
            assert_eq!(accepted(accept), None, "{accept}");
        }
    }
}
