//! Service records: their status, times, excerpts inside tickets, results and custom fields.

use serde_json::{Value, json};

use super::{exact_employee, livechat_log, record_id, sorted_vendor_requests, vendor_requests};
use crate::harness::{Desk, DeskOptions};

/// A record with every field, as in the vendor's documentation.
fn whole_record(id: i64) -> Value {
    json!({
        "id": id, "is_acw_completed": true, "first_enter_queue_at": "2024-03-01 09:30:00",
        "first_start_service_at": "2024-03-01 09:31:00", "acw_at": "2024-03-01 09:45:00",
        "last_finished_at": "2024-03-01 09:41:30", "handler_id": 901, "contact_id": 801,
        "memo": "called back", "bound_type": 1, "sponsor_id": 2, "result_id": 2,
        "created_at": "2024-03-01 09:30:05",
        "logs": [livechat_log(522, "2024-03-01 09:30:00", "visitor", json!([]))],
    })
}

#[tokio::test]
async fn a_service_record_has_every_field_of_the_vendor() {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(901, "alice chang"));
    desk.sandbox.firstline_insert_contact(json!({
        "id": 801, "name": "小 閎", "membership_no": 77, "identity_no": "A123456789", "birth_at": "1987-10-10 00:00:00",
    }));
    desk.sandbox.firstline_insert_record(whole_record(990_001));

    let query = "query($id: ID!) { serviceRecord(id: $id) {
        __typename id vendor vendorId channel status createdAt queuedAt startedAt endedAt durationSeconds
        handler { id name } contact { id name company membershipNo identityNo birthDate contactMethod }
        problem solution memo isResolved rating { score } category { id } customFields { key values }
        messages { totalCount edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
        summary { template } wrapUpCompletedAt boundType result { id name description }
        logs { id channel providerType queuedAt startedAt endedAt serviceSeconds statusCode canListen }
        sponsor { id name description } payment { status } remoteSession { host }
    } }";
    let expected = json!({ "serviceRecord": {
        "__typename": "ServiceRecord", "id": "firstline:ServiceRecord:990001", "vendor": "FIRSTLINE", "vendorId": "990001",
        "channel": "LIVECHAT", "status": "COMPLETED", "createdAt": "2024-03-01T09:30:05+08:00",
        "queuedAt": "2024-03-01T09:30:00+08:00", "startedAt": "2024-03-01T09:31:00+08:00",
        "endedAt": "2024-03-01T09:41:30+08:00", "durationSeconds": 630,
        "handler": { "id": "firstline:Employee:901", "name": "alice chang" },
        "contact": {
            "id": "firstline:Contact:801", "name": "小 閎", "company": null, "membershipNo": "77",
            "identityNo": "A123456789", "birthDate": "1987-10-10", "contactMethod": null,
        },
        "problem": null, "solution": null, "memo": "called back", "isResolved": null, "rating": null, "category": null,
        "customFields": null,
        "messages": { "totalCount": 0, "edges": [], "nodes": [], "pageInfo": {
            "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null,
        } },
        "summary": null, "wrapUpCompletedAt": "2024-03-01T09:45:00+08:00", "boundType": 1,
        "result": { "id": "firstline:ServiceResult:2", "name": "轉工單處理", "description": "需後續追蹤" },
        "logs": [{
            "id": "firstline:ServiceLog:522", "channel": "LIVECHAT", "providerType": null,
            "queuedAt": "2024-03-01T09:30:00+08:00", "startedAt": null, "endedAt": null, "serviceSeconds": null,
            "statusCode": 1, "canListen": true,
        }],
        "sponsor": { "id": "firstline:Sponsor:2", "name": "好日子購物", "description": "綜合電商客服委外" },
        "payment": null, "remoteSession": null,
    } });
    assert_eq!(
        desk.data(query, json!({ "id": record_id(990_001) })).await,
        expected
    );

    // The list returns the same, whatever was read before.
    let listed = query.replace("query($id: ID!) { serviceRecord(id: $id)", "{ serviceRecords(filter: {
        vendors: [FIRSTLINE], from: \"2024-03-01T00:00:00+08:00\", to: \"2024-03-01T23:59:59+08:00\" }) { nodes")
        + " }";
    let nodes = json!({ "serviceRecords": { "nodes": [expected["serviceRecord"]] } });
    assert_eq!(desk.execute(&listed).await, nodes);
    let other = Desk::open().await;
    other
        .sandbox
        .firstline_insert_employee(exact_employee(901, "alice chang"));
    other.sandbox.firstline_insert_contact(json!({
        "id": 801, "name": "小 閎", "membership_no": 77, "identity_no": "A123456789", "birth_at": "1987-10-10",
    }));
    other.sandbox.firstline_insert_record(whole_record(990_001));
    assert_eq!(other.execute(&listed).await, nodes);
    assert_eq!(
        other.data(query, json!({ "id": record_id(990_001) })).await,
        expected
    );
}

