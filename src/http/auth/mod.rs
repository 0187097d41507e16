//! Authentication: the caller behind a request's API key or token.

mod token;

mod key_set;

mod signature;

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{error::HttpError, response::CacheScope};
use crate::{
    domain::{Caller, Scope},
    error::{ErrorCode, Result},
};
pub use token::TokenSettings;
use token::TokenVerifier;

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

pub enum AuthSettings {
    /// Without authentication: every client has every scope.
    Open,
    ApiKeys(Vec<ApiKey>),
    Tokens(TokenSettings),
}

pub struct ApiKey {
    /// For logs.
    pub name: String,
    pub secret: KeySecret,
    pub scopes: Vec<Scope>,
}

pub enum KeySecret {
    Plain(SecretString),
    /// The key's SHA-256, for an operator who does not want to store the key.
    Sha256([u8; 32]),
}

impl KeySecret {
    /// Keys are compared by their SHA-256.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            KeySecret::Plain(key) => sha256(key.expose_secret().as_bytes()),
            KeySecret::Sha256(digest) => *digest,
        }
    }
}

pub(super) struct Authenticator {
    method: Method,
}

enum Method {
    Open(Caller),
    Keys(Vec<([u8; 32], Caller)>),
    Tokens(Box<TokenVerifier>),
}

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthError {
    /// It has neither a key nor a token.
    Missing,
    /// Its key or token is not valid, for this reason, which is for the log alone.
    Invalid(&'static str),
    /// Its token has expired.
    Expired,
    /// Its token can't be verified now, and may be after this time.
    Unverifiable { retry_after: Duration },
}

impl Authenticator {
    pub(super) fn new(settings: AuthSettings) -> Result<Self> {
        let method = match settings {
            AuthSettings::Open => Method::Open(Caller::new("anonymous", Scope::ALL.to_vec())),
            AuthSettings::ApiKeys(keys) => Method::Keys(
                keys.into_iter()
                    .map(|key| (key.secret.digest(), Caller::new(&key.name, key.scopes)))
                    .collect(),
            ),
            AuthSettings::Tokens(settings) => {
                Method::Tokens(Box::new(TokenVerifier::new(&settings)?))
            }
        };
        Ok(Self { method })
    }

    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        match &self.method {
            Method::Open(caller) => Ok(caller.clone()),
            Method::Keys(keys) => {
                let key = sent_token(headers)
                    .or_else(|| sent_key(headers))
                    .ok_or(AuthError::Missing)?;
                caller_by_key(keys, key)
            }
            Method::Tokens(verifier) => {
                let token = sent_token(headers).ok_or(AuthError::Missing)?;
                verifier.caller(token).await
            }
        }
    }

    pub(super) fn cache_scope(&self) -> CacheScope {
        match self.method {
            Method::Open(_) => CacheScope::Public,
            _ => CacheScope::Private,
        }
    }

    /// Whether keys or tokens tell callers apart.
    pub(super) fn knows_callers(&self) -> bool {
        !matches!(self.method, Method::Open(_))
    }
}

impl AuthError {
    pub(super) fn reason(self) -> &'static str {
        match self {
            AuthError::Missing => "no key or token",
            AuthError::Invalid(reason) => reason,
            AuthError::Expired => "expired",
            AuthError::Unverifiable { .. } => "the issuer's keys are not available",
        }
    }
}

impl From<AuthError> for HttpError {
    fn from(error: AuthError) -> Self {
        let (challenge, message) = match error {
            AuthError::Missing => (
                "Bearer",
                "Authentication is required: send a key or token as `Authorization: Bearer ...`, or a key as `x-api-key`.",
            ),
            AuthError::Invalid(_) => (
                "Bearer error=\"invalid_token\"",
                "The key or token is not valid.",
            ),
            AuthError::Expired => (
                "Bearer error=\"invalid_token\", error_description=\"expired\"",
                "The token has expired.",
            ),
            AuthError::Unverifiable { retry_after } => {
                let error = HttpError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ErrorCode::UpstreamUnavailable,
                    "Tokens can't be verified now, because the issuer's keys can't be fetched.",
                );
                return error.with_retry_after(retry_after);
            }
        };
        HttpError::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthenticated,
            message,
        )
        .with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        )
    }
}

fn caller_by_key(keys: &[([u8; 32], Caller)], key: &[u8]) -> Result<Caller, AuthError> {
    let digest = sha256(key);
    // Every key is compared, and each in constant time, so that the time reveals nothing about the keys.
    let mut found = None;
    for (known, caller) in keys {
        if bool::from(known.ct_eq(&digest)) {
            found = Some(caller);
        }
    }
    found.cloned().ok_or(AuthError::Invalid("an unknown key"))
}

fn sha256(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn sent_key(headers: &HeaderMap) -> Option<&[u8]> {
    Some(headers.get(API_KEY)?.as_bytes().trim_ascii())
}

fn sent_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
    use secrecy::SecretString;

    use super::{ApiKey, AuthError, AuthSettings, Authenticator, KeySecret, sha256};
    use crate::domain::Scope;

    fn authenticator() -> Authenticator {
        let key = |name: &str, secret| ApiKey {
            name: name.to_owned(),
            secret,
            scopes: vec![Scope::Read],
        };
        Authenticator::new(AuthSettings::ApiKeys(vec![
            key("plain", KeySecret::Plain(SecretString::from("first-key"))),
            key("digest", KeySecret::Sha256(sha256(b"second-key"))),
        ]))
        .expect("keys need no set-up")
    }

    async fn caller_of(header: HeaderName, value: &'static str) -> Result<String, AuthError> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_static(value));
        let caller = authenticator().caller(&headers).await?;
        Ok(caller.name.to_string())
    }

    #[tokio::test]
    async fn a_key_is_read_from_either_header() {
        let api_key = HeaderName::from_static("x-api-key");

        for (header, value, name) in [
            (header::AUTHORIZATION, "Bearer first-key", "plain"),
            (header::AUTHORIZATION, "bearer second-key", "digest"),
            (api_key, "second-key", "digest"),
        ] {
            assert_eq!(caller_of(header, value).await.as_deref(), Ok(name));
        }
    }

    #[tokio::test]
    async fn a_missing_key_and_an_unknown_one_are_rejected() {
        let unknown = Err(AuthError::Invalid("an unknown key"));
        let with_header = async |value| caller_of(header::AUTHORIZATION, value).await;

        assert_eq!(with_header("Bearer first-ke").await, unknown);
        assert_eq!(with_header("Bearer ").await, unknown);
        assert_eq!(
            with_header("Basic first-key").await,
            Err(AuthError::Missing)
        );
        let bare = authenticator().caller(&HeaderMap::new()).await;
        assert_eq!(bare, Err(AuthError::Missing));
    }

    #[tokio::test]
    async fn without_authentication_every_client_has_every_scope() {
        let open = Authenticator::new(AuthSettings::Open).expect("an open gateway needs no set-up");
        let caller = open.caller(&HeaderMap::new()).await;

        let caller = caller.expect("the gateway is open");
        assert_eq!(&*caller.name, "anonymous");
        assert!(Scope::ALL.into_iter().all(|scope| caller.may(scope)));
    }
}
