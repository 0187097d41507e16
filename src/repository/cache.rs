//! The process's cache of what vendors said: read through, with one flight for equal reads, bounded by bytes.
//!
//! It holds only what the gateway's own credentials saw; narrowing to a caller happens after it. A key is a keyed hash, so no
//! personal data stands in one. An answer past its time to live is kept a while longer, to stand in for a vendor that fails.

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::{sleep_until, timeout_at};

use super::weight::Weight;
use crate::{
    context::{CacheDependencies, Dependency, RequestScope},
    domain::{SourceState, Topic, Vendor, VendorErrorCode, VendorFailure},
    error::{Error, Result},
    single_flight::{Joined, SingleFlight},
};

#[derive(Debug, Clone)]
pub struct CacheSettings {
    pub keeping: Keeping,
    pub list_ttl: Duration,
    pub entity_ttl: Duration,
    pub directory_ttl: Duration,
    /// How long past its time to live an answer may stand in for a vendor that fails.
    pub stale: Duration,
    pub max_bytes: u64,
}

/// Whether anything is kept between requests. Equal reads at once share one call either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    Kept,
    NotKept,
}

/// What kind of answer it is: that decides how long it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lifetime {
    List,
    Entity,
    Directory,
    /// The count of a day that is over.
    PastDay,
    /// Not kept: only equal reads at once share it.
    Flight,
}

const PAST_DAY_TTL: Duration = Duration::from_secs(3600);

const VENDORS: usize = Vendor::ALL.len();

/// An answer, and how it came.
pub(super) struct Kept<T> {
    pub value: Arc<T>,
    /// FRESH, CACHED or STALE.
    pub state: SourceState,
    pub read_at: Timestamp,
    /// What made it stale.
    pub failure: Option<VendorFailure>,
}

impl<T> Clone for Kept<T> {
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
    hash: (u64, u64),
    epoch: u64,
}

pub(super) struct Cache {
    settings: CacheSettings,
    entries: moka::sync::Cache<(u64, u64), Entry>,
    flights: Arc<SingleFlight<(u64, u64), Result<Entry>, Instant>>,
    /// Raised by every write to a vendor's topic: answers read under an earlier epoch are found no more.
    list_epochs: Epochs,
    /// Raised by a write that may change every object of a topic.
    entity_epochs: Epochs,
    writes: AtomicU64,
    hashers: (RandomState, RandomState),
}

type Epochs = [[AtomicU64; Topic::COUNT]; VENDORS];

#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    read_at: Timestamp,
    fresh_until: Instant,
    /// From here on a read has it read again in the background, once.
    refresh_from: Instant,
    is_refreshed: Arc<AtomicBool>,
    kept_for: Duration,
    bytes: u32,
}

impl Cache {
    pub(super) fn new(settings: CacheSettings) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(settings.max_bytes)
            .weigher(|_, entry: &Entry| entry.bytes)
            .expire_after(KeptFor)
            .build();
        Self {
            settings,
            entries,
            flights: SingleFlight::new(),
            list_epochs: Default::default(),
            entity_epochs: Default::default(),
            writes: AtomicU64::new(0),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// The key of a read: everything that its answer depends on goes into `read`.
    pub(super) fn key(
        &self,
        vendor: Vendor,
        topic: Topic,
        lifetime: Lifetime,
        read: impl Hash,
    ) -> ReadKey {
        // Read once, and before the objects' epoch, which is raised first: a write between the two makes the key one of before
        // it, never one of after it that finds what was read before it.
        let list_epoch = epoch(&self.list_epochs, vendor, topic);
        let found_under = match lifetime {
            // One object's answer is dropped by name when the object alone is written.
            Lifetime::Entity => epoch(&self.entity_epochs, vendor, topic),
            _ => list_epoch,
        };
        let whole = (vendor, topic, lifetime, found_under, read);
        let hash = (
            self.hashers.0.hash_one(&whole),
            self.hashers.1.hash_one(&whole),
        );
        ReadKey {
            vendor,
            topic,
            lifetime,
            hash,
            epoch: list_epoch,
        }
    }

    /// What is held and fresh, without any waiting.
    pub(super) fn held<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
    ) -> Option<Arc<T>> {
        let entry = self.entries.get(&key.hash)?;
        self.tell(scope, key, entry.is_fresh().then_some(&entry)?);
        let value = entry.value.downcast().ok()?;
        scope.counters.count_cache_hit();
        Some(value)
    }

