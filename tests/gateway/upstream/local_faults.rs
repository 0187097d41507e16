//! Faults on the gateway's own side: no vendor is blamed for them.

use deskgraph::sandbox::{Fault, FaultRule, Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, DeskOptions},
    program::{Program, client, settings_for},
};

/// Fewer than the calls of one request need, and more than the program needs by itself.
const DESCRIPTORS: usize = 64;
const IDS: usize = 100;

#[tokio::test]
async fn a_gateway_that_runs_out_of_descriptors_blames_no_vendor() {
    let vendors = Sandbox::start(SandboxOptions::default()).await;
    let vendors = vendors.expect("the sandbox finds free ports");
    let ids: Vec<String> = (0..IDS)
        .map(|_| vendors.firstline_insert_ticket(json!({})))
        .map(|number| format!("firstline:Ticket:{number}"))
        .collect();
    let mut settings = settings_for(&vendors);
    settings.extend([
        ("DESKGRAPH_FIRSTLINE__MAX_CONCURRENCY", "100".to_owned()),
        ("DESKGRAPH_CACHE__ENABLED", "false".to_owned()),
        ("DESKGRAPH_LOG__FORMAT", "json".to_owned()),
    ]);
    let program = Program::start_with_descriptors(DESCRIPTORS, &["serve"], &settings).await;
    let client = client();
    let send = async |query: &str, variables: Value| {
        let body = json!({ "query": query, "variables": variables });
        let sent = client.post(program.url("/graphql")).json(&body).send();
        let response = sent.await.expect("the gateway responds");
        response.json::<Value>().await.expect("in JSON")
    };
    send("{ sponsors { id } }", json!({})).await;

    // Every call holds its connection for a while, so that there are too few descriptors for all.
    let rule = FaultRule::new("GET /api/v1/ticket/", Fault::Delay { ms: 500 });
    vendors.firstline().add_fault(rule);
    vendors.firstline().clear_requests();
    let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = send(nodes, json!({ "ids": ids })).await;
    let errors = answer["errors"].as_array().expect("some calls failed");
    assert!(errors.len() > 10, "{answer}");
    for error in errors {
        let extensions = &error["extensions"];
        assert_eq!(extensions["code"], "INTERNAL", "{error}");
        assert_eq!(extensions["retryable"], true);
        assert_eq!(extensions.get("vendor"), None);
    }
    let served = vendors.firstline().requests().len();
    assert_eq!(served, IDS - errors.len(), "none was sent twice");

    let vendors_now = send(
        "{ vendors { vendor state circuit lastError { code } } }",
        json!({}),
    )
    .await;
    assert_eq!(
        vendors_now["data"]["vendors"][0],
        json!({ "vendor": "FIRSTLINE", "state": "UP", "circuit": "CLOSED", "lastError": null })
    );
    vendors.firstline().clear_faults();
    let again = send(
        "query ($id: ID!) { ticket(id: $id) { id } }",
        json!({ "id": ids[0] }),
    )
    .await;
    assert_eq!(again["data"]["ticket"]["id"], ids[0]);

    let ended = program.end_by("-TERM").await;
    let lines = ended.lines();
    let text = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
    let told = lines
        .iter()
        .filter(|line| text(line).starts_with("a call could not be sent"));
    assert_eq!(told.count(), errors.len());
    assert!(!lines.iter().any(|line| text(line) == "vendor call failed"));
}

#[tokio::test]
async fn texts_and_lists_that_a_call_has_no_room_for_are_refused_before_any_call() {
    let desk = Desk::open_with(DeskOptions::default()).await;
    let search = |characters: usize| json!({ "search": "字".repeat(characters) });
    let list = |name: &str, item: &str, count: usize| json!({ name: vec![item; count] });
    let employee = "firstline:Employee:1";
    let code = "firstline:TerminationCode:1";
    let tickets = "query ($filter: TicketFilter) { tickets(filter: $filter) { nodes { id } } }";
    let stats = "query ($filter: TicketFilter) { ticketStats(filter: $filter) { total } }";
    let employees =
        "query ($filter: EmployeeFilter) { employees(filter: $filter) { nodes { id } } }";

    for query in [tickets, stats] {
        for (good, bad, argument) in [
            (search(500), search(501), "filter.search"),
            (
                list("handlerIds", employee, 100),
                list("handlerIds", employee, 101),
                "filter.handlerIds",
            ),
            (
                list("creatorIds", employee, 100),
                list("creatorIds", employee, 101),
                "filter.creatorIds",
            ),
            (
                list("terminationCodeIds", code, 100),
                list("terminationCodeIds", code, 101),
                "filter.terminationCodeIds",
            ),
            (
                list("statuses", "CLOSED", 100),
                list("statuses", "CLOSED", 101),
                "filter.statuses",
            ),
        ] {
            refuses_only(&desk, query, [good, bad], argument).await;
        }
    }
    refuses_only(
        &desk,
        employees,
        [search(500), search(501)],
        "filter.search",
    )
    .await;

    // All of them together still fit.
    let most = json!({
        "search": "字".repeat(500),
        "handlerIds": vec!["firstline:Employee:9223372036854775807"; 100],
        "creatorIds": vec!["firstline:Employee:9223372036854775807"; 100],
        "terminationCodeIds": vec!["firstline:TerminationCode:9223372036854775807"; 100],
    });
    let answer = desk.answer(tickets, json!({ "filter": most })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
}

async fn refuses_only(desk: &Desk, query: &str, [good, bad]: [Value; 2], argument: &str) {
    let answer = desk.answer(query, json!({ "filter": good })).await;
    assert_eq!(answer.get("errors"), None, "{argument}: {answer}");
    desk.forget_calls();
    let (error, _) = desk.execute_failing(query, json!({ "filter": bad })).await;
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.starts_with(argument), "{message}");
    assert_eq!(desk.calls(), (0, 0), "{argument}");
}
