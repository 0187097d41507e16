//! The process's cache of the vendors' data: read through, with a single flight for equal reads, bounded by bytes.
//!
//! It contains what the gateway's own credentials may see; narrowing to a caller happens after it. A key is a keyed hash, so it
//! contains no personal data. An entry stays for a while after its time to live, to stand in for a vendor that fails.

mod entry;
mod topics;
mod writes;

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::time::{sleep_until, timeout_at};

use super::weight::Weight;
use crate::{
    context::{CallPriority, Dependency, RequestScope},
    domain::{SourceState, Topic, Vendor, VendorErrorCode, VendorFailure},
    error::{Error, Result},
    single_flight::{Joined, SingleFlight},
    telemetry::metrics::{CacheKind, CacheMetrics, CacheResult},
    upstream::Outage,
};
use entry::{ENTRY_BYTES, Entry, EntryExpiry};
use topics::{Hash as KeyHash, Topics};

#[derive(Debug, Clone)]
pub struct CacheSettings {
    pub mode: CacheMode,
    pub list_ttl: Duration,
    pub entity_ttl: Duration,
    pub directory_ttl: Duration,
    /// How long past its time to live an entry may stand in for a vendor that fails.
    pub stale: Duration,
    pub max_bytes: u64,
}

/// Whether anything is cached between requests. Equal reads at the same time share one call either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMode {
    Enabled,
    Disabled,
}

/// The kind of a read, which decides its time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lifetime {
    List,
    Entity,
    Directory,
    /// The count of a day that is over.
    PastDay,
    /// Not cached: only equal reads at the same time share it.
    Flight,
    /// That a single object does not exist.
    Absence,
}

const PAST_DAY_TTL: Duration = Duration::from_secs(3600);

/// Where objects are cached for less, so is their absence.
const ABSENCE_TTL: Duration = Duration::from_secs(1);

/// A value, and how the cache came by it.
pub(super) struct Cached<T> {
    pub value: Arc<T>,
    /// FRESH, CACHED or STALE.
    pub state: SourceState,
    pub read_at: Timestamp,
    /// What made it stale.
    pub failure: Option<VendorFailure>,
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            ..*self
        }
    }
}

/// Names one read of one vendor.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadKey {
    vendor: Vendor,
    topic: Topic,
    lifetime: Lifetime,
    hash: KeyHash,
    /// How many writes the topic had had.
    epoch: u64,
}

pub(super) struct Cache {
    settings: ArcSwap<CacheSettings>,
    metrics: CacheMetrics,
    entries: moka::sync::Cache<KeyHash, Entry>,
    flights: Arc<Flights>,
    topics: Topics,
    writes: AtomicU64,
    hashers: (RandomState, RandomState),
}

/// A cached value of any type.
pub(super) type AnyValue = dyn Any + Send + Sync;

/// Reads in flight, with the scope of the request that leads. By the epoch too: a read after a write does not join one from before
/// it.
type Flights = SingleFlight<(KeyHash, u64), Result<Entry>, Arc<RequestScope>>;

/// Whether an entry is one object, which a write to another object leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    List,
    Object,
}

