//! Chats: where the messages of a record are, who sent them, pages of them, and the name of an anonymous visitor.

use serde_json::{Value, json};

use super::{livechat_log, log_of, record_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

fn message(id: i64, content: &str, at: &str) -> Value {
    json!({
        "id": id, "type": "text", "content": content, "is_contact": true, "is_system": false, "is_csat": false,
        "is_kb": false, "kb_id": null, "sender_id": 5, "question": null, "at": at,
    })
}

fn record_with(id: i64, messages: Value) -> Value {
    json!({
        "id": id, "created_at": "2024-03-01 12:23:25", "contact_id": null,
        "logs": [livechat_log(522, "2024-03-01 12:20:00", "b97beb2d", messages)],
    })
}

fn list_call(path: &str) -> String {
    format!(
        "GET {path}?created_at__start=2024-03-01 12:23:24&created_at__end=2024-03-01 12:23:26&page=1&per_page=100"
    )
}

const WHOLE_CHAT: &str = "query($id: ID!) { serviceRecord(id: $id) {
    contact { id name company membershipNo }
    messages { totalCount nodes { id sentAt kind text isSurvey rawType sender { role name employee { id } } serviceRecord { id } } }
} }";

#[tokio::test]
async fn messages_and_the_visitors_name_are_found_in_the_record_and_in_the_list() {
    let expected = json!({ "serviceRecord": {
        "contact": { "id": null, "name": "b97beb2d", "company": null, "membershipNo": null },
        "messages": { "totalCount": 1, "nodes": [{
            "id": "firstline:ChatMessage:992001/2675", "sentAt": "2024-03-01T12:20:00+08:00", "kind": "TEXT",
            "text": "哈囉", "isSurvey": false, "rawType": "text",
            "sender": { "role": "CUSTOMER", "name": "b97beb2d", "employee": null },
            "serviceRecord": { "id": "firstline:ServiceRecord:992001" },
        }] },
    } });
    let single = "GET /api/v1/interact-collection/992001".to_owned();
    let list = list_call("/api/v1/interact-collection");

    for (has_provider, calls) in [(true, vec![single.clone()]), (false, vec![single, list])] {
        let desk = Desk::open().await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.single_record_has_provider = has_provider);
        let messages = json!([message(2675, "哈囉", "2024-03-01 12:20:00")]);
        desk.sandbox
            .firstline_insert_record(record_with(992_001, messages));

        let data = desk
            .data(WHOLE_CHAT, json!({ "id": record_id(992_001) }))
            .await;
        assert_eq!(data, expected, "{has_provider}");
        assert_eq!(vendor_requests(&desk), calls, "{has_provider}");
    }
}

#[tokio::test]
async fn the_visitors_name_and_the_messages_are_found_independently() {
    for (fields, expected) in [
        (
            "contact { name }",
            json!({ "contact": { "name": "b97beb2d" } }),
        ),
        (
            "messages { nodes { text } }",
            json!({ "messages": { "nodes": [{ "text": "one" }] } }),
        ),
        (
            "messages { totalCount }",
            json!({ "messages": { "totalCount": 1 } }),
        ),
    ] {
        for has_provider in [true, false] {
            let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
            desk.sandbox
                .firstline()
                .change_switches(|switches| switches.single_record_has_provider = has_provider);
            desk.sandbox.firstline_insert_record(record_with(
                992_010,
                json!([message(1, "one", "2024-03-01 12:20:00")]),
            ));

            let query = format!("query($id: ID!) {{ serviceRecord(id: $id) {{ {fields} }} }}");
            let data = desk.data(&query, json!({ "id": record_id(992_010) })).await;
            assert_eq!(data["serviceRecord"], expected, "{fields} {has_provider}");
            assert_eq!(
                vendor_requests(&desk).len(),
                if has_provider { 1 } else { 2 },
                "{fields} {:?}",
                vendor_requests(&desk)
            );
        }
    }
}

