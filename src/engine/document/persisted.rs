//! Documents that are requested by their id: those that clients have persisted, and those of the operator's manifest. The
//! manifest may be set to be the only source.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{
    engine::{
        request::GraphqlRequest,
        response::{RequestErrors, request_error},
    },
    error::{Error, ErrorCode, Result},
};

#[derive(Debug, Clone)]
pub struct DocumentSettings {
    pub mode: DocumentMode,
    /// Documents by their ids, as the manifest has them.
    pub manifest: HashMap<String, String>,
    /// How much clients may persist; nothing at 0.
    pub max_persisted_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentMode {
    Any,
    /// Only what the manifest has.
    TrustedOnly,
}

pub(crate) struct PersistedDocuments {
    mode: DocumentMode,
    by_id: HashMap<String, String>,
    /// The same documents by the digest of their text.
    by_digest: HashMap<String, String>,
    store: PersistedStore,
}

/// The documents that clients have persisted, by the digests of their texts. A clone is the same store.
#[derive(Clone)]
pub(crate) struct PersistedStore {
    max_bytes: u64,
    documents: moka::sync::Cache<String, String>,
}

/// What a document costs beside its text: its digest, and its place in the table.
const DOCUMENT_BYTES: usize = 512;

impl PersistedStore {
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            documents: moka::sync::Cache::builder()
                .max_capacity(max_bytes)
                .weigher(|_: &String, document: &String| {
                    u32::try_from(document.len() + DOCUMENT_BYTES).unwrap_or(u32::MAX)
                })
                .build(),
        }
    }
}

impl PersistedDocuments {
    /// Each document of the manifest has to pass the check: it could never run otherwise.
    pub(crate) fn new(
        settings: DocumentSettings,
        store: PersistedStore,
        check: impl Fn(&str) -> std::result::Result<(), RequestErrors>,
    ) -> Result<Self> {
        for (id, document) in &settings.manifest {
            if let Err(errors) = check(document) {
                let first = errors.0.first();
                let message = first.map(|error| error.message.as_str());
                return Err(Error::bad_user_input(format!(
                    "the document {id:?} of the manifest can't run: {}",
                    message.unwrap_or_default()
                )));
            }
        }

        let by_digest = settings.manifest.values();
        let by_digest = by_digest.map(|document| (digest(document), document.clone()));
        Ok(Self {
            mode: settings.mode,
            by_digest: by_digest.collect(),
            by_id: settings.manifest,
            store,
        })
    }

    pub(crate) fn store(&self) -> &PersistedStore {
        &self.store
    }

    /// Puts the document of the request's id into the request. A document that is sent with its digest is persisted if it passes
    /// the check.
    pub(crate) fn resolve(
        &self,
        mut request: GraphqlRequest,
        check: impl Fn(&str) -> bool,
    ) -> std::result::Result<GraphqlRequest, PersistedError> {
        let id = request.document_id.take();
        let is_sent = !request.query.is_empty();

        if let Some(id) = id.as_deref().filter(|_| is_sent)
            && id != digest(&request.query)
            && self.by_id.get(id) != Some(&request.query)
        {
            return Err(PersistedError::DigestMismatch);
        }
        let trusted = match &id {
            Some(id) => self.by_id.get(id).or_else(|| self.by_digest.get(id)),
            None if self.by_digest.is_empty() => None,
            None => self.by_digest.get(&digest(&request.query)),
        };

        request.is_of_manifest = trusted.is_some();
        match (self.mode, trusted, id) {
            (_, Some(document), _) => request.query.clone_from(document),
            (DocumentMode::TrustedOnly, None, _) => return Err(PersistedError::NotTrusted),
            (DocumentMode::Any, None, None) => {}
            (DocumentMode::Any, None, Some(_)) if self.store.max_bytes == 0 => {
                if !is_sent {
                    return Err(PersistedError::NotSupported);
                }
            }
            (DocumentMode::Any, None, Some(id)) if is_sent => {
                if !self.store.documents.contains_key(&id) && check(&request.query) {
                    self.store.documents.insert(id, request.query.clone());
                }
            }
            (DocumentMode::Any, None, Some(id)) => {
                let document = self.store.documents.get(&id);
                request.query = document.ok_or(PersistedError::NotFound)?;
            }
        }
        Ok(request)
    }
}

/// Why there is no document for a request's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersistedError {
    /// The document that was sent has another digest.
    DigestMismatch,
    NotFound,
    NotSupported,
    NotTrusted,
}

impl From<PersistedError> for RequestErrors {
    /// Clients look for the words of the first three: they send the whole document after the second, and no more digests after
    /// the third.
    fn from(error: PersistedError) -> Self {
        let (code, message) = match error {
            PersistedError::DigestMismatch => {
                (ErrorCode::BadUserInput, "provided sha does not match query")
            }
            PersistedError::NotFound => {
                (ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
            }
            PersistedError::NotSupported => (
                ErrorCode::PersistedQueryNotSupported,
                "PersistedQueryNotSupported",
            ),
            PersistedError::NotTrusted => (
                ErrorCode::DocumentNotTrusted,
                "Only the documents of the gateway's manifest run here, and this is none of them.",
            ),
        };
        request_error(code, message).into()
    }
}

/// The SHA-256 of a document's text, as clients write it.
fn digest(document: &str) -> String {
    let digest = Sha256::digest(document);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
