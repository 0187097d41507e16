//! Lone surrogates in JSON texts. PHP writes half of a pair where a text was cut inside a character; the parser refuses the whole
//! value for it.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The same JSON with U+FFFD for each escape of half a pair. A body without any is not copied.
pub(super) fn without_lone_surrogates(body: &[u8]) -> Cow<'_, [u8]> {
    let may_have = memmem::find(body, br"\ud").is_some() || memmem::find(body, br"\uD").is_some();
    let mut mended = Cow::Borrowed(body);
    if !may_have {
        return mended;
    }

    // Escapes stand in texts alone, and each begins where the one before it ends: `\\ud800` is a backslash and letters.
    let mut at = 0;
    while let Some(backslash) = memchr(b'\\', &body[at..]) {
        let start = at + backslash;
        let Some(unit) = escaped_unit(body, start) else {
            at = body.len().min(start + 2);
            continue;
        };
        let next = start + ESCAPE;
        let is_pair = is_high(unit) && escaped_unit(body, next).is_some_and(is_low);
        if is_pair {
            at = next + ESCAPE;
            continue;
        }
        if is_high(unit) || is_low(unit) {
            mended.to_mut()[start..next].copy_from_slice(br"\ufffd");
        }
        at = next;
    }
    mended
}

/// The code unit of the escape that starts here, if one does.
fn escaped_unit(body: &[u8], start: usize) -> Option<u16> {
    let digits = body.get(start..start + ESCAPE)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_without_lone_surrogates_is_not_copied() {
        for body in [
            r#"{"a":"plain"}"#,
            r#"{"a":"\ud83d\ude00 \uD83D\uDE00"}"#,
            r#"{"a":"\\ud83d"}"#,
            r#"{"a":"\u5b57\ud7ff\ue000"}"#,
            r#"{"a":"\ud8"#,
        ] {
            let mended = without_lone_surrogates(body.as_bytes());
            assert!(matches!(mended, Cow::Borrowed(_)), "{body}");
        }
    }

    /// A piece of a text as JSON may write it, and what it means.
    #[derive(Debug, Clone)]
    enum Piece {
        /// An escape of one code unit, in lower case or capitals.
        Unit(u16, bool),
        Plain(&'static str),
        Escaped(&'static str, &'static str),
    }

    fn piece() -> impl Strategy<Value = Piece> {
        let unit = prop_oneof![
            3 => 0xd800..0xdc00_u16,
            3 => 0xdc00..0xe000_u16,
            1 => any::<u16>(),
        ];
        prop_oneof![
            4 => (unit, any::<bool>()).prop_map(|(unit, capitals)| Piece::Unit(unit, capitals)),
            1 => prop::sample::select(vec!["a", "ud83d", "d83d", "字", "😀", "\u{fffd}"]).prop_map(Piece::Plain),
            1 => prop::sample::select(vec![(r"\\", "\\"), (r#"\""#, "\""), (r"\/", "/"), (r"\n", "\n")])
                .prop_map(|(written, meant)| Piece::Escaped(written, meant)),
        ]
    }

    /// What the pieces write, and what they mean by the standard library's reading of UTF-16.
    fn written_and_meant(pieces: &[Piece]) -> (String, String) {
        let (mut written, mut meant) = (String::new(), String::new());
        let mut units: Vec<u16> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Unit(unit, capitals) => {
                    written.push_str(&match capitals {
                        true => format!("\\u{unit:04X}"),
                        false => format!("\\u{unit:04x}"),
                    });
                    units.push(*unit);
                    continue;
                }
                Piece::Plain(text) => {
                    meant.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
                    written.push_str(text);
                    meant.push_str(text);
                }
                Piece::Escaped(escape, text) => {
                    meant.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
                    written.push_str(escape);
                    meant.push_str(text);
                }
            }
        }
        meant.push_str(&String::from_utf16_lossy(&units));
        (written, meant)
    }

    proptest! {
        #[test]
        fn each_half_of_a_pair_becomes_the_replacement_character_in_keys_and_values(
            key in prop::collection::vec(piece(), 0..8),
            value in prop::collection::vec(piece(), 0..24),
        ) {
            let (written_key, key) = written_and_meant(&key);
            let (written_value, value) = written_and_meant(&value);
            let body = format!(r#"{{"{written_key}":["{written_value}",1]}}"#);

            let mended = without_lone_surrogates(body.as_bytes());
            let read: serde_json::Value = serde_json::from_slice(&mended).expect("it is JSON");
            prop_assert_eq!(read, serde_json::json!({ key: [value, 1] }));
        }
    }
}
