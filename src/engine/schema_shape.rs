//! What is known of the schema before a document runs: which field takes and returns what, and which are lists.

use std::collections::HashMap;

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{
            BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeDefinition,
            TypeKind, TypeSystemDefinition,
        },
    },
};

use crate::{
    error::{Error, Result},
    schema::Nullability,
};

pub(crate) struct SchemaShape {
    query: String,
    mutation: String,
    types: HashMap<String, HashMap<String, FieldShape>>,
    inputs: HashMap<String, InputShape>,
    directives: HashMap<String, Vec<Input>>,
}

#[derive(Debug)]
pub(crate) struct FieldShape {
    /// The name of the type, without the marks of lists and non-null.
    pub(crate) returns: String,
    pub(crate) nullability: Nullability,
    pub(crate) arity: Arity,
    /// How many objects come when the query does not say it; none where the field has no such argument.
    pub(crate) default_first: Option<u64>,
    /// Whether it is a question of its own to a vendor, for each object that it is asked of.
    pub(crate) needs_call: bool,
    pub(crate) arguments: Vec<Input>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) input_type: Type,
    pub(crate) has_default: bool,
}

impl Input {
    pub(crate) fn is_required(&self) -> bool {
        !self.input_type.nullable && !self.has_default
    }
}

/// What a value of an input type is made of.
#[derive(Debug)]
pub(crate) enum InputShape {
    Scalar,
    Enum(Vec<String>),
    Object(Vec<Input>),
    /// An object of which exactly one field is given.
    OneOf(Vec<Input>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    One,
    List,
}

impl SchemaShape {
    pub(crate) fn read(schema_text: &str) -> Result<Self> {
        let mut shape = Self {
            query: "Query".to_owned(),
            mutation: "Mutation".to_owned(),
            types: HashMap::new(),
            inputs: BUILT_IN_SCALARS
                .map(|name| (name.to_owned(), InputShape::Scalar))
                .into(),
            directives: HashMap::new(),
        };

        for text in [BUILT_IN, schema_text] {
            shape.add_text(text)?;
        }
        shape.tell_calls();
        Ok(shape)
    }

    fn add_text(&mut self, text: &str) -> Result<()> {
        let document = parse_schema(text).map_err(|err| {
            Error::internal("the schema's own text can't be read").with_source(err)
        })?;
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(roots) => {
                    if let Some(query) = roots.node.query {
                        self.query = query.node.to_string();
                    }
                    if let Some(mutation) = roots.node.mutation {
                        self.mutation = mutation.node.to_string();
                    }
                }
                TypeSystemDefinition::Type(definition) => self.add(definition.node),
                TypeSystemDefinition::Directive(directive) => {
                    let name = directive.node.name.node.to_string();
                    let arguments = inputs(&directive.node.arguments);
                    self.directives.insert(name, arguments);
                }
            }
        }
        Ok(())
    }

    /// A field of the root asks a vendor, and so does one that has a page of its own.
    fn tell_calls(&mut self) {
        for (type_name, fields) in &mut self.types {
            let is_root = *type_name == self.query || *type_name == self.mutation;
            for (name, field) in fields {
                let is_apart = CALLS_APART.contains(&(type_name.as_str(), name.as_str()));
                field.needs_call = (is_root && !CALLS_NOBODY.contains(&name.as_str()))
                    || field.default_first.is_some()
                    || is_apart;
            }
        }
    }

    fn add(&mut self, definition: TypeDefinition) {
        let name = definition.name.node.to_string();
        let is_one_of = definition
            .directives
            .iter()
            .any(|directive| directive.node.name.node == "oneOf");

        let input = match definition.kind {
            TypeKind::Object(object) => {
                self.types.insert(name, field_shapes(&object.fields));
                return;
            }
            TypeKind::Interface(interface) => {
                self.types.insert(name, field_shapes(&interface.fields));
                return;
            }
            TypeKind::Union(_) => return,
            TypeKind::Scalar => InputShape::Scalar,
            TypeKind::Enum(choice) => {
                let values = choice.values.iter();
                InputShape::Enum(values.map(|value| value.node.value.to_string()).collect())
            }
            TypeKind::InputObject(object) if is_one_of => InputShape::OneOf(inputs(&object.fields)),
            TypeKind::InputObject(object) => InputShape::Object(inputs(&object.fields)),
        };
        self.inputs.insert(name, input);
    }

    pub(crate) fn root(&self, operation: OperationType) -> &str {
        match operation {
            OperationType::Mutation => &self.mutation,
            OperationType::Query | OperationType::Subscription => &self.query,
        }
    }

    pub(crate) fn input(&self, type_name: &str) -> Option<&InputShape> {
        self.inputs.get(type_name)
    }

    pub(crate) fn field(&self, type_name: &str, field_name: &str) -> Option<&FieldShape> {
        let type_name = match field_name {
            "__schema" | "__type" => "__Introspection",
            _ => type_name,
        };
        self.types.get(type_name)?.get(field_name)
    }

    pub(crate) fn directive(&self, name: &str) -> Option<&[Input]> {
        self.directives.get(name).map(Vec::as_slice)
    }

    /// Whether the type is a page of a list, whose size is an argument of the field that returns it.
    pub(crate) fn is_connection(&self, type_name: &str) -> bool {
        self.field(type_name, "pageInfo").is_some()
    }
}

