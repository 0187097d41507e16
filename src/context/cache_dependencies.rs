//! How long what a request was given is good for, and which of the vendors' data it rests on.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::{Topic, Vendor};

/// Gathers, while a request is answered, what its answer rests on. The part that is good for the shortest time decides.
#[derive(Debug, Default)]
pub struct Freshness(Mutex<Grounds>);

/// What an answer rests on.
#[derive(Debug, Clone, Default)]
pub struct Grounds {
    /// None while it rests on nothing that changes.
    good_until: Option<Instant>,
    /// Until when it may be given again as it is.
    repeatable_until: Option<Instant>,
    parts: Vec<Part>,
}

/// One kind of data at one vendor, as it was after so many writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub vendor: Vendor,
    pub topic: Topic,
    pub epoch: u64,
}

impl Freshness {
    /// A part that is good for a while. From `refresh_from` on, reading it has it read again in the background.
    pub fn rest_on(&self, part: Part, good_until: Instant, refresh_from: Instant) {
        let mut grounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grounds.good_until = earlier(grounds.good_until, good_until);
        grounds.repeatable_until = earlier(grounds.repeatable_until, refresh_from);

        let known = grounds
            .parts
            .iter_mut()
            .find(|known| (known.vendor, known.topic) == (part.vendor, part.topic));
        match known {
            // Of readings before and after a write, the earlier one makes the answer out of date.
            Some(known) => known.epoch = known.epoch.min(part.epoch),
            None => grounds.parts.push(part),
        }
    }

    /// Something in the answer is true until then.
    pub fn end_at(&self, instant: Instant) {
        let mut grounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grounds.good_until = earlier(grounds.good_until, instant);
        grounds.repeatable_until = earlier(grounds.repeatable_until, instant);
    }

    /// Something in the answer is of this moment alone: a failure, what stands in for one, or what is not there yet.
    pub fn end_now(&self) {
        self.end_at(Instant::now());
    }

    /// The answer says of itself that it was just read, which is wrong when it is given again.
    pub fn told_as_new(&self) {
        let mut grounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grounds.repeatable_until = earlier(grounds.repeatable_until, Instant::now());
    }

    pub fn grounds(&self) -> Grounds {
        let grounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grounds.clone()
    }
}

impl Grounds {
    /// How long the answer is good for from `now` on: `unchanging` where it rests on nothing that changes, and zero where it
    /// is good for this moment alone.
    pub fn good_for(&self, now: Instant, unchanging: Duration) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(now);
        self.good_until.map_or(unchanging, left)
    }

    /// The same for the very answer, given again.
    pub fn repeatable_for(&self, now: Instant, unchanging: Duration) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(now);
        self.repeatable_until.map_or(unchanging, left)
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

fn earlier(known: Option<Instant>, new: Instant) -> Option<Instant> {
    Some(known.map_or(new, |known| known.min(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn part(epoch: u64) -> Part {
        Part {
            vendor: Vendor::FirstLine,
            topic: Topic::Tickets,
            epoch,
        }
    }

    #[test]
    fn the_shortest_part_decides_and_the_earliest_reading_counts() {
        let freshness = Freshness::default();
        let now = Instant::now();
        assert_eq!(freshness.grounds().good_for(now, HOUR), HOUR);

        let until = now + 2 * HOUR;
        freshness.rest_on(part(4), until, until);
        assert_eq!(freshness.grounds().good_for(now, HOUR), 2 * HOUR);
        assert_eq!(freshness.grounds().repeatable_for(now, HOUR), 2 * HOUR);

        let seconds = |count| now + Duration::from_secs(count);
        freshness.rest_on(part(4), seconds(30), seconds(24));
        freshness.rest_on(part(3), seconds(5), seconds(4));
        freshness.rest_on(part(5), seconds(300), seconds(240));

        let grounds = freshness.grounds();
        assert_eq!(grounds.good_for(now, HOUR), Duration::from_secs(5));
        assert_eq!(grounds.repeatable_for(now, HOUR), Duration::from_secs(4));
        assert_eq!(grounds.parts(), [part(3)]);
    }

    #[test]
    fn what_says_that_it_is_new_is_good_but_not_to_be_repeated() {
        let freshness = Freshness::default();
        freshness.told_as_new();

        let later = Instant::now() + Duration::from_secs(1);
        assert_eq!(freshness.grounds().good_for(later, HOUR), HOUR);
        assert!(freshness.grounds().repeatable_for(later, HOUR).is_zero());

        freshness.end_now();
        assert!(freshness.grounds().good_for(later, HOUR).is_zero());
    }
}
