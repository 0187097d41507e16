//! The mutations: what a vendor receives, and what the client gets back.

use deskgraph::sandbox::{
    AnswerShape, DeleteAnswer, Fault, FaultRule, LoggedRequest, MethodSupport,
};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

pub(crate) const CREATE: &str = "mutation ($input: CreateTicketInput!) { createTicket(input: $input) {
    ticket { id vendorId subject content status statusMemo priority dueAt handler { id } contact { id } sponsor { id }
             category { id level parent { id } } terminationCode { id } }
    userErrors { code message field } } }";
pub(crate) const UPDATE: &str =
    "mutation ($input: UpdateTicketInput!) { updateTicket(input: $input) {
    ticket { id subject content status statusMemo priority dueAt handler { id } category { id } }
    userErrors { code message field } } }";
pub(crate) const DELETE: &str =
    "mutation ($input: DeleteTicketInput!) { deleteTicket(input: $input) {
    deletedId userErrors { code message field } } }";
pub(crate) const UPDATE_RECORD: &str =
    "mutation ($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) {
    serviceRecord { id status memo handler { id } customFields { key values } }
    userErrors { code message field } } }";

/// The requests that changed something, without logins.
fn writes(desk: &Desk) -> Vec<LoggedRequest> {
    let mut requests = desk.sandbox.firstline().requests();
    requests.retain(|request| request.method != "GET" && !request.path.contains("/auth"));
    requests
}

/// The payload of a mutation without errors.
pub(crate) async fn write(desk: &Desk, mutation: &str, input: Value) -> Value {
    let mut data = desk.data(mutation, json!({ "input": input })).await;
    let payload = data
        .as_object_mut()
        .and_then(|data| data.values_mut().next());
    payload.expect("a mutation has one field").take()
}

/// Numbers of objects in the sandbox: employee, contact, sponsor, subcategory, termination code.
async fn numbers(desk: &Desk) -> [String; 5] {
    let data = desk
        .execute("{ employees(first: 1, filter: { vendors: [FIRSTLINE] }) { nodes { id } } sponsors { id } terminationCodes { id }
                categories(vendors: [FIRSTLINE]) { nodes { children { id } } }
                tickets(first: 100) { nodes { contact { id } } } }")
        .await;
    let text = |value: &Value| value.as_str().expect("it is an id").to_owned();
    let contacts = data["tickets"]["nodes"].as_array().expect("it is a list");
    let contact = contacts
        .iter()
        .find(|ticket| ticket["contact"]["id"].is_string());
    let categories = data["categories"]["nodes"]
        .as_array()
        .expect("it is a list");
    let child = categories
        .iter()
        .find(|category| category["children"][0]["id"].is_string());
    [
        text(&data["employees"]["nodes"][0]["id"]),
        text(&contact.expect("one has a contact")["contact"]["id"]),
        text(&data["sponsors"][0]["id"]),
        text(&child.expect("one has children")["children"][0]["id"]),
        text(&data["terminationCodes"][0]["id"]),
    ]
}

fn number(id: &str) -> Value {
    let digits = id
        .rsplit(|character: char| !character.is_ascii_digit())
        .next();
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    json!(number.expect("an id ends in a number"))
}

#[tokio::test]
async fn a_new_ticket_is_sent_as_the_vendors_fields() {
    let desk = Desk::open().await;
    let [employee, contact, sponsor, category, code] = numbers(&desk).await;
    desk.forget_calls();

    let payload = write(&desk, CREATE, json!({
        "subject": "無法登入", "content": "密碼\"重設\"", "status": "IN_PROGRESS", "statusMemo": "等回電", "priority": "URGENT",
        "dueAt": "2027-03-01T01:31:07.5Z", "handlerId": employee, "contactId": contact, "sponsorId": sponsor,
        "categoryId": category, "terminationCodeId": code,
    })).await;
    let sent = writes(&desk);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].path.as_str()),
        ("POST", "/api/v1/ticket")
    );
    assert_eq!(
        sent[0].body,
        json!({
            "subject": "無法登入", "content": "密碼\"重設\"", "status": 1, "status_memo": "等回電", "priority": 3,
            "due_at": "2027-03-01 09:31:07", "handler_id": number(&employee), "contact_id": number(&contact),
            "sponsor_id": number(&sponsor), "sub_category_id": number(&category), "termination_code_id": number(&code),
        })
    );

    assert_eq!(payload["userErrors"], json!([]));
    let ticket = &payload["ticket"];
    assert_eq!(
        ticket["id"],
        json!(format!(
            "firstline:Ticket:{}",
            ticket["vendorId"].as_str().unwrap_or("?")
        ))
    );
    assert_eq!(ticket["status"], "IN_PROGRESS");
    assert_eq!(ticket["priority"], "URGENT");
    assert_eq!(ticket["dueAt"], "2027-03-01T09:31:07+08:00");
    for (field, id) in [
        ("handler", &employee),
        ("contact", &contact),
        ("sponsor", &sponsor),
        ("category", &category),
        ("terminationCode", &code),
    ] {
        assert_eq!(ticket[field]["id"], json!(id), "{field}");
    }

    desk.forget_calls();
    let payload = write(
        &desk,
        CREATE,
        json!({ "subject": "s", "content": "c", "handlerId": null }),
    )
    .await;
    assert_eq!(
        writes(&desk)[0].body,
        json!({ "subject": "s", "content": "c" })
    );
    assert_eq!(
        (&payload["ticket"]["status"], &payload["ticket"]["priority"]),
        (&json!("PENDING"), &json!("LOW"))
    );
}

