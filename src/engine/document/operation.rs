//! One operation on its way: parsed, found, counted, and executed, with a code on every error.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{
    Name, Positioned, Request, Response, ServerError, Value, Variables,
    parser::{
        self, parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
    },
};

use futures_util::FutureExt;

use super::{
    MAX_FAULTS_TOLD,
    document_cache::{Document, Documents},
    input_fields, null_variables, validation, variables,
};
use crate::{
    engine::{
        cost::{self as limits, DocumentLimits, Refusal},
        schema_shape::SchemaShape,
    },
    http::{
        answer::{Answer, Excess, code, error},
        graphql::parameters::Parameters,
        request_log::OperationFacts,
    },
    repository::Repository,
    schema::{GatewaySchema, Introspection},
};

/// An operation that may run.
pub(crate) struct Operation {
    document: Arc<Document>,
    /// What runs in its place where variables make some of its fields fail.
    marked: Option<ExecutableDocument>,
    variables: Variables,
    query: String,
    operation_type: OperationType,
    introspection: Introspection,
    pub(crate) facts: Arc<OperationFacts>,
}

impl Operation {
    /// The operation that is asked for, or the answer that says why there is none.
    pub(crate) fn prepare(
        parameters: Parameters,
        documents: &Documents,
        limits: &DocumentLimits,
        shape: &SchemaShape,
        introspection: Introspection,
    ) -> Result<Self, Answer> {
        if let Some(refusal) = parameters.refusal {
            return Err(refusal);
        }
        limits::check_variables(&parameters.variables, limits).map_err(refused)?;
        let known = documents.get(&parameters.query);
        let is_known = known.is_some();
        let document = match known {
            Some(known) => known,
            None => parsed(&parameters.query, limits)?,
        };

        let found = found(&document.parsed, parameters.operation_name.as_deref())?;
        let (name, definition) = (found.0.map(str::to_owned), &found.1.node);
        limits::check_document(
            document.size,
            &document.parsed,
            definition,
            &parameters.variables,
            shape,
            limits,
        )
        .map_err(refused)?;
        if !is_known {
            let faults = validation::faults(&document.parsed, shape, introspection);
            if !faults.is_empty() {
                return Err(Answer::refused(faults));
            }
            documents.keep(&parameters.query, &document);
        }
        let variables = variables::coerced(parameters.variables, definition, shape, introspection)
            .map_err(Answer::refused)?;
        let marked = null_variables::marked(&document.parsed, definition, &variables, shape)
            .map_err(Answer::refused)?;
        let facts = OperationFacts {
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
            facts: Arc::new(facts),
            query: parameters.query,
        })
    }

    pub(crate) fn is(&self, operation_type: OperationType) -> bool {
        self.operation_type == operation_type
    }

    pub(crate) async fn execute(
        &self,
        schema: &GatewaySchema,
        repository: Arc<Repository>,
    ) -> Answer {
        // Nothing is valid with the marks of the gateway in it.
        if self.marked.is_some() && !self.document.is_validated() {
            if let Err(refusal) = validated(&self.document.parsed, schema) {
                return self.shown(refusal);
            }
            self.document.passed_validation();
        }
        let parsed = self.marked.as_ref().unwrap_or(&self.document.parsed);
        // The text was parsed, and nobody reads it again.
        let mut request = Request::new(String::new())
            .variables(self.variables.clone())
            .data(repository);
        request.operation_name = self.facts.name.clone();
        request.set_parsed_query(parsed.clone());

        let response = match self.document.is_validated() {
            true => schema.execute_validated(request).await,
            false => schema.execute(request).await,
        };
        let answer = answer(response);
        if !answer.is_refusal() {
            self.document.passed_validation();
        }
        self.shown(answer)
    }

    fn shown(&self, mut answer: Answer) -> Answer {
        if self.introspection == Introspection::Disabled {
            withhold_names(&mut answer.errors, &self.query);
        }
        answer
    }
}

/// The document, where it is small enough to be parsed.
fn parsed(text: &str, limits: &DocumentLimits) -> Result<Arc<Document>, Answer> {
    let size = limits::check_size(text, limits).map_err(refused)?;
    let mut parsed = parse_query(text).map_err(|err| {
        // What can't be read is no introspection, and its size comes first.
        match limits::check_size_of(size, limits) {
            Err(refusal) => refused(refusal),
            Ok(()) => unparsable(err),
        }
    })?;
    if let Some(mut repeated) = input_fields::repeated(text) {
        shorten(&mut repeated);
        return Err(Answer::refused(vec![repeated]));
    }
    validation::wrap_typenames(&mut parsed);
    Ok(Document::new(parsed, text, size))
}

