//! Who speaks in a transcript: the visitor, the handler, another employee by number, or nobody that the gateway can name.

use serde_json::{Value, json};

use super::{exact_employee, livechat_log, record_id, vendor_requests};
use crate::harness::Desk;

const SENDERS: &str = "query($id: ID!) { serviceRecord(id: $id) { messages { nodes {
    sender { role vendorId name employee { id name } } } } } }";

fn said(id: i64, is_contact: bool, sender: Value) -> Value {
    json!({
        "id": id, "type": "text", "content": "x", "is_contact": is_contact, "is_system": false, "is_csat": false,
        "is_kb": false, "kb_id": null, "sender_id": sender, "question": null, "at": "2024-03-01 12:20:00",
    })
}

/// A record with this handler, whose log has these messages.
fn insert(desk: &Desk, handler: Value, messages: Value) -> String {
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.single_record_has_provider = true);
    let id = desk.sandbox.firstline_insert_record(json!({
        "created_at": "2024-03-01 12:23:25", "contact_id": 4, "handler_id": handler,
        "logs": [livechat_log(522, "2024-03-01 12:20:00", "b97beb2d", messages)],
    }));
    record_id(id)
}

async fn senders(desk: &Desk, id: &str) -> Vec<Value> {
    let data = desk.data(SENDERS, json!({ "id": id })).await;
    let nodes = data["serviceRecord"]["messages"]["nodes"].as_array();
    let nodes = nodes.expect("the record has messages").iter();
    nodes.map(|message| message["sender"].clone()).collect()
}

#[tokio::test]
async fn a_customer_has_the_visitors_name_and_the_handler_their_own_without_a_further_call() {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(951, "Alice Chang"));
    let id = insert(
        &desk,
        json!(951),
        json!([said(1, true, json!(951)), said(2, false, json!("951"))]),
    );

    let senders = senders(&desk, &id).await;
    assert_eq!(
        senders,
        [
            json!({ "role": "CUSTOMER", "vendorId": "951", "name": "b97beb2d", "employee": null }),
            json!({ "role": "AGENT", "vendorId": "951", "name": "Alice Chang",
                "employee": { "id": "firstline:Employee:951", "name": "Alice Chang" } }),
        ]
    );
    assert_eq!(vendor_requests(&desk).len(), 1);
}

#[tokio::test]
async fn another_agent_is_the_only_listed_employee_with_the_number() {
    let desk = Desk::open().await;
    let employee = |id: i64, name: &str, number: &str| {
        let mut employee = exact_employee(id, name);
        employee["employee_no"] = json!(number);
        employee
    };
    desk.sandbox
        .firstline_insert_employee(employee(961, "By Id", "a"));
    desk.sandbox
        .firstline_insert_employee(employee(962, "By Number", "77001"));
    desk.sandbox
        .firstline_insert_employee(employee(963, "Twin", "77002"));
    desk.sandbox
        .firstline_insert_employee(employee(964, "Twin", "77002"));
    // Whose number is the id of another.
    desk.sandbox
        .firstline_insert_employee(employee(965, "Fifth", "966"));
    desk.sandbox
        .firstline_insert_employee(employee(966, "Sixth", "b"));
    let numbers = [
        json!(961),
        json!(77_001),
        json!(77_002),
        json!(966),
        json!(98_765),
        Value::Null,
    ];
    let messages = numbers.iter().zip(1..);
    let messages: Vec<_> = messages
        .map(|(sender, id)| said(id, false, sender.clone()))
        .collect();
    let id = insert(&desk, json!(1), json!(messages));

    let senders = senders(&desk, &id).await;
    let known = |number: &str, id: i64, name: &str| {
        json!({ "role": "AGENT", "vendorId": number, "name": name,
            "employee": { "id": format!("firstline:Employee:{id}"), "name": name } })
    };
    let unknown = |number: Value| json!({ "role": "AGENT", "vendorId": number, "name": null, "employee": null });
    assert_eq!(
        senders,
        [
            known("961", 961, "By Id"),
            known("77001", 962, "By Number"),
            unknown(json!("77002")),
            unknown(json!("966")),
            unknown(json!("98765")),
            unknown(Value::Null),
        ]
    );
    let directory = "GET /api/v1/employee?page=1&per_page=100";
    let calls = vendor_requests(&desk);
    let reads = calls.iter().filter(|call| *call == directory).count();
    assert_eq!((calls.len(), reads), (2, 1), "{calls:?}");
}

#[tokio::test]
async fn the_directory_is_read_only_for_a_name_or_an_employee() {
    let desk = Desk::open().await;
    let id = insert(&desk, json!(1), json!([said(1, false, json!(2))]));

    let query = "query($id: ID!) { serviceRecord(id: $id) { messages { nodes { sender { role vendorId } } } } }";
    desk.data(query, json!({ "id": id })).await;
    assert_eq!(vendor_requests(&desk).len(), 1);
}

#[tokio::test]
async fn a_handler_of_whom_the_record_has_only_the_number_is_named_by_the_directory() {
    let desk = Desk::open().await;
    let id = desk.sandbox.firstline_insert_record(json!({
        "created_at": "2024-03-01 12:23:25", "handler_id": 3, "handler": null,
        "logs": [livechat_log(522, "2024-03-01 12:20:00", "v", json!([said(1, false, json!(3))]))],
    }));
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.single_record_has_provider = true);

    let senders = senders(&desk, &record_id(id)).await;
    let employee = desk
        .execute("{ employee(id: \"firstline:Employee:3\") { name } }")
        .await;
    assert!(employee["employee"]["name"].is_string());
    assert_eq!(senders[0]["name"], employee["employee"]["name"]);
    assert_eq!(senders[0]["employee"]["name"], employee["employee"]["name"]);
}

#[tokio::test]
async fn a_card_is_shown_as_json_without_its_secrets() {
    let desk = Desk::open().await;
    let typed = |id: i64, kind: &str, content: Value| json!({ "id": id, "type": kind, "content": content, "is_contact": false, "at": "2024-03-01 12:00:00" });
    let card = json!({ "columns": [{ "title": "鞋", "image": "https://f.example/1?token=secret", "attachmentToken": "secret" }] });
    let shown = json!({ "columns": [{ "title": "鞋", "image": "https://f.example/1?token=" }] });
    let id = insert(
        &desk,
        json!(1),
        json!([
            typed(1, "carousel", card.clone()),
            typed(2, "carousel", json!(card.to_string())),
            typed(3, "text", json!("{\"a\":1}")),
            typed(4, "image", json!("https://f.example/1.png")),
        ]),
    );

    let query =
        "query($id: ID!) { serviceRecord(id: $id) { messages { nodes { kind text payload } } } }";
    let data = desk.data(query, json!({ "id": id })).await;
    let messages = data["serviceRecord"]["messages"]["nodes"].as_array();
    let messages = messages.expect("the record has messages");
    for card in &messages[..2] {
        assert_eq!(card["text"], Value::Null);
        let payload = card["payload"].as_str().expect("a card is no text");
        let payload: Value = serde_json::from_str(payload).expect("it is JSON");
        assert_eq!(payload, shown);
    }
    assert_eq!(
        messages[2..],
        [
            json!({ "kind": "TEXT", "text": "{\"a\":1}", "payload": null }),
            json!({ "kind": "IMAGE", "text": "https://f.example/1.png", "payload": null }),
        ]
    );
}
