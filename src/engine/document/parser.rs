//! Reads an executable document, and counts as it goes what it would cost to go on.
//!
//! It takes what graphql-js takes, and refuses the rest in its words. Type definitions, which graphql-js parses first and refuses
//! then, are refused at once.

use std::{borrow::Cow, cell::Cell};

use async_graphql::{Pos, parser::types::OperationType};

use super::{
    ast::{
        Argument, Definition, Directive, Document, Field, Fragment, InlineFragment, Name,
        Operation, Selection, SelectionSet, Spread, TypeBase, TypeReference, Value, ValueKind,
        VariableDefinition,
    },
    error::DocumentError,
    lexer::{Lexer, Token, TokenKind},
};
use crate::engine::cost::OverLimit;

/// How large a document is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DocumentSize {
    pub(crate) bytes: u64,
    pub(crate) tokens: u64,
    pub(crate) directives: u64,
}

/// The document, or what is wrong with it, and its size in either case. It is parsed no further than to as many tokens, and to as
/// many brackets inside each other: the parser recurses for each.
pub(super) fn parse(
    source: &str,
    max_tokens: u64,
    max_nesting: u64,
) -> (DocumentSize, Result<Document<'_>>) {
    let mut parser = Parser {
        lexer: Lexer::new(source),
        token: Token {
            kind: TokenKind::EndOfDocument,
            pos: Pos { line: 1, column: 1 },
            value: Cow::Borrowed(""),
        },
        tokens: 0,
        max_tokens,
        directives: 0,
        nesting: 0,
        max_nesting,
    };
    let document = parser.document();
    if document.is_err() {
        parser.count_rest();
    }
    let size = DocumentSize {
        bytes: source.len() as u64,
        tokens: parser.tokens,
        directives: parser.directives,
    };
    (size, document)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    tokens: u64,
    max_tokens: u64,
    directives: u64,
    nesting: u64,
    max_nesting: u64,
}

