//! One GraphQL operation: what documents and variables may contain and cost, and how equal queries share a response.

mod document_cache;
mod limits;
mod malicious;
mod persisted;
mod shared_responses;
mod values;
