//! Coerces a request's variables to the types that its operation defines, before anything runs.

use std::fmt::{self, Write as _};

use async_graphql::{
    Name, Number, Pos, Positioned, Value, Variables,
    parser::types::{BaseType, Type, VariableDefinition},
};

use super::{ast::write_quoted, error::DocumentError, wording::Wording};
use crate::{
    engine::{
        response::MAX_ERRORS,
        schema_shape::{Input, SchemaShape, TypeKind},
    },
    schema,
};

/// The variables that the operation defines, their defaults filled in; what else was sent is dropped.
pub(super) fn coerced(
    mut given: Variables,
    definitions: &[Positioned<VariableDefinition>],
    shape: &SchemaShape,
    wording: Wording<'_>,
) -> Result<Variables, Vec<DocumentError>> {
    let mut coerced = Variables::default();
    let mut errors = Vec::new();

    for definition in definitions {
        let (pos, definition) = (definition.pos, &definition.node);
        let (name, var_type) = (&definition.name.node, &definition.var_type.node);
        let mut refuse = |message| {
            if errors.len() < MAX_ERRORS {
                errors.push(DocumentError::bad_input(message, vec![pos]));
            }
        };
        match (given.remove(name), &definition.default_value) {
            (None, Some(default)) => {
                coerced.insert(name.clone(), default.node.clone());
            }
            (None, None) if var_type.nullable => {}
            (None, None) => refuse(format!(
                "Variable \"${name}\" of required type \"{var_type}\" was not provided."
            )),
            (Some(Value::Null), _) if !var_type.nullable => refuse(format!(
                "Variable \"${name}\" of non-null type \"{var_type}\" must not be null."
            )),
            (Some(value), _) => {
                let mut coercion = Coercion {
                    shape,
                    wording,
                    variable: name,
                    pos,
                    path: Vec::new(),
                    errors: &mut errors,
                };
                let value = coercion.coerce(value, var_type);
                coerced.insert(name.clone(), value);
            }
        }
    }

    match errors.is_empty() {
        true => Ok(coerced),
        false => Err(errors),
    }
}

struct Coercion<'a> {
    shape: &'a SchemaShape,
    wording: Wording<'a>,
    variable: &'a Name,
    pos: Pos,
    path: Vec<Step>,
    errors: &'a mut Vec<DocumentError>,
}

enum Step {
    Field(String),
    Item(usize),
}

