//! The only way to data: authorizes, batches, caches, and merges the vendors. A `Repository` serves one request.

// How data is read: through the cache, in batches by id, as whole directories, and as lists by creation time.
mod batch;
mod cache;
mod directory;
mod list;
mod record_details;
mod record_lookup;
mod stale;
mod weight;

// How data is written.
mod creates;
mod idempotency;
mod object_locks;
mod write;

// The objects, a file each.
mod category;
mod chat_message;
mod employee;
mod photo;
mod service_record;
mod sponsor;
mod stats;
mod termination_code;
mod ticket;
mod ticket_create;
mod ticket_stats;

use std::{
    borrow::Cow,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::{OptionFuture, join_all};

pub use crate::listing::Cursors;
use crate::{
    context::{CacheDependencies, RequestScope},
    domain::{
        Canonical, Limit, Scope, SourceState, SourceStatus, Topic, Vendor, VendorCapabilities,
        VendorStatus,
    },
    error::{Error, ErrorKind, Result},
    listing::{Fingerprint, Observations},
    telemetry::metrics::Metrics,
    upstream::VendorApi,
};
use batch::Batches;
use cache::{Cache, Cached, Lifetime, ReadKey};
pub use cache::{CacheMode, CacheSettings};
pub use creates::CreateSettings;
use directory::{Directories, DirectoryObject};
use list::{Provenance, WindowIndex};
pub use photo::{PhotoAddresses, PhotoError, PhotoSettings, ServedPhoto};
use record_details::UpdatedFields;
use stale::note_if_stale;
pub use ticket::Creation;
use weight::Weight;
use write::Writes;

/// The state that all requests share: the vendors and the cache.
pub struct Shared {
    vendors: Vec<Arc<dyn VendorApi>>,
    capabilities: VendorCapabilities,
    cache: Arc<Cache>,
    observations: Observations,
    windows: WindowIndex,
    limits: ArcSwap<Limits>,
    writes: Writes,
    updated_fields: UpdatedFields,
    photos: PhotoAddresses,
}

/// The bounds of what one request may read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max_page_size: usize,
    /// Vendor pages that one list read may take for a filter that the gateway applies.
    pub max_vendor_pages: u32,
    /// After how long a filter that a vendor did not apply is tried again.
    pub filter_retry: Duration,
}

/// One page of a list over all vendors.
#[derive(Debug)]
pub struct Page<T> {
    pub nodes: Vec<Arc<T>>,
    pub cursors: Cursors,
    pub has_next_page: bool,
    pub has_previous_page: bool,
    pub total_count: Option<u64>,
    /// How each configured vendor took part.
    pub sources: Vec<SourceStatus>,
}

/// Whether the query selects the totals of a list, which may cost calls of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalsWanted {
    Yes,
    No,
}

/// The field of the schema that returns a list: its cursors are valid for that field alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListField {
    ServiceRecords,
    Tickets,
    Employees,
    EmployeeServiceRecords,
    EmployeeTickets,
    Messages,
}

impl ListField {
    /// The fingerprint of the field and its arguments without `first` and `after`.
    fn fingerprint(self, arguments: &Canonical) -> Fingerprint {
        let name = match self {
            ListField::ServiceRecords => "Query.serviceRecords",
            ListField::Tickets => "Query.tickets",
            ListField::Employees => "Query.employees",
            ListField::EmployeeServiceRecords => "Employee.serviceRecords",
            ListField::EmployeeTickets => "Employee.tickets",
            ListField::Messages => "ServiceRecord.messages",
        };
        Fingerprint::of(&format!("{name} {}", arguments.as_str()))
    }
}

/// The data, as the caller of one request may see it.
pub struct Repository {
    shared: Arc<Shared>,
    scope: Arc<RequestScope>,
    batches: Batches,
    directories: Mutex<Arc<Directories>>,
}

impl Shared {
    /// The vendors in the order of the public enum.
    pub fn new(
        mut vendors: Vec<Arc<dyn VendorApi>>,
        cache: CacheSettings,
        limits: Limits,
        creates: CreateSettings,
        photos: PhotoAddresses,
        metrics: &Metrics,
    ) -> Arc<Self> {
        vendors.sort_by_key(|vendor| vendor.vendor());
        let capabilities = vendors
            .iter()
            .map(|vendor| (vendor.vendor(), vendor.capabilities()));
        Arc::new(Self {
            capabilities: capabilities.collect(),
            vendors,
            cache: Arc::new(Cache::new(cache, metrics.cache.clone())),
            observations: Observations::new(limits.filter_retry),
            windows: WindowIndex::new(),
            limits: ArcSwap::from_pointee(limits),
            writes: Writes::new(creates),
            updated_fields: UpdatedFields::new(),
            photos,
        })
    }

