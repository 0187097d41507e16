//! The rows that a vendor keeps, and how a list of them is ordered and cut into pages.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Map, Value};

use super::switches::ListOrder;

pub(super) type Fields = Map<String, Value>;

/// The name under which an inserted row lists the fields that its answers lack.
const ABSENT: &str = "$absent";

/// One object of a vendor. Answers are built from the fields; what was given at its insertion stands above that.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) fields: Fields,
    pub(super) given: Fields,
    /// The creation, for filters and order. None where it can't be read.
    pub(super) created: Option<DateTime>,
}

pub(super) type Table = BTreeMap<i64, Row>;

impl Row {
    /// `created_field` names the field that holds the creation.
    pub(super) fn new(fields: Fields, created_field: &str) -> Self {
        let created = fields
            .get(created_field)
            .and_then(Value::as_str)
            .and_then(read_date_time);
        Self {
            fields,
            given: Fields::new(),
            created,
        }
    }

    /// As `new`, with what was given above the defaults.
    pub(super) fn inserted(mut defaults: Fields, given: Fields, created_field: &str) -> Self {
        for (name, value) in &given {
            if name != ABSENT {
                defaults.insert(name.clone(), value.clone());
            }
        }
        Self {
            given,
            ..Self::new(defaults, created_field)
        }
    }

    pub(super) fn get(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        number(self.get(name))
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// Lays what was given over an answer; `belongs` tells which fields the answer's shape may have.
    pub(super) fn overlay(&self, answer: &mut Fields, belongs: impl Fn(&str) -> bool) {
        for (name, value) in &self.given {
            if name != ABSENT && belongs(name) {
                answer.insert(name.clone(), value.clone());
            }
        }
        let absent = self.given.get(ABSENT).and_then(Value::as_array);
        for name in absent.into_iter().flatten().filter_map(Value::as_str) {
            answer.remove(name);
        }
    }
}

pub(super) fn fields_of(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// A number, also where it is written as a string.
pub(super) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

pub(super) fn put_in_order(rows: &mut [(i64, &Row)], order: ListOrder) {
    match order {
        ListOrder::IdAscending => rows.sort_unstable_by_key(|(id, _)| *id),
        ListOrder::IdDescending => rows.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id)),
        ListOrder::TimeAscending => rows.sort_unstable_by_key(|(id, row)| (row.created, *id)),
        ListOrder::TimeDescending => {
            rows.sort_unstable_by_key(|(id, row)| std::cmp::Reverse((row.created, *id)));
        }
        ListOrder::Shuffled => {
            rows.sort_unstable_by_key(|(id, _)| id.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64));
        }
    }
}

/// The items of one page. Pages count from 1.
pub(super) fn page_of<T>(items: &[T], page: usize, per_page: usize) -> &[T] {
    let start = page.saturating_sub(1).saturating_mul(per_page);
    let end = start.saturating_add(per_page).min(items.len());
    items.get(start..end).unwrap_or_default()
}

/// Reads `YYYY-M-D`, padded or not, with or without `HH:MM:SS`, and `YYYYMMDD`.
pub(super) fn read_date_time(text: &str) -> Option<DateTime> {
    let (date, time) = match text.trim().split_once([' ', 'T']) {
        Some((date, time)) => (read_date(date)?, read_time(time)?),
        None => (read_date(text.trim())?, Time::midnight()),
    };
    Some(date.to_datetime(time))
}

/// Whether a text is a day without a time.
pub(super) fn is_date_only(text: &str) -> bool {
    !text.trim().contains([' ', 'T'])
}

fn read_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = match (parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day)) => (year, month, day),
        _ if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            (&text[0..4], &text[4..6], &text[6..8])
        }
        _ => return None,
    };
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn read_time(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, ':');
    let hour = parts.next()?.parse().ok()?;
    let minute = parts.next()?.parse().ok()?;
    let second = parts.next().map_or(Some(0), |second| second.parse().ok())?;
    Time::new(hour, minute, second, 0).ok()
}