impl Cache {
    pub(super) fn new(settings: CacheSettings, metrics: CacheMetrics) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(settings.max_bytes)
            .weigher(|_, entry: &Entry| entry.bytes)
            .expire_after(EntryExpiry)
            .build();
        Self {
            settings: ArcSwap::from_pointee(settings),
            metrics,
            entries,
            flights: SingleFlight::new(),
            topics: Topics::default(),
            writes: AtomicU64::new(0),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// Other times to live, for what is read from now on.
    pub(super) fn set_times(&self, new: CacheSettings) {
        let known = self.settings.load();
        self.settings.store(Arc::new(CacheSettings {
            mode: known.mode,
            max_bytes: known.max_bytes,
            ..new
        }));
    }

    /// The key of a read. `parts` names all that the result depends on beside vendor and topic.
    pub(super) fn key(
        &self,
        vendor: Vendor,
        topic: Topic,
        lifetime: Lifetime,
        parts: impl Hash,
    ) -> ReadKey {
        // Read before the entry: a write in between makes a key that is too old, never a current key with an entry of before it.
        let epoch = self.topics.of(vendor, topic).epoch();
        let whole = (vendor, topic, lifetime, parts);
        let hash = (
            self.hashers.0.hash_one(&whole),
            self.hashers.1.hash_one(&whole),
        );
        ReadKey {
            vendor,
            topic,
            lifetime,
            hash,
            epoch,
        }
    }

    /// The cached value while it is fresh, without waiting.
    pub(super) fn cached<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
    ) -> Option<Cached<T>> {
        let entry = self.entries.get(&key.hash)?;
        self.depend_on(scope, key, entry.is_fresh().then_some(&entry)?);
        scope.counters.count_cache_hit();
        self.count(key, CacheResult::Fresh);
        entry.cached(SourceState::Cached).ok()
    }

