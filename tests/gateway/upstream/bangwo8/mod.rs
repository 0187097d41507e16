//! Bangwo8's data as the gateway's clients see it.

mod categories;
pub(crate) mod chat;
mod service_records;
