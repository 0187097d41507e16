//! Documents that are asked for by their id: those that clients have persisted, and those of the operator's manifest, which may
//! be all that runs.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    http::{
        answer::{Answer, Fault, code, error},
        graphql::parameters::Parameters,
    },
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
    max_persisted_bytes: u64,
    persisted: moka::sync::Cache<String, String>,
}

/// What a document costs beside its text: its digest, and its place in the table.
const DOCUMENT_BYTES: usize = 512;

impl PersistedDocuments {
    /// Each document of the manifest has to pass the check: it could never run otherwise.
    pub(crate) fn new(
        settings: DocumentSettings,
        check: impl Fn(&str) -> std::result::Result<(), Answer>,
    ) -> Result<Self> {
        for (id, document) in &settings.manifest {
            if let Err(answer) = check(document) {
                let fault = answer.errors.first();
                let message = fault.map(|error| error.message.as_str());
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
            max_persisted_bytes: settings.max_persisted_bytes,
            persisted: moka::sync::Cache::builder()
                .max_capacity(settings.max_persisted_bytes)
                .weigher(|_: &String, document: &String| {
                    u32::try_from(document.len() + DOCUMENT_BYTES).unwrap_or(u32::MAX)
                })
                .build(),
        })
    }

    /// Puts the document that the id stands for into the parameters, or why there is none. A document that comes with its digest
    /// is persisted, if it passes the check.
    pub(crate) fn resolve(
        &self,
        mut parameters: Parameters,
        check: impl Fn(&str) -> bool,
    ) -> std::result::Result<Parameters, Fault> {
        let id = parameters.document_id.take();
        let sent = !parameters.query.is_empty();

        if let Some(id) = id.as_deref().filter(|_| sent)
            && id != digest(&parameters.query)
            && self.by_id.get(id) != Some(&parameters.query)
        {
            return Err(Fault::bad_request("provided sha does not match query"));
        }
        let trusted = match &id {
            Some(id) => self.by_id.get(id).or_else(|| self.by_digest.get(id)),
            None if self.by_digest.is_empty() => None,
            None => self.by_digest.get(&digest(&parameters.query)),
        };

        match (self.mode, trusted, id) {
            (_, Some(document), _) => parameters.query.clone_from(document),
            (DocumentMode::TrustedOnly, None, _) => parameters.refusal = Some(not_trusted()),
            (DocumentMode::Any, None, None) => {}
            (DocumentMode::Any, None, Some(_)) if self.max_persisted_bytes == 0 => {
                if !sent {
                    parameters.refusal = Some(not_supported());
                }
            }
            (DocumentMode::Any, None, Some(id)) if sent => {
                if !self.persisted.contains_key(&id) && check(&parameters.query) {
                    self.persisted.insert(id, parameters.query.clone());
                }
            }
            (DocumentMode::Any, None, Some(id)) => match self.persisted.get(&id) {
                Some(document) => parameters.query = document,
                None => parameters.refusal = Some(not_found()),
            },
        }
        Ok(parameters)
    }
}

/// The SHA-256 of a document's text, as clients write it.
fn digest(document: &str) -> String {
    let digest = Sha256::digest(document);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words are those that clients look for: they send the whole document then.
fn not_found() -> Answer {
    let error = error(code::PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound");
    Answer::refused(vec![error])
}

/// The words are those that clients look for: they don't try again by a digest then.
fn not_supported() -> Answer {
    let error = error(
        code::PERSISTED_QUERY_NOT_SUPPORTED,
        "PersistedQueryNotSupported",
    );
    Answer::refused(vec![error])
}

fn not_trusted() -> Answer {
    let message =
        "Only the documents of the gateway's manifest run here, and this is none of them.";
    let error = error(code::DOCUMENT_NOT_TRUSTED, message);
    Answer::refused(vec![error])
}
