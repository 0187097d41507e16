//! The metrics, as a scrape reads them.

use std::collections::BTreeMap;

use deskgraph::sandbox::{Fault, FaultRule};
use serde_json::json;

use crate::harness::{Desk, DeskOptions};

const TICKETS: &str = "{ tickets(first: 2) { nodes { id } } }";

async fn desk() -> Desk {
    Desk::open_with(options()).await
}

fn options() -> DeskOptions {
    DeskOptions::default().set("METRICS__LISTEN", "127.0.0.1:0")
}

/// The samples of a page, by name and labels.
fn samples(page: &str) -> BTreeMap<&str, f64> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            (name, value.parse().expect("it is a number"))
        })
        .collect()
}

/// By how much the samples of these two pages differ, without those of the process.
fn differences(before: &str, after: &str) -> BTreeMap<String, f64> {
    let before = samples(before);
    samples(after)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("process_") && !name.contains("_bucket"))
        .map(|(name, value)| {
            let earlier = before.get(name).copied().unwrap_or_default();
            (name.to_owned(), value - earlier)
        })
        .filter(|(_, difference)| *difference != 0.0)
        .collect()
}

fn operations(kind: &str, source: &str, outcome: &str, operation: &str) -> String {
    format!(
        "deskgraph_operations_total{{type=\"{kind}\",source=\"{source}\",outcome=\"{outcome}\",operation=\"{operation}\"}}"
    )
}

fn requests(method: &str, route: &str, status: &str) -> String {
    format!(
        "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_code=\"{status}\"}}"
    )
}

#[tokio::test]
async fn an_operation_is_counted_by_its_source_and_outcome() {
    let desk = desk().await;
    let before = desk.metrics().await;
    desk.execute(TICKETS).await;
    desk.execute(TICKETS).await;
    desk.execute_failing("{ ticket(id: \"wrong\") { id } }", json!({}))
        .await;
    let counted = differences(&before, &desk.metrics().await);

    for (name, count) in [
        (operations("query", "executed", "ok", ""), 1.0),
        (operations("query", "cached", "ok", ""), 1.0),
        (operations("query", "executed", "error", ""), 1.0),
        (requests("POST", "/graphql", "200"), 3.0),
    ] {
        assert_eq!(counted.get(&name), Some(&count), "{name} of {counted:#?}");
    }
}

