//! Tickets: every field, unknown codes, and due dates.

use serde_json::{Value, json};

use super::{exact_employee, ticket_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const WHOLE_TICKET: &str = "__typename id vendor vendorId subject content status statusMemo priority dueAt isOverdue
    createdAt updatedAt contact { id name company membershipNo identityNo birthDate contactMethod }
    category { id level name description parent { id level name parent { id } } }
    handler { id name employeeNo photoUrl extension groups { id name supervisor { id } } createdAt updatedAt }
    creator { id name } sponsor { id vendor vendorId name description }
    terminationCode { id vendor vendorId name description status } serviceRecords { id }";

async fn desk_with_a_whole_ticket() -> Desk {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(901, "alice chang"));
    desk.sandbox
        .firstline_insert_employee(exact_employee(902, "bob"));
    desk.sandbox.firstline_insert_contact(json!({
        "id": 802, "name": "小 閎", "membership_no": "", "identity_no": "A123456789", "birth_at": "1987-10-10",
    }));
    desk.sandbox
        .firstline_insert_record(json!({ "id": 993_901, "created_at": "2024-04-01 10:00:00" }));
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 771_001, "subject": "無法通話", "content": "無法通話\n#處理完成", "due_at": "2024-04-03 18:00:00", "status": 2,
        "status_memo": "done", "priority": 3, "contact_id": 802, "sub_category_id": 31, "handler_id": 901,
        "creater_id": 902, "interact_collection_ids": [993_901], "sponsor_id": 3, "termination_code_id": 1,
        "created_at": "2024-04-01 11:00:00", "updated_at": "2024-04-02 12:00:00",
    }));
    desk
}

#[tokio::test]
async fn a_ticket_has_every_field_of_the_vendor_by_id_and_in_the_list() {
    let expected = json!({
        "__typename": "Ticket", "id": "firstline:Ticket:771001", "vendor": "FIRSTLINE", "vendorId": "771001",
        "subject": "無法通話", "content": "無法通話\n#處理完成", "status": "RESOLVED", "statusMemo": "done",
        "priority": "URGENT", "dueAt": "2024-04-03T18:00:00+08:00", "isOverdue": false,
        "createdAt": "2024-04-01T11:00:00+08:00", "updatedAt": "2024-04-02T12:00:00+08:00",
        "contact": {
            "id": "firstline:Contact:802", "name": "小 閎", "company": null, "membershipNo": null,
            "identityNo": "A123456789", "birthDate": "1987-10-10", "contactMethod": null,
        },
        "category": {
            "id": "firstline:Category:2-31", "level": 2, "name": "信用卡刷卡失敗", "description": null,
            "parent": { "id": "firstline:Category:1-4", "level": 1, "name": "付款與發票", "parent": null },
        },
        "handler": {
            "id": "firstline:Employee:901", "name": "alice chang", "employeeNo": "alice", "photoUrl": null,
            "extension": "8002", "createdAt": "2019-05-07T12:37:48+08:00", "updatedAt": "2021-01-07T10:28:04+08:00",
            "groups": [{
                "id": "firstline:EmployeeGroup:1", "name": "客服小組", "supervisor": { "id": "firstline:Employee:4" },
            }],
        },
        "creator": { "id": "firstline:Employee:902", "name": "bob" },
        "sponsor": {
            "id": "firstline:Sponsor:3", "vendor": "FIRSTLINE", "vendorId": "3", "name": "晨光家電",
            "description": "家電售後服務專線",
        },
        // The status of the code, not of the ticket.
        "terminationCode": {
            "id": "firstline:TerminationCode:1", "vendor": "FIRSTLINE", "vendorId": "1", "name": "尚未知曉",
            "description": null, "status": "PENDING",
        },
        "serviceRecords": [{ "id": "firstline:ServiceRecord:993901" }],
    });
    let ticket = format!("query($id: ID!) {{ ticket(id: $id) {{ {WHOLE_TICKET} }} }}");
    let tickets = format!(
        "{{ tickets(filter: {{ createdFrom: \"2024-04-01T11:00:00+08:00\", createdTo: \"2024-04-01T11:00:00+08:00\" }}) {{
            nodes {{ {WHOLE_TICKET} }} }} }}"
    );
    let node =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on Ticket {{ {WHOLE_TICKET} }} }} }}");
    let id = json!({ "id": ticket_id(771_001) });

    for order in [
        ["alone", "listed", "node"],
        ["listed", "node", "alone"],
        ["node", "alone", "listed"],
    ] {
        let desk = desk_with_a_whole_ticket().await;
        for place in order {
            let mut returned = match place {
                "alone" => desk.data(&ticket, id.clone()).await["ticket"].take(),
                "node" => desk.data(&node, id.clone()).await["node"].take(),
                _ => desk.execute(&tickets).await["tickets"]["nodes"][0].take(),
            };
            let photo = returned["handler"]["photoUrl"].as_str();
            assert!(
                photo.is_some_and(|url| url.starts_with("/photos/")),
                "{photo:?}"
            );
            returned["handler"]["photoUrl"] = Value::Null;
            assert_eq!(returned, expected, "{place} in {order:?}");
        }
    }
}

