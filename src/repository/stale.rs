//! Expired data in place of a vendor's: when it may be served, and how it is reported.

use std::sync::Arc;

use super::{
    Repository, Shared,
    cache::{Cached, ReadKey, is_forbidden},
    weight::Weight,
};
use crate::{
    context::{PathStep, RequestScope, StaleRead},
    domain::{SourceState, VendorErrorCode, VendorFailure},
    error::{Error, Result},
    upstream::VendorApi,
};

impl Shared {
    /// Reads through the cache, with stale data in place of a vendor that fails. `load` owns all that it uses, because its future
    /// outlives this request while others wait for it.
    pub(super) async fn read<T, Loading>(
        &self,
        scope: &Arc<RequestScope>,
        vendor: &Arc<dyn VendorApi>,
        key: ReadKey,
        load: impl Fn(Arc<dyn VendorApi>, Arc<RequestScope>) -> Loading,
    ) -> Result<Cached<T>>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let load = |scope| load(Arc::clone(vendor), scope);
        let read = self.cache.read(scope, key, || vendor.outage(), load).await;
        match read {
            Ok(cached) => {
                note_if_stale(vendor, &cached);
                Ok(cached)
            }
            Err(error) => self.stand_in_for(scope, vendor, key, error),
        }
    }

    fn stand_in_for<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        vendor: &Arc<dyn VendorApi>,
        key: ReadKey,
        error: Error,
    ) -> Result<Cached<T>> {
        let failure = error.vendor_failure();
        let stale = failure.and_then(|failure| self.stand_in(scope, vendor, key, failure));
        stale.ok_or(error)
    }

    /// The cached value at any age, in place of a read that failed; none where the vendor refused the gateway's credentials or
    /// forbids the read.
    pub(super) fn stand_in<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        vendor: &Arc<dyn VendorApi>,
        key: ReadKey,
        failure: VendorFailure,
    ) -> Option<Cached<T>> {
        use VendorErrorCode::{Forbidden, Unauthenticated};

        let is_refused = matches!(failure.code, Unauthenticated | Forbidden);
        if is_refused || vendor.refuses_credentials() {
            return None;
        }
        let stale = self.cache.stand_in(scope, key, failure)?;
        note_if_stale(vendor, &stale);
        Some(stale)
    }

    /// Whether anything is cached that could be served in place of failing vendors.
    pub fn has_servable_data(&self) -> bool {
        self.cache.has_entries(|name| {
            let vendor = self.vendor(name);
            vendor.is_ok_and(|vendor| !vendor.refuses_credentials())
        })
    }

    /// Passes the result of a list on. A vendor that forbids a list forbids what it said of that noun's lists before.
    pub(super) fn unless_forbidden<T>(&self, key: ReadKey, read: Result<T>) -> Result<T> {
        read.inspect_err(|error| {
            if is_forbidden(error) {
                self.cache.free_lists(key.vendor(), key.topic());
            }
        })
    }
}

impl Repository {
    /// Reports that the part of the response at this path is stale.
    pub fn report_stale(&self, path: &[PathStep], reads: Vec<StaleRead>) {
        self.scope.stale_parts.report(path, reads);
    }
}

/// Notes it for the field that is being resolved.
pub(super) fn note_if_stale<T>(vendor: &Arc<dyn VendorApi>, cached: &Cached<T>) {
    if cached.state == SourceState::Stale {
        stale_read(vendor, cached).note();
    }
}

pub(super) fn stale_read<T>(vendor: &Arc<dyn VendorApi>, cached: &Cached<T>) -> StaleRead {
    StaleRead {
        vendor: vendor.vendor(),
        fetched_at: vendor.zone().at(cached.read_at),
    }
}