type Result<T> = std::result::Result<T, DocumentError>;

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Document<'a>> {
        self.advance()?;
        let mut definitions = vec![self.definition()?];
        while self.token.kind != TokenKind::EndOfDocument {
            definitions.push(self.definition()?);
        }
        Ok(Document { definitions })
    }

    fn definition(&mut self) -> Result<Definition<'a>> {
        let start = self.token.pos;
        if self.token.kind == TokenKind::OpenBrace {
            return Ok(Definition::Operation(Operation {
                pos: start,
                operation_type: OperationType::Query,
                name: None,
                variables: Vec::new(),
                directives: Vec::new(),
                selection_set: self.selection_set()?,
            }));
        }

        let has_description = self.description()?;
        if has_description && self.token.kind == TokenKind::OpenBrace {
            let message =
                "Unexpected description, descriptions are not supported on shorthand queries.";
            return Err(DocumentError::syntax(message, start));
        }
        if self.token.kind != TokenKind::Name {
            return Err(self.unexpected());
        }
        let operation_type = match self.token.value.as_ref() {
            "query" => OperationType::Query,
            "mutation" => OperationType::Mutation,
            "subscription" => OperationType::Subscription,
            "fragment" => return self.fragment(start).map(Definition::Fragment),
            "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input"
            | "directive" => return Err(self.not_executable(start)),
            _ if has_description => {
                let message =
                    "Unexpected description, only GraphQL definitions support descriptions.";
                return Err(DocumentError::syntax(message, start));
            }
            "extend" => {
                self.advance()?;
                return Err(self.not_executable(start));
            }
            _ => return Err(self.unexpected()),
        };
        self.operation(start, operation_type)
            .map(Definition::Operation)
    }

    /// The keyword of a type definition is read; its name, where it has one, comes next.
    fn not_executable(&mut self, start: Pos) -> DocumentError {
        let is_schema = self.token.value == "schema";
        let name = self.advance().and_then(|()| {
            self.skip(TokenKind::At)?;
            Ok(self.token.clone())
        });
        let definition = match name {
            Ok(name) if name.kind == TokenKind::Name && !is_schema => {
                format!("\"{}\"", name.value)
            }
            _ => "schema".to_owned(),
        };
        let message = format!("The {definition} definition is not executable.");
        DocumentError::validation(message, vec![start])
    }

    fn operation(&mut self, pos: Pos, operation_type: OperationType) -> Result<Operation<'a>> {
        self.advance()?;
        let name = match self.token.kind {
            TokenKind::Name => Some(self.name()?),
            _ => None,
        };
        Ok(Operation {
            pos,
            operation_type,
            name,
            variables: self.variable_definitions()?,
            directives: self.directives(Variables::Allowed)?,
            selection_set: self.selection_set()?,
        })
    }

    fn fragment(&mut self, pos: Pos) -> Result<Fragment<'a>> {
        self.advance()?;
        let name = self.fragment_name()?;
        if !self.is_keyword("on") {
            let message = format!("Expected \"on\", found {}.", self.found());
            return Err(DocumentError::syntax(&message, self.token.pos));
        }
        self.advance()?;
        Ok(Fragment {
            pos,
            name,
            type_condition: self.name()?,
            directives: self.directives(Variables::Allowed)?,
            selection_set: self.selection_set()?,
        })
    }

    fn variable_definitions(&mut self) -> Result<Vec<VariableDefinition<'a>>> {
        if self.token.kind != TokenKind::OpenParen {
            return Ok(Vec::new());
        }
        self.many(
            TokenKind::OpenParen,
            TokenKind::CloseParen,
            Self::variable_definition,
        )
    }

    fn variable_definition(&mut self) -> Result<VariableDefinition<'a>> {
        let pos = self.token.pos;
        self.description()?;
        self.expect(TokenKind::Dollar)?;
        let name = self.name()?;
        self.expect(TokenKind::Colon)?;
        let var_type = self.type_reference()?;
        let default = match self.skip(TokenKind::Equals)? {
            true => Some(self.value(Variables::Forbidden)?),
            false => None,
        };
        Ok(VariableDefinition {
            pos,
            name,
            var_type,
            default,
            directives: self.directives(Variables::Forbidden)?,
        })
    }

    fn type_reference(&mut self) -> Result<TypeReference<'a>> {
        let pos = self.token.pos;
        let base = match self.token.kind {
            TokenKind::OpenBracket => {
                self.open(TokenKind::OpenBracket)?;
                let item = self.type_reference()?;
                self.close(TokenKind::CloseBracket)?;
                TypeBase::List(Box::new(item))
            }
            _ => TypeBase::Named(self.name()?),
        };
        Ok(TypeReference {
            pos,
            base,
            is_nullable: !self.skip(TokenKind::Bang)?,
        })
    }

    fn selection_set(&mut self) -> Result<SelectionSet<'a>> {
        Ok(SelectionSet {
            pos: self.token.pos,
            selections: self.many(TokenKind::OpenBrace, TokenKind::CloseBrace, Self::selection)?,
        })
    }

    fn selection(&mut self) -> Result<Selection<'a>> {
        match self.token.kind {
            TokenKind::Spread => self.spread(),
            _ => self.field().map(Selection::Field),
        }
    }

    fn field(&mut self) -> Result<Field<'a>> {
        let first = self.name()?;
        let (alias, name) = match self.skip(TokenKind::Colon)? {
            true => (Some(first), self.name()?),
            false => (None, first),
        };
        Ok(Field {
            pos: first.pos,
            alias,
            name,
            arguments: self.arguments(Variables::Allowed)?,
            directives: self.directives(Variables::Allowed)?,
            selection_set: match self.token.kind {
                TokenKind::OpenBrace => Some(self.selection_set()?),
                _ => None,
            },
        })
    }

    fn spread(&mut self) -> Result<Selection<'a>> {
        let pos = self.token.pos;
        self.advance()?;
        let has_type_condition = self.is_keyword("on");
        if !has_type_condition && self.token.kind == TokenKind::Name {
            return Ok(Selection::Spread(Spread {
                pos,
                name: self.fragment_name()?,
                directives: self.directives(Variables::Allowed)?,
            }));
        }

        let type_condition = match has_type_condition {
            true => {
                self.advance()?;
                Some(self.name()?)
            }
            false => None,
        };
        Ok(Selection::Inline(InlineFragment {
            pos,
            type_condition,
            directives: self.directives(Variables::Allowed)?,
            selection_set: self.selection_set()?,
        }))
    }

    fn directives(&mut self, variables: Variables) -> Result<Vec<Directive<'a>>> {
        let mut directives = Vec::new();
        while self.token.kind == TokenKind::At {
            let pos = self.token.pos;
            self.advance()?;
            self.directives += 1;
            directives.push(Directive {
                pos,
                name: self.name()?,
                arguments: self.arguments(variables)?,
            });
        }
        Ok(directives)
    }

    fn arguments(&mut self, variables: Variables) -> Result<Vec<Argument<'a>>> {
        if self.token.kind != TokenKind::OpenParen {
            return Ok(Vec::new());
        }
        self.many(TokenKind::OpenParen, TokenKind::CloseParen, |parser| {
            parser.argument(variables)
        })
    }

    fn argument(&mut self, variables: Variables) -> Result<Argument<'a>> {
        let name = self.name()?;
        self.expect(TokenKind::Colon)?;
        Ok(Argument {
            name,
            value: self.value(variables)?,
        })
    }

    fn value(&mut self, variables: Variables) -> Result<Value<'a>> {
        let pos = self.token.pos;
        let kind = match self.token.kind {
            TokenKind::OpenBracket => ValueKind::List(self.any(
                TokenKind::OpenBracket,
                TokenKind::CloseBracket,
                |parser| parser.value(variables),
            )?),
            TokenKind::OpenBrace => ValueKind::Object(self.any(
                TokenKind::OpenBrace,
                TokenKind::CloseBrace,
                |parser| parser.argument(variables),
            )?),
            TokenKind::Dollar => {
                self.advance()?;
                match (variables, self.token.kind) {
                    (Variables::Allowed, _) => ValueKind::Variable(self.name()?.text),
                    (Variables::Forbidden, TokenKind::Name) => {
                        let name = &self.token.value;
                        let message = format!("Unexpected variable \"${name}\" in constant value.");
                        return Err(DocumentError::syntax(&message, pos));
                    }
                    (Variables::Forbidden, _) => {
                        return Err(DocumentError::syntax("Unexpected \"$\".", pos));
                    }
                }
            }
            TokenKind::Name => match self.name()?.text {
                "true" => ValueKind::Boolean(true),
                "false" => ValueKind::Boolean(false),
                "null" => ValueKind::Null,
                name => ValueKind::Enum(name),
            },
            TokenKind::Int => ValueKind::Int {
                text: self.text()?,
                is_id: Cell::new(false),
            },
            TokenKind::Float => ValueKind::Float(self.text()?),
            TokenKind::String => ValueKind::String(self.take()?.value),
            TokenKind::BlockString => ValueKind::BlockString(self.take()?.value),
            _ => return Err(self.unexpected()),
        };
        Ok(Value { pos, kind })
    }

    fn fragment_name(&mut self) -> Result<Name<'a>> {
        // Whatever has this value is refused, which a string may have too.
        if self.token.value == "on" {
            return Err(self.unexpected());
        }
        self.name()
    }

    fn name(&mut self) -> Result<Name<'a>> {
        if self.token.kind != TokenKind::Name {
            return Err(self.expected(TokenKind::Name));
        }
        let pos = self.token.pos;
        Ok(Name {
            text: self.text()?,
            pos,
        })
    }

    /// The text of a name or a number, which always borrows from the document.
    fn text(&mut self) -> Result<&'a str> {
        match self.take()?.value {
            Cow::Borrowed(text) => Ok(text),
            Cow::Owned(_) => Ok(""),
        }
    }

    /// Skips a description, which says nothing to the gateway.
    fn description(&mut self) -> Result<bool> {
        let is_there = matches!(self.token.kind, TokenKind::String | TokenKind::BlockString);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.token.kind == TokenKind::Name && self.token.value == keyword
    }

    fn any<T>(
        &mut self,
        open: TokenKind,
        close: TokenKind,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.open(open)?;
        let mut items = Vec::new();
        while self.token.kind != close {
            items.push(item(self)?);
        }
        self.close(close)?;
        Ok(items)
    }

    /// At least one.
    fn many<T>(
        &mut self,
        open: TokenKind,
        close: TokenKind,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.open(open)?;
        let mut items = vec![item(self)?];
        while self.token.kind != close {
            items.push(item(self)?);
        }
        self.close(close)?;
        Ok(items)
    }

    fn open(&mut self, kind: TokenKind) -> Result<()> {
        self.nesting += 1;
        if self.nesting > self.max_nesting {
            return Err(over(
                "brackets inside each other",
                self.nesting,
                self.max_nesting,
            ));
        }
        self.expect(kind)
    }

    fn close(&mut self, kind: TokenKind) -> Result<()> {
        self.nesting -= 1;
        self.expect(kind)
    }

    fn skip(&mut self, kind: TokenKind) -> Result<bool> {
        let is_there = self.token.kind == kind;
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn expect(&mut self, kind: TokenKind) -> Result<()> {
        if self.token.kind != kind {
            return Err(self.expected(kind));
        }
        self.advance()
    }

    fn advance(&mut self) -> Result<()> {
        self.take().map(|_| ())
    }

    /// The token, after which the next one is read.
    fn take(&mut self) -> Result<Token<'a>> {
        let next = self.lexer.next()?;
        if next.kind != TokenKind::EndOfDocument {
            self.tokens += 1;
            if self.tokens > self.max_tokens {
                return Err(over("tokens", self.tokens, self.max_tokens));
            }
        }
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// A document that is refused has a size all the same, as far as it can be read.
    fn count_rest(&mut self) {
        while let Ok(token) = self.lexer.next()
            && token.kind != TokenKind::EndOfDocument
        {
            self.tokens += 1;
        }
    }

    fn expected(&self, kind: TokenKind) -> DocumentError {
        let message = format!("Expected {kind}, found {}.", self.found());
        DocumentError::syntax(&message, self.token.pos)
    }

    fn unexpected(&self) -> DocumentError {
        let message = format!("Unexpected {}.", self.found());
        DocumentError::syntax(&message, self.token.pos)
    }

    fn found(&self) -> String {
        let Token { kind, value, .. } = &self.token;
        match kind {
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::String
            | TokenKind::BlockString => format!("{kind} \"{value}\""),
            _ => kind.to_string(),
        }
    }
}

/// Whether a value may hold variables.
#[derive(Clone, Copy)]
enum Variables {
    Allowed,
    Forbidden,
}

fn over(what: &'static str, has: u64, allowed: u64) -> DocumentError {
    OverLimit { what, has, allowed }.into()
}