#[tokio::test]
async fn every_status_and_priority_is_sent_as_the_vendors_number() {
    let desk = Desk::open().await;
    let codes = [
        ("PENDING", "LOW", 0),
        ("IN_PROGRESS", "MEDIUM", 1),
        ("RESOLVED", "HIGH", 2),
        ("CLOSED", "URGENT", 3),
    ];
    for (status, priority, code) in codes {
        desk.forget_calls();
        let input =
            json!({ "id": "firstline:Ticket:1002", "status": status, "priority": priority });
        let ticket = write(&desk, UPDATE, input).await["ticket"].take();
        assert_eq!(
            writes(&desk)[0].body,
            json!({ "status": code, "priority": code })
        );
        assert_eq!(
            (&ticket["status"], &ticket["priority"]),
            (&json!(status), &json!(priority))
        );
    }
}

#[tokio::test]
async fn a_due_time_in_any_offset_is_sent_in_the_vendors_local_time() {
    let desk =
        Desk::open_with(DeskOptions::default().set("FIRSTLINE__TIME_ZONE", "America/New_York"))
            .await;
    for (due_at, sent) in [
        ("2027-07-01T00:00:00+00:00", "2027-06-30 20:00:00"),
        ("2027-01-01T00:00:00Z", "2026-12-31 19:00:00"),
        ("2027-01-01T00:00:00.999+14:00", "2026-12-31 05:00:00"),
    ] {
        desk.forget_calls();
        write(
            &desk,
            UPDATE,
            json!({ "id": "firstline:Ticket:1002", "dueAt": due_at }),
        )
        .await;
        assert_eq!(writes(&desk)[0].body, json!({ "due_at": sent }));
    }
}

#[tokio::test]
async fn an_update_sends_only_the_given_fields_and_null_clears() {
    let desk = Desk::open().await;
    let [employee, .., category, code] = numbers(&desk).await;
    let id = "firstline:Ticket:1002";
    let given = json!({ "id": id, "statusMemo": "m", "dueAt": "2027-01-01T00:00:00+08:00", "handlerId": employee,
        "categoryId": category, "terminationCodeId": code });
    let before = write(&desk, UPDATE, given).await["ticket"].take();
    assert_eq!(before["category"]["id"], json!(category));

    desk.forget_calls();
    let cleared = json!({ "id": id, "statusMemo": null, "dueAt": null, "handlerId": null, "contactId": null, "sponsorId": null,
        "categoryId": null, "terminationCodeId": null });
    let ticket = write(&desk, UPDATE, cleared).await["ticket"].take();
    let sent = writes(&desk);
    assert_eq!(
        (sent.len(), sent[0].method.as_str(), sent[0].path.as_str()),
        (1, "PUT", "/api/v1/ticket/1002")
    );
    assert_eq!(
        sent[0].body,
        json!({ "status_memo": null, "due_at": null, "handler_id": null, "contact_id": null,
        "sponsor_id": null, "sub_category_id": null, "termination_code_id": null })
    );
    for field in ["statusMemo", "dueAt", "handler", "category"] {
        assert_eq!(ticket[field], Value::Null, "{field}");
    }
    assert_eq!(
        ticket["subject"], before["subject"],
        "what was omitted stays"
    );

    // A variable without a value is omitted, not null.
    desk.forget_calls();
    let query = "mutation ($memo: String, $due: DateTime) { updateTicket(input: { id: \"firstline:Ticket:1002\", subject: \"x\",
        statusMemo: $memo, dueAt: $due }) { ticket { id } } }";
    desk.data(query, json!({ "due": null })).await;
    assert_eq!(
        writes(&desk)[0].body,
        json!({ "subject": "x", "due_at": null })
    );
}

