//! What the vendor tells besides: reasons, categories of results, accounts of channels, names and numbers of people, and texts
//! with half a character.

use deskgraph::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{exact_employee, livechat_log, record_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const AT: &str = "2024-03-01T12:23:25+08:00";

/// The same selection of a record by id and in the list.
async fn both(desk: &Desk, id: i64, selection: &str) -> [Value; 2] {
    let by_id = format!("query($id: ID!) {{ serviceRecord(id: $id) {{ {selection} }} }}");
    let listed = format!(
        "{{ serviceRecords(filter: {{ vendors: [FIRSTLINE], from: \"{AT}\", to: \"{AT}\" }}) {{ nodes {{ {selection} }} }} }}"
    );
    let in_list = desk.execute(&listed).await["serviceRecords"]["nodes"][0].take();
    let by_id = desk.data(&by_id, json!({ "id": record_id(id) })).await["serviceRecord"].take();
    [by_id, in_list]
}

#[tokio::test]
async fn a_record_has_its_reasons_and_its_result_a_category() {
    let desk = Desk::open().await;
    let id = desk.sandbox.firstline_insert_record(json!({
        "created_at": "2024-03-01 12:23:25", "result_id": 2,
        "reasons": [
            { "id": "3", "name": "退貨", "is_active": true, "description": null, "category_id": 1, "category": { "id": 1 } },
            { "name": "without an id" }, "nonsense", null,
        ],
        "reason_ids": [3, 7],
    }));
    let expected = json!({
        "reasons": [
            { "id": "firstline:ServiceReason:3", "name": "退貨", "description": null },
            { "id": "firstline:ServiceReason:7", "name": null, "description": null },
        ],
        "result": { "category": { "id": "firstline:Category:1-1", "level": 1 } },
    });
    let selection = "reasons { id name description } result { category { id level } }";
    for record in both(&desk, id, selection).await {
        assert_eq!(record, expected);
    }
    assert_eq!(vendor_requests(&desk).len(), 1);

    let named = both(&desk, id, "result { category { name } }").await;
    assert!(
        named[0]["result"]["category"]["name"].is_string(),
        "{named:?}"
    );

    let none = desk
        .sandbox
        .firstline_insert_record(json!({ "$absent": ["reasons", "reason_ids"] }));
    let query = "query($id: ID!) { serviceRecord(id: $id) { reasons { id } } }";
    let data = desk.data(query, json!({ "id": record_id(none) })).await;
    assert_eq!(data["serviceRecord"]["reasons"], json!([]));
}

#[tokio::test]
async fn a_log_names_the_account_that_the_contact_used() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.single_record_has_provider = true);
    let with_account = |provider_type: &str, account: Value| {
        let mut log = livechat_log(1, "2024-03-01 12:20:00", "v", json!([]));
        log["provider_type"] = json!(provider_type);
        if !account.is_null() {
            log["provider"]["account"] = account;
        }
        log["bound_type"] = json!(2);
        log
    };
    let livechat = json!({ "id": 2, "name": "官網線上客服", "query_request_secret": "hush" });
    for (log, fb_accounts, expected) in [
        (
            with_account("App\\LivechatContentProvider", livechat),
            json!([]),
            json!({ "id": "firstline:ChannelAccount:livechat-2", "name": "官網線上客服" }),
        ),
        (
            with_account("App\\FbContentProvider", Value::Null),
            json!([{ "id": 2, "name": "110906707118012", "skills": [] }]),
            json!({ "id": "firstline:ChannelAccount:fb-2", "name": "110906707118012" }),
        ),
        (
            with_account("App\\FbContentProvider", Value::Null),
            json!([{ "id": 2, "name": "a" }, { "id": 3, "name": "b" }]),
            Value::Null,
        ),
        (
            with_account("App\\LivechatContentProvider", Value::Null),
            json!([{ "id": 2, "name": "a" }]),
            Value::Null,
        ),
    ] {
        let id = desk.sandbox.firstline_insert_record(
            json!({ "created_at": "2024-03-01 12:23:25", "logs": [log], "fb_accounts": fb_accounts }),
        );
        let expected = json!({ "logs": [{ "boundType": 2, "account": expected }] });
        for record in both(&desk, id, "logs { boundType account { id name } }").await {
            assert_eq!(record, expected);
        }
        desk.sandbox.firstline_remove_record(id);
    }
}

#[tokio::test]
async fn people_have_their_names_and_numbers() {
    let desk = Desk::open().await;
    let contact = desk.sandbox.firstline_insert_contact(json!({
        "name": "王 小明", "first_name": "王", "last_name": "小明", "sponsor_id": 1,
    }));
    desk.sandbox
        .firstline_insert_employee(exact_employee(971, "alice chang"));
    let id = desk.sandbox.firstline_insert_record(json!({
        "created_at": "2024-03-01 12:23:25", "contact_id": contact, "handler_id": 971,
    }));

    let selection = "contact { firstName lastName sponsor { id } } handler { firstName lastName }";
    for record in both(&desk, id, selection).await {
        assert_eq!(
            record,
            json!({
                "contact": { "firstName": "王", "lastName": "小明", "sponsor": { "id": "firstline:Sponsor:1" } },
                "handler": { "firstName": "alice", "lastName": "chang" },
            })
        );
    }
    assert_eq!(vendor_requests(&desk).len(), 1);
    let data = both(
        &desk,
        id,
        "contact { sponsor { name } } handler { phone gender customFields { key } }",
    )
    .await;
    assert!(data[0]["contact"]["sponsor"]["name"].is_string());
    assert_eq!(
        data[0]["handler"],
        json!({ "phone": "0223456789", "gender": null, "customFields": null })
    );
}

#[tokio::test]
async fn half_a_character_becomes_the_replacement_character() {
    let desk = Desk::open().await;
    let body = r#"{"id":5,"created_at":"2024-03-01 12:23:25","memo":"cut \ud83d","logs":[],"\udc00":1,
        "cz_cols":[{"id":4,"value":"\ude00 \ud83d\ude00 \\ud83d"}]}"#;
    let answer = Fault::Status {
        code: 200,
        body: body.to_owned(),
        headers: Default::default(),
    };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("GET /api/v1/interact-collection/5", answer));

    let query = "query($id: ID!) { serviceRecord(id: $id) { memo customFields { values } } }";
    let data = desk.data(query, json!({ "id": record_id(5) })).await;
    assert_eq!(
        data["serviceRecord"],
        json!({ "memo": "cut \u{fffd}", "customFields": [{ "values": ["\u{fffd} 😀 \\ud83d"] }] })
    );
}
