//! Which of the vendors' data a response depends on, and for how long it is good.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::{Topic, Vendor};

/// Records, while a request is executed, what its response depends on. The dependency that expires first decides.
#[derive(Debug, Default)]
pub struct DependencyRecorder(Mutex<CacheDependencies>);

/// What a response depends on.
#[derive(Debug, Clone, Default)]
pub struct CacheDependencies {
    /// None while it depends on nothing that changes.
    good_until: Option<Instant>,
    /// Until when the gateway may send it again as it is.
    replayable_until: Option<Instant>,
    dependencies: Vec<Dependency>,
}

/// One kind of data at one vendor, as it was after so many writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    pub vendor: Vendor,
    pub topic: Topic,
    pub epoch: u64,
}

impl DependencyRecorder {
    /// The response depends on data that is good for a while. From `refresh_from` on, a read refreshes the data in the background.
    pub fn depend_on(&self, dependency: Dependency, good_until: Instant, refresh_from: Instant) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.good_until = earlier(recorded.good_until, good_until);
        recorded.replayable_until = earlier(recorded.replayable_until, refresh_from);

        let known = recorded
            .dependencies
            .iter_mut()
            .find(|known| (known.vendor, known.topic) == (dependency.vendor, dependency.topic));
        match known {
            // Of reads before and after a write, the earlier one makes the response out of date.
            Some(known) => known.epoch = known.epoch.min(dependency.epoch),
            None => recorded.dependencies.push(dependency),
        }
    }

    /// Something in the response is true until then.
    pub fn expire_at(&self, instant: Instant) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.good_until = earlier(recorded.good_until, instant);
        recorded.replayable_until = earlier(recorded.replayable_until, instant);
    }

    /// Something in the response must not be cached: a failure, a stale substitute for it, or the absence of an object.
    pub fn expire_now(&self) {
        self.expire_at(Instant::now());
    }

    /// The response says that its data was just read, which is wrong when it is sent again.
    pub fn forbid_replay(&self) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.replayable_until = earlier(recorded.replayable_until, Instant::now());
    }

    pub fn recorded(&self) -> CacheDependencies {
        let recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clone()
    }
}

impl CacheDependencies {
    /// How long the response is good from `now` on: `unchanging` where it depends on nothing that changes, and zero where it must
    /// not be cached.
    pub fn good_for(&self, now: Instant, unchanging: Duration) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(now);
        self.good_until.map_or(unchanging, left)
    }

    /// How long the gateway may send the same response again.
    pub fn replayable_for(&self, now: Instant, unchanging: Duration) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(now);
        self.replayable_until.map_or(unchanging, left)
    }

    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }
}

fn earlier(known: Option<Instant>, new: Instant) -> Option<Instant> {
    Some(known.map_or(new, |known| known.min(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn dependency(epoch: u64) -> Dependency {
        Dependency {
            vendor: Vendor::FirstLine,
            topic: Topic::Tickets,
            epoch,
        }
    }

    #[test]
    fn the_first_expiry_and_the_earliest_read_count() {
        let recorder = DependencyRecorder::default();
        let now = Instant::now();
        assert_eq!(recorder.recorded().good_for(now, HOUR), HOUR);

        let until = now + 2 * HOUR;
        recorder.depend_on(dependency(4), until, until);
        assert_eq!(recorder.recorded().good_for(now, HOUR), 2 * HOUR);
        assert_eq!(recorder.recorded().replayable_for(now, HOUR), 2 * HOUR);

        let seconds = |count| now + Duration::from_secs(count);
        recorder.depend_on(dependency(4), seconds(30), seconds(24));
        recorder.depend_on(dependency(3), seconds(5), seconds(4));
        recorder.depend_on(dependency(5), seconds(300), seconds(240));

        let recorded = recorder.recorded();
        assert_eq!(recorded.good_for(now, HOUR), Duration::from_secs(5));
        assert_eq!(recorded.replayable_for(now, HOUR), Duration::from_secs(4));
        assert_eq!(recorded.dependencies(), [dependency(3)]);
    }

    #[test]
    fn a_response_that_says_fresh_is_good_but_not_replayable() {
        let recorder = DependencyRecorder::default();
        recorder.forbid_replay();

        let later = Instant::now() + Duration::from_secs(1);
        assert_eq!(recorder.recorded().good_for(later, HOUR), HOUR);
        assert!(recorder.recorded().replayable_for(later, HOUR).is_zero());

        recorder.expire_now();
        assert!(recorder.recorded().good_for(later, HOUR).is_zero());
    }
}
