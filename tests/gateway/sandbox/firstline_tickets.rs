//! Tickets of the simulated FirstLine: created, updated, deleted and filtered.

use std::collections::BTreeSet;

use deskgraph::sandbox::{ArrayEncoding, DeleteAnswer, MethodSupport, UpdateSemantics};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, keys, send, set};

#[tokio::test]
async fn a_ticket_is_created_updated_and_deleted() {
    let desk = Desk::open().await;
    let body = json!({
        "subject": "標題", "content": "內容", "status": 2, "contact_id": 1, "sub_category_id": 21,
        "termination_code_id": 5, "handler_id": 3, "sponsor_id": 2, "due_at": "2026-03-12 18:00:00",
    });
    let (status, created) = desk.write(Method::POST, "/api/v1/ticket", body).await;
    assert_eq!(status, 201);
    let ticket = &created["data"];
    assert_eq!(ticket["priority"], 0);
    assert_eq!(ticket["category"]["name"], "訂單與配送");
    assert_eq!(ticket["sub_category"]["category"], ticket["category"]);
    assert_eq!(ticket["handler"]["id"], 3);
    assert!(ticket.get("creater").is_none() && ticket.get("interact_collections").is_none());
    assert!(
        ticket["created_at"]
            .as_str()
            .is_some_and(|at| at.starts_with("2026-03-10 15:3"))
    );

    let path = format!("/api/v1/ticket/{}", ticket["id"]);
    assert_eq!(&desk.firstline_get(&path).await, ticket);
    let (status, changed) = desk
        .write(
            Method::PUT,
            &path,
            json!({ "subject": "修改後的標題", "due_at": null, "handler_id": null }),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(changed["subject"], "修改後的標題");
    assert_eq!(changed["due_at"], Value::Null);
    assert_eq!(changed["handler"], Value::Null);
    assert_eq!(changed["status"], 2);
    assert_eq!(changed["content"], "內容");

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.update_semantics = UpdateSemantics::Replace);
    let (_, replaced) = desk
        .write(Method::PUT, &path, json!({ "subject": "三" }))
        .await;
    assert_eq!(
        (&replaced["status"], &replaced["sponsor"]),
        (&json!(0), &Value::Null)
    );

    let deleted = send(desk.firstline(Method::DELETE, &path)).await;
    assert_eq!(deleted.status(), 204);
    let gone = send(desk.firstline(Method::GET, &path)).await;
    assert_eq!(gone.status(), 404);
    let gone: Value = gone.json().await.expect("the response is JSON");
    assert_eq!(
        gone["message"],
        format!("No query results for model [App\\Ticket] {}", ticket["id"])
    );
    let body = json!({ "subject": "另一張", "content": "內容" });
    let (_, next) = desk.write(Method::POST, "/api/v1/ticket", body).await;
    let numbers = (next["data"]["id"].as_i64(), ticket["id"].as_i64());
    assert!(
        numbers.0 > numbers.1,
        "no number is given twice: {numbers:?}"
    );

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.delete_answer = DeleteAnswer::StatusInBody);
    let deleted = desk
        .write(Method::DELETE, "/api/v1/ticket/1001", json!({}))
        .await;
    assert_eq!(deleted, (200, json!({ "data": { "status": 200 } })));
}

#[tokio::test]
async fn invalid_ticket_fields_are_rejected_by_name() {
    let desk = Desk::open().await;
    let (status, answer) = desk
        .write(Method::POST, "/api/v1/ticket", json!({ "status": 9 }))
        .await;
    assert_eq!(status, 422);
    assert_eq!(keys(&answer), set(&["message", "errors"]));
    assert_eq!(
        keys(&answer["errors"]),
        set(&["subject", "content", "status"])
    );

    for (field, value) in [
        ("handler_id", json!("3")),
        ("status", json!("1")),
        ("priority", json!("0")),
        ("contact_id", json!(1.5)),
        ("handler_id", json!(4_000)),
        ("handler_id", json!(41)),
        ("contact_id", json!(4_000)),
        ("sponsor_id", json!(4_000)),
        ("sub_category_id", json!(4_000)),
        ("termination_code_id", json!(4_000)),
        ("due_at", json!("tomorrow")),
        ("subject", json!(5)),
        ("subject", json!(null)),
        ("content", json!("  ")),
    ] {
        let (status, answer) = desk
            .write(Method::PUT, "/api/v1/ticket/1001", json!({ field: value }))
            .await;
        assert_eq!(status, 422, "{field}");
        assert_eq!(keys(&answer["errors"]), set(&[field]));
    }
}

