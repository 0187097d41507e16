//! Reading a vendor's JSON leniently, in one go: the pieces that both vendors' wire types are made of.

mod payload;
mod surrogates;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, cell::Cell, collections::BTreeMap, marker::PhantomData, str::FromStr};

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::value::RawValue;

use crate::domain::{Loaded, VendorNumber};
pub(super) use payload::MessageContent;
use surrogates::without_lone_surrogates;

/// A type that a response body can be decoded as.
pub(super) trait Readable: DeserializeOwned {}

impl<T: DeserializeOwned> Readable for T {}

/// The path at which a body has an unexpected shape. It contains no value of the body.
#[derive(Debug)]
pub(super) struct WrongShape {
    pub path: String,
}

/// Decodes a body, which may be wrapped in `data` or bare.
pub(super) fn decode<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    let body = prepared(body);
    let body = &*body;
    decode_bare(unwrapped(body).unwrap_or(body))
}

/// The same for a page of a list, whose body may be large: the object with the list is the page, so a bare body is not searched
/// for `data`.
pub(super) fn decode_page<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    let body = prepared(body);
    let body = &*body;
    if let Some(page) = decoded(body) {
        return Ok(page);
    }
    match unwrapped(body) {
        Some(data) => decode_bare(data),
        None => decode_closely(body),
    }
}

/// Decodes a body without unwrapping `data`.
pub(super) fn decode_root<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    decode_bare(&prepared(body))
}

fn decode_bare<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    match decoded(body) {
        Some(value) => Ok(value),
        None => decode_closely(body),
    }
}

fn decoded<T: Readable>(body: &[u8]) -> Option<T> {
    if is_array(body) {
        return None;
    }
    serde_json::from_str(std::str::from_utf8(body).ok()?).ok()
}

/// Decodes past what the parser rejects, and tracks the path. Both are slow, so they run only after a failure.
fn decode_closely<T: Readable>(body: &[u8]) -> Result<T, WrongShape> {
    if is_array(body) {
        return Err(WrongShape {
            path: ".".to_owned(),
        });
    }
    let mut mended = String::new();
    if let Ok(raw) = serde_json::from_slice(body) {
        mend(raw, MENDED_LEVELS, &mut mended);
    }
    let body = match mended.is_empty() {
        true => body,
        false => mended.as_bytes(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);

    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|err| WrongShape {
        path: err.path().to_string(),
    })?;
    deserializer.end().map_err(|_| WrongShape {
        path: "after the end".to_owned(),
    })?;
    Ok(value)
}

/// Values below this depth become null. Only an endless tree of categories is as deep.
const MENDED_LEVELS: usize = 24;

/// Writes the same JSON with null for each value that the parser rejects even where it is not decoded: a number out of range
/// for a double. Of duplicate names in an object, the last one counts.
fn mend(raw: &RawValue, levels: usize, out: &mut String) {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') if levels > 0 => {
            let fields: BTreeMap<String, &RawValue> =
                serde_json::from_str(text).unwrap_or_default();
            out.push('{');
            for (index, (name, field)) in fields.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                out.push_str(&serde_json::Value::String(name).to_string());
                out.push(':');
                mend(field, levels - 1, out);
            }
            out.push('}');
        }
        Some(b'[') if levels > 0 => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            out.push('[');
            for (index, item) in items.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                mend(item, levels - 1, out);
            }
            out.push(']');
        }
        Some(b'{' | b'[') => out.push_str("null"),
        _ if serde_json::from_str::<serde_json::Value>(text).is_ok() => out.push_str(text),
        _ => out.push_str("null"),
    }
}

/// A response is never an array. Serde would read one as the fields of a struct, in order.
fn is_array(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[")
}

/// Whether a body is JSON at all.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(&prepared(body)).is_ok()
}

/// The body as the parser takes it: without a byte order mark and without lone surrogates.
fn prepared(body: &[u8]) -> Cow<'_, [u8]> {
    without_lone_surrogates(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
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

thread_local! {
    /// How many values of the body that is being decoded could not be read, and whether the first of them is an error.
    static UNREADABLE: Cell<(u32, bool)> = const { Cell::new((0, false)) };
}

/// Decodes, and returns the path of the first unreadable value and the number of such values. Each of them is null.
pub(super) fn with_unreadable<T>(
    body: &[u8],
    decode: fn(&[u8]) -> Result<T, WrongShape>,
) -> (Result<T, WrongShape>, Option<Unreadable>) {
    UNREADABLE.set((0, false));
    let decoded = decode(body);
    let (count, _) = UNREADABLE.get();
    if count == 0 {
        return (decoded, None);
    }
    UNREADABLE.set((0, true));
    let first = decode(body).err();
    UNREADABLE.set((0, false));
    if decoded.is_err() {
        return (first.map_or(decoded, Err), None);
    }
    let unreadable = first.map(|first| Unreadable {
        path: first.path,
        count,
    });
    (decoded, unreadable)
}

/// Values that are null because they are unreadable. It contains none of them.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub path: String,
    pub count: u32,
}

