//! The response to one GraphQL request: its data and errors, or the errors of a request that was not executed.

use std::time::Duration;

pub(crate) use async_graphql::ServerError as GraphqlError;
use async_graphql::{Response, Value};
use serde::Serialize;

use super::EngineError;
use crate::{context::RecordedStaleParts, error::ErrorCode, schema::stale_extensions};

/// At most this many errors of a request are returned: a document may have thousands.
pub(crate) const MAX_ERRORS: usize = 10;

/// A document may hold names of any length: a message is cut at this many characters.
const MAX_MESSAGE_LETTERS: usize = 400;

#[derive(Debug, Serialize)]
pub(crate) struct GraphqlResponse {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<GraphqlError>,
    /// None when nothing was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Value>,
    #[serde(skip)]
    pub(crate) rejection: Option<Rejection>,
}

/// Why the request has no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The request is wrong, and was not executed.
    Invalid,
    /// The execution did not end in time.
    TimedOut,
    /// The gateway failed.
    Internal,
}

/// Why a request was not executed: the errors of its document, its variables or its parameters.
#[derive(Debug)]
pub(crate) struct RequestErrors(pub(crate) Vec<GraphqlError>);

impl RequestErrors {
    /// The code of the first error.
    pub(crate) fn code(&self) -> ErrorCode {
        let extensions = self.0.first().and_then(|error| error.extensions.as_ref());
        match extensions.and_then(|extensions| extensions.get("code")) {
            Some(Value::String(name)) => ErrorCode::of_name(name),
            _ => None,
        }
        .unwrap_or(ErrorCode::Internal)
    }
}

impl From<GraphqlError> for RequestErrors {
    fn from(error: GraphqlError) -> Self {
        Self(vec![error])
    }
}

impl From<RequestErrors> for GraphqlResponse {
    fn from(errors: RequestErrors) -> Self {
        Self::rejected(Rejection::Invalid, errors.0)
    }
}

impl GraphqlResponse {
    pub(crate) fn rejected(rejection: Rejection, errors: Vec<GraphqlError>) -> Self {
        Self {
            errors,
            data: None,
            extensions: None,
            rejection: Some(rejection),
        }
    }

    /// What the library returned, with a code on every error.
    pub(super) fn of(response: Response) -> Self {
        match executed(response) {
            Ok(response) => response,
            Err(errors) => errors.into(),
        }
    }

    /// With what is stale in it.
    pub(super) fn with_stale(mut self, stale: &RecordedStaleParts) -> Self {
        self.extensions = stale_extensions(stale);
        self
    }

    /// One request of a batch failed.
    pub(super) fn failed(error: &EngineError) -> Self {
        let (rejection, code) = match error {
            EngineError::DigestMismatch | EngineError::NotAQuery => {
                (Rejection::Invalid, ErrorCode::BadUserInput)
            }
            EngineError::Internal => (Rejection::Internal, ErrorCode::Internal),
        };
        Self::rejected(rejection, vec![request_error(code, error.to_string())])
    }

    /// The execution of the request was stopped.
    pub(super) fn timed_out(took: Duration, allowed: Duration) -> Self {
        Self::rejected(Rejection::TimedOut, vec![timeout_error(took, allowed)])
    }
}

/// What the library executed, or why it did not.
pub(super) fn executed(mut response: Response) -> Result<GraphqlResponse, RequestErrors> {
    // An error of the execution has a path; one of the request has none.
    let is_rejected = response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty());

    if is_rejected {
        response.errors.truncate(MAX_ERRORS);
    }
    for error in &mut response.errors {
        set_code(error, is_rejected);
    }
    if is_rejected {
        response.errors.iter_mut().for_each(shorten);
        return Err(RequestErrors(response.errors));
    }
    Ok(GraphqlResponse {
        errors: response.errors,
        data: Some(response.data),
        extensions: None,
        rejection: None,
    })
}

/// An error of the whole request: it has no path.
pub(crate) fn request_error(code: ErrorCode, message: impl Into<String>) -> GraphqlError {
    let mut error = GraphqlError::new(message, None);
    error
        .extensions
        .get_or_insert_default()
        .set("code", Value::from(code.name()));
    error
}

/// How much a request has of something that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    /// None where it was not counted to the end.
    pub(crate) cost: Option<u64>,
    pub(crate) allowed: u64,
}

impl Excess {
    /// An error with both numbers beside the code.
    pub(crate) fn error(self, message: impl Into<String>) -> GraphqlError {
        let mut error = request_error(ErrorCode::LimitExceeded, message);
        let extensions = error.extensions.get_or_insert_default();
        if let Some(cost) = self.cost {
            extensions.set("cost", Value::from(cost));
        }
        extensions.set("allowed", Value::from(self.allowed));
        error
    }
}

fn timeout_error(took: Duration, allowed: Duration) -> GraphqlError {
    let (took, allowed) = (milliseconds(took), milliseconds(allowed));
    let excess = Excess {
        cost: Some(took),
        allowed,
    };
    excess.error(format!(
        "The request timed out after {took} ms; at most {allowed} ms are allowed."
    ))
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn shorten(error: &mut GraphqlError) {
    let end = error.message.char_indices().nth(MAX_MESSAGE_LETTERS);
    if let Some((end, _)) = end {
        error.message.truncate(end);
        error.message.push('…');
    }
}

/// The one place that gives a code to the errors that the library makes; the schema's own have one.
fn set_code(error: &mut GraphqlError, is_rejected: bool) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return;
    }

    let is_about_a_value = [
        "Invalid value for ",
        "Failed to parse ",
        "Expected input type ",
    ]
    .iter()
    .any(|start| error.message.starts_with(start));
    let code = if is_about_a_value {
        ErrorCode::BadUserInput
    } else if error
        .message
        .starts_with("The recursion depth of the query")
    {
        ErrorCode::LimitExceeded
    } else if is_rejected {
        ErrorCode::ValidationFailed
    } else {
        // Its message may hold anything, so it goes to the log alone.
        tracing::error!(target: "deskgraph::graphql", error = error.message, "a field failed without a code");
        error.message = "Internal server error.".to_owned();
        ErrorCode::Internal
    };
    extensions.set("code", Value::from(code.name()));
}
