//! The issuer of tokens: fetches the set of its keys, and keeps those that can verify a token.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use reqwest::{Client, Url, header, redirect};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::is_loopback,
    error::{Error, Result},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 << 10;

pub(super) struct Issuer {
    url: Url,
    client: Client,
}

pub(super) struct Key {
    pub(super) id: Option<String>,
    /// The algorithms of the tokens that this key may sign; never empty.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

impl Issuer {
    pub(super) fn new(url: &str) -> Result<Self> {
        let url = Url::parse(url).map_err(|err| {
            Error::internal("the address of the issuer's keys can't be read").with_source(err)
        })?;
        // A process has one provider; installing a second fails, which is harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("deskgraph/", env!("CARGO_PKG_VERSION")));
        // A host on this machine is never behind a proxy.
        if url.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|err| {
            Error::internal("no HTTP client for the issuer's keys can be set up").with_source(err)
        })?;
        Ok(Self { url, client })
    }

    /// The keys that can verify a token; none where the set has only others.
    pub(super) async fn fetch(&self) -> Result<Vec<Arc<Key>>, FetchError> {
        let mut response = self
            .client
            .get(self.url.clone())
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .send()
            .await?
            .error_for_status()?;
        if response.status().is_redirection() {
            return Err(FetchError::Redirected);
        }

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let sent: KeySetBody = serde_json::from_slice(&body)?;
        if sent.keys.is_empty() {
            return Err(FetchError::Empty);
        }
        Ok(sent.keys.iter().filter_map(key).map(Arc::new).collect())
    }
}

/// Each key is read on its own: unsupported ones are skipped.
#[derive(Deserialize)]
struct KeySetBody {
    keys: Vec<Value>,
}

/// A key that verifies tokens; none where it can't.
fn key(sent: &Value) -> Option<Key> {
    let jwk = Jwk::deserialize(sent).ok()?;
    let common = &jwk.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let may_verify = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !is_for_signatures || !may_verify {
        return None;
    }

    let mut algorithms = algorithms(&jwk.algorithm).to_vec();
    if let Some(only) = common.key_algorithm {
        algorithms
            .retain(|algorithm| Algorithm::try_from(only).is_ok_and(|only| only == *algorithm));
    }
    if algorithms.is_empty() {
        return None;
    }
    Some(Key {
        id: common.key_id.clone(),
        algorithms,
        decoding: DecodingKey::from_jwk(&jwk).ok()?,
    })
}

/// The algorithms of keys of this type. Symmetric keys have none.
fn algorithms(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    match parameters {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => &[],
        },
        _ => &[],
    }
}

/// Why the keys were not fetched, for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the request failed: {0}")]
    Http(reqwest::Error),
    #[error("the response is a redirection")]
    Redirected,
    #[error("the response is too large")]
    TooLarge,
    #[error("the response is not a key set: {0}")]
    NotKeys(#[from] serde_json::Error),
    #[error("the key set is empty")]
    Empty,
    #[error("no key of the set can verify a token; the earlier keys stay in use")]
    Unusable,
}

impl From<reqwest::Error> for FetchError {
    fn from(err: reqwest::Error) -> Self {
        Self::Http(err.without_url())
    }
}
