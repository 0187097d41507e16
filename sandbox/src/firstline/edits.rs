//! What may be written to FirstLine's tickets and service records, checked field by field.

use serde_json::{Value, json};

use super::api_error::{ApiError, Errors};
use super::data::{Data, printed};
use crate::row::{Fields, Row, Table, read_date_time};
use crate::switches::{FirstLineSwitches, UpdateSemantics};

const LONGEST_MEMO: usize = 600;

/// The fields of a ticket that can be written, and the value of each when it is not sent.
const TICKET_FIELDS: [(&str, Kind); 11] = [
    ("subject", Kind::RequiredText),
    ("content", Kind::RequiredText),
    ("due_at", Kind::DateTime),
    ("priority", Kind::Code),
    ("status", Kind::Code),
    ("status_memo", Kind::Text),
    ("sponsor_id", Kind::Id(|data| &data.sponsors)),
    ("handler_id", Kind::Id(|data| &data.employees)),
    (
        "termination_code_id",
        Kind::Id(|data| &data.termination_codes),
    ),
    ("sub_category_id", Kind::Id(|data| &data.subcategories)),
    ("contact_id", Kind::Id(|data| &data.contacts)),
];

#[derive(Clone, Copy)]
enum Kind {
    RequiredText,
    Text,
    DateTime,
    /// 0 to 3.
    Code,
    /// The number of a row in that table.
    Id(fn(&Data) -> &Table),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Create,
    Update(UpdateSemantics),
}

/// The fields to write: those sent, checked, and the defaults of those that have to be written though they were not sent.
pub(super) fn ticket_changes(data: &Data, sent: &Fields, write: Write) -> Result<Fields, ApiError> {
    let mut changes = Fields::new();
    let mut errors = Errors::default();
    for (name, kind) in TICKET_FIELDS {
        let is_missing = !sent.contains_key(name);
        let value = sent.get(name).map_or(Value::Null, without_blanks);
        if !is_missing {
            if let Some(error) = fault_of(data, name, kind, &value) {
                errors.add(name, error);
            }
            changes.insert(name.to_owned(), as_stored(kind, value));
            continue;
        }
        match (write, kind) {
            (Write::Create, Kind::RequiredText) => {
                errors.add(
                    name,
                    format!("The {} field is required.", name.replace('_', " ")),
                );
            }
            (Write::Create, Kind::Code) | (Write::Update(UpdateSemantics::Replace), Kind::Code) => {
                changes.insert(name.to_owned(), 0.into());
            }
            (
                Write::Update(UpdateSemantics::Replace),
                Kind::Text | Kind::DateTime | Kind::Id(_),
            ) => {
                changes.insert(name.to_owned(), Value::Null);
            }
            _ => {}
        }
    }
    errors.check()?;
    Ok(changes)
}

/// Writes the changes over a row, and over what was given at its insertion.
pub(super) fn write_over(row: &mut Row, changes: Fields) {
    for (name, value) in changes {
        row.given.remove(&name);
        match name.as_str() {
            "sub_category_id" => {
                for embedded in ["sub_category", "category", "category_id"] {
                    row.given.remove(embedded);
                }
            }
            _ => {
                if let Some(embedded) = name.strip_suffix("_id") {
                    row.given.remove(embedded);
                }
            }
        }
        row.fields.insert(name, value);
    }
}

/// As Laravel does before it validates: trimmed, and null where nothing is left.
fn without_blanks(value: &Value) -> Value {
    match value.as_str().map(str::trim) {
        Some("") => Value::Null,
        Some(text) => text.into(),
        None => value.clone(),
    }
}

fn fault_of(data: &Data, name: &str, kind: Kind, value: &Value) -> Option<String> {
    let shown = name.replace('_', " ");
    match kind {
        Kind::RequiredText if value.is_null() => Some(format!("The {shown} field is required.")),
        Kind::RequiredText | Kind::Text => (!value.is_string() && !value.is_null())
            .then(|| format!("The {shown} must be a string.")),
        Kind::DateTime => {
            let is_date = value
                .as_str()
                .is_some_and(|text| read_date_time(text).is_some());
            (!is_date && !value.is_null()).then(|| format!("The {shown} is not a valid date."))
        }
        Kind::Code => match value.as_i64() {
            Some(0..=3) => None,
            Some(_) => Some(format!("The selected {shown} is invalid.")),
            None => Some(format!("The {shown} must be an integer.")),
        },
        Kind::Id(_) if value.is_null() => None,
        Kind::Id(table) => match value.as_i64() {
            Some(id) if table(data).get(&id).is_some_and(is_listed) => None,
            Some(_) => Some(format!("The selected {shown} is invalid.")),
            None => Some(format!("The {shown} must be an integer.")),
        },
    }
}

fn is_listed(row: &Row) -> bool {
    row.get("listed") != &Value::Bool(false)
}

fn as_stored(kind: Kind, value: Value) -> Value {
    match kind {
        Kind::DateTime => value
            .as_str()
            .and_then(read_date_time)
            .map_or(Value::Null, |at| printed(at).into()),
        _ => value,
    }
}

/// The fields of a record that can be written: its memo and its custom fields.
pub(super) fn record_changes(
    row: &Row,
    sent: &Fields,
    switches: &FirstLineSwitches,
) -> Result<Fields, ApiError> {
    let mut changes = Fields::new();
    let mut errors = Errors::default();

    if let Some(memo) = sent.get("memo").map(without_blanks) {
        match memo.as_str() {
            None if memo.is_null() => {}
            None => errors.add("memo", "The memo must be a string."),
            Some(text) if text.chars().count() > LONGEST_MEMO => {
                errors.add("memo", "The memo may not be greater than 600 characters.");
            }
            Some(_) => {}
        }
        changes.insert("memo".into(), memo);
    }
    match sent.get("cz_cols") {
        None | Some(Value::Null) => {}
        Some(Value::Array(columns)) => {
            for (position, column) in columns.iter().enumerate() {
                if !column["id"].is_i64() {
                    let field = format!("cz_cols.{position}.id");
                    let message = format!("The {field} must be an integer.");
                    errors.add(&field, message);
                }
                let value = &column["value"];
                let is_cleared = value.is_null() && switches.custom_fields_take_null;
                if !(value.is_string() || value.is_array() || is_cleared) {
                    let field = format!("cz_cols.{position}.value");
                    let message = format!("The {field} field is required.");
                    errors.add(&field, message);
                }
            }
            changes.insert("cz_cols".into(), merged_columns(row, columns));
        }
        Some(_) => errors.add("cz_cols", "The cz_cols must be an array."),
    }
    errors.check()?;
    Ok(changes)
}

/// Columns that are not sent keep their values.
fn merged_columns(row: &Row, sent: &[Value]) -> Value {
    let mut columns = row.get("cz_cols").as_array().cloned().unwrap_or_default();
    for column in sent {
        let column = json!({ "id": column["id"], "value": without_blanks(&column["value"]) });
        match columns.iter_mut().find(|held| held["id"] == column["id"]) {
            Some(held) => *held = column,
            None => columns.push(column),
        }
    }
    columns.into()
}
