//! An exchange in flight, and what is recorded when its caller cancels it.

use std::time::{Duration, Instant};

use super::{
    breaker::{CallEnd, Permit},
    call::Call,
    client::VendorClient,
};
use crate::domain::{VendorErrorCode, VendorFailure};

/// A guard that is dropped before the end means cancellation. It counts as a failure of a vendor that had enough time to
/// respond.
pub(super) struct InFlight<'a, 'p> {
    client: &'a VendorClient,
    call: &'a Call,
    permit: &'a Permit<'p>,
    attempt: usize,
    started_at: Instant,
    is_over: bool,
}

impl<'a, 'p> InFlight<'a, 'p> {
    pub(super) fn begin(
        client: &'a VendorClient,
        call: &'a Call,
        permit: &'a Permit<'p>,
        attempt: usize,
    ) -> Self {
        Self {
            client,
            call,
            permit,
            attempt,
            started_at: Instant::now(),
            is_over: false,
        }
    }

    /// How long it took.
    pub(super) fn end(mut self) -> Duration {
        self.is_over = true;
        self.started_at.elapsed()
    }
}

impl Drop for InFlight<'_, '_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let duration = self.started_at.elapsed();
        tracing::debug!(
            target: "deskgraph::upstream",
            vendor = self.client.vendor().slug(),
            http.method = self.call.method.as_str(),
            http.route = self.call.route,
            attempt = self.attempt,
            duration_ms = duration.as_millis() as u64,
            "a vendor call is cancelled: its caller is gone"
        );
        if self.client.is_conclusive(duration) {
            let failure = VendorFailure {
                vendor: self.client.vendor(),
                code: VendorErrorCode::Timeout,
                retry_after: None,
            };
            self.client
                .health()
                .record_failure(failure, CallEnd::TimedOut);
            self.permit.count_unanswered();
        }
    }
}
