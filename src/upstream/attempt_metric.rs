//! The metric of one attempt, recorded when its outcome is known for good.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{domain::VendorErrorCode, telemetry::metrics::VendorMetrics};

/// Recorded when it is dropped. An attempt that is cancelled counts as a time-out: its caller did not wait longer.
#[derive(Debug)]
pub(super) struct AttemptMetric {
    metrics: Arc<VendorMetrics>,
    route: &'static str,
    began_at: Instant,
    took: Option<Duration>,
    failure: Option<VendorErrorCode>,
}

impl AttemptMetric {
    pub(super) fn begin(metrics: &Arc<VendorMetrics>, route: &'static str) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            route,
            began_at: Instant::now(),
            took: None,
            failure: Some(VendorErrorCode::Timeout),
        }
    }

    /// The attempt ended. What its response holds may still show a failure.
    pub(super) fn end(&mut self, failure: Option<VendorErrorCode>) {
        self.took = Some(self.began_at.elapsed());
        self.failure = failure;
    }

    pub(super) fn set_failure(&mut self, failure: VendorErrorCode) {
        self.failure = Some(failure);
    }
}

impl Drop for AttemptMetric {
    fn drop(&mut self) {
        let took = self.took.unwrap_or_else(|| self.began_at.elapsed());
        self.metrics.record_attempt(self.route, self.failure, took);
    }
}
