//! The values that a document holds: each is held against the type that is expected where it stands.

use std::collections::HashMap;

use async_graphql::{
    Pos, Value as ConstValue,
    parser::types::{BaseType, Type},
};

use super::{
    ast::{Argument, Value, ValueKind},
    error::DocumentError,
    usages::Usage,
    validation::Context,
};
use crate::{
    engine::schema_shape::{Input, TypeKind, TypeShape, innermost},
    schema,
};

impl<'d, 's> Context<'d, 's> {
    /// A value whose type is not known has only its variables and its fields looked at.
    pub(super) fn value(
        &mut self,
        value: &'d Value<'d>,
        expected: Option<&'s Type>,
        place: Option<&'s Input>,
    ) {
        if self.is_full() {
            return;
        }
        match &value.kind {
            ValueKind::Variable(name) => self.scope.usages.push(Usage {
                variable: name,
                pos: value.pos,
                expected,
                place,
                one_of: None,
                argument: None,
                field: None,
            }),
            ValueKind::List(items) => {
                let item_type = self.check_list(value, expected);
                for item in items {
                    self.value(item, item_type, None);
                }
            }
            ValueKind::Object(fields) => {
                let known = self.check_object(value, fields, expected);
                for field in fields {
                    let place = known.and_then(|known| input_field(known, field));
                    let first = self.scope.usages.len();
                    self.value(&field.value, place.map(|place| &place.input_type), place);
                    if let Some(known) = known
                        && matches!(
                            known.kind,
                            TypeKind::Input {
                                is_one_of: true,
                                ..
                            }
                        )
                        && matches!(field.value.kind, ValueKind::Variable(_))
                    {
                        for usage in self.scope.usages.iter_mut().skip(first) {
                            usage.one_of = Some(known);
                        }
                    }
                }
            }
            _ => self.check_scalar(value, expected),
        }
    }

    /// A default, which holds no variables.
    pub(super) fn constant(&mut self, value: &Value<'_>, expected: Option<&Type>) {
        if self.is_full() {
            return;
        }
        match &value.kind {
            ValueKind::Variable(_) => {}
            ValueKind::List(items) => {
                let item_type = self.check_list(value, expected);
                for item in items {
                    self.constant(item, item_type);
                }
            }
            ValueKind::Object(fields) => {
                let known = self.check_object(value, fields, expected);
                for field in fields {
                    let place = known.and_then(|known| input_field(known, field));
                    self.constant(&field.value, place.map(|place| &place.input_type));
                }
            }
            _ => self.check_scalar(value, expected),
        }
    }

