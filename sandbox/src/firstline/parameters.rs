//! FirstLine's query parameters: read as Laravel does, and refused as it does.

use jiff::civil::{DateTime, Time};
use serde_json::{Value, json};

use super::api_error::{ApiError, Errors};
use crate::row::{Row, is_date_only, page_of, read_date_time};
use crate::switches::{ArrayEncoding, FirstLineSwitches, ParameterPlace};

const DEFAULT_PER_PAGE: usize = 15;

pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    /// The first of the pairs are from the query, the others from the body.
    query_pairs: usize,
    switches: FirstLineSwitches,
    errors: Errors,
}

/// Bounds on a time; None is open.
#[derive(Default, Clone, Copy)]
pub(super) struct Range {
    start: Option<DateTime>,
    end: Option<DateTime>,
    end_is_open: bool,
}

impl Range {
    pub(super) fn admits(&self, at: Option<DateTime>) -> bool {
        if self.start.is_none() && self.end.is_none() {
            return true;
        }
        at.is_some_and(|at| {
            self.start.is_none_or(|start| at >= start)
                && self
                    .end
                    .is_none_or(|end| at < end || (at == end && !self.end_is_open))
        })
    }
}

impl Parameters {
    /// The vendor's samples send filters as a JSON body of a GET; Laravel reads both.
    pub(super) fn read(
        mut pairs: Vec<(String, String)>,
        body: &[u8],
        switches: FirstLineSwitches,
    ) -> Self {
        pairs.retain(|(name, _)| {
            let form = match name.ends_with(']') {
                true => ParameterPlace::Brackets,
                false => ParameterPlace::Plain,
            };
            !is_ignored(&switches, name, &[ParameterPlace::Query, form])
        });
        let query_pairs = pairs.len();
        if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
            for (name, value) in fields {
                if is_ignored(&switches, &name, &[ParameterPlace::Body]) {
                    continue;
                }
                match value {
                    Value::Array(items) => pairs.extend(
                        items
                            .iter()
                            .map(|item| (format!("{name}[]"), as_parameter(item))),
                    ),
                    value => pairs.push((name, as_parameter(&value))),
                }
            }
        }
        Self {
            pairs,
            query_pairs,
            switches,
            errors: Errors::default(),
        }
    }

    /// Refuses what could not be read.
    pub(super) fn check(self) -> Result<FirstLineSwitches, ApiError> {
        self.errors.check()?;
        Ok(self.switches)
    }

    /// None where it is missing or empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.refuse(name, "must be an integer");
        }
        number
    }

    /// Laravel takes 1 and 0, and refuses the word.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "1" => Some(true),
            "0" => Some(false),
            _ => {
                self.errors
                    .add(name, format!("The {name} field must be true or false."));
                None
            }
        }
    }

    /// None where it is missing: an empty list cannot be sent.
    pub(super) fn numbers(&mut self, name: &str) -> Option<Vec<i64>> {
        let mut found = Vec::new();
        let mut is_malformed = false;
        for (index, (key, value)) in self.pairs.iter().enumerate() {
            let in_brackets = key
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('[') && rest.ends_with(']'));
            if !in_brackets && key != name {
                continue;
            }
            is_malformed |= match self.switches.array_encoding {
                _ if index >= self.query_pairs => false,
                ArrayEncoding::Both => false,
                ArrayEncoding::Body => true,
                ArrayEncoding::Brackets => !in_brackets,
                ArrayEncoding::Comma => in_brackets,
            };
            for item in value.split(',').filter(|item| !item.trim().is_empty()) {
                match item.trim().parse() {
                    Ok(number) => found.push(number),
                    Err(_) => is_malformed = true,
                }
            }
        }
        if is_malformed {
            self.refuse(name, "must be an array");
        }
        // The same list may come in the query and in the body.
        found.sort_unstable();
        found.dedup();
        (!found.is_empty()).then_some(found)
    }

    pub(super) fn range(&mut self, field: &str) -> Range {
        let start = self.date_time(&format!("{field}__start"));
        let end = self.date_time(&format!("{field}__end"));
        if field == "created_at" && self.switches.ignores_created_at {
            return Range::default();
        }
        let end = end.map(|(end, is_day)| match is_day {
            true if self.switches.date_only_end_covers_day => {
                end.date().to_datetime(Time::constant(23, 59, 59, 0))
            }
            _ => end,
        });
        Range {
            start: start.map(|(start, _)| start),
            end,
            end_is_open: !self.switches.created_at_end_is_inclusive,
        }
    }

    fn date_time(&mut self, name: &str) -> Option<(DateTime, bool)> {
        let text = self.text(name)?;
        match read_date_time(&text) {
            Some(at) => Some((at, is_date_only(&text))),
            None => {
                self.errors
                    .add(name, format!("The {name} is not a valid date."));
                None
            }
        }
    }

    pub(super) fn page(&self) -> PageAsked {
        let positive = |name| {
            self.text(name)
                .and_then(|text| text.parse::<usize>().ok())
                .filter(|number| *number > 0)
        };
        PageAsked {
            page: positive("page").unwrap_or(1),
            per_page: positive("per_page")
                .map(|asked| asked.min(self.switches.per_page_cap.max(1))),
        }
    }

    fn refuse(&mut self, name: &str, rule: &str) {
        self.errors.add(name, format!("The {name} {rule}."));
    }
}

