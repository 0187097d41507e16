//! A cached document is not parsed and validated again, and everything else is checked as strictly as for a new one.

use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const TICKETS: &str = "query Tickets($first: Int!, $filter: TicketFilter) {
    tickets(first: $first, filter: $filter) { nodes { id } } }";
const SEVERAL: &str = "query One($id: ID!) { ticket(id: $id) { ...Parts } }
    query Many($first: Int = 2, $more: Boolean = false) {
        tickets(first: $first) { nodes { ...Parts subject @include(if: $more) } } }
    fragment Parts on Ticket { id }";

/// The status, in the media type whose status reports errors, and the response.
async fn send_query(desk: &Desk, request: &Value) -> (u16, Value) {
    let response = desk
        .client()
        .post(desk.url("/graphql"))
        .header("accept", "application/graphql-response+json")
        .json(request)
        .send()
        .await
        .expect("the gateway responds");
    let status = response.status().as_u16();
    (status, response.json().await.expect("the response is JSON"))
}

#[tokio::test]
async fn a_cached_document_is_rejected_for_the_same_errors_as_a_new_one() {
    let known = Desk::open().await;
    let warm = [
        json!({ "query": TICKETS, "variables": { "first": 1 } }),
        json!({ "query": TICKETS, "variables": { "first": 2, "filter": { "search": "a" } } }),
        json!({ "query": SEVERAL, "operationName": "Many", "variables": { "more": true } }),
        json!({ "query": SEVERAL, "operationName": "Many", "variables": { "first": 3 } }),
        json!({ "query": SEVERAL, "operationName": "One", "variables": { "id": "firstline:Ticket:1001" } }),
    ];
    for request in &warm {
        let (status, answer) = send_query(&known, request).await;
        assert_eq!((status, answer.get("errors")), (200, None), "{request}");
    }

    for (query, operation, variables) in [
        (TICKETS, None, json!({})),
        (TICKETS, None, json!({ "first": null })),
        (TICKETS, None, json!({ "first": "two" })),
        (TICKETS, None, json!({ "first": 1.5 })),
        (TICKETS, None, json!({ "first": 3_000_000_000_u64 })),
        (
            TICKETS,
            None,
            json!({ "first": 2, "filter": { "nonsense": 1 } }),
        ),
        (
            TICKETS,
            None,
            json!({ "first": 2, "filter": { "statuses": ["NONSENSE"] } }),
        ),
        (
            TICKETS,
            None,
            json!({ "first": 2, "filter": { "dueFrom": "yesterday" } }),
        ),
        (TICKETS, None, json!({ "first": 2, "filter": [] })),
        (TICKETS, Some("Nobody"), json!({ "first": 2 })),
        (SEVERAL, None, json!({})),
        (SEVERAL, Some("One"), json!({})),
        (SEVERAL, Some("One"), json!({ "id": true })),
        (SEVERAL, Some("Many"), json!({ "more": "yes" })),
        (SEVERAL, Some("Many"), json!({ "more": null })),
    ] {
        let request = json!({ "query": query, "operationName": operation, "variables": variables });
        let fresh = Desk::open().await;
        let as_new = send_query(&fresh, &request).await;
        assert_eq!(as_new.0, 400, "{request}: {}", as_new.1);
        assert_eq!(send_query(&known, &request).await, as_new, "{request}");
        assert_eq!(fresh.calls(), (0, 0), "{request}");
    }
}

#[tokio::test]
async fn the_cost_of_a_cached_document_is_counted_with_its_variables() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_COMPLEXITY", 300)).await;
    let (status, _) = send_query(
        &desk,
        &json!({ "query": TICKETS, "variables": { "first": 5 } }),
    )
    .await;
    assert_eq!(status, 200);

    let dear = json!({ "query": TICKETS, "variables": { "first": 100 } });
    let (status, answer) = send_query(&desk, &dear).await;
    assert_eq!(status, 400);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn an_invalid_document_is_rejected_each_time() {
    let desk = Desk::open().await;
    for query in [
        "{ nothing }",
        "{ tickets { nodes { id } } ...Nowhere }",
        "query ($first: Int) { tickets { nodes { id } } }",
        "{ tickets(first: \"two\") { nodes { id } } }",
        "{ tickets { nodes } }",
        "{ tickets { nodes { ...A } } } fragment A on Ticket { ...A }",
    ] {
        let first = send_query(&desk, &json!({ "query": query })).await;
        assert_eq!(first.0, 400, "{query}");
        for _ in 0..2 {
            assert_eq!(
                send_query(&desk, &json!({ "query": query })).await,
                first,
                "{query}"
            );
        }
    }
}
