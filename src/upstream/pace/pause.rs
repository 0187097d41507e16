//! The pause that a vendor asks for with a 429.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause after a 429 without a Retry-After. Each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_OWN_PAUSE: Duration = Duration::from_secs(60);
/// A Retry-After beyond it is an error of the vendor.
pub(in crate::upstream) const MAX_PAUSE: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Option<Instant>,
    /// How many pauses without a Retry-After followed each other.
    own_pauses: u32,
}

impl Pause {
    /// When it ends; none unless there is one.
    pub(super) fn ends_at(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// A call that was sent at this time came back with a 429. It prolongs a pause, and never shortens it.
    pub(super) fn begin(&mut self, sent_at: Instant, retry_after: Option<Duration>, now: Instant) {
        // A wait of zero seconds, or until a time that is over, asks for nothing.
        let length = match retry_after.filter(|wait| !wait.is_zero()) {
            Some(wait) => wait.min(MAX_PAUSE),
            None => {
                // Calls that were in flight together are limited together: that is one pause.
                if self.was_over_at(sent_at) || self.own_pauses == 0 {
                    self.own_pauses = self.own_pauses.saturating_add(1);
                }
                own_pause(self.own_pauses)
            }
        };
        self.until = self.until.max(Some(now + length));
    }

    /// A call that was sent at this time succeeded. One from before the pause says nothing about what follows it.
    pub(super) fn note_success(&mut self, sent_at: Instant) {
        if self.was_over_at(sent_at) {
            self.own_pauses = 0;
        }
    }

    fn was_over_at(&self, sent_at: Instant) -> bool {
        self.until.is_none_or(|until| until <= sent_at)
    }
}

fn own_pause(number: u32) -> Duration {
    let doublings = number.saturating_sub(1);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(MAX_OWN_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_without_a_retry_after_double_until_a_call_succeeds() {
        let mut pause = Pause::default();
        let mut now = Instant::now();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            // Five calls in flight are limited together.
            for _ in 0..5 {
                pause.begin(now, None, now);
            }
            assert_eq!(pause.ends_at(now), Some(now + seconds(expected)));
            now += seconds(expected);
            assert_eq!(pause.ends_at(now), None);
        }
        pause.note_success(now);
        pause.begin(now, None, now);
        assert_eq!(pause.ends_at(now), Some(now + seconds(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_from_before_the_pause_prolongs_it_and_never_ends_or_shortens_it() {
        let mut pause = Pause::default();
        let start = Instant::now();
        pause.begin(start, Some(seconds(60)), start);
        pause.begin(start, Some(seconds(1)), start + seconds(2));
        pause.begin(start, None, start + seconds(2));
        pause.note_success(start);
        assert_eq!(pause.ends_at(start), Some(start + seconds(60)));
        pause.begin(start, Some(seconds(60)), start + seconds(10));
        assert_eq!(pause.ends_at(start), Some(start + seconds(70)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_retry_after_is_bounded_and_one_of_zero_is_none() {
        let now = Instant::now();
        for (given, expected) in [
            (Duration::MAX, MAX_PAUSE),
            (seconds(86_400 * 365), MAX_PAUSE),
            (Duration::ZERO, FIRST_PAUSE),
        ] {
            let mut pause = Pause::default();
            pause.begin(now, Some(given), now);
            assert_eq!(pause.ends_at(now), Some(now + expected));
        }
    }
}
