//! What a client sends: one GraphQL request, whatever transport carried it.

use async_graphql::Value;
pub(crate) use async_graphql::Variables;

#[derive(Debug)]
pub(crate) struct GraphqlRequest {
    /// The document. It is empty while only its id is known.
    pub(crate) query: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Variables,
    /// The id of a persisted or trusted document.
    pub(crate) document_id: Option<String>,
    /// Whether the document is one of the manifest's, once its id is resolved.
    pub(crate) is_of_manifest: bool,
}

impl GraphqlRequest {
    /// The variables of a JSON object; none where a value of it can't be read.
    pub(crate) fn variables(variables: serde_json::Value) -> Option<Variables> {
        let variables = Value::from_json(variables).ok()?;
        Some(Variables::from_value(variables))
    }
}

/// Which operations the transport lets a client send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllowedOperations {
    All,
    /// A GET must be safe to repeat, prefetch and cache.
    Queries,
}
