//! What a message has instead of a text: a card or a carousel, as the vendor's JSON without its secrets.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Lenient, Scalar, stands_for_none, unreadable};

/// A larger one is left out: a part of it would be no JSON.
const MAX_BYTES: usize = 64 * 1024;

/// Values below this depth become null.
const LEVELS: usize = 24;

/// The content of a message: a text, or something else as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream) enum MessageContent {
    Text(String),
    /// None where it is too large.
    Structured(Option<String>),
}

impl Lenient for MessageContent {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if stands_for_none(raw) {
            return Ok(None);
        }
        if is_structured(raw.get()) {
            return Ok(Some(MessageContent::Structured(without_secrets(raw))));
        }
        match Scalar::of(raw) {
            Some(Scalar::Text(text)) => Ok(Some(MessageContent::Text(text.into_owned()))),
            _ => {
                unreadable()?;
                Ok(None)
            }
        }
    }
}

impl MessageContent {
    /// The same, where a text that is the JSON of an object or a list is read as that.
    pub(in crate::upstream) fn unquoted(self) -> Self {
        let structured = match &self {
            MessageContent::Text(text) if is_structured(text.trim()) => {
                serde_json::from_str(text).ok().map(without_secrets)
            }
            _ => None,
        };
        structured.map_or(self, MessageContent::Structured)
    }
}

fn is_structured(text: &str) -> bool {
    text.starts_with(['{', '['])
}

fn without_secrets(raw: &RawValue) -> Option<String> {
    if raw.get().len() > MAX_BYTES {
        return None;
    }
    let mut out = String::with_capacity(raw.get().len());
    copy(raw, LEVELS, &mut out);
    (out.len() <= MAX_BYTES).then_some(out)
}

/// Copies a value without the fields whose names are those of secrets, and texts without such parameters of addresses.
fn copy(raw: &RawValue, levels: usize, out: &mut String) {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if levels == 0 => out.push_str("null"),
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(text).unwrap_or_default();
            out.push('{');
            let shown = fields.into_iter().filter(|(name, _)| !is_secret(name));
            for (index, (name, field)) in shown.enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                out.push_str(&quoted(&name));
                out.push(':');
                copy(field, levels - 1, out);
            }
            out.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            out.push('[');
            for (index, item) in items.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                copy(item, levels - 1, out);
            }
            out.push(']');
        }
        Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(text) {
            Ok(meant) => match without_secret_parameters(&meant) {
                Cow::Borrowed(_) => out.push_str(text),
                Cow::Owned(shown) => out.push_str(&quoted(&shown)),
            },
            Err(_) => out.push_str("null"),
        },
        _ => out.push_str(text),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The fields of an object in their order.
#[derive(Default)]
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = object.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Whether a field or a parameter has the name of a secret, in any spelling.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 6] = [
        "token",
        "secret",
        "password",
        "signature",
        "credential",
        "authorization",
    ];

    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word)) || name.ends_with("key") || name == "sig"
}

/// The text with no value for the secret parameters of the addresses in it: `https://files.example/1?token=`.
fn without_secret_parameters(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut copied = 0;
    for (separator, _) in text.match_indices(['?', '&', ';']) {
        let parameter = &text[separator + 1..];
        let Some((name, value)) = parameter.split_once('=') else {
            break;
        };
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]%".contains(&byte));
        if !is_name || !is_secret(name) {
            continue;
        }
        let ends_at = |letter: char| letter.is_whitespace() || "&;#\"'<>".contains(letter);
        let length = value.find(ends_at).unwrap_or(value.len());
        let start = separator + 1 + name.len() + 1;
        shown.push_str(&text[copied..start]);
        copied = start + length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Loaded, upstream::wire::decode_root};

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Message {
        content: Loaded<MessageContent>,
    }

    fn content(json: &str) -> Option<MessageContent> {
        let body = format!(r#"{{"content":{json}}}"#);
        let message: Message = decode_root(body.as_bytes()).expect("it is an object");
        message.content.into_value()
    }

    fn structured(json: &str) -> Option<String> {
        match content(json)? {
            MessageContent::Structured(json) => json,
            MessageContent::Text(_) => None,
        }
    }

    #[test]
    fn a_card_keeps_its_order_and_its_numbers() {
        let card = r#"{"title":"A \u5b57","price":12.50,"b":[1,null,true],"a":{}}"#;
        assert_eq!(structured(card).as_deref(), Some(card));
    }

    #[test]
    fn a_card_loses_its_secrets() {
        let card = r#"{"attachment":{"url":"https://f.example/1?a=1&token=abc&b=2","attachmentToken":"x","api_key":"y"},"apiSecret":1,"text":"ok"}"#;
        assert_eq!(
            structured(card).as_deref(),
            Some(r#"{"attachment":{"url":"https://f.example/1?a=1&token=&b=2"},"text":"ok"}"#)
        );
    }

    #[test]
    fn parameters_with_the_names_of_secrets_have_no_value() {
        for (text, shown) in [
            ("a?token=1", "a?token="),
            ("a?x=1&Access_Token=2#f", "a?x=1&Access_Token=#f"),
            ("a?sig=1 b?key=2", "a?sig= b?key="),
            ("a?b=1&c", "a?b=1&c"),
            ("is it? yes; a=b", "is it? yes; a=b"),
        ] {
            assert_eq!(without_secret_parameters(text), shown);
        }
    }

    #[test]
    fn content_that_is_too_large_is_left_out() {
        let large = format!(r#"["{}"]"#, "a".repeat(MAX_BYTES));
        assert_eq!(content(&large), Some(MessageContent::Structured(None)));
    }

    #[test]
    fn a_text_stays_a_text_unless_it_is_json() {
        let text = |text: &str| Some(MessageContent::Text(text.to_owned()));
        assert_eq!(content(r#""hi""#), text("hi"));
        assert_eq!(content(r#""""#), None);
        assert_eq!(content("{}"), None);
        assert_eq!(content("7"), None);

        let json = content(r#""{\"a\":1,\"token\":2}""#).map(MessageContent::unquoted);
        assert_eq!(
            json,
            Some(MessageContent::Structured(Some(r#"{"a":1}"#.to_owned())))
        );
        let broken = content(r#""{not json""#).map(MessageContent::unquoted);
        assert_eq!(broken, text("{not json"));
    }
}
