//! A batch of a hundred objects of which some fail, each in its own way: the others are returned.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions};
use jiff::{ToSpan, civil::date};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const TIMEOUT: Duration = Duration::from_millis(3_000);
const A_LITTLE: Duration = Duration::from_secs(5);
const KEYS: usize = 100;
/// The indexes of the failing keys, in the order of `faults`.
const BAD: [usize; 6] = [3, 17, 40, 41, 66, 99];

/// The fault of each failing key and its error code; none if there is no such object.
fn faults() -> [(Fault, Option<&'static str>); 6] {
    let status = |code| Fault::Status {
        code,
        body: "{}".to_owned(),
        headers: Default::default(),
    };
    [
        (status(404), None),
        (status(500), Some("SERVER_ERROR")),
        (status(429), Some("RATE_LIMITED")),
        (Fault::NotJson, Some("BAD_RESPONSE")),
        (Fault::HangBeforeHead, Some("TIMEOUT")),
        (Fault::ResetConnection, Some("UNREACHABLE")),
    ]
}

async fn desk() -> Desk {
    let options = DeskOptions {
        sandbox: SandboxOptions {
            service_records: 12,
            tickets: 2,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    };
    Desk::open_with(
        options
            .set("FIRSTLINE__TIMEOUT_MS", TIMEOUT.as_millis())
            .set("BANGWO8__TIMEOUT_MS", TIMEOUT.as_millis()),
    )
    .await
}

/// Checks that 94 objects come, that each failing one is null with its own code at its own path, and the time.
async fn check(desk: &Desk, query: &str, variables: Value, path_of: impl Fn(usize) -> Value) {
    let started = Instant::now();
    let answer = desk.answer(query, variables).await;
    let took = started.elapsed();
    assert!(took < TIMEOUT + A_LITTLE, "{took:?}");

    let at = |index: usize| {
        let path = path_of(index);
        let steps = path.as_array().expect("a path is a list").iter();
        steps.fold(&answer["data"], |value, step| match step.as_u64() {
            Some(index) => &value[index as usize],
            None => &value[step.as_str().unwrap_or_default()],
        })
    };
    for index in (0..KEYS).filter(|index| !BAD.contains(index)) {
        assert!(at(index).is_object(), "{index}: {answer}");
    }

    let errors = answer["errors"].as_array().expect("some failed");
    let expected = faults().map(|(_, code)| code);
    assert_eq!(
        errors.len(),
        expected.iter().flatten().count(),
        "{}",
        json!(errors)
    );
    for (index, code) in BAD.into_iter().zip(expected) {
        assert!(at(index).is_null(), "{index}: {answer}");
        let error = errors.iter().find(|error| error["path"] == path_of(index));
        let returned = error.map(|error| &error["extensions"]["vendorCode"]);
        assert_eq!(returned, code.map(Value::from).as_ref(), "{index}");
    }
}

#[tokio::test]
async fn six_failing_tickets_of_a_hundred_leave_ninety_four() {
    let desk = desk().await;
    let ids: Vec<i64> = (0..KEYS)
        .map(|_| desk.sandbox.firstline_insert_ticket(json!({})))
        .collect();
    for (index, (fault, _)) in BAD.into_iter().zip(faults()) {
        let path = format!("GET /api/v1/ticket/{}", ids[index]);
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new(&path, fault));
    }

    let ids: Vec<String> = ids
        .iter()
        .map(|id| format!("firstline:Ticket:{id}"))
        .collect();
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    check(&desk, query, json!({ "ids": ids }), |index| {
        json!(["nodes", index])
    })
    .await;
    // Only the 500, the 429 and the reset are retried, three calls each.
    assert_eq!(desk.calls(), (KEYS + 3 * 2, 0));
}

#[tokio::test]
async fn six_failing_days_of_a_hundred_leave_ninety_four_records() {
    let desk = desk().await;
    let mut ids = Vec::new();
    for index in 0..KEYS {
        let day = date(2026, 1, 1) + (index as i64).days();
        let record = json!({ "csBTime": format!("{day} 10:00:00") });
        let id = desk.sandbox.bangwo8_insert_record(record);
        ids.push(format!("bangwo8:ServiceRecord:{id}@{day}"));

        let Some(bad) = BAD.iter().position(|bad| *bad == index) else {
            continue;
        };
        match &faults()[bad] {
            // The list of a day always exists; a record may not.
            (_, None) => desk.sandbox.bangwo8_remove_record(id),
            (fault, Some(_)) => {
                let day = format!("starttime={day}");
                let rule = FaultRule::new(&day, fault.clone());
                desk.sandbox.bangwo8().add_fault(rule);
            }
        }
    }

    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    check(&desk, query, json!({ "ids": ids }), |index| {
        json!(["nodes", index])
    })
    .await;
    assert_eq!(desk.calls(), (0, KEYS + 3 * 2));
}

#[tokio::test]
async fn six_failing_relations_of_a_hundred_objects_leave_ninety_four() {
    let desk = desk().await;
    let mut numbers = Vec::new();
    for index in 0..KEYS {
        // Newest first, as in the list.
        let at = format!(
            "2026-03-01 10:{:02}:{:02}",
            59 - index / 60,
            59 - index % 60
        );
        let number = desk.sandbox.bangwo8_insert_record(json!({ "csBTime": at }));
        let summary =
            json!({ "serviceSummary": { "ticketTemplateName": "t", "custom_fields": [] } });
        let answer = json!({ "status": "200", "message": "Successful", "data": summary });
        desk.sandbox.bangwo8_set_summary(number, answer);
        numbers.push(number);
    }
    for (index, (fault, _)) in BAD.into_iter().zip(faults()) {
        let path = format!("/api/v1/servicesummary/{}.json", numbers[index]);
        desk.sandbox
            .bangwo8()
            .add_fault(FaultRule::new(&path, fault));
    }

    let query =
        "query ($filter: ServiceRecordFilter) { serviceRecords(first: 100, filter: $filter) {
        nodes { id summary { template } } } }";
    let filter = json!({ "vendors": ["BANGWO8"],
        "from": "2026-03-01T00:00:00+08:00", "to": "2026-03-01T23:59:59+08:00" });
    check(&desk, query, json!({ "filter": filter }), |index| {
        json!(["serviceRecords", "nodes", index, "summary"])
    })
    .await;
}