/// Notes that a value could not be read.
fn unreadable<E: serde::de::Error>() -> Result<(), E> {
    let (count, is_error) = UNREADABLE.get();
    UNREADABLE.set((count.saturating_add(1), is_error));
    match is_error {
        true => Err(E::custom("can't be read")),
        false => Ok(()),
    }
}

/// A value that a vendor may send in several forms. Decoding returns none for null, for a value that means none, and for an
/// unreadable value, and an error where the parser can't continue, which the slow path repairs.
pub(super) trait Lenient: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(Composite(PhantomData))
    }

    fn read_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(object)?;
        Ok(None)
    }

    fn read_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_seq(list)?;
        Ok(None)
    }
}

/// Reads what is an object or a list. PHP writes an empty object as `[]`, which is none where an object is meant, like every
/// other list.
struct Composite<T>(PhantomData<T>);

impl<T> Composite<T> {
    /// None. The value is counted as unreadable unless it means none.
    fn none_unless<E: serde::de::Error>(self, stands_for_none: bool) -> Result<Option<T>, E> {
        if !stands_for_none {
            unreadable()?;
        }
        Ok(None)
    }
}

impl<'de, T: Lenient> Visitor<'de> for Composite<T> {
    type Value = Option<T>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::read_object(object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::read_list(list)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.none_unless(value == 0 || value == -1)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.none_unless(value == 0)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        self.none_unless(false)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
        self.none_unless(value.is_empty())
    }
}

/// A missing key is `NotLoaded`, through the `default` of the struct that has the field.
impl<'de, T: Lenient> Deserialize<'de> for Loaded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Loaded::Loaded)
    }
}

/// An object of a response that is useless without its id.
#[derive(Debug)]
pub(super) struct Identified<T> {
    pub id: VendorNumber,
    pub object: T,
}

/// The rows of a list. A row without a readable id is left out.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub items: Vec<Identified<T>>,
    /// How many rows are left out.
    pub unreadable: u64,
}

struct Row<T>(Option<Identified<T>>);

impl<'de, T: HasId> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = T::read(deserializer)?;
        let row = object.and_then(|object| {
            let id = object.id()?;
            Some(Identified { id, object })
        });
        if row.is_none() {
            unreadable()?;
        }
        Ok(Row(row))
    }
}

impl<T> IntoIterator for Rows<T> {
    type Item = Identified<T>;
    type IntoIter = std::vec::IntoIter<Identified<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'de, T: HasId> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowsVisitor<T>(PhantomData<T>);

        impl<'de, T: HasId> Visitor<'de> for RowsVisitor<T> {
            type Value = Rows<T>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut rows = Rows {
                    items: Vec::new(),
                    unreadable: 0,
                };
                while let Some(Row(row)) = list.next_element()? {
                    rows.unreadable += u64::from(row.is_none());
                    rows.items.extend(row);
                }
                // A list of nothing that can be read is none of such rows.
                if rows.items.is_empty() && rows.unreadable > 0 {
                    return Err(A::Error::custom("no readable id"));
                }
                Ok(rows)
            }
        }

        deserializer.deserialize_seq(RowsVisitor(PhantomData))
    }
}

pub(super) trait HasId: Lenient {
    fn id(&self) -> Option<VendorNumber>;
}

impl<'de, T: HasId> Deserialize<'de> for Identified<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = T::read(deserializer)?.ok_or_else(|| D::Error::custom("not an object"))?;
        let id = object
            .id()
            .ok_or_else(|| D::Error::custom("no readable id"))?;
        Ok(Identified { id, object })
    }
}

/// An object, whose own fields are lenient.
pub(super) fn object<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    object: A,
) -> Result<Option<T>, A::Error> {
    T::deserialize(MapAccessDeserializer::new(object)).map(Some)
}

