//! Reading a vendor's JSON leniently: the pieces that both vendors' wire types are made of.

use std::str::FromStr;

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny},
};
use serde_json::value::RawValue;

use crate::domain::{Told, VendorNumber};

/// What an answer's body can be decoded as.
pub(super) trait Readable: DeserializeOwned {}

impl<T: DeserializeOwned> Readable for T {}

/// Where in a body it is not what was expected. It holds no value of the body.
#[derive(Debug)]
pub(super) struct WrongShape {
    pub path: String,
}

/// Decodes a body, which may be wrapped in `data` or bare.
pub(super) fn decode<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    let body = without_byte_order_mark(body);
    decode_bare(unwrapped(body).unwrap_or(body))
}

/// Decodes a body as it stands.
pub(super) fn decode_root<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    decode_bare(without_byte_order_mark(body))
}

fn decode_bare<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    // No answer is an array, and one would be read as an object's fields in their order.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(WrongShape {
            path: ".".to_owned(),
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);

    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|err| WrongShape {
        path: err.path().to_string(),
    })?;
    deserializer.end().map_err(|_| WrongShape {
        path: "after the end".to_owned(),
    })?;
    Ok(value)
}

/// Whether a body is JSON at all.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(without_byte_order_mark(body)).is_ok()
}

fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The object under `data`; none where `data` is missing or anything but an object.
fn unwrapped(body: &[u8]) -> Option<&[u8]> {
    #[derive(Deserialize)]
    struct Wrapper<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }

    let wrapper: Wrapper = serde_json::from_slice(body).ok()?;
    let data = wrapper.data.get();
    data.starts_with('{').then_some(data.as_bytes())
}

/// A value that a vendor may send in more than one form.
pub(super) trait Lenient: Sized {
    /// None for null, for what stands for none, and for what can't be read as this at all.
    fn read(raw: &RawValue) -> Option<Self>;
}

/// A missing key is `Untold`, through the `default` of the struct that has the field.
impl<'de, T: Lenient> Deserialize<'de> for Told<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Told::As(T::read(raw)))
    }
}

/// An object that an answer is made of, and that is of no use without its id.
#[derive(Debug)]
pub(super) struct Identified<T> {
    pub id: VendorNumber,
    pub object: T,
}

pub(super) trait HasId: Lenient {
    fn id(&self) -> Option<VendorNumber>;
}

impl<'de, T: HasId> Deserialize<'de> for Identified<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let object = T::read(raw).ok_or_else(|| D::Error::custom("not an object"))?;
        let id = object
            .id()
            .ok_or_else(|| D::Error::custom("no readable id"))?;
        Ok(Identified { id, object })
    }
}

/// An object, whose own fields are lenient. PHP writes an empty object as `[]`, which is none here like every other list.
pub(super) fn read_object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let text = raw.get();
    text.starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// Makes structs with lenient fields lenient themselves.
macro_rules! lenient_objects {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::upstream::wire::Lenient for $name {
            fn read(raw: &serde_json::value::RawValue) -> Option<Self> {
                $crate::upstream::wire::read_object(raw)
            }
        }
    )*};
}
pub(super) use lenient_objects;

