//! Batches of reads by id: ids that the fields of one request need at the same time are read from a vendor together.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_graphql::{
    dataloader::{DataLoader, HashMapCache, Loader},
    runtime::Timer,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
    task::{FutureObj, Spawn, SpawnError},
};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{
    Shared,
    cache::{Lifetime, ReadKey, is_forbidden},
    stale::stale_read,
    weight::Weight,
};
use crate::{
    context::{RequestScope, StaleRead},
    domain::{
        CategoryNames, ServiceRecord, ServiceRecordId, Ticket, TicketId, Topic, Transcript, Vendor,
        VendorFailure,
    },
    error::{Error, Result},
    upstream::{EachById, ProbePermit, VendorApi},
};

/// How often a batch is read again, because the request that led an equal one had too few vendor calls.
const MOST_BATCHES: usize = 3;

/// One request's batches. Each id has its own result, so that one bad id fails alone.
pub(super) struct Batches {
    by_id: ByIdLoader,
    loader: OnceLock<DataLoader<ByIdLoader, HashMapCache>>,
    tasks: RequestTasks,
}

impl Batches {
    pub(super) fn new(shared: Arc<Shared>, scope: Arc<RequestScope>) -> Self {
        Self {
            by_id: ByIdLoader { shared, scope },
            loader: OnceLock::new(),
            tasks: RequestTasks::default(),
        }
    }

    pub(super) async fn load<Id: BatchKey>(&self, id: Id) -> Result<Option<Arc<Id::Object>>> {
        let loader = self.loader.get_or_init(|| {
            let loaded = HashMapCache::default();
            DataLoader::with_cache(self.by_id.clone(), self.tasks.clone(), YieldTimer, loaded)
        });
        match loader.load_one(id).await {
            Ok(Some(result)) => Ok(result?.map(|loaded| {
                // The loader runs in a task of its own, which knows no field.
                if let Some(stale) = loaded.stale {
                    stale.note();
                }
                loaded.object
            })),
            Ok(None) => Err(Error::internal("a batch has no result for one of its ids")),
            Err(never) => match never {},
        }
    }

    /// Drops what this request has read of objects that can be written.
    pub(super) fn forget(&self) {
        if let Some(loader) = self.loader.get() {
            loader.clear::<ServiceRecordId>();
            loader.clear::<RecordByIdKey>();
            loader.clear::<TicketId>();
        }
    }
}

/// Reads objects by id, through the cache.
#[derive(Clone)]
pub(super) struct ByIdLoader {
    shared: Arc<Shared>,
    scope: Arc<RequestScope>,
}

/// The names of a record's categories, by the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CategoryNamesKey(pub(super) ServiceRecordId);

/// A record's own read by id, apart from the record as a list has it: the fields that a list may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RecordByIdKey {
    id: ServiceRecordId,
    /// Its keys in the cache are others than the record's.
    read: &'static str,
}

impl RecordByIdKey {
    pub(super) fn new(id: ServiceRecordId) -> Self {
        Self { id, read: "by id" }
    }
}

/// An id that a vendor's objects are read by, many at once.
pub(super) trait BatchKey: Copy + Eq + Hash + Ord + Send + Sync + 'static {
    const TOPIC: Topic;
    type Object: Weight + Send + Sync + 'static;

    fn vendor(self) -> Vendor;

    /// A result for each id. Other objects that the calls returned may follow.
    fn read(
        ids: Vec<Self>,
        shared: Arc<Shared>,
        vendor: Arc<dyn VendorApi>,
        scope: Arc<RequestScope>,
    ) -> impl Future<Output = EachById<Self, Arc<Self::Object>>> + Send + 'static;

    /// Whether reading the object by id loads as many of its fields as the cached copy has, so that a refresh loses none.
    fn is_as_rich_by_id(_cached: &Self::Object) -> bool {
        true
    }
}

impl BatchKey for ServiceRecordId {
    const TOPIC: Topic = Topic::ServiceRecords;
    type Object = ServiceRecord;

    fn vendor(self) -> Vendor {
        self.vendor
    }

