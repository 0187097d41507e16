//! Writes that the vendor rejects, fails or never answers: the result for the client, and the log.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions, credentials};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, until};

const CREATE: &str = "mutation ($input: CreateTicketInput!) { createTicket(input: $input) {
    ticket { id subject } userErrors { code message field } } }";
const UPDATE: &str = "mutation ($input: UpdateTicketInput!) { updateTicket(input: $input) {
    ticket { id subject } userErrors { code message field } } }";
const DELETE: &str = "mutation ($input: DeleteTicketInput!) { deleteTicket(input: $input) {
    deletedId userErrors { code message field } } }";
const UPDATE_RECORD: &str =
    "mutation ($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) {
    serviceRecord { id memo } userErrors { code message field } } }";

fn responding(code: u16, body: Value) -> Fault {
    Fault::Status {
        code,
        body: body.to_string(),
        headers: Default::default(),
    }
}

/// The number of requests with a method that FirstLine received, without logins.
fn count(desk: &Desk, method: &str) -> usize {
    let requests = desk.sandbox.firstline().requests();
    requests
        .iter()
        .filter(|request| request.method == method && !request.path.contains("/auth"))
        .count()
}

fn add_fault(desk: &Desk, line: &str, fault: Fault) {
    desk.sandbox.firstline().clear_faults();
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new(line, fault));
}

async fn user_errors(desk: &Desk, mutation: &str, input: Value) -> Value {
    let mut data = desk.data(mutation, json!({ "input": input })).await;
    let payload = data
        .as_object_mut()
        .and_then(|data| data.values_mut().next());
    payload.expect("a mutation has one field")["userErrors"].take()
}

#[tokio::test]
async fn the_vendors_validation_errors_are_mapped_to_input_fields() {
    let desk = Desk::open().await;
    let names = [
        ("subject", "subject"),
        ("content", "content"),
        ("status", "status"),
        ("status_memo", "statusMemo"),
        ("priority", "priority"),
        ("due_at", "dueAt"),
        ("handler_id", "handlerId"),
        ("contact_id", "contactId"),
        ("sponsor_id", "sponsorId"),
        ("sub_category_id", "categoryId"),
        ("termination_code_id", "terminationCodeId"),
    ];
    for (theirs, ours) in names {
        let body = json!({ "message": "The given data was invalid.", "errors": { theirs: ["所選無效。", "Second."] } });
        add_fault(&desk, "/api/v1/ticket", responding(422, body));
        let expected = json!([
            { "code": "INVALID", "message": "所選無效。", "field": ["input", ours] },
            { "code": "INVALID", "message": "Second.", "field": ["input", ours] },
        ]);
        let create = json!({ "subject": "s", "content": "c" });
        assert_eq!(user_errors(&desk, CREATE, create).await, expected);
        let update = json!({ "id": "firstline:Ticket:1002", "subject": "s" });
        assert_eq!(user_errors(&desk, UPDATE, update).await, expected);
    }

    let record = json!({ "id": "firstline:ServiceRecord:1", "memo": "m" });
    for (theirs, ours) in [
        ("memo", "memo"),
        ("cz_cols.0.value", "customFields"),
        ("cz_cols", "customFields"),
    ] {
        add_fault(
            &desk,
            "PUT",
            responding(422, json!({ "errors": { theirs: ["No."] } })),
        );
        let errors = user_errors(&desk, UPDATE_RECORD, record.clone()).await;
        assert_eq!(
            (&errors[0]["code"], &errors[0]["field"][1]),
            (&json!("INVALID"), &json!(ours))
        );
    }
    for body in [
        json!({ "message": "No." }),
        json!({}),
        json!([]),
        json!({ "errors": [] }),
        json!({ "errors": { "unheard_of": "No." } }),
    ] {
        add_fault(&desk, "PUT", responding(422, body));
        let errors = user_errors(&desk, UPDATE_RECORD, record.clone()).await;
        assert_eq!(
            (&errors[0]["code"], &errors[0]["field"]),
            (&json!("INVALID"), &json!(["input"]))
        );
        assert!(
            errors[0]["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
    }

    // The sandbox's own validation, without an injected fault.
    desk.sandbox.firstline().clear_faults();
    let input = json!({ "subject": "s", "content": "c", "handlerId": "firstline:Employee:999999", "contactId": "firstline:Contact:999999" });
    let errors = user_errors(&desk, CREATE, input).await;
    let fields: Vec<_> = errors
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|error| error["field"][1].clone())
        .collect();
    assert!(
        fields.contains(&json!("handlerId")) && fields.contains(&json!("contactId")),
        "{errors}"
    );
}

#[tokio::test]
async fn a_missing_object_is_a_not_found_user_error_at_the_id() {
    let desk = Desk::open().await;
    for (mutation, input) in [
        (
            UPDATE,
            json!({ "id": "firstline:Ticket:99", "subject": "s" }),
        ),
        (DELETE, json!({ "id": "firstline:Ticket:99" })),
        (
            UPDATE_RECORD,
            json!({ "id": "firstline:ServiceRecord:99", "memo": "m" }),
        ),
    ] {
        let errors = user_errors(&desk, mutation, input).await;
        assert_eq!(
            (&errors[0]["code"], &errors[0]["field"]),
            (&json!("NOT_FOUND"), &json!(["input", "id"]))
        );
        let message = errors[0]["message"].as_str().expect("it is a text");
        assert!(
            !message.contains("App\\"),
            "the vendor's own message is not passed on: {message}"
        );
    }
}

#[tokio::test]
async fn a_wrapped_up_record_is_locked_for_every_http_status() {
    let desk = Desk::open().await;
    let locked = desk
        .sandbox
        .firstline_insert_record(json!({ "acw_at": "2026-03-09 10:00:00" }));
    let input = json!({ "id": format!("firstline:ServiceRecord:{locked}"), "memo": "m" });
    for status in [422, 200, 400, 403, 404, 405, 409, 423, 500, 503] {
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.acw_lock_status = status);
        desk.forget_calls();
        let errors = user_errors(&desk, UPDATE_RECORD, input.clone()).await;
        assert_eq!(
            (&errors[0]["code"], &errors[0]["field"]),
            (&json!("LOCKED"), &json!(["input", "id"])),
            "{status}"
        );
        let message = errors[0]["message"].as_str().expect("it is a text");
        assert!(
            !message.contains("ACWed"),
            "the vendor's own message is not passed on: {message}"
        );
        assert!(desk.calls().0 <= 2, "{status}: a lock is final");
    }
}

