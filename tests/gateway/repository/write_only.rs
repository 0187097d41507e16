//! A caller that may write and not read: its payloads have ids, user errors and what it wrote, and nothing else.

use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const WRITER: &str = "writer-key-of-a-test";
const READER: &str = "reader-key-of-a-test";

async fn desk() -> Desk {
    let keys = json!([
        { "name": "writer", "key": WRITER, "scopes": ["write"] },
        { "name": "reader", "key": READER, "scopes": ["read", "write", "pii"] },
    ]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    Desk::open_with(options).await
}

async fn send(desk: &Desk, key: &str, query: &str, variables: Value) -> Value {
    let request = desk.client().post(desk.url("/graphql")).bearer_auth(key);
    let body = json!({ "query": query, "variables": variables });
    let response = request.json(&body).send().await;
    let answer = response.expect("the gateway responds").json().await;
    answer.expect("the response is JSON")
}

/// The paths of the errors, which must all be FORBIDDEN.
fn forbidden(answer: &Value) -> Vec<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| {
            assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{answer}");
            let path = error["path"].as_array().into_iter().flatten();
            let names = path.map(|name| name.as_str().unwrap_or_default());
            names.collect::<Vec<_>>().join(".")
        })
        .collect()
}

async fn any_ticket(desk: &Desk) -> Value {
    let query = "{ tickets(first: 1) { nodes { id subject content } } }";
    let answer = send(desk, READER, query, json!({})).await;
    answer["data"]["tickets"]["nodes"][0].clone()
}

#[tokio::test]
async fn a_write_only_key_gets_ids_user_errors_and_what_it_wrote() {
    let desk = desk().await;
    let create = "mutation ($input: CreateTicketInput!) { createTicket(input: $input) {
        ticket { __typename id vendor vendorId subject content priority dueAt ...More }
        userErrors { code field } } }
        fragment More on Ticket { statusMemo }";
    let input = json!({
        "subject": "A printer", "content": "It is on fire.", "priority": "HIGH",
        "statusMemo": "seen", "dueAt": "2027-01-01T08:00:00+08:00",
    });
    let answer = send(&desk, WRITER, create, json!({ "input": input })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let ticket = &answer["data"]["createTicket"]["ticket"];
    assert_eq!(ticket["subject"], "A printer");
    assert_eq!(ticket["priority"], "HIGH");
    assert_eq!(ticket["statusMemo"], "seen");
    assert_eq!(ticket["dueAt"], input["dueAt"]);
    let id = ticket["id"].clone();

    // The objects that its input names are not of its making.
    let update = "mutation ($id: ID!) { updateTicket(input: { id: $id, subject: \"B\" }) {
        ticket { id subject kept: content createdAt contact { id name } handler { id } serviceRecords { id } }
        userErrors { message } } }";
    let answer = send(&desk, WRITER, update, json!({ "id": id })).await;
    let mut paths = forbidden(&answer);
    paths.sort();
    let of_ticket = |name: &str| format!("updateTicket.ticket.{name}");
    let hidden = ["contact", "createdAt", "handler", "kept", "serviceRecords"];
    assert_eq!(paths, hidden.map(of_ticket));
    assert_eq!(
        answer["data"]["updateTicket"],
        json!({
            "ticket": {
                "id": id, "subject": "B", "kept": null, "createdAt": null, "contact": null, "handler": null,
                "serviceRecords": null,
            },
            "userErrors": [],
        })
    );

    // A field that can't be null takes the object with it.
    let update = "mutation ($id: ID!) { updateTicket(input: { id: $id, subject: \"C\" }) { ticket { id status } } }";
    let answer = send(&desk, WRITER, update, json!({ "id": id })).await;
    assert_eq!(forbidden(&answer), ["updateTicket.ticket.status"]);
    assert_eq!(answer["data"]["updateTicket"]["ticket"], Value::Null);

    let refused =
        "mutation { updateTicket(input: { id: \"firstline:Ticket:999999999\", subject: \"D\" }) {
        ticket { id } userErrors { code } } }";
    let answer = send(&desk, WRITER, refused, json!({})).await;
    assert_eq!(
        answer["data"]["updateTicket"],
        json!({ "ticket": null, "userErrors": [{ "code": "NOT_FOUND" }] })
    );
    let delete = "mutation ($id: ID!) { deleteTicket(input: { id: $id }) { deletedId userErrors { code } } }";
    let answer = send(&desk, WRITER, delete, json!({ "id": id })).await;
    assert_eq!(answer["data"]["deleteTicket"]["deletedId"], id);
}

