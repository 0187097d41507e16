//! What messages may show of the schema, and what they suggest in place of a name that it does not have.

use std::borrow::Cow;

use super::lexer::is_name_continue;
use crate::schema::Introspection;

/// Where introspection is disabled, a message shows no name of the schema that the document does not contain.
#[derive(Clone, Copy)]
pub(super) struct Wording<'a> {
    pub(super) introspection: Introspection,
    /// The text of the document.
    pub(super) sent: &'a str,
}

impl Wording<'_> {
    /// A name of the schema, or a type with its marks of lists and non-null.
    pub(super) fn shown<'n>(&self, name: impl Into<Cow<'n, str>>) -> Cow<'n, str> {
        let name = name.into();
        match self.introspection {
            Introspection::Enabled => name,
            Introspection::Disabled if self.is_sent(&name) => name,
            Introspection::Disabled => Cow::Borrowed("…"),
        }
    }

    fn is_sent(&self, name: &str) -> bool {
        let is_mark = |letter: char| !letter.is_ascii() || !is_name_continue(letter as u8);
        let bare = name.trim_matches(is_mark);
        let mut words = self.sent.split(is_mark);
        words.any(|word| word == bare)
    }

    /// ` Did you mean "a" or "b"?`, or nothing.
    pub(super) fn suggest<'n>(
        &self,
        input: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> String {
        self.suggest_as("", input, names)
    }

    pub(super) fn suggest_as<'n>(
        &self,
        what: &str,
        input: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> String {
        match self.introspection {
            Introspection::Enabled => did_you_mean(what, &near(input, names)),
            Introspection::Disabled => String::new(),
        }
    }

    pub(super) fn suggest_these(&self, what: &str, names: &[&str]) -> String {
        match self.introspection {
            Introspection::Enabled => did_you_mean(what, names),
            Introspection::Disabled => String::new(),
        }
    }
}

const MAX_SUGGESTIONS: usize = 5;

/// Longer input is no typing error of a name.
const MAX_INPUT: usize = 100;

fn did_you_mean(what: &str, names: &[&str]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .take(MAX_SUGGESTIONS)
        .map(|name| format!("\"{name}\""))
        .collect();
    let list = match quoted.as_slice() {
        [] => return String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    };
    let space = if what.is_empty() { "" } else { " " };
    format!(" Did you mean {what}{space}{list}?")
}

/// The names that differ little from the input, the nearest first.
fn near<'n>(input: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    if input.len() > MAX_INPUT {
        return Vec::new();
    }
    let threshold = input.len() * 2 / 5 + 1;
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (distance(input, name), name))
        .filter(|(distance, _)| *distance <= threshold)
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|(_, name)| name).collect()
}

/// How many letters have to be changed, added, taken out or swapped; a change of case alone counts as one.
fn distance(input: &str, name: &str) -> usize {
    if input == name {
        return 0;
    }
    let (a, b) = (input.to_lowercase(), name.to_lowercase());
    if a == b {
        return 1;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let substituted = last[column] + usize::from(letter != other);
            let mut least = substituted
                .min(last[column + 1] + 1)
                .min(current[column] + 1);
            if row > 0 && column > 0 && *letter == b[column - 1] && a[row - 1] == *other {
                least = least.min(before_last[column - 1] + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, near};

    #[test]
    fn near_names_are_suggested_the_nearest_first() {
        let names = ["subject", "status", "subjects", "creator", "SUBJCT"];
        assert_eq!(near("subjct", names), ["SUBJCT", "subject", "subjects"]);
        assert_eq!(near("sbuject", names), ["subject", "SUBJCT", "subjects"]);
        assert!(near("nothing", names).is_empty());
    }

    #[test]
    fn suggestions_are_listed_as_a_sentence() {
        assert_eq!(did_you_mean("", &[]), "");
        assert_eq!(did_you_mean("", &["a"]), " Did you mean \"a\"?");
        assert_eq!(
            did_you_mean("the enum value", &["a", "b", "c"]),
            " Did you mean the enum value \"a\", \"b\", or \"c\"?"
        );
    }
}
