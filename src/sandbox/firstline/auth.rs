//! FirstLine's logins and tokens: a new token ends the employee's previous one.

use std::collections::BTreeMap;

use axum::http::header;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::sandbox::credentials::{FIRSTLINE_PASSWORD, FIRSTLINE_TOKEN, FIRSTLINE_USERNAME};
use crate::sandbox::random::Random;

/// The employee who logs in with the password.
pub(super) const LOGIN_EMPLOYEE_ID: i64 = 1;
/// The employee for whom the permanent token was generated.
pub(super) const PERMANENT_EMPLOYEE_ID: i64 = 2;
pub(super) const DEFAULT_LIFE_MINUTES: i64 = 60;

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
    pub(super) fn issue(&mut self, employee_id: i64, now: Timestamp, life_minutes: i64) -> String {
        self.issued += 1;
        let ends_at = now
            .checked_add(SignedDuration::from_mins(life_minutes))
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

    /// Whose token it is. One past its end is nobody's, unless a refresh still takes it.
    pub(super) fn owner(&self, text: &str, now: Timestamp, expired: Expired) -> Option<i64> {
        let (employee_id, token) = self.current.iter().find(|(_, token)| token.text == text)?;
        (expired == Expired::Accepted || now < token.ends_at).then_some(*employee_id)
    }

    pub(super) fn revoke(&mut self, employee_id: i64) {
        self.current.remove(&employee_id);
    }

    /// Ends every token, as time would.
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

pub(super) fn is_login(name: &str, password: &str) -> bool {
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
