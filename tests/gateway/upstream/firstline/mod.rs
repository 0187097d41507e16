//! FirstLine's data as the gateway's clients see it: the sandbox has exact rows, and GraphQL returns whole objects.

mod channels;
mod chat;
mod custom_fields;
mod employees;
mod filters;
mod lenient_reading;
mod login;
mod renewal;
mod secrets;
mod service_records;
mod small_directories;
mod speakers;
mod tickets;
mod told_besides;

use serde_json::{Value, json};

use crate::harness::Desk;

/// The requests to FirstLine since the last `forget_calls`, without logins, as `METHOD path?query` with the query decoded.
fn vendor_requests(desk: &Desk) -> Vec<String> {
    let requests = desk.sandbox.firstline().requests();
    let requests = requests
        .iter()
        .filter(|request| !request.path.ends_with("/auth"));
    let line = |request: &deskgraph::sandbox::LoggedRequest| {
        let pairs: Vec<_> = request
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match pairs.is_empty() {
            true => format!("{} {}", request.method, request.path),
            false => format!("{} {}?{}", request.method, request.path, pairs.join("&")),
        }
    };
    requests.map(line).collect()
}

/// The same, sorted, for concurrent calls.
fn sorted_vendor_requests(desk: &Desk) -> Vec<String> {
    let mut lines = vendor_requests(desk);
    lines.sort();
    lines
}

/// A log of a live chat with a visitor of this name.
fn livechat_log(id: i64, queued_at: &str, visitor: &str, messages: Value) -> Value {
    json!({
        "id": id, "enter_queue_at": queued_at, "service_start_at": null, "service_end_at": null,
        "service_time": null, "status": 1, "bound_type": 1,
        "provider_type": "App\\LivechatContentProvider",
        "provider": {
            "id": 61, "message": messages, "media_contact_id": 109,
            "media_contact": { "id": 109, "name": visitor, "gender": null, "state": 1 },
        },
        "interact_collection_id": 491, "can_listen": true,
    })
}

/// A log of another channel, or of an unknown one.
fn log_of(id: i64, queued_at: Value, provider_type: Value) -> Value {
    json!({
        "id": id, "enter_queue_at": queued_at, "service_start_at": null, "service_end_at": null,
        "service_time": null, "status": 1, "bound_type": 1, "provider_type": provider_type,
        "provider": { "id": 7 }, "interact_collection_id": 491, "can_listen": false,
    })
}

fn record_id(number: i64) -> String {
    format!("firstline:ServiceRecord:{number}")
}

fn ticket_id(number: i64) -> String {
    format!("firstline:Ticket:{number}")
}

/// The rows of an employee, with every field of the three shapes.
fn exact_employee(id: i64, name: &str) -> Value {
    json!({
        "id": id, "name": name, "first_name": "alice", "last_name": "chang", "employee_no": "alice",
        "photo_url": "/employee/7/photo", "identity_no": "A123456789",
        "job_title_id": 21, "job_title": { "id": 21, "abbrev": null, "name": "Agent", "description": null },
        "department_id": 3, "department": { "id": 3, "name": "Service", "abbrev": "S" },
        "extension_id": 25, "extension": {
            "id": 25, "type": 3, "extension": "8002", "webrtc_password": "540939228002",
            "description": null, "media_cluster_id": null,
        },
        "profile_id": 9, "profile": { "id": 9, "phones": [
            { "id": 1, "type": 1, "number": "0223456789" }, { "id": 2, "type": 2, "number": "0912345678" },
        ] },
        "group_id": 1, "group": { "id": 1, "name": "客服小組", "description": null, "supervisor_id": 4 },
        "cti_agent_account": "ag8002", "cti_agent": { "id": 6, "account": "ag8002", "group_id": null },
        "cti_agent_id": 6, "is_active": true, "role": "", "email": "alice@desk.example", "is_immortal": false,
        "created_at": "2019-05-07 12:37:48", "updated_at": "2021-01-07 10:28:04",
    })
}
