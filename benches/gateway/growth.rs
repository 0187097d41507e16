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

/// What a record of such a walk costs.
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
        let answer = gateway.ask(&json!({ "query": query, "variables": variables }).to_string());
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

/// All of them are measured in turn, so that whatever else the machine does is not held against one of them.
fn measure_clients(vendors: &CannedVendors, pace: &Pace, report: &mut Report) {
    let scenario = scenario::other_variables();
    let cases: Vec<(usize, usize)> = THREADS
        .into_iter()
        .flat_map(|threads| CLIENTS.map(|clients| (threads, clients)))
        .collect();
    let subjects: Vec<Subject> = cases
        .iter()
        .map(|(threads, clients)| {
            let settings = [
                ("DESKGRAPH_CACHE__ENABLED", scenario.cache),
                ("TOKIO_WORKER_THREADS", &threads.to_string()),
            ];
            let gateway = crate::start(vendors, &settings, report);
            let subject = Subject::new(gateway, &scenario.body, scenario.calls);
            subject.warm_up(*clients, pace.warm_up);
            subject
        })
        .collect();
    let mut costs: Vec<Vec<Cost>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..pace.rounds {
        for ((subject, (_, clients)), costs) in subjects.iter().zip(&cases).zip(&mut costs) {
            // What is under way at the end costs, and counts as no request: of many clients it must not weigh more.
            let run = match *clients > MOST_CLIENTS {
                true => pace.run * 3,
                false => pace.run,
            };
            costs.push(cost(subject, vendors, *clients, run));
        }
    }
    subjects.iter().for_each(Subject::assert_unharmed);

    let mut by_threads = costs.chunks(CLIENTS.len());
    let by_clients = THREADS.map(|_| {
        let costs = by_threads.next().expect("there is one for each");
        let steps = CLIENTS.into_iter().zip(costs);
        let steps = steps.map(|(cause, costs)| Step {
            cause,
            costs: costs.clone(),
        });
        steps.collect::<Vec<_>>()
    });
    let with_most_clients = THREADS
        .iter()
        .zip(&by_clients)
        .flat_map(|(threads, steps)| {
            let step = steps.iter().find(|step| step.cause == MOST_CLIENTS)?;
            Some(Step {
                cause: *threads,
                costs: step.costs.clone(),
            })
        });
    let threads = Growth {
        what: format!("scenario 3, {MOST_CLIENTS} clients"),
        cause: "threads",
        unit: "request",
        steps: with_most_clients.collect(),
    };
    for (threads, steps) in THREADS.into_iter().zip(by_clients) {
        report.growth.push(Growth {
            what: format!("scenario 3, gateway's threads: {threads}"),
            cause: "clients",
            unit: "request",
            steps,
        });
    }
    report.growth.push(threads);
}

fn cost(subject: &Subject, vendors: &CannedVendors, clients: usize, duration: Duration) -> Cost {
    let measured = subject.run(vendors, clients, duration);
    Cost {
        microseconds: measured.microseconds_a_request,
        calls: measured.calls_a_request,
        a_second: Some(measured.a_second),
        peak_mb: measured.peak_mb,
    }
}
