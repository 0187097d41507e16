//! How many requests one caller may send, and how often the clients of one network may fail to authenticate.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::{DefaultKeyedStateStore, HashMapStateStore},
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

/// How many networks have a count of their own: those beyond them share one, so that the counts take little memory.
const MAX_NETWORKS: usize = 10_000;

/// The requests that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RateLimitKey {
    Caller(Arc<str>),
    /// Where the gateway does not know its callers.
    Network(Network),
}

/// The addresses of one client: an IPv4 address, or a whole /64 network, which a host of IPv6 has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
            }
            address => address,
        })
    }
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

/// The time of the runtime, which a test may pause.
#[derive(Debug, Clone)]
pub(super) struct TokioClock;

impl Clock for TokioClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// How often the clients of one network may fail to authenticate. Those who succeed are not concerned.
pub(super) struct FailureLimit {
    pub(super) per_minute: NonZeroU32,
    limiter: RateLimiter<
        Option<Network>,
        HashMapStateStore<Option<Network>>,
        TokioClock,
        NoOpMiddleware<Instant>,
    >,
    failures: AtomicU32,
}

impl FailureLimit {
    /// A burst of so many failures, and as many per minute.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self {
            per_minute,
            limiter: RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), TokioClock),
            failures: AtomicU32::new(0),
        }
    }

    /// Counts a failure. The error says when the next one is accepted.
    pub(super) fn count(&self, network: Network) -> Result<(), Duration> {
        let earlier = self.failures.fetch_add(1, Ordering::Relaxed);
        if earlier.is_multiple_of(CLEANUP_INTERVAL) {
            self.limiter.retain_recent();
        }
        let counted = (self.limiter.len() < MAX_NETWORKS).then_some(network);
        let result = self.limiter.check_key(&counted);
        result.map_err(|not_until| not_until.wait_time_from(TokioClock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        let address: IpAddr = address.parse().expect("the test's addresses are right");
        address.into()
    }

    fn limit(per_minute: u32) -> FailureLimit {
        FailureLimit::new(NonZeroU32::new(per_minute).expect("the test's limit is positive"))
    }

    #[test]
    fn a_network_is_an_address_of_ipv4_or_64_bits_of_ipv6() {
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.8"), network("192.0.2.7"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:0:1"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8::1"));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_for_each_network_and_forgotten_with_time() {
        let limit = limit(2);
        let (one, other) = (network("192.0.2.7"), network("2001:db8::1"));

        assert_eq!([limit.count(one), limit.count(one)], [Ok(()), Ok(())]);
        let wait = limit.count(one).expect_err("the third is too many");
        assert!(wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(limit.count(other), Ok(()));

        tokio::time::advance(wait).await;
        assert_eq!(limit.count(one), Ok(()));
        assert!(limit.count(one).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_counts_of_many_networks_take_bounded_memory() {
        let limit = limit(1);
        let number = |number: usize| {
            Network::from(IpAddr::from(Ipv6Addr::from_bits((number as u128) << 64)))
        };
        for attempt in 0..2 * MAX_NETWORKS {
            let _ = limit.count(number(attempt));
        }
        assert!(limit.limiter.len() <= MAX_NETWORKS + 1);

        tokio::time::advance(Duration::from_secs(121)).await;
        for _ in 0..=CLEANUP_INTERVAL {
            let _ = limit.count(number(0));
        }
        assert!(limit.limiter.len() <= 2);
    }
}
