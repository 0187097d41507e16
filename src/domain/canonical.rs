//! Explicit canonical texts of filters, arguments and changes. Cursors, cache keys and the digests of idempotency keys are made
//! from them, so they must not change by accident: tests pin them.

use std::fmt::{Display, Write};

use super::Change;

/// Names and values, each value with its length before it, so that no two lists of them are the same text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Canonical(String);

impl Canonical {
    pub fn new(subject: &str) -> Self {
        Self(subject.to_owned())
    }

    pub fn field(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.push(name, &value.to_string());
        }
        self
    }

    pub fn list(
        mut self,
        name: &str,
        values: Option<impl IntoIterator<Item = impl Display>>,
    ) -> Self {
        if let Some(values) = values {
            let mut list = Self::default();
            for value in values {
                list.push("", &value.to_string());
            }
            self.push(name, &list.0);
        }
        self
    }

    /// A cleared field has no length, so that it differs from every value.
    pub fn change(self, name: &str, change: &Change<impl Display>) -> Self {
        match change {
            Change::Keep => self,
            Change::Set(value) => self.field(name, Some(value)),
            Change::Clear => Self(format!("{} {name}=null", self.0)),
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {name}={}:{value}", value.len());
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_fields_stay_values() {
        let one = Canonical::new("x").field("a", Some("1 b=1:2"));
        let two = Canonical::new("x")
            .field("a", Some("1"))
            .field("b", Some("2"));
        assert_ne!(one, two);
        assert_eq!(two.as_str(), "x a=1:1 b=1:2");

        let none = None::<Vec<&str>>;
        assert_eq!(Canonical::new("x").list("a", none).as_str(), "x");
        let empty = Canonical::new("x").list("a", Some(Vec::<&str>::new()));
        assert_eq!(empty.as_str(), "x a=0:");
        let list = Canonical::new("x").list("a", Some(["1", "22"]));
        assert_eq!(list.as_str(), "x a=11: =1:1 =2:22");
    }

    #[test]
    fn a_cleared_field_is_neither_kept_nor_empty() {
        let change = |change: &Change<&str>| Canonical::new("x").change("a", change);
        assert_eq!(change(&Change::Keep).as_str(), "x");
        assert_eq!(change(&Change::Clear).as_str(), "x a=null");
        assert_eq!(change(&Change::Set("")).as_str(), "x a=0:");
        assert_eq!(change(&Change::Set("null")).as_str(), "x a=4:null");
    }
}
