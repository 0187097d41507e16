//! Holds a value that was sent against its input type, and says in one sentence what would be right.

use async_graphql::{
    Name, Number,
    parser::types::{BaseType, Type},
};
use async_graphql_value::Value;

use crate::{
    engine::schema_shape::{Input, InputShape, SchemaShape},
    schema::{self, Introspection},
};

/// Where a value stands, which decides how enums and whole numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// In the variables: JSON has no enums, and some clients write each number with a fraction.
    Json,
    Document,
}

/// Why a value does not fit. It repeats nothing of the value.
#[derive(Debug)]
pub(crate) struct CoercionError {
    /// From the innermost place to the outermost: `.name` or `[0]`.
    path: Vec<String>,
    complaint: String,
}

impl CoercionError {
    /// One sentence on what lies at the path from this subject on, which is `of` something.
    pub(crate) fn about(&self, subject: &str, of: &str) -> String {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        let complaint = &self.complaint;
        format!("{subject}{path}{of} {complaint}.")
    }

    fn new(complaint: String) -> Self {
        Self {
            path: Vec::new(),
            complaint,
        }
    }

    fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }
}

type Result<T> = std::result::Result<T, CoercionError>;

pub(crate) struct Coercion<'a> {
    pub(crate) shape: &'a SchemaShape,
    pub(crate) notation: Notation,
    /// Where the schema may not be asked for, no sentence tells a name of it that was not sent.
    pub(crate) introspection: Introspection,
}

