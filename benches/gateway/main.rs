//! What the gateway costs and how fast it answers, beside a server that gives the same bytes from memory.
//!
//! `cargo bench --bench gateway` prints the tables; with `-- --write` they also replace those of the README. `wrk` makes the
//! load. Every number is of this machine, so that only ratios within one run mean anything elsewhere.

mod bare;
mod canned;
mod load;
mod process;
mod report;

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderName, header},
    routing::post,
};
use serde_json::json;

use canned::CannedVendors;
use load::{Load, load};
use process::Server;
use report::{Growth, Measured, Report};

/// The gateway's own, so that what it is measured by allocates no dearer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: [usize; 3] = [1, 16, 100];
const MOST_CLIENTS: usize = 100;
const RUN: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(1);

const SELECTION: &str =
    "nodes { subject status handler { name } category { name parent { name } } }";

struct Scenario {
    name: &'static str,
    cache: &'static str,
    body: String,
}

#[expect(clippy::print_stdout, reason = "the tables are what it is for")]
fn main() {
    // Whoever installed one first is right: there can be one for a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = env::args().collect();
    if let [_, mode, address, body] = &arguments[..]
        && mode == "baseline"
    {
        return serve_from_memory(address, Path::new(body));
    }

    let report = measure();
    println!("{report}");
    if arguments.iter().any(|argument| argument == "--write") {
        report.write_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    }
}

/// The dashboard asked as it is, or with another number each time.
fn scenarios() -> Vec<Scenario> {
    let dashboard = format!("query Dashboard {{ tickets(first: 100) {{ {SELECTION} }} }}");
    let other_variables = other_variables();
    let other_question = format!(
        "query Dashboard($from: DateTime!) {{ tickets(first: 100, filter: {{ createdFrom: $from }}) {{ {SELECTION} }} }}"
    );
    let merged =
        "query Merged { serviceRecords(first: 100) { nodes { id createdAt handler { name } } } }";
    let body = |query: &str| json!({ "query": query }).to_string();
    let instant = "{ \"from\": \"{t}\" }";
    vec![
        Scenario {
            name: "1: one dashboard query by all, cache off",
            cache: "false",
            body: body(&dashboard),
        },
        Scenario {
            name: "2: the same, cache on",
            cache: "true",
            body: body(&dashboard),
        },
        Scenario {
            name: "3: cache on, other variables each time",
            cache: "true",
            body: format!(
                "{{ \"query\": {}, \"variables\": {{ \"employee\": \"firstline:Employee:{{n}}\" }} }}",
                json!(other_variables)
            ),
        },
        Scenario {
            name: "4: cache off, another question each time",
            cache: "false",
            body: format!(
                "{{ \"query\": {}, \"variables\": {instant} }}",
                json!(other_question)
            ),
        },
        Scenario {
            name: "5: the merged list of both vendors, cache off",
            cache: "false",
            body: body(merged),
        },
        Scenario {
            name: "6: `{__typename}`",
            cache: "true",
            body: body("{__typename}"),
        },
    ]
}

/// The dashboard beside an employee of another number each time, who is looked up in the directory at hand.
fn other_variables() -> String {
    format!(
        "query Dashboard($employee: ID!) {{ tickets(first: 100) {{ {SELECTION} }} employee(id: $employee) {{ name }} }}"
    )
}

fn measure() -> Report {
    let vendors = CannedVendors::start();
    let mut report = Report::default();
    for scenario in scenarios() {
        measure_scenario(&vendors, &scenario, &mut report);
    }

    let gateway = start(&vendors, &[("DESKGRAPH_CACHE__ENABLED", "true")]);
    let employee = json!({ "employee": "firstline:Employee:1000000000" });
    let query = other_variables();
    let asked = json!({ "query": query, "variables": employee }).to_string();
    let answer = gateway.ask(&asked);
    report.bare_execution = bare::execution(&answer, &query, &employee);
    report.decoding = bare::decoding(&vendors.ticket_page());
    drop(gateway);

    measure_growth(&vendors, &mut report);
    report
}