#[tokio::test]
async fn creator_and_records_of_a_ticket_are_read_once_from_the_list_at_its_creation_time() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(902, "bob"));
    desk.sandbox
        .firstline_insert_record(json!({ "id": 993_902 }));
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 771_002, "created_at": "2024-04-02 11:00:00", "creater_id": 902, "interact_collection_ids": [993_902],
    }));
    let single = "GET /api/v1/ticket/771002";
    let list = "GET /api/v1/ticket?created_at__start=2024-04-02 10:59:59&created_at__end=2024-04-02 11:00:01&page=1&per_page=100";
    let id = json!({ "id": ticket_id(771_002) });

    let query =
        "query($id: ID!) { ticket(id: $id) { subject status handler { id } sponsor { id } } }";
    desk.data(query, id.clone()).await;
    assert_eq!(vendor_requests(&desk), [single]);

    desk.forget_calls();
    let query = "query($id: ID!) { ticket(id: $id) { creator { id name } serviceRecords { id memo } again: creator { employeeNo } } }";
    let data = desk.data(query, id.clone()).await;
    assert_eq!(
        data["ticket"],
        json!({
            "creator": { "id": "firstline:Employee:902", "name": "bob" },
            "serviceRecords": [{ "id": "firstline:ServiceRecord:993902", "memo": null }],
            "again": { "employeeNo": "alice" },
        })
    );
    assert_eq!(vendor_requests(&desk), [single, list]);

    // It is found among other tickets of the same second, too.
    for other in 0..120 {
        desk.sandbox.firstline_insert_ticket(
            json!({ "id": 772_000 + other, "created_at": "2024-04-02 11:00:00" }),
        );
    }
    desk.forget_calls();
    let data = desk.data(query, id).await;
    assert_eq!(data["ticket"]["creator"]["name"], "bob");
    assert_eq!(
        vendor_requests(&desk).len(),
        3,
        "{:?}",
        vendor_requests(&desk)
    );
}

#[tokio::test]
async fn a_ticket_missing_from_the_list_has_no_creator_and_no_records() {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_ticket(json!({ "id": 771_003, "$absent": ["created_at"] }));
    let query =
        "query($id: ID!) { ticket(id: $id) { id createdAt creator { id } serviceRecords { id } } }";
    let data = desk.data(query, json!({ "id": ticket_id(771_003) })).await;
    assert_eq!(
        data["ticket"],
        json!({
            "id": "firstline:Ticket:771003", "createdAt": null, "creator": null, "serviceRecords": null,
        })
    );

    let data = desk
        .data(query, json!({ "id": ticket_id(4_000_000) }))
        .await;
    assert_eq!(data["ticket"], Value::Null);
}

