//! Which variables stand where in a document, and whether their types may stand there: the library has the rule, and never
//! applies it.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos, Positioned, ServerError, Value as ConstValue,
    parser::types::{
        BaseType, Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
        Type, VariableDefinition,
    },
};
use async_graphql_value::Value;

use crate::{
    engine::{
        response::{MAX_ERRORS, request_error},
        schema_shape::{Input, InputShape, SchemaShape},
    },
    error::ErrorCode,
    schema::{Introspection, null_where_it_stands},
};

/// Where variables stand in each operation and fragment.
pub(crate) struct Positions<'a> {
    operations: Vec<(&'a OperationDefinition, Scope<'a>)>,
    fragments: HashMap<&'a str, Scope<'a>>,
}

#[derive(Default)]
struct Scope<'a> {
    usages: Vec<Usage<'a>>,
    spreads: Vec<&'a str>,
}

#[derive(Clone, Copy)]
struct Usage<'a> {
    variable: &'a Name,
    pos: Pos,
    place: &'a Input,
    /// Of the place itself, or of an item of its list.
    expected: &'a Type,
    /// Whether it stands in a directive, which says what is skipped or included.
    is_condition: bool,
}

impl Usage<'_> {
    fn takes_null(&self) -> bool {
        let is_whole_place = std::ptr::eq(self.expected, &self.place.input_type);
        self.expected.nullable || (is_whole_place && self.place.has_default)
    }

    /// Whether it is null where it must not be, when these variables are null.
    fn is_null_among(&self, nulls: &[Name]) -> bool {
        nulls.contains(self.variable) && !self.takes_null()
    }
}

impl<'a> Positions<'a> {
    pub(crate) fn of(document: &'a ExecutableDocument, shape: &'a SchemaShape) -> Self {
        let scope = |set: &'a SelectionSet, type_name: &'a str, directives| {
            let mut scope = Scope::default();
            scope.add_directives(directives, shape);
            scope.add_set(set, type_name, shape);
            scope
        };
        let operations = document.operations.iter().map(|(_, operation)| {
            let operation = &operation.node;
            let set = &operation.selection_set.node;
            let root = shape.root(operation.ty);
            (operation, scope(set, root, &operation.directives))
        });
        let fragments = document.fragments.iter().map(|(name, fragment)| {
            let fragment = &fragment.node;
            let type_name = fragment.type_condition.node.on.node.as_str();
            let set = &fragment.selection_set.node;
            (name.as_str(), scope(set, type_name, &fragment.directives))
        });
        Self {
            operations: operations.collect(),
            fragments: fragments.collect(),
        }
    }

    /// Variables whose type does not fit the places where they stand.
    pub(crate) fn faults(&self, introspection: Introspection) -> Vec<ServerError> {
        let mut errors = Vec::new();
        for (operation, scope) in &self.operations {
            let defined: HashMap<&str, &VariableDefinition> = operation
                .variable_definitions
                .iter()
                .map(|definition| (definition.node.name.node.as_str(), &definition.node))
                .collect();

            self.for_each_usage(scope, &mut |usage| {
                let definition = defined.get(usage.variable.as_str());
                if errors.len() < MAX_ERRORS
                    && let Some(definition) = definition
                    && !may_stand(definition, usage)
                {
                    let message = misplaced(definition, usage, introspection);
                    let mut error = request_error(ErrorCode::ValidationFailed, message);
                    error.locations.push(usage.pos);
                    errors.push(error);
                }
            });
        }
        errors
    }

    /// Variables that are null, and only by their default could say what is skipped or included.
    pub(crate) fn null_conditions(
        &self,
        operation: &OperationDefinition,
        nulls: &[Name],
    ) -> Vec<ServerError> {
        let mut errors = Vec::new();
        let scopes = self
            .operations
            .iter()
            .filter(|(known, _)| std::ptr::eq(*known, operation));
        for (_, scope) in scopes {
            self.for_each_usage(scope, &mut |usage| {
                let is_null = usage.is_condition && usage.is_null_among(nulls);
                if is_null && errors.len() < MAX_ERRORS {
                    let message = null_where_it_stands(usage.variable);
                    let mut error = request_error(ErrorCode::BadUserInput, message);
                    error.locations.push(usage.pos);
                    errors.push(error);
                }
            });
        }
        errors
    }

    /// Each fragment counts once, however often it is spread.
    fn for_each_usage(&self, scope: &Scope<'a>, see: &mut impl FnMut(&Usage<'a>)) {
        let mut seen = HashSet::new();
        let mut waiting = vec![scope];
        while let Some(scope) = waiting.pop() {
            scope.usages.iter().for_each(&mut *see);
            let spreads = scope.spreads.iter().filter(|name| seen.insert(**name));
            waiting.extend(spreads.filter_map(|name| self.fragments.get(name)));
        }
    }
}

