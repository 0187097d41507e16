//! How often one caller may ask.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};

use super::error::HttpError;
use crate::{domain::Caller, engine::Excess};

/// After so many requests, whoever has not asked for long enough is forgotten.
const BETWEEN_CLEANUPS: u32 = 1024;

pub(super) struct RateLimit {
    per_minute: NonZeroU32,
    limiter: RateLimiter<RateLimitKey, DefaultKeyedStateStore<RateLimitKey>, DefaultClock>,
    requests: AtomicU32,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RateLimitKey {
    Caller(Arc<str>),
    /// Where callers are not told apart.
    Peer(IpAddr),
}

impl RateLimit {
    /// So many requests at once, and as many a minute.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self {
            per_minute,
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            requests: AtomicU32::new(0),
        }
    }

    /// Counts a request.
    pub(super) fn count(&self, key: &RateLimitKey) -> Result<(), HttpError> {
        let earlier = self.requests.fetch_add(1, Ordering::Relaxed);
        if earlier.is_multiple_of(BETWEEN_CLEANUPS) {
            self.limiter.retain_recent();
        }
        self.take(key, NonZeroU32::MIN)
    }

    /// Counts the other requests of a batch, whose first one was counted before anything of it was read.
    pub(super) fn count_batch(&self, key: &RateLimitKey, requests: usize) -> Result<(), HttpError> {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        if requests > self.per_minute.get() {
            let message = format!(
                "The batch has {requests} requests, and a caller may send {} a minute.",
                self.per_minute
            );
            let excess = self.excess(Some(requests.into()));
            return Err(HttpError::over_limit(
                StatusCode::BAD_REQUEST,
                excess,
                message,
            ));
        }
        match NonZeroU32::new(requests.saturating_sub(1)) {
            Some(others) => self.take(key, others),
            None => Ok(()),
        }
    }

    fn take(&self, key: &RateLimitKey, requests: NonZeroU32) -> Result<(), HttpError> {
        match self.limiter.check_key_n(key, requests) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                Err(self.too_many(not_until.wait_time_from(self.limiter.clock().now())))
            }
            // More than are allowed in a minute are refused before this.
            Err(_) => Err(self.too_many(Duration::from_secs(60))),
        }
    }

    fn too_many(&self, retry_after: Duration) -> HttpError {
        let message = format!(
            "A caller may send {} requests a minute; the header Retry-After says when the next one is taken.",
            self.per_minute
        );
        HttpError::over_limit(StatusCode::TOO_MANY_REQUESTS, self.excess(None), message)
            .with_retry_after(retry_after)
    }

    /// How often a caller has asked by now is kept by nobody: the limiter knows when the next one may.
    fn excess(&self, cost: Option<u64>) -> Excess {
        Excess {
            cost,
            allowed: self.per_minute.get().into(),
        }
    }
}

impl RateLimitKey {
    pub(super) fn of(caller: &Caller) -> Self {
        Self::Caller(caller.name.clone())
    }
}
