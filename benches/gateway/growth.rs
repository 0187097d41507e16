//! How cost grows with its cause: records of a page walk, clients, threads.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    MOST_CLIENTS, Pace,
    canned::CannedVendors,
    process::Server,
    report::{Cost, Growth, Report, Step},
    scenario,
    subject::Subject,
};

const RECORDS: [usize; 3] = [10, 100, 1_000];
const CLIENTS: [usize; 4] = [1, 10, 100, 1_000];
const THREADS: [usize; 2] = [1, 2];

/// Of each round, however long the walks are.
const PAGES_WALKED: usize = 100;
const PAGE: usize = 100;

pub(crate) fn measure(vendors: &CannedVendors, pace: &Pace, report: &mut Report) {
    measure_walks(vendors, pace, report);
    measure_clients(vendors, pace, report);
}

fn measure_walks(vendors: &CannedVendors, pace: &Pace, report: &mut Report) {
    let gateway = crate::start(vendors, &[("DESKGRAPH_CACHE__ENABLED", "false")], report);
    let steps = RECORDS.map(|records| {
        walk(&gateway, records);
        let costs = (0..pace.rounds).map(|_| walks(vendors, &gateway, records));
        Step {
            cause: records,
            costs: costs.collect(),
        }
    });
    gateway.assert_no_complaint();
    report.growth.push(Growth {
        what: "a page walk, cache off".to_owned(),
        cause: "records",
        unit: "record",
        steps: steps.into(),
    });
}

/// The cost of a record of such a walk.
fn walks(vendors: &CannedVendors, gateway: &Server, records: usize) -> Cost {
    let walks = PAGES_WALKED / records.div_ceil(PAGE);
    let (calls, time) = (vendors.calls(), gateway.processor_time());
    for _ in 0..walks {
        walk(gateway, records);
    }

    let time = gateway.processor_time().since(&time);
    let units = (walks * records) as f64;
    Cost {
        microseconds: time.as_secs_f64() * 1e6 / units,
        calls: (vendors.calls() - calls) as f64 / units,
        a_second: None,
        peak_mb: gateway.peak_memory_mb(),
    }
}

fn walk(gateway: &Server, records: usize) {
    let query = "query Walk($first: Int!, $after: String) { tickets(first: $first, after: $after) { \
        nodes { id subject status } pageInfo { endCursor hasNextPage } } }";
    let mut after = json!(null);
    let mut seen = 0;
    while seen < records {
        let first = (records - seen).min(PAGE);
        let variables = json!({ "first": first, "after": after });
        let answer =
            gateway.request(&json!({ "query": query, "variables": variables }).to_string());
        let answer: Value = serde_json::from_str(&answer.body).expect("it is JSON");
        let page = &answer["data"]["tickets"];
        seen += page["nodes"].as_array().map_or(0, Vec::len);
        after = page["pageInfo"]["endCursor"].clone();
        assert!(
            seen >= records || page["pageInfo"]["hasNextPage"] == true,
            "the list ends after {seen}: {answer}"
        );
    }
}

/// A number of clients of a gateway with a number of threads.
struct Case {
    threads: usize,
    clients: usize,
    subject: Subject,
    costs: Vec<Cost>,
}

/// All of them are measured in turn, so that other work of the machine affects all of them.
fn measure_clients(vendors: &CannedVendors, pace: &Pace, report: &mut Report) {
    let mut cases = Vec::new();
    for threads in THREADS {
        for clients in CLIENTS {
            let subject = start(vendors, threads, report);
            subject.warm_up(clients, pace.warm_up);
            cases.push(Case {
                threads,
                clients,
                subject,
                costs: Vec::new(),
            });
        }
    }
    for _ in 0..pace.rounds {
        for case in &mut cases {
            let measured = case.subject.run(vendors, case.clients, run(case, pace));
            case.costs.push(Cost {
                microseconds: measured.microseconds_a_request,
                calls: measured.calls_a_request,
                a_second: Some(measured.a_second),
                peak_mb: measured.peak_mb,
            });
        }
    }
    cases.iter().for_each(|case| case.subject.assert_unharmed());

    for threads in THREADS {
        let with_threads = cases.iter().filter(|case| case.threads == threads);
        report.growth.push(Growth {
            what: format!("scenario 3, gateway's threads: {threads}"),
            cause: "clients",
            unit: "request",
            steps: with_threads.map(|case| step(case.clients, case)).collect(),
        });
    }
    let crowded = cases.iter().filter(|case| case.clients == MOST_CLIENTS);
    report.growth.push(Growth {
        what: format!("scenario 3, {MOST_CLIENTS} clients"),
        cause: "threads",
        unit: "request",
        steps: crowded.map(|case| step(case.threads, case)).collect(),
    });
}

fn start(vendors: &CannedVendors, threads: usize, report: &mut Report) -> Subject {
    let scenario = scenario::other_variables();
    let settings = [
        ("DESKGRAPH_CACHE__ENABLED", scenario.cache),
        ("TOKIO_WORKER_THREADS", &threads.to_string()),
    ];
    let gateway = crate::start(vendors, &settings, report);
    Subject::new(gateway, &scenario.body, scenario.calls)
}

/// Requests in flight at the end cost time and do not count: with many clients this must not weigh more.
fn run(case: &Case, pace: &Pace) -> Duration {
    match case.clients > MOST_CLIENTS {
        true => pace.run * 3,
        false => pace.run,
    }
}

fn step(cause: usize, case: &Case) -> Step {
    Step {
        cause,
        costs: case.costs.clone(),
    }
}
