//! FirstLine's responses: which fields an object has in which of them.

use serde_json::{Value, json};

use super::data::Data;
use super::phrases::{REASONS, RESULTS};
use crate::row::{Fields, Row, Table, fields_of};
use crate::switches::{ChannelBody, CustomFieldPlaces, FirstLineSwitches};

/// Fields of rows for the sandbox's own use; no response has them.
const INTERNAL: [&str; 3] = ["creater_id", "interact_collection_ids", "listed"];
const LIVECHAT: &str = "App\\LivechatContentProvider";

const NESTED_EMPLOYEE: [&str; 17] = [
    "id",
    "name",
    "first_name",
    "last_name",
    "employee_no",
    "photo_url",
    "identity_no",
    "job_title_id",
    "department_id",
    "extension_id",
    "extension",
    "group_id",
    "group",
    "cti_agent_account",
    "cti_agent",
    "created_at",
    "updated_at",
];
const ONLY_IN_RECORD: [&str; 2] = ["profile_id", "cti_agent_id"];
const REDUCED_RECORD: [&str; 12] = [
    "id",
    "is_acw_completed",
    "first_enter_queue_at",
    "acw_at",
    "last_finished_at",
    "handler_id",
    "contact_id",
    "memo",
    "bound_type",
    "sponsor_id",
    "campaign_queue_id",
    "result_id",
];
const RECORD: [&str; 14] = [
    "id",
    "is_acw_completed",
    "first_enter_queue_at",
    "first_start_service_at",
    "acw_at",
    "last_finished_at",
    "handler_id",
    "contact_id",
    "memo",
    "bound_type",
    "sponsor_id",
    "result_id",
    "campaign_queue_id",
    "created_at",
];
const ONLY_IN_UPDATED_RECORD: [&str; 2] = ["updated_at", "cz_cols"];
const ONLY_IN_SINGLE_RECORD: [&str; 3] = ["fb_accounts", "line_account_ids", "line_accounts"];
const TICKET: [&str; 15] = [
    "id",
    "subject",
    "content",
    "due_at",
    "status",
    "status_memo",
    "priority",
    "contact_id",
    "sub_category_id",
    "handler_id",
    "sponsor_id",
    "campaign_queue_id",
    "termination_code_id",
    "created_at",
    "updated_at",
];
const ONLY_IN_LISTED_TICKET: [&str; 2] = ["creater", "interact_collections"];

/// The employee inside a ticket, and inside the reduced records of a ticket.
fn nested_employee(row: &Row) -> Value {
    employee(row, |name| NESTED_EMPLOYEE.contains(&name), Secrets::Hidden)
}

/// The handler inside a service record: with the password of the telephone.
fn record_handler(row: &Row) -> Value {
    let belongs = |name: &str| NESTED_EMPLOYEE.contains(&name) || ONLY_IN_RECORD.contains(&name);
    employee(row, belongs, Secrets::Shown)
}

pub(super) fn listed_employee(row: &Row) -> Value {
    let belongs = |name: &str| !ONLY_IN_RECORD.contains(&name);
    employee(row, belongs, Secrets::Hidden)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    Shown,
    Hidden,
}

fn employee(row: &Row, belongs: impl Fn(&str) -> bool, secrets: Secrets) -> Value {
    let belongs = |name: &str| belongs(name) && !INTERNAL.contains(&name);
    let mut answer = Fields::new();
    for (name, value) in &row.fields {
        if belongs(name) {
            answer.insert(name.clone(), value.clone());
        }
    }
    row.overlay(&mut answer, belongs);

    if secrets == Secrets::Hidden
        && let Some(Value::Object(extension)) = answer.get_mut("extension")
    {
        extension.remove("webrtc_password");
    }
    Value::Object(answer)
}

pub(super) fn whole(row: &Row) -> Value {
    let mut answer = row.fields.clone();
    row.overlay(&mut answer, |name| !INTERNAL.contains(&name));
    Value::Object(answer)
}