#[tokio::test]
async fn chats_of_a_list_need_no_further_call() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_record(record_with(
        992_020,
        json!([message(1, "one", "2024-03-01 12:20:00")]),
    ));
    let data = desk.execute("{ serviceRecords(filter: { vendors: [FIRSTLINE], from: \"2024-03-01T12:23:25+08:00\", to: \"2024-03-01T12:23:25+08:00\" }) {
        nodes { id contact { id name } messages { nodes { text } } } } }").await;
    assert_eq!(
        data["serviceRecords"]["nodes"],
        json!([{
            "id": record_id(992_020), "contact": { "id": null, "name": "b97beb2d" },
            "messages": { "nodes": [{ "text": "one" }] },
        }])
    );
    assert_eq!(
        vendor_requests(&desk).len(),
        1,
        "{:?}",
        vendor_requests(&desk)
    );
}

#[tokio::test]
async fn the_role_of_a_sender_comes_from_the_flags() {
    let desk = Desk::open().await;
    let flagged = |id: i64, is_system: Value, is_contact: Value, is_kb: Value| {
        json!({
            "id": id, "type": "text", "content": "x", "is_system": is_system, "is_contact": is_contact, "is_kb": is_kb,
            "is_csat": id == 3, "at": "2024-03-01 12:00:00",
        })
    };
    let (yes, no) = (json!(true), json!(false));
    let messages = json!([
        flagged(1, yes.clone(), no.clone(), no.clone()),
        flagged(2, no.clone(), yes.clone(), no.clone()),
        flagged(3, no.clone(), no.clone(), yes.clone()),
        flagged(4, no.clone(), no.clone(), no.clone()),
        flagged(5, json!("0"), json!("1"), json!(0)),
        flagged(6, json!(1), json!(0), json!(0)),
        flagged(7, Value::Null, Value::Null, Value::Null),
        flagged(8, yes.clone(), yes.clone(), yes.clone()),
    ]);
    desk.sandbox
        .firstline_insert_record(record_with(992_030, messages));
    let query = "query($id: ID!) { serviceRecord(id: $id) { messages { nodes { isSurvey sender { role name employee { id } } } } } }";
    let data = desk.data(query, json!({ "id": record_id(992_030) })).await;
    let roles = [
        "SYSTEM", "CUSTOMER", "BOT", "AGENT", "CUSTOMER", "SYSTEM", "UNKNOWN", "SYSTEM",
    ];
    let expected: Vec<_> = roles
        .iter()
        .enumerate()
        .map(|(index, role)| {
            json!({
                "isSurvey": index == 2,
                "sender": { "role": role, "name": (*role == "CUSTOMER").then_some("b97beb2d"), "employee": null },
            })
        })
        .collect();
    assert_eq!(data["serviceRecord"]["messages"]["nodes"], json!(expected));
}

#[tokio::test]
async fn a_non_text_message_keeps_its_type() {
    let desk = Desk::open().await;
    let typed = |id: i64, kind: Value, content: Value| json!({ "id": id, "type": kind, "content": content, "is_contact": false, "at": "2024-03-01 12:00:00" });
    desk.sandbox.firstline_insert_record(record_with(
        992_040,
        json!([
            typed(1, json!("image"), json!("https://files.example/1.png")),
            typed(2, json!("file"), json!("report.pdf")),
            typed(3, json!("carousel"), json!({ "columns": [{ "text": "x" }] })),
            typed(4, json!("text"), json!("")),
            typed(5, Value::Null, json!(null)),
            { "id": 6, "at": "2024-03-01 12:00:00" },
            { "content": "without an id" },
            "nonsense",
        ]),
    ));
    let query = "query($id: ID!) { serviceRecord(id: $id) { messages { totalCount nodes { id kind rawType text } } } }";
    let data = desk.data(query, json!({ "id": record_id(992_040) })).await;
    let message = |id: i64, kind: &str, raw: Value, text: Value| {
        json!({
            "id": format!("firstline:ChatMessage:992040/{id}"), "kind": kind, "rawType": raw, "text": text,
        })
    };
    assert_eq!(
        data["serviceRecord"]["messages"],
        json!({ "totalCount": 6, "nodes": [
        message(1, "IMAGE", json!("image"), json!("https://files.example/1.png")),
        message(2, "FILE", json!("file"), json!("report.pdf")),
        message(3, "OTHER", json!("carousel"), Value::Null),
        message(4, "TEXT", json!("text"), Value::Null),
        message(5, "OTHER", Value::Null, Value::Null),
        message(6, "OTHER", Value::Null, Value::Null),
    ] })
    );
}

