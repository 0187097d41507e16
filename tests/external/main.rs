//! Tests of the gateway with other programs: Node.js, Chromium and Python, which `scripts/check --install` installs.
//!
//! `cargo test` leaves these tests out; `scripts/check` and `cargo test --test external` run them.

#[path = "../gateway/harness.rs"]
#[allow(dead_code, reason = "the gateway's own tests use the rest")]
mod harness;
#[path = "../gateway/program.rs"]
#[allow(dead_code, reason = "the gateway's own tests use the rest")]
mod program;

mod browser;
mod clients;
mod documents;
mod node;
mod playground;
mod refusals;
mod schemathesis;