/// Makes structs with lenient fields lenient themselves.
macro_rules! lenient_objects {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::upstream::wire::Lenient for $name {
            fn read_object<'de, A: serde::de::MapAccess<'de>>(
                object: A,
            ) -> Result<Option<Self>, A::Error> {
                $crate::upstream::wire::object(object)
            }
        }
    )*};
}
pub(super) use lenient_objects;

impl<T: Lenient> Lenient for Box<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(T::read(deserializer)?.map(Box::new))
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    fn read_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Loaded<T>>()? {
            items.extend(item.into_value());
        }
        Ok(Some(items))
    }
}

/// What is neither null, list nor object.
enum Scalar<'a> {
    Truth(bool),
    /// As the vendor wrote it.
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b't' => Some(Scalar::Truth(true)),
            b'f' => Some(Scalar::Truth(false)),
            b'"' => unquoted(text).map(Scalar::Text),
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

/// None where the text has an invalid escape.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    match inner.bytes().any(|byte| byte == b'\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// Makes lenient what is read from a scalar, in its own words.
macro_rules! lenient_scalars {
    ($($name:ty: $of:expr;)*) => {$(
        impl Lenient for $name {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                let of: fn(Scalar<'_>) -> Option<Self> = $of;
                let raw = <&RawValue>::deserialize(deserializer)?;
                let value = Scalar::of(raw).and_then(of);
                if value.is_none() && !stands_for_none(raw) {
                    unreadable()?;
                }
                Ok(value)
            }
        }
    )*};
}

lenient_scalars! {
    String: text;
    bool: truth;
    i32: |scalar| whole(&scalar)?.try_into().ok();
    u32: |scalar| whole(&scalar)?.try_into().ok();
    u64: |scalar| whole(&scalar)?.try_into().ok();
    // -1, 0 and "" mean no object.
    VendorNumber: |scalar| VendorNumber::new(whole(&scalar)?.try_into().ok()?);
    Decimal: decimal;
    PrintedTime: |scalar| match scalar {
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    };
}

/// What vendors write where there is no value: null, empty text and lists, zero and -1 for numbers, the zero dates of MySQL.
fn stands_for_none(raw: &RawValue) -> bool {
    let text = raw.get();
    matches!(text, "null" | "false" | "[]" | "{}" | "0" | "-1")
        || text.trim_matches('"').trim().is_empty()
        || matches!(text, r#""0""# | r#""-1""#)
        || text.starts_with(r#""0000-"#)
}

fn text(scalar: Scalar<'_>) -> Option<String> {
    match scalar {
        Scalar::Text(text) => (!text.is_empty()).then(|| text.into_owned()),
        Scalar::Number(number) => Some(number.to_owned()),
        Scalar::Truth(_) => None,
    }
}

fn truth(scalar: Scalar<'_>) -> Option<bool> {
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

fn whole(scalar: &Scalar<'_>) -> Option<i64> {
    integer(scalar.digits()?)
}

/// Read from the text of the number, so that its scale stays as the vendor wrote it.
fn decimal(scalar: Scalar<'_>) -> Option<Decimal> {
    let text = scalar.digits()?;
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    Decimal::from_str_exact(text).ok()
}

/// The values of a custom field: one text, or a list of them.
#[derive(Debug, Clone)]
pub(super) struct FieldValues(pub Vec<String>);

impl Lenient for FieldValues {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let values = match Scalar::of(raw) {
            Some(scalar) => text(scalar).map(|value| vec![value]),
            None => Vec::read(raw).unwrap_or_default(),
        };
        Ok(values.map(FieldValues))
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

/// The text is no time, which covers the zero dates of MySQL.
#[derive(Debug)]
pub(super) struct NotATime;

impl FromStr for PrintedTime {
    type Err = NotATime;

    /// `YYYY-MM-DD HH:MM:SS`, padded or not, a date alone for its midnight, or RFC 3339.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = text.trim();
        let (date, time) = match text.split_once([' ', 'T', 't']) {
            Some((date, time)) => (date, time.trim()),
            None => (text, "0:0:0"),
        };
        // Only an instant has more in it than a time of day.
        if time.contains(['Z', 'z', '+', '-'])
            && let Ok(timestamp) = text.parse()
        {
            return Ok(PrintedTime::Instant(timestamp));
        }
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

    // The vendors' times have no meaningful fractions.
    let whole_seconds = seconds.split('.').next()?;
    civil::Time::new(hour, minute, unsigned(whole_seconds)?, 0).ok()
}

/// Only digits: the standard parser would accept a sign too.
fn unsigned<T: FromStr>(text: &str) -> Option<T> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
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
