//! Batches of reads by id: what the fields of one request ask for at once is asked of a vendor together.

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
    flight,
    weight::Weight,
};
use crate::{
    context::RequestScope,
    domain::{
        CategoryNames, ServiceRecord, ServiceRecordId, Ticket, TicketId, Topic, Transcript, Vendor,
    },
    error::{Error, Result},
    upstream::EachById,
};

/// One request's batches. A value is a result of its own for each key, so that one bad key fails alone.
pub(super) struct Batches {
    reader: ById,
    loader: OnceLock<DataLoader<ById, HashMapCache>>,
    tasks: RequestTasks,
}

impl Batches {
    pub(super) fn new(shared: Arc<Shared>, scope: Arc<RequestScope>) -> Self {
        Self {
            reader: ById { shared, scope },
            loader: OnceLock::new(),
            tasks: RequestTasks::default(),
        }
    }

    pub(super) async fn load<Id, T>(&self, id: Id) -> Result<Option<T>>
    where
        Id: Send + Sync + Hash + Eq + Copy + 'static,
        ById: Loader<Id, Value = Result<Option<T>>, Error = Infallible>,
        T: Send + Sync + Clone + 'static,
    {
        let loader = self.loader.get_or_init(|| {
            let cached = HashMapCache::default();
            DataLoader::with_cache(self.reader.clone(), self.tasks.clone(), NextTurn, cached)
        });
        match loader.load_one(id).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(Error::internal(
                "a batch left one of its keys without a result",
            )),
            Err(never) => match never {},
        }
    }

    /// What this request read of objects that can be written is read anew from now on.
    pub(super) fn forget(&self) {
        if let Some(loader) = self.loader.get() {
            loader.clear::<ServiceRecordId>();
            loader.clear::<TicketId>();
        }
    }
}

/// Reads objects by id, through the cache.
#[derive(Clone)]
pub(super) struct ById {
    shared: Arc<Shared>,
    scope: Arc<RequestScope>,
}

/// The names of a record's categories, by the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NamesOf(pub(super) ServiceRecordId);

impl Loader<ServiceRecordId> for ById {
    type Value = Result<Option<Arc<ServiceRecord>>>;
    type Error = Infallible;

    async fn load(
        &self,
        ids: &[ServiceRecordId],
    ) -> Result<HashMap<ServiceRecordId, Self::Value>, Infallible> {
        let topic = Topic::ServiceRecords;
        let found = self.each(
            ids,
            topic,
            |id| id.vendor,
            |shared, vendor, scope, ids| {
                flight(
                    async move { Ok(Answers(shared.records_by_id(&vendor, &scope, &ids).await)) },
                )
            },
        );
        Ok(found.await)
    }
}

impl Loader<NamesOf> for ById {
    type Value = Result<Option<Arc<CategoryNames>>>;
    type Error = Infallible;

    async fn load(&self, ids: &[NamesOf]) -> Result<HashMap<NamesOf, Self::Value>, Infallible> {
        let topic = Topic::Categories;
        let found = self.each(
            ids,
            topic,
            |id| id.0.vendor,
            |shared, vendor, scope, ids| {
                flight(async move {
                    let records: Vec<_> = ids.iter().map(|id| id.0).collect();
                    let names = shared.category_names(&vendor, &scope, &records).await;
                    let by_record = names
                        .into_iter()
                        .map(|(id, names)| (NamesOf(id), names.map(|names| names.map(Arc::new))));
                    Ok(Answers(by_record.collect()))
                })
            },
        );
        Ok(found.await)
    }
}

impl Loader<TicketId> for ById {
    type Value = Result<Option<Arc<Ticket>>>;
    type Error = Infallible;

    async fn load(&self, ids: &[TicketId]) -> Result<HashMap<TicketId, Self::Value>, Infallible> {
        let topic = Topic::Tickets;
        let found = self.each(
            ids,
            topic,
            |id| id.vendor,
            |_, vendor, scope, ids| {
                flight(async move {
                    let each = ids
                        .iter()
                        .map(async |id| (*id, vendor.ticket(&scope, *id).await));
                    Ok(Answers(join_all(each).await))
                })
            },
        );
        Ok(found.await)
    }
}

