//! One GraphQL operation, without HTTP: from a request to an encoded response.

mod request;

mod document;

mod cost;
mod schema_shape;

mod response_cache;

mod execution;

mod encoded_response;
mod response;

mod operation_counts;
mod progress;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::parser::types::OperationType;
use futures_util::future::try_join_all;
use tokio::time::{sleep_until, timeout_at};

use crate::{
    context::RequestScope,
    error::Result,
    repository::Shared,
    schema::{GatewaySchema, Introspection},
    single_flight::{Role, SingleFlight},
    telemetry::metrics::{CacheKind, CacheName, CacheResult, Metrics},
};
pub use cost::DocumentLimits;
pub use document::persisted::{DocumentMode, DocumentSettings};
use document::{
    CheckedOperation, DocumentRules,
    document_cache::DocumentCache,
    persisted::{PersistedDocuments, PersistedError, PersistedStore},
};
pub(crate) use encoded_response::EncodedResponse;
use operation_counts::OperationCounts;
pub(crate) use progress::{OperationInfo, Progress, ResponseSource};
pub(crate) use request::{AllowedOperations, GraphqlRequest, Variables};
pub(crate) use response::{Excess, GraphqlError, Rejection, milliseconds, request_error};
use response::{GraphqlResponse, RequestErrors};
pub use response_cache::ResponseCacheSettings;
use response_cache::{CachedResponse, ResponseCache, ResponseKey};
use schema_shape::SchemaShape;

/// What is in flight at the deadline has failed by then, field by field. This stops what did not keep to it.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

pub struct EngineSettings {
    pub document: DocumentLimits,
    pub documents: DocumentSettings,
    /// Where introspection is disabled, errors reveal no names of the schema either.
    pub introspection: Introspection,
    pub response_cache: ResponseCacheSettings,
    pub request_timeout: Duration,
    /// That one HTTP request may cause, its whole batch included.
    pub max_vendor_calls: u32,
}

/// Executes GraphQL requests. It lives for the process.
pub struct Engine {
    schema: GatewaySchema,
    rules: DocumentRules,
    shared: Arc<Shared>,
    persisted: PersistedDocuments,
    known_documents: DocumentCache,
    responses: ResponseCache,
    flights: Arc<SingleFlight<FlightKey, Flown>>,
    request_timeout: Duration,
    metrics: Arc<Metrics>,
    operation_counts: OperationCounts,
    max_vendor_calls: u32,
}

/// An equal request, and how many writes the gateway had sent before it.
type FlightKey = (ResponseKey, u64);

type Flown = Result<CachedResponse, EngineError>;

/// Why a request has no GraphQL response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    /// Clients look for these words.
    #[error("provided sha does not match query")]
    DigestMismatch,
    #[error("A GET can execute queries only; send mutations by POST.")]
    NotAQuery,
    #[error("Internal server error.")]
    Internal,
}