#[tokio::test]
async fn put_is_rejected_if_only_the_override_is_supported() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    let record = desk.sandbox.firstline_insert_record(json!({}));
    let ticket = "/api/v1/ticket/1002";
    control.change_switches(|switches| {
        switches.method_support = MethodSupport::PutAndDeleteOverridden
    });

    for path in [
        ticket.to_owned(),
        format!("/api/v1/interact-collection/{record}"),
    ] {
        let (status, _) = desk
            .write(Method::PUT, &path, json!({ "memo": "m", "subject": "s" }))
            .await;
        assert_eq!(status, 405);
        let body = json!({ "_method": "put", "memo": "m", "subject": "s" });
        let (status, _) = desk.write(Method::POST, &path, body).await;
        assert_eq!(status, 200);
    }
    assert_eq!(desk.firstline_get(ticket).await["subject"], "s");
    assert_eq!(desk.write(Method::DELETE, ticket, json!({})).await.0, 405);
    assert_eq!(desk.write(Method::POST, ticket, json!({})).await.0, 405);
    let deleted = desk
        .write(Method::POST, ticket, json!({ "_method": "DELETE" }))
        .await;
    assert_eq!(deleted.0, 204);
}

#[tokio::test]
async fn every_ticket_filter_of_the_sandbox_works() {
    let desk = Desk::open().await;
    let path = "/api/v1/ticket";
    let all = desk.all(path).await;
    let expect = |query: &'static str, keeps: fn(&Value) -> bool| {
        let expected: BTreeSet<i64> = all
            .iter()
            .filter(|ticket| keeps(ticket))
            .filter_map(|ticket| ticket["id"].as_i64())
            .collect();
        let desk = &desk;
        async move {
            let found = desk.all(&format!("{path}?{query}")).await;
            let found: BTreeSet<i64> = found
                .iter()
                .filter_map(|ticket| ticket["id"].as_i64())
                .collect();
            assert!(!found.is_empty(), "{query}");
            assert_eq!(found, expected, "{query}");
        }
    };
    expect("search=%E9%80%80%E6%AC%BE", |ticket| {
        ["subject", "content"].iter().any(|name| {
            ticket[name]
                .as_str()
                .is_some_and(|text| text.contains("退款"))
        })
    })
    .await;
    expect("contact_id=5", |ticket| ticket["contact_id"] == 5).await;
    expect("sponsor_id=2", |ticket| ticket["sponsor_id"] == 2).await;
    expect("statuses[]=0&statuses[]=1", |ticket| {
        ticket["status"].as_i64() < Some(2)
    })
    .await;
    expect("statuses%5B0%5D=0&statuses%5B1%5D=3", |ticket| {
        ticket["status"] == 0 || ticket["status"] == 3
    })
    .await;
    expect("statuses=2,3", |ticket| ticket["status"].as_i64() > Some(1)).await;
    expect(
        "termination_code_ids[]=4&termination_code_ids[]=7",
        |ticket| ticket["termination_code_id"] == 4 || ticket["termination_code_id"] == 7,
    )
    .await;
    expect("handler_ids=3,4", |ticket| {
        ticket["handler_id"] == 3 || ticket["handler_id"] == 4
    })
    .await;
    expect("creater_ids[]=6", |ticket| ticket["creater"]["id"] == 6).await;
    expect("due_at__start=2026-03-11", |ticket| {
        ticket["due_at"].as_str() >= Some("2026-03-11")
    })
    .await;
    expect("due_at__end=2026-02-20", |ticket| {
        ticket["due_at"]
            .as_str()
            .is_some_and(|due| due <= "2026-02-20 23:59:59")
    })
    .await;
    expect(
        "created_at__start=2026-02-20&created_at__end=2026-02-25",
        |ticket| {
            ticket["created_at"]
                .as_str()
                .is_some_and(|at| ("2026-02-20".."2026-02-26").contains(&at))
        },
    )
    .await;

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.array_encoding = ArrayEncoding::Brackets);
    let comma = send(desk.firstline(Method::GET, "/api/v1/ticket?statuses=0,1")).await;
    assert_eq!(comma.status(), 422);
}
