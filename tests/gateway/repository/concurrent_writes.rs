//! Concurrent and repeated writes, with reads around them: never two tickets for one key, never data from before a write.

use std::{collections::HashSet, time::Duration};

use deskgraph::{
    repository::CreateSettings,
    sandbox::{Fault, FaultRule},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, in_time};

pub(super) const CREATE: &str =
    "mutation ($input: CreateTicketInput!) { createTicket(input: $input) {
    ticket { id subject } userErrors { code field } } }";
const UPDATE: &str = "mutation ($input: UpdateTicketInput!) { updateTicket(input: $input) {
    ticket { id subject statusMemo } userErrors { code field } } }";
const UPDATE_RECORD: &str =
    "mutation ($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) {
    serviceRecord { id memo } userErrors { code field } } }";
const WRITERS: usize = 24;

/// The creates that FirstLine received.
pub(super) fn creates(desk: &Desk) -> usize {
    let requests = desk.sandbox.firstline().requests_to("/api/v1/ticket");
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

pub(super) async fn create(desk: &Desk, input: &Value) -> Value {
    desk.data(CREATE, json!({ "input": input })).await["createTicket"].take()
}

pub(super) async fn found(desk: &Desk, subject: &str) -> u64 {
    let query = "query ($search: String) { tickets(filter: { search: $search }) { totalCount } }";
    let data = desk.data(query, json!({ "search": subject })).await;
    data["tickets"]["totalCount"]
        .as_u64()
        .expect("it is counted")
}

#[tokio::test]
async fn writes_of_one_object_are_serialized_and_of_different_objects_concurrent() {
    let desk = Desk::open().await;
    let record = desk.sandbox.firstline_insert_record(json!({}));
    desk.execute("{ sponsors { id } }").await;
    desk.forget_calls();
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("PUT", Fault::Delay { ms: 15 }));

    let tickets = (0..WRITERS).map(|number| {
        let input = json!({ "id": "firstline:Ticket:1002", "subject": format!("subject {number}"), "statusMemo": format!("memo {number}") });
        desk.data(UPDATE, json!({ "input": input }))
    });
    let answers = join_all(tickets).await;
    assert_eq!(
        desk.sandbox.firstline().in_flight_peak(),
        1,
        "they never overlap"
    );
    for (number, answer) in answers.iter().enumerate() {
        let ticket = &answer["updateTicket"]["ticket"];
        assert_eq!(ticket["subject"], format!("subject {number}"));
        assert_eq!(ticket["statusMemo"], format!("memo {number}"));
    }
    let sent: Vec<Value> = desk
        .sandbox
        .firstline()
        .requests()
        .iter()
        .map(|request| request.body["subject"].clone())
        .collect();
    let last = sent.last().expect("they were sent");
    let now = desk
        .execute("{ ticket(id: \"firstline:Ticket:1002\") { subject } }")
        .await;
    assert_eq!(
        now["ticket"]["subject"], *last,
        "the last one written is what stays"
    );

    // The response with the record is read while the write holds the object's lock.
    let records = (0..WRITERS).map(|number| {
        let input = json!({ "id": format!("firstline:ServiceRecord:{record}"), "memo": format!("memo {number}") });
        desk.data(UPDATE_RECORD, json!({ "input": input }))
    });
    for (number, answer) in join_all(records).await.iter().enumerate() {
        assert_eq!(
            answer["updateServiceRecord"]["serviceRecord"]["memo"],
            format!("memo {number}")
        );
    }

    desk.forget_calls();
    let different = (0..WRITERS).map(|number| {
        let input = json!({ "id": format!("firstline:Ticket:{}", 1010 + number), "subject": "s" });
        desk.data(UPDATE, json!({ "input": input }))
    });
    join_all(different).await;
    assert!(
        desk.sandbox.firstline().in_flight_peak() > 1,
        "writes to other objects do not wait"
    );
}

