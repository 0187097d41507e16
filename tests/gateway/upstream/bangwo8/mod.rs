//! What the gateway makes of Bangwo8's answers.

mod categories;
pub(crate) mod chat;
mod service_records;
