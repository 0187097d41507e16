//! Responses that differ from the vendor's documentation: read where possible, otherwise a contract error.

use deskgraph::sandbox::{AnswerShape, Fault, FaultRule, ListOrder};
use serde_json::{Value, json};

use super::{record_id, ticket_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const RECORD: &str = "query($id: ID!) { serviceRecord(id: $id) { id vendorId channel status createdAt queuedAt startedAt endedAt
    durationSeconds handler { id name } contact { id name } memo customFields { key } messages { totalCount } logs { id }
    wrapUpCompletedAt boundType result { id } sponsor { id } } }";
const TICKET: &str = "query($id: ID!) { ticket(id: $id) { id subject status priority dueAt isOverdue contact { id } category { id }
    handler { id } sponsor { id } terminationCode { id } } }";

/// A 2xx response with exactly this body, in place of the sandbox's own.
fn answer_with(desk: &Desk, line: &str, body: &str) {
    let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
    let fault = Fault::Status {
        code: 200,
        body: body.to_owned(),
        headers,
    };
    desk.sandbox.firstline().clear_faults();
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new(line, fault));
}

async fn uncached() -> Desk {
    Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await
}

#[tokio::test]
async fn a_record_is_read_bare_or_wrapped_and_with_numbers_as_strings() {
    let desk = uncached().await;
    let numbers = r#"{"id":5,"is_acw_completed":false,"handler_id":7,"handler":{"id":7,"name":"n"},"bound_type":1,"sponsor_id":2,
        "sponsor":{"id":2,"name":"s","description":null},"result_id":3,"result":{"id":3,"name":"r","description":null},
        "contact_id":4,"contact":{"id":4,"name":"c"},"memo":"12","created_at":"2024-03-01 10:00:00",
        "first_start_service_at":"2024-03-01 10:00:00","logs":[{"id":8,"provider_type":"App\\SmsContentProvider","provider":{"message":[{"id":9}]}}]}"#;
    let texts = r#"{"id":"5","is_acw_completed":"0","handler_id":"7","handler":{"id":"7","name":"n"},"bound_type":"1","sponsor_id":"2",
        "sponsor":{"id":"2","name":"s","description":null},"result_id":"3","result":{"id":"3","name":"r","description":null},
        "contact_id":"4","contact":{"id":"4","name":"c"},"memo":12,"created_at":"2024-3-1 10:00:00",
        "first_start_service_at":"2024-03-01T10:00:00+08:00","logs":[{"id":"8","provider_type":"App\\SmsContentProvider","provider":{"message":[{"id":"9"}]}}],
        "unknown":{"deep":[1]}}"#;
    let wrapped = format!("{{\"data\":{numbers}}}");
    let marked = format!("\u{feff}{{\"data\":{texts},\"status\":\"ok\"}}\n");
    for body in [numbers, texts, &wrapped, &marked] {
        answer_with(&desk, "GET /api/v1/interact-collection/5", body);
        let data = desk.data(RECORD, json!({ "id": record_id(5) })).await;
        assert_eq!(
            data["serviceRecord"],
            json!({
                "id": "firstline:ServiceRecord:5", "vendorId": "5", "channel": "SMS", "status": "IN_SERVICE",
                "createdAt": "2024-03-01T10:00:00+08:00", "queuedAt": null, "startedAt": "2024-03-01T10:00:00+08:00",
                "endedAt": null, "durationSeconds": null, "handler": { "id": "firstline:Employee:7", "name": "n" },
                "contact": { "id": "firstline:Contact:4", "name": "c" }, "memo": "12", "customFields": null,
                "messages": { "totalCount": 1 }, "logs": [{ "id": "firstline:ServiceLog:8" }], "wrapUpCompletedAt": null,
                "boundType": 1, "result": { "id": "firstline:ServiceResult:3" }, "sponsor": { "id": "firstline:Sponsor:2" },
            }),
            "{body}"
        );
    }
}

