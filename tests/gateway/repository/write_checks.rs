//! Writes that are rejected before any call: invalid ids, texts, enums and custom fields.

use serde_json::{Value, json};

use super::writes::{CREATE, DELETE, UPDATE, UPDATE_RECORD, write};
use crate::harness::{Desk, DeskOptions};

/// The codes and paths of the user errors of a write that was rejected without any call.
async fn user_errors_of(desk: &Desk, mutation: &str, input: Value) -> Value {
    desk.forget_calls();
    let payload = write(desk, mutation, input.clone()).await;
    assert_eq!(desk.calls(), (0, 0), "{input}");
    user_errors(&payload)
}

fn user_errors(payload: &Value) -> Value {
    let object = payload.as_object().expect("it is a payload");
    let others = object.iter().filter(|(name, _)| *name != "userErrors");
    let errors = payload["userErrors"].as_array().expect("it is a list");
    assert!(!errors.is_empty(), "{payload}");
    assert!(
        others.into_iter().all(|(_, value)| value.is_null()),
        "{payload}"
    );
    errors
        .iter()
        .map(|error| json!([error["code"], error["field"]]))
        .collect()
}

#[tokio::test]
async fn any_invalid_id_is_a_user_error_at_its_field() {
    let desk = Desk::open().await;
    let data = desk.execute("{ categories { nodes { id vendor } } }").await;
    let top = |vendor| {
        let nodes = data["categories"]["nodes"]
            .as_array()
            .expect("it is a list");
        nodes
            .iter()
            .find(|node| node["vendor"] == vendor)
            .expect("it has one")["id"]
            .clone()
    };
    for field in [
        "handlerId",
        "contactId",
        "sponsorId",
        "categoryId",
        "terminationCodeId",
    ] {
        let mut wrong = vec![
            json!(""),
            json!("1"),
            json!("firstline:Ticket:1"),
            json!("firstline:Employee:0"),
            json!("nobody:Employee:1"),
        ];
        wrong.push(match field {
            "handlerId" => json!("bangwo8:Employee:1"),
            "categoryId" => top("FIRSTLINE"),
            _ => json!("firstline:Employee:1"),
        });
        if field == "categoryId" {
            wrong.push(top("BANGWO8"));
        }
        for id in wrong {
            let expected = json!([["INVALID", ["input", field]]]);
            let create = json!({ "subject": "s", "content": "c", field: id });
            assert_eq!(
                user_errors_of(&desk, CREATE, create).await,
                expected,
                "{field}: {id}"
            );
            let update = json!({ "id": "firstline:Ticket:1002", field: id });
            assert_eq!(
                user_errors_of(&desk, UPDATE, update).await,
                expected,
                "{field}: {id}"
            );
        }
    }

    for (mutation, change) in [
        (UPDATE, json!({ "subject": "s" })),
        (DELETE, json!({})),
        (UPDATE_RECORD, json!({ "memo": "m" })),
    ] {
        let is_record = mutation == UPDATE_RECORD;
        let foreign = if is_record {
            "bangwo8:ServiceRecord:120001@2026-01-01"
        } else {
            "bangwo8:Ticket:1"
        };
        let other_type = if is_record {
            "firstline:Ticket:1002"
        } else {
            "firstline:ServiceRecord:1"
        };
        for (id, code) in [
            (foreign, "UNSUPPORTED_BY_VENDOR"),
            (other_type, "INVALID"),
            ("x", "INVALID"),
            ("", "INVALID"),
            ("firstline:Ticket:01", "INVALID"),
            ("firstline:Ticket:9223372036854775808", "INVALID"),
        ] {
            let mut input = change.clone();
            input["id"] = json!(id);
            assert_eq!(
                user_errors_of(&desk, mutation, input).await,
                json!([[code, ["input", "id"]]]),
                "{id}"
            );
        }
    }
    let short = json!({ "id": "bangwo8:ServiceRecord:120001", "memo": "m" });
    assert_eq!(
        user_errors_of(&desk, UPDATE_RECORD, short).await,
        json!([["UNSUPPORTED_BY_VENDOR", ["input", "id"]]])
    );
}