    /// Other times to live and limits from now on. What is cached stays.
    pub fn reload(&self, cache: CacheSettings, limits: Limits) {
        self.cache.set_times(cache);
        self.limits.store(Arc::new(limits));
    }

    fn limits(&self) -> Limits {
        **self.limits.load()
    }

    /// Completes when no write is in flight. A write runs on when its caller disconnects.
    pub async fn writes_ended(&self) {
        self.writes.ended().await;
    }

    pub fn for_request(self: &Arc<Self>, scope: Arc<RequestScope>) -> Repository {
        Repository {
            shared: Arc::clone(self),
            batches: Batches::new(Arc::clone(self), Arc::clone(&scope)),
            directories: Mutex::default(),
            scope,
        }
    }

    /// Each configured vendor, as the gateway sees it now.
    pub fn vendor_statuses(&self) -> Vec<VendorStatus> {
        self.vendors.iter().map(|vendor| vendor.status()).collect()
    }

    /// The estimated size of the cached data.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    /// Whether no write through the gateway has changed what a response depends on.
    pub fn are_current(&self, dependencies: &CacheDependencies) -> bool {
        self.cache.are_current(dependencies)
    }

    /// How many writes the gateway has sent: a query that starts after a write must not share an execution from before it.
    pub fn writes(&self) -> u64 {
        self.cache.writes()
    }

    fn vendor(&self, vendor: Vendor) -> Result<&Arc<dyn VendorApi>> {
        let configured = self.vendors.iter().find(|known| known.vendor() == vendor);
        configured.ok_or_else(|| {
            Error::bad_user_input(format!(
                "the id is of {vendor}, which is not configured here: it must be of a vendor that `vendors` lists"
            ))
        })
    }

    /// Drops the lists of a noun, because a write may have changed any of them.
    fn drop_lists(&self, vendor: Vendor, topic: Topic) {
        self.cache.drop_lists(vendor, topic);
        self.windows.drop_lists(vendor, topic);
    }

    /// Drops what was read of a noun, because a filter was found not to be applied.
    fn drop_read(&self, vendor: Vendor, topic: Topic) {
        self.drop_lists(vendor, topic);
        self.cache.drop_changed(vendor, topic, |_| true);
    }
}

impl Repository {
    /// Checks `first` against the configured maximum; none means the field's default.
    pub fn limit(&self, first: Option<i32>, default: usize) -> Result<Limit> {
        let max = self.shared.limits().max_page_size;
        match first {
            None => Limit::new(i32::try_from(default.min(max)).unwrap_or(i32::MAX), max),
            Some(first) => Limit::new(first, max),
        }
        .ok_or_else(|| Error::bad_user_input(format!("`first` must be 1 to {max}")))
    }

    /// What each configured vendor can do.
    pub fn capabilities(&self) -> &VendorCapabilities {
        &self.shared.capabilities
    }

    /// A client may request at most MAX_PAGE_SIZE ids in one field.
    pub fn check_id_count(&self, count: usize) -> Result<()> {
        let max = self.shared.limits().max_page_size;
        if count <= max {
            return Ok(());
        }
        Err(Error::bad_user_input(format!(
            "`ids` must hold at most {max} ids, not {count}"
        )))
    }

