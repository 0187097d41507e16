//! What one request carries down through the layers.

mod cache_dependencies;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::domain::Caller;
pub use cache_dependencies::{Freshness, Grounds, Part};

#[derive(Debug)]
pub struct RequestScope {
    pub id: String,
    pub caller: Caller,
    /// No work for this request goes on after it.
    pub deadline: Instant,
    pub tally: Arc<Tally>,
    pub freshness: Freshness,
    pub patience: Patience,
}

impl RequestScope {
    pub fn new(id: String, caller: Caller, deadline: Instant) -> Self {
        Self {
            id,
            caller,
            deadline,
            tally: Arc::default(),
            freshness: Freshness::default(),
            patience: Patience::default(),
        }
    }

    /// One of the operations that this request asks for: it costs the request, and its answer rests on what it reads itself.
    pub fn for_operation(&self) -> Self {
        Self {
            id: self.id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            tally: self.tally.clone(),
            freshness: Freshness::default(),
            patience: Patience::default(),
        }
    }
}

/// Whether more time would have helped: something was given up that had to wait until after the deadline.
#[derive(Debug, Default)]
pub struct Patience(Mutex<Option<Instant>>);

impl Patience {
    /// It would have gone on at that instant.
    pub fn lacked_until(&self, instant: Instant) {
        let mut lacked_until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lacked_until.map_or(instant, |known| known.min(instant));
        *lacked_until = Some(first);
    }

    /// When the first of it would have gone on.
    pub fn lacking_until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request cost, for its line in the log.
#[derive(Debug, Default)]
pub struct Tally {
    vendor_calls: AtomicU64,
    cache_hits: AtomicU64,
}

impl Tally {
    pub fn count_vendor_call(&self) {
        self.vendor_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_cache_hit(&self) {
        self.cache_hits.fetch_add(1, Ordering::Relaxed);
    }

    pub fn vendor_calls(&self) -> u64 {
        self.vendor_calls.load(Ordering::Relaxed)
    }

    pub fn cache_hits(&self) -> u64 {
        self.cache_hits.load(Ordering::Relaxed)
    }
}
