//! Cuts the text of a document into tokens, and reads the values of its strings.
//!
//! What it takes and refuses, and in which words, is what graphql-js does.

use std::{borrow::Cow, fmt};

use async_graphql::Pos;

use super::error::DocumentError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    EndOfDocument,
    Bang,
    Dollar,
    Ampersand,
    OpenParen,
    CloseParen,
    Spread,
    Colon,
    Equals,
    At,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    Pipe,
    CloseBrace,
    Name,
    Int,
    Float,
    String,
    BlockString,
}

/// A token in the words of graphql-js.
impl fmt::Display for TokenKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::EndOfDocument => "<EOF>",
            Self::Bang => "\"!\"",
            Self::Dollar => "\"$\"",
            Self::Ampersand => "\"&\"",
            Self::OpenParen => "\"(\"",
            Self::CloseParen => "\")\"",
            Self::Spread => "\"...\"",
            Self::Colon => "\":\"",
            Self::Equals => "\"=\"",
            Self::At => "\"@\"",
            Self::OpenBracket => "\"[\"",
            Self::CloseBracket => "\"]\"",
            Self::OpenBrace => "\"{\"",
            Self::Pipe => "\"|\"",
            Self::CloseBrace => "\"}\"",
            Self::Name => "Name",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::String => "String",
            Self::BlockString => "BlockString",
        })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) pos: Pos,
    /// The text of a name or a number, the value of a string; empty for all others.
    pub(super) value: Cow<'a, str>,
}

pub(super) struct Lexer<'a> {
    source: &'a str,
    /// Where the next token may begin, in bytes.
    at: usize,
    line: usize,
    line_start: usize,
    /// How many bytes more than UTF-16 code units the line has so far.
    surplus: usize,
}

