//! The chats of Bangwo8's records: numbered from the oldest message, and read one page at a time.

use deskgraph::sandbox::{Fault, FaultRule, ListOrder, LoggedRequest, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

pub(crate) const CHAT: &str = "/api/v1/remoterecord/chatrecords/{id_json}";

async fn empty_desk() -> Desk {
    Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await
}

/// A record with this many messages, alternately of the customer and the agent, each with its ordinal as text.
fn record_with_chat(desk: &Desk, messages: usize) -> String {
    let number = desk
        .sandbox
        .bangwo8_insert_record(json!({ "csBTime": "2026-3-9 10:00:00", "csETime": "" }));
    let messages = (1..=messages)
        .map(|ordinal| {
            let (spokesman, identity) = match ordinal % 2 {
                0 => (json!("289789809"), json!("2")),
                _ => (json!("张伟"), json!(1)),
            };
            json!({
                "spokesman": spokesman, "spokesman_identity": identity, "msg": ordinal.to_string(),
                "time": format!("2026-3-9 {}:{:02}:{:02}", 10 + ordinal / 3600, ordinal / 60 % 60, ordinal % 60),
            })
        })
        .collect();
    desk.sandbox.bangwo8_set_chat(number, messages);
    format!("{number}@2026-03-09")
}

async fn page(desk: &Desk, key: &str, arguments: &str) -> Value {
    let query = format!(
        "{{ serviceRecord(id: \"bangwo8:ServiceRecord:{key}\") {{ messages({arguments}) {{
            totalCount nodes {{ id text }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
    );
    desk.execute(&query).await["serviceRecord"]["messages"].take()
}

fn chat_calls(desk: &Desk) -> Vec<LoggedRequest> {
    desk.sandbox.bangwo8().requests_to(CHAT)
}

fn texts(page: &Value) -> Vec<u64> {
    let nodes = page["nodes"].as_array().expect("nodes are a list");
    let text = |node: &Value| node["text"].as_str().and_then(|text| text.parse().ok());
    nodes
        .iter()
        .map(|node| text(node).expect("each says its ordinal"))
        .collect()
}

#[tokio::test]
async fn a_chat_is_read_one_page_at_a_time() {
    let desk = empty_desk().await;
    let key = record_with_chat(&desk, 250);
    let number = key.split('@').next().expect("the key has a number");

    let first = page(&desk, &key, "first: 50").await;
    assert_eq!(texts(&first), (1..=50).collect::<Vec<_>>());
    assert_eq!(first["totalCount"], 250);
    assert_eq!(
        first["nodes"][0]["id"],
        format!("bangwo8:ChatMessage:{key}/1")
    );
    assert_eq!(
        first["nodes"][49]["id"],
        format!("bangwo8:ChatMessage:{key}/50")
    );
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["pageInfo"]["hasPreviousPage"], false);
    let calls = chat_calls(&desk);
    assert_eq!(calls.len(), 1);
    assert!(calls[0].path.ends_with(&format!("/{number}.json")));
    assert_eq!(calls[0].query_value("page"), Some("1"));

    let mut seen = texts(&first);
    let mut cursor = first["pageInfo"]["endCursor"].clone();
    for calls in 2..=5 {
        let next = page(&desk, &key, &format!("first: 50, after: {cursor}")).await;
        assert_eq!(chat_calls(&desk).len(), calls);
        seen.extend(texts(&next));
        cursor = next["pageInfo"]["endCursor"].clone();
        assert_eq!(next["pageInfo"]["hasNextPage"], calls < 5);
        assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
    }
    assert_eq!(seen, (1..=250).collect::<Vec<_>>());
    let beyond = page(&desk, &key, &format!("first: 50, after: {cursor}")).await;
    assert_eq!(texts(&beyond), Vec::<u64>::new());
    assert_eq!(beyond["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_chat_is_oldest_first_whatever_the_vendors_order_and_page_size() {
    for (order, cap) in [
        (ListOrder::TimeDescending, 500),
        (ListOrder::TimeAscending, 30),
        (ListOrder::TimeDescending, 30),
    ] {
        let desk = empty_desk().await;
        desk.sandbox.bangwo8().change_switches(|switches| {
            switches.chat_order = order;
            switches.per_page_cap = cap;
        });
        let key = record_with_chat(&desk, 137);

        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let next = page(&desk, &key, &format!("first: 40{after}")).await;
            assert_eq!(next["totalCount"], 137);
            for node in next["nodes"].as_array().expect("nodes are a list") {
                let text = node["text"].as_str().expect("each says its ordinal");
                assert_eq!(node["id"], format!("bangwo8:ChatMessage:{key}/{text}"));
            }
            seen.extend(texts(&next));
            after = format!(", after: {}", next["pageInfo"]["endCursor"]);
            if next["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, (1..=137).collect::<Vec<_>>(), "{order:?} {cap}");

        for ordinal in [1, 64, 137] {
            let id = format!("bangwo8:ChatMessage:{key}/{ordinal}");
            let query = "query($id: ID!) { node(id: $id) { id ... on ChatMessage { text serviceRecord { id } } } }";
            let data = desk.data(query, json!({ "id": id })).await;
            let record = json!({ "id": format!("bangwo8:ServiceRecord:{key}") });
            let expected =
                json!({ "id": id, "text": ordinal.to_string(), "serviceRecord": record });
            assert_eq!(data["node"], expected, "{order:?} {cap}");
        }
        for beyond in [138, 100_000] {
            let query = format!("{{ node(id: \"bangwo8:ChatMessage:{key}/{beyond}\") {{ id }} }}");
            assert_eq!(desk.execute(&query).await["node"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_record_without_a_chat_has_an_empty_connection_and_needs_no_call() {
    let desk = empty_desk().await;
    for flag in [json!(0), json!("0")] {
        let fields = json!({ "csBTime": "2026-3-9 10:00:00", "ChatRecord": flag });
        let number = desk.sandbox.bangwo8_insert_record(fields);
        let empty = page(&desk, &format!("{number}@2026-03-09"), "first: 50").await;
        let page_info =
            json!({ "hasNextPage": false, "hasPreviousPage": false, "endCursor": null });
        let expected = json!({ "totalCount": 0, "nodes": [], "pageInfo": page_info });
        assert_eq!(empty, expected);
    }
    assert!(chat_calls(&desk).is_empty());
}

#[tokio::test]
async fn a_sender_is_matched_to_an_agent_by_a_unique_name() {
    let desk = empty_desk().await;
    let number = desk
        .sandbox
        .bangwo8_insert_record(json!({ "csBTime": "2026-3-9 10:00:00" }));
    desk.sandbox
        .bangwo8_insert_agent(json!({ "sId": 777, "name": "独一无二" }));
    let said = |spokesman: Value, identity: Value| json!({ "spokesman": spokesman, "spokesman_identity": identity, "msg": "kj", "time": "2026-3-9 10:00:00" });
    desk.sandbox.bangwo8_set_chat(
        number,
        vec![
            said(json!("独一无二"), json!(1)),
            said(json!("独一无二"), json!("1")),
            said(json!("张伟"), json!(1)),
            said(json!("无此客服"), json!(1)),
            said(json!("289789809"), json!("2")),
            said(json!(234), json!(2)),
            said(json!(213), json!(1)),
            said(json!("x"), json!(9)),
        ],
    );
    let query = format!(
        "{{ serviceRecord(id: \"bangwo8:ServiceRecord:{number}@2026-03-09\") {{ messages {{ nodes {{
            sentAt kind isSurvey rawType sender {{ role name employee {{ id name }} }} }} }} }} }}"
    );
    let data = desk.execute(&query).await;
    let nodes = data["serviceRecord"]["messages"]["nodes"]
        .as_array()
        .expect("nodes are a list");
    assert_eq!(nodes.len(), 8);
    for node in nodes {
        let returned = (&node["sentAt"], &node["kind"], &node["isSurvey"]);
        assert_eq!(
            returned,
            (
                &json!("2026-03-09T10:00:00+08:00"),
                &json!("TEXT"),
                &json!(false)
            )
        );
    }
    let speakers: Vec<&Value> = nodes.iter().map(|node| &node["sender"]).collect();
    let only = json!({ "id": "bangwo8:Employee:777", "name": "独一无二" });
    for speaker in &speakers[..2] {
        assert_eq!(
            **speaker,
            json!({ "role": "AGENT", "name": "独一无二", "employee": only })
        );
    }
    assert_eq!(
        *speakers[2],
        json!({ "role": "AGENT", "name": "张伟", "employee": null })
    );
    assert_eq!(
        *speakers[3],
        json!({ "role": "AGENT", "name": "无此客服", "employee": null })
    );
    for customer in &speakers[4..6] {
        assert_eq!(customer["role"], "CUSTOMER");
        assert_eq!(customer["employee"], Value::Null);
    }
    assert_eq!(speakers[6]["name"], "213");
    assert_eq!(speakers[7]["role"], "UNKNOWN");
}

#[tokio::test]
async fn a_growing_chat_keeps_the_ordinals_of_earlier_messages() {
    for order in [ListOrder::TimeAscending, ListOrder::TimeDescending] {
        let desk = Desk::open_with(DeskOptions {
            sandbox: SandboxOptions {
                service_records: 0,
                ..SandboxOptions::default()
            },
            ..DeskOptions::default().set("CACHE__ENABLED", false)
        })
        .await;
        let bangwo8 = desk.sandbox.bangwo8();
        bangwo8.change_switches(|switches| switches.chat_order = order);
        let key = record_with_chat(&desk, 9);
        let number: i64 = key
            .split('@')
            .next()
            .and_then(|text| text.parse().ok())
            .expect("the key has a number");
        let before = page(&desk, &key, "first: 5").await;

        let messages = (1..=15)
            .map(|ordinal: i32| json!({ "spokesman": "张伟", "spokesman_identity": 1, "msg": ordinal.to_string(), "time": format!("2026-3-9 10:00:{ordinal:02}") }))
            .collect();
        desk.sandbox.bangwo8_set_chat(number, messages);
        let cursor = &before["pageInfo"]["endCursor"];
        let after = page(&desk, &key, &format!("first: 50, after: {cursor}")).await;
        assert_eq!(texts(&after), (6..=15).collect::<Vec<_>>(), "{order:?}");
        assert_eq!(after["totalCount"], 15);
        assert_eq!(
            after["nodes"][0]["id"],
            format!("bangwo8:ChatMessage:{key}/6")
        );
    }
}

#[tokio::test]
async fn a_page_of_messages_is_bounded_and_its_cursor_is_valid_for_its_record_only() {
    let desk = empty_desk().await;
    let (one, other) = (record_with_chat(&desk, 5), record_with_chat(&desk, 5));
    let cursor = page(&desk, &one, "first: 2").await["pageInfo"]["endCursor"].take();
    for (key, arguments) in [
        (&one, "first: 0".to_owned()),
        (&one, "first: -1".to_owned()),
        (&one, "first: 101".to_owned()),
        (&one, "after: \"\"".to_owned()),
        (&one, "after: \"bm9uc2Vuc2U\"".to_owned()),
        (&other, format!("after: {cursor}")),
    ] {
        let query = format!(
            "{{ serviceRecord(id: \"bangwo8:ServiceRecord:{key}\") {{ status messages({arguments}) {{ totalCount }} }} }}"
        );
        let (error, data) = desk.execute_failing(&query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{arguments}");
        assert_eq!(
            data["serviceRecord"],
            json!({ "status": "COMPLETED", "messages": null })
        );
    }
    let all = page(&desk, &one, "first: null").await;
    assert_eq!(texts(&all), [1, 2, 3, 4, 5]);
}

/// The answer of a vendor that counts more messages than it returns, and says that more pages follow.
fn empty_page_of_many(number: &str) -> Fault {
    let next = format!("https://desk.example/api/v1/remoterecord/chatrecords/{number}.json?page=2");
    let body = json!({
        "remote_chatrecords": { "csId": number, "contents": [] }, "count": 1_000, "next_page": next,
    });
    Fault::Status {
        code: 200,
        body: body.to_string(),
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
    }
}

#[tokio::test]
async fn a_walk_through_messages_that_never_come_ends() {
    let options = DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    };
    let desk = Desk::open_with(options.set("CACHE__ENABLED", false)).await;
    let key = record_with_chat(&desk, 5);
    let number = key.split('@').next().expect("the key has a number");
    let whole = page(&desk, &key, "first: 2").await;
    let cursor = &whole["pageInfo"]["endCursor"];

    desk.sandbox
        .bangwo8()
        .add_fault(FaultRule::new("/chatrecords/", empty_page_of_many(number)));
    for after in [String::new(), format!(", after: {cursor}")] {
        desk.forget_calls();
        let empty = page(&desk, &key, &format!("first: 50{after}")).await;
        assert_eq!(texts(&empty), Vec::<u64>::new());
        let page_info = &empty["pageInfo"];
        assert_eq!(page_info["hasNextPage"], false, "{empty}");
        assert_eq!(page_info["endCursor"], Value::Null, "{empty}");
        assert!(chat_calls(&desk).len() <= 10);
    }
    desk.sandbox.bangwo8().clear_faults();
    let next = page(&desk, &key, &format!("first: 2, after: {cursor}")).await;
    assert_eq!(texts(&next), [3, 4]);
}
