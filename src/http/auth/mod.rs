//! Authentication: the caller behind a request's API key or token.

mod token;

mod issuer;
mod key_set;

mod signature;

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::{
    error::HttpError,
    rate_limit::{FailureLimit, Network},
    response::CacheScope,
};
use crate::{
    domain::{Caller, Scope},
    engine::Excess,
    error::{ErrorCode, Result},
};
pub use token::TokenSettings;
use token::TokenVerifier;

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

#[derive(Clone, PartialEq)]
pub enum AuthSettings {
    /// Without authentication: every client has every scope.
    Open,
    ApiKeys(Vec<ApiKey>),
    Tokens(TokenSettings),
}

#[derive(Clone, PartialEq)]
pub struct ApiKey {
    /// For logs.
    pub name: String,
    pub secret: KeySecret,
    pub scopes: Vec<Scope>,
}

#[derive(Clone)]
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

/// The bounds of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuthLimits {
    /// How often the clients of one network may fail; none for no limit.
    pub(super) failures_per_minute: Option<NonZeroU32>,
    /// How long a request may wait for the issuer's keys.
    pub(super) timeout: Duration,
}

impl PartialEq for KeySecret {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

pub(super) struct Authenticator {
    method: Method,
    failures: Option<FailureLimit>,
    timeout: Duration,
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
    /// Its key or token is not valid either, after too many others from its network.
    TooMany {
        per_minute: NonZeroU32,
        retry_after: Duration,
    },
}

impl Authenticator {
    pub(super) fn new(settings: AuthSettings, limits: AuthLimits) -> Result<Self> {
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
        Ok(Self {
            method,
            failures: limits.failures_per_minute.map(FailureLimit::new),
            timeout: limits.timeout,
        })
    }

    /// The caller of a request from this network. A good key or token is accepted however many others have failed.
    pub(super) async fn caller(
        &self,
        headers: &HeaderMap,
        network: Option<Network>,
    ) -> Result<Caller, AuthError> {
        let error = match self.verified(headers).await {
            Err(error @ (AuthError::Invalid(_) | AuthError::Expired)) => error,
            verified => return verified,
        };
        if let (Some(failures), Some(network)) = (&self.failures, network)
            && let Err(retry_after) = failures.count(network)
        {
            return Err(AuthError::TooMany {
                per_minute: failures.per_minute,
                retry_after,
            });
        }
        Err(error)
    }

    async fn verified(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let sent = Credentials::of(headers);
        match &self.method {
            Method::Open(caller) => Ok(caller.clone()),
            Method::Keys(keys) => {
                let key = sent.bearer.or(sent.api_key).ok_or(AuthError::Missing)?;
                caller_by_key(keys, key)
            }
            Method::Tokens(verifier) => {
                let token = sent.bearer.ok_or(AuthError::Missing)?;
                let deadline = Instant::now() + self.timeout;
                verifier.caller(token, deadline).await
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
            AuthError::TooMany { .. } => "too many failures",
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
            AuthError::TooMany {
                per_minute,
                retry_after,
            } => {
                let excess = Excess {
                    cost: None,
                    allowed: per_minute.get().into(),
                };
                let message = format!(
                    "The key or token is not valid, and too many others from this address were not: \
                    {per_minute} failures per minute are answered."
                );
                return HttpError::over_limit(StatusCode::TOO_MANY_REQUESTS, excess, message)
                    .with_retry_after(retry_after);
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

/// What a request identifies its caller by. No other code reads these headers.
struct Credentials<'a> {
    bearer: Option<&'a [u8]>,
    api_key: Option<&'a [u8]>,
}

impl<'a> Credentials<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let sent = |name| headers.get(name).map(HeaderValue::as_bytes);
        Self {
            bearer: sent(header::AUTHORIZATION).and_then(bearer),
            api_key: sent(API_KEY).map(<[u8]>::trim_ascii),
        }
    }
}

fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = authorization.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii())
}

/// The network that a request came from; none in a test without a connection.
pub(super) fn network_of(extensions: &Extensions) -> Option<Network> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
    use secrecy::SecretString;

    use super::{ApiKey, AuthError, AuthLimits, AuthSettings, Authenticator, KeySecret, sha256};
    use crate::domain::Scope;

    const LIMITS: AuthLimits = AuthLimits {
        failures_per_minute: None,
        timeout: Duration::from_secs(1),
    };

    fn authenticator() -> Authenticator {
        let key = |name: &str, secret| ApiKey {
            name: name.to_owned(),
            secret,
            scopes: vec![Scope::Read],
        };
        let keys = vec![
            key("plain", KeySecret::Plain(SecretString::from("first-key"))),
            key("digest", KeySecret::Sha256(sha256(b"second-key"))),
        ];
        Authenticator::new(AuthSettings::ApiKeys(keys), LIMITS).expect("keys need no set-up")
    }

    async fn caller_of(header: HeaderName, value: &'static str) -> Result<String, AuthError> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_static(value));
        let caller = authenticator().caller(&headers, None).await?;
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
        let bare = authenticator().caller(&HeaderMap::new(), None).await;
        assert_eq!(bare, Err(AuthError::Missing));
    }

    #[tokio::test]
    async fn without_authentication_every_client_has_every_scope() {
        let open = Authenticator::new(AuthSettings::Open, LIMITS)
            .expect("an open gateway needs no set-up");
        let caller = open.caller(&HeaderMap::new(), None).await;

        let caller = caller.expect("the gateway is open");
        assert_eq!(&*caller.name, "anonymous");
        assert!(Scope::ALL.into_iter().all(|scope| caller.may(scope)));
    }
}
