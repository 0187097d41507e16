//! What is known of the schema before a document runs: its types, what each field takes and returns, and what it costs.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{
            BaseType, DirectiveLocation, FieldDefinition, InputValueDefinition, OperationType,
            Type, TypeDefinition, TypeKind as TypeKindOf, TypeSystemDefinition,
        },
    },
};

use super::cost::IntrospectionSizes;
use crate::error::{Error, Result};

pub(crate) struct SchemaShape {
    query: String,
    mutation: Option<String>,
    subscription: Option<String>,
    types: HashMap<String, TypeShape>,
    directives: HashMap<String, DirectiveShape>,
    typename: FieldShape,
    pub(super) introspection: IntrospectionSizes,
}

#[derive(Debug)]
pub(crate) struct TypeShape {
    pub(crate) name: String,
    pub(crate) kind: TypeKind,
    /// The object types that a value of it may be, where it has fields or is a union.
    pub(crate) possible: HashSet<String>,
}

#[derive(Debug)]
pub(crate) enum TypeKind {
    Scalar,
    Enum(Vec<String>),
    Object(Fields),
    Interface(Fields),
    Union,
    Input {
        fields: Vec<Input>,
        /// Whether exactly one of its fields is given.
        is_one_of: bool,
    },
}

#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) by_name: HashMap<String, FieldShape>,
    pub(crate) interfaces: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct FieldShape {
    pub(crate) field_type: Type,
    /// The name of the type, without the marks of lists and non-null.
    pub(crate) returns: String,
    pub(crate) arity: Arity,
    /// How many objects come when the query does not say it; none where the field has no such argument.
    pub(crate) default_first: Option<u64>,
    /// The calls to vendors that it causes by itself, for each object that has it.
    pub(crate) calls: Calls,
    pub(crate) arguments: Vec<Input>,
}

/// How many calls to vendors a field may cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    Times(u64),
    /// One for each day of the range `from` to `to` and one for the range, at each vendor.
    EachDay,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) input_type: Type,
    pub(crate) has_default: bool,
}

#[derive(Debug)]
pub(crate) struct DirectiveShape {
    pub(crate) arguments: Vec<Input>,
    pub(crate) locations: Vec<DirectiveLocation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    One,
    List,
}

impl Input {
    pub(crate) fn is_required(&self) -> bool {
        !self.input_type.nullable && !self.has_default
    }
}

impl TypeShape {
    pub(crate) fn fields(&self) -> Option<&Fields> {
        match &self.kind {
            TypeKind::Object(fields) | TypeKind::Interface(fields) => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.kind, TypeKind::Object(_))
    }

    pub(crate) fn is_composite(&self) -> bool {
        matches!(
            self.kind,
            TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union
        )
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.kind, TypeKind::Scalar | TypeKind::Enum(_))
    }

    pub(crate) fn is_input(&self) -> bool {
        self.is_leaf() || matches!(self.kind, TypeKind::Input { .. })
    }

    /// Whether a value may be of both types.
    pub(crate) fn overlaps(&self, other: &TypeShape) -> bool {
        !self.possible.is_disjoint(&other.possible)
    }
}

impl SchemaShape {
    pub(crate) fn read(schema_text: &str) -> Result<Self> {
        let mut shape = Self {
            query: "Query".to_owned(),
            mutation: None,
            subscription: None,
            types: HashMap::new(),
            directives: HashMap::new(),
            typename: FieldShape {
                field_type: Type {
                    base: BaseType::Named(async_graphql::Name::new("String")),
                    nullable: false,
                },
                returns: "String".to_owned(),
                arity: Arity::One,
                default_first: None,
                calls: Calls::Times(0),
                arguments: Vec::new(),
            },
            introspection: IntrospectionSizes::default(),
        };
        for text in [BUILT_IN, schema_text] {
            shape.add_text(text)?;
        }
        for (root, name) in [
            (&mut shape.mutation, "Mutation"),
            (&mut shape.subscription, "Subscription"),
        ] {
            if root.is_none() && shape.types.contains_key(name) {
                *root = Some(name.to_owned());
            }
        }
        shape.open_introspection();
        shape.mark_calls();
        shape.find_possible_types();
        shape.introspection = IntrospectionSizes::of(&shape);
        Ok(shape)
    }