impl<T: Lenient> Lenient for Box<T> {
    fn read(raw: &RawValue) -> Option<Self> {
        T::read(raw).map(Box::new)
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    fn read(raw: &RawValue) -> Option<Self> {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        Some(items.into_iter().filter_map(T::read).collect())
    }
}

impl Lenient for String {
    fn read(raw: &RawValue) -> Option<Self> {
        match Scalar::of(raw)? {
            Scalar::Text(text) => (!text.is_empty()).then_some(text),
            Scalar::Number(number) => Some(number.to_owned()),
            Scalar::Truth(_) => None,
        }
    }
}

impl Lenient for bool {
    fn read(raw: &RawValue) -> Option<Self> {
        let scalar = Scalar::of(raw)?;
        if let Scalar::Truth(truth) = scalar {
            return Some(truth);
        }
        match scalar.digits()? {
            "true" => Some(true),
            "false" => Some(false),
            digits => match integer(digits)? {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
        }
    }
}

macro_rules! lenient_integers {
    ($($name:ident),*) => {$(
        impl Lenient for $name {
            fn read(raw: &RawValue) -> Option<Self> {
                $name::try_from(integer(Scalar::of(raw)?.digits()?)?).ok()
            }
        }
    )*};
}

lenient_integers!(i32, u32, u64);

/// -1, 0 and "" stand for no object.
impl Lenient for VendorNumber {
    fn read(raw: &RawValue) -> Option<Self> {
        u64::read(raw).and_then(VendorNumber::new)
    }
}

/// Read from the text of the number, so that its scale stays as the vendor wrote it.
impl Lenient for Decimal {
    fn read(raw: &RawValue) -> Option<Self> {
        let scalar = Scalar::of(raw)?;
        let text = scalar.digits()?;
        if text.contains(['e', 'E']) {
            return Decimal::from_scientific(text).ok();
        }
        Decimal::from_str_exact(text).ok()
    }
}

/// Text that counts only where it really is text.
#[derive(Debug, Clone)]
pub(super) struct PlainText(pub String);

impl Lenient for PlainText {
    fn read(raw: &RawValue) -> Option<Self> {
        match Scalar::of(raw)? {
            Scalar::Text(text) => (!text.is_empty()).then_some(PlainText(text)),
            _ => None,
        }
    }
}

/// The values of a custom field: one text, or a list of them.
#[derive(Debug, Clone)]
pub(super) struct FieldValues(pub Vec<String>);

impl Lenient for FieldValues {
    fn read(raw: &RawValue) -> Option<Self> {
        Vec::read(raw)
            .or_else(|| String::read(raw).map(|value| vec![value]))
            .map(FieldValues)
    }
}

/// A time as a vendor prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrintedTime {
    /// Without a zone.
    Local(civil::DateTime),
    /// With an offset.
    Instant(Timestamp),
}

impl Lenient for PrintedTime {
    fn read(raw: &RawValue) -> Option<Self> {
        match Scalar::of(raw)? {
            Scalar::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// The text is no time, which covers the zero dates of MySQL.
#[derive(Debug)]
pub(super) struct NotATime;

impl FromStr for PrintedTime {
    type Err = NotATime;

    /// `YYYY-MM-DD HH:MM:SS`, padded or not, a date alone for its midnight, or RFC 3339.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = text.trim();
        if let Ok(timestamp) = text.parse() {
            return Ok(PrintedTime::Instant(timestamp));
        }

        let (date, time) = match text.split_once([' ', 'T']) {
            Some((date, time)) => (date, time.trim()),
            None => (text, "0:0:0"),
        };
        let date = printed_date(date).ok_or(NotATime)?;
        let time = printed_time_of_day(time).ok_or(NotATime)?;
        Ok(PrintedTime::Local(date.to_datetime(time)))
    }
}

fn printed_date(text: &str) -> Option<civil::Date> {
    let mut parts = text.split('-');
    let year: i16 = unsigned(parts.next()?)?;
    let month: i8 = unsigned(parts.next()?)?;
    let day: i8 = unsigned(parts.next()?)?;
    if parts.next().is_some() || year == 0 {
        return None;
    }
    civil::Date::new(year, month, day).ok()
}

fn printed_time_of_day(text: &str) -> Option<civil::Time> {
    let mut parts = text.split(':');
    let hour: i8 = unsigned(parts.next()?)?;
    let minute: i8 = unsigned(parts.next()?)?;
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return None;
    }

    // Fractions are below what the vendors mean to tell.
    let whole_seconds = seconds.split('.').next()?;
    civil::Time::new(hour, minute, unsigned(whole_seconds)?, 0).ok()
}

/// Digits alone: the standard parser would take a sign too.
fn unsigned<T: FromStr>(text: &str) -> Option<T> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// What is neither null, list nor object.
enum Scalar<'a> {
    Truth(bool),
    Number(&'a str),
    Text(String),
}

impl<'a> Scalar<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b't' => Some(Scalar::Truth(true)),
            b'f' => Some(Scalar::Truth(false)),
            b'"' => serde_json::from_str(text).ok().map(Scalar::Text),
            b'-' | b'0'..=b'9' => Some(Scalar::Number(text)),
            _ => None,
        }
    }

    /// The text of a number, which may be quoted.
    fn digits(&self) -> Option<&str> {
        match self {
            Scalar::Truth(_) => None,
            Scalar::Number(number) => Some(number),
            Scalar::Text(text) => Some(text.trim()),
        }
    }
}