#[tokio::test]
async fn the_status_is_the_latest_step_of_the_record() {
    let desk = Desk::open().await;
    let (none, at) = (Value::Null, json!("2024-03-01 10:00:00"));
    // Wrap-up completed, its time, the end, the start, and the status that follows.
    let steps = [
        (json!(false), &none, &none, &none, "WAITING"),
        (none.clone(), &none, &none, &none, "WAITING"),
        (json!(false), &none, &none, &at, "IN_SERVICE"),
        (json!("0"), &none, &none, &at, "IN_SERVICE"),
        (json!(false), &none, &at, &at, "WRAP_UP"),
        (json!(false), &none, &at, &none, "WRAP_UP"),
        (json!(0), &at, &none, &none, "COMPLETED"),
        (none.clone(), &at, &at, &at, "COMPLETED"),
        (json!(true), &none, &none, &none, "COMPLETED"),
        (json!(1), &none, &at, &at, "COMPLETED"),
        (json!("1"), &none, &none, &at, "COMPLETED"),
    ];
    let mut ids = Vec::new();
    for (index, (is_completed, completed_at, ended_at, started_at, _)) in steps.iter().enumerate() {
        let id = 990_100 + index as i64;
        desk.sandbox.firstline_insert_record(json!({
            "id": id, "is_acw_completed": is_completed, "acw_at": completed_at, "last_finished_at": ended_at,
            "first_start_service_at": started_at, "created_at": "2024-03-01 09:00:00",
        }));
        ids.push(record_id(id));
    }
    let expected: Vec<_> = steps
        .iter()
        .map(|(.., status)| json!({ "status": status }))
        .collect();

    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { status } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn a_record_without_start_or_end_has_no_duration() {
    let desk = Desk::open().await;
    let times = [
        (
            "2024-03-01 10:00:00",
            json!("2024-03-01 10:00:00"),
            json!(0),
        ),
        (
            "2024-03-01 10:00:00",
            json!("2024-03-02 10:00:01"),
            json!(86_401),
        ),
        ("2024-03-01 10:00:00", Value::Null, Value::Null),
        ("", json!("2024-03-01 10:00:00"), Value::Null),
        (
            "2024-03-01 10:00:01",
            json!("2024-03-01 10:00:00"),
            Value::Null,
        ),
        (
            "0000-00-00 00:00:00",
            json!("2024-03-01 10:00:00"),
            Value::Null,
        ),
    ];
    let mut ids = Vec::new();
    for (index, (started_at, ended_at, _)) in times.iter().enumerate() {
        let id = desk.sandbox.firstline_insert_record(json!({
            "id": 990_200 + index as i64, "first_start_service_at": started_at, "last_finished_at": ended_at,
        }));
        ids.push(record_id(id));
    }
    let expected: Vec<_> = times
        .iter()
        .map(|(.., seconds)| json!({ "durationSeconds": seconds }))
        .collect();

    let query =
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { durationSeconds } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn a_result_with_only_null_fields_is_null() {
    let desk = Desk::open().await;
    for (id, fields) in [
        (990_301, json!({ "result_id": null })),
        (990_302, json!({ "result_id": 3 })),
        (
            990_303,
            json!({ "result_id": 99, "result": { "id": null, "name": null, "is_active": true } }),
        ),
        (990_304, json!({ "result_id": null, "result": null })),
        (990_305, json!({ "$absent": ["result", "result_id"] })),
    ] {
        let mut record = fields;
        record["id"] = json!(id);
        desk.sandbox.firstline_insert_record(record);
    }
    let ids: Vec<_> = (990_301..=990_305).map(record_id).collect();

    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { result { id name description } } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(
        data["nodes"],
        json!([
            { "result": null },
            { "result": { "id": "firstline:ServiceResult:3", "name": "客戶中途離線", "description": null } },
            { "result": { "id": "firstline:ServiceResult:99", "name": null, "description": null } },
            { "result": null },
            { "result": null },
        ])
    );
}

#[tokio::test]
async fn custom_fields_are_present_where_the_vendor_returns_them() {
    let desk = Desk::open().await;
    let id = desk
        .sandbox
        .firstline_insert_record(json!({ "id": 990_400 }));

    let update =
        "mutation($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) {
        serviceRecord { customFields { key values } } userErrors { code } } }";
    let fields = json!([
        { "key": "4", "value": "19999" }, { "key": "18", "values": ["A", "B"] },
    ]);
    let data = desk
        .data(
            update,
            json!({ "input": { "id": record_id(id), "customFields": fields } }),
        )
        .await;
    assert_eq!(
        data["updateServiceRecord"],
        json!({
            "serviceRecord": { "customFields": [
                { "key": "4", "values": ["19999"] }, { "key": "18", "values": ["A", "B"] },
            ] },
            "userErrors": [],
        })
    );
}