impl Coercion<'_> {
    /// The value as its type has it; null where it has none, which is an error.
    fn coerce(&mut self, value: Value, expected: &Type) -> Value {
        if self.errors.len() >= MAX_ERRORS {
            return Value::Null;
        }
        if value == Value::Null {
            if !expected.nullable {
                let expected = self.wording.shown(expected.to_string());
                self.refuse(
                    &value,
                    format!("Expected non-nullable type \"{expected}\" not to be null."),
                );
            }
            return Value::Null;
        }
        let name = match (&expected.base, value) {
            (BaseType::List(item_type), Value::List(items)) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    self.path.push(Step::Item(index));
                    let item = self.coerce(item, item_type);
                    self.path.pop();
                    item
                });
                return Value::List(items.collect());
            }
            // One value stands for a list of it.
            (BaseType::List(item_type), value) => {
                return Value::List(vec![self.coerce(value, item_type)]);
            }
            (BaseType::Named(name), value) => (name, value),
        };
        let (name, value) = (name.0.as_str(), name.1);
        let shape = self.shape;
        match shape.get(name).map(|known| &known.kind) {
            Some(TypeKind::Scalar) => self.scalar(value, name),
            Some(TypeKind::Enum(values)) => self.enum_value(value, name, values),
            Some(TypeKind::Input { fields, is_one_of }) => {
                let value = self.object(value, name, fields);
                match is_one_of {
                    true => self.one_of(value, name),
                    false => value,
                }
            }
            // The validation refuses it.
            _ => value,
        }
    }

    fn scalar(&mut self, value: Value, name: &str) -> Value {
        let complaint = match (name, &value) {
            ("Int", Value::Number(number)) => match whole(number) {
                Some(whole) => match i32::try_from(whole) {
                    Ok(whole) => return Value::Number(whole.into()),
                    Err(_) => "Int cannot represent non 32-bit signed integer value",
                },
                None if is_whole(number) => "Int cannot represent non 32-bit signed integer value",
                None => "Int cannot represent non-integer value",
            },
            ("Int", _) => "Int cannot represent non-integer value",
            ("ID", Value::Number(number)) => match whole(number) {
                Some(whole) => return Value::String(whole.to_string()),
                None => "ID cannot represent value",
            },
            ("Float", Value::Number(_))
            | ("String" | "ID", Value::String(_))
            | ("Boolean", Value::Boolean(_)) => return value,
            ("ID", _) => "ID cannot represent value",
            ("Float", _) => "Float cannot represent non numeric value",
            ("String", _) => "String cannot represent a non string value",
            ("Boolean", _) => "Boolean cannot represent a non boolean value",
            _ => {
                if let Some(form) = schema::coercion_error(name, &value) {
                    let name = self.wording.shown(name);
                    self.refuse(
                        &value,
                        format!("Expected type \"{name}\". It must be {form}."),
                    );
                }
                return value;
            }
        };
        let shown = inspected(&value);
        self.refuse(&value, format!("{complaint}: {shown}"));
        Value::Null
    }

    fn enum_value(&mut self, value: Value, name: &str, values: &[String]) -> Value {
        let shown = self.wording.shown(name);
        let names = values.iter().map(String::as_str);
        let (complaint, given) = match &value {
            Value::String(text) if values.contains(text) => return Value::Enum(Name::new(text)),
            // Out of multipart requests and from tests.
            Value::Enum(text) if values.iter().any(|value| text == value) => return value,
            Value::String(text) => (
                format!("Value \"{text}\" does not exist in \"{shown}\" enum."),
                text.clone(),
            ),
            value => {
                let given = inspected(value);
                let message =
                    format!("Enum \"{shown}\" cannot represent non-string value: {given}.");
                (message, given)
            }
        };
        let suggestion = self.wording.suggest_as("the enum value", &given, names);
        self.refuse(&value, complaint + &suggestion);
        Value::Null
    }

    fn object(&mut self, value: Value, name: &str, fields: &[Input]) -> Value {
        let Value::Object(given) = &value else {
            let name = self.wording.shown(name);
            self.refuse(&value, format!("Expected type \"{name}\" to be an object."));
            return Value::Null;
        };

        for missing in fields.iter().filter(|field| field.is_required()) {
            if !given.contains_key(missing.name.as_str()) {
                let message = format!(
                    "Field \"{}\" of required type \"{}\" was not provided.",
                    self.wording.shown(&missing.name),
                    self.wording.shown(missing.input_type.to_string())
                );
                self.refuse(&value, message);
            }
        }
        let is_known = |name: &Name| fields.iter().any(|field| *name == field.name.as_str());
        for unknown in given.keys().filter(|name| !is_known(name)) {
            if self.errors.len() >= MAX_ERRORS {
                break;
            }
            let names = fields.iter().map(|field| field.name.as_str());
            let suggestion = self.wording.suggest(unknown, names);
            let name = self.wording.shown(name);
            let message =
                format!("Field \"{unknown}\" is not defined by type \"{name}\".{suggestion}");
            self.refuse(&value, message);
        }

        let Value::Object(mut given) = value else {
            return Value::Null;
        };
        let coerced = fields.iter().filter_map(|field| {
            let value = given.swap_remove(field.name.as_str())?;
            self.path.push(Step::Field(field.name.clone()));
            let value = self.coerce(value, &field.input_type);
            self.path.pop();
            Some((Name::new(&field.name), value))
        });
        Value::Object(coerced.collect())
    }

    fn one_of(&mut self, value: Value, name: &str) -> Value {
        let Value::Object(given) = &value else {
            return value;
        };
        let mut fields = given.iter();
        match (fields.next(), fields.next()) {
            (Some((field, Value::Null)), None) => {
                self.path.push(Step::Field(field.to_string()));
                self.refuse(&Value::Null, format!("Field \"{field}\" must be non-null."));
                self.path.pop();
            }
            (Some(_), None) => {}
            _ => {
                let name = self.wording.shown(name);
                let message =
                    format!("Exactly one key must be specified for OneOf type \"{name}\".");
                self.refuse(&value, message);
            }
        }
        value
    }

    fn refuse(&mut self, value: &Value, complaint: String) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let (variable, shown) = (self.variable, inspected(value));
        let mut message = format!("Variable \"${variable}\" got invalid value {shown}");
        if !self.path.is_empty() {
            let path: String = self.path.iter().map(Step::to_string).collect();
            message.push_str(&format!(" at \"{variable}{path}\""));
        }
        message.push_str("; ");
        message.push_str(&complaint);
        self.errors
            .push(DocumentError::bad_input(message, vec![self.pos]));
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => write!(formatter, ".{name}"),
            Step::Item(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// Beyond it not every whole number has a float of its own.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Some clients write each number with a fraction.
fn whole(number: &Number) -> Option<i128> {
    if let Some(whole) = number.as_i128() {
        return Some(whole);
    }
    let number = number.as_f64()?;
    // Below the bound no digit is lost.
    (number.fract() == 0.0 && number.abs() < MAX_EXACT).then_some(number as i128)
}

fn is_whole(number: &Number) -> bool {
    number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// How many levels of a value are shown, and how many items of a list.
const MAX_LEVELS: usize = 2;
const MAX_ITEMS: usize = 10;

/// The value as graphql-js shows it in messages.
fn inspected(value: &Value) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = inspect(&mut text, value, 0);
    text
}

fn inspect(writer: &mut String, value: &Value, level: usize) -> fmt::Result {
    match value {
        Value::Null => writer.write_str("null"),
        Value::Number(number) => write_number(writer, number),
        Value::String(text) => write_quoted(writer, text),
        Value::Boolean(value) => write!(writer, "{value}"),
        Value::Enum(name) => writer.write_str(name),
        Value::Binary(_) => writer.write_str("[Upload]"),
        Value::List(items) if items.is_empty() => writer.write_str("[]"),
        Value::List(_) if level >= MAX_LEVELS => writer.write_str("[Array]"),
        Value::List(items) => {
            for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
                writer.write_str(if index == 0 { "[" } else { ", " })?;
                inspect(writer, item, level + 1)?;
            }
            match items.len().saturating_sub(MAX_ITEMS) {
                0 => {}
                1 => writer.write_str(", ... 1 more item")?,
                more => write!(writer, ", ... {more} more items")?,
            }
            writer.write_char(']')
        }
        Value::Object(fields) if fields.is_empty() => writer.write_str("{}"),
        Value::Object(_) if level >= MAX_LEVELS => writer.write_str("[Object]"),
        Value::Object(fields) => {
            for (index, (name, value)) in fields.iter().enumerate() {
                let start = if index == 0 { "{ " } else { ", " };
                write!(writer, "{start}{name}: ")?;
                inspect(writer, value, level + 1)?;
            }
            writer.write_str(" }")
        }
    }
}

/// As JavaScript writes it: without a fraction of zero, and with a sign before a large exponent.
fn write_number(writer: &mut String, number: &Number) -> fmt::Result {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() >= 1e21 => {
            write!(writer, "{}", format!("{float:e}").replace('e', "e+"))
        }
        Some(float) if number.is_f64() && float.fract() == 0.0 => write!(writer, "{float:.0}"),
        _ => write!(writer, "{number}"),
    }
}