impl<'a> Scope<'a> {
    /// Recurses as deep as brackets may stand inside each other.
    fn add_set(&mut self, set: &'a SelectionSet, type_name: &'a str, shape: &'a SchemaShape) {
        for selection in &set.items {
            self.add_directives(selection.node.directives(), shape);
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let Some(known) = shape.field(type_name, &field.name.node) else {
                        continue;
                    };
                    for (name, value) in &field.arguments {
                        self.add_input(name, value, &known.arguments, shape);
                    }
                    self.add_set(&field.selection_set.node, &known.returns, shape);
                }
                Selection::InlineFragment(fragment) => {
                    let type_name = match &fragment.node.type_condition {
                        Some(condition) => condition.node.on.node.as_str(),
                        None => type_name,
                    };
                    self.add_set(&fragment.node.selection_set.node, type_name, shape);
                }
                Selection::FragmentSpread(spread) => {
                    self.spreads.push(&spread.node.fragment_name.node);
                }
            }
        }
    }

    fn add_directives(&mut self, directives: &'a [Positioned<Directive>], shape: &'a SchemaShape) {
        let first = self.usages.len();
        for directive in directives.iter().map(|directive| &directive.node) {
            if let Some(arguments) = shape.directive(&directive.name.node) {
                for (name, value) in &directive.arguments {
                    self.add_input(name, value, arguments, shape);
                }
            }
        }
        for usage in self.usages.iter_mut().skip(first) {
            usage.is_condition = true;
        }
    }

    fn add_input(
        &mut self,
        name: &Positioned<Name>,
        value: &'a Positioned<Value>,
        places: &'a [Input],
        shape: &'a SchemaShape,
    ) {
        if let Some(place) = places.iter().find(|place| name.node == place.name) {
            self.add_value(&value.node, value.pos, place, &place.input_type, shape);
        }
    }

    fn add_value(
        &mut self,
        value: &'a Value,
        pos: Pos,
        place: &'a Input,
        expected: &'a Type,
        shape: &'a SchemaShape,
    ) {
        match (value, &expected.base) {
            (Value::Variable(variable), _) => self.usages.push(Usage {
                variable,
                pos,
                place,
                expected,
                is_condition: false,
            }),
            (Value::List(items), BaseType::List(item_type)) => {
                for item in items {
                    self.add_value(item, pos, place, item_type, shape);
                }
            }
            (value, BaseType::List(item_type)) => {
                self.add_value(value, pos, place, item_type, shape);
            }
            (Value::Object(given), BaseType::Named(name)) => {
                let Some(InputShape::Object(fields) | InputShape::OneOf(fields)) =
                    shape.input(name)
                else {
                    return;
                };
                for field in fields {
                    if let Some(value) = given.get(field.name.as_str()) {
                        self.add_value(value, pos, field, &field.input_type, shape);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The first of these variables, when they are null, that stands in a field's arguments where it must not be null.
pub(crate) fn first_null(
    arguments: &[(Positioned<Name>, Positioned<Value>)],
    places: &[Input],
    shape: &SchemaShape,
    nulls: &[Name],
) -> Option<(Name, Pos)> {
    let mut scope = Scope::default();
    for (name, value) in arguments {
        scope.add_input(name, value, places, shape);
    }
    let mut usages = scope.usages.into_iter();
    let null = usages.find(|usage| usage.is_null_among(nulls))?;
    Some((null.variable.clone(), null.pos))
}

fn may_stand(definition: &VariableDefinition, usage: &Usage<'_>) -> bool {
    let var_type = &definition.var_type.node;
    let has_default = definition
        .default_value
        .as_ref()
        .is_some_and(|default| default.node != ConstValue::Null);
    let may_be_null = var_type.nullable && !has_default;

    if may_be_null && !usage.takes_null() {
        return false;
    }
    is_kind_of(&var_type.base, &usage.expected.base)
}

fn is_kind_of(given: &BaseType, expected: &BaseType) -> bool {
    match (given, expected) {
        (BaseType::Named(given), BaseType::Named(expected)) => given == expected,
        (BaseType::List(given), BaseType::List(expected)) => {
            (expected.nullable || !given.nullable) && is_kind_of(&given.base, &expected.base)
        }
        _ => false,
    }
}

fn misplaced(
    definition: &VariableDefinition,
    usage: &Usage<'_>,
    introspection: Introspection,
) -> String {
    let (name, var_type) = (&definition.name.node, &definition.var_type.node);
    match introspection {
        Introspection::Enabled => {
            let expected = usage.expected;
            format!(
                "The variable ${name} of the type {var_type} can't stand where {expected} must."
            )
        }
        Introspection::Disabled => {
            format!("The variable ${name} of the type {var_type} can't stand where it does.")
        }
    }
}