#[tokio::test]
async fn an_idempotency_key_creates_one_ticket_even_with_concurrent_requests() {
    let desk = Desk::open().await;
    desk.sandbox.firstline().add_fault(FaultRule::new(
        "POST /api/v1/ticket",
        Fault::Delay { ms: 100 },
    ));
    let input = json!({ "subject": "only one", "content": "c", "dueAt": "2027-01-01T00:00:00Z", "idempotencyKey": "k-1" });
    let answers = join_all((0..WRITERS).map(|_| create(&desk, &input))).await;

    let made: HashSet<_> = answers
        .iter()
        .map(|answer| answer["ticket"]["id"].to_string())
        .collect();
    assert_eq!(made.len(), 1);
    assert!(answers[0]["ticket"]["id"].is_string());
    assert_eq!(creates(&desk), 1);
    assert_eq!(found(&desk, "only one").await, 1);

    // The same instant in another offset is equal content.
    let mut again = input.clone();
    again["dueAt"] = json!("2027-01-01T08:00:00+08:00");
    assert_eq!(
        create(&desk, &again).await["ticket"]["id"],
        answers[0]["ticket"]["id"]
    );

    for (field, value) in [
        ("subject", json!("another")),
        ("content", json!("d")),
        ("priority", json!("HIGH")),
        ("dueAt", Value::Null),
    ] {
        let mut other = input.clone();
        other[field] = value;
        let refused = create(&desk, &other).await;
        assert_eq!(refused["ticket"], Value::Null);
        assert_eq!(
            refused["userErrors"],
            json!([{ "code": "INVALID", "field": ["input", "idempotencyKey"] }])
        );
    }
    assert_eq!(creates(&desk), 1);

    let mut other_key = input.clone();
    other_key["idempotencyKey"] = json!("k-2");
    assert_ne!(
        create(&desk, &other_key).await["ticket"]["id"],
        answers[0]["ticket"]["id"]
    );
    assert_eq!(creates(&desk), 2);
}

#[tokio::test]
async fn concurrent_idempotency_keys_create_one_ticket_each() {
    let desk = Desk::open().await;
    let inputs: Vec<Value> = (0..WRITERS)
        .map(|number| json!({ "subject": "of many", "content": "c", "idempotencyKey": format!("k-{number}") }))
        .collect();
    let answers = join_all(
        inputs
            .iter()
            .chain(&inputs)
            .map(|input| create(&desk, input)),
    )
    .await;
    let made: HashSet<_> = answers
        .iter()
        .map(|answer| answer["ticket"]["id"].to_string())
        .collect();
    assert_eq!(made.len(), WRITERS);
    assert_eq!(creates(&desk), WRITERS);

    // Without a key each create makes its own ticket.
    let plain = json!({ "subject": "of many", "content": "c" });
    join_all((0..WRITERS).map(|_| create(&desk, &plain))).await;
    assert_eq!(creates(&desk), 2 * WRITERS);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_its_caller() {
    let keys = json!([
        { "name": "one", "key": "first-key-of-a-test-00001", "scopes": ["read", "write"] },
        { "name": "two", "key": "second-key-of-a-test-0001", "scopes": ["read", "write"] },
    ]);
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("AUTH__MODE", "api_key")
            .set("AUTH__API_KEYS", keys),
    )
    .await;
    let send = async |key: &str, subject: &str| {
        let input = json!({ "subject": subject, "content": "c", "idempotencyKey": "same" });
        let request = desk.client().post(desk.url("/graphql")).bearer_auth(key);
        let answer = request
            .json(&json!({ "query": CREATE, "variables": { "input": input } }))
            .send()
            .await;
        let mut answer: Value = answer
            .expect("the gateway responds")
            .json()
            .await
            .expect("it is JSON");
        answer["data"]["createTicket"]["ticket"]["id"].take()
    };
    let first = send("first-key-of-a-test-00001", "a").await;
    let second = send("second-key-of-a-test-0001", "b").await;
    assert!(first.is_string() && second.is_string() && first != second);
    assert_eq!(send("first-key-of-a-test-00001", "a").await, first);
}

