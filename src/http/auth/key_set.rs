//! The issuer's keys: fetched when they are first needed, kept, and fetched again when they are old or a token names another.
//!
//! A token of a known key never waits: keys are refreshed behind it. A set without a usable key never replaces one that has some.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as StdInstant},
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::{Instant, timeout_at};

use super::issuer::{FetchError, Issuer, Key};
use crate::{
    error::Result,
    http::rate_limit::TokioClock,
    single_flight::{Role, SingleFlight},
};

/// Keys older than this are fetched again behind the requests that use them, so that withdrawn keys are dropped.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);

/// While no newer keys can be fetched, the last ones are used for so long.
const USABLE_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens of unknown keys may cause so many fetches in a row, and as many an hour: a new key is known at once, and tokens that name
/// keys at random can't flood the issuer.
const UNKNOWN_KEY_BURST: NonZeroU32 = NonZeroU32::new(5).expect("it is positive");
const UNKNOWN_KEY_FETCHES_PER_HOUR: NonZeroU32 = NonZeroU32::new(60).expect("it is positive");

/// After a fetch that failed: while the last keys may be used, and while there are none.
const PAUSE_WITH_KEYS: Duration = Duration::from_secs(60);
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

pub(super) struct KeySet {
    source: Arc<Source>,
    fetches: Arc<SingleFlight<(), Fetched>>,
}

struct Source {
    issuer: Issuer,
    state: Mutex<State>,
    unknown_keys: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<StdInstant>>,
}

#[derive(Default, Clone)]
struct State {
    cached: Option<Arc<CachedKeys>>,
    failed_at: Option<Instant>,
}

struct CachedKeys {
    keys: Vec<Arc<Key>>,
    fetched_at: Instant,
}

/// Why keys are fetched.
#[derive(Clone, Copy)]
enum Reason {
    /// There are none, or they are old.
    Age,
    /// A token names another one.
    UnknownKey,
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy)]
enum Fetched {
    Done,
    Failed,
    /// There were too many of them for unknown keys; the next may begin after this time.
    Withheld(Duration),
}

/// Why there is no key for a token.
pub(super) enum KeyError {
    /// The issuer has none with this id.
    Unknown,
    /// It is not known now whether the issuer has the key; it may be after this time.
    NotAvailable { retry_after: Duration },
}

impl KeySet {
    pub(super) fn new(url: &str) -> Result<Self> {
        let quota = Quota::per_hour(UNKNOWN_KEY_FETCHES_PER_HOUR).allow_burst(UNKNOWN_KEY_BURST);
        Ok(Self {
            source: Arc::new(Source {
                issuer: Issuer::new(url)?,
                state: Mutex::default(),
                unknown_keys: RateLimiter::direct_with_clock(quota, TokioClock),
            }),
            fetches: SingleFlight::new(),
        })
    }

    /// The keys with this id: a set may have several. A token without an id can only mean the only key.
    pub(super) async fn keys(
        &self,
        id: Option<&str>,
        deadline: Instant,
    ) -> Result<Vec<Arc<Key>>, KeyError> {
        let State { cached, failed_at } = self.source.state().clone();
        let usable = cached.filter(|cached| cached.age() < USABLE_FOR);
        let pause = match usable {
            Some(_) => PAUSE_WITH_KEYS,
            None => PAUSE_WITHOUT_KEYS,
        };
        let paused_for = failed_at
            .map(|failed_at| pause.saturating_sub(failed_at.elapsed()))
            .filter(|left| !left.is_zero());

        let Some(usable) = usable else {
            if let Some(retry_after) = paused_for {
                return Err(KeyError::NotAvailable { retry_after });
            }
            return self.fetched(id, Reason::Age, None, deadline).await;
        };
        let keys = usable.find(id);
        if !keys.is_empty() {
            if usable.age() >= FRESH_FOR && paused_for.is_none() {
                // It runs by itself.
                drop(self.fetch(Reason::Age, Some(usable.fetched_at)));
            }
            return Ok(keys);
        }
        if id.is_none() && usable.keys.len() > 1 {
            return Err(KeyError::Unknown);
        }
        self.fetched(id, Reason::UnknownKey, Some(usable.fetched_at), deadline)
            .await
    }

