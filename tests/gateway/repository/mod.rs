//! Data over both vendors: lists, caching, masking, the calls that a query makes, and writes.

mod cache;
mod call_budget;
mod calls;
mod concurrent_writes;
mod employees;
mod large_totals;
mod list_walks;
mod partial_failures;
mod personal_data;
mod service_record_filters;
mod service_record_lists;
mod slow_creates;
mod stale;
mod unapplied_filters;
mod verified_counts;
mod write_checks;
mod write_only;
mod write_outcomes;
pub(crate) mod writes;
