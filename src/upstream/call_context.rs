//! What one call to a vendor carries: its request, and the time that it may still take.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{
    call::{Call, Purpose},
    pace::Claim,
};
use crate::context::{RequestScope, ReservedCall};

/// The context of a call.
#[derive(Debug)]
pub(super) struct CallContext<'a> {
    pub(super) scope: &'a RequestScope,
    /// The request's deadline, or a later one of a call that goes on without its request.
    last_moment: Instant,
    started_at: Instant,
    timeout: Duration,
    /// How long it waited for other calls, in nanoseconds.
    waited: AtomicU64,
}

impl<'a> CallContext<'a> {
    pub(super) fn new(scope: &'a RequestScope, timeout: Duration) -> Self {
        Self {
            scope,
            last_moment: scope.deadline,
            started_at: Instant::now(),
            timeout,
            waited: AtomicU64::new(0),
        }
    }

    /// The context of a call that goes on until then, after its request's deadline.
    pub(super) fn ending_at(scope: &'a RequestScope, last_moment: Instant) -> Self {
        let timeout = last_moment.saturating_duration_since(Instant::now());
        Self {
            last_moment,
            ..Self::new(scope, timeout)
        }
    }

    /// Until when the call may wait for its turn.
    pub(super) fn last_moment(&self) -> Instant {
        self.last_moment
    }

    /// When the call has to end: its own time is over, or its request's.
    pub(super) fn deadline(&self) -> Instant {
        let waited = Duration::from_nanos(self.waited.load(Ordering::Relaxed));
        let own = self.started_at.checked_add(self.timeout);
        let own = own.and_then(|own| own.checked_add(waited));
        own.map_or(self.last_moment, |own| own.min(self.last_moment))
    }

    /// Whether the request has no more time, so that one with more might succeed.
    pub(super) fn is_over_for_request(&self) -> bool {
        self.deadline() == self.last_moment
    }

    /// Until the guard is dropped, the call waits for other calls. That is not its own time.
    pub(super) fn wait(&self) -> Waiting<'_> {
        Waiting {
            since: Instant::now(),
            waited: &self.waited,
        }
    }

    pub(super) fn claim(&self) -> Claim {
        Claim {
            priority: self.scope.priority(),
            caller: self.scope.caller.name.clone(),
            nth_call: self.scope.counters.number_queued_call(),
        }
    }

    /// One call of the request's budget; none where it has no more.
    pub(super) fn reserve(&self, call: &Call) -> Option<ReservedCall> {
        match call.purpose {
            Purpose::SignIn => self.scope.vendor_calls.reserve_login(),
            Purpose::Read | Purpose::Write => self.scope.reserve_vendor_call(),
        }
    }
}

pub(super) struct Waiting<'a> {
    since: Instant,
    waited: &'a AtomicU64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
    }
}