/// The record in a ticket's response has no start of service, no time of opening and no logs.
#[tokio::test]
async fn a_record_in_a_ticket_is_hydrated_once_and_only_for_fields_its_excerpt_lacks() {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(901, "alice chang"));
    let open = json!({
        "is_acw_completed": false, "acw_at": null, "last_finished_at": null, "handler_id": 901, "contact_id": null,
        "created_at": "2024-03-01 09:30:05", "memo": "m", "result_id": 2, "sponsor_id": null, "bound_type": 1,
        "first_enter_queue_at": "2024-03-01 09:30:00",
        "logs": [livechat_log(1, "2024-03-01 09:30:00", "visitor 1", json!([]))],
    });
    for (id, steps) in [
        (990_501, json!({ "first_start_service_at": null })),
        (
            990_502,
            json!({ "first_start_service_at": "2024-03-01 09:31:00" }),
        ),
        (
            990_503,
            json!({ "first_start_service_at": "2024-03-01 09:31:00", "last_finished_at": "2024-03-01 09:32:00" }),
        ),
        (
            990_504,
            json!({ "is_acw_completed": true, "acw_at": "2024-03-01 09:33:00" }),
        ),
    ] {
        let mut record = open.clone();
        record["id"] = json!(id);
        for (name, value) in steps.as_object().expect("steps are an object") {
            record[name] = value.clone();
        }
        desk.sandbox.firstline_insert_record(record);
    }
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 770_001, "created_at": "2024-03-01 11:00:00",
        "interact_collection_ids": [990_501, 990_502, 990_503, 990_504],
    }));
    let list = "filter: { createdFrom: \"2024-03-01T11:00:00+08:00\", createdTo: \"2024-03-01T11:00:00+08:00\" }";
    let records = |fields: &str| {
        format!("{{ tickets({list}) {{ nodes {{ serviceRecords {{ {fields} }} }} }} }}")
    };

    // Fields of the excerpt need no call besides the list of tickets.
    let data = desk.execute(&records("id queuedAt endedAt memo boundType wrapUpCompletedAt handler { id name } sponsor { id } result { id }")).await;
    let copies = &data["tickets"]["nodes"][0]["serviceRecords"];
    assert_eq!(
        copies[2],
        json!({
            "id": "firstline:ServiceRecord:990503", "queuedAt": "2024-03-01T09:30:00+08:00",
            "endedAt": "2024-03-01T09:32:00+08:00", "memo": "m", "boundType": 1, "wrapUpCompletedAt": null,
            "handler": { "id": "firstline:Employee:901", "name": "alice chang" }, "sponsor": null,
            "result": { "id": "firstline:ServiceResult:2" },
        })
    );
    assert_eq!(
        vendor_requests(&desk).len(),
        1,
        "{:?}",
        vendor_requests(&desk)
    );

    // Only WAITING and IN_SERVICE need the record itself.
    desk.forget_calls();
    let data = desk.execute(&records("status")).await;
    let statuses: Vec<_> = data["tickets"]["nodes"][0]["serviceRecords"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| record["status"].as_str().unwrap_or("null").to_owned())
        .collect();
    assert_eq!(statuses, ["WAITING", "IN_SERVICE", "WRAP_UP", "COMPLETED"]);
    assert_eq!(
        sorted_vendor_requests(&desk),
        [
            "GET /api/v1/interact-collection/990501",
            "GET /api/v1/interact-collection/990502",
        ]
    );

    // The other fields of one record need one call, however many are selected.
    let cold = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    cold.sandbox
        .firstline()
        .change_switches(|switches| switches.single_record_has_provider = true);
    for id in [990_501, 990_502] {
        let mut record = open.clone();
        record["id"] = json!(id);
        record["first_start_service_at"] = json!("2024-03-01 09:31:00");
        cold.sandbox.firstline_insert_record(record);
    }
    cold.sandbox.firstline_insert_ticket(json!({
        "id": 770_001, "created_at": "2024-03-01 11:00:00", "interact_collection_ids": [990_501, 990_502],
    }));
    let data = cold.execute(&records(
        "id status startedAt createdAt durationSeconds channel logs { id } messages { totalCount } contact { id name } customFields { key } result { name }",
    )).await;
    assert_eq!(
        data["tickets"]["nodes"][0]["serviceRecords"][0],
        json!({
            "id": "firstline:ServiceRecord:990501", "status": "IN_SERVICE", "startedAt": "2024-03-01T09:31:00+08:00",
            "createdAt": "2024-03-01T09:30:05+08:00", "durationSeconds": null, "channel": "LIVECHAT",
            "logs": [{ "id": "firstline:ServiceLog:1" }], "messages": { "totalCount": 0 },
            "contact": { "id": null, "name": "visitor 1" }, "customFields": null, "result": { "name": "轉工單處理" },
        })
    );
    let calls = sorted_vendor_requests(&cold);
    assert_eq!(
        calls[..2],
        [
            "GET /api/v1/interact-collection/990501",
            "GET /api/v1/interact-collection/990502",
        ]
    );
    assert_eq!(calls.len(), 3, "{calls:?}");
}

