//! The cost and speed of the gateway, beside a server that returns the same bytes from memory.
//!
//! `cargo bench --bench gateway` prints the tables; with `-- --write` they also replace those of `docs/BENCHMARKS.md`, and with
//! `-- --quick` there is one round, of two seconds. `wrk` makes the load. The numbers depend on the machine; only ratios within
//! one run mean anything elsewhere. What is compared is measured in turn, round by round.

mod aims;
mod bare;
mod baseline;
mod canned;
mod growth;
mod load;
mod page;
mod process;
mod report;
mod scenario;
mod subject;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use bare::Bare;
use canned::CannedVendors;
use process::Server;
use report::{Report, Round, Row, Start};
use scenario::{BareExecutor, Scenario};
use subject::{Measured, Subject};

/// The gateway's allocator, so that the baseline has the same cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: [usize; 3] = [1, 16, MOST_CLIENTS];
const MOST_CLIENTS: usize = 100;

/// The length of the measurement.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rounds: usize,
    run: Duration,
    warm_up: Duration,
}

const THOROUGH: Pace = Pace {
    rounds: 3,
    run: Duration::from_secs(3),
    warm_up: Duration::from_secs(1),
};
const QUICK: Pace = Pace {
    rounds: 1,
    run: Duration::from_secs(2),
    warm_up: Duration::from_secs(1),
};

#[expect(clippy::print_stdout, reason = "the tables are what it is for")]
fn main() {
    // A process has one provider; an earlier one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = env::args().collect();
    if let [_, mode, address, body] = &arguments[..]
        && mode == "baseline"
    {
        return baseline::serve(address, Path::new(body));
    }

    let is_asked_for = |option: &str| arguments.iter().any(|argument| argument == option);
    let (is_quick, is_to_write) = (is_asked_for("--quick"), is_asked_for("--write"));
    assert!(
        !is_quick || !is_to_write,
        "what was measured quickly is not to be published"
    );
    let report = measure(if is_quick { QUICK } else { THOROUGH });
    println!("{report}");
    if is_to_write {
        report.write_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md"));
    }
}

fn measure(pace: Pace) -> Report {
    let vendors = CannedVendors::start();
    let mut report = Report::new(pace);
    for group in scenario::groups() {
        for clients in CLIENTS {
            measure_group(&vendors, &group, clients, &mut report);
        }
    }
    growth::measure(&vendors, &pace, &mut report);
    report
}

/// A scenario's gateway under load.
struct Entrant<'a> {
    scenario: &'a Scenario,
    gateway: Subject,
    rounds: Vec<Round>,
}

/// A gateway for each scenario, and the baseline, in turn.
fn measure_group(vendors: &CannedVendors, group: &[Scenario], clients: usize, report: &mut Report) {
    let pace = report.pace;
    let mut entrants = Vec::new();
    for scenario in group {
        let settings = [("DESKGRAPH_CACHE__ENABLED", scenario.cache)];
        let server = start(vendors, &settings, report);
        entrants.push(Entrant {
            scenario,
            gateway: Subject::new(server, &scenario.body, scenario.calls),
            rounds: Vec::new(),
        });
    }
    let baseline = Subject::baseline_of(&entrants[0].gateway);
    baseline.warm_up(clients, pace.warm_up);
    for Entrant { gateway, .. } in &entrants {
        assert_eq!(gateway.answer.body, baseline.answer.body);
        gateway.warm_up(clients, pace.warm_up);
    }

    for _ in 0..pace.rounds {
        let of_gateways: Vec<Measured> = entrants
            .iter()
            .map(|entrant| entrant.gateway.run(vendors, clients, pace.run))
            .collect();
        let baseline = baseline.run(vendors, clients, pace.run);
        for (entrant, gateway) in entrants.iter_mut().zip(of_gateways) {
            let is_compared =
                entrant.scenario.executor == BareExecutor::Measured && clients == MOST_CLIENTS;
            entrant.rounds.push(Round {
                gateway,
                baseline,
                bare: is_compared.then(|| measure_bare(vendors, &entrant.gateway, pace)),
            });
        }
    }

    baseline.assert_unharmed();
    for entrant in entrants {
        entrant.gateway.assert_unharmed();
        report.rows.push(Row {
            scenario: entrant.scenario.name,
            clients,
            rounds: entrant.rounds,
        });
    }
}

fn measure_bare(vendors: &CannedVendors, gateway: &Subject, pace: Pace) -> Bare {
    let request = serde_json::from_str(&gateway.request_body()).expect("a request is JSON");
    let page = vendors.ticket_page();
    Bare::measure(&page, &request, &gateway.answer.body, pace.run)
}

/// A gateway over these vendors that has received readiness checks only.
fn start(vendors: &CannedVendors, more: &[(&'static str, &str)], report: &mut Report) -> Server {
    let mut settings = vendors.settings();
    settings.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let server = Server::gateway(&settings);
    server.become_idle();
    report.starts.push(Start {
        ready_after: server.ready_after,
        memory_at_rest_mb: server.memory_mb(),
    });
    server
}

/// A file of this run.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}