impl Coercion<'_> {
    /// The value as its type has it. Whether a variable may stand within is seen elsewhere.
    pub(crate) fn coerce(&self, value: Value, expected: &Type) -> Result<Value> {
        match (value, &expected.base) {
            (Value::Variable(name), _) => Ok(Value::Variable(name)),
            (Value::Null, _) if expected.nullable => Ok(Value::Null),
            (Value::Null, _) => Err(self.wrong(expected, "null")),
            (Value::List(items), BaseType::List(item_type)) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, item)| {
                    self.coerce(item, item_type)
                        .map_err(|misfit| misfit.within(format!("[{index}]")))
                });
                items.collect::<Result<_>>().map(Value::List)
            }
            // One value stands for a list of it.
            (value, BaseType::List(item_type)) => {
                let item = self.coerce(value, item_type)?;
                Ok(Value::List(vec![item]))
            }
            (value, BaseType::Named(name)) => match self.shape.input(name) {
                Some(InputShape::Scalar) => self.scalar(value, name, expected),
                Some(InputShape::Enum(values)) => self.enum_value(value, values, expected),
                Some(InputShape::Object(fields)) => self.object(value, fields, expected),
                Some(InputShape::OneOf(fields)) => self.one_of(value, fields, expected),
                // The validation refuses it.
                None => Ok(value),
            },
        }
    }

    /// The complaint about what is not there at all.
    pub(crate) fn missing(&self, expected: &Type) -> CoercionError {
        self.wrong(expected, "missing")
    }

    fn scalar(&self, value: Value, name: &str, expected: &Type) -> Result<Value> {
        match (name, value) {
            ("Int", Value::Number(number)) => self
                .whole(&number)
                .and_then(|whole| i32::try_from(whole).ok())
                .map(|whole| Value::Number(whole.into()))
                .ok_or_else(|| self.wrong(expected, "another number")),
            ("ID", Value::Number(number)) => self
                .whole(&number)
                .map(|whole| Value::String(whole.to_string()))
                .ok_or_else(|| self.wrong(expected, "another number")),
            ("Float", value @ Value::Number(_))
            | ("String" | "ID", value @ Value::String(_))
            | ("Boolean", value @ Value::Boolean(_)) => Ok(value),
            ("Int" | "Float" | "String" | "Boolean" | "ID", value) => {
                Err(self.wrong(expected, kind(&value)))
            }
            (name, value) => {
                let is_misfit = value
                    .clone()
                    .into_const()
                    .is_none_or(|value| schema::misfit(name, &value).is_some());
                match value {
                    Value::String(_) if is_misfit => {
                        Err(self.wrong(expected, "a string of another form"))
                    }
                    value if is_misfit => Err(self.wrong(expected, kind(&value))),
                    value => Ok(value),
                }
            }
        }
    }

    fn whole(&self, number: &Number) -> Option<i128> {
        if let Some(whole) = number.as_i128() {
            return Some(whole);
        }
        let number = number.as_f64()?;
        let is_whole = number.fract() == 0.0 && number.abs() < MAX_EXACT;
        // Below the bound no digit is lost.
        (self.notation == Notation::Json && is_whole).then_some(number as i128)
    }

    fn enum_value(&self, value: Value, values: &[String], expected: &Type) -> Result<Value> {
        let name = match value {
            Value::Enum(name) => name,
            Value::String(name) if self.notation == Notation::Json => Name::new(name),
            value => return Err(self.wrong(expected, kind(&value))),
        };
        if values.iter().any(|value| name == *value) {
            Ok(Value::Enum(name))
        } else {
            Err(self.wrong(expected, "another name"))
        }
    }

    fn object(&self, value: Value, fields: &[Input], expected: &Type) -> Result<Value> {
        let Value::Object(mut given) = value else {
            return Err(self.wrong(expected, kind(&value)));
        };

        let coerced = fields
            .iter()
            .filter_map(|field| self.field(given.shift_remove(field.name.as_str()), field))
            .collect::<Result<_>>()?;
        match given.keys().next() {
            Some(unknown) => Err(self.unknown(unknown, expected)),
            None => Ok(Value::Object(coerced)),
        }
    }

    fn field(&self, value: Option<Value>, field: &Input) -> Option<Result<(Name, Value)>> {
        let name = field.name.as_str();
        match value {
            Some(value) => {
                let coerced = self.coerce(value, &field.input_type);
                Some(match coerced {
                    Ok(value) => Ok((Name::new(name), value)),
                    Err(misfit) => Err(misfit.within(format!(".{name}"))),
                })
            }
            None if field.is_required() => Some(Err(self.lacking(field))),
            None => None,
        }
    }

    fn one_of(&self, value: Value, fields: &[Input], expected: &Type) -> Result<Value> {
        match self.object(value, fields, expected)? {
            Value::Object(given) if given.len() != 1 || given.values().any(is_null) => Err(
                CoercionError::new("must have exactly one field, which is not null".to_owned()),
            ),
            value => Ok(value),
        }
    }

    fn wrong(&self, expected: &Type, is: &str) -> CoercionError {
        let must_be = self.must_be(expected);
        CoercionError::new(format!("must be {must_be}, but is {is}"))
    }

    /// What a value of the type is, for people.
    fn must_be(&self, expected: &Type) -> String {
        let name = match &expected.base {
            BaseType::List(_) => return "a list".to_owned(),
            BaseType::Named(name) => name.as_str(),
        };
        let tells_names = self.introspection == Introspection::Enabled;

        match (name, self.shape.input(name)) {
            ("Int", _) => "an Int (a whole number from -2147483648 to 2147483647)".to_owned(),
            ("Float", _) => "a Float (a number)".to_owned(),
            ("String", _) => "a String".to_owned(),
            ("Boolean", _) => "a Boolean (true or false)".to_owned(),
            ("ID", _) => "an ID (a string or a whole number)".to_owned(),
            (_, Some(InputShape::Enum(values))) if tells_names => {
                format!("a {name} (one of {})", values.join(", "))
            }
            (_, Some(InputShape::Enum(_))) => "a name that its enum has".to_owned(),
            (_, Some(InputShape::Object(_) | InputShape::OneOf(_))) if tells_names => {
                format!("an object of the type {name}")
            }
            (_, Some(InputShape::Object(_) | InputShape::OneOf(_))) => "an object".to_owned(),
            _ => match schema::misfit(name, &async_graphql::Value::Null) {
                Some(form) if tells_names => format!("a {name}, {form}"),
                Some(form) => form.to_owned(),
                None if tells_names => format!("a {name}"),
                None => "what its scalar takes".to_owned(),
            },
        }
    }

    fn lacking(&self, field: &Input) -> CoercionError {
        match self.introspection {
            Introspection::Enabled => self
                .missing(&field.input_type)
                .within(format!(".{}", field.name)),
            Introspection::Disabled => {
                CoercionError::new("lacks a field that its type requires".to_owned())
            }
        }
    }

    /// A name is repeated only where it can be one: anything can be a key of the variables.
    fn unknown(&self, field: &str, expected: &Type) -> CoercionError {
        let is_name = field.len() <= MAX_NAME_SHOWN
            && field
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
        let field = match is_name {
            true => format!("the field {field}"),
            false => "a field of that name".to_owned(),
        };

        let complaint = match (self.introspection, &expected.base) {
            (Introspection::Enabled, BaseType::Named(name)) => {
                format!("can't have {field}: {name} has no such field")
            }
            _ => format!("can't have {field}"),
        };
        CoercionError::new(complaint)
    }
}

