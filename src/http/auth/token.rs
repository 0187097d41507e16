//! Signed tokens: verifies one and reads its caller and scopes.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    AuthError,
    issuer::Key,
    key_set::{KeyError, KeySet},
    signature,
};
use crate::{
    domain::{Caller, Scope},
    error::Result,
};

#[derive(Clone, PartialEq)]
pub struct TokenSettings {
    /// Where the keys are that tokens are signed with, as a JSON Web Key Set.
    pub jwks_url: String,
    pub issuer: String,
    pub audience: String,
    /// The claim with the scopes: words in a string, or an array of them.
    pub scope_claim: String,
    /// What stands before the gateway's own scopes in it; words without it are ignored.
    pub scope_prefix: String,
}

/// How far the issuer's clock may differ from the gateway's.
const LEEWAY_SECONDS: u64 = 5;

/// OpenID Connect limits a subject to this.
const MAX_NAME_BYTES: usize = 255;

pub(super) struct TokenVerifier {
    keys: KeySet,
    validation: Validation,
    scope_claim: String,
    scope_prefix: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    client_id: Option<Value>,
    azp: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TokenVerifier {
    pub(super) fn new(settings: &TokenSettings) -> Result<Self> {
        signature::install();

        // A placeholder: `claims` sets the algorithm of each token.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        Ok(Self {
            keys: KeySet::new(&settings.jwks_url)?,
            validation,
            scope_claim: settings.scope_claim.clone(),
            scope_prefix: settings.scope_prefix.clone(),
        })
    }

    pub(super) async fn caller(
        &self,
        token: &[u8],
        deadline: Instant,
    ) -> Result<Caller, AuthError> {
        // Unknown algorithms, `none` above all, fail to decode.
        let header = decode_header(token).map_err(|_| AuthError::Invalid("not a token"))?;
        if header.crit.is_some() {
            return Err(AuthError::Invalid("unsupported critical extensions"));
        }

        let keys = self.keys.keys(header.kid.as_deref(), deadline).await;
        let keys = keys.map_err(|error| match error {
            KeyError::Unknown => AuthError::Invalid("an unknown key"),
            KeyError::NotAvailable { retry_after } => AuthError::Unverifiable { retry_after },
        })?;
        let claims = self.claims(token, header.alg, &keys)?;
        let scopes = scopes(claims.others.get(&self.scope_claim), &self.scope_prefix);
        Ok(Caller::new(&name(&claims, token)?, scopes))
    }

    /// The claims, verified by the first of the keys that signed the token.
    fn claims(
        &self,
        token: &[u8],
        algorithm: Algorithm,
        keys: &[Arc<Key>],
    ) -> Result<Claims, AuthError> {
        let mut validation = self.validation.clone();
        validation.algorithms = vec![algorithm];

        let mut failure = AuthError::Invalid("not the key's algorithm");
        for key in keys
            .iter()
            .filter(|key| key.algorithms.contains(&algorithm))
        {
            let error = match decode::<Claims>(token, &key.decoding, &validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::ExpiredSignature => return Err(AuthError::Expired),
                ErrorKind::ImmatureSignature => return Err(AuthError::Invalid("not yet valid")),
                ErrorKind::InvalidIssuer => return Err(AuthError::Invalid("another issuer")),
                ErrorKind::InvalidAudience => return Err(AuthError::Invalid("another audience")),
                ErrorKind::MissingRequiredClaim(_) => {
                    return Err(AuthError::Invalid("a claim is missing"));
                }
                // Another key of the same id may have signed it.
                ErrorKind::InvalidSignature => failure = AuthError::Invalid("a wrong signature"),
                _ => failure = AuthError::Invalid("not a token"),
            }
        }
        Err(failure)
    }
}

/// The subject, or the client that the token was issued to, so that a client with many tokens is one caller. A token with neither
/// is a caller of its own. A subject may be a person's address, so that its digest stands for it, in the log too.
fn name(claims: &Claims, token: &[u8]) -> Result<String, AuthError> {
    if let Some(subject) = &claims.sub {
        return match is_name(subject) {
            true => Ok(digest("subject", subject.as_bytes())),
            false => Err(AuthError::Invalid("the subject is not a valid name")),
        };
    }

    let clients = [&claims.client_id, &claims.azp].into_iter().flatten();
    let client = clients
        .filter_map(Value::as_str)
        .find(|client| is_name(client));
    Ok(match client {
        Some(client) => client.to_owned(),
        None => digest("token", token),
    })
}

/// The start of the SHA-256 of what a caller is known by.
fn digest(kind: &str, named: &[u8]) -> String {
    let digest = Sha256::digest(named);
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("{kind} {}", digits.collect::<String>())
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control)
}

/// The gateway's scopes; the issuer's others are ignored.
fn scopes(claim: Option<&Value>, prefix: &str) -> Vec<Scope> {
    let words: Vec<&str> = match claim {
        Some(Value::String(words)) => words.split_ascii_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let own = words
        .into_iter()
        .filter_map(|word| word.strip_prefix(prefix));
    own.filter_map(Scope::named).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_words_or_an_array_with_the_prefix_taken_off() {
        use Scope::{Pii, Read, Write};

        for (claim, prefix, expected) in [
            (json!("read openid  write"), "", vec![Read, Write]),
            (
                json!(["read", "pii", 7, null, "read write"]),
                "",
                vec![Read, Pii],
            ),
            (json!("desk:read write"), "desk:", vec![Read]),
            (
                json!(["desk:desk:read", "DESK:read", "desk:"]),
                "desk:",
                vec![],
            ),
            (json!("reading READ"), "", vec![]),
            (json!({ "read": true }), "", vec![]),
        ] {
            assert_eq!(scopes(Some(&claim), prefix), expected, "{claim}");
        }
        assert!(scopes(None, "").is_empty());
    }
}
