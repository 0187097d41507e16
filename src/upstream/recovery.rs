//! Brings a vendor back that is down while nobody asks it anything: a gateway that is not ready gets no requests to try with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::Instrument;

use super::{VendorApi, breaker::FIRST_PAUSE};
use crate::{context::RequestScope, domain::Caller};

/// No vendor takes longer for one cheap call.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Tries the vendor with one cheap call whenever it is down and due. It has no end of its own.
pub async fn probe_when_down(vendor: Arc<dyn VendorApi>) {
    loop {
        vendor.probe_due().await;

        let scope = RequestScope::new(
            "recovery".to_owned(),
            Caller::new("recovery", Vec::new()),
            Instant::now() + PROBE_TIMEOUT,
        );
        // What came of it is in the vendor's health and in the log.
        let span = tracing::error_span!("recovery", request.id = scope.id);
        let _ = vendor.check(&scope).instrument(span).await;
        // A try that was refused before it made a call changed nothing, and would be due again at once.
        tokio::time::sleep(FIRST_PAUSE).await;
    }
}
