//! The tables: printed, and written into the README.

use std::{fmt, fs, path::Path, time::Duration};

use crate::{MOST_CLIENTS, load::Load};

#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) load: Load,
    pub(crate) calls_a_request: f64,
    pub(crate) microseconds_a_request: f64,
    pub(crate) peak_mb: f64,
}

/// What something costs with more of its cause: each walk, or each request.
pub(crate) struct Growth {
    pub(crate) cause: String,
    pub(crate) milliseconds: f64,
    pub(crate) calls: f64,
    pub(crate) a_second: Option<f64>,
}

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) bare_execution: Duration,
    pub(crate) decoding: Duration,
    pub(crate) ready_after: Vec<Duration>,
    pub(crate) idle_mb: Vec<f64>,
}

struct Row {
    scenario: &'static str,
    clients: usize,
    gateway: Measured,
    baseline: Measured,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.gateway.load.a_second / self.baseline.load.a_second
    }
}

/// One of the aims, and what came of it.
struct Aim {
    what: &'static str,
    wanted: &'static str,
    measured: String,
    is_met: bool,
}

const START: &str = "<!-- The benchmark writes from here -->\n";
const END: &str = "<!-- to here -->";

impl Report {
    pub(crate) fn add(
        &mut self,
        scenario: &'static str,
        clients: usize,
        gateway: Measured,
        baseline: Measured,
    ) {
        self.rows.push(Row {
            scenario,
            clients,
            gateway,
            baseline,
        });
    }

    /// Between the two marks.
    pub(crate) fn write_into(&self, readme: &Path) {
        let text = fs::read_to_string(readme).expect("the README is there");
        let (before, rest) = text.split_once(START).expect("it has the first mark");
        let (_, after) = rest.split_once(END).expect("it has the second mark");
        let text = format!("{before}{START}\n{self}\n{END}{after}");
        fs::write(readme, text).expect("the README can be written to");
    }

    fn crowded(&self, number: char) -> &Row {
        let row = self
            .rows
            .iter()
            .find(|row| row.clients == MOST_CLIENTS && row.scenario.starts_with(number));
        row.expect("every scenario was run with as many clients")
    }

    fn aims(&self) -> Vec<Aim> {
        let rate = |number| self.crowded(number).gateway.load.a_second;
        let time = |number| self.crowded(number).gateway.microseconds_a_request;
        let bare = self.bare_execution.as_secs_f64() * 1e6;
        let decoded = bare + self.decoding.as_secs_f64() * 1e6;
        let idle = self.idle_mb.iter().copied().fold(0.0, f64::max);
        let crowded = self.rows.iter().filter(|row| row.clients == MOST_CLIENTS);
        let peak = crowded.map(|row| row.gateway.peak_mb).fold(0.0, f64::max);
        let slowest_start = self.ready_after.iter().max().copied().unwrap_or_default();
        let slowest_start = slowest_start.as_secs_f64() * 1e3;

        let at_least = |what, wanted, limit: f64, measured: f64| Aim {
            what,
            wanted,
            measured: format!("{measured:.2}"),
            is_met: measured >= limit,
        };
        let at_most = |what, wanted, limit: f64, measured: f64, unit: &str| Aim {
            what,
            wanted,
            measured: format!("{measured:.2}{unit}"),
            is_met: measured <= limit,
        };
        vec![
            at_least(
                "2 beside the baseline",
                "at least 0.6",
                0.6,
                self.crowded('2').ratio(),
            ),
            at_most(
                "vendor calls a request in 1",
                "at most 0.2",
                0.2,
                self.crowded('1').gateway.calls_a_request,
                "",
            ),
            at_least("1 beside 2", "at least 0.5", 0.5, rate('1') / rate('2')),
            at_most(
                "processor time of 3 beside the bare executor's",
                "at most 1.35",
                1.35,
                time('3') / bare,
                "",
            ),
            at_most(
                "processor time of 4 beside decoding and the bare executor's",
                "at most 2",
                2.0,
                time('4') / decoded,
                "",
            ),
            at_least(
                "6 beside the baseline",
                "at least 0.5",
                0.5,
                self.crowded('6').ratio(),
            ),
            at_most("memory at rest", "under 30 MB", 30.0, idle, " MB"),
            at_most(
                "memory with 100 clients",
                "under 150 MB",
                150.0,
                peak,
                " MB",
            ),
            at_most("ready after", "150 ms", 150.0, slowest_start, " ms"),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Measured on {}.\n", machine())?;
        writeln!(
            out,
            "| scenario | clients | requests/s | p50 ms | p99 ms | vendor calls a request | processor µs a request | peak MB | beside the baseline |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let measured = &row.gateway;
            writeln!(
                out,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.3} | {:.0} | {:.0} | {:.2} |",
                row.scenario,
                row.clients,
                measured.load.a_second,
                measured.load.p50_ms,
                measured.load.p99_ms,
                measured.calls_a_request,
                measured.microseconds_a_request,
                measured.peak_mb,
                row.ratio(),
            )?;
        }

        writeln!(
            out,
            "\nThe bare executor takes {:.0} µs for the dashboard, and reading the vendor's body as JSON {:.0} µs.\n",
            self.bare_execution.as_secs_f64() * 1e6,
            self.decoding.as_secs_f64() * 1e6,
        )?;
        writeln!(out, "| with 100 clients | wanted | measured | met |")?;
        writeln!(out, "|---|---|---|---|")?;
        for aim in self.aims() {
            let met = if aim.is_met { "yes" } else { "no" };
            writeln!(
                out,
                "| {} | {} | {} | {met} |",
                aim.what, aim.wanted, aim.measured
            )?;
        }

        writeln!(
            out,
            "\n| what grows | processor ms | vendor calls | requests/s |"
        )?;
        writeln!(out, "|---|---|---|---|")?;
        for growth in &self.growth {
            let a_second = growth.a_second.map(|rate| format!("{rate:.0}"));
            writeln!(
                out,
                "| {} | {:.3} | {:.3} | {} |",
                growth.cause,
                growth.milliseconds,
                growth.calls,
                a_second.unwrap_or_default(),
            )?;
        }
        Ok(())
    }
}

/// The processor as the system names it, and how many threads it has.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, name)| name);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{threads} threads of {name}, which the load and the vendors share")
}