    /// The same, with where it came from.
    pub(super) fn cached<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
    ) -> Option<Kept<T>> {
        let entry = self.entries.get(&key.hash)?;
        self.tell(scope, key, entry.is_fresh().then_some(&entry)?);
        scope.counters.count_cache_hit();
        entry.kept(SourceState::Cached).ok()
    }

    /// What is fresh, to learn from: no answer rests on it.
    pub(super) fn fresh<T: Send + Sync + 'static>(&self, key: ReadKey) -> Option<Arc<T>> {
        let entry = self.entries.get(&key.hash).filter(Entry::is_fresh)?;
        entry.value.downcast().ok()
    }

    /// The same, however old.
    pub(super) fn known<T: Send + Sync + 'static>(&self, key: ReadKey) -> Option<Arc<T>> {
        self.entries.get(&key.hash)?.value.downcast().ok()
    }

    /// What the vendor said last, in place of what it fails to say now.
    pub(super) fn stand_in<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
        failure: VendorFailure,
    ) -> Option<Kept<T>> {
        let entry = self.entries.get(&key.hash)?;
        scope.counters.count_cache_hit();
        scope.dependencies.expire_now();
        Some(Kept {
            failure: Some(failure),
            ..entry.kept(SourceState::Stale).ok()?
        })
    }

    /// The same, and whether this reader is the one who has it read again in the background.
    pub(super) fn held_to_refresh<T: Send + Sync + 'static>(
        &self,
        scope: &RequestScope,
        key: ReadKey,
    ) -> Option<(Arc<T>, bool)> {
        let entry = self.entries.get(&key.hash)?;
        self.tell(scope, key, entry.is_fresh().then_some(&entry)?);
        let is_to_refresh = entry.takes_refresh();
        let value = entry.value.downcast().ok()?;
        scope.counters.count_cache_hit();
        Some((value, is_to_refresh))
    }

    /// Whether there is any answer that has not left yet, however old.
    pub(super) fn holds_any(&self) -> bool {
        self.entries.iter().next().is_some()
    }

    /// Answers from the cache while it is fresh, from the vendor otherwise, and from what the vendor said last when it fails.
    pub(super) async fn read<T, Loading>(
        self: &Arc<Self>,
        scope: &RequestScope,
        key: ReadKey,
        load: impl Fn() -> Loading,
    ) -> Result<Kept<T>>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let held = self.entries.get(&key.hash);
        if let Some(entry) = held.as_ref().filter(|entry| entry.is_fresh()) {
            scope.counters.count_cache_hit();
            self.tell(scope, key, entry);
            if entry.takes_refresh() {
                match self.join(key, scope.deadline, &load) {
                    Joined::Leader(flight) | Joined::Follower(flight, _) => {
                        tokio::spawn(flight);
                    }
                    Joined::Cached(_) => {}
                }
            }
            return entry.kept(SourceState::Cached);
        }

        let error = match self.fly(scope, key, load).await {
            Ok(entry) => {
                self.tell(scope, key, &entry);
                return entry.kept(SourceState::Fresh);
            }
            Err(error) => error,
        };
        scope.dependencies.expire_now();
        match (error.vendor_failure(), held) {
            (Some(failure), Some(stale)) => {
                scope.counters.count_cache_hit();
                Ok(Kept {
                    failure: Some(failure),
                    ..stale.kept(SourceState::Stale)?
                })
            }
            _ => Err(error),
        }
    }

    /// Tells the request what its answer rests on. A flight is not kept: what it brings is told by whoever takes it apart.
    fn tell(&self, scope: &RequestScope, key: ReadKey, entry: &Entry) {
        match self.settings.keeping {
            _ if key.lifetime == Lifetime::Flight => {}
            Keeping::Kept => {
                scope.dependencies.depend_on(
                    key.dependency(),
                    entry.fresh_until,
                    entry.refresh_from,
                );
            }
            Keeping::NotKept => scope.dependencies.expire_now(),
        }
    }

    /// The same for an object that the flight named by `source` has just brought.
    pub(super) fn tell_brought(&self, scope: &RequestScope, source: ReadKey) {
        let now = Instant::now();
        let ttl = self.ttl(Lifetime::Entity);
        match self.settings.keeping {
            Keeping::Kept => {
                scope.dependencies.depend_on(
                    source.dependency(),
                    now + ttl,
                    now + refreshed_after(ttl),
                );
            }
            Keeping::NotKept => scope.dependencies.expire_now(),
        }
    }

    /// Whether nothing was written since to what the answer rests on.
    pub(super) fn holds(&self, dependencies: &CacheDependencies) -> bool {
        dependencies
            .dependencies()
            .iter()
            .all(|one| one.epoch == epoch(&self.list_epochs, one.vendor, one.topic))
    }

    /// Files objects that a read has just brought along, unless their topic was written since that read's key was made. It
    /// belongs into the read itself: who finds the read's answer in the cache has nothing newer to file.
    pub(super) fn feed<Id, T>(&self, source: ReadKey, brought: impl Iterator<Item = (Id, Arc<T>)>)
    where
        Id: Hash,
        T: Weight + Send + Sync + 'static,
    {
        if self.settings.keeping == Keeping::NotKept {
            return;
        }
        let read_at = Timestamp::now();
        for (id, object) in brought {
            if !self.is_current(source) {
                return;
            }
            let key = self.key(source.vendor, source.topic, Lifetime::Entity, id);
            self.entries
                .insert(key.hash, self.entry(key, object, read_at));
            // A write that came between the question and the filing found nothing to drop.
            if !self.is_current(source) {
                self.entries.invalidate(&key.hash);
            }
        }
    }

    /// Keeps what another read has shown.
    pub(super) fn put<T>(&self, key: ReadKey, value: T, read_at: Timestamp)
    where
        T: Weight + Send + Sync + 'static,
    {
        if self.settings.keeping == Keeping::Kept && self.is_current(key) {
            let entry = self.entry(key, Arc::new(value), read_at);
            self.entries.insert(key.hash, entry);
        }
    }

    /// How often anything was written.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Lists, totals and counts of the topic are read anew from now on, by every caller.
    pub(super) fn drop_lists(&self, vendor: Vendor, topic: Topic) {
        self.list_epochs[vendor as usize][topic as usize].fetch_add(1, Ordering::SeqCst);
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    /// So is every object of the topic.
    pub(super) fn drop_all(&self, vendor: Vendor, topic: Topic) {
        self.entity_epochs[vendor as usize][topic as usize].fetch_add(1, Ordering::SeqCst);
        self.drop_lists(vendor, topic);
    }

    /// An object that was written, with the lists, totals and counts of its topic.
    pub(super) fn drop_object(&self, key: ReadKey) {
        self.drop_lists(key.vendor, key.topic);
        self.drop_entity(key);
        // Who found the object between those two believes to have read it after the write. Now that is before one.
        self.drop_lists(key.vendor, key.topic);
    }

    pub(super) fn drop_entity(&self, key: ReadKey) {
        self.flights.forget(&key.hash);
        self.entries.invalidate(&key.hash);
    }

    /// Whether nothing of the topic was written since the key was made.
    fn is_current(&self, key: ReadKey) -> bool {
        key.epoch == epoch(&self.list_epochs, key.vendor, key.topic)
    }

    /// What the vendor answers within the request's own time, whoever else asks the same.
    async fn fly<T, Loading>(
        self: &Arc<Self>,
        scope: &RequestScope,
        key: ReadKey,
        load: impl Fn() -> Loading,
    ) -> Result<Entry>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        loop {
            let (flight, deadline) = match self.join(key, scope.deadline, &load) {
                // It holds itself to the deadline of this request.
                Joined::Leader(flight) => return flight.await.unwrap_or_else(panicked),
                Joined::Follower(flight, deadline) => (flight, deadline),
                Joined::Cached(entry) => return entry,
            };
            let answer = match timeout_at(scope.deadline.into(), flight).await {
                Ok(answer) => answer.unwrap_or_else(panicked),
                Err(_) => Err(Error::vendor(key.vendor, VendorErrorCode::Timeout)),
            };
            let now = Instant::now();
            // The time that was over was that of the request that started the flight.
            let is_anothers_timeout = timed_out(&answer) && deadline <= now;
            // Or the vendor asked for a pause that that request had no time for.
            let pause = asked_pause(&answer).and_then(|pause| now.checked_add(pause));
            let again_at = match pause.filter(|pause_ends| deadline <= *pause_ends) {
                Some(pause_ends) => pause_ends,
                None if is_anothers_timeout => now,
                None => return answer,
            };
            if scope.deadline <= again_at {
                scope.deadline_miss.record(again_at);
                return answer;
            }
            sleep_until(again_at.into()).await;
        }
    }

    /// Joins the flight of an equal read, or starts one.
    fn join<T, Loading>(
        self: &Arc<Self>,
        key: ReadKey,
        deadline: Instant,
        load: impl Fn() -> Loading,
    ) -> Joined<Result<Entry>, Instant>
    where
        T: Weight + Send + Sync + 'static,
        Loading: Future<Output = Result<T>> + Send + 'static,
    {
        let cached = || self.entries.get(&key.hash).filter(Entry::is_new).map(Ok);
        let read = || {
            let (cache, load) = (Arc::clone(self), load());
            async move {
                let value = load.await?;
                Ok(cache.entry(key, Arc::new(value), Timestamp::now()))
            }
        };
        let cache = Arc::clone(self);
        let store = move |entry: &Result<Entry>| {
            if let Ok(entry) = entry
                && key.lifetime != Lifetime::Flight
                && cache.is_current(key)
                && cache.settings.keeping == Keeping::Kept
            {
                cache.entries.insert(key.hash, entry.clone());
            }
        };
        self.flights
            .join_cached(key.hash, deadline, cached, read, store)
    }

    fn entry<T>(&self, key: ReadKey, value: Arc<T>, read_at: Timestamp) -> Entry
    where
        T: Weight + Send + Sync + 'static,
    {
        let ttl = self.ttl(key.lifetime);
        let now = Instant::now();
        Entry {
            bytes: u32::try_from(value.bytes() + ENTRY_BYTES).unwrap_or(u32::MAX),
            value,
            read_at,
            fresh_until: now + ttl,
            refresh_from: now + refreshed_after(ttl),
            is_refreshed: Arc::default(),
            kept_for: ttl + self.settings.stale,
        }
    }

    fn ttl(&self, lifetime: Lifetime) -> Duration {
        match lifetime {
            Lifetime::List => self.settings.list_ttl,
            Lifetime::Entity => self.settings.entity_ttl,
            Lifetime::Directory => self.settings.directory_ttl,
            Lifetime::PastDay => PAST_DAY_TTL,
            Lifetime::Flight => Duration::ZERO,
        }
    }
}

