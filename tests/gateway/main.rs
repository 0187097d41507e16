//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod bangwo8_categories;
mod bangwo8_chat;
mod bangwo8_service_records;
mod command_line;
mod employees;
mod harness;
mod http;
mod ids;
mod sandbox;
mod service_record_filters;
mod service_record_lists;
