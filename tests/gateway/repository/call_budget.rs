//! How many vendor calls one HTTP request may cause, and what other requests see of its end.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const NODES: &str = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";

async fn desk(max_vendor_calls: u32) -> Desk {
    let options = DeskOptions::default().set("LIMITS__MAX_VENDOR_CALLS", max_vendor_calls);
    Desk::open_with(options.set("FIRSTLINE__MAX_RETRIES", 2)).await
}

fn new_ticket(desk: &Desk) -> String {
    let id = desk.sandbox.firstline_insert_ticket(json!({}));
    format!("firstline:Ticket:{id}")
}

fn errors(answer: &Value) -> &[Value] {
    answer["errors"].as_array().map_or(&[], Vec::as_slice)
}

fn found(answer: &Value) -> usize {
    let nodes = answer["data"]["nodes"].as_array();
    nodes.map_or(0, |nodes| {
        nodes.iter().filter(|node| node.is_object()).count()
    })
}

#[tokio::test]
async fn a_batch_of_aliases_of_many_ids_makes_at_most_200_calls_and_the_rest_is_over_the_limit() {
    const REQUESTS: usize = 10;
    const ALIASES: usize = 15;
    const IDS: usize = 100;

    let desk = Desk::open().await;
    let query = |variables: &str, fields: &str| format!("query ({variables}) {{ {fields} }}");
    let each = |part: fn(usize) -> String| (0..ALIASES).map(part).collect::<String>();
    let query = query(
        &each(|alias| format!("$ids{alias}: [ID!]! ")),
        &each(|alias| format!("nodes{alias}: nodes(ids: $ids{alias}) {{ id }} ")),
    );
    let batch: Vec<Value> = (0..REQUESTS)
        .map(|_| {
            let ids = || (0..IDS).map(|_| new_ticket(&desk)).collect::<Vec<_>>();
            let variables = (0..ALIASES).map(|alias| (format!("ids{alias}"), json!(ids())));
            let variables: serde_json::Map<_, _> = variables.collect();
            json!({ "query": query, "variables": variables })
        })
        .collect();

    let (status, answers) = desk.post(&json!(batch)).await;
    assert_eq!(status, 200);
    let answers = answers.as_array().expect("a batch has a list of responses");
    let mut read = 0;
    let mut over_limit = 0;
    for answer in answers {
        for nodes in answer["data"].as_object().expect("there is data").values() {
            let nodes = nodes.as_array().expect("nodes are a list");
            read += nodes.iter().filter(|node| node.is_object()).count();
        }
        for error in errors(answer) {
            assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{error}");
            let message = error["message"].as_str().unwrap_or_default();
            assert!(message.contains("200 calls"), "{message}");
            over_limit += 1;
        }
    }
    assert_eq!(desk.calls().0, 200);
    assert_eq!(read, 200);
    assert_eq!(over_limit, REQUESTS * ALIASES * IDS - 200);

    // The next request has calls of its own.
    let (_, answer) = desk.post(&batch[9]).await;
    assert_eq!(
        errors(&answer).len(),
        ALIASES * IDS - 200 - read_of(&answers[9])
    );
}

fn read_of(answer: &Value) -> usize {
    let fields = answer["data"].as_object().expect("there is data");
    let lists = fields.values().filter_map(Value::as_array);
    lists.flatten().filter(|node| node.is_object()).count()
}

#[tokio::test]
async fn a_request_that_shares_the_reads_of_another_does_not_end_with_its_calls() {
    let other_document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }";
    for second_document in [NODES, other_document] {
        let desk = desk(3).await;
        let ids: Vec<String> = (0..5).map(|_| new_ticket(&desk)).collect();
        let late = Fault::Delay { ms: 300 };
        let firstline = desk.sandbox.firstline();
        firstline.add_fault(FaultRule::new("GET /api/v1/ticket", late));

        let variables = json!({ "ids": ids });
        let first = desk.answer(NODES, variables.clone());
        let second = desk.answer(second_document, variables);
        let (first, second) = join(first, second).await;

        let context = format!("{first} {second}");
        let mut both = [found(&first), found(&second)];
        both.sort_unstable();
        assert_eq!(both, [3, 5], "{context}");
        for error in errors(&first).iter().chain(errors(&second)) {
            assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{context}");
        }
        assert_eq!(desk.calls().0, 5, "{context}");
    }
}