fn whole_of(table: &Table, id: Option<i64>) -> Value {
    id.and_then(|id| table.get(&id)).map_or(Value::Null, whole)
}

pub(super) fn category_with_children(data: &Data, row: &Row) -> Value {
    let children: Vec<Value> = data
        .subcategories
        .values()
        .filter(|subcategory| subcategory.number("category_id") == row.number("id"))
        .map(|subcategory| {
            let mut child = subcategory.fields.clone();
            child.remove("category_id");
            Value::Object(child)
        })
        .collect();
    let mut answer = whole(row);
    answer["children"] = children.into();
    answer
}

pub(super) fn subcategory(data: &Data, row: &Row) -> Value {
    let mut answer = whole(row);
    answer["category"] = whole_of(&data.categories, row.number("category_id"));
    answer
}

/// Where a service record is shown by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    List,
    Single,
}

pub(super) fn record(data: &Data, row: &Row, place: Place, switches: &FirstLineSwitches) -> Value {
    let mut answer = Fields::new();
    for name in RECORD {
        answer.insert(name.to_owned(), row.get(name).clone());
    }
    answer.extend(people(data, row, record_handler));
    answer.insert("result".into(), result(row.number("result_id")));
    answer.extend(fields_of(json!({
        "campaign_queue": null, "reasons": reasons(row), "reason_ids": row.get("reason_ids"),
        "media_cluster_id": null, "employee_schedule": null, "transfer_logs": [],
    })));
    let has_updated_fields = match switches.custom_field_places {
        CustomFieldPlaces::Updates => false,
        CustomFieldPlaces::SingleRecords => place == Place::Single,
        CustomFieldPlaces::Everywhere => true,
    };
    if has_updated_fields {
        for name in ONLY_IN_UPDATED_RECORD {
            answer.insert(name.to_owned(), row.get(name).clone());
        }
    }
    if place == Place::Single {
        answer.extend(fields_of(json!({
            "fb_accounts": [{
                "id": 2, "name": "110906707118012", "media_cluster_id": 4,
                "skills": [{ "id": 2, "name": "日文", "description": null, "creater_id": 1 }],
                "skill_ids": [2],
            }],
            "line_account_ids": [],
            "line_accounts": [],
        })));
    }
    let logs = row.get("logs").as_array().cloned().unwrap_or_default();
    answer.insert(
        "logs".into(),
        logs.into_iter()
            .map(|log| seeded_log(log, place, switches))
            .collect(),
    );

    row.overlay(&mut answer, |name| {
        !INTERNAL.contains(&name)
            && (has_updated_fields || !ONLY_IN_UPDATED_RECORD.contains(&name))
            && (place == Place::Single || !ONLY_IN_SINGLE_RECORD.contains(&name))
    });
    if place == Place::Single && !switches.single_record_has_provider {
        without_providers(&mut answer);
    }
    Value::Object(answer)
}

/// The providers of an inserted record are laid over this as they were given.
fn seeded_log(mut log: Value, place: Place, switches: &FirstLineSwitches) -> Value {
    let is_livechat = log["provider_type"]
        .as_str()
        .is_some_and(|provider_type| provider_type == LIVECHAT);
    let Some(provider) = log.get_mut("provider") else {
        return log;
    };
    if place == Place::List
        && let Value::Object(provider) = provider
    {
        provider.remove("account");
    }
    if !is_livechat {
        match switches.other_channel_body {
            ChannelBody::Full => {}
            ChannelBody::IdOnly => *provider = json!({ "id": provider["id"] }),
            ChannelBody::Null => *provider = Value::Null,
        }
    }
    log
}

fn without_providers(record: &mut Fields) {
    let logs = record.get_mut("logs").and_then(Value::as_array_mut);
    for log in logs.into_iter().flatten() {
        if let Value::Object(log) = log {
            log.remove("provider");
        }
    }
}

