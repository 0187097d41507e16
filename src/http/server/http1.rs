//! Where the heads of HTTP/1 requests are in a connection's bytes, to reject a line that ends with LF alone, and a length beside a
//! transfer-encoding.
//!
//! hyper accepts both. A proxy in front may not, and would then see other requests than the gateway does.

/// Follows the framing of the messages without storing them.
pub(super) struct HeadScanner {
    place: Place,
    line: Line,
    body: Framing,
    /// The current message has more than empty lines before it.
    has_begun: bool,
    has_length: bool,
}

/// A line that ends with LF alone, or a length beside a transfer-encoding.
struct Ambiguous;

enum Place {
    Head,
    Body(u64),
    ChunkSize(u64),
    ChunkExtension(u64),
    Chunk(u64),
    Trailers,
    /// Not HTTP/1 any more, or a head that hyper rejects.
    Unknown,
}

/// The body that a head announces.
#[derive(Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
    Invalid,
}

/// The current line of a head.
#[derive(Default)]
struct Line {
    /// The start of its name, in lower case.
    name: [u8; LONGEST_NAME],
    length: usize,
    last: u8,
    header: Header,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Header {
    #[default]
    Name,
    ContentLength(Option<u64>),
    InvalidLength,
    TransferEncoding,
    Other,
}

const LONGEST_NAME: usize = b"transfer-encoding".len();

impl HeadScanner {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Head,
            line: Line::default(),
            body: Framing::Length(0),
            has_begun: false,
            has_length: false,
        }
    }

    /// Reads what has arrived. The error is the place of the LF that ends an ambiguous line of a head.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut place = 0;
        while place < bytes.len() {
            place += self.step(&bytes[place..]).map_err(|Ambiguous| place)?;
        }
        Ok(())
    }

    /// Whether the connection is between two requests.
    pub(super) fn is_between_messages(&self) -> bool {
        matches!(self.place, Place::Head) && !self.has_begun && self.line.length == 0
    }

    /// The connection speaks another protocol from here on.
    pub(super) fn stop(&mut self) {
        self.place = Place::Unknown;
    }

    /// Reads some bytes, at least one, and returns how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Ambiguous> {
        let taken = match self.place {
            Place::Unknown => bytes.len(),
            Place::Body(left) => {
                let taken = least(left, bytes.len());
                self.place = match left - taken as u64 {
                    0 => self.next_message(),
                    left => Place::Body(left),
                };
                taken
            }
            Place::Chunk(left) => {
                let taken = least(left, bytes.len());
                self.place = match left - taken as u64 {
                    0 => Place::ChunkSize(0),
                    left => Place::Chunk(left),
                };
                taken
            }
            Place::ChunkSize(size) => {
                self.place = chunk_size(size, bytes[0]);
                self.after_chunk_size(bytes[0]);
                1
            }
            Place::ChunkExtension(_) => {
                self.after_chunk_size(bytes[0]);
                1
            }
            Place::Trailers => {
                self.trailer(bytes[0]);
                1
            }
            Place::Head => {
                self.head(bytes[0])?;
                1
            }
        };
        Ok(taken)
    }

    fn head(&mut self, byte: u8) -> Result<(), Ambiguous> {
        if byte != b'\n' {
            self.line.push(byte);
            return Ok(());
        }
        if self.line.last != b'\r' {
            self.place = Place::Unknown;
            return Err(Ambiguous);
        }

        let line = std::mem::take(&mut self.line);
        if line.length > 1 {
            self.has_begun = true;
            let is_length = matches!(
                line.header,
                Header::ContentLength(_) | Header::InvalidLength
            );
            self.has_length |= is_length;
            let has_both = self.has_length && line.header == Header::TransferEncoding
                || is_length && matches!(self.body, Framing::Chunked);
            if has_both {
                self.place = Place::Unknown;
                return Err(Ambiguous);
            }
            match line.header {
                Header::TransferEncoding => self.body = Framing::Chunked,
                Header::InvalidLength => self.body = Framing::Invalid,
                Header::ContentLength(length) if !matches!(self.body, Framing::Chunked) => {
                    self.body = length.map_or(Framing::Invalid, Framing::Length);
                }
                _ => {}
            }
        } else if self.has_begun {
            self.place = match self.body {
                Framing::Length(0) => self.next_message(),
                Framing::Length(length) => Place::Body(length),
                Framing::Chunked => Place::ChunkSize(0),
                Framing::Invalid => Place::Unknown,
            };
        }
        Ok(())
    }

    /// Where the line of a chunk's size ends, its data begins, with CR and LF after it.
    fn after_chunk_size(&mut self, byte: u8) {
        if byte != b'\n' {
            return;
        }
        match self.place {
            Place::ChunkSize(0) | Place::ChunkExtension(0) => self.place = Place::Trailers,
            Place::ChunkSize(size) | Place::ChunkExtension(size) => {
                self.place = Place::Chunk(size.saturating_add(2));
            }
            _ => {}
        }
    }

    fn trailer(&mut self, byte: u8) {
        if byte != b'\n' {
            self.line.push(byte);
            return;
        }
        let line = std::mem::take(&mut self.line);
        if line.length <= 1 {
            self.place = self.next_message();
        }
    }

    fn next_message(&mut self) -> Place {
        self.line = Line::default();
        self.body = Framing::Length(0);
        self.has_begun = false;
        self.has_length = false;
        Place::Head
    }
}

