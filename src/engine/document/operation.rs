//! One operation before it is executed: found in its document, its cost counted, its variables coerced.

use std::sync::Arc;

use async_graphql::{
    Positioned, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};

use super::{
    coercion::coerced,
    document_cache::DocumentCache,
    error::DocumentError,
    rules::{CheckedDocument, DocumentRules},
    wording::Wording,
};
use crate::{
    engine::{
        cost,
        progress::OperationInfo,
        request::GraphqlRequest,
        response::{MAX_ERRORS, RequestErrors, request_error},
    },
    error::ErrorCode,
    telemetry::metrics::OperationKind,
};

/// An operation that may be executed.
pub(crate) struct CheckedOperation {
    pub(in crate::engine) document: Arc<CheckedDocument>,
    pub(in crate::engine) variables: Variables,
    pub(in crate::engine) operation_type: OperationType,
    pub(in crate::engine) info: Arc<OperationInfo>,
    /// How often it selects `__schema` and `__type`.
    pub(in crate::engine) introspection_roots: u64,
}

/// The operation that the request names, or why it can't be executed.
pub(crate) fn check(
    request: GraphqlRequest,
    rules: &DocumentRules,
    cache: &DocumentCache,
) -> Result<CheckedOperation, RequestErrors> {
    cost::check_variables(&request.variables, &rules.limits)?;
    let document = match cache.get(&request.query) {
        Some(known) => known,
        None => {
            let document = Arc::new(rules.read(&request.query)?);
            cache.insert(&request.query, &document);
            document
        }
    };

    let name = request.operation_name.as_deref();
    let (name, definition) = find(&document.executable, name)?;
    let definition = &definition.node;
    if rules.shape.root(definition.ty).is_none() {
        let operation_type = kind(definition.ty).text();
        let message = format!("Schema is not configured to execute {operation_type} operation.");
        return Err(request_error(ErrorCode::ValidationFailed, message).into());
    }
    let introspection_roots =
        cost::check_document(&document, definition, &request.variables, rules)?;
    let wording = Wording {
        introspection: rules.introspection,
        sent: &request.query,
    };
    let definitions = &definition.variable_definitions;
    let variables =
        coerced(request.variables, definitions, &rules.shape, wording).map_err(request_errors)?;
    let conditions = document.null_conditions(name, &variables).take(MAX_ERRORS);
    let conditions: Vec<DocumentError> = conditions.collect();
    if !conditions.is_empty() {
        return Err(request_errors(conditions));
    }

    let info = OperationInfo {
        name: name.map(str::to_owned),
        kind: kind(definition.ty),
        is_of_manifest: request.is_of_manifest,
    };
    Ok(CheckedOperation {
        operation_type: definition.ty,
        variables,
        info: Arc::new(info),
        introspection_roots,
        document,
    })
}

fn request_errors(errors: Vec<DocumentError>) -> RequestErrors {
    RequestErrors(errors.into_iter().map(Into::into).collect())
}

pub(crate) fn kind(operation_type: OperationType) -> OperationKind {
    match operation_type {
        OperationType::Query => OperationKind::Query,
        OperationType::Mutation => OperationKind::Mutation,
        OperationType::Subscription => OperationKind::Subscription,
    }
}

/// The operation by this name, or the only one.
fn find<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<(Option<&'a str>, &'a Positioned<OperationDefinition>), RequestErrors> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some((None, operation)),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get_key_value(name)
            .map(|(name, operation)| (Some(name.as_str()), operation)),
        (DocumentOperations::Multiple(operations), None) => {
            let mut operations = operations.iter();
            match (operations.next(), operations.next()) {
                (Some((name, operation)), None) => Some((Some(name.as_str()), operation)),
                _ => None,
            }
        }
    };

    found.ok_or_else(|| {
        let message = match (name, &document.operations) {
            (Some(name), _) => format!("Unknown operation named \"{name}\"."),
            (None, DocumentOperations::Multiple(operations)) if operations.is_empty() => {
                "Must provide an operation.".to_owned()
            }
            (None, _) => {
                "Must provide operation name if query contains multiple operations.".to_owned()
            }
        };
        let error = DocumentError::bad_input(message, Vec::new());
        request_errors(vec![error])
    })
}
