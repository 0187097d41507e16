//! A cached value, and how long it is fresh, refreshed and kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{AnyValue, Cached};
use crate::{
    domain::{SourceState, Vendor},
    error::{Error, Result},
};

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) vendor: Vendor,
    pub(super) value: Arc<AnyValue>,
    pub(super) read_at: Timestamp,
    pub(super) fresh_until: Instant,
    /// From this instant on, the first read refreshes it in the background.
    pub(super) refresh_from: Instant,
    pub(super) is_refreshed: Arc<AtomicBool>,
    /// How long it stays in the cache.
    pub(super) expires_after: Duration,
    pub(super) bytes: u32,
}

/// What an entry takes beside its value: its key, its slot in the table and its nodes in the eviction queues.
pub(super) const ENTRY_BYTES: usize = 256;

impl Entry {
    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.fresh_until
    }

    /// Whether it is too early to refresh it.
    pub(super) fn is_new(&self) -> bool {
        Instant::now() < self.refresh_from
    }

    /// Whether the caller has to refresh it. True for one caller alone.
    pub(super) fn takes_refresh(&self) -> bool {
        Instant::now() >= self.refresh_from && !self.is_refreshed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn cached<T: Send + Sync + 'static>(&self, state: SourceState) -> Result<Cached<T>> {
        let value = Arc::clone(&self.value)
            .downcast()
            .map_err(|_| Error::internal("a cached value is of another type than its key"))?;
        Ok(Cached {
            value,
            state,
            read_at: self.read_at,
            failure: None,
        })
    }
}

/// An entry expires when it may no longer stand in for a failing vendor.
pub(super) struct EntryExpiry;

impl<K> moka::Expiry<K, Entry> for EntryExpiry {
    fn expire_after_create(&self, _key: &K, entry: &Entry, _now: Instant) -> Option<Duration> {
        Some(entry.expires_after)
    }

    fn expire_after_update(
        &self,
        _key: &K,
        entry: &Entry,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.expires_after)
    }
}