#[tokio::test]
async fn after_an_unknown_outcome_the_same_key_searches_before_it_creates() {
    // The vendor does not execute anything later.
    let creates_settings = CreateSettings {
        settling: Duration::ZERO,
        ..CreateSettings::default()
    };
    let desk = Desk::open_with(DeskOptions {
        creates: creates_settings,
        ..DeskOptions::default()
    })
    .await;
    let line = "POST /api/v1/ticket";
    // The search finds out whether the lost create was executed; the vendor trims the texts that it stores.
    for (subject, fault, sent) in [
        ("was made", Fault::CloseAfterWork, 1),
        ("  was made and trimmed \n", Fault::CloseAfterWork, 1),
        ("was truncated", Fault::TruncatedBody, 1),
        ("was not made", Fault::CloseBeforeHead, 2),
        ("failed inside", Fault::HtmlError { code: 500 }, 2),
    ] {
        // An older ticket with equal content, and one with only an equal subject.
        let trimmed = subject.trim();
        desk.sandbox.firstline_insert_ticket(
            json!({ "subject": trimmed, "content": "c", "created_at": "2026-01-01 00:00:00" }),
        );
        desk.sandbox
            .firstline_insert_ticket(json!({ "subject": trimmed, "content": "other" }));
        desk.forget_calls();
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new(line, fault).times(1));

        let input = json!({ "subject": subject, "content": "c", "idempotencyKey": format!("key of {subject}") });
        let (error, _) = desk
            .execute_failing(CREATE, json!({ "input": input }))
            .await;
        assert_eq!(error["extensions"]["code"], "OUTCOME_UNKNOWN");

        let mut other = input.clone();
        other["content"] = json!("d");
        let refused = create(&desk, &other).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "idempotencyKey"])
        );

        let answers = join_all((0..WRITERS).map(|_| create(&desk, &input))).await;
        let made: HashSet<_> = answers
            .iter()
            .map(|answer| answer["ticket"]["id"].to_string())
            .collect();
        assert_eq!(made.len(), 1, "{subject}");
        assert_eq!(answers[0]["ticket"]["subject"], trimmed);
        assert_eq!(creates(&desk), sent, "{subject}");
        assert_eq!(
            found(&desk, trimmed).await,
            3,
            "{subject}: the two that look alike, and one that was made"
        );
    }
}

#[tokio::test]
async fn a_failed_search_creates_nothing() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    let input = json!({ "subject": "s", "content": "c", "idempotencyKey": "k" });
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("POST /api/v1/ticket", Fault::CloseAfterWork).times(1));
    desk.execute_failing(CREATE, json!({ "input": input }))
        .await;
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("GET /api/v1/ticket", Fault::HtmlError { code: 503 }).times(1));
    let (error, _) = desk
        .execute_failing(CREATE, json!({ "input": input }))
        .await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(creates(&desk), 1);

    assert!(create(&desk, &input).await["ticket"]["id"].is_string());
    assert_eq!(creates(&desk), 1);
}

#[tokio::test]
async fn a_rejected_create_releases_its_idempotency_key() {
    let desk = Desk::open().await;
    let refused = Fault::Status {
        code: 422,
        body: json!({ "errors": { "subject": ["No."] } }).to_string(),
        headers: Default::default(),
    };
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("POST /api/v1/ticket", refused).times(1));
    let first = json!({ "subject": "s", "content": "c", "idempotencyKey": "k" });
    assert_eq!(
        create(&desk, &first).await["userErrors"][0]["field"],
        json!(["input", "subject"])
    );
    let second = json!({ "subject": "t", "content": "c", "idempotencyKey": "k" });
    assert_eq!(create(&desk, &second).await["ticket"]["subject"], "t");
}

/// Reads of tickets, each with whether the number of tickets changes its result.
const READS: [&str; 5] = [
    "{ tickets(first: 3) { nodes { id subject } totalCount } }",
    "{ tickets(filter: { statuses: [CLOSED] }) { totalCount } }",
    "{ ticketStats { total byStatus { status count } } }",
    "{ employee(id: \"firstline:Employee:1\") { tickets { totalCount } } }",
    "{ ticket(id: \"firstline:Ticket:1002\") { subject status } }",
];

