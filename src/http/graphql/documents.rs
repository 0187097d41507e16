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

use crate::http::limits::DocumentSize;

/// How much may be held of them.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What a parsed document takes for each byte of its text, at most and roughly.
const BYTES_PER_BYTE: usize = 128;
const DOCUMENT_BYTES: usize = 1024;

pub(in crate::http) struct Documents {
    known: moka::sync::Cache<(u64, u64), Arc<Document>>,
    hashers: (RandomState, RandomState),
}

/// A document that could be parsed, and whose own values are right.
pub(super) struct Document {
    pub(super) parsed: ExecutableDocument,
    pub(super) size: DocumentSize,
    text_bytes: usize,
    is_validated: AtomicBool,
}

impl Documents {
    pub(in crate::http) fn new() -> Self {
        let weight = |_: &(u64, u64), document: &Arc<Document>| {
            let bytes = document.text_bytes.saturating_mul(BYTES_PER_BYTE);
            u32::try_from(bytes.saturating_add(DOCUMENT_BYTES)).unwrap_or(u32::MAX)
        };
        Self {
            known: moka::sync::Cache::builder()
                .max_capacity(MAX_BYTES)
                .weigher(weight)
                .build(),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    pub(super) fn get(&self, text: &str) -> Option<Arc<Document>> {
        self.known.get(&self.key(text))
    }

    pub(super) fn keep(&self, text: &str, document: &Arc<Document>) {
        self.known.insert(self.key(text), Arc::clone(document));
    }

    /// A keyed hash: literals in a document may be personal data.
    fn key(&self, text: &str) -> (u64, u64) {
        (self.hashers.0.hash_one(text), self.hashers.1.hash_one(text))
    }
}

impl Document {
    pub(super) fn new(parsed: ExecutableDocument, text: &str, size: DocumentSize) -> Arc<Self> {
        Arc::new(Self {
            parsed,
            size,
            text_bytes: text.len(),
            is_validated: AtomicBool::new(false),
        })
    }

    /// Whether the library's rules let it pass: they look at the document alone, and at variables, which were checked before.
    pub(super) fn is_validated(&self) -> bool {
        self.is_validated.load(Ordering::Relaxed)
    }

    pub(super) fn passed_validation(&self) {
        self.is_validated.store(true, Ordering::Relaxed);
    }
}
