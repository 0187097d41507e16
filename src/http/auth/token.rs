//! Signed tokens: verifies one and reads its caller and scopes.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    AuthError,
    key_set::{Key, KeyError, KeySet},
    signature,
};
use crate::{
    domain::{Caller, Scope},
    error::Result,
};

pub struct TokenSettings {
    /// Where the keys are that tokens are signed with, as a JSON Web Key Set.
    pub jwks_url: String,
    pub issuer: String,
    pub audience: String,
}

/// How far the issuer's clock may differ from the gateway's.
const LEEWAY_SECONDS: u64 = 5;

/// OpenID Connect limits a subject to this.
const MAX_NAME_BYTES: usize = 255;

pub(super) struct TokenVerifier {
    keys: KeySet,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    client_id: Option<Value>,
    azp: Option<Value>,
    scope: Option<Value>,
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
        })
    }

    pub(super) async fn caller(&self, token: &[u8]) -> Result<Caller, AuthError> {
        // Unknown algorithms, `none` above all, fail to decode.
        let header = decode_header(token).map_err(|_| AuthError::Invalid("not a token"))?;
        if header.crit.is_some() {
            return Err(AuthError::Invalid("unsupported critical extensions"));
        }

        let key = self
            .keys
            .key(header.kid.as_deref())
            .await
            .map_err(|error| match error {
                KeyError::Unknown => AuthError::Invalid("an unknown key"),
                KeyError::NotAvailable { retry_after } => AuthError::Unverifiable { retry_after },
            })?;
        let claims = self.claims(token, header.alg, &key)?;
        Ok(Caller::new(
            &name(&claims, token)?,
            scopes(claims.scope.as_ref()),
        ))
    }

    fn claims(&self, token: &[u8], algorithm: Algorithm, key: &Key) -> Result<Claims, AuthError> {
        if !key.algorithms.contains(&algorithm) {
            return Err(AuthError::Invalid("not the key's algorithm"));
        }
        let mut validation = self.validation.clone();
        validation.algorithms = vec![algorithm];

        match decode::<Claims>(token, &key.decoding, &validation) {
            Ok(decoded) => Ok(decoded.claims),
            Err(err) => Err(match err.kind() {
                ErrorKind::ExpiredSignature => AuthError::Expired,
                ErrorKind::InvalidSignature => AuthError::Invalid("a wrong signature"),
                ErrorKind::ImmatureSignature => AuthError::Invalid("not yet valid"),
                ErrorKind::InvalidIssuer => AuthError::Invalid("another issuer"),
                ErrorKind::InvalidAudience => AuthError::Invalid("another audience"),
                ErrorKind::MissingRequiredClaim(_) => AuthError::Invalid("a claim is missing"),
                _ => AuthError::Invalid("not a token"),
            }),
        }
    }
}

/// The subject, or the client that the token was issued to, so that a client with many tokens is one caller. A token with neither
/// is a caller of its own, named by its digest.
fn name(claims: &Claims, token: &[u8]) -> Result<String, AuthError> {
    if let Some(subject) = &claims.sub {
        return match is_name(subject) {
            true => Ok(subject.clone()),
            false => Err(AuthError::Invalid("the subject is not a valid name")),
        };
    }

    let clients = [&claims.client_id, &claims.azp].into_iter().flatten();
    let client = clients
        .filter_map(Value::as_str)
        .find(|client| is_name(client));
    Ok(match client {
        Some(client) => client.to_owned(),
        None => {
            let digest = Sha256::digest(token);
            let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
            format!("token {}", digits.collect::<String>())
        }
    })
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control)
}

/// The gateway's scopes; the issuer's others are ignored.
fn scopes(claim: Option<&Value>) -> Vec<Scope> {
    let named = claim.and_then(Value::as_str).unwrap_or_default();
    let named = named.split_ascii_whitespace();
    named.filter_map(Scope::named).collect()
}
