//! FirstLine's refusals, in the form that Laravel gives them.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::middleware::{html, status_code};
use crate::switches::UnauthenticatedBody;

#[derive(Debug)]
pub(super) enum ApiError {
    Unauthenticated(UnauthenticatedBody),
    NotFound {
        model: &'static str,
        id: String,
    },
    NoSuchPath,
    MethodNotAllowed(String),
    Invalid(Errors),
    /// The record is wrapped up.
    Locked {
        status: u16,
    },
}

/// What is wrong with a request, by field.
#[derive(Debug, Default)]
pub(super) struct Errors(BTreeMap<String, Vec<String>>);

impl Errors {
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0
            .entry(field.to_owned())
            .or_default()
            .push(message.into());
    }

    /// Refuses when anything was wrong.
    pub(super) fn check(self) -> Result<(), ApiError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(ApiError::Invalid(self)),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            ApiError::Unauthenticated(UnauthenticatedBody::Message) => {
                answer(401, json!({ "message": "Unauthenticated." }))
            }
            ApiError::Unauthenticated(UnauthenticatedBody::Error) => {
                answer(401, json!({ "error": "token_expired" }))
            }
            ApiError::Unauthenticated(UnauthenticatedBody::Html) => html(401),
            ApiError::NotFound { model, id } => answer(
                404,
                json!({ "message": format!("No query results for model [App\\{model}] {id}") }),
            ),
            ApiError::NoSuchPath => answer(404, json!({ "message": "" })),
            ApiError::MethodNotAllowed(method) => answer(
                405,
                json!({
                    "message": format!("The {method} method is not supported for this route. Supported methods: GET, HEAD, POST."),
                }),
            ),
            ApiError::Invalid(errors) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Json(json!({ "message": "The given data was invalid.", "errors": errors.0 })),
            )
                .into_response(),
            ApiError::Locked { status } => answer(
                status,
                json!({ "message": "This interact-collection has already been ACWed and cannot be edited." }),
            ),
        }
    }
}

fn answer(status: u16, body: Value) -> Response {
    (status_code(status), Json(body)).into_response()
}
