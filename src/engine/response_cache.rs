//! Cached responses to queries: as bytes, while what they depend on is fresh and not written to, and bounded by bytes.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{Value, Variables};

use crate::{
    domain::Caller,
    engine::{encoded_response::EncodedResponse, progress::OperationInfo, request::GraphqlRequest},
    repository::{CacheMode, Shared},
};

#[derive(Debug, Clone)]
pub struct ResponseCacheSettings {
    pub mode: CacheMode,
    pub max_bytes: u64,
}

/// Identifies a request and the rights of its caller. It is a keyed hash, so that it holds no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ResponseKey(u64, u64);

pub(crate) struct ResponseCache {
    mode: CacheMode,
    responses: moka::sync::Cache<ResponseKey, CachedResponse>,
    hashers: (RandomState, RandomState),
}

/// A response, and the operation that it answers.
#[derive(Clone)]
pub(crate) struct CachedResponse {
    pub(crate) response: Arc<EncodedResponse>,
    pub(crate) operation: Arc<OperationInfo>,
    /// From then on an execution with more time may have a better result. None where the deadline was not missed.
    pub(crate) better_from: Option<Instant>,
    /// Whether a request with more vendor calls would have got more.
    pub(super) lacked_vendor_calls: bool,
}

/// What a response costs beside its bytes: its key, its entry in the table, and its dependencies.
const RESPONSE_BYTES: usize = 1024;

impl ResponseCache {
    pub(crate) fn new(settings: &ResponseCacheSettings) -> Self {
        let weight = |_: &ResponseKey, cached: &CachedResponse| {
            u32::try_from(cached.response.body().len() + RESPONSE_BYTES).unwrap_or(u32::MAX)
        };
        Self {
            mode: settings.mode,
            responses: moka::sync::Cache::builder()
                .max_capacity(settings.max_bytes)
                .weigher(weight)
                .expire_after(UntilExpiry)
                .build(),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// The key covers what a response depends on: the document, the operation in it, the variables, and the caller's rights, but
    /// not the caller's name.
    pub(crate) fn key(&self, request: &GraphqlRequest, caller: &Caller) -> ResponseKey {
        let hash = |state: &RandomState| {
            let mut hasher = state.build_hasher();
            request.query.hash(&mut hasher);
            request.operation_name.hash(&mut hasher);
            hash_variables(&request.variables, &mut hasher);
            caller.scopes().hash(&mut hasher);
            hasher.finish()
        };
        ResponseKey(hash(&self.hashers.0), hash(&self.hashers.1))
    }

    /// A cached response that is as good as a new one.
    pub(crate) fn get(&self, key: ResponseKey, shared: &Shared) -> Option<CachedResponse> {
        if self.mode == CacheMode::Disabled {
            return None;
        }
        let cached = self.responses.get(&key)?;
        let dependencies = cached.response.dependencies()?;
        let is_good =
            !cached.response.replayable_for().is_zero() && shared.are_current(dependencies);
        is_good.then_some(cached)
    }

    /// The estimated size of all that is cached.
    pub(crate) fn bytes(&self) -> u64 {
        self.responses.weighted_size()
    }

    /// Drops the responses that a write has outdated.
    pub(crate) fn drop_outdated(&self, shared: &Shared) {
        for (key, cached) in &self.responses {
            let dependencies = cached.response.dependencies();
            if !dependencies.is_some_and(|dependencies| shared.are_current(dependencies)) {
                self.responses.invalidate(&*key);
            }
        }
        self.responses.run_pending_tasks();
    }

    pub(crate) fn insert(&self, key: ResponseKey, cached: &CachedResponse) {
        if self.mode == CacheMode::Enabled && !cached.response.replayable_for().is_zero() {
            self.responses.insert(key, cached.clone());
        }
    }
}

/// The order of an object's fields does not change the key.
fn hash_variables(variables: &Variables, hasher: &mut impl Hasher) {
    variables.len().hash(hasher);
    for (name, value) in variables.iter() {
        name.hash(hasher);
        hash_value(value, hasher);
    }
}

fn hash_value(value: &Value, hasher: &mut impl Hasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Number(number) => number.hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Boolean(truth) => truth.hash(hasher),
        Value::Binary(bytes) => bytes.hash(hasher),
        Value::Enum(name) => name.hash(hasher),
        Value::List(items) => {
            items.len().hash(hasher);
            for item in items {
                hash_value(item, hasher);
            }
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            fields.len().hash(hasher);
            for (name, field) in fields {
                name.hash(hasher);
                hash_value(field, hasher);
            }
        }
    }
}

/// The cache drops a response when it may no longer be replayed.
struct UntilExpiry;

impl moka::Expiry<ResponseKey, CachedResponse> for UntilExpiry {
    fn expire_after_create(
        &self,
        _key: &ResponseKey,
        cached: &CachedResponse,
        _now: Instant,
    ) -> Option<Duration> {
        Some(cached.response.replayable_for())
    }

    fn expire_after_update(
        &self,
        _key: &ResponseKey,
        cached: &CachedResponse,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(cached.response.replayable_for())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::domain::Scope;

    fn key(cache: &ResponseCache, query: &str, variables: Json, scopes: &[Scope]) -> ResponseKey {
        let request = GraphqlRequest {
            query: query.to_owned(),
            operation_name: None,
            variables: Variables::from_json(variables),
            document_id: None,
            is_of_manifest: false,
        };
        cache.key(&request, &Caller::new("client", scopes.to_vec()))
    }

    #[test]
    fn the_key_is_the_document_the_variables_and_the_rights() {
        let cache = ResponseCache::new(&ResponseCacheSettings {
            mode: CacheMode::Enabled,
            max_bytes: 1024,
        });
        let read = [Scope::Read];
        let variables = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"});
        let first = key(&cache, "{ a }", variables, &read);

        let in_other_order = json!({"d": "x", "a": {"c": [1, 2], "b": 1}});
        assert_eq!(first, key(&cache, "{ a }", in_other_order, &read));
        for other in [
            key(
                &cache,
                "{ b }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"}),
                &read,
            ),
            key(
                &cache,
                "{ a }",
                json!({"a": {"b": 1, "c": [2, 1]}, "d": "x"}),
                &read,
            ),
            key(
                &cache,
                "{ a }",
                json!({"a": {"b": "1", "c": [1, 2]}, "d": "x"}),
                &read,
            ),
            key(
                &cache,
                "{ a }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": null}),
                &read,
            ),
            key(
                &cache,
                "{ a }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"}),
                &Scope::ALL,
            ),
        ] {
            assert_ne!(first, other);
        }
    }
}
