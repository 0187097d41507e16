//! The circuit breaker: calls to a failing vendor stop, only its part is missing, and it recovers by itself.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, VendorControl, credentials};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, until};

const VENDORS: &str = "{ vendors { vendor state circuit lastSuccessAt lastError { code } } }";
/// How many calls open a circuit, and for how long at first.
const CALLS_THAT_OPEN: usize = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(5);

async fn desk(options: DeskOptions) -> Desk {
    Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 12,
            tickets: 2,
            ..SandboxOptions::default()
        },
        ..options
            // A login would be one of the counted calls.
            .set("FIRSTLINE__USERNAME", "")
            .set("FIRSTLINE__PASSWORD", "")
            .set("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN)
            .set("FIRSTLINE__MAX_RETRIES", 0)
            .set("BANGWO8__MAX_RETRIES", 0)
    })
    .await
}

fn status(code: u16) -> Fault {
    Fault::Status {
        code,
        body: "{}".to_owned(),
        headers: Default::default(),
    }
}

/// Calls each vendor this many times, for a new object each time.
async fn call(desk: &Desk, vendor: &str, times: usize) -> Vec<Value> {
    let pending = (0..times).map(|_| {
        let id = match vendor {
            "FIRSTLINE" => {
                let id = desk.sandbox.firstline_insert_ticket(json!({}));
                format!("firstline:Ticket:{id}")
            }
            _ => {
                let number = desk
                    .sandbox
                    .bangwo8_insert_record(json!({ "csBTime": "2026-03-09 10:00:00" }));
                format!("bangwo8:ServiceRecord:{number}@2026-03-09")
            }
        };
        async move {
            let query = "query ($id: ID!) { node(id: $id) { id } }";
            desk.answer(query, json!({ "id": id })).await
        }
    });
    let mut answers = Vec::new();
    for pending in pending {
        answers.push(pending.await);
    }
    answers
}

async fn health_of(desk: &Desk, vendor: &str) -> Value {
    let data = desk.execute(VENDORS).await;
    let vendors = data["vendors"].as_array().expect("it is a list");
    let health = vendors.iter().find(|health| health["vendor"] == vendor);
    health.expect("it is configured").clone()
}

async fn readiness(desk: &Desk) -> (u16, Value) {
    let response = desk.client().get(desk.url("/health/ready")).send().await;
    let response = response.expect("the gateway responds");
    let code = response.status().as_u16();
    (code, response.json().await.expect("the response is JSON"))
}

fn vendor_code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["vendorCode"]
}

fn calls_of(desk: &Desk, vendor: &str) -> usize {
    let (firstline, bangwo8) = desk.calls();
    match vendor {
        "FIRSTLINE" => firstline,
        _ => bangwo8,
    }
}

/// Fails every call to the vendor except logins.
fn fail(desk: &Desk, vendor: &str, fault: Fault) {
    match vendor {
        "FIRSTLINE" => fail_with(desk.sandbox.firstline(), "GET /api/v1/", fault),
        _ => fail_with(desk.sandbox.bangwo8(), "GET /api/v1/", fault),
    }
}

fn fail_with<S: Clone>(vendor: &VendorControl<S>, path: &str, fault: Fault) {
    vendor.add_fault(FaultRule::new(path, fault));
}

fn clear_faults(desk: &Desk) {
    desk.sandbox.firstline().clear_faults();
    desk.sandbox.bangwo8().clear_faults();
}

