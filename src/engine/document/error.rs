//! What is wrong with a document or its variables, in the words of graphql-js.

use async_graphql::Pos;

use crate::{
    engine::{
        cost::OverLimit,
        response::{GraphqlError, request_error, shorten},
    },
    error::ErrorCode,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentError {
    pub(super) kind: DocumentErrorKind,
    pub(super) message: String,
    pub(super) locations: Vec<Pos>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentErrorKind {
    Syntax,
    Validation,
    /// A value that does not fit its type.
    BadInput,
    OverLimit(OverLimit),
}

impl DocumentError {
    pub(super) fn syntax(message: &str, pos: Pos) -> Self {
        Self {
            kind: DocumentErrorKind::Syntax,
            message: format!("Syntax Error: {message}"),
            locations: vec![pos],
        }
    }

    pub(super) fn validation(message: String, locations: Vec<Pos>) -> Self {
        Self {
            kind: DocumentErrorKind::Validation,
            message,
            locations,
        }
    }

    pub(super) fn bad_input(message: String, locations: Vec<Pos>) -> Self {
        Self {
            kind: DocumentErrorKind::BadInput,
            message,
            locations,
        }
    }
}

impl From<OverLimit> for DocumentError {
    fn from(over: OverLimit) -> Self {
        Self {
            kind: DocumentErrorKind::OverLimit(over),
            message: String::new(),
            locations: Vec::new(),
        }
    }
}

impl From<DocumentError> for GraphqlError {
    fn from(error: DocumentError) -> Self {
        let mut converted = match error.kind {
            DocumentErrorKind::Syntax => request_error(ErrorCode::ParseFailed, error.message),
            DocumentErrorKind::Validation => {
                request_error(ErrorCode::ValidationFailed, error.message)
            }
            DocumentErrorKind::BadInput => request_error(ErrorCode::BadUserInput, error.message),
            DocumentErrorKind::OverLimit(over) => over.into(),
        };
        converted.locations = error.locations;
        shorten(&mut converted);
        converted
    }
}
