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
    cache::{Lifetime, ReadKey},
    weight::Weight,
};
use crate::{
    context::RequestScope,
    domain::{
        CategoryNames, ServiceRecord, ServiceRecordId, Ticket, TicketId, Topic, Transcript, Vendor,
    },
    error::{Error, Result},
    upstream::{EachById, VendorApi},
};

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
            Ok(Some(result)) => result,
            Ok(None) => Err(Error::internal("a batch has no result for one of its ids")),
            Err(never) => match never {},
        }
    }

    /// Drops what this request has read of objects that can be written.
    pub(super) fn forget(&self) {
        if let Some(loader) = self.loader.get() {
            loader.clear::<ServiceRecordId>();
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

impl<Id: BatchKey> Loader<Id> for ByIdLoader {
    type Value = Result<Option<Arc<Id::Object>>>;
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
                    found.insert(*id, Ok(Some(object)));
                }
                None => missing.entry(id.vendor()).or_default().push(*id),
            }
        }

        for (vendor, ids) in aging {
            let loader = self.clone();
            // The batch stores its objects in the cache. Its failure concerns no request: the cached objects are still good.
            let refresh = async move { loader.batch(vendor, ids).await.map(drop) };
            tokio::spawn(refresh.in_current_span());
        }

        let batches = missing.into_iter().map(async |(vendor, ids)| {
            let results = self.batch(vendor, ids.clone()).await;
            (ids, results)
        });
        for (ids, results) in join_all(batches).await {
            match results {
                Ok((results, source)) => {
                    for (id, result) in &results.0 {
                        found.entry(*id).or_insert_with(|| result.clone());
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
                Ok(BatchResults(results))
            }
        });
        Ok((results.await?.value, key))
    }

    /// Records what the response depends on by this result, and replaces a failure by a stale object where the cache has one.
    fn settle<Id: BatchKey>(
        &self,
        id: Id,
        result: &mut Result<Option<Arc<Id::Object>>>,
        source: ReadKey,
    ) {
        let cache = &self.shared.cache;
        let failure = match result {
            Ok(Some(_)) => return cache.depend_on_loaded(&self.scope, source),
            Ok(None) => {
                // A missing object must not stand in for a failure later, and the response must not be cached without it.
                cache.drop_entity(self.shared.entity_key(id));
                None
            }
            Err(error) => error.vendor_failure(),
        };
        self.scope.dependencies.expire_now();
        let key = self.shared.entity_key(id);
        let stale = failure.and_then(|failure| cache.stand_in(&self.scope, key, failure));
        if let Some(stale) = stale {
            *result = Ok(Some(stale.value));
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