#[tokio::test]
async fn an_open_circuit_stops_calls_and_probes_with_a_single_call() {
    for vendor in ["FIRSTLINE", "BANGWO8"] {
        let desk = desk(DeskOptions::default()).await;
        fail(&desk, vendor, status(500));

        let answers = call(&desk, vendor, CALLS_THAT_OPEN - 1).await;
        assert!(
            answers
                .iter()
                .all(|answer| vendor_code(answer) == "SERVER_ERROR")
        );
        assert_eq!(health_of(&desk, vendor).await["circuit"], "CLOSED");
        call(&desk, vendor, 1).await;
        let opened_at = Instant::now();
        let health = health_of(&desk, vendor).await;
        assert_eq!(
            (&health["circuit"], &health["state"]),
            (&json!("OPEN"), &json!("DOWN"))
        );
        // The last error is the one that opened the circuit.
        assert_eq!(health["lastError"]["code"], "SERVER_ERROR");

        // While the circuit is open, each call fails at once, and the other vendor's part is complete.
        desk.forget_calls();
        let refused = &call(&desk, vendor, 1).await[0];
        assert_eq!(vendor_code(refused), "CIRCUIT_OPEN");
        let extensions = &refused["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "UPSTREAM_UNAVAILABLE");
        assert_eq!(extensions["retryable"], true);
        let wait = extensions["retryAfterSeconds"].as_u64();
        assert!(
            wait.is_some_and(|wait| (1..=5).contains(&wait)),
            "{refused}"
        );
        let list = desk
            .execute(
                "{ serviceRecords { nodes { vendor } sources { vendor state error { code } } } }",
            )
            .await;
        let sources = list["serviceRecords"]["sources"].as_array();
        for source in sources.expect("it is a list") {
            let expected = match source["vendor"] == vendor {
                true => {
                    json!({ "vendor": vendor, "state": "FAILED", "error": { "code": "CIRCUIT_OPEN" } })
                }
                false => json!({ "vendor": source["vendor"], "state": "FRESH", "error": null }),
            };
            assert_eq!(*source, expected);
        }
        assert_eq!(calls_of(&desk, vendor), 0);

        // The probe after the pause is one call, and its failure opens the circuit again.
        until("a probe was sent", async || calls_of(&desk, vendor) > 0).await;
        assert!(opened_at.elapsed() >= FIRST_PAUSE);
        until("the circuit is open again", async || {
            health_of(&desk, vendor).await["circuit"] == "OPEN"
        })
        .await;
        let answers = call(&desk, vendor, 5).await;
        assert!(
            answers
                .iter()
                .all(|answer| vendor_code(answer) == "CIRCUIT_OPEN")
        );
        assert_eq!(calls_of(&desk, vendor), 1);
    }
}

#[tokio::test]
async fn a_request_after_the_pause_closes_the_circuit_of_a_recovered_vendor() {
    let desk = desk(DeskOptions::default()).await;
    fail(&desk, "FIRSTLINE", status(503));
    call(&desk, "FIRSTLINE", CALLS_THAT_OPEN).await;
    clear_faults(&desk);
    desk.forget_calls();

    let mut requests = 0;
    until("the vendor responds", async || {
        requests += 1;
        let answer = &call(&desk, "FIRSTLINE", 1).await[0];
        if let Some(code) = vendor_code(answer).as_str() {
            assert_eq!(code, "CIRCUIT_OPEN");
        }
        answer["data"]["node"].is_object()
    })
    .await;
    assert!(requests > 1);
    assert_eq!(desk.calls().0, 1, "the probe was the client's own call");
    let health = health_of(&desk, "FIRSTLINE").await;
    assert_eq!(
        (&health["circuit"], &health["state"]),
        (&json!("CLOSED"), &json!("DEGRADED"))
    );
}

#[tokio::test]
async fn requests_with_many_concurrent_calls_close_the_circuit_too() {
    let stats = "{ ticketStats { total } }";
    let categories = "{ categories { nodes { id } } }";
    let each = [
        ("FIRSTLINE", stats),
        ("FIRSTLINE", categories),
        ("BANGWO8", categories),
    ];
    join_all(each.map(async |(vendor, query)| {
        let desk = desk(DeskOptions::default()).await;
        fail(&desk, vendor, status(503));
        call(&desk, vendor, CALLS_THAT_OPEN).await;
        clear_faults(&desk);
        desk.forget_calls();

        until("the vendor responds", async || {
            desk.answer(query, json!({})).await;
            health_of(&desk, vendor).await["circuit"] == "CLOSED"
        })
        .await;
        let requests = match vendor {
            "FIRSTLINE" => desk.sandbox.firstline().requests(),
            _ => desk.sandbox.bangwo8().requests(),
        };
        let is_unasked =
            |(name, value): &(String, String)| name == "x-request-id" && value == "recovery";
        assert!(!requests.is_empty());
        assert!(
            !requests
                .iter()
                .any(|request| request.headers.iter().any(is_unasked)),
            "{vendor}, {query}: the probe was no call of the query"
        );
    }))
    .await;
}

#[tokio::test]
async fn a_gateway_whose_vendors_all_failed_recovers_without_traffic() {
    for is_open in [true, false] {
        let desk = desk(DeskOptions::default().set("CACHE__ENABLED", false)).await;
        assert_eq!(readiness(&desk).await.0, 200);
        let times = if is_open {
            CALLS_THAT_OPEN
        } else {
            CALLS_THAT_OPEN / 2
        };
        for vendor in ["FIRSTLINE", "BANGWO8"] {
            fail(&desk, vendor, status(500));
            call(&desk, vendor, times).await;
        }
        let circuit = if is_open { "OPEN" } else { "CLOSED" };
        let (code, health) = readiness(&desk).await;
        assert_eq!(code, 503);
        assert_eq!(
            health["vendors"],
            json!([
                { "vendor": "firstline", "state": "DOWN", "circuit": circuit },
                { "vendor": "bangwo8", "state": "DOWN", "circuit": circuit },
            ])
        );
        let live = desk.client().get(desk.url("/health/live")).send().await;
        assert_eq!(live.expect("it lives").status(), 200);

        clear_faults(&desk);
        until("the gateway is ready again", async || {
            readiness(&desk).await.0 == 200
        })
        .await;
        for vendor in ["FIRSTLINE", "BANGWO8"] {
            until("both vendors have recovered", async || {
                let health = health_of(&desk, vendor).await;
                health["circuit"] == "CLOSED" && health["state"] == "DEGRADED"
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_gateway_with_cached_data_stays_ready_and_serves_it() {
    let desk = desk(DeskOptions::default().set("CACHE__LIST_TTL_MS", 0)).await;
    let query =
        "{ serviceRecords { nodes { id } totalCount sources { vendor state error { code } } } }";
    let before = desk.execute(query).await;
    for vendor in ["FIRSTLINE", "BANGWO8"] {
        fail(&desk, vendor, status(500));
        call(&desk, vendor, CALLS_THAT_OPEN).await;
        assert_eq!(health_of(&desk, vendor).await["state"], "DOWN");
    }

    assert_eq!(readiness(&desk).await.0, 200);
    let stale = desk.execute(query).await;
    let (now, then) = (&stale["serviceRecords"], &before["serviceRecords"]);
    assert_eq!(
        (&now["nodes"], &now["totalCount"]),
        (&then["nodes"], &then["totalCount"])
    );
    for source in now["sources"].as_array().expect("it is a list") {
        assert_eq!(source["state"], "STALE");
        assert_eq!(source["error"]["code"], "CIRCUIT_OPEN");
    }
}

#[tokio::test]
async fn a_4xx_response_leaves_the_circuit_closed() {
    for vendor in ["FIRSTLINE", "BANGWO8"] {
        for code in [400, 401, 403, 404, 422, 429] {
            let desk = desk(DeskOptions::default()).await;
            fail(&desk, vendor, status(code));
            call(&desk, vendor, 2 * CALLS_THAT_OPEN).await;
            assert_eq!(
                health_of(&desk, vendor).await["circuit"],
                "CLOSED",
                "{code}"
            );
        }
    }
}

#[tokio::test]
async fn at_most_a_fifth_of_many_calls_are_retries() {
    const CALLS: usize = 300;
    /// The retries that a vendor with few calls has.
    const RESERVE: usize = 10;

    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 10)).await;
    let ids: Vec<i64> = (0..CALLS)
        .map(|_| desk.sandbox.firstline_insert_ticket(json!({})))
        .collect();
    // The last sixth of the objects always fails, and each would be retried ten times. They come after the others, because the
    // circuit may open over them.
    let (good, bad) = ids.split_at(CALLS - CALLS / 6);
    for id in bad {
        let path = format!("GET /api/v1/ticket/{id}");
        fail_with(desk.sandbox.firstline(), &path, status(500));
    }

    let send_query = async |id: &i64| {
        let query = "query ($id: ID!) { node(id: $id) { id } }";
        let variables = json!({ "id": format!("firstline:Ticket:{id}") });
        desk.answer(query, variables).await["data"]["node"].is_object()
    };
    let good = join_all(good.iter().map(send_query)).await;
    assert!(good.iter().all(|is_answered| *is_answered));
    let bad = join_all(bad.iter().map(send_query)).await;
    assert!(bad.iter().all(|is_answered| !is_answered));
    let retries = desk.calls().0.saturating_sub(CALLS);
    assert!(retries > RESERVE, "{retries}");
    assert!(retries <= CALLS / 5 + RESERVE, "{retries}");
}

#[tokio::test]
async fn a_vendor_that_rejects_calls_leaves_the_gateway_ready() {
    for code in [403, 429] {
        let desk = desk(DeskOptions::default().without("FIRSTLINE")).await;
        fail(&desk, "BANGWO8", status(code));
        call(&desk, "BANGWO8", 2 * CALLS_THAT_OPEN).await;
        assert_eq!(
            health_of(&desk, "BANGWO8").await["state"],
            "DEGRADED",
            "{code}"
        );
        assert_eq!(readiness(&desk).await.0, 200, "{code}");
    }
}

#[tokio::test]
async fn a_gateway_whose_logins_failed_recovers_without_traffic() {
    let options = DeskOptions::default()
        .without("BANGWO8")
        .set("FIRSTLINE__MAX_RETRIES", 0);
    let desk = Desk::open_with(options).await;
    fail_with(desk.sandbox.firstline(), "POST /api/v1/auth", status(500));
    call(&desk, "FIRSTLINE", CALLS_THAT_OPEN).await;
    assert_eq!(readiness(&desk).await.0, 503);

    clear_faults(&desk);
    until("the gateway is ready again", async || {
        readiness(&desk).await.0 == 200
    })
    .await;
}
