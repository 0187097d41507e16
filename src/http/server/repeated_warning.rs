//! A warning about something that may happen many times a second: logged once in ten seconds, with the number of repeats.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_secs(10);

pub(super) struct RepeatedWarning(Mutex<(Option<Instant>, u64)>);

impl RepeatedWarning {
    pub(super) fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// Where it is to be logged: how often it was not since the last time.
    pub(super) fn due(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, skipped) = &mut *state;
        if last.is_some_and(|last| last.elapsed() < INTERVAL) {
            *skipped += 1;
            return None;
        }
        *last = Some(Instant::now());
        Some(std::mem::take(skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_due_once_in_ten_seconds_and_counts_the_others() {
        let warning = RepeatedWarning::new();
        assert_eq!(warning.due(), Some(0));
        for _ in 0..5 {
            assert_eq!(warning.due(), None);
        }
        tokio::time::advance(INTERVAL).await;
        assert_eq!(warning.due(), Some(5));
        assert_eq!(warning.due(), None);
    }
}
