//! A signed token and what it says of its bearer.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    AuthError,
    key_set::{Key, KeySet, NoKey},
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

/// How far the issuer's clock may be from the gateway's.
const LEEWAY_SECONDS: u64 = 5;

/// OpenID Connect allows a subject no more.
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

        // The algorithm stands for none: it is each key's own that count.
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
        // Other algorithms than those of the keys, `none` above all, are not even names here.
        let header = decode_header(token).map_err(|_| AuthError::Unknown("not a token"))?;
        if header.crit.is_some() {
            return Err(AuthError::Unknown("extensions that must be understood"));
        }

        let key = self
            .keys
            .key(header.kid.as_deref())
            .await
            .map_err(|no_key| match no_key {
                NoKey::Unknown => AuthError::Unknown("an unknown key"),
                NoKey::NotFetched { retry_after } => AuthError::CannotTell { retry_after },
            })?;
        let claims = self.claims(token, header.alg, &key)?;
        Ok(Caller::new(
            &name(&claims, token)?,
            scopes(claims.scope.as_ref()),
        ))
    }

    fn claims(&self, token: &[u8], algorithm: Algorithm, key: &Key) -> Result<Claims, AuthError> {
        if !key.algorithms.contains(&algorithm) {
            return Err(AuthError::Unknown("not the key's algorithm"));
        }
        let mut validation = self.validation.clone();
        validation.algorithms = vec![algorithm];

        match decode::<Claims>(token, &key.decoding, &validation) {
            Ok(decoded) => Ok(decoded.claims),
            Err(err) => Err(match err.kind() {
                ErrorKind::ExpiredSignature => AuthError::Expired,
                ErrorKind::InvalidSignature => AuthError::Unknown("a wrong signature"),
                ErrorKind::ImmatureSignature => AuthError::Unknown("not yet valid"),
                ErrorKind::InvalidIssuer => AuthError::Unknown("another issuer"),
                ErrorKind::InvalidAudience => AuthError::Unknown("another audience"),
                ErrorKind::MissingRequiredClaim(_) => AuthError::Unknown("a claim is missing"),
                _ => AuthError::Unknown("not a token"),
            }),
        }
    }
}

/// The subject, or the client that the token was given to: whoever fetches tokens again and again stays one caller. A token that
/// tells neither is a caller of its own, by its digest.
fn name(claims: &Claims, token: &[u8]) -> Result<String, AuthError> {
    if let Some(subject) = &claims.sub {
        return match is_name(subject) {
            true => Ok(subject.clone()),
            false => Err(AuthError::Unknown("a subject that is no name")),
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

/// The scopes that the gateway knows; the issuer's others are for somebody else.
fn scopes(claim: Option<&Value>) -> Vec<Scope> {
    let named = claim.and_then(Value::as_str).unwrap_or_default();
    let named = named.split_ascii_whitespace();
    named.filter_map(Scope::named).collect()
}
