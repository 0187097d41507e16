//! Bangwo8's responses: JSON with the exact digits of amounts, and errors.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::middleware::status_code;

/// An object with this one key is written as the bare number that its text is, with every digit of it.
pub(super) const BARE: &str = "$bare";

pub(super) fn answer(value: &Value) -> Response {
    match serde_json::to_vec(&Written(value)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(err) => ApiError::internal(&err.to_string()).into_response(),
    }
}

struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(&Written(item))?;
                }
                sequence.end()
            }
            Value::Object(fields) => {
                if let Some(bare) = fields.get(BARE).and_then(Value::as_str) {
                    let raw = RawValue::from_string(bare.to_owned());
                    return raw
                        .map_err(serde::ser::Error::custom)?
                        .serialize(serializer);
                }
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Written(value))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

/// A refusal, with the error codes as strings.
#[derive(Debug)]
pub(super) struct ApiError {
    status: u16,
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "100002", "Authentication failed")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(403, "100003", "Permission denied")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "100047", "Invalid resource URI")
    }

    pub(super) fn malformed(parameter: &str) -> Self {
        Self::new(400, "100010", &format!("Invalid parameter {parameter}"))
    }

    fn internal(message: &str) -> Self {
        Self::new(500, "100500", message)
    }

    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
        }
    }

    /// With status 200, as some of the vendor's refusals may come.
    pub(super) fn with_status_ok(self) -> Self {
        Self {
            status: 200,
            ..self
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "errcode": self.code, "errmsg": self.message });
        (status_code(self.status), Json(body)).into_response()
    }
}