#[tokio::test]
async fn every_field_but_the_id_may_be_missing_or_of_another_type() {
    let desk = uncached().await;
    let nothing = json!({
        "id": "firstline:ServiceRecord:5", "vendorId": "5", "channel": "UNKNOWN", "status": "WAITING", "createdAt": null,
        "queuedAt": null, "startedAt": null, "endedAt": null, "durationSeconds": null, "handler": null, "contact": null,
        "memo": null, "customFields": null, "messages": { "totalCount": 0 }, "logs": [], "wrapUpCompletedAt": null,
        "boundType": null, "result": null, "sponsor": null,
    });
    let fields = [
        "is_acw_completed",
        "first_enter_queue_at",
        "first_start_service_at",
        "acw_at",
        "last_finished_at",
        "handler_id",
        "handler",
        "contact_id",
        "contact",
        "memo",
        "bound_type",
        "logs",
        "sponsor_id",
        "sponsor",
        "result_id",
        "result",
        "created_at",
        "cz_cols",
    ];
    let spoilt = |value: Value| {
        let mut record = json!({ "id": 5 });
        for field in fields {
            record[field] = value.clone();
        }
        record.to_string()
    };
    for body in [
        json!({ "id": 5 }).to_string(),
        spoilt(Value::Null),
        spoilt(json!({})),
        spoilt(json!("")),
        spoilt(json!(-1)),
        spoilt(json!([])),
    ] {
        answer_with(&desk, "GET /api/v1/interact-collection/5", &body);
        let mut returned =
            desk.data(RECORD, json!({ "id": record_id(5) })).await["serviceRecord"].take();
        // -1 is a number, and [] is an empty list of custom fields.
        returned["boundType"] = Value::Null;
        returned["customFields"] = Value::Null;
        returned["memo"] = Value::Null;
        assert_eq!(returned, nothing, "{body}");
    }
    for value in [
        json!(true),
        json!([[], {}, null, 5, "x"]),
        json!({ "id": {} }),
        json!(1e300),
        json!("\u{0}"),
        json!("9".repeat(400)),
    ] {
        answer_with(
            &desk,
            "GET /api/v1/interact-collection/5",
            &spoilt(value.clone()),
        );
        let answer = desk.answer(RECORD, json!({ "id": record_id(5) })).await;
        assert_eq!(
            answer["data"]["serviceRecord"]["vendorId"], "5",
            "{value}: {answer}"
        );

        let mut ticket = json!({ "id": 6 });
        for field in [
            "subject",
            "status",
            "priority",
            "due_at",
            "contact",
            "contact_id",
            "sub_category",
            "sub_category_id",
            "category",
            "category_id",
            "handler",
            "handler_id",
            "sponsor",
            "sponsor_id",
            "termination_code",
            "termination_code_id",
            "created_at",
            "creater",
            "interact_collections",
        ] {
            ticket[field] = value.clone();
        }
        answer_with(&desk, "GET /api/v1/ticket/6", &ticket.to_string());
        let answer = desk.answer(TICKET, json!({ "id": ticket_id(6) })).await;
        assert_eq!(
            answer["data"]["ticket"]["id"], "firstline:Ticket:6",
            "{value}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_malformed_response_is_a_contract_error_and_nulls_only_its_field() {
    let desk = uncached().await;
    let queries = [
        (
            "GET /api/v1/interact-collection/5",
            "serviceRecord(id: \"firstline:ServiceRecord:5\") { id }",
            "serviceRecord",
        ),
        (
            "GET /api/v1/ticket/5",
            "ticket(id: \"firstline:Ticket:5\") { id }",
            "ticket",
        ),
        ("GET /api/v1/ticket?", "tickets { nodes { id } }", "tickets"),
        (
            "GET /api/v1/employee",
            "employee(id: \"firstline:Employee:5\") { id }",
            "employee",
        ),
        ("GET /api/v1/sponsor", "sponsors { id }", "sponsors"),
        (
            "GET /api/v1/ticket-termination-code",
            "terminationCodes { id }",
            "terminationCodes",
        ),
        (
            "GET /api/v1/category",
            "categories(vendors: [FIRSTLINE]) { nodes { id } }",
            "categories",
        ),
        (
            "GET /api/v1/interact-collection?",
            "serviceRecords(filter: { vendors: [FIRSTLINE] }) { nodes { id } }",
            "serviceRecords",
        ),
    ];
    let bodies = [
        "",
        "null",
        "[]",
        "5",
        "\"text\"",
        "{}",
        "<html></html>",
        "{\"id\":5",
        "{\"id\":5}trailing",
        "{\"data\":null}",
        "{\"data\":\"x\"}",
        "{\"data\":{}}",
        "{\"data\":[{}]}",
        "{\"data\":[null]}",
        "{\"data\":[{\"id\":null}]}",
        "{\"id\":\"x\"}",
        "{\"message\":\"ok\"}",
    ];
    for (line, field, name) in queries {
        for body in bodies {
            answer_with(&desk, line, body);
            let query = format!("{{ vendors {{ vendor }} {field} }}");
            let (error, data) = desk.execute_failing(&query, Value::Null).await;
            assert_eq!(data[name], Value::Null, "{line} {body}");
            assert_eq!(data["vendors"].as_array().map(Vec::len), Some(2));
            assert_eq!(error["path"], json!([name]), "{line} {body}");
            assert_eq!(
                error["extensions"],
                json!({
                    "code": "UPSTREAM_CONTRACT", "vendor": "FIRSTLINE", "vendorCode": "BAD_RESPONSE", "retryable": false,
                }),
                "{line} {body}"
            );
        }
    }
    for fault in [Fault::NotJson, Fault::WrongShape] {
        desk.sandbox.firstline().clear_faults();
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("", fault));
        desk.forget_calls();
        let (error, _) = desk
            .execute_failing("{ tickets { nodes { id } } }", Value::Null)
            .await;
        assert_eq!(error["extensions"]["vendorCode"], "BAD_RESPONSE");
    }
}

#[tokio::test]
async fn lists_without_meta_or_with_links_are_read_to_their_end() {
    for order in [ListOrder::IdAscending, ListOrder::IdDescending] {
        for (has_meta, has_links) in [(true, true), (false, true), (false, false)] {
            let desk = Desk::open().await;
            desk.sandbox.firstline().change_switches(|switches| {
                switches.meta_in_lists = has_meta;
                switches.links_in_lists = has_links;
                switches.ticket_order = order;
                switches.lookup_order = order;
                switches.single_answer = AnswerShape::Wrapped;
            });
            let place = format!("{order:?} meta {has_meta} links {has_links}");
            let data = desk.execute("{ sponsors { id } employees(first: 100, filter: { vendors: [FIRSTLINE] }) { nodes { id } }
                categories(vendors: [FIRSTLINE]) { nodes { id children { id } } } }").await;
            assert_eq!(
                data["sponsors"].as_array().map(Vec::len),
                Some(4),
                "{place}"
            );
            assert_eq!(
                data["employees"]["nodes"].as_array().map(Vec::len),
                Some(40),
                "{place}"
            );
            assert_eq!(
                data["categories"]["nodes"].as_array().map(Vec::len),
                Some(8),
                "{place}"
            );

            for (id, day) in [
                (777_001, "2024-07-01"),
                (777_002, "2024-07-02"),
                (777_003, "2024-07-03"),
            ] {
                desk.sandbox.firstline_insert_ticket(
                    json!({ "id": id, "subject": "few", "created_at": format!("{day} 10:00:00") }),
                );
            }
            let data = desk.execute("{ tickets(first: 2, filter: { search: \"few\" }) { nodes { vendorId } pageInfo { hasNextPage } } }").await;
            assert_eq!(
                data["tickets"],
                json!({
                    "nodes": [{ "vendorId": "777003" }, { "vendorId": "777002" }], "pageInfo": { "hasNextPage": true },
                }),
                "{place}"
            );
            let data = desk.data(TICKET, json!({ "id": ticket_id(777_001) })).await;
            assert_eq!(data["ticket"]["subject"], "few", "{place}");
        }
    }
}

#[tokio::test]
async fn a_missing_object_is_null_without_an_error() {
    let desk = Desk::open().await;
    let largest = i64::MAX;
    let data = desk.execute(&format!("{{ serviceRecord(id: \"{}\") {{ id }} ticket(id: \"{}\") {{ id }} employee(id: \"firstline:Employee:{largest}\") {{ id }}
        category(id: \"firstline:Category:1-{largest}\") {{ id }} }}", record_id(largest), ticket_id(largest))).await;
    assert_eq!(
        data,
        json!({ "serviceRecord": null, "ticket": null, "employee": null, "category": null })
    );
    assert!(vendor_requests(&desk).contains(&format!("GET /api/v1/ticket/{largest}")));
}

#[tokio::test]
async fn custom_fields_have_one_many_or_no_values() {
    let desk = uncached().await;
    let body = r#"{"data":{"id":5,"cz_cols":[{"id":4,"value":"123456"},{"id":"7","value":19999},{"id":18,"value":["A","B"]},
        {"id":19,"value":null},{"id":20,"value":[]},{"id":21},{"value":"without an id"},null]}}"#;
    answer_with(&desk, "GET /api/v1/interact-collection/5", body);
    let query = "query($id: ID!) { serviceRecord(id: $id) { customFields { key values } } }";
    let data = desk.data(query, json!({ "id": record_id(5) })).await;
    assert_eq!(
        data["serviceRecord"]["customFields"],
        json!([
            { "key": "4", "values": ["123456"] }, { "key": "7", "values": ["19999"] }, { "key": "18", "values": ["A", "B"] },
            { "key": "19", "values": [] }, { "key": "20", "values": [] }, { "key": "21", "values": [] },
        ])
    );
}