impl ById {
    /// A result for every id: from the cache, or from one batch for each vendor. Equal batches at once share their calls.
    async fn each<Id, T>(
        &self,
        ids: &[Id],
        topic: Topic,
        vendor_of: impl Fn(&Id) -> Vendor,
        load: impl Fn(
            Arc<Shared>,
            Arc<dyn crate::upstream::VendorApi>,
            Arc<RequestScope>,
            Vec<Id>,
        ) -> BoxFuture<'static, Result<Answers<Id, T>>>
        + Copy
        + Send
        + Sync
        + 'static,
    ) -> HashMap<Id, Result<Option<Arc<T>>>>
    where
        Id: Copy + Eq + Hash + Ord + Send + Sync + 'static,
        T: ReadById + Weight + Send + Sync + 'static,
    {
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing: HashMap<Vendor, Vec<Id>> = HashMap::new();
        let mut aging: HashMap<Vendor, Vec<Id>> = HashMap::new();
        for id in ids {
            let vendor = vendor_of(id);
            match self
                .shared
                .cache
                .held_to_refresh::<T>(&self.scope, self.key(topic, vendor, *id))
            {
                Some((object, is_to_refresh)) => {
                    if is_to_refresh && object.is_as_rich_by_id() {
                        aging.entry(vendor).or_default().push(*id);
                    }
                    found.insert(*id, Ok(Some(object)));
                }
                None => missing.entry(vendor).or_default().push(*id),
            }
        }

        for (vendor, mut ids) in aging {
            ids.sort_unstable();
            let reader = self.clone();
            // What it brings goes into the cache, and its failure is nobody's: the answer at hand is still good.
            let refreshing = async move { reader.batch(topic, vendor, ids, load).await.map(drop) };
            tokio::spawn(refreshing.in_current_span());
        }

        let reads = missing.into_iter().map(async |(vendor, mut ids)| {
            ids.sort_unstable();
            let answers = self.batch(topic, vendor, ids.clone(), load).await;
            (vendor, ids, answers)
        });
        for (vendor, ids, answers) in join_all(reads).await {
            match answers {
                Ok((answers, source)) => {
                    for (id, result) in &answers.0 {
                        found.entry(*id).or_insert_with(|| result.clone());
                    }
                    for id in ids {
                        let result = found.entry(id).or_insert(Ok(None));
                        match result {
                            Ok(Some(_)) => self.shared.cache.tell_brought(&self.scope, source),
                            Ok(None) => {
                                // What is gone must not stand in for a failure later, and may be there the next time.
                                self.shared.cache.drop_entity(self.key(topic, vendor, id));
                                self.scope.dependencies.expire_now();
                            }
                            Err(_) => {
                                self.stand_in(result, self.key(topic, vendor, id));
                                self.scope.dependencies.expire_now();
                            }
                        }
                    }
                }
                Err(error) => {
                    self.scope.dependencies.expire_now();
                    found.extend(ids.into_iter().map(|id| (id, Err(error.clone()))));
                }
            }
        }
        found
    }

    /// One batch of one vendor, and the read that brought it; what it brings goes into the cache.
    async fn batch<Id, T>(
        &self,
        topic: Topic,
        vendor: Vendor,
        ids: Vec<Id>,
        load: impl Fn(
            Arc<Shared>,
            Arc<dyn crate::upstream::VendorApi>,
            Arc<RequestScope>,
            Vec<Id>,
        ) -> BoxFuture<'static, Result<Answers<Id, T>>>,
    ) -> Result<(Arc<Answers<Id, T>>, ReadKey)>
    where
        Id: Copy + Eq + Hash + Ord + Send + Sync + 'static,
        T: Weight + Send + Sync + 'static,
    {
        let api = self.shared.vendor(vendor)?;
        let cache = &self.shared.cache;
        let key = cache.key(vendor, topic, Lifetime::Flight, ("by id", &ids));
        let read = self.shared.read(&self.scope, api, key, |api, scope| {
            let cache = Arc::clone(cache);
            let answering = load(Arc::clone(&self.shared), api, scope, ids.clone());
            flight(async move {
                let answers = answering.await?;
                let brought = answers.0.iter().filter_map(|(id, result)| {
                    let object = result.as_ref().ok()?.as_ref()?;
                    Some((*id, Arc::clone(object)))
                });
                cache.feed(key, brought);
                Ok(answers)
            })
        });
        Ok((read.await?.value, key))
    }

    /// What the vendor said last stands in for a failure.
    fn stand_in<T: Send + Sync + 'static>(
        &self,
        result: &mut Result<Option<Arc<T>>>,
        key: ReadKey,
    ) {
        let failed = result
            .as_ref()
            .is_err_and(|error| error.vendor_failure().is_some());
        if failed && let Some(stale) = self.shared.cache.stale(&self.scope, key) {
            *result = Ok(Some(stale));
        }
    }

    fn key(&self, topic: Topic, vendor: Vendor, id: impl Hash) -> ReadKey {
        self.shared.entity_key(vendor, topic, id)
    }
}

impl Shared {
    /// The key under which one object is kept, however it was read.
    pub(super) fn entity_key(&self, vendor: Vendor, topic: Topic, id: impl Hash) -> ReadKey {
        self.cache.key(vendor, topic, Lifetime::Entity, id)
    }
}

/// Whether reading an object by id would tell as much of it as the copy at hand, so that a thin copy never replaces a rich one.
trait ReadById {
    fn is_as_rich_by_id(&self) -> bool;
}

impl ReadById for Ticket {
    /// Only the list tells who created a ticket.
    fn is_as_rich_by_id(&self) -> bool {
        !self.creator.is_loaded()
    }
}

impl ReadById for ServiceRecord {
    /// Only the list may tell the messages along.
    fn is_as_rich_by_id(&self) -> bool {
        let holds_messages = |transcript: &Transcript| match transcript {
            Transcript::Held(messages) => !messages.is_empty(),
            _ => false,
        };
        !self.transcript.value().is_some_and(holds_messages)
    }
}

impl ReadById for CategoryNames {
    fn is_as_rich_by_id(&self) -> bool {
        true
    }
}

/// One batch's results, by id.
pub(super) struct Answers<Id, T>(EachById<Id, Arc<T>>);

impl<Id, T> Weight for Answers<Id, T> {
    /// Never kept, so never weighed.
    fn owned_bytes(&self) -> usize {
        0
    }
}

/// Ends a batch once every field that is ready has asked: a few turns of the executor, where a timer would cost a
/// millisecond for each level of the query.
struct NextTurn;

const TURNS: usize = 3;

impl Timer for NextTurn {
    fn delay(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
        .boxed()
    }
}

/// The batches' tasks end with their request.
#[derive(Clone, Default)]
struct RequestTasks(Arc<Mutex<JoinSet<()>>>);

impl Spawn for RequestTasks {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(future.in_current_span());
        Ok(())
    }
}
