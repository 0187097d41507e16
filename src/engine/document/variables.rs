//! Coerces a request's variables to the types that its operation defines, before anything runs.

use async_graphql::{
    ServerError, Value, Variables,
    parser::types::{OperationDefinition, VariableDefinition},
};

use super::coercion::{Coercion, CoercionError, Notation};
use crate::{
    engine::{
        response::{MAX_ERRORS, request_error},
        schema_shape::SchemaShape,
    },
    error::ErrorCode,
    schema::Introspection,
};

/// The variables that the operation defines, their defaults filled in; what else was sent is dropped.
pub(crate) fn coerced(
    mut given: Variables,
    operation: &OperationDefinition,
    shape: &SchemaShape,
    introspection: Introspection,
) -> Result<Variables, Vec<ServerError>> {
    let coercion = Coercion {
        shape,
        notation: Notation::Json,
        introspection,
    };
    let mut coerced = Variables::default();
    let mut errors = Vec::new();

    for definition in &operation.variable_definitions {
        let (pos, definition) = (definition.pos, &definition.node);
        let name = &definition.name.node;

        match value_of(definition, given.remove(name), &coercion) {
            Ok(None) => {}
            Ok(Some(value)) => {
                coerced.insert(name.clone(), value);
            }
            Err(misfit) if errors.len() < MAX_ERRORS => {
                let message = misfit.about(&format!("The variable ${name}"), "");
                let mut error = request_error(ErrorCode::BadUserInput, message);
                error.locations.push(pos);
                errors.push(error);
            }
            Err(_) => {}
        }
    }

    match errors.is_empty() {
        true => Ok(coerced),
        false => Err(errors),
    }
}

/// The variable's value: the given one, its default, or none.
fn value_of(
    definition: &VariableDefinition,
    given: Option<Value>,
    coercion: &Coercion<'_>,
) -> Result<Option<Value>, CoercionError> {
    let var_type = &definition.var_type.node;
    match (given, &definition.default_value) {
        (Some(given), _) => {
            let value = coercion.coerce(given.into_value(), var_type)?;
            Ok(value.into_const())
        }
        (None, Some(default)) => Ok(Some(default.node.clone())),
        (None, None) if var_type.nullable => Ok(None),
        (None, None) => Err(coercion.missing(var_type)),
    }
}
