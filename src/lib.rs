//! deskgraph: one GraphQL schema over the REST APIs of two customer-service vendors.
//!
//! The modules stand in the order in which a newcomer needs them.

pub mod config;
pub mod domain;
pub mod error;
pub mod http;
pub mod repository;
pub mod sandbox;
pub mod schema;
pub mod telemetry;
pub mod upstream;