type Result<T> = std::result::Result<T, DocumentError>;

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            line: 1,
            line_start: 0,
            surplus: 0,
        }
    }

    /// The next token, without white space, commas and comments.
    pub(super) fn next(&mut self) -> Result<Token<'a>> {
        let bytes = self.source.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b',' => self.at += 1,
                b'\n' | b'\r' => {
                    self.at = after_line_end(bytes, self.at);
                    self.start_line();
                }
                b'#' => {
                    let end = end_of_run(bytes, self.at, |byte| !matches!(byte, b'\n' | b'\r'));
                    self.surplus += surplus_of(self.slice(self.at, end));
                    self.at = end;
                }
                0xEF if bytes[self.at..].starts_with(BYTE_ORDER_MARK) => {
                    self.surplus += BYTE_ORDER_MARK.len() - 1;
                    self.at += BYTE_ORDER_MARK.len();
                }
                _ => return self.token(byte),
            }
        }
        Ok(self.punctuator(TokenKind::EndOfDocument, 0))
    }

    fn token(&mut self, first: u8) -> Result<Token<'a>> {
        let kind = match first {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = end_of_run(self.source.as_bytes(), self.at, is_name_continue);
                return Ok(self.text_token(TokenKind::Name, end));
            }
            b'{' => TokenKind::OpenBrace,
            b'}' => TokenKind::CloseBrace,
            b'(' => TokenKind::OpenParen,
            b')' => TokenKind::CloseParen,
            b':' => TokenKind::Colon,
            b'$' => TokenKind::Dollar,
            b'!' => TokenKind::Bang,
            b'@' => TokenKind::At,
            b'=' => TokenKind::Equals,
            b'[' => TokenKind::OpenBracket,
            b']' => TokenKind::CloseBracket,
            b'|' => TokenKind::Pipe,
            b'&' => TokenKind::Ampersand,
            b'.' if self.rest(self.at).starts_with("...") => {
                return Ok(self.punctuator(TokenKind::Spread, 3));
            }
            b'"' if self.rest(self.at).starts_with("\"\"\"") => return self.block_string(),
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            b'\'' => {
                let message = "Unexpected single quote character ('), did you mean to use a double quote (\")?";
                return Err(self.error(self.at, message));
            }
            _ => {
                let message = format!("Unexpected character: {}.", self.character(self.at));
                return Err(self.error(self.at, &message));
            }
        };
        Ok(self.punctuator(kind, 1))
    }

    fn punctuator(&mut self, kind: TokenKind, length: usize) -> Token<'a> {
        let pos = self.pos(self.at);
        self.at += length;
        Token {
            kind,
            pos,
            value: Cow::Borrowed(""),
        }
    }

    fn text_token(&mut self, kind: TokenKind, end: usize) -> Token<'a> {
        let pos = self.pos(self.at);
        let value = self.slice(self.at, end);
        self.at = end;
        Token {
            kind,
            pos,
            value: Cow::Borrowed(value),
        }
    }

    fn number(&mut self) -> Result<Token<'a>> {
        let bytes = self.source.as_bytes();
        let mut kind = TokenKind::Int;
        let mut end = self.at;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();

        if byte(end) == b'-' {
            end += 1;
        }
        if byte(end) == b'0' {
            end += 1;
            if byte(end).is_ascii_digit() {
                let digit = self.character(end);
                let message = format!("Invalid number, unexpected digit after 0: {digit}.");
                return Err(self.error(end, &message));
            }
        } else {
            end = self.digits(end)?;
        }
        if byte(end) == b'.' {
            kind = TokenKind::Float;
            end = self.digits(end + 1)?;
        }
        if matches!(byte(end), b'e' | b'E') {
            kind = TokenKind::Float;
            end += 1;
            if matches!(byte(end), b'+' | b'-') {
                end += 1;
            }
            end = self.digits(end)?;
        }
        if byte(end) == b'.' || is_name_start(byte(end)) {
            return Err(self.no_digit(end));
        }
        Ok(self.text_token(kind, end))
    }

    /// The end of at least one digit.
    fn digits(&self, start: usize) -> Result<usize> {
        let end = end_of_run(self.source.as_bytes(), start, |byte| byte.is_ascii_digit());
        if end == start {
            return Err(self.no_digit(start));
        }
        Ok(end)
    }

    fn no_digit(&self, at: usize) -> DocumentError {
        let found = self.character(at);
        self.error(
            at,
            &format!("Invalid number, expected digit but got: {found}."),
        )
    }

    fn string(&mut self) -> Result<Token<'a>> {
        let bytes = self.source.as_bytes();
        let pos = self.pos(self.at);
        let start = self.at + 1;
        let mut at = start;
        let mut chunk_start = start;
        // None while the value is the text itself.
        let mut decoded: Option<String> = None;

        loop {
            at = end_of_run(bytes, at, |byte| {
                !matches!(byte, b'"' | b'\\' | b'\n' | b'\r')
            });
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let (letter, length) = self.escape(at)?;
                    let decoded = decoded.get_or_insert_default();
                    decoded.push_str(self.slice(chunk_start, at));
                    decoded.push(letter);
                    at += length;
                    chunk_start = at;
                }
                _ => return Err(self.error(at, "Unterminated string.")),
            }
        }
        let last = self.slice(chunk_start, at);
        let value = match decoded {
            Some(mut decoded) => {
                decoded.push_str(last);
                Cow::Owned(decoded)
            }
            None => Cow::Borrowed(last),
        };
        self.surplus += surplus_of(self.slice(start, at));
        self.at = at + 1;
        Ok(Token {
            kind: TokenKind::String,
            pos,
            value,
        })
    }

    /// The character of the escape sequence that begins here, and how many bytes it takes.
    fn escape(&self, at: usize) -> Result<(char, usize)> {
        let bytes = self.source.as_bytes();
        let letter = match bytes.get(at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') if bytes.get(at + 2) == Some(&b'{') => return self.braced_escape(at),
            Some(b'u') => return self.fixed_escape(at),
            _ => {
                let sequence = self.units(at, 2);
                let message = format!("Invalid character escape sequence: \"{sequence}\".");
                return Err(self.error(at, &message));
            }
        };
        Ok((letter, 2))
    }

    /// `\u{1F600}`, of at most eight digits.
    fn braced_escape(&self, at: usize) -> Result<(char, usize)> {
        let mut point: u32 = 0;
        let mut length = 3;
        let bytes = self.source.as_bytes();
        while length < 12 {
            let byte = bytes.get(at + length).copied().unwrap_or_default();
            length += 1;
            if byte == b'}' {
                match char::from_u32(point) {
                    Some(letter) if length >= 5 => return Ok((letter, length)),
                    _ => break,
                }
            }
            // A code point that does not fit any more is none.
            match hex_digit(byte) {
                Some(digit) if point < 0x0800_0000 => point = (point << 4) | digit,
                _ => break,
            }
        }
        Err(self.invalid_escape(at, length))
    }

    /// `\u00E9`, or two of them that are a surrogate pair.
    fn fixed_escape(&self, at: usize) -> Result<(char, usize)> {
        let Some(first) = self.four_digits(at + 2) else {
            return Err(self.invalid_escape(at, 6));
        };
        if let Some(letter) = char::from_u32(first) {
            return Ok((letter, 6));
        }
        let second = match self.rest(at + 6).starts_with("\\u") {
            true => self.four_digits(at + 8),
            false => None,
        };
        match (first, second) {
            (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => {
                let point = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                char::from_u32(point)
                    .map(|letter| (letter, 12))
                    .ok_or_else(|| self.invalid_escape(at, 12))
            }
            _ => Err(self.invalid_escape(at, 6)),
        }
    }

    fn four_digits(&self, at: usize) -> Option<u32> {
        let digits = self.source.as_bytes().get(at..at + 4)?;
        digits
            .iter()
            .try_fold(0, |point, digit| Some((point << 4) | hex_digit(*digit)?))
    }

    fn invalid_escape(&self, at: usize, length: usize) -> DocumentError {
        let sequence = self.units(at, length);
        let message = format!("Invalid Unicode escape sequence: \"{sequence}\".");
        self.error(at, &message)
    }

    fn block_string(&mut self) -> Result<Token<'a>> {
        let bytes = self.source.as_bytes();
        let pos = self.pos(self.at);
        let mut at = self.at + 3;
        let mut chunk_start = at;
        let mut line = String::new();
        let mut lines: Vec<String> = Vec::new();

        loop {
            at = end_of_run(bytes, at, |byte| {
                !matches!(byte, b'"' | b'\\' | b'\n' | b'\r')
            });
            match bytes.get(at) {
                None => return Err(self.error(at, "Unterminated string.")),
                Some(b'"') if self.rest(at).starts_with("\"\"\"") => break,
                Some(b'\\') if self.rest(at).starts_with("\\\"\"\"") => {
                    line.push_str(self.slice(chunk_start, at));
                    // Without its backslash.
                    chunk_start = at + 1;
                    at += 4;
                }
                Some(b'\n' | b'\r') => {
                    line.push_str(self.slice(chunk_start, at));
                    lines.push(std::mem::take(&mut line));
                    at = after_line_end(bytes, at);
                    chunk_start = at;
                    self.at = at;
                    self.start_line();
                }
                Some(_) => at += 1,
            }
        }
        line.push_str(self.slice(chunk_start, at));
        lines.push(line);
        self.surplus += surplus_of(self.slice(self.at, at));
        self.at = at + 3;
        Ok(Token {
            kind: TokenKind::BlockString,
            pos,
            value: Cow::Owned(without_indentation(&lines)),
        })
    }

    fn start_line(&mut self) {
        self.line += 1;
        self.line_start = self.at;
        self.surplus = 0;
    }

    /// The place of this byte, which lies in the line of the token that is read.
    fn pos(&self, at: usize) -> Pos {
        Pos {
            line: self.line,
            column: at - self.line_start - self.surplus + 1,
        }
    }

    fn error(&self, at: usize, message: &str) -> DocumentError {
        let read = self.slice(self.at, at);
        let pos = Pos {
            line: self.line,
            column: self.pos(self.at).column + read.encode_utf16().count(),
        };
        DocumentError::syntax(message, pos)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or_default()
    }

    fn rest(&self, start: usize) -> &'a str {
        self.source.get(start..).unwrap_or_default()
    }

    /// As many UTF-16 code units from here on, as far as the text has them.
    fn units(&self, start: usize, length: usize) -> String {
        let units: Vec<u16> = self.rest(start).encode_utf16().take(length).collect();
        String::from_utf16_lossy(&units)
    }

    /// The character here, as messages show it.
    fn character(&self, at: usize) -> String {
        match self.rest(at).chars().next() {
            None => "<EOF>".to_owned(),
            Some('"') => "'\"'".to_owned(),
            Some(letter @ ' '..='~') => format!("\"{letter}\""),
            Some(letter) => format!("U+{:04X}", u32::from(letter)),
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

pub(super) fn is_name_continue(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

fn end_of_run(bytes: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !belongs(*byte));
    length.map_or(bytes.len(), |length| start + length)
}

fn after_line_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at..].starts_with(b"\r\n") {
        true => at + 2,
        false => at + 1,
    }
}

fn surplus_of(text: &str) -> usize {
    match text.is_ascii() {
        true => 0,
        false => text.len() - text.encode_utf16().count(),
    }
}

/// The value of a block string: without the indentation that its lines share, and blank lines around it.
fn without_indentation(lines: &[String]) -> String {
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &String| indentation(line) == line.len();

    let shared = lines
        .iter()
        .skip(1)
        .filter(|line| !is_blank(line))
        .map(|line| indentation(line))
        .min()
        .unwrap_or(usize::MAX);
    let first = lines.iter().position(|line| !is_blank(line));
    let last = lines.iter().rposition(|line| !is_blank(line));
    let (Some(first), Some(last)) = (first, last) else {
        return String::new();
    };
    let kept = lines.iter().enumerate().take(last + 1).skip(first);
    let dedented: Vec<&str> = kept
        .map(|(index, line)| match index {
            0 => line.as_str(),
            // A blank line may be shorter than the indentation.
            _ => line.get(shared..).unwrap_or_default(),
        })
        .collect();
    dedented.join("\n")
}