    /// The same from keys that were fetched since those that were `seen`.
    async fn fetched(
        &self,
        id: Option<&str>,
        reason: Reason,
        seen: Option<Instant>,
        deadline: Instant,
    ) -> Result<Vec<Arc<Key>>, KeyError> {
        let fetch = self.fetch(reason, seen);
        let fetched = timeout_at(deadline, fetch).await.ok().flatten();

        let cached = self.source.state().cached.clone();
        let usable = cached.filter(|cached| cached.age() < USABLE_FOR);
        let keys = usable.map(|usable| usable.find(id)).unwrap_or_default();
        match fetched {
            _ if !keys.is_empty() => Ok(keys),
            Some(Fetched::Done) => Err(KeyError::Unknown),
            Some(Fetched::Withheld(retry_after)) => Err(KeyError::NotAvailable { retry_after }),
            Some(Fetched::Failed) | None => Err(KeyError::NotAvailable {
                retry_after: PAUSE_WITHOUT_KEYS,
            }),
        }
    }

    /// The fetch in flight, or one that starts now unless keys were fetched since those that were `seen`.
    fn fetch(
        &self,
        reason: Reason,
        seen: Option<Instant>,
    ) -> impl Future<Output = Option<Fetched>> + use<> {
        let source = Arc::clone(&self.source);
        let (fetch, role) = self
            .fetches
            .join((), || async move { source.fetch(reason, seen).await });
        if role == Role::Leader {
            // One more waiter, so that the fetch ends even when all clients disconnect: otherwise each new client would start
            // another one.
            tokio::spawn(fetch.clone());
        }
        fetch
    }
}

impl Source {
    async fn fetch(&self, reason: Reason, seen: Option<Instant>) -> Fetched {
        let State { cached, .. } = self.state().clone();
        if cached.as_ref().map(|cached| cached.fetched_at) != seen
            && cached
                .as_ref()
                .is_some_and(|cached| cached.age() < USABLE_FOR)
        {
            return Fetched::Done;
        }
        if let Reason::UnknownKey = reason
            && let Err(not_until) = self.unknown_keys.check()
        {
            return Fetched::Withheld(not_until.wait_time_from(TokioClock.now()));
        }

        let has_usable = cached.is_some_and(|cached| !cached.keys.is_empty());
        let fetched = match self.issuer.fetch().await {
            Ok(keys) if keys.is_empty() && has_usable => Err(FetchError::Unusable),
            fetched => fetched,
        };
        let now = Instant::now();
        let mut state = self.state();
        match fetched {
            Ok(keys) => {
                tracing::info!(target: "deskgraph::auth", keys = keys.len(), "fetched the issuer's keys");
                *state = State {
                    cached: Some(Arc::new(CachedKeys {
                        keys,
                        fetched_at: now,
                    })),
                    failed_at: None,
                };
                Fetched::Done
            }
            Err(err) => {
                let reason = err.to_string();
                tracing::warn!(target: "deskgraph::auth", reason, "the issuer's keys can't be fetched");
                state.failed_at = Some(now);
                Fetched::Failed
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedKeys {
    fn age(&self) -> Duration {
        self.fetched_at.elapsed()
    }

    fn find(&self, id: Option<&str>) -> Vec<Arc<Key>> {
        let has_id = |key: &&Arc<Key>| key.id.as_deref() == id;
        match (id, self.keys.as_slice()) {
            (Some(_), keys) => keys.iter().filter(has_id).cloned().collect(),
            (None, [only]) => vec![Arc::clone(only)],
            (None, _) => Vec::new(),
        }
    }
}
