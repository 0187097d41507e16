//! What the process says of itself: the log's format and filter.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

const DEFAULT_FILTER: &str = "info";

/// They tell of every connection and frame, and their lines hold addresses with their values.
const CHATTY_TARGETS: [&str; 4] = ["hyper", "reqwest", "h2", "rustls"];

/// Logs to stderr from here on; what is logged follows RUST_LOG. A second call changes nothing.
pub fn start(format: LogFormat) {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let asked = match asked.trim() {
        "" => DEFAULT_FILTER,
        asked => asked,
    };
    let parsed = EnvFilter::try_new(asked);
    let is_readable = parsed.is_ok();
    let filter = parsed
        .unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER))
        .and(chatter_filter(asked));

    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let is_first = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .is_ok();

    if is_first && !is_readable {
        tracing::warn!("RUST_LOG can't be read; logging at {DEFAULT_FILTER}");
    }
}

/// Keeps chatty libraries at warn, but for those that the operator asks for by name.
fn chatter_filter<S>(asked: &str) -> impl tracing_subscriber::layer::Filter<S> + use<S> {
    let kept_quiet: Vec<&'static str> = CHATTY_TARGETS
        .into_iter()
        .filter(|target| !is_named(asked, target))
        .collect();

    filter_fn(move |metadata| {
        let is_quiet = kept_quiet
            .iter()
            .any(|quiet| is_part_of(metadata.target(), quiet));
        !is_quiet || *metadata.level() <= LevelFilter::WARN
    })
}

/// Whether one of the filter's directives is for the target or a part of it.
fn is_named(filter: &str, target: &str) -> bool {
    filter.split(',').any(|directive| {
        let name = directive.split(['=', '[']).next().unwrap_or_default();
        is_part_of(name.trim(), target)
    })
}

/// Whether the name is the library's, one of its modules', or of a crate that goes with it (hyper_util, hyper_rustls).
fn is_part_of(name: &str, library: &str) -> bool {
    name.strip_prefix(library)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::{is_named, is_part_of};

    #[test]
    fn a_library_is_recognised_by_its_modules_and_sibling_crates() {
        assert!(is_part_of("hyper", "hyper"));
        assert!(is_part_of("hyper::proto", "hyper"));
        assert!(is_part_of("hyper_util::client", "hyper"));
        assert!(!is_part_of("hyperion", "hyper"));
        assert!(!is_part_of("deskgraph::request", "h2"));
    }

    #[test]
    fn a_library_is_loud_only_when_it_is_named() {
        assert!(!is_named("debug", "hyper"));
        assert!(!is_named("deskgraph=debug", "hyper"));
        assert!(is_named("info,hyper=debug", "hyper"));
        assert!(is_named("hyper_util::client=trace", "hyper"));
        assert!(is_named("h2[span]=trace", "h2"));
    }
}