#[tokio::test]
async fn logins_cost_no_calls_and_retries_do() {
    let desk = desk(1).await;
    let query = "query ($id: ID!) { node(id: $id) { id } }";
    let id = new_ticket(&desk);
    desk.data(query, json!({ "id": id })).await;
    let firstline = desk.sandbox.firstline();
    assert_eq!(firstline.requests_to("/api/v1/auth").len(), 1);

    desk.forget_calls();
    let broken = Fault::HtmlError { code: 503 };
    firstline.add_fault(FaultRule::new("GET /api/v1/ticket", broken));
    let id = new_ticket(&desk);
    let (error, _) = desk.execute_failing(query, json!({ "id": id })).await;
    assert_eq!(error["extensions"]["vendorCode"], "SERVER_ERROR", "{error}");
    assert_eq!(desk.calls().0, 1);
}

#[tokio::test]
async fn a_record_on_a_day_that_needs_too_many_calls_is_not_reported_as_missing() {
    let options = DeskOptions::default()
        .set("LIMITS__MAX_VENDOR_CALLS", 3)
        .set("BANGWO8__LIST_PAGE_SIZE", 1);
    let desk = Desk::open_with(options).await;
    let records: Vec<i64> = (0..5)
        .map(|_| {
            let record = json!({ "csBTime": "2026-03-09 10:00:00" });
            desk.sandbox.bangwo8_insert_record(record)
        })
        .collect();
    let id = format!("bangwo8:ServiceRecord:{}@2026-03-09", records[4]);
    let query = "query ($id: ID!) { node(id: $id) { id } }";
    let (error, data) = desk.execute_failing(query, json!({ "id": id })).await;
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{error}");
    assert_eq!(data["node"], Value::Null);
    assert!(desk.calls().1 <= 3);
}

#[tokio::test]
async fn a_missing_object_is_read_once_a_second() {
    let desk = Desk::open().await;
    let missing = [
        "firstline:Ticket:999999999",
        "firstline:ServiceRecord:999999999",
        "bangwo8:ServiceRecord:999999999@2026-03-09",
    ];
    for id in missing {
        desk.forget_calls();
        let started_at = Instant::now();
        for alias in 0..10 {
            // Documents of their own, so that they share no response.
            let queries = (0..10)
                .map(|number| format!("{{ a{alias}{number}: node(id: \"{id}\") {{ id }} }}"));
            for answer in join_all(queries.map(async |query| desk.execute(&query).await)).await {
                let nodes = answer.as_object().expect("there is data");
                assert!(nodes.values().all(Value::is_null), "{answer}");
            }
        }
        let seconds = started_at.elapsed().as_secs();
        let (firstline, bangwo8) = desk.calls();
        let calls = (firstline + bangwo8) as u64;
        assert!(
            (1..=1 + seconds).contains(&calls),
            "{id}: {calls} calls in {seconds} s"
        );
    }
}

#[tokio::test]
async fn a_ticket_that_was_missing_is_there_as_soon_as_it_was_created() {
    let desk = Desk::open().await;
    let create =
        "mutation { createTicket(input: { subject: \"a\", content: \"b\" }) { ticket { id } } }";
    let id_of = |data: &Value| {
        data["createTicket"]["ticket"]["id"]
            .as_str()
            .map(str::to_owned)
    };
    let first = id_of(&desk.execute(create).await).expect("it is created");
    let number: u64 = first
        .rsplit(':')
        .next()
        .and_then(|text| text.parse().ok())
        .expect("it ends with a number");
    let next = format!("firstline:Ticket:{}", number + 1);
    let query = "query ($id: ID!) { node(id: $id) { id } }";

    for _ in 0..2 {
        assert_eq!(
            desk.data(query, json!({ "id": next })).await["node"],
            Value::Null
        );
    }
    assert_eq!(id_of(&desk.execute(create).await).as_ref(), Some(&next));
    assert_eq!(
        desk.data(query, json!({ "id": next })).await["node"]["id"],
        next.as_str()
    );
}

#[tokio::test]
async fn an_object_that_appears_at_the_vendor_is_found_after_a_second() {
    let desk = Desk::open().await;
    let query = "query ($id: ID!) { node(id: $id) { id } }";
    let variables = json!({ "id": "firstline:Ticket:900000" });
    assert_eq!(
        desk.data(query, variables.clone()).await["node"],
        Value::Null
    );
    desk.sandbox
        .firstline_insert_ticket(json!({ "id": 900_000 }));
    let appeared_at = Instant::now();
    crate::harness::until("it is found", async || {
        desk.data(query, variables.clone()).await["node"].is_object()
    })
    .await;
    assert!(appeared_at.elapsed() < Duration::from_secs(10));
}
