//! FirstLine's logins and tokens: a new token ends the employee's previous one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api_error::{ApiError, Errors};
use super::data::printed;
use super::{
    FirstLine, HandlerResult, Owner, Pairs, Presented, body_fields, overriding_method,
    require_native_put,
};
use crate::control::hold;
use crate::credentials::{FIRSTLINE_PASSWORD, FIRSTLINE_TOKEN, FIRSTLINE_USERNAME};
use crate::random::Random;
use crate::row::Fields;
use crate::switches::{ExpiryUnit, LoginAnswer};

/// The employee who logs in with the password.
const LOGIN_EMPLOYEE_ID: i64 = 1;
/// The employee for whom the permanent token was generated.
pub(super) const PERMANENT_EMPLOYEE_ID: i64 = 2;
const DEFAULT_LIFE_MINUTES: i64 = 60;

pub(super) async fn post_auth(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    request: Presented,
    body: Bytes,
) -> HandlerResult {
    let fields = body_fields(&body);
    match overriding_method(&pairs, &fields).as_deref() {
        Some("put") => renew(&firstline, &request.0),
        Some(method) => Err(ApiError::MethodNotAllowed(method.to_ascii_uppercase())),
        None => login(&firstline, &fields),
    }
}

pub(super) async fn refresh(
    State(firstline): State<Arc<FirstLine>>,
    request: Presented,
) -> HandlerResult {
    require_native_put(&firstline)?;
    renew(&firstline, &request.0)
}

fn login(firstline: &FirstLine, fields: &Fields) -> HandlerResult {
    let mut errors = Errors::default();
    for name in ["name", "password"] {
        if !fields.get(name).is_some_and(Value::is_string) {
            errors.add(name, format!("The {name} field is required."));
        }
    }
    let ttl = match fields.get("ttl") {
        None | Some(Value::Null) => DEFAULT_LIFE_MINUTES,
        Some(ttl) => ttl.as_i64().filter(|ttl| *ttl > 0).unwrap_or_else(|| {
            errors.add("ttl", "The ttl must be an integer.");
            0
        }),
    };
    errors.check()?;

    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if !is_login(field("name"), field("password")) {
        return Err(firstline.unauthenticated());
    }
    let switches = firstline.control.switches();
    let seconds = switches.login_life_seconds.unwrap_or(ttl * 60);
    let answer = switches.login_answer;
    Ok(issue(firstline, LOGIN_EMPLOYEE_ID, seconds, answer))
}

fn renew(firstline: &FirstLine, request: &Parts) -> HandlerResult {
    let expired = match firstline.control.switches().refreshes_expired_tokens {
        true => Expired::Accepted,
        false => Expired::Refused,
    };
    let Owner(id) = firstline
        .presented_owner(request, expired)
        .ok_or_else(|| firstline.unauthenticated())?;
    // By the documents, a refreshed token lives 216000 seconds.
    Ok(issue(firstline, id, 216_000, LoginAnswer::AccessToken))
}

fn issue(firstline: &FirstLine, employee_id: i64, seconds: i64, answer: LoginAnswer) -> Response {
    let token = hold(&firstline.tokens).issue(employee_id, firstline.clock.now(), seconds);
    let expires_in = match firstline.control.switches().expiry_unit {
        ExpiryUnit::Seconds => seconds,
        ExpiryUnit::Milliseconds => seconds * 1_000,
    };
    let name = match answer {
        LoginAnswer::AccessToken | LoginAnswer::DataAccessToken => "access_token",
        LoginAnswer::Token | LoginAnswer::DataToken => "token",
    };
    let body = json!({ name: token, "token_type": "bearer", "expires_in": expires_in });
    let body = match answer {
        LoginAnswer::AccessToken | LoginAnswer::Token => body,
        LoginAnswer::DataAccessToken | LoginAnswer::DataToken => json!({ "data": body }),
    };
    Json(body).into_response()
}

pub(super) async fn logout(
    State(firstline): State<Arc<FirstLine>>,
    request: Presented,
) -> HandlerResult {
    if let Some(Owner(id)) = firstline.presented_owner(&request.0, Expired::Refused) {
        hold(&firstline.tokens).revoke(id);
    }
    Ok(Json(json!({ "message": "Successfully logged out" })).into_response())
}

pub(super) async fn me(
    State(firstline): State<Arc<FirstLine>>,
    request: Presented,
) -> HandlerResult {
    let Owner(id) = firstline
        .presented_owner(&request.0, Expired::Refused)
        .ok_or_else(|| firstline.unauthenticated())?;
    let data = hold(&firstline.data);
    let employee = data.employees.get(&id).cloned().unwrap_or_default();
    Ok(Json(json!({
        "id": id,
        "name": employee.get("name"),
        "email": employee.get("email"),
        "created_at": employee.get("created_at"),
        "updated_at": employee.get("updated_at"),
        "login_at": printed(firstline.clock.local_now()),
        "is_active": true,
        "instance_id": id,
        "instance_type": "App\\Employee",
        "is_immortal": employee.get("is_immortal"),
        "leave_at": null,
        "bi_token": "sandbox-bi-token",
    }))
    .into_response())
}

pub(super) struct Tokens {
    random: Random,
    issued: u64,
    /// The one valid token of each employee.
    current: BTreeMap<i64, Token>,
}

struct Token {
    text: String,
    ends_at: Timestamp,
}

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed ^ 0x70c3),
            issued: 0,
            current: BTreeMap::new(),
        }
    }

    /// A new token, looking as the vendor's do; the employee's previous one is invalid from now on.
    fn issue(&mut self, employee_id: i64, now: Timestamp, life_seconds: i64) -> String {
        self.issued += 1;
        let ends_at = now
            .checked_add(SignedDuration::from_secs(life_seconds))
            .unwrap_or(Timestamp::MAX);
        let claims = json!({
            "iss": "https://firstline.localhost/api/v1/auth",
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": ends_at.as_second(),
            "jti": format!("{:016x}", self.issued),
            "sub": employee_id,
        });
        let text = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            self.random.hexadecimal(43),
        );
        let token = Token {
            text: text.clone(),
            ends_at,
        };
        self.current.insert(employee_id, token);
        text
    }

    /// The token's owner. An expired token has none, unless a refresh still accepts it.
    pub(super) fn owner(&self, text: &str, now: Timestamp, expired: Expired) -> Option<i64> {
        let (employee_id, token) = self.current.iter().find(|(_, token)| token.text == text)?;
        (expired == Expired::Accepted || now < token.ends_at).then_some(*employee_id)
    }

    fn revoke(&mut self, employee_id: i64) {
        self.current.remove(&employee_id);
    }

    /// Expires every token.
    pub(super) fn expire(&mut self) {
        for token in self.current.values_mut() {
            token.ends_at = Timestamp::MIN;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    Accepted,
    Refused,
}

fn is_login(name: &str, password: &str) -> bool {
    name == FIRSTLINE_USERNAME && password == FIRSTLINE_PASSWORD
}

pub(super) fn is_permanent(token: &str) -> bool {
    token == FIRSTLINE_TOKEN
}

/// The token of the header, or of the `token` parameter.
pub(super) fn presented_token(request: &Parts) -> Option<String> {
    let bearer = request
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| token.trim().to_owned());
    bearer.or_else(|| {
        let query = request.uri.query()?;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="))
            .map(str::to_owned)
    })
}