#[tokio::test]
async fn other_rejections_are_vendor_errors_without_its_text() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    let inputs = [
        (
            CREATE,
            "POST /api/v1/ticket",
            json!({ "subject": "s", "content": "c" }),
        ),
        (
            UPDATE,
            "PUT",
            json!({ "id": "firstline:Ticket:1002", "subject": "s" }),
        ),
        (DELETE, "DELETE", json!({ "id": "firstline:Ticket:1002" })),
    ];
    for (mutation, line, input) in inputs {
        for (status, code, retryable) in [
            (400, "UPSTREAM_REJECTED", false),
            (403, "UPSTREAM_REJECTED", false),
            (409, "UPSTREAM_REJECTED", false),
            (429, "UPSTREAM_UNAVAILABLE", true),
        ] {
            add_fault(
                &desk,
                line,
                responding(status, json!({ "message": "SECRET words" })),
            );
            desk.forget_calls();
            let (error, data) = desk
                .execute_failing(mutation, json!({ "input": input }))
                .await;
            assert_eq!(data, Value::Null);
            assert_eq!(error["extensions"]["code"], code, "{line}: {status}");
            assert_eq!(error["extensions"]["retryable"], retryable);
            assert_eq!(error["extensions"]["vendor"], "FIRSTLINE");
            assert!(!error.to_string().contains("SECRET"));
            assert_eq!(desk.calls().0, 1);
        }
    }
}

