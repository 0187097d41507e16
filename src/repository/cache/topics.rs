//! Which entries belong to a vendor's topic, and how many writes the topic has had.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::domain::{Topic, Vendor};

/// The hash of a read.
pub(super) type Hash = (u64, u64);

#[derive(Default)]
pub(super) struct Topics([[TopicState; Topic::COUNT]; Vendor::ALL.len()]);

/// One topic of one vendor.
#[derive(Default)]
pub(super) struct TopicState {
    /// Raised by every write that may change something of the topic.
    epoch: AtomicU64,
    /// Locked while an entry is stored or a write drops entries, so that no entry of before a write is stored after it.
    keys: Mutex<TopicKeys>,
}

/// The keys of a topic's entries.
#[derive(Default)]
pub(super) struct TopicKeys {
    /// Of windows, totals, counts and what else is no single object.
    pub(super) lists: KeySet,
    /// Of single objects.
    pub(super) objects: KeySet,
}

/// Keys of entries. Those that the cache has dropped by itself are removed as the set grows.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashSet<Hash>,
    prune_at: usize,
}

const FIRST_PRUNING: usize = 1024;

impl Topics {
    pub(super) fn of(&self, vendor: Vendor, topic: Topic) -> &TopicState {
        &self.0[vendor as usize][topic as usize]
    }
}

impl TopicState {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn raise_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, TopicKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySet {
    pub(super) fn insert(&mut self, key: Hash, is_cached: impl Fn(&Hash) -> bool) {
        if self.keys.len() >= self.prune_at.max(FIRST_PRUNING) {
            self.keys.retain(is_cached);
            self.prune_at = self.keys.len() * 2;
        }
        self.keys.insert(key);
    }

    /// Removes the keys for which `is_dropped`.
    pub(super) fn drop_if(&mut self, mut is_dropped: impl FnMut(&Hash) -> bool) {
        self.keys.retain(|key| !is_dropped(key));
        self.keys.shrink_to_fit();
        self.prune_at = self.keys.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_the_cache_dropped_do_not_pile_up() {
        let mut set = KeySet::default();
        for number in 0..100_000 {
            set.insert((number, 0), |(known, _)| known + 10 > number);
        }
        assert!(set.keys.len() <= FIRST_PRUNING, "{}", set.keys.len());
    }
}