impl ReadKey {
    pub(super) fn hash(self) -> (u64, u64) {
        self.hash
    }

    fn dependency(&self) -> Dependency {
        Dependency {
            vendor: self.vendor,
            topic: self.topic,
            epoch: self.epoch,
        }
    }
}

/// What is still read late in its life is read again before it ends.
fn refreshed_after(ttl: Duration) -> Duration {
    ttl * 4 / 5
}

fn epoch(epochs: &Epochs, vendor: Vendor, topic: Topic) -> u64 {
    epochs[vendor as usize][topic as usize].load(Ordering::SeqCst)
}

fn panicked<T>() -> Result<T> {
    Err(Error::internal("a read of a vendor panicked"))
}

fn timed_out<T>(answer: &Result<T>) -> bool {
    let failure = answer.as_ref().err().and_then(Error::vendor_failure);
    failure.is_some_and(|failure| failure.code == VendorErrorCode::Timeout)
}

/// What the vendor itself asked for; an open circuit asks for one too, and is not waited for.
fn asked_pause<T>(answer: &Result<T>) -> Option<Duration> {
    let failure = answer.as_ref().err().and_then(Error::vendor_failure)?;
    match failure.code {
        VendorErrorCode::CircuitOpen => None,
        _ => failure.retry_after,
    }
}