#[tokio::test]
async fn a_create_with_an_uncertain_result_has_an_unknown_outcome_and_is_sent_once() {
    let line = "POST /api/v1/ticket";
    for (broken, vendor_code) in [
        (Fault::CloseAfterWork, "UNREACHABLE"),
        (Fault::CloseBeforeHead, "UNREACHABLE"),
        (Fault::ResetConnection, "UNREACHABLE"),
        (Fault::TruncatedBody, "UNREACHABLE"),
        (Fault::HangBeforeHead, "TIMEOUT"),
        (Fault::HangInBody, "TIMEOUT"),
        (Fault::HtmlError { code: 500 }, "SERVER_ERROR"),
        (Fault::HtmlError { code: 502 }, "SERVER_ERROR"),
        (responding(503, json!({ "message": "x" })), "SERVER_ERROR"),
        (Fault::NotJson, "BAD_RESPONSE"),
        (Fault::WrongShape, "BAD_RESPONSE"),
        (
            responding(201, json!({ "data": { "subject": "s" } })),
            "BAD_RESPONSE",
        ),
        (responding(204, Value::Null), "BAD_RESPONSE"),
    ] {
        // One gateway for each case, because so many failures would open its circuit.
        let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__TIMEOUT_MS", 700)).await;
        desk.execute("{ sponsors { id } }").await;
        add_fault(&desk, line, broken.clone());
        desk.forget_calls();
        let input = json!({ "input": { "subject": "s", "content": "c" } });
        let (error, data) = desk.execute_failing(CREATE, input).await;

        assert_eq!(data, Value::Null);
        let extensions = &error["extensions"];
        assert_eq!(extensions["code"], "OUTCOME_UNKNOWN", "{broken:?}");
        assert_eq!(extensions["vendorCode"], vendor_code, "{broken:?}");
        assert_eq!(
            (&extensions["vendor"], &extensions["retryable"]),
            (&json!("FIRSTLINE"), &json!(false))
        );
        let message = error["message"].as_str().expect("it is a text");
        assert!(
            message.contains("`tickets`"),
            "it says how to find out: {message}"
        );
        assert_eq!(count(&desk, "POST"), 1, "{broken:?}");
    }
}

#[tokio::test]
async fn an_updated_record_that_cannot_be_reread_is_reported_as_updated() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    let record = desk.sandbox.firstline_insert_record(json!({}));
    let id = format!("firstline:ServiceRecord:{record}");
    let path = format!("GET /api/v1/interact-collection/{record}");
    add_fault(&desk, &path, responding(500, json!({})));

    let input = json!({ "input": { "id": id, "memo": "was written" } });
    let (error, data) = desk.execute_failing(UPDATE_RECORD, input).await;
    assert_eq!(
        data["updateServiceRecord"],
        json!({ "serviceRecord": null, "userErrors": [] })
    );
    assert_eq!(
        error["path"],
        json!(["updateServiceRecord", "serviceRecord"])
    );
    assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");

    desk.sandbox.firstline().clear_faults();
    let query = format!("{{ serviceRecord(id: \"{id}\") {{ memo }} }}");
    let read = desk.execute(&query).await;
    assert_eq!(read["serviceRecord"]["memo"], "was written");
}

#[tokio::test]
async fn a_create_that_did_not_reach_the_vendor_is_retried() {
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("FIRSTLINE__BASE_URL", "http://127.0.0.1:9")
            .set("FIRSTLINE__USERNAME", "")
            .set("FIRSTLINE__PASSWORD", "")
            .set("FIRSTLINE__TOKEN", "permanent"),
    )
    .await;
    let input = json!({ "input": { "subject": "s", "content": "c" } });
    let (error, _) = desk.execute_failing(CREATE, input).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(error["extensions"]["vendorCode"], "UNREACHABLE");
    assert_eq!(error["extensions"]["retryable"], true);
}

#[tokio::test]
async fn a_create_with_an_expired_token_creates_one_ticket() {
    let desk = Desk::open().await;
    desk.execute("{ sponsors { id } }").await;
    desk.sandbox.firstline_expire_tokens();
    let data = desk
        .data(
            CREATE,
            json!({ "input": { "subject": "once only", "content": "c" } }),
        )
        .await;
    assert_eq!(data["createTicket"]["ticket"]["subject"], "once only");
    let found = desk
        .execute("{ tickets(filter: { search: \"once only\" }) { totalCount } }")
        .await;
    assert_eq!(found["tickets"]["totalCount"], 1);
}

