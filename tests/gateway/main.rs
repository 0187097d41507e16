//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod command_line;
mod examples;
mod firstline;
mod harness;
mod http;
mod logs;
mod program;
mod readme;
mod sandbox;