#[tokio::test]
async fn a_write_is_visible_to_all_clients_and_drops_only_dependent_data() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__LIST_TTL_MS", 600_000)
            .set("CACHE__ENTITY_TTL_MS", 600_000),
    )
    .await;
    let record = desk
        .sandbox
        .firstline_insert_record(json!({ "memo": "before" }));
    let others = format!(
        "{{ serviceRecords {{ nodes {{ id memo }} totalCount }} sponsors {{ id }} categories {{ nodes {{ id }} }}
            serviceRecord(id: \"firstline:ServiceRecord:{record}\") {{ memo }} kept: ticket(id: \"firstline:Ticket:1050\") {{ subject }} }}"
    );
    let read = async || {
        let mut answers = Vec::new();
        for query in READS {
            answers.push(desk.execute(query).await);
        }
        answers
    };
    let (before, _) = (read().await, desk.execute(&others).await);

    let input = json!({ "subject": "brand new", "content": "c", "status": "CLOSED", "handlerId": "firstline:Employee:1" });
    let made = create(&desk, &input).await["ticket"]["id"].take();
    let created = read().await;
    assert_eq!(
        created[0]["tickets"]["nodes"][0],
        json!({ "id": made, "subject": "brand new" })
    );
    let number = |answer: &Value, path: &str| {
        answer
            .pointer(path)
            .and_then(Value::as_u64)
            .expect("it is a number")
    };
    for (reading, path) in [
        (0, "/tickets/totalCount"),
        (1, "/tickets/totalCount"),
        (2, "/ticketStats/total"),
        (3, "/employee/tickets/totalCount"),
    ] {
        assert_eq!(
            number(&created[reading], path),
            number(&before[reading], path) + 1,
            "{path}"
        );
    }

    let input = json!({ "id": made, "subject": "renamed", "status": "PENDING", "handlerId": null });
    desk.data(UPDATE, json!({ "input": input })).await;
    let updated = read().await;
    assert_eq!(
        updated[0]["tickets"]["nodes"][0],
        json!({ "id": made, "subject": "renamed" })
    );
    for (reading, path) in [
        (1, "/tickets/totalCount"),
        (3, "/employee/tickets/totalCount"),
    ] {
        assert_eq!(
            number(&updated[reading], path),
            number(&before[reading], path),
            "{path}"
        );
    }
    desk.data(
        UPDATE,
        json!({ "input": { "id": "firstline:Ticket:1002", "subject": "other name" } }),
    )
    .await;
    assert_eq!(
        desk.execute(READS[4]).await["ticket"]["subject"],
        "other name"
    );

    let one = "query ($id: ID!) { ticket(id: $id) { id } node(id: $id) { id } }";
    assert!(desk.data(one, json!({ "id": made })).await["ticket"].is_object());
    desk.data(
        "mutation ($id: ID!) { deleteTicket(input: { id: $id }) { deletedId } }",
        json!({ "id": made }),
    )
    .await;
    assert_eq!(
        desk.data(one, json!({ "id": made })).await,
        json!({ "ticket": null, "node": null })
    );
    assert_eq!(read().await[..4], before[..4]);

    // None of these objects was written.
    desk.forget_calls();
    desk.execute(&others).await;
    assert_eq!(desk.calls(), (0, 0));

    let input = json!({ "id": format!("firstline:ServiceRecord:{record}"), "memo": "after" });
    desk.data(UPDATE_RECORD, json!({ "input": input })).await;
    desk.forget_calls();
    let now = desk.execute(&others).await;
    assert_eq!(now["serviceRecord"]["memo"], "after");
    let id = json!(format!("firstline:ServiceRecord:{record}"));
    let listed = now["serviceRecords"]["nodes"]
        .as_array()
        .expect("it is a list");
    assert_eq!(
        listed
            .iter()
            .find(|node| node["id"] == id)
            .expect("it is new")["memo"],
        "after"
    );
    assert_eq!(desk.calls().1, 0, "the other vendor's part stays cached");
}