#[tokio::test]
async fn updates_and_deletes_are_retried_like_reads() {
    let desk = Desk::open().await;
    let record = desk.sandbox.firstline_insert_record(json!({}));
    for (broken, method, mutation, input) in [
        (
            Fault::HtmlError { code: 503 },
            "PUT",
            UPDATE,
            json!({ "id": "firstline:Ticket:1002", "subject": "s" }),
        ),
        (
            Fault::CloseAfterWork,
            "PUT",
            UPDATE,
            json!({ "id": "firstline:Ticket:1002", "subject": "t" }),
        ),
        (
            Fault::ResetConnection,
            "PUT",
            UPDATE_RECORD,
            json!({ "id": format!("firstline:ServiceRecord:{record}"), "memo": "m" }),
        ),
        (
            Fault::HtmlError { code: 502 },
            "DELETE",
            DELETE,
            json!({ "id": "firstline:Ticket:1003" }),
        ),
        // The first delete succeeded and its response was lost, so the second finds nothing.
        (
            Fault::CloseAfterWork,
            "DELETE",
            DELETE,
            json!({ "id": "firstline:Ticket:1004" }),
        ),
        (
            Fault::HtmlErrorAfterWork { code: 504 },
            "DELETE",
            DELETE,
            json!({ "id": "firstline:Ticket:1006" }),
        ),
        (
            Fault::TruncatedBody,
            "PUT",
            UPDATE,
            json!({ "id": "firstline:Ticket:1005", "subject": "u" }),
        ),
    ] {
        desk.sandbox.firstline().clear_faults();
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new(method, broken.clone()).times(1));
        desk.forget_calls();
        let data = desk.data(mutation, json!({ "input": input })).await;
        let payload = data
            .as_object()
            .and_then(|data| data.values().next())
            .expect("it has one field");
        assert_eq!(payload["userErrors"], json!([]), "{broken:?}");
        assert!(
            payload
                .as_object()
                .is_some_and(|payload| payload.values().all(|value| !value.is_null())),
            "{payload}"
        );
        assert_eq!(count(&desk, method), 2, "{broken:?}");
    }

    // An object that never existed is not reported as deleted.
    let errors = user_errors(&desk, DELETE, json!({ "id": "firstline:Ticket:1004" })).await;
    assert_eq!(errors[0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn an_update_or_delete_without_a_response_has_an_unknown_outcome() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__TIMEOUT_MS", 700)).await;
    desk.execute("{ sponsors { id } }").await;
    for (method, mutation, input) in [
        (
            "PUT",
            UPDATE,
            json!({ "id": "firstline:Ticket:1002", "subject": "s" }),
        ),
        ("DELETE", DELETE, json!({ "id": "firstline:Ticket:1002" })),
    ] {
        for broken in [Fault::HangBeforeHead, Fault::CloseBeforeHead] {
            add_fault(&desk, method, broken);
            let (error, _) = desk
                .execute_failing(mutation, json!({ "input": input }))
                .await;
            assert_eq!(error["extensions"]["code"], "OUTCOME_UNKNOWN");
            assert_eq!(error["extensions"]["retryable"], false);
        }
        add_fault(&desk, method, Fault::HtmlError { code: 500 });
        let (error, _) = desk
            .execute_failing(mutation, json!({ "input": input }))
            .await;
        assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR");
    }
}

#[tokio::test]
async fn a_caller_without_the_write_scope_cannot_write() {
    let keys =
        json!([{ "name": "reader", "key": "reader-key-of-a-test-0001", "scopes": ["read"] }]);
    let desk = Desk::open_with(
        DeskOptions::default()
            .set("AUTH__MODE", "api_key")
            .set("AUTH__API_KEYS", keys),
    )
    .await;
    for (mutation, input) in [
        (CREATE, json!({ "subject": "s", "content": "c" })),
        (
            UPDATE,
            json!({ "id": "firstline:Ticket:1002", "subject": "s" }),
        ),
        (DELETE, json!({ "id": "firstline:Ticket:1002" })),
        (
            UPDATE_RECORD,
            json!({ "id": "firstline:ServiceRecord:1", "memo": "m" }),
        ),
    ] {
        let request = desk
            .client()
            .post(desk.url("/graphql"))
            .bearer_auth("reader-key-of-a-test-0001");
        let answer = request
            .json(&json!({ "query": mutation, "variables": { "input": input } }))
            .send()
            .await;
        let answer: Value = answer
            .expect("the gateway responds")
            .json()
            .await
            .expect("it is JSON");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn every_write_is_logged_once_without_its_content() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|taken| taken.local_addr())
        .expect("a port is free");
    let keys = json!([{ "name": "the-writer", "key": "writer-key-of-a-test-0001", "scopes": ["read", "write"] }]);
    let mut program = Command::new(env!("CARGO_BIN_EXE_deskgraph"))
        .arg("serve")
        .env_clear()
        .env("DESKGRAPH_LISTEN", port.to_string())
        .env("DESKGRAPH_LOG__FORMAT", "json")
        .env("DESKGRAPH_FIRSTLINE__BASE_URL", vendors.firstline_url())
        .env("DESKGRAPH_FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN)
        .env("DESKGRAPH_FIRSTLINE__MAX_RETRIES", "0")
        .env("DESKGRAPH_AUTH__MODE", "api_key")
        .env("DESKGRAPH_AUTH__API_KEYS", keys.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run");

    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client builds");
    until("the program serves", async || {
        let sent = client.get(format!("http://{port}/health/live"));
        sent.send().await.is_ok()
    })
    .await;
    let send = async |mutation: &str, input: Value| {
        let request = client
            .post(format!("http://{port}/graphql"))
            .bearer_auth("writer-key-of-a-test-0001");
        let answer = request
            .json(&json!({ "query": mutation, "variables": { "input": input } }))
            .send()
            .await;
        answer
            .expect("the gateway responds")
            .json::<Value>()
            .await
            .expect("it is JSON")
    };

    let made = send(
        CREATE,
        json!({ "subject": "CONTENT-1", "content": "CONTENT-2", "idempotencyKey": "CONTENT-3" }),
    )
    .await;
    let made = made["data"]["createTicket"]["ticket"]["id"]
        .as_str()
        .expect("it was made")
        .to_owned();
    send(
        UPDATE,
        json!({ "id": "firstline:Ticket:1002", "statusMemo": "CONTENT-4" }),
    )
    .await;
    send(DELETE, json!({ "id": "firstline:Ticket:77" })).await;
    vendors
        .firstline()
        .add_fault(FaultRule::new("POST /api/v1/ticket", Fault::CloseAfterWork));
    send(
        CREATE,
        json!({ "subject": "CONTENT-5", "content": "CONTENT-6" }),
    )
    .await;

    program.kill().expect("it is running");
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        BufReader::new(program.stdout.take().expect("it is piped"))
            .lines()
            .map_while(Result::ok),
    );
    lines.extend(
        BufReader::new(program.stderr.take().expect("it is piped"))
            .lines()
            .map_while(Result::ok),
    );
    program.wait().expect("it ended");

    assert!(
        lines.iter().all(|line| !line.contains("CONTENT-")),
        "{lines:#?}"
    );
    let logged: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("deskgraph::write"))
        .collect();
    let expected = [
        ("createTicket", made.as_str(), "done"),
        ("updateTicket", "firstline:Ticket:1002", "done"),
        ("deleteTicket", "firstline:Ticket:77", "not_found"),
        ("createTicket", "", "unknown"),
    ];
    assert_eq!(logged.len(), expected.len(), "{logged:#?}");
    for (line, (mutation, id, outcome)) in logged.iter().zip(expected) {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!(line["level"], "INFO");
        let logged = |name: &str| {
            if line[name].is_null() {
                line["fields"][name].clone()
            } else {
                line[name].clone()
            }
        };
        assert_eq!(logged("caller"), "the-writer");
        assert_eq!(
            (logged("mutation"), logged("object.id"), logged("outcome")),
            (json!(mutation), json!(id), json!(outcome))
        );
        assert!(logged("duration_ms").is_u64());
    }
}
