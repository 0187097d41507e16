//! A document as it is written. It borrows its names from the text.

use std::{
    borrow::Cow,
    cell::Cell,
    fmt::{self, Write as _},
};

use async_graphql::{Pos, parser::types::OperationType};

#[derive(Debug)]
pub(super) struct Document<'a> {
    /// In their order in the text.
    pub(super) definitions: Vec<Definition<'a>>,
}

#[derive(Debug)]
pub(super) enum Definition<'a> {
    Operation(Operation<'a>),
    Fragment(Fragment<'a>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) pos: Pos,
}

#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) pos: Pos,
    pub(super) operation_type: OperationType,
    pub(super) name: Option<Name<'a>>,
    pub(super) variables: Vec<VariableDefinition<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selection_set: SelectionSet<'a>,
}

#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) pos: Pos,
    pub(super) name: Name<'a>,
    pub(super) type_condition: Name<'a>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selection_set: SelectionSet<'a>,
}

#[derive(Debug)]
pub(super) struct VariableDefinition<'a> {
    pub(super) pos: Pos,
    pub(super) name: Name<'a>,
    pub(super) var_type: TypeReference<'a>,
    pub(super) default: Option<Value<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
}

#[derive(Debug)]
pub(super) struct TypeReference<'a> {
    pub(super) pos: Pos,
    pub(super) base: TypeBase<'a>,
    pub(super) is_nullable: bool,
}

#[derive(Debug)]
pub(super) enum TypeBase<'a> {
    Named(Name<'a>),
    List(Box<TypeReference<'a>>),
}

#[derive(Debug)]
pub(super) struct SelectionSet<'a> {
    pub(super) pos: Pos,
    pub(super) selections: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(super) enum Selection<'a> {
    Field(Field<'a>),
    Spread(Spread<'a>),
    Inline(InlineFragment<'a>),
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) pos: Pos,
    pub(super) alias: Option<Name<'a>>,
    pub(super) name: Name<'a>,
    pub(super) arguments: Vec<Argument<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selection_set: Option<SelectionSet<'a>>,
}

#[derive(Debug)]
pub(super) struct Spread<'a> {
    pub(super) pos: Pos,
    pub(super) name: Name<'a>,
    pub(super) directives: Vec<Directive<'a>>,
}

#[derive(Debug)]
pub(super) struct InlineFragment<'a> {
    pub(super) pos: Pos,
    pub(super) type_condition: Option<Name<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selection_set: SelectionSet<'a>,
}

#[derive(Debug)]
pub(super) struct Directive<'a> {
    pub(super) pos: Pos,
    pub(super) name: Name<'a>,
    pub(super) arguments: Vec<Argument<'a>>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(super) struct Argument<'a> {
    pub(super) name: Name<'a>,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) pos: Pos,
    pub(super) kind: ValueKind<'a>,
}

#[derive(Debug)]
pub(super) enum ValueKind<'a> {
    Variable(&'a str),
    Int {
        text: &'a str,
        /// Set where an ID is expected, which keeps each digit.
        is_id: Cell<bool>,
    },
    Float(&'a str),
    String(Cow<'a, str>),
    BlockString(Cow<'a, str>),
    Boolean(bool),
    Null,
    Enum(&'a str),
    List(Vec<Value<'a>>),
    Object(Vec<Argument<'a>>),
}

impl<'a> Field<'a> {
    pub(super) fn response_key(&self) -> &'a str {
        self.alias.unwrap_or(self.name).text
    }
}

impl<'a> TypeReference<'a> {
    /// The name within the marks of lists and non-null.
    pub(super) fn innermost(&self) -> Name<'a> {
        match &self.base {
            TypeBase::Named(name) => *name,
            TypeBase::List(item) => item.innermost(),
        }
    }
}

impl fmt::Display for TypeReference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            TypeBase::Named(name) => formatter.write_str(name.text)?,
            TypeBase::List(item) => write!(formatter, "[{item}]")?,
        }
        match self.is_nullable {
            true => Ok(()),
            false => formatter.write_char('!'),
        }
    }
}

/// The value as graphql-js prints it in messages.
impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Variable(name) => write!(formatter, "${name}"),
            ValueKind::Int { text, .. } | ValueKind::Float(text) | ValueKind::Enum(text) => {
                formatter.write_str(text)
            }
            ValueKind::String(text) => write_quoted(formatter, text),
            ValueKind::BlockString(text) => write_block_string(formatter, text),
            ValueKind::Boolean(value) => write!(formatter, "{value}"),
            ValueKind::Null => formatter.write_str("null"),
            ValueKind::List(items) => {
                formatter.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{item}")?;
                }
                formatter.write_char(']')
            }
            ValueKind::Object(fields) => {
                formatter.write_char('{')?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let (name, value) = (field.name.text, &field.value);
                    write!(formatter, "{comma}{name}: {value}")?;
                }
                formatter.write_char('}')
            }
        }
    }
}

/// Short texts in one line, others with their quotes on lines of their own.
fn write_block_string(writer: &mut impl fmt::Write, text: &str) -> fmt::Result {
    const LONGEST_LINE: usize = 70;
    const QUOTES: &str = "\"\"\"";
    let begins_blank = |line: &str| line.starts_with([' ', '\t']);
    let escaped = text.replace(QUOTES, "\\\"\"\"");
    let mut later_lines = text.split('\n').skip(1).peekable();
    let is_single_line = later_lines.peek().is_none();
    let are_indented =
        !is_single_line && later_lines.all(|line| line.is_empty() || begins_blank(line));
    let ends_in_quote = text.ends_with(['"', '\\']);
    let has_own_lines = !is_single_line
        || text.encode_utf16().count() > LONGEST_LINE
        || ends_in_quote
        || are_indented;
    let begins_on_own_line =
        has_own_lines && !(is_single_line && begins_blank(text)) || are_indented;

    writer.write_str(QUOTES)?;
    if begins_on_own_line {
        writer.write_char('\n')?;
    }
    writer.write_str(&escaped)?;
    if has_own_lines {
        writer.write_char('\n')?;
    }
    writer.write_str(QUOTES)
}

pub(super) fn write_quoted(writer: &mut impl fmt::Write, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => writer.write_str("\\\"")?,
            '\\' => writer.write_str("\\\\")?,
            '\u{8}' => writer.write_str("\\b")?,
            '\u{c}' => writer.write_str("\\f")?,
            '\n' => writer.write_str("\\n")?,
            '\r' => writer.write_str("\\r")?,
            '\t' => writer.write_str("\\t")?,
            letter if letter.is_control() => write!(writer, "\\u{:04X}", u32::from(letter))?,
            letter => writer.write_char(letter)?,
        }
    }
    writer.write_char('"')
}