/// A whole number, also as `42.0`.
fn integer(text: &str) -> Option<i64> {
    /// Up to here every whole number has a double of its own.
    const EXACT_IN_A_DOUBLE: f64 = 9_007_199_254_740_992.0;

    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT_IN_A_DOUBLE;
    is_whole.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        id: Told<VendorNumber>,
        count: Told<i32>,
        flag: Told<bool>,
        text: Told<String>,
        price: Told<Decimal>,
        at: Told<PrintedTime>,
        list: Told<Vec<String>>,
        nested: Told<Nested>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Nested {
        id: Told<VendorNumber>,
    }

    lenient_objects!(Sample, Nested);

    impl HasId for Sample {
        fn id(&self) -> Option<VendorNumber> {
            self.id.value().copied()
        }
    }

    #[derive(Debug, Deserialize)]
    struct Samples {
        items: Vec<Identified<Sample>>,
    }

    fn read(json: &str) -> Sample {
        decode_root(json.as_bytes()).expect("the sample is an object")
    }

    fn local(text: &str) -> Option<String> {
        match text.parse() {
            Ok(PrintedTime::Local(time)) => Some(time.to_string()),
            Ok(PrintedTime::Instant(instant)) => Some(instant.to_string()),
            Err(NotATime) => None,
        }
    }

    #[test]
    fn a_number_may_be_quoted_or_have_a_zero_fraction() {
        for json in [r#"{"count":42}"#, r#"{"count":"42"}"#, r#"{"count":42.0}"#] {
            assert_eq!(read(json).count, Told::some(42), "{json}");
        }
        assert_eq!(read(r#"{"count":42.5}"#).count, Told::none());
        assert_eq!(read(r#"{"count":2147483648}"#).count, Told::none());
        assert_eq!(read(r#"{"count":1e999}"#).count, Told::none());
    }

    #[test]
    fn a_flag_may_be_a_number_or_text() {
        for json in ["1", "\"1\"", "true", "\"true\"", "1.0"] {
            let sample = read(&format!(r#"{{"flag":{json}}}"#));
            assert_eq!(sample.flag, Told::some(true), "{json}");
        }
        assert_eq!(read(r#"{"flag":"0"}"#).flag, Told::some(false));
        assert_eq!(read(r#"{"flag":7}"#).flag, Told::none());
    }

    #[test]
    fn absent_is_not_null_and_empty_text_is_null() {
        assert_eq!(read("{}").text, Told::Untold);
        assert_eq!(read(r#"{"text":null}"#).text, Told::none());
        assert_eq!(read(r#"{"text":""}"#).text, Told::none());
        assert_eq!(read(r#"{"text":213}"#).text, Told::some("213".to_owned()));
    }

    #[test]
    fn a_field_of_a_wrong_type_is_none_and_spoils_nothing() {
        let sample = read(
            r#"{"id":5,"count":[],"flag":{},"text":{"a":[1]},"price":"x","at":7,"list":{},"nested":[]}"#,
        );
        assert_eq!(sample.id.value().map(|id| id.get()), Some(5));
        assert_eq!(sample.count, Told::none());
        assert_eq!(sample.flag, Told::none());
        assert_eq!(sample.text, Told::none());
        assert_eq!(sample.price, Told::none());
        assert_eq!(sample.at, Told::none());
        assert_eq!(sample.list, Told::none());
        assert!(sample.nested.is_told() && sample.nested.value().is_none());
    }

    #[test]
    fn zero_and_minus_one_are_no_id() {
        for json in ["0", "-1", "\"\"", "\"0\"", "null", "9223372036854775808"] {
            let sample = read(&format!(r#"{{"nested":{{"id":{json}}}}}"#));
            let nested = sample.nested.value().expect("the nested object is there");
            assert_eq!(nested.id, Told::none(), "{json}");
        }
    }

    #[test]
    fn a_price_keeps_its_scale() {
        for (json, expected) in [
            ("234.00", Some("234.00")),
            ("\"234.00\"", Some("234.00")),
            ("0", Some("0")),
            ("2.5e1", Some("25")),
            ("1e400", None),
            ("true", None),
        ] {
            let sample = read(&format!(r#"{{"price":{json}}}"#));
            let price = sample.price.value().map(ToString::to_string);
            assert_eq!(price.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn times_are_read_padded_or_not_and_garbage_is_none() {
        assert_eq!(
            local("2017-8-27 10:21:1").as_deref(),
            Some("2017-08-27T10:21:01")
        );
        assert_eq!(
            local("2021-05-06 12:23:25").as_deref(),
            Some("2021-05-06T12:23:25")
        );
        assert_eq!(local("2016-12-21").as_deref(), Some("2016-12-21T00:00:00"));
        assert_eq!(
            local("2021-05-06T12:23:25+08:00").as_deref(),
            Some("2021-05-06T04:23:25Z")
        );
        assert_eq!(
            local("2021-05-06T12:23:25.000").as_deref(),
            Some("2021-05-06T12:23:25")
        );
        for garbage in [
            "",
            "0000-00-00 00:00:00",
            "0000-00-00",
            "-0001-11-30 00:00:00",
            "2021-13-01",
            "2021-02-30",
            "2021-05-06 25:00:00",
            "99999-01-01",
            "昨天",
            "2021-05-06 昨天",
        ] {
            assert_eq!(local(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn an_object_without_a_readable_id_is_refused_with_its_place() {
        let wrong = decode::<Samples>(br#"{"items":[{"id":1},{"id":"x","text":"secret"}]}"#)
            .expect_err("the second item has no id");
        assert_eq!(wrong.path, "items[1]");
    }

    #[test]
    fn a_list_without_its_array_is_refused() {
        for json in [
            "{}",
            r#"{"items":null}"#,
            r#"{"items":{}}"#,
            "[]",
            "<html>",
            "",
        ] {
            assert!(decode::<Samples>(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn an_answer_may_be_wrapped_or_bare_or_start_with_a_mark() {
        for json in [
            r#"{"items":[]}"#,
            r#"{"data":{"items":[]},"status":"0"}"#,
            "\u{feff}{\"items\":[]}",
        ] {
            let samples: Samples = decode(json.as_bytes()).expect("it is a list");
            assert!(samples.items.is_empty(), "{json}");
        }
    }
}