    /// The type of the list's items.
    fn check_list<'t>(
        &mut self,
        value: &Value<'_>,
        expected: Option<&'t Type>,
    ) -> Option<&'t Type> {
        let expected = expected?;
        match &expected.base {
            BaseType::List(item) => Some(item),
            BaseType::Named(_) => {
                let nullable = Type {
                    base: expected.base.clone(),
                    nullable: true,
                };
                self.check_leaf_value(value, &nullable);
                None
            }
        }
    }

    /// The type of the input object.
    fn check_object(
        &mut self,
        value: &Value<'_>,
        given: &[Argument<'_>],
        expected: Option<&Type>,
    ) -> Option<&'s TypeShape> {
        self.check_unique_fields(given);
        let expected = expected?;
        let shape = self.shape;
        let known = shape.get(innermost(expected))?;
        let TypeKind::Input { fields, is_one_of } = &known.kind else {
            self.check_leaf_value(value, expected);
            return None;
        };

        let type_name = self.wording.shown(&known.name);
        for missing in fields.iter().filter(|field| field.is_required()) {
            if !given.iter().any(|field| field.name.text == missing.name) {
                let message = format!(
                    "Field \"{type_name}.{}\" of required type \"{}\" was not provided.",
                    self.wording.shown(&missing.name),
                    self.wording.shown(missing.input_type.to_string()),
                );
                self.keep_value_error(message, value.pos);
            }
        }
        if *is_one_of {
            let names: HashMap<&str, &Value<'_>> = given
                .iter()
                .map(|field| (field.name.text, &field.value))
                .collect();
            let mut named = names.iter();
            match (named.next(), named.next()) {
                (Some((name, given)), None) => {
                    if matches!(given.kind, ValueKind::Null) {
                        let message = format!("Field \"{type_name}.{name}\" must be non-null.");
                        self.keep_value_error(message, value.pos);
                    }
                }
                _ => {
                    let message =
                        format!("OneOf Input Object \"{type_name}\" must specify exactly one key.");
                    self.keep_value_error(message, value.pos);
                }
            }
        }
        for unknown in given {
            if self.is_full() {
                break;
            }
            if input_field(known, unknown).is_none() {
                let name = unknown.name.text;
                let names = fields.iter().map(|field| field.name.as_str());
                let suggestion = self.wording.suggest(name, names);
                let message =
                    format!("Field \"{name}\" is not defined by type \"{type_name}\".{suggestion}");
                self.keep_value_error(message, unknown.name.pos);
            }
        }
        Some(known)
    }

    fn check_unique_fields(&mut self, fields: &[Argument<'_>]) {
        let mut seen: HashMap<&str, Pos> = HashMap::new();
        for field in fields {
            let name = field.name;
            match seen.get(name.text) {
                Some(first) => {
                    let message =
                        format!("There can be only one input field named \"{}\".", name.text);
                    self.keep(message, vec![*first, name.pos]);
                }
                None => {
                    seen.insert(name.text, name.pos);
                }
            }
        }
    }

    fn check_scalar(&mut self, value: &Value<'_>, expected: Option<&Type>) {
        let Some(expected) = expected else {
            return;
        };
        match &value.kind {
            ValueKind::Null if expected.nullable => {}
            ValueKind::Null => {
                let message = self.misplaced(value, expected);
                self.keep_value_error(format!("{message}."), value.pos);
            }
            _ => self.check_leaf_value(value, expected),
        }
    }

    fn misplaced(&self, value: &Value<'_>, expected: &Type) -> String {
        let expected = self.wording.shown(expected.to_string());
        format!("Expected value of type \"{expected}\", found {value}")
    }

    /// One value stands for a list of it, whose type does not matter here.
    fn check_leaf_value(&mut self, value: &Value<'_>, expected: &Type) {
        let shape = self.shape;
        let Some(known) = shape.get(innermost(expected)) else {
            return;
        };
        let complaint = match &known.kind {
            TypeKind::Scalar => self.check_scalar_value(value, &known.name, expected),
            TypeKind::Enum(values) => self.check_enum_value(value, &known.name, values),
            _ => Some(format!("{}.", self.misplaced(value, expected))),
        };
        if let Some(message) = complaint {
            self.keep_value_error(message, value.pos);
        }
    }

    fn check_scalar_value(&self, value: &Value<'_>, name: &str, expected: &Type) -> Option<String> {
        let cannot = |what: &str| Some(format!("{name} cannot represent {what}: {value}"));
        match (name, &value.kind) {
            ("Int", ValueKind::Int { text, .. }) => match text.parse::<i32>() {
                Ok(_) => None,
                Err(_) => cannot("non 32-bit signed integer value"),
            },
            ("Int", _) => cannot("non-integer value"),
            ("Float", ValueKind::Int { text, .. } | ValueKind::Float(text)) => {
                match text.parse::<f64>() {
                    Ok(number) if number.is_finite() => None,
                    _ => cannot("non numeric value"),
                }
            }
            ("Float", _) => cannot("non numeric value"),
            ("String", ValueKind::String(_) | ValueKind::BlockString(_)) => None,
            ("String", _) => cannot("a non string value"),
            ("Boolean", ValueKind::Boolean(_)) => None,
            ("Boolean", _) => cannot("a non boolean value"),
            ("ID", ValueKind::String(_) | ValueKind::BlockString(_)) => None,
            ("ID", ValueKind::Int { is_id, .. }) => {
                is_id.set(true);
                None
            }
            ("ID", _) => cannot("a non-string and non-integer value"),
            (name, kind) => {
                let constant = match kind {
                    ValueKind::String(text) | ValueKind::BlockString(text) => {
                        ConstValue::String(text.to_string())
                    }
                    _ => ConstValue::Null,
                };
                let form = schema::coercion_error(name, &constant)?;
                let misplaced = self.misplaced(value, expected);
                Some(format!("{misplaced}; It must be {form}."))
            }
        }
    }

    fn check_enum_value(&self, value: &Value<'_>, name: &str, values: &[String]) -> Option<String> {
        let shown = self.wording.shown(name);
        let complaint = match &value.kind {
            ValueKind::Enum(text) if values.iter().any(|value| value == text) => return None,
            ValueKind::Enum(text) => {
                format!("Value \"{text}\" does not exist in \"{shown}\" enum.")
            }
            _ => format!("Enum \"{shown}\" cannot represent non-enum value: {value}."),
        };
        let names = values.iter().map(String::as_str);
        let suggestion = self
            .wording
            .suggest_as("the enum value", &value.to_string(), names);
        Some(complaint + &suggestion)
    }

    fn keep_value_error(&mut self, message: String, pos: Pos) {
        self.keep_error(DocumentError::bad_input(message, vec![pos]));
    }
}

fn input_field<'s>(known: &'s TypeShape, given: &Argument<'_>) -> Option<&'s Input> {
    match &known.kind {
        TypeKind::Input { fields, .. } => fields.iter().find(|field| field.name == given.name.text),
        _ => None,
    }
}