    /// The same, for a response that does not depend on it.
    pub(super) fn fresh<T: Send + Sync + 'static>(&self, key: ReadKey) -> Option<Arc<T>> {
        let entry = self.entries.get(&key.hash).filter(Entry::is_fresh)?;
        entry.value.downcast().ok()
    }

    /// The same, at any age.
    pub(super) fn known<T: Send + Sync + 'static>(&self, key: ReadKey) -> Option<Arc<T>> {
        self.entries.get(&key.hash)?.value.downcast().ok()
    }

    /// The cached value at any age, in place of a read that failed or is not made. `Shared` decides whether it may.
    pub(super) fn stand_in<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
        failure: VendorFailure,
    ) -> Option<Cached<T>> {
        let entry = self.entries.get(&key.hash)?;
        scope.counters.count_cache_hit();
        self.count(key, CacheResult::Stale);
        scope.dependencies.expire_now();
        Some(Cached {
            failure: Some(failure),
            ..entry.cached(SourceState::Stale).ok()?
        })
    }

    /// The cached value while it is fresh, and whether this caller has to refresh it in the background.
    pub(super) fn cached_to_refresh<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
    ) -> Option<(Arc<T>, bool)> {
        let entry = self.entries.get(&key.hash)?;
        self.depend_on(scope, key, entry.is_fresh().then_some(&entry)?);
        let is_to_refresh = entry.takes_refresh();
        let value = entry.value.downcast().ok()?;
        scope.counters.count_cache_hit();
        self.count(key, CacheResult::Fresh);
        Some((value, is_to_refresh))
    }

    /// The estimated size of all entries.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.weighted_size()
    }

    /// Whether there is an entry of one of these vendors, fresh or stale.
    pub(super) fn has_entries(&self, is_served: impl Fn(Vendor) -> bool) -> bool {
        let now = Instant::now();
        let is_usable = |entry: &Entry| now < entry.fresh_until + self.settings.load().stale;
        let mut entries = self.entries.iter();
        entries.any(|(_, entry)| is_usable(&entry) && is_served(entry.vendor))
    }

    /// How many bytes the entries weigh.
    #[cfg(test)]
    pub(super) fn weighed_bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.bytes()
    }

    /// Reads from the cache while the entry is fresh, and from the vendor otherwise. Where the entry has expired and the vendor is
    /// down, nobody waits: the entry is returned as stale, and one read at a time goes on in the background.
    /// `load` gets the scope that its calls count for.
    pub(super) async fn read<T, Loading>(
        self: &Arc<Self>,
        scope: &Arc<RequestScope>,
        key: ReadKey,
        outage: impl FnOnce() -> Option<Outage>,
        load: impl Fn(Arc<RequestScope>) -> Loading,
    ) -> Result<Cached<T>>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let known = self.entries.get(&key.hash);
        if let Some(entry) = known.as_ref().filter(|entry| entry.is_fresh()) {
            scope.counters.count_cache_hit();
            self.count(key, CacheResult::Fresh);
            self.depend_on(scope, key, entry);
            if entry.takes_refresh() {
                match self.join(key, &Arc::new(scope.for_background()), &load) {
                    Joined::Leader(flight) | Joined::Follower(flight, _) => {
                        tokio::spawn(flight);
                    }
                    Joined::Cached(_) => {}
                }
            }
            return entry.cached(SourceState::Cached);
        }

        if known.is_some()
            && let Some(outage) = outage()
            && let Some(stale) = self.stand_in(scope, key, outage.failure)
        {
            if let Some(probe) = outage.probe {
                let probing = self.join(key, &Arc::new(scope.for_background()), &load);
                tokio::spawn(async move {
                    if let Joined::Leader(flight) = probing {
                        flight.await;
                    }
                    drop(probe);
                });
            }
            return Ok(stale);
        }

        match self.load_once(scope, key, load).await {
            Ok(entry) => {
                self.depend_on(scope, key, &entry);
                entry.cached(SourceState::Fresh)
            }
            Err(error) => {
                scope.dependencies.expire_now();
                Err(error)
            }
        }
    }

    /// Reads that share a flight alone are none of the cache.
    fn count(&self, key: ReadKey, result: CacheResult) {
        let kind = match key.lifetime {
            Lifetime::List | Lifetime::PastDay => CacheKind::List,
            Lifetime::Entity | Lifetime::Absence => CacheKind::Entity,
            Lifetime::Directory => CacheKind::Directory,
            Lifetime::Flight => return,
        };
        self.metrics.count(kind, result);
    }

    /// Records that the response depends on the entry. The result of a flight is no entry: `depend_on_loaded` records its objects.
    fn depend_on(&self, scope: &RequestScope, key: ReadKey, entry: &Entry) {
        match self.settings.load().mode {
            _ if key.lifetime == Lifetime::Flight => {}
            CacheMode::Enabled => {
                scope.dependencies.depend_on(
                    key.dependency(),
                    entry.fresh_until,
                    entry.refresh_from,
                );
            }
            CacheMode::Disabled => scope.dependencies.expire_now(),
        }
    }

    /// The same for an object that the batch with the key `source` has just loaded.
    pub(super) fn depend_on_loaded(&self, scope: &RequestScope, source: ReadKey) {
        self.metrics.count(CacheKind::Entity, CacheResult::Miss);
        let now = Instant::now();
        let ttl = self.ttl(Lifetime::Entity);
        match self.settings.load().mode {
            CacheMode::Enabled => {
                scope.dependencies.depend_on(
                    source.dependency(),
                    now + ttl,
                    now + refreshed_after(ttl),
                );
            }
            CacheMode::Disabled => scope.dependencies.expire_now(),
        }
    }

    /// Stores objects that a read has just loaded, unless a write to their topic came after the read's key. The read itself calls
    /// it: a caller that finds the read's result in the cache has no newer objects.
    pub(super) fn store_objects<Id, T>(
        &self,
        source: ReadKey,
        objects: impl Iterator<Item = (Id, Arc<T>)>,
    ) where
        Id: Hash,
        T: Weight + Send + Sync + 'static,
    {
        if self.settings.load().mode == CacheMode::Disabled {
            return;
        }
        let read_at = Timestamp::now();
        for (id, object) in objects {
            let key = ReadKey {
                epoch: source.epoch,
                ..self.key(source.vendor, source.topic, Lifetime::Entity, id)
            };
            let entry = self.entry(key, object, read_at);
            self.store(key, entry, EntryKind::Object);
        }
    }

    /// Stores an entry, unless a write to its topic came after its key.
    fn store(&self, key: ReadKey, entry: Entry, kind: EntryKind) {
        let topic = self.topics.of(key.vendor, key.topic);
        let mut keys = topic.keys();
        if topic.epoch() != key.epoch {
            return;
        }
        self.entries.insert(key.hash, entry);
        let keys = match kind {
            EntryKind::List => &mut keys.lists,
            EntryKind::Object => &mut keys.objects,
        };
        keys.insert(key.hash, |key| self.entries.contains_key(key));
    }

    /// Remembers for a moment which objects the vendor does not have, unless a write to their topic came after the read's key.
    pub(super) fn store_absences<Id: Hash>(&self, source: ReadKey, ids: impl Iterator<Item = Id>) {
        for id in ids {
            let key = ReadKey {
                epoch: source.epoch,
                ..self.key(source.vendor, source.topic, Lifetime::Absence, id)
            };
            self.put(key, Absent, Timestamp::now());
        }
    }

    /// Whether the vendor said a moment ago that it has no such object.
    pub(super) fn is_absent<Id: Hash>(&self, vendor: Vendor, topic: Topic, id: Id) -> bool {
        let key = self.key(vendor, topic, Lifetime::Absence, id);
        self.fresh::<Absent>(key).is_some()
    }

    /// Keeps what another read has shown.
    pub(super) fn put<T>(&self, key: ReadKey, value: T, read_at: Timestamp)
    where
        T: Weight + Send + Sync + 'static,
    {
        if self.settings.load().mode == CacheMode::Enabled {
            let entry = self.entry(key, Arc::new(value), read_at);
            self.store(key, entry, EntryKind::List);
        }
    }

    /// Loads from the vendor, in one flight with equal reads, within the deadline of this request.
    async fn load_once<T, Loading>(
        self: &Arc<Self>,
        scope: &Arc<RequestScope>,
        key: ReadKey,
        load: impl Fn(Arc<RequestScope>) -> Loading,
    ) -> Result<Entry>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        loop {
            let (flight, leader) = match self.join(key, scope, &load) {
                // The load ends by the deadline of this request.
                Joined::Leader(flight) => {
                    self.count(key, CacheResult::Miss);
                    return flight.await.unwrap_or_else(panicked);
                }
                Joined::Follower(flight, leader) => {
                    self.count(key, CacheResult::Shared);
                    (flight, leader)
                }
                Joined::Cached(entry) => {
                    self.count(key, CacheResult::Fresh);
                    return entry;
                }
            };
            if scope.priority() == CallPriority::Caller {
                leader.raise_priority();
            }
            let result = match timeout_at(scope.deadline.into(), flight).await {
                Ok(result) => result.unwrap_or_else(panicked),
                Err(_) => Err(Error::vendor(key.vendor, VendorErrorCode::Timeout)),
            };
            // The calls that were too few were the leader's.
            let lacked_calls = result.as_ref().err().is_some_and(Error::is_limit_exceeded);
            if lacked_calls && scope.vendor_calls.left() > 0 {
                continue;
            }
            let now = Instant::now();
            let deadline = leader.deadline;
            // The deadline that was missed was the leader's.
            let is_leaders_timeout = timed_out(&result) && deadline <= now;
            // Or the vendor requested a pause that ends after the leader's deadline.
            let pause = asked_pause(&result).and_then(|pause| now.checked_add(pause));
            let retry_at = match pause.filter(|pause_ends| deadline <= *pause_ends) {
                Some(pause_ends) => pause_ends,
                None if is_leaders_timeout => now,
                None => return result,
            };
            if scope.deadline <= retry_at {
                scope.deadline_miss.record(retry_at);
                return result;
            }
            sleep_until(retry_at.into()).await;
        }
    }

    /// Joins the flight of an equal read, or starts one.
    fn join<T, Loading>(
        self: &Arc<Self>,
        key: ReadKey,
        scope: &Arc<RequestScope>,
        load: impl Fn(Arc<RequestScope>) -> Loading,
    ) -> Joined<Result<Entry>, Arc<RequestScope>>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let cached = || self.entries.get(&key.hash).filter(Entry::is_new).map(Ok);
        let read = || {
            let (cache, load) = (Arc::clone(self), load(Arc::clone(scope)));
            async move {
                let value = load.await.inspect_err(|error| {
                    if is_forbidden(error) {
                        cache.entries.invalidate(&key.hash);
                    }
                })?;
                Ok(cache.entry(key, Arc::new(value), Timestamp::now()))
            }
        };
        let cache = Arc::clone(self);
        let store = move |entry: &Result<Entry>| {
            if let Ok(entry) = entry
                && key.lifetime != Lifetime::Flight
                && cache.settings.load().mode == CacheMode::Enabled
            {
                cache.store(key, entry.clone(), EntryKind::List);
            }
        };
        self.flights.join_cached(
            (key.hash, key.epoch),
            Arc::clone(scope),
            cached,
            read,
            store,
        )
    }

    fn entry<T>(&self, key: ReadKey, value: Arc<T>, read_at: Timestamp) -> Entry
    where
        T: Weight + Send + Sync + 'static,
    {
        let ttl = self.ttl(key.lifetime);
        let now = Instant::now();
        Entry {
            vendor: key.vendor,
            bytes: u32::try_from(value.bytes() + ENTRY_BYTES).unwrap_or(u32::MAX),
            value,
            read_at,
            fresh_until: now + ttl,
            refresh_from: now + refreshed_after(ttl),
            is_refreshed: Arc::default(),
            expires_after: match key.lifetime {
                Lifetime::Absence => ttl,
                _ => ttl + self.settings.load().stale,
            },
        }
    }

    fn ttl(&self, lifetime: Lifetime) -> Duration {
        match lifetime {
            Lifetime::List => self.settings.load().list_ttl,
            Lifetime::Entity => self.settings.load().entity_ttl,
            Lifetime::Directory => self.settings.load().directory_ttl,
            Lifetime::PastDay => PAST_DAY_TTL,
            Lifetime::Flight => Duration::ZERO,
            Lifetime::Absence => ABSENCE_TTL.min(self.settings.load().entity_ttl),
        }
    }
}

