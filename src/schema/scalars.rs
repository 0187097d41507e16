//! The scalars that GraphQL itself lacks, and how numbers become an Int.

use async_graphql::{InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::{Timestamp, civil, tz::Offset};

use super::error::FieldResult;
use crate::{
    domain,
    error::{Error, ErrorKind},
};

#[derive(Clone, Copy)]
pub(super) struct DateTime(pub(super) domain::DateTime);

#[derive(Clone, Copy)]
pub(super) struct Date(pub(super) civil::Date);

#[derive(Clone, Copy)]
pub(super) struct Decimal(pub(super) rust_decimal::Decimal);

/// A scalar that is written as a string of a form of its own.
trait TextScalar: Sized {
    /// Completes the sentence "it must be".
    const FORM: &'static str;

    fn read(text: &str) -> Option<Self>;
}

/// The expected form, where the value does not coerce to the scalar. None for other types.
pub fn coercion_error(scalar: &str, value: &Value) -> Option<&'static str> {
    fn checked<T: TextScalar>(value: &Value) -> Option<&'static str> {
        let is_read = text(value).and_then(T::read).is_some();
        (!is_read).then_some(T::FORM)
    }

    match scalar {
        "DateTime" => checked::<DateTime>(value),
        "Date" => checked::<Date>(value),
        "Decimal" => checked::<Decimal>(value),
        _ => None,
    }
}

/// A count as an Int. None where it is too large for one.
pub(super) fn int(count: u64) -> Option<i32> {
    i32::try_from(count).ok()
}

/// A count that is never null. One that is too large for an Int is an error of the nearest field that may be null.
pub(super) fn whole(count: u64) -> FieldResult<i32> {
    Ok(int(count).ok_or_else(|| {
        Error::new(
            ErrorKind::LimitExceeded,
            "a count is larger than an Int can be: narrow what is counted",
        )
    })?)
}

/// An instant, RFC 3339 with an offset (2024-03-01T09:31:00+08:00). Vendor local times are read in the vendor's configured zone.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        parsed(&value)
    }

    fn is_valid(value: &Value) -> bool {
        text(value).and_then(Self::read).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl TextScalar for DateTime {
    const FORM: &'static str =
        "written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00";

    fn read(text: &str) -> Option<Self> {
        rfc3339(text).map(DateTime::at)
    }
}

/// A calendar day, YYYY-MM-DD.
#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        parsed(&value)
    }

    fn is_valid(value: &Value) -> bool {
        text(value).and_then(Self::read).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl TextScalar for Date {
    const FORM: &'static str = "a day that exists, written as YYYY-MM-DD";

    fn read(text: &str) -> Option<Self> {
        let day: civil::Date = text.parse().ok()?;
        (day.to_string() == text).then_some(Date(day))
    }
}

/// An exact decimal number, as a string. Its scale is kept: "234.00".
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        parsed(&value)
    }

    fn is_valid(value: &Value) -> bool {
        text(value).and_then(Self::read).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl TextScalar for Decimal {
    const FORM: &'static str = "a decimal number in a string, such as \"234.00\"";

    fn read(text: &str) -> Option<Self> {
        rust_decimal::Decimal::from_str_exact(text)
            .ok()
            .map(Decimal)
    }
}

impl DateTime {
    /// An input's instant: the offset that it was written with does not matter any more.
    fn at(timestamp: Timestamp) -> Self {
        Self(domain::DateTime {
            timestamp,
            offset: Offset::UTC,
        })
    }

    pub(super) fn timestamp(self) -> Timestamp {
        self.0.timestamp
    }
}

impl From<domain::DateTime> for DateTime {
    fn from(instant: domain::DateTime) -> Self {
        Self(instant)
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// An instant as `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`: jiff's own parser takes other forms too, and fewer instants.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let (to_the_second, rest) = text.split_at_checked(19)?;
    if !has_form(to_the_second, "0000-00-00T00:00:00") {
        return None;
    }
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.split_at_checked(digits)
                .filter(|(fraction, _)| !fraction.is_empty())?
        }
        None => ("", rest),
    };

    let local: civil::DateTime = to_the_second.parse().ok()?;
    // Digits beyond nanoseconds say nothing to the vendors.
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let local = local.with().subsec_nanosecond(nanoseconds).build().ok()?;
    let instant = utc_offset(offset)?.to_timestamp(local);
    // The first and the last instants that the form has lie beyond those of jiff.
    Some(instant.unwrap_or(match local.year() {
        ..=0 => Timestamp::MIN,
        _ => Timestamp::MAX,
    }))
}

fn utc_offset(text: &str) -> Option<Offset> {
    if has_form(text, "Z") {
        return Some(Offset::UTC);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if !has_form(hours, "00") || !has_form(minutes, "00") {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let is_offset = hours < 24 && minutes < 60;
    is_offset.then(|| Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok())?
}

/// Whether the text has digits where the form has zeros, and otherwise what the form has, in either case.
fn has_form(text: &str, form: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        _ => byte.eq_ignore_ascii_case(&wanted),
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

/// A refusal says what would be right, and repeats nothing of what was sent.
fn parsed<T: TextScalar + InputType>(value: &Value) -> InputValueResult<T> {
    text(value).and_then(T::read).ok_or_else(|| {
        InputValueError::custom(format_args!("it must be {}", T::FORM))
            .with_extension("code", "BAD_USER_INPUT")
    })
}
