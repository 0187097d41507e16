//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors.

mod architecture;
mod http;
mod sandbox;