#[tokio::test]
async fn an_id_of_an_unconfigured_vendor_is_a_user_error() {
    let desk = Desk::open_with(DeskOptions::default().without("FIRSTLINE")).await;
    for (mutation, input) in [
        (
            UPDATE,
            json!({ "id": "firstline:Ticket:1", "subject": "s" }),
        ),
        (DELETE, json!({ "id": "firstline:Ticket:1" })),
        (
            UPDATE_RECORD,
            json!({ "id": "firstline:ServiceRecord:1", "memo": "m" }),
        ),
    ] {
        assert_eq!(
            user_errors_of(&desk, mutation, input).await,
            json!([["INVALID", ["input", "id"]]])
        );
    }
}

#[tokio::test]
async fn the_input_of_a_ticket_write_is_checked_before_any_call() {
    let desk = Desk::open().await;
    let invalid = |field: &str| json!([["INVALID", ["input", field]]]);
    for blank in ["", " ", "\t\n", "\u{3000}"] {
        for field in ["subject", "content"] {
            let mut create = json!({ "subject": "s", "content": "c" });
            create[field] = json!(blank);
            assert_eq!(user_errors_of(&desk, CREATE, create).await, invalid(field));
            let update = json!({ "id": "firstline:Ticket:1002", field: blank });
            assert_eq!(user_errors_of(&desk, UPDATE, update).await, invalid(field));
        }
    }
    for field in ["subject", "content", "status", "priority"] {
        let update = json!({ "id": "firstline:Ticket:1002", field: null });
        assert_eq!(user_errors_of(&desk, UPDATE, update).await, invalid(field));
    }
    for field in ["status", "priority"] {
        let create = json!({ "subject": "s", "content": "c", field: "UNKNOWN" });
        assert_eq!(user_errors_of(&desk, CREATE, create).await, invalid(field));
        let update = json!({ "id": "firstline:Ticket:1002", field: "UNKNOWN" });
        assert_eq!(user_errors_of(&desk, UPDATE, update).await, invalid(field));
    }
    for (mutation, id) in [
        (UPDATE, "firstline:Ticket:1002"),
        (UPDATE_RECORD, "firstline:ServiceRecord:1"),
    ] {
        assert_eq!(
            user_errors_of(&desk, mutation, json!({ "id": id })).await,
            json!([["INVALID", ["input"]]])
        );
    }
    let several = json!({ "subject": " ", "content": "", "status": "UNKNOWN", "handlerId": "x" });
    let errors = user_errors_of(&desk, CREATE, several).await;
    assert_eq!(
        errors.as_array().map(Vec::len),
        Some(4),
        "all errors are reported together: {errors}"
    );
}

#[tokio::test]
async fn the_input_of_a_service_record_update_is_checked_before_any_call() {
    let desk = Desk::open().await;
    let open = desk.sandbox.firstline_insert_record(json!({}));
    let id = format!("firstline:ServiceRecord:{open}");

    let long = json!({ "id": id, "memo": "字".repeat(601) });
    assert_eq!(
        user_errors_of(&desk, UPDATE_RECORD, long).await,
        json!([["INVALID", ["input", "memo"]]])
    );
    let longest = "字".repeat(599) + "𠮷";
    let record =
        write(&desk, UPDATE_RECORD, json!({ "id": id, "memo": longest })).await["serviceRecord"]
            .take();
    assert_eq!(
        record["memo"],
        json!(longest),
        "600 characters of several bytes are not too many"
    );

    for (field, path) in [
        (json!({ "key": "4" }), json!(["input", "customFields", "1"])),
        (
            json!({ "key": "4", "value": null, "values": null }),
            json!(["input", "customFields", "1"]),
        ),
        (
            json!({ "key": "4", "value": "a", "values": ["b"] }),
            json!(["input", "customFields", "1"]),
        ),
        (
            json!({ "key": "4", "value": "a", "values": [] }),
            json!(["input", "customFields", "1"]),
        ),
        (
            json!({ "key": "four", "value": "a" }),
            json!(["input", "customFields", "1", "key"]),
        ),
        (
            json!({ "key": "", "value": "a" }),
            json!(["input", "customFields", "1", "key"]),
        ),
        (
            json!({ "key": "-4", "value": "a" }),
            json!(["input", "customFields", "1", "key"]),
        ),
    ] {
        let input = json!({ "id": id, "customFields": [{ "key": "7", "value": "fine" }, field] });
        assert_eq!(
            user_errors_of(&desk, UPDATE_RECORD, input).await,
            json!([["INVALID", path]])
        );
    }
}
