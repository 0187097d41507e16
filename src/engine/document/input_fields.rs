//! Finds an input object that has a field twice: the parser keeps one of the two, and tells nobody.

use std::collections::HashSet;

use async_graphql::{Pos, ServerError};

use crate::{
    engine::{cost::Tokens, response::request_error},
    error::ErrorCode,
};

/// What is open where a token stands.
enum Bracket<'a> {
    Selections,
    Arguments,
    List,
    /// The fields of it that were seen.
    Object(HashSet<&'a str>),
}

/// The first such field of a document that can be parsed.
pub(crate) fn repeated(document: &str) -> Option<ServerError> {
    let mut open: Vec<Bracket<'_>> = Vec::new();
    let mut tokens = Tokens::of(document).peekable();

    while let Some(token) = tokens.next() {
        match token.text {
            "(" => open.push(Bracket::Arguments),
            "[" => open.push(Bracket::List),
            // Among values a brace opens an object, elsewhere fields that are asked for.
            "{" => open.push(match open.last() {
                None | Some(Bracket::Selections) => Bracket::Selections,
                Some(_) => Bracket::Object(HashSet::new()),
            }),
            ")" | "]" | "}" => {
                open.pop();
            }
            name => {
                let is_key = tokens.peek().is_some_and(|next| next.text == ":");
                if is_key
                    && let Some(Bracket::Object(seen)) = open.last_mut()
                    && !seen.insert(name)
                {
                    let message = format!("The input object has the field {name} more than once.");
                    let mut error = request_error(ErrorCode::ValidationFailed, message);
                    error.locations.push(place(document, token.start));
                    return Some(error);
                }
            }
        }
    }
    None
}

/// The line and the letter in it, as the parser counts them.
fn place(document: &str, at: usize) -> Pos {
    let before = document.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    Pos {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}
