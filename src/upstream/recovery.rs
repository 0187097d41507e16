//! Recovery of a vendor that is down without traffic: a gateway that is not ready gets no requests that could probe the vendor.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::Instrument;

use super::{VendorApi, breaker::FIRST_PAUSE};
use crate::{context::RequestScope, domain::Caller};

/// The deadline of one probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Probes the vendor with one cheap call whenever it is down and a probe is due. It never returns.
pub async fn probe_when_down(vendor: Arc<dyn VendorApi>) {
    loop {
        vendor.probe_due().await;

        let scope = RequestScope::new(
            "recovery".to_owned(),
            Caller::new("recovery", Vec::new()),
            Instant::now() + PROBE_TIMEOUT,
        )
        .for_background();
        // A caller's read may be the probe.
        let probe = vendor.begin_probe();
        // The result is in the vendor's health and in the log.
        let span = tracing::error_span!("recovery", request.id = scope.id);
        if probe.is_some() {
            let _ = vendor.check(&scope).instrument(span).await;
        }
        drop(probe);
        // A probe that failed before its call changed nothing, and would be due again at once.
        tokio::time::sleep(FIRST_PAUSE).await;
    }
}
