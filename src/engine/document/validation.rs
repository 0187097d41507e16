//! Checks what the library's validation leaves out: the values that a document holds, where its variables stand, and what
//! stands at `__typename`.
//!
//! The library reads the schema's own scalars no sooner than the field is about to run, where a malformed one costs the whole
//! answer; it takes a string for an enum, a number beyond Int, and anything for an input object; and it passes over
//! `__typename` with all that stands there, so that a variable in its directives counts as unused.

use async_graphql::{
    Name, Pos, Positioned, ServerError,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, InlineFragment,
        OperationDefinition, Selection, SelectionSet, Type,
    },
};

use async_graphql_value::Value;

use super::{
    coercion::{Coercion, CoercionError, Notation},
    positions::Positions,
};
use crate::{
    engine::{
        response::{MAX_ERRORS, request_error},
        schema_shape::{Input, SchemaShape},
    },
    error::ErrorCode,
    schema::Introspection,
};

/// Moves each directive of a `__typename` to an inline fragment around it, which means the same and is validated.
pub(crate) fn wrap_typenames(document: &mut ExecutableDocument) {
    let of_operations = operations_mut(&mut document.operations)
        .into_iter()
        .map(|operation| &mut operation.selection_set);
    let of_fragments = document
        .fragments
        .values_mut()
        .map(|fragment| &mut fragment.node.selection_set);

    of_operations
        .chain(of_fragments)
        .for_each(|set| wrap_typenames_in(&mut set.node));
}

pub(crate) fn operations_mut(operations: &mut DocumentOperations) -> Vec<&mut OperationDefinition> {
    match operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => operations
            .values_mut()
            .map(|operation| &mut operation.node)
            .collect(),
    }
}

