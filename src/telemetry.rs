//! What the process says of itself: the log's format and filter.

use std::{
    any::Any,
    fmt,
    io::{IsTerminal, stderr},
    panic,
};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

const DEFAULT_FILTER: &str = "info";

/// The gateway's own lines, in all of its modules and under the names that it gives them.
const OWN_TARGET: &str = "deskgraph";

/// Logs to stderr from here on; what the gateway logs follows RUST_LOG. A second call changes nothing.
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
        // Whichever lines are asked for, they bear what stands around them: the request's id.
        .or(filter_fn(|metadata| {
            metadata.is_span() && is_own(metadata.target())
        }))
        .and(filter_fn(|metadata| {
            is_safe(metadata.target(), metadata.level())
        }));

    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .map_event_format(Flat)
            .boxed(),
    };
    let is_first = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .is_ok();

    if is_first {
        panic::set_hook(Box::new(|panic| {
            tracing::error!(
                panic.location = panic.location().map(ToString::to_string),
                panic.message = loggable_message(panic.payload()),
                "a panic"
            );
        }));
    }
    if is_first && !is_readable {
        tracing::warn!("RUST_LOG can't be read; logging at {DEFAULT_FILTER}");
    }
}

/// The panic's message where it is a constant of the program: one that was put together may hold values.
fn loggable_message(payload: &dyn Any) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

/// Whatever RUST_LOG says, libraries are heard from warn up only: what they tell below it holds addresses with their values,
/// headers and bodies, and with them personal data and secrets.
fn is_safe(target: &str, level: &Level) -> bool {
    is_own(target) || *level <= Level::WARN
}

fn is_own(target: &str) -> bool {
    target
        .strip_prefix(OWN_TARGET)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Lines of JSON in which the fields of the spans around a line stand beside its own, and nowhere else.
struct Flat<Lines>(Lines);

impl<S, Fields, Lines> FormatEvent<S, Fields> for Flat<Lines>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    Fields: for<'writer> FormatFields<'writer> + 'static,
    Lines: FormatEvent<S, Fields>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        let open = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
        writer.write_str(open)?;

        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            // Each span's fields are an object of their own.
            let fields = extensions
                .get::<FormattedFields<Fields>>()
                .and_then(|fields| fields.strip_prefix('{')?.strip_suffix('}'))
                .filter(|fields| !fields.is_empty());
            if let Some(fields) = fields {
                write!(writer, ",{fields}")?;
            }
        }
        writeln!(writer, "}}")
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::{is_safe, loggable_message};

    #[test]
    fn libraries_are_kept_at_warn_and_the_gateway_is_not() {
        assert!(is_safe("deskgraph", &Level::TRACE));
        assert!(is_safe("deskgraph::upstream", &Level::DEBUG));
        assert!(is_safe("hyper::proto", &Level::WARN));
        assert!(!is_safe("hyper_util::client", &Level::INFO));
        assert!(!is_safe("h2", &Level::TRACE));
        assert!(!is_safe("deskgraphing", &Level::DEBUG));
    }

    #[test]
    fn a_panics_message_is_told_only_where_it_is_constant() {
        assert_eq!(loggable_message(&"a constant"), Some("a constant"));
        assert_eq!(loggable_message(&"put together".to_owned()), None);
    }
}
