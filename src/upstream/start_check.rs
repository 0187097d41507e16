//! Checks of a vendor when the gateway starts, and when it has got other credentials.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::Instrument;

use super::{
    VendorApi,
    breaker::{FIRST_PAUSE, pause},
};
use crate::{
    context::{CallBudget, RequestScope},
    domain::Caller,
    error::Result,
};

/// A vendor without an answer after this time has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(15);

/// A login, and the call itself.
const MAX_CALLS: u32 = 2;

/// Checks the vendor, and again after pauses until it works. Each result is reported.
pub async fn check_until_it_works(vendor: Arc<dyn VendorApi>, report: impl Fn(&Result<()>)) {
    for number in 1.. {
        // A call that probes the vendor at the same time may be enough for both.
        if let Some(_probe) = vendor.begin_probe() {
            let result = check(&*vendor).await;
            report(&result);
            if result.is_ok() {
                return;
            }
        }
        // A vendor may lock an account after too many refusals.
        let wait = match vendor.refuses_credentials() {
            true => pause(number),
            false => FIRST_PAUSE,
        };
        tokio::time::sleep(wait).await;
    }
}

pub async fn check_once(vendor: Arc<dyn VendorApi>, report: impl Fn(&Result<()>)) {
    report(&check(&*vendor).await);
}

/// One cheap call. The log and the vendor's health have its result.
async fn check(vendor: &dyn VendorApi) -> Result<()> {
    let mut scope = RequestScope::new(
        "start".to_owned(),
        Caller::new("start", Vec::new()),
        Instant::now() + CHECK_TIMEOUT,
    );
    scope.vendor_calls = CallBudget::with_logins(MAX_CALLS);
    let span = tracing::error_span!("start", request.id = scope.id);
    vendor.check(&scope).instrument(span).await
}