pub(super) struct PageAsked {
    page: usize,
    /// None where the request has no size.
    pub(super) per_page: Option<usize>,
}

impl PageAsked {
    /// The envelope of one page; `show` renders an item.
    pub(super) fn envelope(
        &self,
        rows: &[(i64, &Row)],
        path: &str,
        switches: &FirstLineSwitches,
        show: impl Fn(&Row) -> Value,
    ) -> Value {
        let per_page = self.per_page.unwrap_or(DEFAULT_PER_PAGE);
        let on_page = page_of(rows, self.page, per_page);
        let data: Vec<Value> = on_page.iter().map(|(_, row)| show(row)).collect();
        let last_page = rows.len().div_ceil(per_page).max(1);
        let first = (!on_page.is_empty()).then_some((self.page - 1) * per_page + 1);

        let mut answer = json!({ "data": data });
        if switches.meta_in_lists {
            answer["meta"] = json!({
                "current_page": self.page,
                "from": first,
                "last_page": last_page,
                // A number only where the caller did not send one.
                "per_page": match self.per_page {
                    Some(per_page) => Value::String(per_page.to_string()),
                    None => Value::from(DEFAULT_PER_PAGE),
                },
                "to": first.map(|first| first + on_page.len() - 1),
                "total": rows.len(),
            });
        }
        if switches.links_in_lists {
            let address = |page: usize| format!("http://dev.dev.firstline.cc{path}?page={page}");
            let next = (self.page < last_page).then(|| address(self.page + 1));
            let previous = (self.page > 1).then(|| address(self.page - 1));
            answer["links"] = json!({
                "first": address(1), "last": address(last_page), "prev": previous, "next": next,
            });
            if switches.meta_in_lists {
                answer["meta"]["links"] = json!([
                    { "url": previous, "label": "&laquo; Previous", "active": false },
                    { "url": next, "label": "Next &raquo;", "active": false },
                ]);
            }
        }
        answer
    }
}

fn is_ignored(switches: &FirstLineSwitches, name: &str, places: &[ParameterPlace]) -> bool {
    let name = name.split('[').next().unwrap_or(name);
    let is_filter = !matches!(name, "page" | "per_page" | "_method");
    let mut ignored = switches.ignored_parameters.iter();
    is_filter
        && ignored.any(|ignored| {
            let is_place =
                ignored.place == ParameterPlace::Anywhere || places.contains(&ignored.place);
            is_place && (ignored.name == "*" || ignored.name == name)
        })
}

fn as_parameter(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => i32::from(*flag).to_string(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
