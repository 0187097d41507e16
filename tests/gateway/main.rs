//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod cache;
mod calls;
mod command_line;
mod concurrent_writes;
mod examples;
mod firstline;
mod harness;
mod http;
mod logs;
mod program;
mod readme;
mod sandbox;
mod write_outcomes;
mod writes;