    fn add_text(&mut self, text: &str) -> Result<()> {
        let document = parse_schema(text).map_err(|err| {
            Error::internal("the schema's own text can't be read").with_source(err)
        })?;
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(roots) => {
                    let roots = roots.node;
                    if let Some(query) = roots.query {
                        self.query = query.node.to_string();
                    }
                    self.mutation = roots.mutation.map(|root| root.node.to_string());
                    self.subscription = roots.subscription.map(|root| root.node.to_string());
                }
                TypeSystemDefinition::Type(definition) => self.add(definition.node),
                TypeSystemDefinition::Directive(directive) => {
                    let directive = directive.node;
                    let locations = directive.locations.iter().map(|location| location.node);
                    let shape = DirectiveShape {
                        arguments: inputs(&directive.arguments),
                        locations: locations.collect(),
                    };
                    self.directives
                        .insert(directive.name.node.to_string(), shape);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, definition: TypeDefinition) {
        let name = definition.name.node.to_string();
        let is_one_of = definition
            .directives
            .iter()
            .any(|directive| directive.node.name.node == "oneOf");

        let mut possible = HashSet::new();
        let kind = match definition.kind {
            TypeKindOf::Object(object) => TypeKind::Object(Fields {
                by_name: field_shapes(&object.fields),
                interfaces: names(&object.implements),
            }),
            TypeKindOf::Interface(interface) => TypeKind::Interface(Fields {
                by_name: field_shapes(&interface.fields),
                interfaces: names(&interface.implements),
            }),
            TypeKindOf::Union(union) => {
                possible.extend(names(&union.members));
                TypeKind::Union
            }
            TypeKindOf::Scalar => TypeKind::Scalar,
            TypeKindOf::Enum(choice) => {
                let values = choice.values.iter();
                TypeKind::Enum(values.map(|value| value.node.value.to_string()).collect())
            }
            TypeKindOf::InputObject(object) => TypeKind::Input {
                fields: inputs(&object.fields),
                is_one_of,
            },
        };
        let shape = TypeShape {
            name: name.clone(),
            kind,
            possible,
        };
        self.types.insert(name, shape);
    }

    /// The fields that lead into introspection belong to the query's root.
    fn open_introspection(&mut self) {
        let entry = self.types.remove("__Entry");
        let root = self.types.get_mut(&self.query);
        if let (
            Some(TypeShape {
                kind: TypeKind::Object(entry),
                ..
            }),
            Some(TypeShape {
                kind: TypeKind::Object(root),
                ..
            }),
        ) = (entry, root)
        {
            root.by_name.extend(entry.by_name);
        }
    }

    /// A field of the root calls a vendor, and so does one that has a page of its own.
    fn mark_calls(&mut self) {
        let roots = [Some(&self.query), self.mutation.as_ref()];
        for (type_name, shape) in &mut self.types {
            let (TypeKind::Object(fields) | TypeKind::Interface(fields)) = &mut shape.kind else {
                continue;
            };
            let is_root = roots.contains(&Some(type_name));
            for (name, field) in &mut fields.by_name {
                let is_apart = CALLS_APART.contains(&(type_name.as_str(), name.as_str()));
                let has_no_call = WITHOUT_CALL.contains(&name.as_str()) || name.starts_with("__");
                let needs_call =
                    (is_root && !has_no_call) || field.default_first.is_some() || is_apart;
                let counts = COUNTS.iter().find(|counts| is_root && counts.0 == *name);
                field.calls = match counts {
                    Some((_, calls)) => *calls,
                    None => Calls::Times(u64::from(needs_call)),
                };
            }
        }
    }

    fn find_possible_types(&mut self) {
        let mut found: Vec<(String, String)> = Vec::new();
        for shape in self.types.values() {
            if let TypeKind::Object(fields) = &shape.kind {
                found.push((shape.name.clone(), shape.name.clone()));
                let interfaces = fields.interfaces.iter();
                found.extend(interfaces.map(|name| (name.clone(), shape.name.clone())));
            }
        }
        for (name, object) in found {
            if let Some(shape) = self.types.get_mut(&name) {
                shape.possible.insert(object);
            }
        }
    }

    pub(crate) fn root(&self, operation: OperationType) -> Option<&TypeShape> {
        let name = match operation {
            OperationType::Query => Some(&self.query),
            OperationType::Mutation => self.mutation.as_ref(),
            OperationType::Subscription => self.subscription.as_ref(),
        };
        self.types.get(name?)
    }

    pub(crate) fn get(&self, type_name: &str) -> Option<&TypeShape> {
        self.types.get(type_name)
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = &TypeShape> {
        self.types.values()
    }

    /// The field of a type that has fields or is a union.
    pub(crate) fn field_of<'s>(
        &'s self,
        parent: &'s TypeShape,
        field_name: &str,
    ) -> Option<&'s FieldShape> {
        if field_name == "__typename" {
            return Some(&self.typename);
        }
        parent.fields()?.by_name.get(field_name)
    }

