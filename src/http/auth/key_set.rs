//! The issuer's keys: fetched when they are first needed, kept, and fetched anew when they have aged or a token names another.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use reqwest::{Client, Url, header, redirect};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    domain::is_loopback,
    error::{Error, Result},
};

/// Keys older than this are fetched anew before they are used, so that those which the issuer has withdrawn go.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// Where the issuer can't be reached, the keys that it told last serve so long.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Whoever makes up key ids makes the gateway ask the issuer no more often than this.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(60);

/// As long as there are no keys nobody can come in, so they are tried for more often.
const BETWEEN_FIRST_TRIES: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 << 10;

/// A handle on the one set.
#[derive(Clone)]
pub(super) struct KeySet(Arc<Shared>);

struct Shared {
    url: Url,
    client: Client,
    held: Mutex<Option<Arc<Held>>>,
    /// When the next fetch may begin. It is locked while one is under way, so that there is one at a time.
    not_before: tokio::sync::Mutex<Instant>,
}

struct Held {
    keys: Vec<Arc<Key>>,
    fetched_at: Instant,
}

pub(super) struct Key {
    id: Option<String>,
    /// What a token that this key has signed may say of its algorithm; never empty.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

/// Why there is no key for a token.
pub(super) enum NoKey {
    /// The issuer has none of this id.
    Unknown,
    /// The issuer's keys are not known at present; they may be after this time.
    NotFetched { retry_after: Duration },
}

impl KeySet {
    pub(super) fn new(url: &str) -> Result<Self> {
        let url = Url::parse(url).map_err(|err| {
            Error::internal("the address of the issuer's keys can't be read").with_source(err)
        })?;
        // Whoever installed one first is right: there can be one for a process.
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

        Ok(Self(Arc::new(Shared {
            url,
            client,
            held: Mutex::new(None),
            not_before: tokio::sync::Mutex::new(Instant::now()),
        })))
    }

    /// The key by this id. A token that names none can only mean the only one.
    pub(super) async fn key(&self, id: Option<&str>) -> Result<Arc<Key>, NoKey> {
        let seen = self.0.held();
        if let Some(held) = &seen
            && held.fetched_at.elapsed() < FRESH
            && let Some(key) = held.find(id)
        {
            return Ok(key);
        }

        self.refresh(seen.as_ref()).await;
        match self.0.held() {
            Some(held) if held.fetched_at.elapsed() < KEPT => held.find(id).ok_or(NoKey::Unknown),
            _ => {
                let not_before = *self.0.not_before.lock().await;
                let retry_after = not_before.saturating_duration_since(Instant::now());
                Err(NoKey::NotFetched { retry_after })
            }
        }
    }

    /// Fetches the keys, unless somebody else has since they were looked at, or it is too early. It is done to the end even
    /// when the caller goes away: who hangs up must not use up the others' turn.
    async fn refresh(&self, seen: Option<&Arc<Held>>) {
        let shared = self.0.clone();
        let seen_at = seen.map(|held| held.fetched_at);
        let refreshing = async move {
            let mut not_before = shared.not_before.lock().await;
            let held_at = shared.held().map(|held| held.fetched_at);
            if held_at != seen_at || Instant::now() < *not_before {
                return;
            }

            let fetched = shared.fetch().await;
            *not_before = Instant::now()
                + match (&fetched, held_at) {
                    // A token whose key the issuer made just now need not wait.
                    (Ok(_), None) => Duration::ZERO,
                    (Err(_), None) => BETWEEN_FIRST_TRIES,
                    (_, Some(_)) => BETWEEN_REFRESHES,
                };
            match fetched {
                Ok(keys) => shared.hold(keys),
                Err(err) => {
                    let reason = err.to_string();
                    tracing::warn!(target: "deskgraph::auth", reason, "the issuer's keys can't be fetched");
                }
            }
        };
        // It fails only where the process ends.
        let _ = tokio::spawn(refreshing.in_current_span()).await;
    }
}

impl Shared {
    fn held(&self) -> Option<Arc<Held>> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn hold(&self, keys: Vec<Arc<Key>>) {
        tracing::info!(target: "deskgraph::auth", keys = keys.len(), "the issuer's keys were fetched");
        let held = Held {
            keys,
            fetched_at: Instant::now(),
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
    }

    async fn fetch(&self) -> Result<Vec<Arc<Key>>, FetchError> {
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
        let sent: SentSet = serde_json::from_slice(&body)?;
        Ok(sent.keys.iter().filter_map(key).map(Arc::new).collect())
    }
}

impl Held {
    fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
        .cloned()
    }
}

/// Each key is read for itself: one that is not understood is passed over.
#[derive(Deserialize)]
struct SentSet {
    keys: Vec<Value>,
}

/// A key that tokens may be signed with.
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

/// The algorithms of keys of this type. Secrets that both sides know have none.
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
enum FetchError {
    #[error("the request failed: {0}")]
    Http(reqwest::Error),
    #[error("the answer is a redirection")]
    Redirected,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is no set of keys: {0}")]
    NotKeys(#[from] serde_json::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(err: reqwest::Error) -> Self {
        Self::Http(err.without_url())
    }
}