/// A record without a result has an object of nulls, not null.
fn result(id: Option<i64>) -> Value {
    let known = RESULTS.iter().find(|(known_id, ..)| Some(*known_id) == id);
    match known {
        Some((id, name, description, category_id)) => json!({
            "id": id, "name": name, "is_active": true, "description": description,
            "category_id": category_id, "priority": id, "created_at": "2020-02-03 09:00:00",
            "updated_at": "2020-02-03 09:00:00",
        }),
        None => json!({
            "id": id, "name": null, "is_active": true, "description": null, "category_id": null,
            "priority": null, "created_at": null, "updated_at": null,
        }),
    }
}

/// A reason as a client of the vendor models it: the documents have only empty lists.
fn reasons(row: &Row) -> Value {
    let ids = row.get("reason_ids").as_array().into_iter().flatten();
    ids.filter_map(|id| {
        let known = |(known_id, ..): &&(i64, &str, Option<&str>)| id.as_i64() == Some(*known_id);
        let (id, name, description) = REASONS.iter().find(known)?;
        Some(json!({ "id": id, "name": name, "is_active": true, "description": description }))
    })
    .collect()
}

/// The handler, the contact and the sponsor of a record or a ticket.
fn people(data: &Data, row: &Row, handler_shape: impl Fn(&Row) -> Value) -> Fields {
    let handler = row
        .number("handler_id")
        .and_then(|id| data.employees.get(&id));
    fields_of(json!({
        "handler": handler.map_or(Value::Null, handler_shape),
        "contact": whole_of(&data.contacts, row.number("contact_id")),
        "sponsor": whole_of(&data.sponsors, row.number("sponsor_id")),
    }))
}

/// The response to an update of a record.
pub(super) fn updated_record(row: &Row) -> Value {
    let names = ["id", "memo", "acw_at", "cz_cols", "updated_at"];
    let fields: Fields = names
        .into_iter()
        .map(|name| (name.to_owned(), row.get(name).clone()))
        .collect();
    json!({ "data": fields })
}

/// The record inside a ticket of a list.
fn reduced_record(data: &Data, row: &Row) -> Value {
    let mut answer = Fields::new();
    for name in REDUCED_RECORD {
        answer.insert(name.to_owned(), row.get(name).clone());
    }
    let handler = row
        .number("handler_id")
        .and_then(|id| data.employees.get(&id));
    answer.insert(
        "handler".into(),
        handler.map_or(Value::Null, nested_employee),
    );
    row.overlay(&mut answer, |name| {
        REDUCED_RECORD.contains(&name) || name == "handler"
    });
    Value::Object(answer)
}

pub(super) fn ticket(data: &Data, row: &Row, place: Place) -> Value {
    let mut answer = Fields::new();
    for name in TICKET {
        answer.insert(name.to_owned(), row.get(name).clone());
    }
    let subcategory_row = row
        .number("sub_category_id")
        .and_then(|id| data.subcategories.get(&id));
    let subcategory = subcategory_row.map_or(Value::Null, |row| subcategory(data, row));
    answer.extend(people(data, row, nested_employee));
    answer.insert(
        "termination_code".into(),
        whole_of(&data.termination_codes, row.number("termination_code_id")),
    );
    answer.insert("campaign_queue".into(), Value::Null);
    answer.insert("category".into(), subcategory["category"].clone());
    answer.insert("category_id".into(), subcategory["category_id"].clone());
    answer.insert("sub_category".into(), subcategory);

    if place == Place::List {
        let creater = row
            .number("creater_id")
            .and_then(|id| data.employees.get(&id));
        let records: Vec<Value> = row
            .get("interact_collection_ids")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_i64)
            .filter_map(|id| data.records.get(&id))
            .map(|record| reduced_record(data, record))
            .collect();
        answer.insert(
            "creater".into(),
            creater.map_or(Value::Null, nested_employee),
        );
        answer.insert("interact_collections".into(), records.into());
    }
    row.overlay(&mut answer, |name| {
        !INTERNAL.contains(&name)
            && (place == Place::List || !ONLY_IN_LISTED_TICKET.contains(&name))
    });
    Value::Object(answer)
}