    async fn read(
        ids: Vec<Self>,
        shared: Arc<Shared>,
        vendor: Arc<dyn VendorApi>,
        scope: Arc<RequestScope>,
    ) -> EachById<Self, Arc<ServiceRecord>> {
        shared.records_by_id(&vendor, &scope, &ids).await
    }

    /// Only the list may have the messages with the record.
    fn is_as_rich_by_id(cached: &ServiceRecord) -> bool {
        let has_messages = |transcript: &Transcript| match transcript {
            Transcript::Held(messages) => !messages.is_empty(),
            _ => false,
        };
        !cached.transcript.value().is_some_and(has_messages)
    }
}

impl BatchKey for RecordByIdKey {
    const TOPIC: Topic = Topic::ServiceRecords;
    type Object = ServiceRecord;

    fn vendor(self) -> Vendor {
        self.id.vendor
    }

    async fn read(
        ids: Vec<Self>,
        shared: Arc<Shared>,
        vendor: Arc<dyn VendorApi>,
        scope: Arc<RequestScope>,
    ) -> EachById<Self, Arc<ServiceRecord>> {
        let records: Vec<_> = ids.iter().map(|key| key.id).collect();
        let records = shared.records_by_id(&vendor, &scope, &records).await;
        let by_id = records.into_iter();
        by_id
            .map(|(id, record)| (RecordByIdKey::new(id), record))
            .collect()
    }
}

impl BatchKey for CategoryNamesKey {
    const TOPIC: Topic = Topic::Categories;
    type Object = CategoryNames;

    fn vendor(self) -> Vendor {
        self.0.vendor
    }

    async fn read(
        ids: Vec<Self>,
        shared: Arc<Shared>,
        vendor: Arc<dyn VendorApi>,
        scope: Arc<RequestScope>,
    ) -> EachById<Self, Arc<CategoryNames>> {
        let records: Vec<_> = ids.iter().map(|id| id.0).collect();
        let names = shared.category_names(&vendor, &scope, &records).await;
        let by_record = names.into_iter();
        let by_record = by_record
            .map(|(id, names)| (CategoryNamesKey(id), names.map(|names| names.map(Arc::new))));
        by_record.collect()
    }
}

impl BatchKey for TicketId {
    const TOPIC: Topic = Topic::Tickets;
    type Object = Ticket;

    fn vendor(self) -> Vendor {
        self.vendor
    }

    async fn read(
        ids: Vec<Self>,
        _shared: Arc<Shared>,
        vendor: Arc<dyn VendorApi>,
        scope: Arc<RequestScope>,
    ) -> EachById<Self, Arc<Ticket>> {
        let each = ids.iter();
        let each = each.map(async |id| (*id, vendor.ticket(&scope, *id).await));
        join_all(each).await
    }

    /// Only the list has the creator of a ticket.
    fn is_as_rich_by_id(cached: &Ticket) -> bool {
        !cached.creator.is_loaded()
    }
}

/// An object, and how stale it is.
pub(super) struct Loaded<T> {
    object: Arc<T>,
    stale: Option<StaleRead>,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self {
            object: Arc::clone(&self.object),
            ..*self
        }
    }
}

impl<T> From<Arc<T>> for Loaded<T> {
    fn from(object: Arc<T>) -> Self {
        Self {
            object,
            stale: None,
        }
    }
}

type LoadedById<T> = Result<Option<Loaded<T>>>;

impl<Id: BatchKey> Loader<Id> for ByIdLoader {
    type Value = LoadedById<Id::Object>;
    type Error = Infallible;

    /// A result for every id: from the cache, or from one batch for each vendor. Equal batches at once share their calls.
    async fn load(&self, ids: &[Id]) -> Result<HashMap<Id, Self::Value>, Infallible> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing: HashMap<Vendor, Vec<Id>> = HashMap::new();
        let mut aging: HashMap<Vendor, Vec<Id>> = HashMap::new();
        let cache = &self.shared.cache;
        for id in ids {
            let key = self.shared.entity_key(*id);
            match cache.cached_to_refresh::<Id::Object>(&self.scope, key) {
                Some((object, is_to_refresh)) => {
                    if is_to_refresh && Id::is_as_rich_by_id(&object) {
                        aging.entry(id.vendor()).or_default().push(*id);
                    }
                    found.insert(*id, Ok(Some(object.into())));
                }
                None if cache.is_absent(id.vendor(), Id::TOPIC, id) => {
                    self.scope.counters.count_cache_hit();
                    self.scope.dependencies.expire_now();
                    found.insert(*id, Ok(None));
                }
                None => missing.entry(id.vendor()).or_default().push(*id),
            }
        }