/// Recurses as deep as brackets may stand inside each other.
fn wrap_typenames_in(set: &mut SelectionSet) {
    for selection in &mut set.items {
        let pos = selection.pos;
        match &mut selection.node {
            Selection::Field(field) if is_typename(&field.node) => {
                let directives = std::mem::take(&mut field.node.directives);
                if directives.is_empty() {
                    continue;
                }
                let typename = Positioned::new(Selection::Field(field.clone()), pos);
                let wrapped = InlineFragment {
                    type_condition: None,
                    directives,
                    selection_set: Positioned::new(
                        SelectionSet {
                            items: vec![typename],
                        },
                        pos,
                    ),
                };
                selection.node = Selection::InlineFragment(Positioned::new(wrapped, pos));
            }
            Selection::Field(field) => wrap_typenames_in(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => {
                wrap_typenames_in(&mut fragment.node.selection_set.node);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_typename(field: &Field) -> bool {
    field.name.node == "__typename"
}

fn is_closed(field: &Field, introspection: Introspection) -> bool {
    let asks_for_schema = matches!(field.name.node.as_str(), "__schema" | "__type");
    asks_for_schema && introspection == Introspection::Disabled
}

/// The document's faults.
pub(crate) fn faults(
    document: &ExecutableDocument,
    shape: &SchemaShape,
    introspection: Introspection,
) -> Vec<ServerError> {
    let mut faults = Faults {
        coercion: Coercion {
            shape,
            notation: Notation::Document,
            introspection,
        },
        errors: Vec::new(),
    };

    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        for definition in &operation.variable_definitions {
            let (name, var_type) = (&definition.node.name.node, &definition.node.var_type.node);
            let default = definition.node.default_value.as_ref();
            if !faults.is_input_type(var_type) {
                faults.refuse_type(name, definition.pos);
            } else if let Some(default) = default {
                let result = faults
                    .coercion
                    .coerce(default.node.clone().into_value(), var_type);
                let subject = || {
                    (
                        format!("The default of the variable ${name}"),
                        String::new(),
                    )
                };
                faults.keep_fault(result, subject, default.pos);
            }
        }
        faults.check_set(&operation.selection_set.node, shape.root(operation.ty));
    }
    for fragment in document.fragments.values() {
        let type_name = fragment.node.type_condition.node.on.node.as_str();
        faults.check_set(&fragment.node.selection_set.node, type_name);
    }
    if faults.errors.is_empty() {
        return Positions::of(document, shape).faults(introspection);
    }
    faults.errors
}

struct Faults<'a> {
    coercion: Coercion<'a>,
    errors: Vec<ServerError>,
}

impl Faults<'_> {
    /// Recurses as deep as brackets may stand inside each other.
    fn check_set(&mut self, set: &SelectionSet, type_name: &str) {
        for selection in &set.items {
            self.check_directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) if is_typename(&field.node) => {
                    self.check_typename(&field.node, field.pos);
                }
                Selection::Field(field) if is_closed(&field.node, self.coercion.introspection) => {
                    let message = "The schema may not be asked for here.";
                    self.keep(
                        request_error(ErrorCode::ValidationFailed, message),
                        field.pos,
                    );
                }
                Selection::Field(field) => self.check_field(&field.node, type_name),
                Selection::InlineFragment(fragment) => {
                    let type_name = match &fragment.node.type_condition {
                        Some(condition) => condition.node.on.node.as_str(),
                        None => type_name,
                    };
                    self.check_set(&fragment.node.selection_set.node, type_name);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn check_typename(&mut self, field: &Field, pos: Pos) {
        if !field.arguments.is_empty() || !field.selection_set.node.items.is_empty() {
            let message = "The field __typename has neither arguments nor fields.";
            self.keep(request_error(ErrorCode::ValidationFailed, message), pos);
        }
    }

    /// The library refuses fields and arguments that the schema does not have.
    fn check_field(&mut self, field: &Field, parent_type: &str) {
        let field_name = field.name.node.as_str();
        let Some(field_shape) = self.coercion.shape.field(parent_type, field_name) else {
            return;
        };

        for (name, value) in &field.arguments {
            self.check_argument(name, value, &field_shape.arguments, || {
                format!(" of the field {field_name}")
            });
        }
        self.check_set(&field.selection_set.node, &field_shape.returns);
    }

    fn check_directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives.iter().map(|directive| &directive.node) {
            let directive_name = &directive.name.node;
            let Some(arguments) = self.coercion.shape.directive(directive_name) else {
                continue;
            };
            for (name, value) in &directive.arguments {
                self.check_argument(name, value, arguments, || {
                    format!(" of the directive @{directive_name}")
                });
            }
        }
    }

    fn check_argument(
        &mut self,
        name: &Positioned<Name>,
        value: &Positioned<Value>,
        arguments: &[Input],
        of: impl FnOnce() -> String,
    ) {
        let argument = arguments.iter().find(|argument| name.node == argument.name);
        if let Some(argument) = argument {
            let value_pos = value.pos;
            let result = self
                .coercion
                .coerce(value.node.clone(), &argument.input_type);
            let subject = || (format!("The argument {name}"), of());
            self.keep_fault(result, subject, value_pos);
        }
    }

    fn is_input_type(&self, var_type: &Type) -> bool {
        match &var_type.base {
            BaseType::List(item) => self.is_input_type(item),
            BaseType::Named(name) => self.coercion.shape.input(name).is_some(),
        }
    }

    fn refuse_type(&mut self, variable: &Name, pos: Pos) {
        let message = format!("The variable ${variable} is of a type that is no input type.");
        self.keep(request_error(ErrorCode::ValidationFailed, message), pos);
    }

    fn keep_fault<T>(
        &mut self,
        result: Result<T, CoercionError>,
        subject: impl FnOnce() -> (String, String),
        pos: Pos,
    ) {
        if let Err(misfit) = result {
            let (subject, of) = subject();
            let message = misfit.about(&subject, &of);
            self.keep(request_error(ErrorCode::BadUserInput, message), pos);
        }
    }

    fn keep(&mut self, mut error: ServerError, pos: Pos) {
        if self.errors.len() < MAX_ERRORS {
            error.locations.push(pos);
            self.errors.push(error);
        }
    }
}