#[tokio::test]
async fn messages_are_paged_oldest_first_and_refetched_by_id() {
    for has_provider in [true, false] {
        let desk = Desk::open().await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.single_record_has_provider = has_provider);
        // Two logs of one chat, newer first: some messages are in one log only, one is in both.
        let first = json!([
            message(12, "m2", "2024-03-01 12:02:00"),
            message(11, "m1", "2024-03-01 12:01:00"),
            message(13, "m3", "2024-03-01 12:03:00"),
        ]);
        let second = json!([
            message(13, "m3", "2024-03-01 12:03:00"),
            message(15, "m5", "2024-03-01 12:05:00"),
            message(14, "m4", "2024-03-01 12:05:00"),
        ]);
        desk.sandbox.firstline_insert_record(json!({
            "id": 992_050, "created_at": "2024-03-01 12:23:25", "logs": [
                livechat_log(2, "2024-03-01 12:10:00", "v", second), livechat_log(1, "2024-03-01 12:00:00", "v", first),
            ],
        }));
        let id = record_id(992_050);
        let query = "query($id: ID!, $after: String) { serviceRecord(id: $id) { messages(first: 2, after: $after) {
            totalCount edges { cursor node { id text } } nodes { text } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

        let mut after = Value::Null;
        let mut texts = Vec::new();
        let mut ids = Vec::new();
        let mut pages = 0;
        loop {
            let data = desk.data(query, json!({ "id": id, "after": after })).await;
            let page = &data["serviceRecord"]["messages"];
            pages += 1;
            assert_eq!(page["totalCount"], 5);
            assert_eq!(page["pageInfo"]["hasPreviousPage"], pages > 1);
            let edges = page["edges"].as_array().expect("edges are a list");
            for edge in edges {
                texts.push(edge["node"]["text"].clone());
                ids.push(edge["node"]["id"].clone());
            }
            assert_eq!(page["pageInfo"]["startCursor"], edges[0]["cursor"]);
            assert_eq!(
                page["pageInfo"]["endCursor"],
                edges[edges.len() - 1]["cursor"]
            );
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(pages, 3);
        assert_eq!(json!(texts), json!(["m1", "m2", "m3", "m4", "m5"]));
        assert_eq!(ids[0], "firstline:ChatMessage:992050/11");

        // After the end there is nothing, and a cursor of another record is invalid.
        let beyond = desk.data(query, json!({ "id": id, "after": after })).await;
        assert_eq!(beyond["serviceRecord"]["messages"]["nodes"], json!([]));
        assert_eq!(
            beyond["serviceRecord"]["messages"]["pageInfo"]["hasNextPage"],
            false
        );
        desk.sandbox
            .firstline_insert_record(record_with(992_051, json!([])));
        for wrong in [after.clone(), json!(""), json!("garbage")] {
            let (error, data) = desk
                .execute_failing(query, json!({ "id": record_id(992_051), "after": wrong }))
                .await;
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
            assert_eq!(data, json!({ "serviceRecord": { "messages": null } }));
        }

        let again = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on ChatMessage { text serviceRecord { id } } } }";
        let data = desk.data(again, json!({ "ids": [ids[3], ids[0], "firstline:ChatMessage:992050/99", "firstline:ChatMessage:4/1"] })).await;
        assert_eq!(
            data["nodes"],
            json!([
                { "id": "firstline:ChatMessage:992050/14", "text": "m4", "serviceRecord": { "id": id } },
                { "id": "firstline:ChatMessage:992050/11", "text": "m1", "serviceRecord": { "id": id } },
                null, null,
            ])
        );
        let single = "query($id: ID!) { node(id: $id) { __typename ... on ChatMessage { text } } }";
        let data = desk.data(single, json!({ "id": ids[4] })).await;
        assert_eq!(
            data["node"],
            json!({ "__typename": "ChatMessage", "text": "m5" })
        );
    }
}