        for (vendor, ids) in &mut missing {
            self.take_stale_while_down(*vendor, ids, &mut found);
        }
        missing.retain(|_, ids| !ids.is_empty());
        for (vendor, ids) in aging {
            self.read_in_background(vendor, ids, None);
        }

        let batches = missing.into_iter().map(async |(vendor, ids)| {
            let results = self.batch_within_budget(vendor, ids.clone()).await;
            (ids, results)
        });
        for (ids, results) in join_all(batches).await {
            match results {
                Ok((batches, source)) => {
                    let newest_first = batches.iter().rev();
                    for (id, result) in newest_first.flat_map(|results| &results.0) {
                        let loaded = || Ok(result.clone()?.map(Loaded::from));
                        found.entry(*id).or_insert_with(loaded);
                    }
                    for id in ids {
                        self.settle(id, found.entry(id).or_insert(Ok(None)), source);
                    }
                }
                Err(error) => {
                    self.scope.dependencies.expire_now();
                    found.extend(ids.into_iter().map(|id| (id, Err(error.clone()))));
                }
            }
        }
        Ok(found)
    }
}

impl ByIdLoader {
    /// While the vendor is down, expired objects are returned at once, and one batch at a time goes on in the background.
    fn take_stale_while_down<Id: BatchKey>(
        &self,
        vendor: Vendor,
        ids: &mut Vec<Id>,
        found: &mut HashMap<Id, LoadedById<Id::Object>>,
    ) {
        let cache = &self.shared.cache;
        let is_held = |id: &Id| {
            let key = self.shared.entity_key(*id);
            cache.known::<Id::Object>(key).is_some()
        };
        if !ids.iter().any(is_held) {
            return;
        }
        let outage = self.shared.vendor(vendor).ok();
        let Some(outage) = outage.and_then(|vendor| vendor.outage()) else {
            return;
        };
        let mut taken = Vec::new();
        ids.retain(|id| match self.stand_in(*id, outage.failure) {
            Some(stale) => {
                found.insert(*id, Ok(Some(stale)));
                taken.push(*id);
                false
            }
            None => true,
        });
        if outage.probe.is_some() && !taken.is_empty() {
            self.read_in_background(vendor, taken, outage.probe);
        }
    }

    /// The batch stores its objects in the cache. Its failure concerns no request: the cached objects are served.
    fn read_in_background<Id: BatchKey>(
        &self,
        vendor: Vendor,
        ids: Vec<Id>,
        probe: Option<ProbePermit>,
    ) {
        let loader = Self {
            scope: Arc::new(self.scope.for_background()),
            ..self.clone()
        };
        let read = async move {
            let _ = loader.batch(vendor, ids).await;
            drop(probe);
        };
        tokio::spawn(read.in_current_span());
    }

    /// The expired object in place of a read.
    fn stand_in<Id: BatchKey>(&self, id: Id, failure: VendorFailure) -> Option<Loaded<Id::Object>> {
        let vendor = self.shared.vendor(id.vendor()).ok()?;
        let key = self.shared.entity_key(id);
        let stale = self.shared.stand_in(&self.scope, vendor, key, failure)?;
        Some(Loaded {
            stale: Some(stale_read(vendor, &stale)),
            object: stale.value,
        })
    }

    /// A batch of one vendor. Where an equal batch of another request ran out of vendor calls, the rest is read with this request's.
    async fn batch_within_budget<Id: BatchKey>(
        &self,
        vendor: Vendor,
        mut ids: Vec<Id>,
    ) -> Result<(Vec<Arc<BatchResults<Id>>>, ReadKey)> {
        let (results, source) = self.batch(vendor, ids.clone()).await?;
        let mut batches = vec![results];
        while let Some(newest) = batches.last()
            && batches.len() < MOST_BATCHES
        {
            ids = newest.lacking_calls(&ids);
            if ids.is_empty() || self.scope.vendor_calls.left() == 0 {
                break;
            }
            batches.push(self.batch(vendor, ids.clone()).await?.0);
        }
        Ok((batches, source))
    }

