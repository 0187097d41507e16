//! The program's log and metrics.

mod logs;
mod metrics;
