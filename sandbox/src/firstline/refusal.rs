//! FirstLine's refusals, in the form that Laravel gives them.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::middleware::{html, status_code};
use crate::switches::UnauthenticatedBody;

#[derive(Debug)]
pub(super) enum Refusal {
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
    pub(super) fn check(self) -> Result<(), Refusal> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Invalid(self)),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Unauthenticated(UnauthenticatedBody::Message) => {
                answer(401, json!({ "message": "Unauthenticated." }))
            }
            Refusal::Unauthenticated(UnauthenticatedBody::Error) => {
                answer(401, json!({ "error": "token_expired" }))
            }
            Refusal::Unauthenticated(UnauthenticatedBody::Html) => html(401),
            Refusal::NotFound { model, id } => answer(
                404,
                json!({ "message": format!("No query results for model [App\\{model}] {id}") }),
            ),
            Refusal::NoSuchPath => answer(404, json!({ "message": "" })),
            Refusal::MethodNotAllowed(method) => answer(
                405,
                json!({
                    "message": format!("The {method} method is not supported for this route. Supported methods: GET, HEAD, POST."),
                }),
            ),
            Refusal::Invalid(errors) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Json(json!({ "message": "The given data was invalid.", "errors": errors.0 })),
            )
                .into_response(),
            Refusal::Locked { status } => answer(
                status,
                json!({ "message": "This interact-collection has already been ACWed and cannot be edited." }),
            ),
        }
    }
}

fn answer(status: u16, body: Value) -> Response {
    (status_code(status), Json(body)).into_response()
}
