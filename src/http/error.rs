//! A request that fails before or beside its execution: its status is the same in every media type.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::negotiation::MediaType;
use crate::{
    engine::{EngineError, Excess, GraphqlError, request_error},
    error::ErrorCode,
};

#[derive(Debug, Clone)]
pub(super) struct HttpError {
    pub(super) status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
    excess: Option<Excess>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// Marks the response to a request that was refused, for its metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused(pub(super) ErrorCode);

impl HttpError {
    pub(super) fn new(
        status: StatusCode,
        code: ErrorCode,
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

    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, message)
    }

    /// The request exceeds a limit.
    pub(super) fn over_limit(
        status: StatusCode,
        excess: Excess,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            excess: Some(excess),
            ..Self::new(status, ErrorCode::LimitExceeded, message)
        }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// In whole seconds, and at least one: a client that reads 0 may retry in a tight loop.
    pub(super) fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).clamp(1, 3600) as u64;
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// A failure of the gateway itself. The message is constant, so that it reveals nothing.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
            "Internal server error.",
        )
    }

    fn error(self) -> GraphqlError {
        match self.excess {
            Some(excess) => excess.error(self.message),
            None => request_error(self.code, self.message),
        }
    }

    /// The body of the response, as JSON.
    pub(super) fn body(self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&ErrorBody {
            errors: [self.error()],
        })
    }

    pub(super) fn into_response_as(mut self, media_type: MediaType) -> Response {
        let (status, header) = (self.status, self.header.take());
        let code = self.code;
        let mut response = json_response(status, media_type, self.body());
        response.extensions_mut().insert(Refused(code));
        if let Some(header) = header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<EngineError> for HttpError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::DigestMismatch => Self::bad_request(error.to_string()),
            EngineError::NotAQuery => Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorCode::BadUserInput,
                error.to_string(),
            )
            .with_header(header::ALLOW, HeaderValue::from_static("POST")),
            EngineError::Internal => Self::internal(),
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        self.into_response_as(MediaType::Json)
    }
}

#[derive(Serialize)]
struct ErrorBody {
    errors: [GraphqlError; 1],
}

fn json_response(
    status: StatusCode,
    media_type: MediaType,
    body: serde_json::Result<Vec<u8>>,
) -> Response {
    let Ok(body) = body else {
        tracing::error!("an error can't be encoded as JSON");
        return (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, media_type.header()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    (status, headers, body).into_response()
}
