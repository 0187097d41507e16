//! The aims for the figures.

use crate::{
    MOST_CLIENTS,
    report::{Growth, Report, Round, Step, largest, median},
};

/// One of the aims, and its result.
pub(crate) struct Aim {
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) measured: String,
    pub(crate) is_met: bool,
}

/// The factor by which the cost of a unit may grow from one step to the next: ten times the cause, or twice the threads.
const MOST_GROWTH: f64 = 1.5;

fn at_least(what: &str, limit: f64, measured: f64) -> Aim {
    Aim {
        what: what.to_owned(),
        wanted: format!("at least {limit}"),
        measured: format!("{measured:.2}"),
        is_met: measured >= limit,
    }
}

fn at_most(what: impl Into<String>, limit: f64, measured: f64) -> Aim {
    Aim {
        what: what.into(),
        wanted: format!("at most {limit}"),
        measured: format!("{measured:.2}"),
        is_met: measured <= limit,
    }
}

pub(crate) fn of_speed(report: &Report) -> Vec<Aim> {
    let row = |number| report.row(number, MOST_CLIENTS);
    let beside_bare = |number, bare: fn(&Round) -> Option<f64>| {
        let times = row(number).rounds.iter().map(|round| {
            let bare = bare(round).expect("it was measured");
            round.gateway.microseconds_a_request / bare
        });
        median(times)
    };
    // These two are measured in turn.
    let both = row('1').rounds.iter().zip(&row('2').rounds);
    let one_beside_two = median(both.map(|(one, two)| one.gateway.a_second / two.gateway.a_second));

    vec![
        at_least("2 beside the baseline", 0.6, row('2').beside_baseline()),
        at_most(
            "vendor calls a request in 1",
            0.2,
            row('1').median(|round| round.gateway.calls_a_request),
        ),
        at_least("1 beside 2", 0.5, one_beside_two),
        at_most(
            "processor time of 3 beside the bare executor's",
            1.35,
            beside_bare('3', |round| Some(round.bare?.execution.as_secs_f64() * 1e6)),
        ),
        at_most(
            "processor time of 4 beside reading the page and the bare executor's",
            2.0,
            beside_bare('4', |round| Some(round.bare?.both().as_secs_f64() * 1e6)),
        ),
        at_least("6 beside the baseline", 0.5, row('6').beside_baseline()),
        memory_at_rest(report),
        memory_under_load(report),
        readiness(report),
    ]
}

fn memory_at_rest(report: &Report) -> Aim {
    let most = largest(report.starts.iter().map(|start| start.memory_at_rest_mb));
    Aim {
        what: format!("memory at rest, the most of {} starts", report.starts.len()),
        wanted: "under 30 MB".to_owned(),
        measured: format!("{most:.1} MB"),
        is_met: most < 30.0,
    }
}

fn memory_under_load(report: &Report) -> Aim {
    let crowded = report.rows.iter().filter(|row| row.clients == MOST_CLIENTS);
    let most = largest(crowded.map(|row| row.peak_mb()));
    Aim {
        what: "memory, the most of all scenarios".to_owned(),
        wanted: "under 150 MB".to_owned(),
        measured: format!("{most:.1} MB"),
        is_met: most < 150.0,
    }
}

/// Judged by the median, because other work of the machine delays single starts.
fn readiness(report: &Report) -> Aim {
    let milliseconds = || {
        let starts = report.starts.iter();
        starts.map(|start| start.ready_after.as_secs_f64() * 1e3)
    };
    let (usual, worst) = (median(milliseconds()), largest(milliseconds()));
    Aim {
        what: format!("ready after, the median of {} starts", report.starts.len()),
        wanted: "at most 150 ms".to_owned(),
        measured: format!("{usual:.0} ms, the slowest {worst:.0} ms"),
        is_met: usual <= 150.0,
    }
}

/// Each step beside the one before it.
pub(crate) fn of_growth(report: &Report) -> Vec<Aim> {
    report.growth.iter().flat_map(aims_of).collect()
}

fn aims_of(growth: &Growth) -> Vec<Aim> {
    let mut aims = Vec::new();
    for steps in growth.steps.windows(2) {
        let [fewer, more] = steps else { continue };
        let (what, unit, cause) = (&growth.what, growth.unit, growth.cause);
        let name = |of: &str| {
            let (fewer, more) = (fewer.cause, more.cause);
            format!("{what}: {of} a {unit}, {more} {cause} beside {fewer}")
        };
        let ratio = |of: fn(&Step) -> f64| of(more) / of(fewer);

        let time = ratio(|step| step.median(|cost| cost.microseconds));
        aims.push(at_most(name("processor time"), MOST_GROWTH, time));
        // Single calls belong to no request; the number of calls of each scenario is checked elsewhere.
        if growth.cause == "records" {
            let calls = ratio(|step| step.median(|cost| cost.calls));
            aims.push(at_most(name("vendor calls"), MOST_GROWTH, calls));
        }
    }
    aims
}
