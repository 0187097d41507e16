//! What every document is held against, and what is known of one that passed.

use async_graphql::{Pos, Value, Variables, parser::types::ExecutableDocument};

use super::{
    error::DocumentError,
    executable::Conversion,
    operation::kind,
    parser::{DocumentSize, parse},
    validation::validate,
};
use crate::{
    engine::{
        cost::{self, DocumentLimits, OverLimit},
        response::RequestErrors,
        schema_shape::SchemaShape,
    },
    schema::Introspection,
    telemetry::metrics::OperationKind,
};

pub(crate) struct DocumentRules {
    pub(crate) shape: SchemaShape,
    pub(crate) limits: DocumentLimits,
    /// Where introspection is disabled, errors reveal no names of the schema either.
    pub(crate) introspection: Introspection,
}

/// A valid document. What an operation of it may cost is checked for each request.
pub(crate) struct CheckedDocument {
    pub(crate) executable: ExecutableDocument,
    pub(crate) size: DocumentSize,
    /// Whether it selects the interfaces of a type.
    pub(crate) selects_interfaces: bool,
    /// By the names of its operations.
    conditions: Vec<(Option<String>, Vec<Condition>)>,
}

/// A variable that says what is skipped or included: by its default it may stand there, null may not.
pub(super) struct Condition {
    pub(super) variable: String,
    pub(super) pos: Pos,
    pub(super) message: String,
}

impl DocumentRules {
    pub(crate) fn read(&self, text: &str) -> Result<CheckedDocument, RequestErrors> {
        self.read_document(text).map_err(|errors| {
            let errors = errors.into_iter().map(Into::into);
            RequestErrors(errors.collect())
        })
    }

    fn read_document(&self, text: &str) -> Result<CheckedDocument, Vec<DocumentError>> {
        let over = |over: OverLimit| vec![over.into()];
        cost::check_bytes(text, &self.limits).map_err(over)?;
        let (size, document) = parse(text, cost::max_tokens(&self.limits), cost::MAX_NESTING);
        // What can't be read is no introspection, and its size comes first.
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                cost::check_size(size, &self.limits).map_err(over)?;
                return Err(vec![error]);
            }
        };

        let valid = validate(&document, text, &self.shape, self.introspection)?;
        let (executable, selects_interfaces) = Conversion::of(&document, &valid.hazards);
        Ok(CheckedDocument {
            executable,
            size,
            selects_interfaces,
            conditions: valid.conditions,
        })
    }

    /// Whether each operation of a document may run, with the defaults of its variables.
    pub(crate) fn check_document(&self, text: &str) -> Result<(), RequestErrors> {
        let document = self.read(text)?;
        let no_variables = Variables::default();
        for (_, operation) in document.executable.operations.iter() {
            cost::check_document(&document, &operation.node, &no_variables, self)?;
        }
        Ok(())
    }

    /// The operations of a document that have names; none of one that can't be read.
    pub(crate) fn named_operations(&self, text: &str) -> Vec<(String, OperationKind)> {
        let Ok(document) = self.read(text) else {
            return Vec::new();
        };
        let operations = document.executable.operations.iter();
        operations
            .filter_map(|(name, operation)| Some((name?.to_string(), kind(operation.node.ty))))
            .collect()
    }
}

impl CheckedDocument {
    /// The conditions of the operation by this name that these variables leave open.
    pub(super) fn null_conditions<'a>(
        &'a self,
        operation: Option<&'a str>,
        variables: &'a Variables,
    ) -> impl Iterator<Item = DocumentError> {
        self.conditions
            .iter()
            .filter(move |(name, _)| name.as_deref() == operation)
            .flat_map(|(_, conditions)| conditions)
            .filter(|condition| variables.get(condition.variable.as_str()) == Some(&Value::Null))
            .map(|condition| {
                let message = condition.message.clone();
                DocumentError::bad_input(message, vec![condition.pos])
            })
    }
}