    pub(crate) fn field(&self, type_name: &str, field_name: &str) -> Option<&FieldShape> {
        self.field_of(self.get(type_name)?, field_name)
    }

    pub(crate) fn directives(&self) -> impl Iterator<Item = &DirectiveShape> {
        self.directives.values()
    }

    pub(crate) fn directive(&self, name: &str) -> Option<&DirectiveShape> {
        self.directives.get(name)
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

/// Fields of the root that count. Tickets are counted six times at once, and once more where the counts contradict each other.
const COUNTS: [(&str, Calls); 2] = [
    ("ticketStats", Calls::Times(12)),
    ("serviceRecordStats", Calls::EachDay),
];

/// Fields of the root that the gateway answers by itself.
const WITHOUT_CALL: [&str; 1] = ["vendors"];

/// What every schema has, as the library answers introspection.
const BUILT_IN: &str = "
    scalar Int scalar Float scalar String scalar Boolean scalar ID
    directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @deprecated(reason: String = \"\") on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
    directive @specifiedBy(url: String!) on SCALAR
    directive @oneOf on INPUT_OBJECT
    type __Entry { __schema: __Schema! __type(name: String!): __Type }
    type __Schema {
        description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
        directives: [__Directive!]!
    }
    type __Type {
        kind: __TypeKind! name: String description: String specifiedByURL: String
        fields(includeDeprecated: Boolean = false): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
        enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
        inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type isOneOf: Boolean
    }
    enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
    type __Field {
        name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type!
        isDeprecated: Boolean! deprecationReason: String
    }
    type __InputValue {
        name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean!
        deprecationReason: String
    }
    type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
    type __Directive {
        name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]!
        args(includeDeprecated: Boolean = false): [__InputValue!]!
    }
    enum __DirectiveLocation {
        QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION SCHEMA
        SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT
        INPUT_FIELD_DEFINITION
    }
";

/// The name within the marks of lists and non-null.
pub(crate) fn innermost(input_type: &Type) -> &str {
    match &input_type.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(item) => innermost(item),
    }
}

/// How many marks of lists and non-null stand around the name.
pub(crate) fn wrappers(written: &Type) -> u64 {
    let item = match &written.base {
        BaseType::Named(_) => 0,
        BaseType::List(item) => 1 + wrappers(item),
    };
    item + u64::from(!written.nullable)
}

fn names(names: &[Positioned<async_graphql::Name>]) -> Vec<String> {
    names.iter().map(|name| name.node.to_string()).collect()
}

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
    let field_type = field.ty.node.clone();

    FieldShape {
        returns: innermost(&field_type).to_owned(),
        arity: match field_type.base {
            BaseType::Named(_) => Arity::One,
            BaseType::List(_) => Arity::List,
        },
        field_type,
        default_first,
        calls: Calls::Times(0),
        arguments: inputs(&field.arguments),
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
    use super::{CALLS_APART, COUNTS, Calls, SchemaShape, WITHOUT_CALL};
    use crate::schema::sdl;

    #[test]
    fn the_fields_that_are_named_here_are_in_the_schema() {
        let shape = SchemaShape::read(&sdl()).expect("the schema can be read");

        for (type_name, field) in CALLS_APART {
            let field = shape.field(type_name, field);
            assert!(field.is_some_and(|field| field.calls == Calls::Times(1)));
        }
        for field in WITHOUT_CALL {
            let field = shape.field("Query", field);
            assert!(field.is_some_and(|field| field.calls == Calls::Times(0)));
        }
        for (field, calls) in COUNTS {
            let field = shape.field("Query", field);
            assert!(field.is_some_and(|field| field.calls == calls));
        }
    }
}