    /// Personal data as this caller may see it: whole, or masked but for its last character.
    pub fn personal<'a>(&self, value: Option<&'a str>) -> Option<Cow<'a, str>> {
        let value = value?;
        Some(match self.scope.caller.may(Scope::Pii) {
            true => Cow::Borrowed(value),
            false => Cow::Owned(masked(value)),
        })
    }

    /// The response shows this state. Only the first response can say that its data is fresh.
    pub fn forbid_replay_of_fresh(&self, state: SourceState) {
        if state == SourceState::Fresh {
            self.scope.dependencies.forbid_replay();
        }
    }

    /// Each configured vendor, as the gateway sees it now.
    pub fn vendors(&self) -> Result<Vec<VendorStatus>> {
        self.authorize(Scope::Read)?;
        self.scope.dependencies.expire_now();
        Ok(self.shared.vendor_statuses())
    }

    pub fn authorize(&self, scope: Scope) -> Result<()> {
        if self.scope.caller.may(scope) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "this needs the scope `{}`, which the caller does not have",
                scope.name()
            ),
        ))
    }

    /// The vendor of an id. It must be configured.
    fn vendor(&self, vendor: Vendor) -> Result<&Arc<dyn VendorApi>> {
        self.shared.vendor(vendor)
    }

    /// Reads from a vendor through the cache. The last part of the key names all that the result depends on beside vendor and
    /// topic.
    async fn read<T, Loading>(
        &self,
        vendor: &Arc<dyn VendorApi>,
        (topic, lifetime, parts): (Topic, Lifetime, impl Hash),
        load: impl Fn(Arc<dyn VendorApi>, Arc<RequestScope>) -> Loading,
    ) -> Result<Cached<T>>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let cache = &self.shared.cache;
        let key = cache.key(vendor.vendor(), topic, lifetime, parts);
        self.shared.read(&self.scope, vendor, key, load).await
    }

    /// Reads from the selected vendors at the same time, without a selection from all of them. A vendor that is not selected has
    /// no read. Fails as `tolerate` does.
    async fn read_selected<'a, T, Reading>(
        &'a self,
        selected: Option<&[Vendor]>,
        read: impl Fn(&'a Arc<dyn VendorApi>) -> Reading,
    ) -> Result<Vec<(&'a Arc<dyn VendorApi>, Option<Result<T>>)>>
    where
        Reading: Future<Output = Result<T>>,
    {
        let vendors = &self.shared.vendors;
        let reads = vendors.iter().map(|vendor| {
            let is_selected = selected.is_none_or(|selected| selected.contains(&vendor.vendor()));
            OptionFuture::from(is_selected.then(|| read(vendor)))
        });
        let reads = join_all(reads).await;
        tolerate(reads.iter().flatten())?;
        Ok(vendors.iter().zip(reads).collect())
    }

    /// Reads a whole directory of a vendor, once for the request, also when that fails.
    async fn directory<T, Loading>(
        &self,
        vendor: &Arc<dyn VendorApi>,
        load: impl Fn(Arc<dyn VendorApi>, Arc<RequestScope>) -> Loading,
    ) -> Result<Cached<Vec<Arc<T>>>>
    where
        T: DirectoryObject,
        Loading: Future<Output = Result<Vec<Arc<T>>>> + Send + 'static,
    {
        let read = || self.read(vendor, (T::TOPIC, Lifetime::Directory, ()), load);
        let known = Arc::clone(&self.directories());
        let of_vendor = &T::of(&known)[vendor.vendor() as usize];
        let directory = of_vendor.get_or_init(read).await.clone()?;
        // Another field may have read it.
        note_if_stale(vendor, &directory);
        Ok(directory)
    }

    fn directories(&self) -> MutexGuard<'_, Arc<Directories>> {
        let directories = self.directories.lock();
        directories.unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what this request has read, so that fields after a write read it again.
    fn forget_reads(&self) {
        self.batches.forget();
        *self.directories() = Arc::default();
    }
}

/// Shows the last character at most, and none of a value that has fewer than four.
fn masked(value: &str) -> String {
    let length = value.chars().count();
    let hidden = if length < 4 { length } else { length - 1 };
    value
        .chars()
        .enumerate()
        .map(|(index, character)| if index < hidden { '*' } else { character })
        .collect()
}

/// How a vendor took part, from one read.
fn source_of<T>(
    vendor: &dyn VendorApi,
    read: Result<&Cached<T>, &Error>,
    total_count: Option<u64>,
) -> Option<SourceStatus> {
    match read {
        Ok(cached) => {
            Some(Provenance::of(cached).source(vendor.vendor(), vendor.zone(), total_count))
        }
        Err(error) => error.vendor_failure().map(SourceStatus::failed),
    }
}

/// Fails when all vendors failed, or when one read failed for another reason than its vendor. Otherwise the response has the data
/// of the other vendors.
fn tolerate<'a, T: 'a>(reads: impl IntoIterator<Item = &'a Result<T>>) -> Result<()> {
    let reads: Vec<_> = reads.into_iter().collect();
    let errors: Vec<&Error> = reads
        .iter()
        .filter_map(|read| read.as_ref().err())
        .collect();
    let all_failed = errors.len() == reads.len();
    let fatal = errors
        .into_iter()
        .find(|error| all_failed || error.vendor_failure().is_none());
    fatal.map_or(Ok(()), |error| Err(error.clone()))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn at_most_one_character_of_a_personal_value_is_shown_and_none_of_a_short_one() {
        for (value, expected) in [
            ("", ""),
            ("7", "*"),
            ("42", "**"),
            ("123", "***"),
            ("1234", "***4"),
            ("王小明", "***"),
            ("1990-01-25", "*********5"),
            ("A123456789", "*********9"),
        ] {
            assert_eq!(masked(value), expected);
        }
    }
}
