//! Which windows of which lists are in the cache.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use super::{super::ReadKey, lock};
use crate::{
    domain::{Topic, Vendor},
    listing::Second,
};

/// Which windows of which lists were read, by the second that they end at.
pub(in crate::repository) struct WindowIndex(moka::sync::Cache<(u64, u64), WindowsOfList>);

#[derive(Clone)]
struct WindowsOfList {
    vendor: Vendor,
    topic: Topic,
    uppers: Arc<Mutex<BTreeSet<Second>>>,
}

impl WindowIndex {
    const MOST_LISTS: u64 = 4096;
    const MOST_WINDOWS: usize = 64;
    /// Windows that overlap are few: a second is in one of the next few that end after it.
    const CANDIDATES: usize = 4;

    pub(in crate::repository) fn new() -> Self {
        Self(moka::sync::Cache::new(Self::MOST_LISTS))
    }

    pub(super) fn note(&self, list: ReadKey, upper: Second) {
        let windows = self.0.get_with(list.hash(), || WindowsOfList {
            vendor: list.vendor(),
            topic: list.topic(),
            uppers: Arc::default(),
        });
        let mut uppers = lock(&windows.uppers);
        uppers.insert(upper);
        if uppers.len() > Self::MOST_WINDOWS {
            // The newest are read most.
            uppers.pop_first();
        }
    }

    pub(super) fn ending_after(&self, list: ReadKey, second: Second) -> Vec<Second> {
        let Some(windows) = self.0.get(&list.hash()) else {
            return Vec::new();
        };
        let uppers = lock(&windows.uppers);
        uppers
            .range(second..)
            .take(Self::CANDIDATES)
            .copied()
            .collect()
    }

    /// Forgets the windows of a noun's lists, which have been dropped.
    pub(in crate::repository) fn drop_lists(&self, vendor: Vendor, topic: Topic) {
        for (list, windows) in &self.0 {
            if (windows.vendor, windows.topic) == (vendor, topic) {
                self.0.invalidate(&*list);
            }
        }
    }
}
