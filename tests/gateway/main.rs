//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod bangwo8_categories;
mod bangwo8_chat;
mod bangwo8_service_records;
mod cache;
mod calls;
mod clients;
mod command_line;
mod concurrent_writes;
mod connections;
mod employees;
mod examples;
mod firstline;
mod harness;
mod http;
mod ids;
mod logs;
mod node;
mod program;
mod readme;
mod sandbox;
mod service_record_filters;
mod service_record_lists;
mod write_checks;
mod write_outcomes;
mod writes;