/// What an entry costs beside its value: its key, its place in the table and in the eviction queues.
const ENTRY_BYTES: usize = 256;

impl Entry {
    fn is_fresh(&self) -> bool {
        Instant::now() < self.fresh_until
    }

    /// Whether there is no reason yet to read it again.
    fn is_new(&self) -> bool {
        Instant::now() < self.refresh_from
    }

    /// Whether it is time to refresh it, told to one reader alone.
    fn takes_refresh(&self) -> bool {
        Instant::now() >= self.refresh_from && !self.is_refreshed.swap(true, Ordering::Relaxed)
    }

    fn kept<T: Send + Sync + 'static>(&self, state: SourceState) -> Result<Kept<T>> {
        let value = Arc::clone(&self.value)
            .downcast()
            .map_err(|_| Error::internal("a cached answer is of another type than its key"))?;
        Ok(Kept {
            value,
            state,
            read_at: self.read_at,
            failure: None,
        })
    }
}

/// Entries leave by themselves once not even a failing vendor may be stood in for.
struct KeptFor;

impl<K> moka::Expiry<K, Entry> for KeptFor {
    fn expire_after_create(&self, _key: &K, entry: &Entry, _now: Instant) -> Option<Duration> {
        Some(entry.kept_for)
    }

    fn expire_after_update(
        &self,
        _key: &K,
        entry: &Entry,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.kept_for)
    }
}
