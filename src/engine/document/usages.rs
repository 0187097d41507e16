//! Where variables stand: each is defined by the operation, used by it, and of a type that may stand there.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Pos,
    parser::types::{BaseType, Type},
};

use super::{
    ast::{Argument, Field, Operation, TypeBase, TypeReference, ValueKind, VariableDefinition},
    rules::Condition,
    validation::{Context, NullHazard, Scope, Valid},
};
use crate::engine::schema_shape::{FieldShape, Input, TypeShape};

/// One place where a variable stands.
#[derive(Clone, Copy)]
pub(super) struct Usage<'d, 's> {
    pub(super) variable: &'d str,
    pub(super) pos: Pos,
    /// None where the schema has no such place.
    pub(super) expected: Option<&'s Type>,
    /// The argument or the field of an input object that the variable is the whole value of.
    pub(super) place: Option<&'s Input>,
    /// The input object of which exactly one field is given, where the variable is that field.
    pub(super) one_of: Option<&'s TypeShape>,
    /// The argument that the variable stands in.
    pub(super) argument: Option<&'d Argument<'d>>,
    /// The field whose argument that is; none for a directive.
    pub(super) field: Option<(&'d Field<'d>, &'s FieldShape)>,
}

impl Usage<'_, '_> {
    /// A default lets a variable stand here that may be null; null itself may not.
    fn refuses_null(&self) -> bool {
        self.expected.is_some_and(|expected| !expected.nullable)
    }
}

pub(super) fn check<'d, 's>(
    context: &mut Context<'d, 's>,
    operations: &[(&'d Operation<'d>, Scope<'d, 's>)],
    fragments: &HashMap<&'d str, Scope<'d, 's>>,
) -> Valid<'d> {
    let mut hazards: HashMap<(usize, usize), NullHazard<'d>> = HashMap::new();
    let mut conditions = Vec::new();

    for (operation, scope) in operations {
        let defined: HashMap<&str, &VariableDefinition<'_>> = operation
            .variables
            .iter()
            .map(|definition| (definition.name.text, definition))
            .collect();
        let mut used: HashSet<&str> = HashSet::new();
        let mut of_operation = Vec::new();
        let by = operation.name.map(|name| name.text);

        for usage in usages(scope, fragments) {
            if context.is_full() {
                break;
            }
            let name = usage.variable;
            used.insert(name);
            let Some(definition) = defined.get(name) else {
                let by = by
                    .map(|by| format!(" by operation \"{by}\""))
                    .unwrap_or_default();
                let message = format!("Variable \"${name}\" is not defined{by}.");
                context.keep(message, vec![usage.pos, operation.pos]);
                continue;
            };
            context.check_position(definition, usage);
            if !definition.var_type.is_nullable || !usage.refuses_null() {
                continue;
            }
            match usage.field {
                Some((field, known)) => {
                    let hazard = NullHazard {
                        field: field.pos,
                        variable: usage.variable,
                        pos: usage.pos,
                        message: context.null_message(usage),
                        is_nullable: known.field_type.nullable,
                    };
                    hazards.insert((usage.pos.line, usage.pos.column), hazard);
                }
                None => of_operation.push(Condition {
                    variable: name.to_owned(),
                    pos: usage.pos,
                    message: context.null_message(usage),
                }),
            }
        }
        for definition in &operation.variables {
            let name = definition.name.text;
            if !used.contains(name) {
                let by = by
                    .map(|by| format!(" in operation \"{by}\""))
                    .unwrap_or_default();
                let message = format!("Variable \"${name}\" is never used{by}.");
                context.keep(message, vec![definition.pos]);
            }
        }
        if !of_operation.is_empty() {
            conditions.push((by.map(str::to_owned), of_operation));
        }
    }
    Valid {
        hazards: hazards.into_values().collect(),
        conditions,
    }
}

/// Those of an operation and its fragments. Each fragment counts once, however often it is spread.
fn usages<'r, 'd, 's>(
    scope: &'r Scope<'d, 's>,
    fragments: &'r HashMap<&'d str, Scope<'d, 's>>,
) -> Vec<&'r Usage<'d, 's>> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut waiting = vec![scope];
    while let Some(scope) = waiting.pop() {
        found.extend(&scope.usages);
        for spread in &scope.spreads {
            let name = spread.name.text;
            if seen.insert(name)
                && let Some(fragment) = fragments.get(name)
            {
                waiting.push(fragment);
            }
        }
    }
    found
}

impl<'d, 's> Context<'d, 's> {
    fn check_position(&mut self, definition: &VariableDefinition<'_>, usage: &Usage<'d, 's>) {
        let (Some(expected), name) = (usage.expected, usage.variable) else {
            return;
        };
        let var_type = &definition.var_type;
        if self.shape.get(var_type.innermost().text).is_none() {
            return;
        }
        let places = vec![definition.pos, usage.pos];
        if !may_stand(definition, expected, usage.place) {
            let message = format!(
                "Variable \"${name}\" of type \"{var_type}\" used in position expecting type \"{}\".",
                self.wording.shown(expected.to_string())
            );
            self.keep(message, places.clone());
        }
        if let Some(one_of) = usage.one_of
            && var_type.is_nullable
        {
            let message = format!(
                "Variable \"${name}\" is of type \"{var_type}\" but must be non-nullable to be used for OneOf Input Object \"{}\".",
                self.wording.shown(&one_of.name)
            );
            self.keep(message, places);
        }
    }

    /// What a field says that fails because this variable is null.
    fn null_message(&self, usage: &Usage<'_, '_>) -> String {
        let Some(argument) = usage.argument else {
            return String::new();
        };
        let (name, value) = (argument.name.text, &argument.value);
        match (&value.kind, usage.expected) {
            (ValueKind::Variable(_), Some(expected)) => format!(
                "Argument \"{name}\" of non-null type \"{}\" must not be null.",
                self.wording.shown(expected.to_string())
            ),
            _ => format!("Argument \"{name}\" has invalid value {value}."),
        }
    }
}

fn may_stand(definition: &VariableDefinition<'_>, expected: &Type, place: Option<&Input>) -> bool {
    let var_type = &definition.var_type;
    if !expected.nullable && var_type.is_nullable {
        let has_default = definition
            .default
            .as_ref()
            .is_some_and(|default| !matches!(default.kind, ValueKind::Null));
        let place_has_default = place.is_some_and(|place| place.has_default);
        if !has_default && !place_has_default {
            return false;
        }
    }
    is_kind_of(&var_type.base, &expected.base)
}

fn is_kind_of(given: &TypeBase<'_>, expected: &BaseType) -> bool {
    match (given, expected) {
        (TypeBase::Named(given), BaseType::Named(expected)) => given.text == expected.as_str(),
        (TypeBase::List(given), BaseType::List(expected)) => is_subtype(given, expected),
        _ => false,
    }
}

fn is_subtype(given: &TypeReference<'_>, expected: &Type) -> bool {
    (expected.nullable || !given.is_nullable) && is_kind_of(&given.base, &expected.base)
}
