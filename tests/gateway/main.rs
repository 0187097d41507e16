//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod cache;
mod calls;
mod command_line;
mod concurrent_writes;
mod harness;
mod http;
mod sandbox;
mod write_checks;
mod write_outcomes;
mod writes;
