//! A valid document as the library executes it.

use std::collections::HashMap;

use async_graphql::{
    Name as LibraryName, Number, Pos, Positioned, Value as ConstValue,
    parser::types::{
        Directive as LibraryDirective, DocumentOperations, ExecutableDocument,
        Field as LibraryField, FragmentDefinition, FragmentSpread,
        InlineFragment as LibraryInlineFragment, OperationDefinition,
        Selection as LibrarySelection, SelectionSet as LibrarySelectionSet, TypeCondition,
        VariableDefinition as LibraryVariable,
    },
};
use async_graphql_value::Value as LibraryValue;

use super::{
    ast::{
        Argument, Definition, Directive, Document, Field, Fragment, InlineFragment, Name,
        Operation, Selection, SelectionSet, Spread, Value, ValueKind, VariableDefinition,
    },
    interfaces::add_kinds,
    validation::{NullHazard, type_of},
};
use crate::schema::{Nullability, fail_for_null};

pub(super) struct Conversion<'h, 'd> {
    hazards: HashMap<Pos, Vec<&'h NullHazard<'d>>>,
    /// Whether any selection has the interfaces of a type.
    selects_interfaces: bool,
}

/// Where a selection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Data,
    Introspection,
}

impl<'h, 'd> Conversion<'h, 'd> {
    /// The document, and whether it selects the interfaces of a type.
    pub(super) fn of(
        document: &Document<'_>,
        hazards: &'h [NullHazard<'d>],
    ) -> (ExecutableDocument, bool) {
        let mut by_field: HashMap<Pos, Vec<&NullHazard<'_>>> = HashMap::new();
        for hazard in hazards {
            by_field.entry(hazard.field).or_default().push(hazard);
        }
        let mut conversion = Self {
            hazards: by_field,
            selects_interfaces: false,
        };
        let executable = conversion.document(document);
        (executable, conversion.selects_interfaces)
    }

    fn document(&mut self, document: &Document<'_>) -> ExecutableDocument {
        let mut operations = HashMap::new();
        let mut fragments = HashMap::new();
        let mut single = None;
        for definition in &document.definitions {
            match definition {
                Definition::Operation(operation) => {
                    let converted = Positioned::new(self.operation(operation), operation.pos);
                    match operation.name {
                        Some(name) => {
                            operations.insert(LibraryName::new(name.text), converted);
                        }
                        None => single = Some(converted),
                    }
                }
                Definition::Fragment(fragment) => {
                    let converted = Positioned::new(self.fragment(fragment), fragment.pos);
                    fragments.insert(LibraryName::new(fragment.name.text), converted);
                }
            }
        }
        ExecutableDocument {
            operations: match single {
                Some(single) => DocumentOperations::Single(single),
                None => DocumentOperations::Multiple(operations),
            },
            fragments,
        }
    }

    fn operation(&mut self, operation: &Operation<'_>) -> OperationDefinition {
        let variables = operation.variables.iter();
        OperationDefinition {
            ty: operation.operation_type,
            variable_definitions: variables
                .map(|variable| Positioned::new(Self::variable(variable), variable.pos))
                .collect(),
            directives: directives(&operation.directives),
            selection_set: self.selection_set(&operation.selection_set, Within::Data),
        }
    }

    fn fragment(&mut self, fragment: &Fragment<'_>) -> FragmentDefinition {
        FragmentDefinition {
            type_condition: type_condition(fragment.type_condition),
            directives: directives(&fragment.directives),
            selection_set: self
                .selection_set(&fragment.selection_set, within(fragment.type_condition)),
        }
    }

    fn variable(definition: &VariableDefinition<'_>) -> LibraryVariable {
        let var_type = &definition.var_type;
        let default = definition.default.as_ref();
        LibraryVariable {
            name: name(definition.name),
            var_type: Positioned::new(type_of(var_type), var_type.pos),
            directives: directives(&definition.directives),
            default_value: default.map(|default| Positioned::new(constant(default), default.pos)),
        }
    }

    /// Recurses as deep as brackets stand inside each other.
    fn selection_set(
        &mut self,
        set: &SelectionSet<'_>,
        within: Within,
    ) -> Positioned<LibrarySelectionSet> {
        let items = set.selections.iter().map(|selection| match selection {
            Selection::Field(field) => {
                let converted = Positioned::new(self.field(field, within), field.pos);
                Positioned::new(LibrarySelection::Field(converted), field.pos)
            }
            Selection::Spread(spread) => {
                let converted = Positioned::new(fragment_spread(spread), spread.pos);
                Positioned::new(LibrarySelection::FragmentSpread(converted), spread.pos)
            }
            Selection::Inline(fragment) => {
                let converted =
                    Positioned::new(self.inline_fragment(fragment, within), fragment.pos);
                Positioned::new(LibrarySelection::InlineFragment(converted), fragment.pos)
            }
        });
        let mut items = items.collect();
        if within == Within::Introspection {
            self.selects_interfaces |= add_kinds(&mut items);
        }
        Positioned::new(LibrarySelectionSet { items }, set.pos)
    }

    fn field(&mut self, field: &Field<'_>, within: Within) -> LibraryField {
        let set = field.selection_set.as_ref();
        let inside = match field.name.text {
            "__schema" | "__type" => Within::Introspection,
            _ => within,
        };
        let mut converted = LibraryField {
            alias: field.alias.map(name),
            name: name(field.name),
            arguments: arguments(&field.arguments),
            directives: directives(&field.directives),
            selection_set: set
                .map(|set| self.selection_set(set, inside))
                .unwrap_or_default(),
        };
        for hazard in self.hazards.get(&field.pos).into_iter().flatten() {
            let nullability = match hazard.is_nullable {
                true => Nullability::Nullable,
                false => Nullability::NonNull,
            };
            let variable = LibraryName::new(hazard.variable);
            fail_for_null(
                &mut converted,
                variable,
                &hazard.message,
                hazard.pos,
                nullability,
            );
        }
        converted
    }

    fn inline_fragment(
        &mut self,
        fragment: &InlineFragment<'_>,
        around: Within,
    ) -> LibraryInlineFragment {
        LibraryInlineFragment {
            type_condition: fragment.type_condition.map(type_condition),
            directives: directives(&fragment.directives),
            selection_set: self.selection_set(
                &fragment.selection_set,
                fragment.type_condition.map_or(around, within),
            ),
        }
    }
}