#[tokio::test]
async fn a_batch_is_one_request_and_an_operation_for_each_of_its_parts() {
    let desk = desk().await;
    let before = desk.metrics().await;
    let batch = json!([
        {"query": "{ __typename }"},
        {"query": "{ vendors { vendor } }"},
        {"query": "{ nonsense }"},
    ]);
    desk.post(&batch).await;
    let counted = differences(&before, &desk.metrics().await);

    let executed = operations("query", "executed", "ok", "");
    let refused = "deskgraph_requests_refused_total{code=\"GRAPHQL_VALIDATION_FAILED\"}";
    assert_eq!(counted.get(&executed), Some(&2.0), "{counted:#?}");
    assert_eq!(counted.get(refused), Some(&1.0), "{counted:#?}");
    let posts: f64 = counted
        .iter()
        .filter(|(name, _)| name.starts_with("http_server_request_duration_seconds_count"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(posts, 1.0, "{counted:#?}");
}

#[tokio::test]
async fn health_checks_and_scrapes_are_not_counted() {
    let desk = desk().await;
    let before = desk.metrics().await;
    for path in ["/health/live", "/health/ready"] {
        let response = desk.client().get(desk.url(path)).send().await;
        response.expect("the gateway responds");
    }
    let counted = differences(&before, &desk.metrics().await);

    assert!(
        !counted.keys().any(|name| name.starts_with("http_server")),
        "{counted:#?}"
    );
}

#[tokio::test]
async fn a_refused_request_is_counted_by_its_code() {
    let desk = Desk::open_with(options().set("LIMITS__MAX_BATCH", 1)).await;
    let before = desk.metrics().await;
    desk.post(&json!([{"query": "{ a: __typename }"}, {"query": "{ b: __typename }"}]))
        .await;
    desk.post(&json!({"query": "{"})).await;
    let counted = differences(&before, &desk.metrics().await);

    for code in ["LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"] {
        let name = format!("deskgraph_requests_refused_total{{code=\"{code}\"}}");
        assert_eq!(counted.get(&name), Some(&1.0), "{counted:#?}");
    }
}

#[tokio::test]
async fn only_operations_of_the_manifest_are_counted_by_name() {
    let manifest = std::env::temp_dir().join(format!("metrics-{}.json", std::process::id()));
    let trusted = "query Trusted { __typename }";
    std::fs::write(&manifest, json!({"trusted-1": trusted}).to_string())
        .expect("the file can be written");
    let options = options().set("DOCUMENTS__MANIFEST", manifest.display());
    let desk = Desk::open_with(options).await;
    std::fs::remove_file(&manifest).expect("it was there");

    let before = desk.metrics().await;
    desk.post(&json!({"documentId": "trusted-1"})).await;
    desk.execute("query Trusted { a: __typename }").await;
    let counted = differences(&before, &desk.metrics().await);

    assert_eq!(
        counted.get(&operations("query", "executed", "ok", "Trusted")),
        Some(&1.0),
        "{counted:#?}"
    );
    assert_eq!(
        counted.get(&operations("query", "executed", "ok", "")),
        Some(&1.0),
        "{counted:#?}"
    );
}

#[tokio::test]
async fn what_clients_send_makes_no_new_series() {
    let desk = desk().await;
    // One request of each kind that follows.
    let send = async |number: usize| {
        desk.execute(&format!("query Name{number} {{ a{number}: __typename }}"))
            .await;
        let path = desk.url(&format!("/no/such/page/{number}"));
        let response = desk.client().get(path).send().await;
        response.expect("the gateway responds");
        let response = desk
            .client()
            .request(
                reqwest::Method::from_bytes(format!("METHOD{number}").as_bytes())
                    .expect("it is a token"),
                desk.url("/graphql"),
            )
            .header("x-request-id", format!("request-{number}"))
            .header("user-agent", format!("agent-{number}"))
            .send()
            .await;
        response.expect("the gateway responds");
    };
    send(0).await;
    let series = samples(&desk.metrics().await).len();
    for number in 1..40 {
        send(number).await;
    }

    let page = desk.metrics().await;
    assert_eq!(samples(&page).len(), series, "{page}");
}

#[tokio::test]
async fn a_scrape_gets_the_format_that_it_accepts() {
    let desk = desk().await;
    let page = desk.metrics().await;
    assert!(page.contains("# TYPE deskgraph_operations_total counter"));
    assert!(!page.contains("# EOF"));

    let address = desk.metrics_address();
    let response = desk
        .client()
        .get(format!("http://{address}/metrics"))
        .header(
            "accept",
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
        )
        .send()
        .await
        .expect("the page responds");
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let page = response.text().await.expect("it is text");
    assert!(
        page.contains("# TYPE deskgraph_operations counter"),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"));
}

#[tokio::test]
async fn each_attempt_of_a_vendor_call_is_counted_with_its_outcome() {
    let desk = Desk::open_with(options().set("FIRSTLINE__MAX_RETRIES", 1)).await;
    desk.execute(TICKETS).await;
    let before = desk.metrics().await;
    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("/ticket", Fault::HtmlError { code: 503 }));
    desk.answer(
        "{ ticket(id: \"firstline:Ticket:1001\") { id } }",
        json!({}),
    )
    .await;
    let counted = differences(&before, &desk.metrics().await);

    let failed = sum(&counted, |name| {
        name.starts_with("http_client_request_duration_seconds_count{vendor=\"firstline\"")
            && name.contains("outcome=\"server_error\"")
    });
    assert_eq!(failed, 2.0, "{counted:#?}");
    let retries = "deskgraph_vendor_retries_total{vendor=\"firstline\"}";
    assert_eq!(counted.get(retries), Some(&1.0), "{counted:#?}");
}

#[tokio::test]
async fn logins_are_counted_with_their_outcome() {
    let desk = desk().await;
    desk.execute(TICKETS).await;
    let page = desk.metrics().await;

    let logins = samples(&page);
    let of = |outcome: &str| {
        let name =
            format!("deskgraph_vendor_logins_total{{vendor=\"firstline\",outcome=\"{outcome}\"}}");
        logins.get(&*name).copied()
    };
    assert_eq!((of("ok"), of("unauthenticated")), (Some(1.0), Some(0.0)));
}

#[tokio::test]
async fn reads_of_the_cache_are_counted_by_kind_and_result() {
    let desk = Desk::open_with(options().set("CACHE__ANSWERS_MAX_BYTES", 0)).await;
    let before = desk.metrics().await;
    desk.execute(TICKETS).await;
    desk.execute(TICKETS).await;
    let counted = differences(&before, &desk.metrics().await);

    let of = |result: &str| {
        let name = format!("deskgraph_cache_requests_total{{kind=\"list\",result=\"{result}\"}}");
        counted.get(&name).copied().unwrap_or_default()
    };
    assert!(of("miss") >= 1.0, "{counted:#?}");
    assert!(of("fresh") >= 1.0, "{counted:#?}");
}

#[tokio::test]
async fn the_vendor_calls_of_an_operation_are_its_own() {
    let desk = desk().await;
    desk.execute(TICKETS).await;
    let before = desk.metrics().await;
    desk.post(&json!([
        {"query": "{ ticket(id: \"firstline:Ticket:1001\") { id } }"},
        {"query": "{ a: __typename }"},
    ]))
    .await;
    let counted = differences(&before, &desk.metrics().await);

    let count = counted.get("deskgraph_vendor_calls_per_operation_count");
    let calls = counted.get("deskgraph_vendor_calls_per_operation_sum");
    assert_eq!((count, calls), (Some(&2.0), Some(&1.0)), "{counted:#?}");
}

#[tokio::test]
async fn the_circuit_of_a_vendor_is_seen_in_its_gauge() {
    let desk = desk().await;
    let circuit = "deskgraph_vendor_circuit_state{vendor=\"firstline\"}";
    let page = desk.metrics().await;
    assert_eq!(samples(&page).get(circuit), Some(&0.0));

    desk.sandbox
        .firstline()
        .add_fault(FaultRule::new("/ticket", Fault::HtmlError { code: 503 }));
    for number in 0..12 {
        let query = format!(
            "{{ ticket(id: \"firstline:Ticket:{}\") {{ id }} }}",
            900 + number
        );
        desk.answer(&query, json!({})).await;
    }
    let page = desk.metrics().await;
    assert_eq!(samples(&page).get(circuit), Some(&2.0), "{page}");
}

fn sum(counted: &BTreeMap<String, f64>, is_wanted: impl Fn(&str) -> bool) -> f64 {
    let wanted = counted.iter().filter(|(name, _)| is_wanted(name));
    wanted.map(|(_, count)| count).sum()
}
