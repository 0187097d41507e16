//! The GraphQL request, or the batch of them, that a URL or a body holds.

use axum::{
    body::{Body, Bytes},
    extract::Query,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value as Json;

use crate::{
    engine::{Excess, GraphqlRequest, Variables},
    error::ErrorCode,
    http::{error::HttpError, negotiation::is_utf8},
};

pub(super) enum Requests {
    One(GraphqlRequest),
    Batch(Vec<GraphqlRequest>),
}

/// The parameters of a GET: its URL holds them all, the structured ones as JSON.
pub(super) fn from_url(uri: &Uri) -> Result<GraphqlRequest, HttpError> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| HttpError::bad_request("The query string can't be read."))?;

    let mut fields = serde_json::Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "query" | "operationName" | "documentId" => Json::String(text),
            "variables" | "extensions" if text.is_empty() => Json::Null,
            "variables" | "extensions" => serde_json::from_str(&text).map_err(|_| {
                HttpError::bad_request(format!("The parameter {name} must be JSON."))
            })?,
            _ => continue,
        };
        if fields.insert(name, value).is_some() {
            return Err(HttpError::bad_request(
                "A parameter may be given only once.",
            ));
        }
    }
    parameters(fields)
}

/// JSON alone: a browser sends a preflight before it sends JSON from another site's page.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);

    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_in_utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| is_utf8(charset));

    if is_json && is_in_utf8 {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::BadUserInput,
        "Content-Type must be application/json, in UTF-8.",
    ))
}

/// The gateway reads bodies as they are.
pub(super) fn check_content_encoding(headers: &HeaderMap) -> Result<(), HttpError> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_plain = encodings
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .all(|encoding| encoding.trim_ascii().eq_ignore_ascii_case(b"identity"));
    if is_plain {
        return Ok(());
    }
    let error = HttpError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::BadUserInput,
        "Content-Encoding must be identity: the request body must not be compressed.",
    );
    let identity = HeaderValue::from_static("identity");
    Err(error.with_header(header::ACCEPT_ENCODING, identity))
}

/// Reads a body of at most `max_bytes`, and no more than that of a larger one.
pub(super) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
) -> Result<Bytes, HttpError> {
    let declared_bytes = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared_bytes.is_some_and(|declared| declared > max_bytes as u64) {
        return Err(too_large(declared_bytes, max_bytes));
    }

    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(err) if err.is::<LengthLimitError>() => Err(too_large(None, max_bytes)),
        Err(_) => Err(HttpError::bad_request("The request body is incomplete.")),
    }
}

pub(super) fn from_body(body: &[u8], max_batch: usize) -> Result<Requests, HttpError> {
    let body: Json = serde_json::from_slice(body)
        .map_err(|_| HttpError::bad_request("The request body must be JSON."))?;

    match body {
        Json::Object(fields) => parameters(fields).map(Requests::One),
        Json::Array(requests) if requests.is_empty() => Err(HttpError::bad_request(
            "A batch must hold at least one request.",
        )),
        Json::Array(requests) if requests.len() > max_batch => {
            let length = requests.len();
            Err(HttpError::over_limit(
                StatusCode::BAD_REQUEST,
                Excess {
                    cost: Some(length as u64),
                    allowed: max_batch as u64,
                },
                format!("The batch has {length} requests; at most {max_batch} are allowed."),
            ))
        }
        Json::Array(requests) => requests
            .into_iter()
            .map(|request| match request {
                Json::Object(fields) => parameters(fields),
                _ => Err(HttpError::bad_request(
                    "Each request of a batch must be an object.",
                )),
            })
            .collect::<Result<_, _>>()
            .map(Requests::Batch),
        _ => Err(HttpError::bad_request(
            "The request body must be an object, or an array of objects.",
        )),
    }
}

fn parameters(mut fields: serde_json::Map<String, Json>) -> Result<GraphqlRequest, HttpError> {
    let document_id = document_id(&mut fields)?;
    let query = match fields.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) if document_id.is_some() => String::new(),
        _ => {
            return Err(HttpError::bad_request(
                "The parameter query must be a string.",
            ));
        }
    };
    let operation_name = match fields.remove("operationName") {
        Some(Json::String(name)) => Some(name).filter(|name| !name.is_empty()),
        None | Some(Json::Null) => None,
        Some(_) => {
            return Err(HttpError::bad_request(
                "The parameter operationName must be a string.",
            ));
        }
    };
    let variables = match fields.remove("variables") {
        Some(variables @ Json::Object(_)) => variables_of(variables)?,
        None | Some(Json::Null) => Variables::default(),
        Some(_) => {
            return Err(HttpError::bad_request(
                "The parameter variables must be an object.",
            ));
        }
    };
    Ok(GraphqlRequest {
        query,
        operation_name,
        variables,
        document_id,
        is_of_manifest: false,
    })
}

/// The id of a document: `documentId`, or the extension of Apollo's clients. Unknown extensions are ignored.
fn document_id(fields: &mut serde_json::Map<String, Json>) -> Result<Option<String>, HttpError> {
    let mut extensions = match fields.remove("extensions") {
        Some(Json::Object(extensions)) => extensions,
        None | Some(Json::Null) => serde_json::Map::new(),
        Some(_) => {
            return Err(HttpError::bad_request(
                "The parameter extensions must be an object.",
            ));
        }
    };
    let persisted = match extensions.remove("persistedQuery") {
        None | Some(Json::Null) => None,
        Some(persisted) if persisted["version"] != 1 => {
            return Err(HttpError::bad_request(
                "Unsupported persisted query version",
            ));
        }
        Some(persisted) => match &persisted["sha256Hash"] {
            Json::String(hash) if !hash.is_empty() => Some(hash.clone()),
            _ => {
                return Err(HttpError::bad_request(
                    "The extension persistedQuery must have a sha256Hash.",
                ));
            }
        },
    };

    let id = match fields.remove("documentId") {
        Some(Json::String(id)) if !id.is_empty() => {
            Some(id.strip_prefix("sha256:").unwrap_or(&id).to_owned())
        }
        None | Some(Json::Null) => None,
        Some(_) => {
            return Err(HttpError::bad_request(
                "The parameter documentId must be a string.",
            ));
        }
    };
    match (persisted, id) {
        (Some(hash), Some(id)) if hash != id => Err(HttpError::bad_request(
            "The parameter documentId and the extension persistedQuery name different documents.",
        )),
        (hash, id) => Ok(hash.or(id)),
    }
}

fn variables_of(variables: Json) -> Result<Variables, HttpError> {
    GraphqlRequest::variables(variables)
        .ok_or_else(|| HttpError::bad_request("The parameter variables can't be read."))
}

/// The size is unknown where Content-Length is missing: a body over the limit is not read to its end.
fn too_large(bytes: Option<u64>, max_bytes: usize) -> HttpError {
    let has = match bytes {
        Some(bytes) => format!("has {bytes} bytes"),
        None => "is too large".to_owned(),
    };
    HttpError::over_limit(
        StatusCode::PAYLOAD_TOO_LARGE,
        Excess {
            cost: bytes,
            allowed: max_bytes as u64,
        },
        format!("The request body {has}; at most {max_bytes} bytes are allowed."),
    )
}
