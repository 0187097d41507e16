//! Documents that were requested lately: each is parsed and validated once.
//!
//! What a document may cost and whether its variables fit is checked for every request.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use super::rules::CheckedDocument;

/// How much of them is cached.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What a parsed document takes for each byte of its text, at most and roughly.
const BYTES_PER_BYTE: u64 = 128;
const DOCUMENT_BYTES: u64 = 1024;

pub(crate) struct DocumentCache {
    known: moka::sync::Cache<(u64, u64), Arc<CheckedDocument>>,
    hashers: (RandomState, RandomState),
}

impl DocumentCache {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MAX_BYTES)
    }

    fn with_room_for(max_bytes: u64) -> Self {
        let weight = |_: &(u64, u64), document: &Arc<CheckedDocument>| {
            let bytes = document.size.bytes.saturating_mul(BYTES_PER_BYTE);
            u32::try_from(bytes.saturating_add(DOCUMENT_BYTES)).unwrap_or(u32::MAX)
        };
        Self {
            known: moka::sync::Cache::builder()
                .max_capacity(max_bytes)
                .weigher(weight)
                .build(),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    pub(crate) fn get(&self, text: &str) -> Option<Arc<CheckedDocument>> {
        self.known.get(&self.key(text))
    }

    /// The estimated size of all that is cached.
    pub(crate) fn bytes(&self) -> u64 {
        self.known.weighted_size()
    }

    pub(crate) fn insert(&self, text: &str, document: &Arc<CheckedDocument>) {
        self.known.insert(self.key(text), Arc::clone(document));
    }

    /// A keyed hash: literals in a document may be personal data.
    fn key(&self, text: &str) -> (u64, u64) {
        (self.hashers.0.hash_one(text), self.hashers.1.hash_one(text))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;

    use super::*;
    use crate::{
        engine::{
            cost::DocumentLimits,
            document::{DocumentRules, check},
            request::GraphqlRequest,
            schema_shape::SchemaShape,
        },
        schema::{self, Introspection},
    };

    fn rules() -> DocumentRules {
        DocumentRules {
            shape: SchemaShape::read(&schema::sdl()).expect("the schema can be read"),
            limits: DocumentLimits {
                max_depth: 10,
                max_complexity: 1_000,
                max_aliases: 10,
                max_root_fields: 10,
                max_directives: 10,
                max_tokens: 1_000,
                max_document_bytes: 10_000,
                max_variables_bytes: 1_000,
                max_page_size: 100,
            },
            introspection: Introspection::Enabled,
        }
    }

    #[test]
    fn a_document_is_parsed_and_validated_once() {
        const TEXT: &str = "query Names($more: Boolean!) { __typename @include(if: $more) }";
        let (rules, cache) = (rules(), DocumentCache::new());
        let checked = |more: bool| {
            let request = GraphqlRequest {
                query: TEXT.to_owned(),
                operation_name: None,
                variables: Variables::from_json(serde_json::json!({ "more": more })),
                document_id: None,
                is_of_manifest: false,
            };
            check(request, &rules, &cache).expect("the request is right")
        };

        let first = checked(true);
        let second = checked(false);
        assert!(
            Arc::ptr_eq(&first.document, &second.document),
            "a second parse would make another one"
        );
        assert_ne!(first.variables, second.variables);
    }

    #[test]
    fn as_many_are_cached_as_there_is_room_for() {
        let rules = rules();
        const TEXTS: [&str; 2] = ["{ a: __typename }", "{ b: __typename }"];
        let cached = |max_bytes: u64| {
            let cache = DocumentCache::with_room_for(max_bytes);
            for text in TEXTS {
                let document = rules.read(text).expect("it is valid");
                cache.insert(text, &Arc::new(document));
            }
            cache.known.run_pending_tasks();
            TEXTS
                .into_iter()
                .filter(|text| cache.get(text).is_some())
                .count()
        };
        let of_one = DOCUMENT_BYTES + TEXTS[0].len() as u64 * BYTES_PER_BYTE;

        assert_eq!(cached(2 * of_one), 2);
        assert_eq!(cached(2 * of_one - 1), 1);
        assert_eq!(cached(of_one), 1);
        assert_eq!(cached(of_one - 1), 0);
    }
}