fn start(vendors: &CannedVendors, more: &[(&'static str, &str)]) -> Server {
    let mut settings = vendors.settings();
    settings.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    Server::gateway(&settings)
}

fn measure_scenario(vendors: &CannedVendors, scenario: &Scenario, report: &mut Report) {
    for clients in CLIENTS {
        let gateway = start(vendors, &[("DESKGRAPH_CACHE__ENABLED", scenario.cache)]);
        report.ready_after.push(gateway.ready_after);
        report.idle_mb.push(gateway.memory_mb());
        let bytes = gateway.ask(&load::once(&scenario.body));
        assert!(!bytes.contains("\"errors\""), "{}: {bytes}", scenario.name);
        let measured = run(vendors, &gateway, &scenario.body, clients);
        drop(gateway);

        let file = scratch("baseline.json");
        fs::write(&file, &bytes).expect("the build's folder can be written to");
        let baseline = Server::baseline(&file);
        let base = run(vendors, &baseline, &scenario.body, clients);
        report.add(scenario.name, clients, measured, base);
    }
}

fn run(vendors: &CannedVendors, server: &Server, body: &str, clients: usize) -> Measured {
    load(server, body, clients, WARM_UP);
    let (calls, time) = (vendors.calls(), server.processor_time());
    let load: Load = load(server, body, clients, RUN);
    let calls = (vendors.calls() - calls) as f64;
    let time = server.processor_time() - time;
    Measured {
        load,
        calls_a_request: calls / load.requests,
        microseconds_a_request: time.as_secs_f64() * 1e6 / load.requests,
        peak_mb: server.peak_memory_mb(),
    }
}

/// A walk over so many records page by page, so many clients, and so many threads.
fn measure_growth(vendors: &CannedVendors, report: &mut Report) {
    for records in [10, 100, 1_000] {
        let gateway = start(vendors, &[("DESKGRAPH_CACHE__ENABLED", "false")]);
        walk(&gateway, records);
        let (calls, time) = (vendors.calls(), gateway.processor_time());
        // Short walks are repeated until the system's clock can tell what they took.
        let walks = 20_000 / records;
        for _ in 0..walks {
            walk(&gateway, records);
        }
        let time = gateway.processor_time() - time;
        report.growth.push(Growth {
            cause: format!("a page walk over {records} records, cache off"),
            milliseconds: time.as_secs_f64() * 1e3 / walks as f64,
            calls: (vendors.calls() - calls) as f64 / walks as f64,
            a_second: None,
        });
    }

    let scenario = scenarios().swap_remove(2);
    let cases = [(1, 2), (10, 2), (100, 2), (1_000, 2), (MOST_CLIENTS, 1)];
    for (clients, threads) in cases {
        let threads_text = threads.to_string();
        let gateway = start(vendors, &[("TOKIO_WORKER_THREADS", &threads_text)]);
        gateway.ask(&load::once(&scenario.body));
        let measured = run(vendors, &gateway, &scenario.body, clients);
        report.growth.push(Growth {
            cause: format!("scenario 3, {clients} clients, {threads} threads"),
            milliseconds: measured.microseconds_a_request / 1e3,
            calls: measured.calls_a_request,
            a_second: Some(measured.load.a_second),
        });
    }
}

fn walk(gateway: &Server, records: usize) {
    let query = "query Walk($first: Int!, $after: String) { tickets(first: $first, after: $after) { \
        nodes { id subject status } pageInfo { endCursor hasNextPage } } }";
    let mut after = json!(null);
    let mut seen = 0;
    while seen < records {
        let first = (records - seen).min(100);
        let variables = json!({ "first": first, "after": after });
        let answer = gateway.ask(&json!({ "query": query, "variables": variables }).to_string());
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
        let page = &answer["data"]["tickets"];
        seen += page["nodes"].as_array().map_or(0, Vec::len);
        after = page["pageInfo"]["endCursor"].clone();
        assert!(
            seen >= records || page["pageInfo"]["hasNextPage"] == true,
            "the list ends after {seen}: {answer}"
        );
    }
}

/// The baseline: all that axum needs to answer with these bytes.
fn serve_from_memory(address: &str, body: &Path) {
    type Answer = ([(HeaderName, &'static str); 1], Bytes);

    async fn answer(State(body): State<Bytes>, _request: Bytes) -> Answer {
        ([(header::CONTENT_TYPE, "application/json")], body)
    }

    let body = Bytes::from(fs::read(body).expect("the file is there"));
    let address: SocketAddr = address.parse().expect("it is an address");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .expect("the port is free");
        let router = Router::new()
            .route("/graphql", post(answer))
            .with_state(body);
        axum::serve(listener, router).await.expect("it serves");
    });
}

/// A file of this run.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}
