//! Data over both vendors: lists, caching, masking, the calls that a query makes, and writes.

mod cache;
mod call_budget;
mod calls;
mod concurrent_writes;
mod employees;
mod list_walks;
mod partial_failures;
mod personal_data;
mod service_record_filters;
mod service_record_lists;
mod stale;
mod write_checks;
mod write_outcomes;
pub(crate) mod writes;
