//! The gateway's tests: GraphQL over HTTP to the real server, over the sandbox vendors. Grouped as `src` is.

mod harness;
mod program;

mod architecture;
mod command_line;
mod docs;
mod engine;
mod health_check;
mod http;
mod reload;
mod repository;
mod sandbox;
mod schema;
mod service_manager;
mod soak;
mod telemetry;
mod upstream;
