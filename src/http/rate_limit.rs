//! How many requests one caller may send.

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

/// After so many requests, callers that have sent none for long enough are dropped.
const CLEANUP_INTERVAL: u32 = 1024;

pub(super) struct RateLimit {
    per_minute: NonZeroU32,
    limiter: RateLimiter<RateLimitKey, DefaultKeyedStateStore<RateLimitKey>, DefaultClock>,
    requests: AtomicU32,
}

/// The requests that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RateLimitKey {
    Caller(Arc<str>),
    /// Where the gateway does not know its callers.
    Peer(IpAddr),
}

impl RateLimit {
    /// A burst of so many requests, and as many per minute.
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
        if earlier.is_multiple_of(CLEANUP_INTERVAL) {
            self.limiter.retain_recent();
        }
        self.take(key, NonZeroU32::MIN)
    }

    /// Counts the other requests of a batch. The first was counted before the body was read.
    pub(super) fn count_batch(&self, key: &RateLimitKey, requests: usize) -> Result<(), HttpError> {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        if requests > self.per_minute.get() {
            let message = format!(
                "The batch has {requests} requests; a caller may send {} per minute.",
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
            // A batch of more than a minute's requests was rejected before.
            Err(_) => Err(self.too_many(Duration::from_secs(60))),
        }
    }

    fn too_many(&self, retry_after: Duration) -> HttpError {
        let message = format!(
            "Too many requests: a caller may send {} per minute. Retry after the time in the header Retry-After.",
            self.per_minute
        );
        HttpError::over_limit(StatusCode::TOO_MANY_REQUESTS, self.excess(None), message)
            .with_retry_after(retry_after)
    }

    /// The limiter does not count a caller's requests; it knows when the next one is allowed.
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
