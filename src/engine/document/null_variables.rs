//! Variables that are null, and only by their default could stand where they do.
//!
//! Where one stands in a field's arguments that field fails, as GraphQL has it, and the others are answered.

use async_graphql::{
    Name, ServerError, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};

use super::{
    positions::{Positions, first_null},
    validation::operations_mut,
};
use crate::{engine::schema_shape::SchemaShape, schema::fail_for_null};

/// The document in which each such field is marked to fail, where there is any. The request is at fault where such a variable
/// has to say what is skipped or included.
pub(crate) fn marked(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    shape: &SchemaShape,
) -> Result<Option<ExecutableDocument>, Vec<ServerError>> {
    let nulls: Vec<Name> = operation
        .variable_definitions
        .iter()
        .map(|definition| &definition.node)
        .filter(|definition| definition.default_value.is_some())
        .map(|definition| &definition.name.node)
        .filter(|name| variables.get(*name) == Some(&Value::Null))
        .cloned()
        .collect();
    if nulls.is_empty() {
        return Ok(None);
    }
    let faults = Positions::of(document, shape).null_conditions(operation, &nulls);
    if !faults.is_empty() {
        return Err(faults);
    }

    let mut marking = Marking {
        nulls,
        shape,
        has_marked: false,
    };
    let mut marked = document.clone();
    for operation in operations_mut(&mut marked.operations) {
        let root = shape.root(operation.ty);
        marking.mark_set(&mut operation.selection_set.node, root);
    }
    for fragment in marked.fragments.values_mut() {
        let fragment = &mut fragment.node;
        let type_name = fragment.type_condition.node.on.node.as_str();
        marking.mark_set(&mut fragment.selection_set.node, type_name);
    }
    Ok(marking.has_marked.then_some(marked))
}

struct Marking<'a> {
    nulls: Vec<Name>,
    shape: &'a SchemaShape,
    has_marked: bool,
}

impl Marking<'_> {
    /// Recurses as deep as brackets may stand inside each other.
    fn mark_set(&mut self, set: &mut SelectionSet, type_name: &str) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => self.mark_field(&mut field.node, type_name),
                Selection::InlineFragment(fragment) => {
                    let fragment = &mut fragment.node;
                    let type_name = match &fragment.type_condition {
                        Some(condition) => condition.node.on.node.as_str(),
                        None => type_name,
                    };
                    self.mark_set(&mut fragment.selection_set.node, type_name);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn mark_field(&mut self, field: &mut Field, parent_type: &str) {
        let Some(known) = self.shape.field(parent_type, &field.name.node) else {
            return;
        };
        let null = first_null(&field.arguments, &known.arguments, self.shape, &self.nulls);
        match null {
            Some((variable, pos)) => {
                fail_for_null(field, &variable, pos, known.nullability);
                self.has_marked = true;
            }
            None => self.mark_set(&mut field.selection_set.node, &known.returns),
        }
    }
}