impl ReadKey {
    pub(super) fn hash(self) -> (u64, u64) {
        self.hash
    }

    pub(super) fn vendor(self) -> Vendor {
        self.vendor
    }

    pub(super) fn topic(self) -> Topic {
        self.topic
    }

    fn dependency(&self) -> Dependency {
        Dependency {
            vendor: self.vendor,
            topic: self.topic,
            epoch: self.epoch,
        }
    }
}

/// The entry for an object that does not exist.
struct Absent;

impl Weight for Absent {
    fn owned_bytes(&self) -> usize {
        0
    }
}

/// A read late in the time to live refreshes the entry before it ends.
fn refreshed_after(ttl: Duration) -> Duration {
    ttl * 4 / 5
}

fn panicked<T>() -> Result<T> {
    Err(Error::internal("a read of a vendor panicked"))
}

/// What the vendor forbids must not stand in for it later.
pub(super) fn is_forbidden(error: &Error) -> bool {
    let failure = error.vendor_failure();
    failure.is_some_and(|failure| failure.code == VendorErrorCode::Forbidden)
}

fn timed_out<T>(result: &Result<T>) -> bool {
    let failure = result.as_ref().err().and_then(Error::vendor_failure);
    failure.is_some_and(|failure| failure.code == VendorErrorCode::Timeout)
}

/// The pause that the vendor requested. An open circuit names one too, but no request waits for it.
fn asked_pause<T>(result: &Result<T>) -> Option<Duration> {
    let failure = result.as_ref().err().and_then(Error::vendor_failure)?;
    match failure.code {
        VendorErrorCode::CircuitOpen => None,
        _ => failure.retry_after,
    }
}