impl Engine {
    /// `schema_text` is the schema as it is printed.
    pub fn new(
        settings: EngineSettings,
        schema: GatewaySchema,
        schema_text: &str,
        shared: Arc<Shared>,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>> {
        let store = PersistedStore::new(settings.documents.max_persisted_bytes);
        Self::with_store(settings, schema, schema_text, (shared, metrics), store)
    }

    /// An engine with other settings and the documents that clients have persisted. Its response cache is empty: the limits, by
    /// which its responses were checked, may be others.
    pub fn reloaded(
        &self,
        settings: EngineSettings,
        schema: GatewaySchema,
        schema_text: &str,
    ) -> Result<Arc<Self>> {
        let store = self.persisted.store().clone();
        let lasting = (self.shared.clone(), self.metrics.clone());
        Self::with_store(settings, schema, schema_text, lasting, store)
    }

    fn with_store(
        settings: EngineSettings,
        schema: GatewaySchema,
        schema_text: &str,
        (shared, metrics): (Arc<Shared>, Arc<Metrics>),
        store: PersistedStore,
    ) -> Result<Arc<Self>> {
        let rules = DocumentRules {
            shape: SchemaShape::read(schema_text)?,
            limits: settings.document,
            introspection: settings.introspection,
        };
        let manifest: Vec<String> = settings.documents.manifest.values().cloned().collect();
        let persisted =
            PersistedDocuments::new(settings.documents, store, |text| rules.check_document(text))?;
        let named = manifest
            .iter()
            .flat_map(|text| rules.named_operations(text));
        let operation_counts = OperationCounts::new(&metrics.operations, named);
        Ok(Arc::new(Self {
            schema,
            rules,
            shared,
            persisted,
            known_documents: DocumentCache::new(),
            responses: ResponseCache::new(&settings.response_cache),
            flights: SingleFlight::new(),
            request_timeout: settings.request_timeout,
            operation_counts,
            metrics,
            max_vendor_calls: settings.max_vendor_calls,
        }))
    }

    /// Sets the gauges of what the gateway is now.
    pub(crate) fn report_state(&self) {
        let cache = &self.metrics.cache;
        cache.set_bytes(CacheName::Responses, self.responses.bytes());
        cache.set_bytes(CacheName::Documents, self.known_documents.bytes());
        cache.set_bytes(CacheName::Data, self.shared.cached_bytes());
        for status in self.shared.vendor_statuses() {
            self.metrics.set_circuit(status.vendor, status.circuit);
        }
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) fn introspection(&self) -> Introspection {
        self.rules.introspection
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    pub(crate) fn max_vendor_calls(&self) -> u32 {
        self.max_vendor_calls
    }

    /// The response to one request. A cached response was checked when it was executed.
    pub(crate) async fn respond(
        self: &Arc<Self>,
        request: GraphqlRequest,
        allowed: AllowedOperations,
        scope: &RequestScope,
        progress: &Progress,
    ) -> Result<Arc<EncodedResponse>, EngineError> {
        let request = match self.with_document(request)? {
            Ok(request) => request,
            Err(errors) => return self.refuse(errors),
        };
        let key = self.responses.key(&request, &scope.caller);
        if let Some(cached) = self.cached(key, scope) {
            progress.set_operation(&cached.operation);
            progress.set_response_source(ResponseSource::Cached);
            return Ok(cached.response);
        }

        let operation = self.check(request);
        if let Ok(operation) = &operation {
            progress.set_operation(&operation.info);
            if allowed == AllowedOperations::Queries && !operation.is(OperationType::Query) {
                return Err(EngineError::NotAQuery);
            }
        }
        // Boxed, so that a cached response does not carry its size.
        Box::pin(self.run(operation, key, scope, progress)).await
    }

    /// The responses to a batch. Queries run concurrently. A batch with a mutation runs in its order, so that each request sees
    /// the effects of those before it.
    pub(crate) async fn respond_to_batch(
        self: &Arc<Self>,
        batch: Vec<GraphqlRequest>,
        scope: &RequestScope,
        progress: &Progress,
    ) -> Result<Vec<Arc<EncodedResponse>>, EngineError> {
        let batch: Vec<_> = batch
            .into_iter()
            .map(|request| self.with_document(request))
            .collect::<Result<_, _>>()?;
        let mut introspection_roots = 0;
        let operations: Vec<_> = batch
            .into_iter()
            .map(|request| {
                let request = request?;
                let key = self.responses.key(&request, &scope.caller);
                let operation = self.check(request)?;
                introspection_roots += operation.introspection_roots;
                cost::check_batch(introspection_roots, operation.introspection_roots)?;
                Ok((key, operation))
            })
            .collect::<Vec<Result<_, RequestErrors>>>();
        let checked = || operations.iter().flatten().map(|(_, operation)| operation);
        if let Some(first) = checked().next() {
            progress.set_operation(&first.info);
        }
        let has_mutation = checked().any(|operation| operation.is(OperationType::Mutation));

        let responses = operations.into_iter().map(async |operation| {
            let (key, operation) = match operation {
                Ok(checked) => checked,
                Err(errors) => return self.refuse(errors),
            };
            if let Some(cached) = self.cached(key, scope) {
                return Ok(cached.response);
            }
            match self.run(Ok(operation), key, scope, progress).await {
                Ok(response) => Ok(response),
                // The other requests have their responses all the same.
                Err(error) => uncached(GraphqlResponse::failed(&error)),
            }
        });
        if !has_mutation {
            return try_join_all(responses).await;
        }
        let mut in_order = Vec::new();
        for response in responses {
            in_order.push(response.await?);
        }
        Ok(in_order)
    }

    /// The request with the document that its id stands for.
    fn with_document(
        &self,
        request: GraphqlRequest,
    ) -> Result<Result<GraphqlRequest, RequestErrors>, EngineError> {
        let may_run = |text: &str| self.rules.check_document(text).is_ok();
        match self.persisted.resolve(request, may_run) {
            Ok(request) => Ok(Ok(request)),
            Err(PersistedError::DigestMismatch) => Err(EngineError::DigestMismatch),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn check(&self, request: GraphqlRequest) -> Result<CheckedOperation, RequestErrors> {
        document::check(request, &self.rules, &self.known_documents)
    }

    /// A cached response is as good as a new one. The log counts one hit of the cache.
    fn cached(&self, key: ResponseKey, scope: &RequestScope) -> Option<CachedResponse> {
        let cached = self.responses.get(key, &self.shared);
        let result = match cached {
            Some(_) => CacheResult::Fresh,
            None => CacheResult::Miss,
        };
        self.metrics.cache.count(CacheKind::Response, result);
        let cached = cached?;
        scope.counters.count_cache_hit();
        self.operation_counts
            .count(&cached.operation, ResponseSource::Cached, 0);
        Some(cached)
    }

    async fn run(
        self: &Arc<Self>,
        operation: Result<CheckedOperation, RequestErrors>,
        key: ResponseKey,
        scope: &RequestScope,
        progress: &Progress,
    ) -> Result<Arc<EncodedResponse>, EngineError> {
        let operation = match operation {
            Ok(operation) => Arc::new(operation),
            Err(errors) => return self.refuse(errors),
        };
        let (response, source) = match operation.is(OperationType::Query) {
            true => self.coalesce(&operation, key, scope, progress).await?,
            false => {
                progress.set_response_source(ResponseSource::Executed);
                progress.start_mutation();
                let scope = Arc::new(scope.for_operation());
                let repository = self.shared.for_request(Arc::clone(&scope));
                let executed = operation.execute(&self.schema, repository, &scope).await;
                self.record_vendor_calls(&scope);
                // What it wrote is in no response from here on: their memory is free.
                self.responses.drop_outdated(&self.shared);
                (uncached(executed)?, ResponseSource::Executed)
            }
        };
        self.operation_counts
            .count(&operation.info, source, response.error_count());
        Ok(response)
    }

    fn record_vendor_calls(&self, scope: &RequestScope) {
        let calls = scope.counters.vendor_calls();
        self.metrics.operations.vendor_calls.observe(calls as f64);
    }

    /// The response to an operation that is not executed.
    fn refuse(&self, errors: RequestErrors) -> Result<Arc<EncodedResponse>, EngineError> {
        self.metrics.count_refused(errors.code());
        uncached(errors.into())
    }

    /// Joins an equal query in flight, or executes this one. A flight has the deadline and the vendor calls of its leader; where the
    /// leader ran out of them, a follower that has some left starts again.
    async fn coalesce(
        self: &Arc<Self>,
        operation: &Arc<CheckedOperation>,
        key: ResponseKey,
        scope: &RequestScope,
        progress: &Progress,
    ) -> Result<(Arc<EncodedResponse>, ResponseSource), EngineError> {
        loop {
            // An execution that began before a write does not serve a request that came after it.
            let key_after_writes = (key, self.shared.writes());
            let (flight, role) = self.flights.join(key_after_writes, || {
                let scope = Arc::new(scope.for_operation());
                Arc::clone(self).execute_query(Arc::clone(operation), key, scope)
            });
            let source = match role {
                Role::Leader => ResponseSource::Executed,
                Role::Follower => ResponseSource::Coalesced,
            };
            progress.set_response_source(source);

            let executed = flight.await.ok_or(EngineError::Internal)??;
            let lacked_calls = role == Role::Follower && executed.lacked_vendor_calls;
            if lacked_calls && scope.vendor_calls.left() > 0 {
                continue;
            }
            match executed.better_from {
                Some(better_from) if better_from < scope.deadline => {
                    sleep_until(better_from.into()).await;
                }
                _ => return Ok((executed.response, source)),
            }
        }
    }

    async fn execute_query(
        self: Arc<Self>,
        operation: Arc<CheckedOperation>,
        key: ResponseKey,
        scope: Arc<RequestScope>,
    ) -> Flown {
        let repository = self.shared.for_request(Arc::clone(&scope));
        let executing = operation.execute(&self.schema, repository, &scope);
        let last_moment = scope.deadline + GRACE;
        let response = match timeout_at(last_moment.into(), executing).await {
            Ok(response) => EncodedResponse::of_query(&response, scope.dependencies.recorded())?,
            // No follower may wait for it for ever; one with more time starts again.
            Err(_) => {
                let took = self.request_timeout + GRACE;
                let response = GraphqlResponse::timed_out(took, self.request_timeout);
                EncodedResponse::uncached(&response)?
            }
        };
        self.record_vendor_calls(&scope);

        let now = Instant::now();
        let better_from = if now >= scope.deadline {
            Some(now)
        } else if response.good_for().is_zero() {
            scope.deadline_miss.earliest()
        } else {
            None
        };
        let executed = CachedResponse {
            response: Arc::new(response),
            operation: Arc::clone(&operation.info),
            better_from,
            lacked_vendor_calls: scope.lacks_vendor_calls(),
        };
        self.responses.insert(key, &executed);
        Ok(executed)
    }
}

/// Validates documents against a schema, whatever they cost.
pub fn validator(schema_text: &str) -> Result<impl Fn(&str) -> Vec<GraphqlError> + use<>> {
    let rules = DocumentRules {
        shape: SchemaShape::read(schema_text)?,
        limits: DocumentLimits::NONE,
        introspection: Introspection::Enabled,
    };
    Ok(move |document: &str| {
        rules
            .read(document)
            .err()
            .map_or(Vec::new(), |errors| errors.0)
    })
}

fn uncached(response: GraphqlResponse) -> Result<Arc<EncodedResponse>, EngineError> {
    EncodedResponse::uncached(&response).map(Arc::new)
}
