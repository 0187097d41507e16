//! What one request carries through the layers: its caller, its deadline, and what it records on its way.

mod dependencies;
mod stale;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::domain::Caller;
pub use dependencies::{CacheDependencies, Dependency, DependencyRecorder};
pub use stale::{PathStep, RecordedStaleParts, StalePart, StaleParts, StaleRead};

#[derive(Debug)]
pub struct RequestScope {
    pub id: String,
    pub caller: Caller,
    /// No work for this request continues after it.
    pub deadline: Instant,
    pub counters: Arc<RequestCounters>,
    pub dependencies: DependencyRecorder,
    pub deadline_miss: DeadlineMiss,
    pub stale_parts: StaleParts,
}

impl RequestScope {
    pub fn new(id: String, caller: Caller, deadline: Instant) -> Self {
        Self {
            id,
            caller,
            deadline,
            counters: Arc::default(),
            dependencies: DependencyRecorder::default(),
            deadline_miss: DeadlineMiss::default(),
            stale_parts: StaleParts::default(),
        }
    }

    /// The scope of one operation of this request. Its calls count for the request; its dependencies and stale parts are its own.
    pub fn for_operation(&self) -> Self {
        Self {
            id: self.id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            counters: self.counters.clone(),
            dependencies: DependencyRecorder::default(),
            deadline_miss: DeadlineMiss::default(),
            stale_parts: StaleParts::default(),
        }
    }
}

/// Whether more time would have helped: a retry or a probe that was not made, because it was due after the deadline.
#[derive(Debug, Default)]
pub struct DeadlineMiss(Mutex<Option<Instant>>);

impl DeadlineMiss {
    /// It was due at this instant.
    pub fn record(&self, due_at: Instant) {
        let mut earliest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = earliest.map_or(due_at, |known| known.min(due_at));
        *earliest = Some(first);
    }

    /// When the first of them was due.
    pub fn earliest(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request cost, for its log line.
#[derive(Debug, Default)]
pub struct RequestCounters {
    vendor_calls: AtomicU64,
    cache_hits: AtomicU64,
}

impl RequestCounters {
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
