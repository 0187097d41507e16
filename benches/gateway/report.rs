//! The tables: printed, and written into `docs/BENCHMARKS.md`.

use std::{fmt, fs, path::Path, time::Duration};

use crate::{Pace, aims::Aim, bare::Bare, subject::Measured};

pub(crate) struct Report {
    pub(crate) pace: Pace,
    pub(crate) rows: Vec<Row>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) starts: Vec<Start>,
}

/// A scenario with a number of clients.
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    pub(crate) clients: usize,
    pub(crate) rounds: Vec<Round>,
}

/// What was measured in turn.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) gateway: Measured,
    pub(crate) baseline: Measured,
    pub(crate) bare: Option<Bare>,
}

/// A start of the gateway.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) ready_after: Duration,
    pub(crate) memory_at_rest_mb: f64,
}

/// How a cost grows with its cause.
pub(crate) struct Growth {
    pub(crate) what: String,
    pub(crate) cause: &'static str,
    /// The unit of the cost.
    pub(crate) unit: &'static str,
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    /// How much of it.
    pub(crate) cause: usize,
    /// One of each round.
    pub(crate) costs: Vec<Cost>,
}

/// Of one unit, the memory apart.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) microseconds: f64,
    pub(crate) calls: f64,
    pub(crate) a_second: Option<f64>,
    pub(crate) peak_mb: f64,
}

const START: &str = "<!-- The benchmark writes from here -->\n";
const END: &str = "<!-- to here -->";

impl Row {
    pub(crate) fn median(&self, value: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(value))
    }

    pub(crate) fn beside_baseline(&self) -> f64 {
        self.median(|round| round.gateway.a_second / round.baseline.a_second)
    }

    pub(crate) fn peak_mb(&self) -> f64 {
        largest(self.rounds.iter().map(|round| round.gateway.peak_mb))
    }
}

impl Growth {
    /// A walk has its records; a request is one.
    fn units(&self, step: &Step) -> f64 {
        match self.cause {
            "records" => step.cause as f64,
            _ => 1.0,
        }
    }
}

impl Step {
    pub(crate) fn median(&self, value: impl Fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().map(value))
    }

    pub(crate) fn peak_mb(&self) -> f64 {
        largest(self.costs.iter().map(|cost| cost.peak_mb))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(lower, upper)
}

pub(crate) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

impl Report {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            rows: Vec::new(),
            growth: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Between the two marks.
    pub(crate) fn write_into(&self, document: &Path) {
        let text = fs::read_to_string(document).expect("the document is there");
        let (before, rest) = text.split_once(START).expect("it has the first mark");
        let (_, after) = rest.split_once(END).expect("it has the second mark");
        let text = format!("{before}{START}\n{self}\n{END}{after}");
        fs::write(document, text).expect("the document can be written to");
    }

    /// The row of the scenario with this number and this many clients.
    pub(crate) fn row(&self, number: char, clients: usize) -> &Row {
        let row = self
            .rows
            .iter()
            .find(|row| row.clients == clients && row.scenario.starts_with(number));
        row.expect("every scenario was run with as many clients")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pace { rounds, run, .. } = self.pace;
        let seconds = run.as_secs();
        writeln!(
            out,
            "Measured on {}, in rounds of {seconds} s: {rounds} of each.\n",
            machine()
        )?;
        self.write_rows(out)?;
        self.write_bare(out)?;
        writeln!(out, "\n| aim, with 100 clients | wanted | measured | met |")?;
        write_aims(out, &crate::aims::of_speed(self))?;
        self.write_growth(out)?;
        writeln!(
            out,
            "\n| nothing grows faster than its cause | wanted | measured | met |"
        )?;
        write_aims(out, &crate::aims::of_growth(self))
    }
}

impl Report {
    fn write_rows(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| scenario | clients | requests/s | p50 ms | p99 ms | vendor calls a request | processor µs a request | peak MB | beside the baseline |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            writeln!(
                out,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.3} | {:.0} | {:.0} | {:.2} |",
                row.scenario,
                row.clients,
                row.median(|round| round.gateway.a_second),
                row.median(|round| round.gateway.p50_ms),
                row.median(|round| round.gateway.p99_ms),
                row.median(|round| round.gateway.calls_a_request),
                row.median(|round| round.gateway.microseconds_a_request),
                row.peak_mb(),
                row.beside_baseline(),
            )?;
        }
        Ok(())
    }

    fn write_bare(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "\n| with data in memory | bare executor µs | reading the vendor's page µs | the page's kB |"
        )?;
        writeln!(out, "|---|---|---|---|")?;
        for row in &self.rows {
            let bare: Vec<Bare> = row.rounds.iter().filter_map(|round| round.bare).collect();
            let Some(Bare { page_bytes, .. }) = bare.first() else {
                continue;
            };
            let microseconds = |of: fn(&Bare) -> Duration| {
                median(bare.iter().map(|bare| of(bare).as_secs_f64() * 1e6))
            };
            writeln!(
                out,
                "| {} | {:.0} | {:.0} | {} |",
                row.scenario,
                microseconds(|bare| bare.execution),
                microseconds(|bare| bare.decoding),
                page_bytes / 1_000,
            )?;
        }
        Ok(())
    }

    fn write_growth(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "\n| what grows | with | processor ms of a walk or request | vendor calls of one | processor µs by its cause | vendor calls by it | requests/s | peak MB |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|")?;
        for growth in &self.growth {
            for step in &growth.steps {
                let microseconds = step.median(|cost| cost.microseconds);
                let calls = step.median(|cost| cost.calls);
                let units = growth.units(step);
                let cause = match step.cause {
                    1 => growth.cause.trim_end_matches('s'),
                    _ => growth.cause,
                };
                let a_second = step.costs.first().and_then(|cost| cost.a_second);
                let a_second = a_second.map(|_| {
                    let median = step.median(|cost| cost.a_second.unwrap_or_default());
                    format!("{median:.0}")
                });
                writeln!(
                    out,
                    "| {} | {} {} | {:.3} | {:.3} | {microseconds:.1} a {} | {calls:.4} | {} | {:.0} |",
                    growth.what,
                    step.cause,
                    cause,
                    microseconds * units / 1e3,
                    calls * units,
                    growth.unit,
                    a_second.unwrap_or_default(),
                    step.peak_mb(),
                )?;
            }
        }
        Ok(())
    }
}

fn write_aims(out: &mut fmt::Formatter<'_>, aims: &[Aim]) -> fmt::Result {
    writeln!(out, "|---|---|---|---|")?;
    for aim in aims {
        let met = if aim.is_met { "yes" } else { "no" };
        writeln!(
            out,
            "| {} | {} | {} | {met} |",
            aim.what, aim.wanted, aim.measured
        )?;
    }
    Ok(())
}

/// The name of the processor, and its number of threads.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, name)| name);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{threads} threads of {name}, which the load and the vendors share")
}