    /// One batch of one vendor, and the key of its read. Its objects are stored in the cache.
    async fn batch<Id: BatchKey>(
        &self,
        vendor: Vendor,
        mut ids: Vec<Id>,
    ) -> Result<(Arc<BatchResults<Id>>, ReadKey)> {
        // Equal batches have the same key.
        ids.sort_unstable();
        let vendor = self.shared.vendor(vendor)?;
        let cache = &self.shared.cache;
        let parts = ("by id", &ids);
        let key = cache.key(vendor.vendor(), Id::TOPIC, Lifetime::Flight, parts);
        let results = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (shared, ids) = (Arc::clone(&self.shared), ids.clone());
            async move {
                let results = Id::read(ids, Arc::clone(&shared), vendor, scope).await;
                let objects = results.iter().filter_map(|(id, result)| {
                    let object = result.as_ref().ok()?.as_ref()?;
                    Some((*id, Arc::clone(object)))
                });
                shared.cache.store_objects(key, objects);
                for (id, result) in &results {
                    if result.as_ref().is_err_and(is_forbidden) {
                        shared.cache.drop_entry(shared.entity_key(*id));
                    }
                }
                let absent = results
                    .iter()
                    .filter(|(_, result)| matches!(result, Ok(None)));
                shared.cache.store_absences(key, absent.map(|(id, _)| id));
                Ok(BatchResults(results))
            }
        });
        Ok((results.await?.value, key))
    }

    /// Records what the response depends on by this result, and replaces a failure by a stale object where the cache has one.
    fn settle<Id: BatchKey>(&self, id: Id, result: &mut LoadedById<Id::Object>, source: ReadKey) {
        let cache = &self.shared.cache;
        let failure = match result {
            Ok(Some(_)) => return cache.depend_on_loaded(&self.scope, source),
            Ok(None) => {
                // A missing object must not stand in for a failure later, and the response must not be cached without it.
                cache.drop_entry(self.shared.entity_key(id));
                None
            }
            Err(error) => error.vendor_failure(),
        };
        self.scope.dependencies.expire_now();
        if let Some(stale) = failure.and_then(|failure| self.stand_in(id, failure)) {
            *result = Ok(Some(stale));
        }
    }
}

impl Shared {
    /// The cache key of one object, however it was read.
    pub(super) fn entity_key<Id: BatchKey>(&self, id: Id) -> ReadKey {
        self.cache.key(id.vendor(), Id::TOPIC, Lifetime::Entity, id)
    }
}

/// One batch's results, by id.
pub(super) struct BatchResults<Id: BatchKey>(EachById<Id, Arc<Id::Object>>);

impl<Id: BatchKey> BatchResults<Id> {
    /// Those of these ids that were not read for lack of vendor calls.
    fn lacking_calls(&self, ids: &[Id]) -> Vec<Id> {
        let lacking = self.0.iter().filter(|(id, result)| {
            let error = result.as_ref().err();
            error.is_some_and(Error::is_limit_exceeded) && ids.contains(id)
        });
        lacking.map(|(id, _)| *id).collect()
    }
}

impl<Id: BatchKey> Weight for BatchResults<Id> {
    /// Never cached, so never weighed.
    fn owned_bytes(&self) -> usize {
        0
    }
}

/// Closes a batch after the executor has polled every field that is ready. A timer would add a millisecond for each level of the
/// query.
struct YieldTimer;

const YIELDS: usize = 3;

impl Timer for YieldTimer {
    fn delay(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        async {
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
        }
        .boxed()
    }
}

/// The tasks of the batches, which end with their request.
#[derive(Clone, Default)]
struct RequestTasks(Arc<Mutex<JoinSet<()>>>);

impl Spawn for RequestTasks {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(future.in_current_span());
        Ok(())
    }
}