#[tokio::test]
async fn a_records_custom_fields_are_set_and_cleared() {
    let desk = Desk::open().await;
    let open = desk
        .sandbox
        .firstline_insert_record(json!({ "$absent": ["cz_cols"], "handler_id": 3 }));
    let id = format!("firstline:ServiceRecord:{open}");
    let input = json!({ "id": id, "memo": "m", "customFields": [{ "key": "4", "value": "一" }, { "key": "18", "values": ["A", "B"] }] });
    let record = write(&desk, UPDATE_RECORD, input).await["serviceRecord"].take();

    let sent = writes(&desk);
    assert_eq!((sent.len(), sent[0].method.as_str()), (1, "PUT"));
    assert_eq!(sent[0].path, format!("/api/v1/interact-collection/{open}"));
    assert_eq!(
        sent[0].body,
        json!({ "memo": "m", "cz_cols": [{ "id": 4, "value": "一" }, { "id": 18, "value": ["A", "B"] }] })
    );
    assert_eq!(record["memo"], "m");
    assert_eq!(
        record["handler"]["id"], "firstline:Employee:3",
        "the whole record is read again"
    );
    assert_eq!(
        record["customFields"],
        json!([{ "key": "4", "values": ["一"] }, { "key": "18", "values": ["A", "B"] }])
    );

    desk.forget_calls();
    let input = json!({ "id": id, "customFields": [{ "key": "18", "values": [] }] });
    let record = write(&desk, UPDATE_RECORD, input).await["serviceRecord"].take();
    assert_eq!(
        writes(&desk)[0].body,
        json!({ "cz_cols": [{ "id": 18, "value": [] }] }),
        "an omitted memo is not sent"
    );
    assert_eq!(record["memo"], "m");
    assert_eq!(
        record["customFields"],
        json!([{ "key": "4", "values": ["一"] }, { "key": "18", "values": [] }])
    );

    desk.forget_calls();
    let record =
        write(&desk, UPDATE_RECORD, json!({ "id": id, "memo": null })).await["serviceRecord"]
            .take();
    assert_eq!(writes(&desk)[0].body, json!({ "memo": null }));
    assert_eq!(record["memo"], Value::Null);
}

#[tokio::test]
async fn custom_fields_missing_from_the_reread_come_from_the_update_response() {
    let desk = Desk::open().await;
    let open = desk
        .sandbox
        .firstline_insert_record(json!({ "memo": "old" }));
    let returned = json!({ "data": { "id": open, "memo": "new", "acw_at": null, "cz_cols": [{ "id": 4, "value": "123" }], "updated_at": "2026-03-20 14:30:00" } });
    let answer = Fault::Status {
        code: 200,
        body: returned.to_string(),
        headers: Default::default(),
    };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("PUT /api/v1/interact-collection", answer));

    for absent in [json!([]), json!(["cz_cols"])] {
        desk.sandbox
            .firstline_insert_record(json!({ "id": open, "memo": "as read", "$absent": absent }));
        let input = json!({ "id": format!("firstline:ServiceRecord:{open}"), "memo": "new" });
        let record = write(&desk, UPDATE_RECORD, input).await["serviceRecord"].take();
        assert_eq!(record["memo"], "as read");
        if absent == json!(["cz_cols"]) {
            assert_eq!(
                record["customFields"],
                json!([{ "key": "4", "values": ["123"] }])
            );
        }
    }
}

