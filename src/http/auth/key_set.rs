//! The issuer's keys: fetched when they are first needed, cached, and fetched again when they are old or a token names another.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

use crate::{
    domain::is_loopback,
    error::{Error, Result},
    single_flight::{Role, SingleFlight},
};

/// Keys older than this are fetched again before use, so that revoked keys are dropped.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);

/// While the issuer can't be reached, the last keys are used for so long.
const STALE_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Unknown key ids trigger a fetch no more often than this.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// Without keys every token is rejected, so the first fetch is retried more often.
const FIRST_FETCH_INTERVAL: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 << 10;

pub(super) struct KeySet {
    issuer: Arc<Issuer>,
    fetches: Arc<SingleFlight<(), ()>>,
}

struct Issuer {
    url: Url,
    client: Client,
    cached: Mutex<Option<Arc<CachedKeys>>>,
    /// When the next fetch may begin.
    not_before: Mutex<Instant>,
}

struct CachedKeys {
    keys: Vec<Arc<Key>>,
    fetched_at: Instant,
}

pub(super) struct Key {
    id: Option<String>,
    /// The algorithms of the tokens that this key may sign; never empty.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

/// Why there is no key for a token.
pub(super) enum KeyError {
    /// The issuer has none with this id.
    Unknown,
    /// The issuer's keys are not available now; they may be after this time.
    NotAvailable { retry_after: Duration },
}

impl KeySet {
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

        Ok(Self {
            issuer: Arc::new(Issuer {
                url,
                client,
                cached: Mutex::new(None),
                not_before: Mutex::new(Instant::now()),
            }),
            fetches: SingleFlight::new(),
        })
    }

    /// The key with this id. A token without an id can only mean the only key.
    pub(super) async fn key(&self, id: Option<&str>) -> Result<Arc<Key>, KeyError> {
        let seen = self.issuer.cached();
        if let Some(cached) = &seen
            && cached.fetched_at.elapsed() < FRESH_FOR
            && let Some(key) = cached.find(id)
        {
            return Ok(key);
        }

        self.refresh(seen.as_ref()).await;
        match self.issuer.cached() {
            Some(cached) if cached.fetched_at.elapsed() < STALE_FOR => {
                cached.find(id).ok_or(KeyError::Unknown)
            }
            _ => {
                let not_before = *self.issuer.not_before();
                let retry_after = not_before.saturating_duration_since(Instant::now());
                Err(KeyError::NotAvailable { retry_after })
            }
        }
    }

    /// Fetches the keys, unless another request has since they were `seen`, or it is too early.
    async fn refresh(&self, seen: Option<&Arc<CachedKeys>>) {
        let issuer = Arc::clone(&self.issuer);
        let seen_at = seen.map(|cached| cached.fetched_at);
        let (fetch, role) = self
            .fetches
            .join((), || async move { issuer.refresh(seen_at).await });
        if role == Role::Leader {
            // One more waiter, so that the fetch ends even when all clients disconnect: otherwise each new client would start
            // another one.
            tokio::spawn(fetch.clone());
        }
        fetch.await;
    }
}

impl Issuer {
    async fn refresh(&self, seen_at: Option<Instant>) {
        let cached_at = self.cached().map(|cached| cached.fetched_at);
        if cached_at != seen_at || Instant::now() < *self.not_before() {
            return;
        }

        let fetched = self.fetch().await;
        let pause = match (&fetched, cached_at) {
            // A token of a key that the issuer has just made need not wait.
            (Ok(_), None) => Duration::ZERO,
            (Err(_), None) => FIRST_FETCH_INTERVAL,
            (_, Some(_)) => REFRESH_INTERVAL,
        };
        *self.not_before() = Instant::now() + pause;
        match fetched {
            Ok(keys) => self.store(keys),
            Err(err) => {
                let reason = err.to_string();
                tracing::warn!(target: "deskgraph::auth", reason, "the issuer's keys can't be fetched");
            }
        }
    }

    fn not_before(&self) -> MutexGuard<'_, Instant> {
        self.not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self) -> Option<Arc<CachedKeys>> {
        self.cached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn store(&self, keys: Vec<Arc<Key>>) {
        tracing::info!(target: "deskgraph::auth", keys = keys.len(), "fetched the issuer's keys");
        let cached = CachedKeys {
            keys,
            fetched_at: Instant::now(),
        };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(cached));
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
        let sent: KeySetBody = serde_json::from_slice(&body)?;
        Ok(sent.keys.iter().filter_map(key).map(Arc::new).collect())
    }
}

impl CachedKeys {
    fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
        .cloned()
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
enum FetchError {
    #[error("the request failed: {0}")]
    Http(reqwest::Error),
    #[error("the response is a redirection")]
    Redirected,
    #[error("the response is too large")]
    TooLarge,
    #[error("the response is not a key set: {0}")]
    NotKeys(#[from] serde_json::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(err: reqwest::Error) -> Self {
        Self::Http(err.without_url())
    }
}
