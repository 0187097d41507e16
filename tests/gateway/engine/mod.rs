//! One GraphQL operation: what documents and variables may contain and cost, and how equal queries share a response.

mod document_cache;
mod hostile;
mod limits;
mod persisted;
mod shared_responses;
mod values;