/// Beyond it not every whole number has a float of its own.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Names of a sensible length are shorter.
const MAX_NAME_SHOWN: usize = 60;

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Variable(_) => "a variable",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::String(_) | Value::Binary(_) => "a string",
        Value::Boolean(_) => "true or false",
        Value::Enum(_) => "a name",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Value, parser::types::Type, value};

    use super::{Coercion, Notation};
    use crate::{engine::schema_shape::SchemaShape, schema::Introspection};

    const SCHEMA: &str = "
        type Query { a: Int }
        enum Colour { RED GREEN }
        input Point { x: Float!, y: Float! = 0.5, label: [String!] }
        input Place @oneOf { point: Point, name: String }
    ";

    /// The value as the type has it, or the complaint.
    fn coerced_in(
        introspection: Introspection,
        value: Value,
        expected: &str,
    ) -> Result<Option<Value>, String> {
        let shape = SchemaShape::read(SCHEMA).expect("the schema can be parsed");
        let coercion = Coercion {
            shape: &shape,
            notation: Notation::Json,
            introspection,
        };
        let expected = Type::new(expected).expect("the type can be read");
        coercion
            .coerce(value.into_value(), &expected)
            .map(|value| value.into_const())
            .map_err(|misfit| misfit.about("It", ""))
    }

    fn coerced(value: Value, expected: &str) -> Result<Option<Value>, String> {
        coerced_in(Introspection::Enabled, value, expected)
    }

    #[test]
    fn numbers_lists_and_objects_are_coerced() {
        assert_eq!(coerced(value!(1), "Float!"), Ok(Some(value!(1))));
        assert_eq!(coerced(value!(2.0), "[[Int]]"), Ok(Some(value!([[2]]))));
        assert_eq!(
            coerced(value!([1, null]), "[ID]"),
            Ok(Some(value!(["1", null])))
        );
        assert_eq!(
            coerced(value!({ "label": "a", "x": 1 }), "Point"),
            Ok(Some(value!({ "x": 1, "label": ["a"] })))
        );
    }

    #[test]
    fn exactly_one_field_of_a_one_of_is_given() {
        assert!(coerced(value!({ "name": "a" }), "Place").is_ok());
        assert!(coerced(value!({ "point": { "x": 1 } }), "Place").is_ok());

        let complaint = "It must have exactly one field, which is not null.".to_owned();
        for wrong in [
            value!({}),
            value!({ "name": null }),
            value!({ "name": "a", "point": null }),
            value!({ "name": "a", "point": { "x": 1 } }),
        ] {
            assert_eq!(coerced(wrong, "Place"), Err(complaint.clone()));
        }
    }

    #[test]
    fn no_name_of_the_schema_is_told_where_it_may_not_be_asked_for() {
        for (value, expected) in [
            (value!("BLUE"), "Colour"),
            (value!(5), "Point"),
            (value!({}), "Point"),
            (value!({ "z": 1 }), "Point"),
            (value!({ "x": 1, "z": 1 }), "Point"),
            (value!(null), "Point!"),
            (value!([null]), "[Point!]"),
        ] {
            let complaint = coerced_in(Introspection::Disabled, value, expected);
            let complaint = complaint.expect_err("it does not fit");
            for name in ["Colour", "RED", "Point", "label", ".x", ".y"] {
                assert!(!complaint.contains(name), "{complaint}");
            }
        }
    }
}