#[tokio::test]
async fn a_deleted_record_keeps_its_excerpt_in_the_ticket() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 770_002, "created_at": "2024-03-02 11:00:00",
        "interact_collections": [{ "id": 990_599, "is_acw_completed": false, "acw_at": null, "last_finished_at": null, "memo": "kept" }],
    }));
    let data = desk.execute("{ tickets(filter: { createdFrom: \"2024-03-02T11:00:00+08:00\", createdTo: \"2024-03-02T11:00:00+08:00\" }) {
        nodes { serviceRecords { id memo status createdAt channel messages { totalCount } } } } }").await;
    assert_eq!(
        data["tickets"]["nodes"][0]["serviceRecords"],
        json!([{
            "id": "firstline:ServiceRecord:990599", "memo": "kept", "status": null, "createdAt": null, "channel": null,
            "messages": null,
        }])
    );
}

#[tokio::test]
async fn local_times_are_read_in_the_configured_zone_across_clock_changes() {
    let desk =
        Desk::open_with(DeskOptions::default().set("FIRSTLINE__TIME_ZONE", "Europe/Berlin")).await;
    let id = desk.sandbox.firstline_insert_record(json!({
        "id": 990_601, "created_at": "2024-01-15 12:00:00", "first_enter_queue_at": "2024-07-15 12:00:00",
        // A local time that the clock change skips, and one that occurs twice.
        "first_start_service_at": "2024-03-31 02:30:00", "last_finished_at": "2024-10-27 02:30:00",
        "acw_at": "2024-10-27 03:00:00",
    }));
    let query = "query($id: ID!) { serviceRecord(id: $id) { createdAt queuedAt startedAt endedAt wrapUpCompletedAt } }";
    let data = desk.data(query, json!({ "id": record_id(id) })).await;
    assert_eq!(
        data["serviceRecord"],
        json!({
            "createdAt": "2024-01-15T12:00:00+01:00", "queuedAt": "2024-07-15T12:00:00+02:00",
            "startedAt": "2024-03-31T03:30:00+02:00", "endedAt": "2024-10-27T02:30:00+02:00",
            "wrapUpCompletedAt": "2024-10-27T03:00:00+01:00",
        })
    );

    desk.forget_calls();
    desk.execute("{ serviceRecords(first: 1, filter: { vendors: [FIRSTLINE], from: \"2024-07-01T00:00:00Z\", to: \"2024-12-01T00:00:00Z\" }) { nodes { id } } }").await;
    let call = vendor_requests(&desk).remove(0);
    assert!(
        call.contains("created_at__start=2024-07-01 01:59:59&created_at__end=2024-12-01 01:00:01"),
        "{call}"
    );
}