#[tokio::test]
async fn mutation_fields_of_one_document_run_in_order() {
    let desk = Desk::open().await;
    let query = "mutation { a: updateTicket(input: { id: \"firstline:Ticket:1002\", subject: \"1\" }) { ticket { subject } }
        b: updateTicket(input: { id: \"firstline:Ticket:1003\", subject: \"2\" }) { ticket { subject } }
        c: updateTicket(input: { id: \"firstline:Ticket:1002\", subject: \"3\" }) { ticket { subject } }
        d: deleteTicket(input: { id: \"firstline:Ticket:1002\" }) { deletedId }
        e: updateTicket(input: { id: \"firstline:Ticket:1002\", subject: \"4\" }) { ticket { subject } userErrors { code field } } }";
    // The first write is the slowest.
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("PUT", Fault::Delay { ms: 200 }).times(1));
    let data = desk.execute(query).await;

    let order: Vec<_> = writes(&desk)
        .iter()
        .map(|request| request.body["subject"].clone())
        .collect();
    assert_eq!(
        order,
        [json!("1"), json!("2"), json!("3"), Value::Null, json!("4")]
    );
    assert_eq!(data["c"]["ticket"]["subject"], "3");
    assert_eq!(data["d"]["deletedId"], "firstline:Ticket:1002");
    assert_eq!(
        data["e"]["userErrors"],
        json!([{ "code": "NOT_FOUND", "field": ["input", "id"] }])
    );
}

#[tokio::test]
async fn a_later_mutation_field_sees_the_effect_of_an_earlier_one() {
    let desk = Desk::open().await;
    let record = desk
        .sandbox
        .firstline_insert_record(json!({ "memo": "before" }));
    let ticket = desk
        .sandbox
        .firstline_insert_ticket(json!({ "interact_collection_ids": [record] }));
    let query = format!(
        "mutation {{
           a: updateTicket(input: {{ id: \"firstline:Ticket:{ticket}\", subject: \"1\" }}) {{ ...Seen }}
           b: updateServiceRecord(input: {{ id: \"firstline:ServiceRecord:{record}\", memo: \"after\" }}) {{ serviceRecord {{ memo }} }}
           c: updateTicket(input: {{ id: \"firstline:Ticket:{ticket}\", subject: \"2\" }}) {{ ...Seen }} }}
         fragment Seen on UpdateTicketPayload {{ ticket {{ subject serviceRecords {{ memo logs {{ id }} customFields {{ key }} }} }} }}"
    );
    let data = desk.execute(&query).await;
    assert_eq!(data["a"]["ticket"]["serviceRecords"][0]["memo"], "before");
    assert_eq!(data["c"]["ticket"]["subject"], "2");
    assert_eq!(data["c"]["ticket"]["serviceRecords"][0]["memo"], "after");
}

#[tokio::test]
async fn every_shape_of_the_vendors_write_responses_is_read() {
    let desk = Desk::open().await;
    for shape in [AnswerShape::Bare, AnswerShape::Wrapped] {
        desk.sandbox.firstline().change_switches(|switches| {
            switches.single_answer = shape;
            switches.ticket_create_answer = shape;
            switches.delete_answer = match shape {
                AnswerShape::Bare => DeleteAnswer::NoContent,
                AnswerShape::Wrapped => DeleteAnswer::StatusInBody,
            };
        });
        let made =
            write(&desk, CREATE, json!({ "subject": "s", "content": "c" })).await["ticket"].take();
        let changed =
            write(&desk, UPDATE, json!({ "id": made["id"], "subject": "t" })).await["ticket"]
                .take();
        assert_eq!(
            (&changed["id"], &changed["subject"], &changed["content"]),
            (&made["id"], &json!("t"), &json!("c"))
        );
        let deleted = write(&desk, DELETE, json!({ "id": made["id"] })).await;
        assert_eq!(
            deleted,
            json!({ "deletedId": made["id"], "userErrors": [] })
        );
    }
}

#[tokio::test]
async fn after_a_405_updates_use_post_and_a_token_refresh_still_works() {
    for (method, support) in [
        ("auto", MethodSupport::PutOverridden),
        ("auto", MethodSupport::PutAndDeleteOverridden),
        ("post_override", MethodSupport::PutOverridden),
        ("auto", MethodSupport::Native),
        ("put", MethodSupport::Native),
    ] {
        let desk =
            Desk::open_with(DeskOptions::default().set("FIRSTLINE__UPDATE_METHOD", method)).await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.method_support = support);
        for subject in ["1", "2"] {
            let ticket = write(
                &desk,
                UPDATE,
                json!({ "id": "firstline:Ticket:1002", "subject": subject }),
            )
            .await["ticket"]
                .take();
            assert_eq!(ticket["subject"], subject);
        }
        let sent: Vec<_> = writes(&desk)
            .iter()
            .map(|request| request.method.clone())
            .collect();
        let is_native = support == MethodSupport::Native;
        match (method, is_native) {
            (_, true) => assert_eq!(sent, ["PUT", "PUT"]),
            ("auto", false) => assert_eq!(sent, ["PUT", "POST", "POST"]),
            _ => assert_eq!(sent, ["POST", "POST"]),
        }
        for request in writes(&desk)
            .iter()
            .filter(|request| request.method == "POST")
        {
            assert_eq!(request.body["_method"], "put");
            assert_eq!(request.path, "/api/v1/ticket/1002");
        }

        let deleted = write(&desk, DELETE, json!({ "id": "firstline:Ticket:1003" })).await;
        assert_eq!(
            deleted["deletedId"], "firstline:Ticket:1003",
            "{method} {support:?}"
        );
    }

    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__UPDATE_METHOD", "put")).await;
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.method_support = MethodSupport::PutOverridden);
    let input = json!({ "input": { "id": "firstline:Ticket:1002", "subject": "x" } });
    let (error, _) = desk.execute_failing(UPDATE, input).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_REJECTED");
    assert!(writes(&desk).iter().all(|request| request.method == "PUT"));
}