/// Whether a document could run: it is within the limits, with its variables' defaults, and valid.
pub(crate) fn check(
    text: &str,
    schema: &GatewaySchema,
    limits: &DocumentLimits,
    shape: &SchemaShape,
    introspection: Introspection,
) -> Result<(), Answer> {
    let document = parsed(text, limits)?;

    let (size, parsed) = (document.size, &document.parsed);
    let no_variables = Variables::default();
    for (_, operation) in parsed.operations.iter() {
        limits::check_document(size, parsed, &operation.node, &no_variables, shape, limits)
            .map_err(refused)?;
    }
    let faults = validation::faults(parsed, shape, introspection);
    if !faults.is_empty() {
        return Err(Answer::refused(faults));
    }

    validated(parsed, schema)
}

/// The library validates no sooner than it executes. Of introspection alone, which waits for nothing.
fn validated(parsed: &ExecutableDocument, schema: &GatewaySchema) -> Result<(), Answer> {
    let mut request = Request::new(String::new()).only_introspection();
    request.operation_name = match &parsed.operations {
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => operations.keys().next().map(Name::to_string),
    };
    request.set_parsed_query(parsed.clone());
    match schema.execute(request).now_or_never().map(answer) {
        Some(answer) if answer.is_refusal() => Err(answer),
        _ => Ok(()),
    }
}

/// The operation by this name, or the only one.
fn found<'a>(
    document: &'a ExecutableDocument,
    name: Option<&'a str>,
) -> Result<(Option<&'a str>, &'a Positioned<OperationDefinition>), Answer> {
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
        Answer::refused(vec![error(code::BAD_USER_INPUT, message)])
    })
}

fn refused(refusal: Refusal) -> Answer {
    Answer::refused(vec![match refusal {
        Refusal::OverLimit(over) => {
            let excess = Excess {
                cost: Some(over.has),
                allowed: over.allowed,
            };
            excess.error(over.to_string())
        }
        Refusal::Invalid(message) => error(code::VALIDATION_FAILED, message),
    }])
}

fn unparsable(err: parser::Error) -> Answer {
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
            return Answer::refused(vec![error(code::LIMIT_EXCEEDED, message)]);
        }
        other => format!("Syntax error: {other}"),
    };

    let mut error = error(code::PARSE_FAILED, message);
    error.locations = err.positions().collect();
    Answer::refused(vec![error])
}

/// A document may hold names of any length: nobody needs to be told them all.
const MAX_MESSAGE_LETTERS: usize = 400;

fn answer(mut response: Response) -> Answer {
    // What fails while it runs has a path; what has none kept the request from running.
    let is_refused = response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty());

    if is_refused {
        response.errors.truncate(MAX_FAULTS_TOLD);
    }
    for error in &mut response.errors {
        set_code(error, is_refused);
    }
    if is_refused {
        response.errors.iter_mut().for_each(shorten);
        Answer::refused(response.errors)
    } else {
        Answer::executed(response)
    }
}

fn shorten(error: &mut ServerError) {
    let end = error.message.char_indices().nth(MAX_MESSAGE_LETTERS);
    if let Some((end, _)) = end {
        error.message.truncate(end);
        error.message.push('…');
    }
}

/// Takes out of the library's refusals each quoted name that the query does not hold itself, and what is suggested.
fn withhold_names(errors: &mut [ServerError], query: &str) {
    let sent: HashSet<&str> = query.split(|letter| !is_of_name(letter)).collect();

    for error in errors.iter_mut().filter(|error| error.path.is_empty()) {
        let message = error.message.split(" Did you mean").next();
        let parts = message.unwrap_or_default().split('"').enumerate();
        let shown: Vec<&str> = parts
            .map(|(index, part)| {
                let is_quoted = index % 2 == 1;
                let is_known = part
                    .split(|letter| !is_of_name(letter))
                    .all(|name| sent.contains(name));
                if is_quoted && !is_known { "…" } else { part }
            })
            .collect();
        error.message = shown.join("\"");
    }
}

fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_ascii_alphanumeric()
}

/// The one place that gives a code to the errors which the library makes by itself; the schema's own have one.
fn set_code(error: &mut ServerError, is_refused: bool) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return;
    }

    let is_about_a_value = [
        "Invalid value for ",
        "Failed to parse ",
        "Expected input type ",
    ]
    .iter()
    .any(|start| error.message.starts_with(start));
    let code = if is_about_a_value {
        code::BAD_USER_INPUT
    } else if error
        .message
        .starts_with("The recursion depth of the query")
    {
        code::LIMIT_EXCEEDED
    } else if is_refused {
        code::VALIDATION_FAILED
    } else {
        // Nobody is to see what it says, but somebody has to know.
        tracing::error!(target: "deskgraph::graphql", error = error.message, "a field failed without a code");
        error.message = "The gateway failed while answering this field.".to_owned();
        code::INTERNAL
    };
    extensions.set("code", Value::from(code));
}
