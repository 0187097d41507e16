//! Documents that were asked for lately: each is parsed once, and validated once.
//!
//! What a document may cost and whether its variables fit is looked at for every request.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::parser::types::ExecutableDocument;

use crate::engine::cost::DocumentSize;

/// How much may be held of them.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What a parsed document takes for each byte of its text, at most and roughly.
const BYTES_PER_BYTE: usize = 128;
const DOCUMENT_BYTES: usize = 1024;

pub(crate) struct DocumentCache {
    known: moka::sync::Cache<(u64, u64), Arc<ParsedDocument>>,
    hashers: (RandomState, RandomState),
}

/// A document that could be parsed, and whose own values are right.
pub(crate) struct ParsedDocument {
    pub(crate) parsed: ExecutableDocument,
    pub(crate) size: DocumentSize,
    text_bytes: usize,
    is_validated: AtomicBool,
}

impl DocumentCache {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MAX_BYTES)
    }

    fn with_room_for(max_bytes: u64) -> Self {
        let weight = |_: &(u64, u64), document: &Arc<ParsedDocument>| {
            let bytes = document.text_bytes.saturating_mul(BYTES_PER_BYTE);
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

    pub(crate) fn get(&self, text: &str) -> Option<Arc<ParsedDocument>> {
        self.known.get(&self.key(text))
    }

    pub(crate) fn keep(&self, text: &str, document: &Arc<ParsedDocument>) {
        self.known.insert(self.key(text), Arc::clone(document));
    }

    /// A keyed hash: literals in a document may be personal data.
    fn key(&self, text: &str) -> (u64, u64) {
        (self.hashers.0.hash_one(text), self.hashers.1.hash_one(text))
    }
}

impl ParsedDocument {
    pub(crate) fn new(parsed: ExecutableDocument, text: &str, size: DocumentSize) -> Arc<Self> {
        Arc::new(Self {
            parsed,
            size,
            text_bytes: text.len(),
            is_validated: AtomicBool::new(false),
        })
    }

    /// Whether the library's rules let it pass: they look at the document alone, and at variables, which were checked before.
    pub(crate) fn is_validated(&self) -> bool {
        self.is_validated.load(Ordering::Relaxed)
    }

    pub(crate) fn set_validated(&self) {
        self.is_validated.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use async_graphql::{Variables, parser::parse_query};

    use super::*;
    use crate::{
        context::RequestScope,
        domain::Caller,
        engine::{
            cost::DocumentLimits, document::operation::CheckedOperation, request::GraphqlRequest,
            schema_shape::SchemaShape,
        },
        repository::{CacheSettings, Keeping, Limits, Repository, Shared},
        schema::{self, GatewaySchema, Introspection, SchemaSettings},
    };

    const LIMITS: DocumentLimits = DocumentLimits {
        max_depth: 10,
        max_complexity: 1_000,
        max_aliases: 10,
        max_root_fields: 10,
        max_directives: 10,
        max_tokens: 1_000,
        max_document_bytes: 10_000,
        max_variables_bytes: 1_000,
        max_page_size: 100,
    };

    fn schema() -> (GatewaySchema, SchemaShape) {
        let settings = SchemaSettings {
            introspection: Introspection::Enabled,
        };
        let shape = SchemaShape::read(&schema::sdl()).expect("the schema can be read");
        (schema::build(settings), shape)
    }

    /// One over no vendors.
    fn repository() -> Arc<Repository> {
        let cache = CacheSettings {
            keeping: Keeping::NotKept,
            list_ttl: Duration::ZERO,
            entity_ttl: Duration::ZERO,
            directory_ttl: Duration::ZERO,
            stale: Duration::ZERO,
            max_bytes: 0,
        };
        let limits = Limits {
            max_page_size: 100,
            max_vendor_pages: 1,
            max_vendor_calls: 200,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let caller = Caller::new("test", Vec::new());
        let scope = RequestScope::new("request-1".to_owned(), caller, deadline);
        let shared = Shared::new(Vec::new(), cache, limits);
        Arc::new(shared.for_request(Arc::new(scope)))
    }

    #[tokio::test]
    async fn a_document_is_parsed_and_validated_once() {
        const TEXT: &str = "query Names($more: Boolean!) { __typename @include(if: $more) }";
        let (schema, shape) = schema();
        let documents = DocumentCache::new();
        let prepare = |more: bool| {
            let request = GraphqlRequest {
                query: TEXT.to_owned(),
                operation_name: None,
                variables: Variables::from_json(serde_json::json!({ "more": more })),
                document_id: None,
            };
            let (limits, introspection) = (&LIMITS, Introspection::Enabled);
            CheckedOperation::prepare(request, &documents, limits, &shape, introspection)
                .unwrap_or_else(|_| panic!("the question is right"))
        };

        let first = prepare(true);
        let parsed = documents.get(TEXT).expect("it is known from now on");
        assert!(!parsed.is_validated(), "nobody ran it");
        let answer = first.execute(&schema, repository()).await;
        assert!(answer.errors.is_empty());
        assert!(parsed.is_validated());

        prepare(false).execute(&schema, repository()).await;
        let known = documents.get(TEXT).expect("it is still known");
        assert!(
            Arc::ptr_eq(&parsed, &known),
            "a second parse would be kept in its place"
        );
    }

    #[test]
    fn as_many_are_held_as_there_is_room_for() {
        let held = |max_bytes: usize| {
            let documents = DocumentCache::with_room_for(max_bytes as u64);
            for text in ["{ a }", "{ b }"] {
                let parsed = parse_query(text).expect("it can be parsed");
                let size = DocumentSize::of(text);
                documents.keep(text, &ParsedDocument::new(parsed, text, size));
            }
            documents.known.run_pending_tasks();
            ["{ a }", "{ b }"]
                .into_iter()
                .filter(|text| documents.get(text).is_some())
                .count()
        };
        let of_one = DOCUMENT_BYTES + "{ a }".len() * BYTES_PER_BYTE;

        assert_eq!(held(2 * of_one), 2);
        assert_eq!(held(2 * of_one - 1), 1);
        assert_eq!(held(of_one), 1);
        assert_eq!(held(of_one - 1), 0);
    }
}
