//! Who asks: the caller behind a request's key or token.

mod key_set;
mod signature;
mod token;

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
    /// Everybody may do everything.
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
    /// The key's SHA-256, for an operator who does not want to keep the key itself.
    Sha256([u8; 32]),
}

impl KeySecret {
    /// What a key that is sent is compared by.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            KeySecret::Plain(key) => sha256(key.expose_secret().as_bytes()),
            KeySecret::Sha256(digest) => *digest,
        }
    }
}

pub(super) struct Authenticator {
    known: Known,
}

enum Known {
    Everybody(Caller),
    Keys(Vec<([u8; 32], Caller)>),
    Tokens(Box<TokenVerifier>),
}

/// Why a request is let in by nobody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthError {
    /// It bears no key and no token.
    Bare,
    /// It bears one that is not good, for this reason, which is for the log alone.
    Unknown(&'static str),
    /// Its token was good once.
    Expired,
    /// Its token can't be judged now, and may be after this time.
    CannotTell { retry_after: Duration },
}

impl Authenticator {
    pub(super) fn new(settings: AuthSettings) -> Result<Self> {
        let known = match settings {
            AuthSettings::Open => Known::Everybody(Caller::new("anonymous", Scope::ALL.to_vec())),
            AuthSettings::ApiKeys(keys) => Known::Keys(
                keys.into_iter()
                    .map(|key| (key.secret.digest(), Caller::new(&key.name, key.scopes)))
                    .collect(),
            ),
            AuthSettings::Tokens(settings) => {
                Known::Tokens(Box::new(TokenVerifier::new(&settings)?))
            }
        };
        Ok(Self { known })
    }

    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        match &self.known {
            Known::Everybody(caller) => Ok(caller.clone()),
            Known::Keys(keys) => {
                let key = sent_token(headers)
                    .or_else(|| sent_key(headers))
                    .ok_or(AuthError::Bare)?;
                caller_by_key(keys, key)
            }
            Known::Tokens(verifier) => {
                let token = sent_token(headers).ok_or(AuthError::Bare)?;
                verifier.caller(token).await
            }
        }
    }

    pub(super) fn cache_scope(&self) -> CacheScope {
        match self.known {
            Known::Everybody(_) => CacheScope::Public,
            _ => CacheScope::Private,
        }
    }

    /// Whether callers are told apart by what they bear.
    pub(super) fn knows_callers(&self) -> bool {
        !matches!(self.known, Known::Everybody(_))
    }
}

impl AuthError {
    pub(super) fn reason(self) -> &'static str {
        match self {
            AuthError::Bare => "no key or token",
            AuthError::Unknown(reason) => reason,
            AuthError::Expired => "expired",
            AuthError::CannotTell { .. } => "the issuer's keys are not known",
        }
    }
}

impl From<AuthError> for HttpError {
    fn from(error: AuthError) -> Self {
        let (challenge, message) = match error {
            AuthError::Bare => (
                "Bearer",
                "A key or token is needed, as `Authorization: Bearer ...`; a key may be sent as `x-api-key` too.",
            ),
            AuthError::Unknown(_) => (
                "Bearer error=\"invalid_token\"",
                "The key or token that was sent is not accepted.",
            ),
            AuthError::Expired => (
                "Bearer error=\"invalid_token\", error_description=\"expired\"",
                "The token has expired.",
            ),
            AuthError::CannotTell { retry_after } => {
                let error = HttpError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ErrorCode::UpstreamUnavailable,
                    "Tokens can't be checked at present: their issuer's keys can't be fetched.",
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
    // Every key is compared, and each in constant time: how long it takes tells nothing of the keys.
    let mut found = None;
    for (known, caller) in keys {
        if bool::from(known.ct_eq(&digest)) {
            found = Some(caller);
        }
    }
    found.cloned().ok_or(AuthError::Unknown("an unknown key"))
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
        .expect("nothing can be wrong with keys")
    }

    async fn caller_of(header: HeaderName, value: &'static str) -> Result<String, AuthError> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_static(value));
        let caller = authenticator().caller(&headers).await?;
        Ok(caller.name.to_string())
    }

    #[tokio::test]
    async fn a_key_is_taken_from_either_header() {
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
    async fn no_key_and_an_unknown_one_are_nobody() {
        let unknown = Err(AuthError::Unknown("an unknown key"));
        let bearing = async |value| caller_of(header::AUTHORIZATION, value).await;

        assert_eq!(bearing("Bearer first-ke").await, unknown);
        assert_eq!(bearing("Bearer ").await, unknown);
        assert_eq!(bearing("Basic first-key").await, Err(AuthError::Bare));
        let bare = authenticator().caller(&HeaderMap::new()).await;
        assert_eq!(bare, Err(AuthError::Bare));
    }

    #[tokio::test]
    async fn without_keys_everybody_may_do_everything() {
        let open = Authenticator::new(AuthSettings::Open).expect("nothing can be wrong with it");
        let anybody = open.caller(&HeaderMap::new()).await;

        let anybody = anybody.expect("the gateway is open");
        assert_eq!(&*anybody.name, "anonymous");
        assert!(Scope::ALL.into_iter().all(|scope| anybody.may(scope)));
    }
}