impl Line {
    fn push(&mut self, byte: u8) {
        self.last = byte;
        match &mut self.header {
            Header::Name if byte == b':' => {
                let name = self.name.get(..self.length).unwrap_or_default();
                self.header = match name {
                    b"content-length" => Header::ContentLength(None),
                    b"transfer-encoding" => Header::TransferEncoding,
                    _ => Header::Other,
                };
            }
            Header::Name => {
                if let Some(place) = self.name.get_mut(self.length) {
                    *place = byte.to_ascii_lowercase();
                }
            }
            Header::ContentLength(length) => match byte {
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    let next = length.unwrap_or(0).checked_mul(10);
                    match next.and_then(|next| next.checked_add(digit)) {
                        Some(next) => *length = Some(next),
                        None => self.header = Header::InvalidLength,
                    }
                }
                b' ' | b'\t' | b'\r' => {}
                _ => self.header = Header::InvalidLength,
            },
            Header::InvalidLength | Header::TransferEncoding | Header::Other => {}
        }
        self.length = self.length.saturating_add(1);
    }
}

fn chunk_size(size: u64, byte: u8) -> Place {
    let digit = char::from(byte).to_digit(16).map(u64::from);
    match digit {
        Some(digit) => match size
            .checked_mul(16)
            .and_then(|size| size.checked_add(digit))
        {
            Some(size) => Place::ChunkSize(size),
            None => Place::Unknown,
        },
        None if byte == b'\n' => Place::ChunkSize(size),
        None => Place::ChunkExtension(size),
    }
}

fn least(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}

#[cfg(test)]
mod tests {
    use super::HeadScanner;

    /// The place of a bare line feed, and whether the bytes end between messages; the same in one piece and byte by byte.
    fn scan(text: &str) -> (Option<usize>, bool) {
        let mut scanner = HeadScanner::new();
        let place = scanner.read(text.as_bytes()).err();

        let mut slow = HeadScanner::new();
        let slow_place = text
            .bytes()
            .position(|byte| slow.read(std::slice::from_ref(&byte)).is_err());
        assert_eq!(place, slow_place, "{text:?}");
        let is_between = scanner.is_between_messages();
        assert_eq!(is_between, slow.is_between_messages(), "{text:?}");
        (place, is_between)
    }

    #[test]
    fn a_line_feed_without_a_carriage_return_is_found_in_a_head_only() {
        for (text, place) in [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", 14),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", 23),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", 25),
            ("\nGET / HTTP/1.1\r\n\r\n", 0),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\nHost: a\r\n\r\n", 32),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\ncGET / HTTP/1.1\n\r\n",
                55,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                2;a=b\r\na\n\r\n0\r\n\r\nGET / HTTP/1.1\nA: b\r\n\r\n",
                77,
            ),
        ] {
            assert_eq!(scan(text), (Some(place), false), "{text:?}");
        }
    }

    #[test]
    fn bodies_chunks_extensions_and_trailers_pass_and_the_next_head_is_found() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH: \t 4 \r\n\r\n\n\n\n\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nA;x=\"1\"\r\n\n\n\n\n\n\n\n\n\n\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1 ;x\r\n\n\r\n0\r\na: b\r\nc: d\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(scan(text), (None, true), "{text:?}");
        }
        for text in [
            "GET / HTTP/1.1\r\nHo",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        ] {
            assert_eq!(scan(text), (None, false), "{text:?}");
        }
    }

    #[test]
    fn a_length_beside_a_transfer_encoding_ends_the_scan_at_the_second_of_them() {
        for (first, second) in [
            ("content-length: 4", "transfer-encoding: chunked"),
            ("transfer-encoding: chunked", "content-length: 4"),
            ("transfer-encoding: chunked", "content-length: x"),
        ] {
            let both = format!("POST / HTTP/1.1\r\n{first}\r\n{second}\r\n");
            assert_eq!(scan(&both), (Some(both.len() - 1), false), "{both:?}");
        }
    }

    #[test]
    fn a_length_that_hyper_rejects_ends_the_scan() {
        for length in ["x", "99999999999999999999999", "", "1, 2", "1 2x"] {
            let text = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n\n\n");
            assert_eq!(scan(&text), (None, false), "{length}");
        }
    }
}
