//! What one request carries through the layers: its caller, its deadline, and what it records on its way.

mod budget;
mod dependencies;
mod priority;
mod stale;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::domain::Caller;
pub use budget::{CallBudget, ReservedCall};
pub use dependencies::{CacheDependencies, Dependency, DependencyRecorder};
pub use priority::CallPriority;
use priority::SharedPriority;
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
    pub vendor_calls: CallBudget,
    lacks_vendor_calls: AtomicBool,
    priority: SharedPriority,
}

impl RequestScope {
    /// Without a limit of vendor calls.
    pub fn new(id: String, caller: Caller, deadline: Instant) -> Self {
        Self {
            id,
            caller,
            deadline,
            counters: Arc::default(),
            dependencies: DependencyRecorder::default(),
            deadline_miss: DeadlineMiss::default(),
            stale_parts: StaleParts::default(),
            vendor_calls: CallBudget::new(CallBudget::UNLIMITED),
            lacks_vendor_calls: AtomicBool::new(false),
            priority: SharedPriority::new(CallPriority::Caller),
        }
    }

    pub fn with_vendor_calls(self, allowed: u32) -> Self {
        Self {
            vendor_calls: CallBudget::new(allowed),
            ..self
        }
    }

    /// The scope of one operation of this request. Its calls count for the request; its dependencies and stale parts are its own.
    pub fn for_operation(&self) -> Self {
        Self {
            id: self.id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            counters: Arc::new(RequestCounters::part_of(&self.counters)),
            dependencies: DependencyRecorder::default(),
            deadline_miss: DeadlineMiss::default(),
            stale_parts: StaleParts::default(),
            vendor_calls: self.vendor_calls.clone(),
            lacks_vendor_calls: AtomicBool::new(false),
            priority: self.priority.clone(),
        }
    }

    /// The scope of work that this request starts and does not wait for. It gives way to callers, and has a budget of its own.
    pub fn for_background(&self) -> Self {
        Self {
            counters: Arc::default(),
            vendor_calls: CallBudget::new(self.vendor_calls.allowed()),
            priority: SharedPriority::new(CallPriority::Background),
            ..self.for_operation()
        }
    }

    /// A call of the request's budget; none where it has no more.
    pub fn reserve_vendor_call(&self) -> Option<ReservedCall> {
        let reserved = self.vendor_calls.reserve();
        if reserved.is_none() {
            self.note_lack_of_vendor_calls();
        }
        reserved
    }

    /// Something failed because the budget has too few calls.
    pub fn note_lack_of_vendor_calls(&self) {
        self.lacks_vendor_calls.store(true, Ordering::Relaxed);
    }

    /// Whether a request with more calls would have got more.
    pub fn lacks_vendor_calls(&self) -> bool {
        self.lacks_vendor_calls.load(Ordering::Relaxed)
    }

    pub fn priority(&self) -> CallPriority {
        self.priority.get()
    }

    /// A caller waits for this work from now on.
    pub fn raise_priority(&self) {
        self.priority.raise();
    }

    /// Resolves once a caller waits for this work.
    pub async fn priority_raised(&self) {
        self.priority.raised().await;
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
    queued_calls: AtomicU64,
    vendor_calls: AtomicU64,
    cache_hits: AtomicU64,
    /// What an operation counts, its request counts too.
    whole: Option<Arc<RequestCounters>>,
}

impl RequestCounters {
    fn part_of(whole: &Arc<Self>) -> Self {
        Self {
            whole: Some(Arc::clone(whole)),
            ..Self::default()
        }
    }

    /// The number of a call that is about to wait for a slot, among those of its request.
    pub fn number_queued_call(&self) -> u64 {
        match &self.whole {
            Some(whole) => whole.number_queued_call(),
            None => self.queued_calls.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub fn count_vendor_call(&self) {
        self.vendor_calls.fetch_add(1, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.count_vendor_call();
        }
    }

    pub fn count_cache_hit(&self) {
        self.cache_hits.fetch_add(1, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.count_cache_hit();
        }
    }

    pub fn vendor_calls(&self) -> u64 {
        self.vendor_calls.load(Ordering::Relaxed)
    }

    pub fn cache_hits(&self) -> u64 {
        self.cache_hits.load(Ordering::Relaxed)
    }
}