#[tokio::test]
async fn a_record_that_cannot_have_a_chat_has_an_empty_connection() {
    let desk = Desk::open().await;
    let at = json!("2024-03-01 12:00:00");
    for (id, logs) in [
        (992_060, json!([])),
        (
            992_061,
            json!([log_of(1, at.clone(), json!("App\\PhoneContentProvider"))]),
        ),
        (
            992_062,
            json!([log_of(1, at.clone(), json!("App\\MailContentProvider"))]),
        ),
        (
            992_063,
            json!([{ "id": 1, "provider_type": "App\\SmsContentProvider", "provider": null }]),
        ),
        (
            992_064,
            json!([{ "id": 1, "provider_type": "App\\LivechatContentProvider" }]),
        ),
        (
            992_065,
            json!([{ "id": 1, "provider_type": "App\\LivechatContentProvider", "provider": { "message": null } }]),
        ),
        (
            992_066,
            json!([{ "id": 1, "provider_type": "App\\LivechatContentProvider", "provider": [] }]),
        ),
    ] {
        desk.sandbox.firstline_insert_record(
            json!({ "id": id, "created_at": "2024-03-01 12:23:25", "logs": logs }),
        );
    }
    let ids: Vec<_> = (992_060..=992_066).map(record_id).collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { contact { name } messages {
        totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";
    let empty = json!({ "contact": null, "messages": {
        "totalCount": 0, "nodes": [], "edges": [],
        "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
    } });
    let data = desk.data(query, json!({ "ids": ids })).await;
    for (index, node) in data["nodes"].as_array().into_iter().flatten().enumerate() {
        assert_eq!(node, &empty, "{index}");
    }

    // A phone call needs no read of the list.
    desk.forget_calls();
    let phone = Desk::open().await;
    phone.sandbox.firstline_insert_record(json!({
        "id": 992_070, "logs": [log_of(1, at, json!("App\\PhoneContentProvider"))],
    }));
    phone
        .data(query, json!({ "ids": [record_id(992_070)] }))
        .await;
    assert_eq!(
        vendor_requests(&phone),
        ["GET /api/v1/interact-collection/992070"]
    );
}

/// In that night the clock shows 02:59:59 twice: 02:00:00 follows the first one.
#[tokio::test]
async fn a_list_search_uses_the_vendors_local_time_when_the_clock_goes_back() {
    let desk =
        Desk::open_with(DeskOptions::default().set("FIRSTLINE__TIME_ZONE", "Europe/Berlin")).await;
    let mut record = record_with(
        992_080,
        json!([message(2675, "late", "2024-10-27 02:59:59")]),
    );
    record["created_at"] = json!("2024-10-27 02:59:59");
    desk.sandbox.firstline_insert_record(record);
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 778_001, "created_at": "2024-10-27 02:59:59", "interact_collection_ids": [992_080],
    }));
    let query = "query($id: ID!) { serviceRecord(id: $id) { createdAt messages { nodes { text sentAt } } } }";
    let data = desk.data(query, json!({ "id": record_id(992_080) })).await;
    assert_eq!(
        data["serviceRecord"],
        json!({
            "createdAt": "2024-10-27T02:59:59+02:00",
            "messages": { "nodes": [{ "text": "late", "sentAt": "2024-10-27T02:59:59+02:00" }] },
        })
    );
    let data = desk
        .execute("{ ticket(id: \"firstline:Ticket:778001\") { serviceRecords { vendorId } } }")
        .await;
    assert_eq!(
        data["ticket"]["serviceRecords"],
        json!([{ "vendorId": "992080" }])
    );
}