fn within(on: Name<'_>) -> Within {
    match on.text.starts_with("__") {
        true => Within::Introspection,
        false => Within::Data,
    }
}

fn name(name: Name<'_>) -> Positioned<LibraryName> {
    Positioned::new(LibraryName::new(name.text), name.pos)
}

fn type_condition(on: Name<'_>) -> Positioned<TypeCondition> {
    Positioned::new(TypeCondition { on: name(on) }, on.pos)
}

fn fragment_spread(spread: &Spread<'_>) -> FragmentSpread {
    FragmentSpread {
        fragment_name: name(spread.name),
        directives: directives(&spread.directives),
    }
}

fn directives(given: &[Directive<'_>]) -> Vec<Positioned<LibraryDirective>> {
    let converted = given.iter().map(|directive| {
        let converted = LibraryDirective {
            name: name(directive.name),
            arguments: arguments(&directive.arguments),
        };
        Positioned::new(converted, directive.pos)
    });
    converted.collect()
}

fn arguments(given: &[Argument<'_>]) -> Vec<(Positioned<LibraryName>, Positioned<LibraryValue>)> {
    let converted = given.iter().map(|argument| {
        let value = Positioned::new(value(&argument.value), argument.value.pos);
        (name(argument.name), value)
    });
    converted.collect()
}

fn value(given: &Value<'_>) -> LibraryValue {
    match &given.kind {
        ValueKind::Variable(name) => LibraryValue::Variable(LibraryName::new(name)),
        ValueKind::List(items) => LibraryValue::List(items.iter().map(value).collect()),
        ValueKind::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|field| (LibraryName::new(field.name.text), value(&field.value)));
            LibraryValue::Object(fields.collect())
        }
        _ => constant(given).into_value(),
    }
}

fn constant(given: &Value<'_>) -> ConstValue {
    match &given.kind {
        // No constant holds one.
        ValueKind::Variable(_) | ValueKind::Null => ConstValue::Null,
        ValueKind::Int { text, is_id } => match is_id.get() {
            true => ConstValue::String((*text).to_owned()),
            false => number(text),
        },
        ValueKind::Float(text) => float(text),
        ValueKind::String(text) | ValueKind::BlockString(text) => {
            ConstValue::String(text.to_string())
        }
        ValueKind::Boolean(value) => ConstValue::Boolean(*value),
        ValueKind::Enum(name) => ConstValue::Enum(LibraryName::new(name)),
        ValueKind::List(items) => ConstValue::List(items.iter().map(constant).collect()),
        ValueKind::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|field| (LibraryName::new(field.name.text), constant(&field.value)));
            ConstValue::Object(fields.collect())
        }
    }
}

fn number(text: &str) -> ConstValue {
    match text.parse::<i64>() {
        Ok(number) => ConstValue::Number(number.into()),
        Err(_) => float(text),
    }
}

fn float(text: &str) -> ConstValue {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.map_or(ConstValue::Null, ConstValue::Number)
}
