//! What the process reports of itself: its log and its metrics.

mod log;
pub mod metrics;

pub use log::{LogFilter, LogFormat, LogSettings, set_filter, start};
