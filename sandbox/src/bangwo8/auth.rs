//! Bangwo8's credentials: Basic, and OAuth2 client credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Bangwo8;
use crate::control::hold;
use crate::credentials::{
    BANGWO8_ACCOUNT, BANGWO8_CLIENT_ID, BANGWO8_CLIENT_SECRET, BANGWO8_PASSWORD,
};
use crate::random::Random;

pub(super) const TOKEN_PATH: &str = "/api/token.php";
const LIFE_SECONDS: i64 = 3_600;
const TOKEN_DIGITS: usize = 40;

pub(super) struct Tokens {
    random: Random,
    /// Each token and its end: a new one ends no other.
    ends: BTreeMap<String, Timestamp>,
}

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed ^ 0x0a07),
            ends: BTreeMap::new(),
        }
    }

    fn issue(&mut self, now: Timestamp) -> String {
        let token = self.random.hexadecimal(TOKEN_DIGITS);
        let ends_at = now
            .checked_add(SignedDuration::from_secs(LIFE_SECONDS))
            .unwrap_or(Timestamp::MAX);
        self.ends.insert(token.clone(), ends_at);
        token
    }

    pub(super) fn expire(&mut self) {
        self.ends.clear();
    }
}

/// The account, or the client whose token it is.
pub(super) fn identify(request: &Parts, tokens: &Tokens, now: Timestamp) -> Option<String> {
    if let Some((name, password)) = basic(&request.headers) {
        let is_account = name == BANGWO8_ACCOUNT && password == BANGWO8_PASSWORD;
        let is_client = request.uri.path() == TOKEN_PATH && is_client(&name, &password);
        return (is_account || is_client).then_some(name);
    }
    let authorization = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = authorization.strip_prefix("Bearer ")?.trim();
    let ends_at = tokens.ends.get(token)?;
    (now < *ends_at).then(|| BANGWO8_CLIENT_ID.to_owned())
}

/// Any method: for a wrong one, the vendor responds with an OAuth2 error.
pub(super) async fn token(
    State(bangwo8): State<Arc<Bangwo8>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request method must be POST when requesting an access token",
        );
    }
    let is_known = basic(&headers).is_some_and(|(id, secret)| is_client(&id, &secret));
    if !is_known {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "The client credentials are invalid",
        );
    }
    match grant_type(&headers, &body).as_deref() {
        Some("client_credentials") => {
            let token = hold(&bangwo8.tokens).issue(bangwo8.clock.now());
            Json(json!({
                "access_token": token,
                "expires_in": LIFE_SECONDS,
                "token_type": "Bearer",
                "scope": null,
            }))
            .into_response()
        }
        Some(_) => refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "Grant type not supported",
        ),
        None => refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The grant type was not specified in the request",
        ),
    }
}

fn is_client(id: &str, secret: &str) -> bool {
    id == BANGWO8_CLIENT_ID && secret == BANGWO8_CLIENT_SECRET
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = authorization.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// From a multipart form, as documented, or an urlencoded one.
fn grant_type(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !content_type.starts_with("multipart/form-data") {
        return body
            .split('&')
            .find_map(|pair| pair.strip_prefix("grant_type="))
            .map(|value| value.trim().to_owned());
    }
    let (_, boundary) = content_type.split_once("boundary=")?;
    let boundary = format!("--{}", boundary.trim_matches('"'));
    body.split(boundary.as_str()).find_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        head.contains("name=\"grant_type\"")
            .then(|| value.trim().to_owned())
    })
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    let mut body = json!({ "error": error, "error_description": description });
    if error == "invalid_request" {
        body["error_uri"] = "http://tools.ietf.org/html/rfc6749#section-3.2".into();
    }
    (status, Json(body)).into_response()
}
