//! What a write drops from the cache, and what it leaves.

use std::sync::atomic::Ordering;

use super::{AnyValue, Cache, KeyHash, ReadKey};
use crate::{
    context::CacheDependencies,
    domain::{Topic, Vendor},
};

impl Cache {
    /// Whether no write has changed what a response depends on.
    pub(in crate::repository) fn are_current(&self, dependencies: &CacheDependencies) -> bool {
        dependencies
            .dependencies()
            .iter()
            .all(|known| known.epoch == self.topics.of(known.vendor, known.topic).epoch())
    }

    /// How many writes the gateway has sent.
    pub(in crate::repository) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Drops the lists, totals and counts of the topic, because a write may have changed any of them.
    pub(in crate::repository) fn drop_lists(&self, vendor: Vendor, topic: Topic) {
        self.write(vendor, topic, || {
            self.free_lists(vendor, topic);
        });
    }

    /// Drops an object that was written, with the lists, totals and counts of its topic.
    pub(in crate::repository) fn drop_object(&self, key: ReadKey) {
        self.write(key.vendor, key.topic, || {
            self.free_lists(key.vendor, key.topic);
            self.entries.invalidate(&key.hash);
        });
    }

    /// Drops what a write may have changed of a topic. The rest stays.
    pub(in crate::repository) fn drop_changed(
        &self,
        vendor: Vendor,
        topic: Topic,
        may_have_changed: impl Fn(&AnyValue) -> bool,
    ) {
        let is_dropped = |key: &KeyHash| match self.entries.get(key) {
            Some(entry) if may_have_changed(&*entry.value) => {
                self.entries.invalidate(key);
                true
            }
            Some(_) => false,
            None => true,
        };
        self.write(vendor, topic, || {
            let mut keys = self.topics.of(vendor, topic).keys();
            keys.lists.drop_if(is_dropped);
            keys.objects.drop_if(is_dropped);
        });
    }

    /// Drops entries because of a write. Reads that began before it are not stored.
    fn write(&self, vendor: Vendor, topic: Topic, drop_entries: impl FnOnce()) {
        let state = self.topics.of(vendor, topic);
        self.writes.fetch_add(1, Ordering::SeqCst);
        state.raise_epoch();
        drop_entries();
        // A request that found an entry between those two calls has recorded the epoch after the write. Raise it once more.
        state.raise_epoch();
        self.writes.fetch_add(1, Ordering::SeqCst);
        // Frees the memory now, and not with some later read.
        self.entries.run_pending_tasks();
    }

    /// Drops the lists, totals and counts of the topic.
    pub(in crate::repository) fn free_lists(&self, vendor: Vendor, topic: Topic) {
        let mut keys = self.topics.of(vendor, topic).keys();
        keys.lists.drop_if(|key| {
            self.entries.invalidate(key);
            true
        });
    }

    /// Drops what the vendor does not have, or forbids.
    pub(in crate::repository) fn drop_entry(&self, key: ReadKey) {
        self.flights.forget(&(key.hash, key.epoch));
        self.entries.invalidate(&key.hash);
    }
}
