//! What counting a query's cost needs to know of the schema: which field returns what, and which are lists.

use std::collections::HashMap;

use async_graphql::{
    Value,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, OperationType, Type, TypeKind, TypeSystemDefinition},
    },
};

use crate::error::{Error, Result};

pub(in crate::http) struct SchemaShape {
    query: String,
    mutation: String,
    types: HashMap<String, HashMap<String, FieldShape>>,
}

#[derive(Debug)]
pub(super) struct FieldShape {
    /// The name of the type, without the marks of lists and non-null.
    pub(super) returns: String,
    pub(super) arity: Arity,
    /// How many objects come when the query does not say it; none where the field has no such argument.
    pub(super) default_first: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    One,
    List,
}

impl SchemaShape {
    pub(in crate::http) fn read(schema_text: &str) -> Result<Self> {
        let document = parse_schema(schema_text).map_err(|err| {
            Error::internal("the schema's own text can't be read").with_source(err)
        })?;
        let mut shape = Self {
            query: "Query".to_owned(),
            mutation: "Mutation".to_owned(),
            types: HashMap::new(),
        };

        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(roots) => {
                    if let Some(query) = roots.node.query {
                        shape.query = query.node.to_string();
                    }
                    if let Some(mutation) = roots.node.mutation {
                        shape.mutation = mutation.node.to_string();
                    }
                }
                TypeSystemDefinition::Type(definition) => {
                    let fields = match definition.node.kind {
                        TypeKind::Object(object) => object.fields,
                        TypeKind::Interface(interface) => interface.fields,
                        _ => continue,
                    };
                    let fields = fields
                        .iter()
                        .map(|field| (field.node.name.node.to_string(), field_shape(&field.node)))
                        .collect();
                    shape
                        .types
                        .insert(definition.node.name.node.to_string(), fields);
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(shape)
    }

    pub(super) fn root(&self, operation: OperationType) -> &str {
        match operation {
            OperationType::Mutation => &self.mutation,
            OperationType::Query | OperationType::Subscription => &self.query,
        }
    }

    pub(super) fn field(&self, type_name: &str, field_name: &str) -> Option<&FieldShape> {
        self.types.get(type_name)?.get(field_name)
    }

    /// Whether the type is a page of a list, whose size is an argument of the field that returns it.
    pub(super) fn is_connection(&self, type_name: &str) -> bool {
        self.field(type_name, "pageInfo").is_some()
    }
}

/// How many objects come of a list with a `first` for which the schema has no default.
const ASSUMED_FIRST: u64 = 20;

fn field_shape(field: &FieldDefinition) -> FieldShape {
    let first = field
        .arguments
        .iter()
        .find(|argument| argument.node.name.node == "first");
    let default_first = first.map(|argument| match &argument.node.default_value {
        Some(default) => as_count(&default.node).unwrap_or(ASSUMED_FIRST),
        None => ASSUMED_FIRST,
    });
    let (returns, arity) = unwrapped(&field.ty.node);

    FieldShape {
        returns,
        arity,
        default_first,
    }
}

fn unwrapped(field_type: &Type) -> (String, Arity) {
    match &field_type.base {
        BaseType::Named(name) => (name.to_string(), Arity::One),
        BaseType::List(item) => (unwrapped(item).0, Arity::List),
    }
}

/// The value as a number of objects. One below zero is refused later, and costs nothing until then.
pub(super) fn as_count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) if number.is_f64() => None,
        Value::Number(number) => Some(number.as_u64().unwrap_or(0)),
        _ => None,
    }
}