#[tokio::test]
async fn a_write_of_one_ticket_shows_nothing_of_another() {
    let desk = desk().await;
    let ticket = any_ticket(&desk).await;
    let create =
        "mutation { createTicket(input: { subject: \"a\", content: \"b\" }) { ticket { id } } }";
    let own = send(&desk, WRITER, create, json!({})).await;
    let own = &own["data"]["createTicket"]["ticket"]["id"];

    let both = "mutation ($own: ID!, $other: ID!) {
        own: updateTicket(input: { id: $own, content: \"c\" }) { ticket { id content } }
        other: updateTicket(input: { id: $other, statusMemo: null }) { ticket { id content statusMemo } }
    }";
    let variables = json!({ "own": own, "other": ticket["id"] });
    let answer = send(&desk, WRITER, both, variables).await;
    assert_eq!(forbidden(&answer), ["other.ticket.content"]);
    assert_eq!(answer["data"]["own"]["ticket"]["content"], "c");
    let secret = ticket["content"]
        .as_str()
        .expect("the ticket has a content");
    assert!(!answer.to_string().contains(secret), "{answer}");
}

#[tokio::test]
async fn a_repeated_create_shows_a_write_only_key_nothing_that_others_changed() {
    let desk = desk().await;
    let create = "mutation { createTicket(input: { subject: \"a\", content: \"b\", idempotencyKey: \"k\" }) {
        ticket { id subject } } }";
    let first = send(&desk, WRITER, create, json!({})).await;
    assert_eq!(first["data"]["createTicket"]["ticket"]["subject"], "a");
    let id = &first["data"]["createTicket"]["ticket"]["id"];
    let change = "mutation ($id: ID!) { updateTicket(input: { id: $id, subject: \"secret\" }) { ticket { subject } } }";
    let changed = send(&desk, READER, change, json!({ "id": id })).await;
    assert_eq!(
        changed["data"]["updateTicket"]["ticket"]["subject"],
        "secret"
    );

    let again = send(&desk, WRITER, create, json!({})).await;
    assert_eq!(forbidden(&again), ["createTicket.ticket.subject"]);
    assert_eq!(
        again["data"]["createTicket"]["ticket"],
        json!({ "id": id, "subject": null })
    );
}

#[tokio::test]
async fn a_write_only_key_sees_only_the_custom_fields_that_it_sent() {
    let desk = desk().await;
    let query = "{ serviceRecords(first: 50, filter: { vendors: [FIRSTLINE], completed: false }) { nodes { id status } } }";
    let records = send(&desk, READER, query, json!({})).await;
    let records = records["data"]["serviceRecords"]["nodes"]
        .as_array()
        .into_iter()
        .flatten();
    let mut records = records.filter(|record| record["status"] == "WRAP_UP");
    let id = &records.next().expect("a record can be changed")["id"];

    let update = "mutation ($id: ID!, $fields: [CustomFieldInput!]) {
        updateServiceRecord(input: { id: $id, memo: \"m\", customFields: $fields }) {
            serviceRecord { id memo customFields { key } handler { id } } userErrors { message } } }";
    let variables = |key: &str| json!({ "id": id, "fields": [{ "key": key, "value": "one" }] });
    send(&desk, READER, update, variables("18")).await;
    let whole = send(&desk, READER, update, variables("4")).await;
    let record = &whole["data"]["updateServiceRecord"]["serviceRecord"];
    let fields = record["customFields"].as_array().map(Vec::len);
    assert_eq!(fields, Some(2), "{whole}");

    let answer = send(&desk, WRITER, update, variables("4")).await;
    let record = &answer["data"]["updateServiceRecord"]["serviceRecord"];
    assert_eq!(
        *record,
        json!({ "id": id, "memo": "m", "customFields": [{ "key": "4" }], "handler": null })
    );
    assert_eq!(
        forbidden(&answer),
        ["updateServiceRecord.serviceRecord.handler"]
    );
    // Without the custom fields in the input, they are not of this write.
    let memo = "mutation ($id: ID!) { updateServiceRecord(input: { id: $id, memo: \"n\" }) {
        serviceRecord { customFields { key } } } }";
    let answer = send(&desk, WRITER, memo, json!({ "id": id })).await;
    assert_eq!(
        forbidden(&answer),
        ["updateServiceRecord.serviceRecord.customFields"]
    );
}