#[tokio::test]
async fn unknown_status_and_priority_codes_are_kept_as_raw_data() {
    let desk = Desk::open().await;
    let codes = [
        (json!(0), "PENDING", "LOW"),
        (json!(1), "IN_PROGRESS", "MEDIUM"),
        (json!(2), "RESOLVED", "HIGH"),
        (json!(3), "CLOSED", "URGENT"),
        (json!("2"), "RESOLVED", "HIGH"),
        (json!(4), "UNKNOWN", "UNKNOWN"),
        (json!(-1), "UNKNOWN", "UNKNOWN"),
        (json!("urgent"), "UNKNOWN", "UNKNOWN"),
        (Value::Null, "UNKNOWN", "UNKNOWN"),
        (json!({}), "UNKNOWN", "UNKNOWN"),
        (json!(99_999_999_999_i64), "UNKNOWN", "UNKNOWN"),
    ];
    let mut ids = Vec::new();
    for (index, (code, ..)) in codes.iter().enumerate() {
        let id = desk.sandbox.firstline_insert_ticket(json!({
            "id": 771_100 + index as i64, "status": code, "priority": code,
            "termination_code": { "id": 5, "name": "n", "description": null, "status": code },
        }));
        ids.push(ticket_id(id));
    }
    let expected: Vec<_> = codes
        .iter()
        .map(|(_, status, priority)| {
            json!({
                "status": status, "priority": priority, "terminationCode": { "status": status },
            })
        })
        .collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Ticket { status priority terminationCode { status } } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn a_ticket_is_overdue_when_it_is_past_due_and_open() {
    let desk = Desk::open().await;
    let (past, future) = (json!("2024-01-01 00:00:00"), json!("2099-01-01 00:00:00"));
    let cases = [
        (0, past.clone(), true),
        (1, past.clone(), true),
        (2, past.clone(), false),
        (3, past.clone(), false),
        (9, past, true),
        (0, future, false),
        (1, Value::Null, false),
        (1, json!(""), false),
    ];
    let mut ids = Vec::new();
    for (index, (status, due_at, _)) in cases.iter().enumerate() {
        let id = desk.sandbox.firstline_insert_ticket(json!({
            "id": 771_200 + index as i64, "status": status, "due_at": due_at,
        }));
        ids.push(ticket_id(id));
    }
    let expected: Vec<_> = cases
        .iter()
        .map(|(.., is_overdue)| json!({ "isOverdue": is_overdue }))
        .collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Ticket { isOverdue } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn fields_that_the_vendor_leaves_out_of_a_ticket_are_null() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_ticket(json!({ "id": 771_300, "$absent": [
        "subject", "content", "due_at", "status", "status_memo", "priority", "contact", "contact_id", "sub_category",
        "sub_category_id", "handler", "handler_id", "sponsor", "sponsor_id", "campaign_queue", "campaign_queue_id",
        "termination_code", "termination_code_id", "category", "category_id", "updated_at", "creater",
        "interact_collections",
    ], "created_at": "2024-04-05 11:00:00" }));
    let query = format!("query($id: ID!) {{ ticket(id: $id) {{ {WHOLE_TICKET} }} }}");
    let data = desk.data(&query, json!({ "id": ticket_id(771_300) })).await;
    assert_eq!(
        data["ticket"],
        json!({
            "__typename": "Ticket", "id": "firstline:Ticket:771300", "vendor": "FIRSTLINE", "vendorId": "771300",
            "subject": null, "content": null, "status": "UNKNOWN", "statusMemo": null, "priority": "UNKNOWN",
            "dueAt": null, "isOverdue": false, "createdAt": "2024-04-05T11:00:00+08:00", "updatedAt": null, "contact": null,
            "category": null, "handler": null, "creator": null, "sponsor": null, "terminationCode": null,
            "serviceRecords": null,
        })
    );
}
