//! The log: its format and its filter.

use std::{
    any::Any,
    fmt,
    io::{IsTerminal, stderr},
    panic,
    sync::OnceLock,
};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    /// None where RUST_LOG is the filter.
    pub filter: Option<LogFilter>,
}

/// What is logged: a level, and other levels for some targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// None unless it can be read.
    pub fn read(text: &str) -> Option<Self> {
        EnvFilter::try_new(text).ok()?;
        Some(Self(text.to_owned()))
    }
}

/// The filter of the process's log.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

const DEFAULT_FILTER: &str = "info";

/// The gateway's own targets begin with this.
const OWN_TARGET: &str = "deskgraph";

/// Starts to log to stderr. A second call has no effect.
pub fn start(settings: &LogSettings) {
    let parsed = filter(settings.filter.as_ref());
    let is_readable = parsed.is_some();
    let (filter, handle) =
        reload::Layer::new(parsed.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER)));
    let filter = filter
        // Spans pass every filter, so that each line has its request's id.
        .or(filter_fn(|metadata| {
            metadata.is_span() && is_own(metadata.target())
        }))
        .and(filter_fn(|metadata| {
            is_safe(metadata.target(), metadata.level())
        }));

    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match settings.format {
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
        // It is empty: the first call sets it.
        let _ = FILTER.set(handle);
        panic::set_hook(Box::new(|panic| {
            tracing::error!(
                panic.location = panic.location().map(ToString::to_string),
                panic.message = loggable_message(panic.payload()),
                "panic"
            );
        }));
    }
    if is_first && !is_readable {
        tracing::warn!("RUST_LOG can't be parsed; logging at {DEFAULT_FILTER}");
    }
}

/// Logs by another filter from now on.
pub fn set_filter(new: Option<&LogFilter>) {
    let Some(handle) = FILTER.get() else {
        return;
    };
    let new = filter(new).unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER));
    if handle.reload(new).is_err() {
        tracing::warn!("the filter of the log can't be replaced");
    }
}

/// The filter of the settings, or else that of RUST_LOG; none where that can't be read.
fn filter(setting: Option<&LogFilter>) -> Option<EnvFilter> {
    let directives = match setting {
        Some(LogFilter(directives)) => directives.clone(),
        None => std::env::var("RUST_LOG").unwrap_or_default(),
    };
    EnvFilter::try_new(match directives.trim() {
        "" => DEFAULT_FILTER,
        directives => directives,
    })
    .ok()
}

/// The panic's message where it is a constant: a formatted one may contain personal data.
fn loggable_message(payload: &dyn Any) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

/// Whatever RUST_LOG says, libraries log at warn and above only: below it they log URLs, headers and bodies, and with them personal
/// data and secrets.
fn is_safe(target: &str, level: &Level) -> bool {
    is_own(target) || *level <= Level::WARN
}

fn is_own(target: &str) -> bool {
    target
        .strip_prefix(OWN_TARGET)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// JSON lines with the fields of their spans beside their own.
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
    fn libraries_log_at_warn_and_the_gateway_at_every_level() {
        assert!(is_safe("deskgraph", &Level::TRACE));
        assert!(is_safe("deskgraph::upstream", &Level::DEBUG));
        assert!(is_safe("hyper::proto", &Level::WARN));
        assert!(!is_safe("hyper_util::client", &Level::INFO));
        assert!(!is_safe("h2", &Level::TRACE));
        assert!(!is_safe("deskgraphing", &Level::DEBUG));
    }

    #[test]
    fn a_panic_message_is_logged_only_where_it_is_constant() {
        assert_eq!(loggable_message(&"a constant"), Some("a constant"));
        assert_eq!(loggable_message(&"put together".to_owned()), None);
    }
}