/// How many objects come of a list with a `first` for which the schema has no default.
const ASSUMED_FIRST: u64 = 20;

/// Fields of objects that are read by a call of their own, although they look like any other.
const CALLS_APART: [(&str, &str); 1] = [("ServiceRecord", "summary")];

/// Fields of the root that the gateway answers from what it holds itself.
const CALLS_NOBODY: [&str; 1] = ["vendors"];

/// What takes arguments, or leads to what does, in every schema.
const BUILT_IN: &str = "
    directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    type __Introspection { __schema: __Schema! __type(name: String!): __Type }
    type __Schema {
        types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type directives: [__Directive!]!
    }
    type __Type {
        fields(includeDeprecated: Boolean = false): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
        enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
        inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type
    }
    type __Field { args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type! }
    type __InputValue { type: __Type! }
    type __EnumValue { name: String! }
    type __Directive { args(includeDeprecated: Boolean = false): [__InputValue!]! }
";

/// GraphQL's own, which a schema's text leaves out.
const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

fn field_shapes(fields: &[Positioned<FieldDefinition>]) -> HashMap<String, FieldShape> {
    let fields = fields.iter().map(|field| &field.node);
    fields
        .map(|field| (field.name.node.to_string(), field_shape(field)))
        .collect()
}

fn inputs(definitions: &[Positioned<InputValueDefinition>]) -> Vec<Input> {
    let definitions = definitions.iter().map(|definition| &definition.node);
    definitions
        .map(|definition| Input {
            name: definition.name.node.to_string(),
            input_type: definition.ty.node.clone(),
            has_default: definition.default_value.is_some(),
        })
        .collect()
}

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
        nullability: match field.ty.node.nullable {
            true => Nullability::Nullable,
            false => Nullability::NonNull,
        },
        arity,
        default_first,
        needs_call: false,
        arguments: inputs(&field.arguments),
    }
}

fn unwrapped(field_type: &Type) -> (String, Arity) {
    match &field_type.base {
        BaseType::Named(name) => (name.to_string(), Arity::One),
        BaseType::List(item) => (unwrapped(item).0, Arity::List),
    }
}

/// The value as a number of objects. One below zero is refused later, and costs nothing until then.
pub(crate) fn as_count(value: &Value) -> Option<u64> {
    match value {
        // A variable may have a whole number written with a fraction; the conversion saturates.
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| number as u64),
        Value::Number(number) => Some(number.as_u64().unwrap_or(0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLS_APART, CALLS_NOBODY, SchemaShape};
    use crate::schema::sdl;

    #[test]
    fn the_fields_that_are_named_here_are_in_the_schema() {
        let shape = SchemaShape::read(&sdl()).expect("the schema can be read");

        for (type_name, field) in CALLS_APART {
            let field = shape.field(type_name, field);
            assert!(field.is_some_and(|field| field.needs_call));
        }
        for field in CALLS_NOBODY {
            let field = shape.field("Query", field);
            assert!(field.is_some_and(|field| !field.needs_call));
        }
    }
}
