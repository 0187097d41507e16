//! Who asks: the caller behind a request's key.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{Caller, Scope};

pub enum AuthSettings {
    /// Everybody may do everything.
    Open,
    ApiKeys(Vec<ApiKey>),
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

pub(super) struct Authenticator {
    known: Known,
}

enum Known {
    Everybody(Caller),
    Keys(Vec<([u8; 32], Caller)>),
}

impl Authenticator {
    pub(super) fn new(settings: AuthSettings) -> Self {
        let known = match settings {
            AuthSettings::Open => Known::Everybody(Caller::new("anonymous", Scope::ALL.to_vec())),
            AuthSettings::ApiKeys(keys) => Known::Keys(
                keys.into_iter()
                    .map(|key| (digest_of(&key.secret), Caller::new(&key.name, key.scopes)))
                    .collect(),
            ),
        };
        Self { known }
    }

    /// None when the request bears no key, or none that is known.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        match &self.known {
            Known::Everybody(caller) => Some(caller.clone()),
            Known::Keys(keys) => {
                let digest = sha256(sent_key(headers)?);
                // Every key is compared, and each in constant time: how long it takes tells nothing of the keys.
                let mut found = None;
                for (known, caller) in keys {
                    if bool::from(known.ct_eq(&digest)) {
                        found = Some(caller);
                    }
                }
                found.cloned()
            }
        }
    }
}

fn digest_of(secret: &KeySecret) -> [u8; 32] {
    match secret {
        KeySecret::Plain(key) => sha256(key.expose_secret().as_bytes()),
        KeySecret::Sha256(digest) => *digest,
    }
}

fn sha256(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn sent_key(headers: &HeaderMap) -> Option<&[u8]> {
    let authorization = headers.get(header::AUTHORIZATION);
    let bearer = authorization.and_then(|value| bearer_token(value.as_bytes()));
    bearer.or_else(|| Some(headers.get("x-api-key")?.as_bytes().trim_ascii()))
}

fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
    use secrecy::SecretString;

    use super::{ApiKey, AuthSettings, Authenticator, KeySecret, sha256};
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
    }

    fn caller_of(header: HeaderName, value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_static(value));
        let caller = authenticator().caller(&headers)?;
        Some(caller.name.to_string())
    }

    #[test]
    fn a_key_is_taken_from_either_header() {
        let api_key = HeaderName::from_static("x-api-key");

        assert_eq!(
            caller_of(header::AUTHORIZATION, "Bearer first-key").as_deref(),
            Some("plain")
        );
        assert_eq!(
            caller_of(header::AUTHORIZATION, "bearer second-key").as_deref(),
            Some("digest")
        );
        assert_eq!(caller_of(api_key, "second-key").as_deref(), Some("digest"));
    }

    #[test]
    fn no_key_and_an_unknown_one_are_nobody() {
        assert_eq!(caller_of(header::AUTHORIZATION, "Bearer first-ke"), None);
        assert_eq!(caller_of(header::AUTHORIZATION, "Basic first-key"), None);
        assert_eq!(caller_of(header::AUTHORIZATION, "Bearer "), None);
        assert!(authenticator().caller(&HeaderMap::new()).is_none());
    }

    #[test]
    fn without_keys_everybody_may_do_everything() {
        let anybody = Authenticator::new(AuthSettings::Open).caller(&HeaderMap::new());

        let anybody = anybody.expect("the gateway is open");
        assert_eq!(&*anybody.name, "anonymous");
        assert!(Scope::ALL.into_iter().all(|scope| anybody.may(scope)));
    }
}
