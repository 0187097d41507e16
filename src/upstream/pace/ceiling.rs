//! How many calls a vendor gets in a minute at most.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, state::InMemoryState,
    state::direct::NotKeyed,
};
use tokio::time::Instant;

/// A minute, and how much more time one call may spend on its way to the vendor than another one.
const WINDOW: Duration = Duration::from_secs(62);
/// The part of a minute's calls that may come at once.
const BURST_DIVISOR: u32 = 4;

#[derive(Debug)]
pub(super) struct Ceiling {
    limiter: RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<std::time::Instant>>,
}

/// The clock of the runtime, which tests can stop.
#[derive(Debug, Clone)]
struct RuntimeClock;

impl Clock for RuntimeClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

impl Ceiling {
    /// The limiter admits a burst, and then one call per period. So that no minute has more calls than the ceiling, whenever it
    /// begins, the periods of a minute have only those calls that the burst leaves.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let burst = per_minute.get().div_ceil(BURST_DIVISOR);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // At least one, because the burst is at most the whole.
        let others = per_minute.get() - burst.get() + 1;
        let period = WINDOW / others + Duration::from_nanos(1);
        // None for a period of zero alone.
        let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::direct_with_clock(quota.allow_burst(burst), RuntimeClock),
        }
    }

    /// Counts a call. Fails with the time of the next call where there is none to spend.
    pub(super) fn take(&self) -> Result<(), Instant> {
        self.limiter
            .check()
            .map_err(|not_until| Instant::from_std(not_until.earliest_possible()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use tokio::time;

    use super::*;

    /// The most calls of any window of a minute, both ends included, when calls are tried at these times.
    fn busiest_minute(per_minute: u32, waits_ms: &[u64]) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O can be built");
        runtime.block_on(async {
            let per_minute = NonZeroU32::new(per_minute).expect("it is above zero");
            let ceiling = Ceiling::new(per_minute);
            let mut sent = VecDeque::new();
            let mut busiest = 0;
            for wait in waits_ms {
                time::advance(Duration::from_millis(*wait)).await;
                // As many as there are, as after a queue that grew long.
                while ceiling.take().is_ok() {
                    let now = Instant::now();
                    sent.push_back(now);
                    while sent
                        .front()
                        .is_some_and(|at| now - *at > Duration::from_secs(60))
                    {
                        sent.pop_front();
                    }
                    busiest = busiest.max(sent.len());
                }
            }
            busiest
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_minute_has_more_calls_than_the_ceiling_whenever_it_begins(
            per_minute in 1_u32..400,
            waits_ms in prop::collection::vec(prop_oneof![0_u64..50, 0_u64..5_000, 0_u64..90_000], 1..200),
        ) {
            prop_assert!(busiest_minute(per_minute, &waits_ms) <= per_minute as usize);
        }
    }

    #[test]
    fn a_queue_that_never_ends_gets_most_of_the_ceiling() {
        let steadily = [100; 3_000];
        for per_minute in [1, 2, 5, 60, 300] {
            let busiest = busiest_minute(per_minute, &steadily);
            assert!(busiest <= per_minute as usize, "{per_minute}: {busiest}");
            assert!(
                busiest * 10 >= per_minute as usize * 9,
                "{per_minute}: {busiest}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_has_to_wait_learns_until_when() {
        let ceiling = Ceiling::new(NonZeroU32::MIN);
        assert_eq!(ceiling.take(), Ok(()));
        let next = ceiling.take().expect_err("one a minute");
        assert!(next > Instant::now() + Duration::from_secs(60));
        time::sleep_until(next).await;
        assert_eq!(ceiling.take(), Ok(()));
    }
}
