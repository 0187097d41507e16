//! Takes a document apart into its tokens before anything parses it: cheaply, and without recursion.

/// What a document costs to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DocumentSize {
    pub(crate) bytes: u64,
    pub(crate) tokens: u64,
    /// How many brackets stand inside each other at the deepest place.
    pub(crate) nesting: u64,
}

impl DocumentSize {
    pub(crate) fn of(document: &str) -> Self {
        let mut tokens = 0;
        let mut depth: u64 = 0;
        let mut nesting = 0;

        for token in Tokens::of(document) {
            tokens += 1;
            match token.text {
                "{" | "[" | "(" => {
                    depth += 1;
                    nesting = nesting.max(depth);
                }
                "}" | "]" | ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Self {
            bytes: document.len() as u64,
            tokens,
            nesting,
        }
    }
}

/// One token of a document; a string is one with its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
}

/// The tokens of a text. One that is no GraphQL has some too, roughly: the parser says what is wrong with it.
pub(crate) struct Tokens<'a> {
    document: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(document: &'a str) -> Self {
        Self { document, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.document.as_bytes();
        loop {
            let start = self.at;
            self.at = match bytes.get(start)? {
                // Commas are white space in GraphQL; bytes above ASCII are a byte order mark, or nothing that it knows.
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x80.. => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    self.at = end_of_run(bytes, start, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'"' if bytes[start..].starts_with(b"\"\"\"") => {
                    end_of_block_string(bytes, start + 3)
                }
                b'"' => end_of_string(bytes, start + 1),
                b'.' => end_of_run(bytes, start, |byte| byte == b'.'),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => end_of_run(bytes, start, |byte| {
                    byte == b'_' || byte.is_ascii_alphanumeric()
                }),
                b'-' | b'0'..=b'9' => end_of_run(bytes, start + 1, |byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-')
                }),
                _ => start + 1,
            };
            // A token ends before or after a letter of ASCII, so that none is cut in two.
            let text = self.document.get(start..self.at).unwrap_or_default();
            return Some(Token { text, start });
        }
    }
}

fn end_of_run(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| !belongs(*byte));
    length.map_or(bytes.len(), |length| from + length)
}

/// A string ends at its quote, or, unterminated, at the end of its line.
fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' | b'\n' | b'\r' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"\\\"\"\"") {
            at += 4;
        } else if rest.starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::DocumentSize;

    fn tokens(document: &str) -> u64 {
        DocumentSize::of(document).tokens
    }

    #[test]
    fn every_kind_of_token_counts_once() {
        assert_eq!(tokens("{ a }"), 3);
        assert_eq!(tokens("query Q($n: Int! = -1.5e+3) { ...F }"), 15);
        assert_eq!(tokens(r#"{ a(text: "b { \" c") }"#), 8);
        assert_eq!(tokens("{ a(text: \"\"\"b \" \\\"\"\" c\"\"\") }"), 8);
        assert_eq!(tokens("{ a # b c d\n, b }"), 4);
    }

    #[test]
    fn brackets_in_strings_and_comments_nest_nothing() {
        assert_eq!(DocumentSize::of("{ a(b: \"{[(\") # {[(\n }").nesting, 2);
    }

    #[test]
    fn broken_documents_end() {
        for document in [
            "\"",
            "\"\\",
            "\"\"\"",
            "\"\"\"\\",
            "}}}",
            "...",
            "\u{feff}é{",
        ] {
            tokens(document);
        }
    }
}