#[tokio::test]
async fn an_updated_memo_is_visible_in_the_ticket_at_once() {
    let desk = Desk::open().await;
    let record = desk
        .sandbox
        .firstline_insert_record(json!({ "memo": "before" }));
    let ticket = desk
        .sandbox
        .firstline_insert_ticket(json!({ "interact_collection_ids": [record] }));
    let query = format!(
        "{{ ticket(id: \"firstline:Ticket:{ticket}\") {{ serviceRecords {{ memo }} }} tickets(first: 1) {{ nodes {{ serviceRecords {{ memo }} }} }} }}"
    );
    let memo = async || {
        let data = desk.execute(&query).await;
        [
            data["ticket"]["serviceRecords"][0]["memo"].clone(),
            data["tickets"]["nodes"][0]["serviceRecords"][0]["memo"].clone(),
        ]
    };
    assert_eq!(memo().await, [json!("before"), json!("before")]);
    let input = json!({ "id": format!("firstline:ServiceRecord:{record}"), "memo": "after" });
    desk.data(UPDATE_RECORD, json!({ "input": input })).await;
    assert_eq!(memo().await, [json!("after"), json!("after")]);
}

#[tokio::test]
async fn a_read_that_began_before_a_write_is_not_cached() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("CACHE__LIST_TTL_MS", 600_000)
            .set("CACHE__ENTITY_TTL_MS", 600_000),
    )
    .await;
    desk.execute("{ sponsors { id } }").await;
    let one = "{ ticket(id: \"firstline:Ticket:1002\") { subject } }";
    let list = "{ tickets(first: 1, filter: { search: \"written meanwhile\" }) { totalCount } }";
    // Both responses are from before the write and arrive after it.
    let control = desk.sandbox.firstline();
    control.add_fault(FaultRule::new("GET /api/v1/ticket", Fault::Delay { ms: 500 }).times(2));
    for (line, body) in [
        (
            "GET /api/v1/ticket/1002",
            json!({ "id": 1002, "subject": "from before", "status": 0, "priority": 0 }),
        ),
        (
            "GET /api/v1/ticket?",
            json!({ "data": [], "meta": { "current_page": 1, "last_page": 1, "per_page": 1, "total": 0 } }),
        ),
    ] {
        let before = Fault::Status {
            code: 200,
            body: body.to_string(),
            headers: Default::default(),
        };
        control.add_fault(FaultRule::new(line, before).times(1));
    }
    desk.forget_calls();
    let reading = async { tokio::join!(desk.execute(one), desk.execute(list)) };
    let writing = async {
        let arrived = desk.sandbox.firstline().until(|_| desk.calls().0 >= 2);
        in_time("both are read", arrived).await;
        let input = json!({ "id": "firstline:Ticket:1002", "subject": "written meanwhile" });
        desk.data(UPDATE, json!({ "input": input })).await;
        tokio::join!(desk.execute(one), desk.execute(list))
    };
    let ((one_before, list_before), (one_now, list_now)) = tokio::join!(reading, writing);
    assert_eq!(one_before["ticket"]["subject"], "from before");
    assert_eq!(list_before["tickets"]["totalCount"], 0);
    assert_eq!(one_now["ticket"]["subject"], "written meanwhile");
    assert_eq!(list_now["tickets"]["totalCount"], 1);
    assert_eq!(
        desk.execute(one).await["ticket"]["subject"],
        "written meanwhile"
    );
    assert_eq!(desk.execute(list).await["tickets"]["totalCount"], 1);
}

#[tokio::test]
async fn concurrent_readers_never_see_a_ticket_go_back_in_time() {
    let desk = Desk::open().await;
    let write = async {
        for number in 1..=WRITERS {
            let subject = format!("{number}");
            let input = json!({ "id": "firstline:Ticket:1002", "subject": subject });
            desk.data(UPDATE, json!({ "input": input })).await;
            let seen = desk
                .execute("{ ticket(id: \"firstline:Ticket:1002\") { subject } }")
                .await;
            assert_eq!(
                seen["ticket"]["subject"], subject,
                "a writer reads what it wrote"
            );
        }
    };
    let read = async {
        let mut last = 0;
        while last < WRITERS {
            let seen = desk
                .execute("{ ticket(id: \"firstline:Ticket:1002\") { subject } }")
                .await;
            let number: usize = seen["ticket"]["subject"]
                .as_str()
                .and_then(|subject| subject.parse().ok())
                .unwrap_or(0);
            assert!(number >= last, "{number} after {last}");
            last = number;
        }
    };
    tokio::join!(write, read);
}
