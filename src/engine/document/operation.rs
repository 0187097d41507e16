//! One operation before it is executed: parsed, found in its document, counted, validated, its variables coerced.

use std::sync::Arc;

use async_graphql::{
    Name, Positioned, Request, ServerError, Variables,
    parser::{
        self, parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
    },
};

use futures_util::FutureExt;

use super::{
    document_cache::{DocumentCache, ParsedDocument},
    input_fields, null_variables, validation, variables,
};
use crate::{
    engine::{
        cost::{self, DocumentLimits, LimitError},
        progress::OperationInfo,
        request::GraphqlRequest,
        response::{Excess, RequestErrors, executed, request_error, shorten},
        schema_shape::SchemaShape,
    },
    error::ErrorCode,
    schema::{GatewaySchema, Introspection},
};

/// An operation that may be executed.
pub(crate) struct CheckedOperation {
    pub(in crate::engine) document: Arc<ParsedDocument>,
    /// The document to execute in its place where variables make some of its fields fail.
    pub(in crate::engine) marked: Option<ExecutableDocument>,
    pub(in crate::engine) variables: Variables,
    pub(in crate::engine) query: String,
    pub(in crate::engine) operation_type: OperationType,
    pub(in crate::engine) introspection: Introspection,
    pub(in crate::engine) info: Arc<OperationInfo>,
}

impl CheckedOperation {
    /// The operation that the request names, or why it can't be executed.
    pub(crate) fn prepare(
        request: GraphqlRequest,
        documents: &DocumentCache,
        limits: &DocumentLimits,
        shape: &SchemaShape,
        introspection: Introspection,
    ) -> Result<Self, RequestErrors> {
        cost::check_variables(&request.variables, limits).map_err(limit_errors)?;
        let known = documents.get(&request.query);
        let is_known = known.is_some();
        let document = match known {
            Some(known) => known,
            None => parsed(&request.query, limits)?,
        };

        let found = found(&document.parsed, request.operation_name.as_deref())?;
        let (name, definition) = (found.0.map(str::to_owned), &found.1.node);
        cost::check_document(
            document.size,
            &document.parsed,
            definition,
            &request.variables,
            shape,
            limits,
        )
        .map_err(limit_errors)?;
        if !is_known {
            let faults = validation::faults(&document.parsed, shape, introspection);
            if !faults.is_empty() {
                return Err(RequestErrors(faults));
            }
            documents.keep(&request.query, &document);
        }
        let variables = variables::coerced(request.variables, definition, shape, introspection)
            .map_err(RequestErrors)?;
        let marked = null_variables::marked(&document.parsed, definition, &variables, shape)
            .map_err(RequestErrors)?;
        let info = OperationInfo {
            name,
            type_name: match definition.ty {
                OperationType::Query => "query",
                OperationType::Mutation => "mutation",
                OperationType::Subscription => "subscription",
            },
        };
        let operation_type = definition.ty;

        Ok(Self {
            document,
            marked,
            variables,
            operation_type,
            introspection,
            info: Arc::new(info),
            query: request.query,
        })
    }
}

/// The document, where it is small enough to be parsed.
fn parsed(text: &str, limits: &DocumentLimits) -> Result<Arc<ParsedDocument>, RequestErrors> {
    let size = cost::check_size(text, limits).map_err(limit_errors)?;
    let mut parsed = parse_query(text).map_err(|err| {
        // What can't be read is no introspection, and its size comes first.
        match cost::check_size_of(size, limits) {
            Err(error) => limit_errors(error),
            Ok(()) => syntax_error(err).into(),
        }
    })?;
    if let Some(mut repeated) = input_fields::repeated(text) {
        shorten(&mut repeated);
        return Err(repeated.into());
    }
    validation::wrap_typenames(&mut parsed);
    Ok(ParsedDocument::new(parsed, text, size))
}

/// Whether a document could run: it is within the limits, with its variables' defaults, and valid.
pub(in crate::engine) fn check(
    text: &str,
    schema: &GatewaySchema,
    limits: &DocumentLimits,
    shape: &SchemaShape,
    introspection: Introspection,
) -> Result<(), RequestErrors> {
    let document = parsed(text, limits)?;

    let (size, parsed) = (document.size, &document.parsed);
    let no_variables = Variables::default();
    for (_, operation) in parsed.operations.iter() {
        cost::check_document(size, parsed, &operation.node, &no_variables, shape, limits)
            .map_err(limit_errors)?;
    }
    let faults = validation::faults(parsed, shape, introspection);
    if !faults.is_empty() {
        return Err(RequestErrors(faults));
    }

    validate(parsed, schema)
}

/// Validates by the library's rules. The library validates only when it executes, so it executes introspection, which waits for
/// nothing.
pub(in crate::engine) fn validate(
    parsed: &ExecutableDocument,
    schema: &GatewaySchema,
) -> Result<(), RequestErrors> {
    let mut request = Request::new(String::new()).only_introspection();
    request.operation_name = match &parsed.operations {
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => operations.keys().next().map(Name::to_string),
    };
    request.set_parsed_query(parsed.clone());
    match schema.execute(request).now_or_never().map(executed) {
        Some(Err(errors)) => Err(errors),
        _ => Ok(()),
    }
}

/// The operation by this name, or the only one.
fn found<'a>(
    document: &'a ExecutableDocument,
    name: Option<&'a str>,
) -> Result<(Option<&'a str>, &'a Positioned<OperationDefinition>), RequestErrors> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some((None, operation)),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .map(|operation| (Some(name), operation)),
        (DocumentOperations::Multiple(operations), None) => {
            let mut operations = operations.iter();
            match (operations.next(), operations.next()) {
                (Some((name, operation)), None) => Some((Some(name.as_str()), operation)),
                _ => None,
            }
        }
    };

    found.ok_or_else(|| {
        let message = match name {
            Some(_) => "The document has no operation of the name in operationName.",
            None => "The document has several operations: operationName must say which one to run.",
        };
        request_error(ErrorCode::BadUserInput, message).into()
    })
}

fn limit_errors(error: LimitError) -> RequestErrors {
    let error = match error {
        LimitError::OverLimit(over) => {
            let excess = Excess {
                cost: Some(over.has),
                allowed: over.allowed,
            };
            excess.error(over.to_string())
        }
        LimitError::Invalid(message) => request_error(ErrorCode::ValidationFailed, message),
    };
    error.into()
}

fn syntax_error(err: parser::Error) -> ServerError {
    let message = match &err {
        // The parser draws the place below the line; the error's location tells it already.
        parser::Error::Syntax { message, .. } => {
            let expected = message
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("= "))
                .next_back();
            match expected {
                Some(expected) => format!("Syntax error: {expected}"),
                None => "Syntax error".to_owned(),
            }
        }
        parser::Error::RecursionLimitExceeded => {
            let message = "The query has more brackets inside each other than are allowed.";
            return request_error(ErrorCode::LimitExceeded, message);
        }
        other => format!("Syntax error: {other}"),
    };

    let mut error = request_error(ErrorCode::ParseFailed, message);
    error.locations = err.positions().collect();
    error
}
