//! One GraphQL operation, without HTTP: its document, its cost, its response.

pub(crate) mod document;

pub(crate) mod cost;
pub(crate) mod schema_shape;

pub(crate) mod encoded_response;
pub(crate) mod response_cache;
pub(crate) mod single_flight;

pub use cost::DocumentLimits;
pub use document::persisted::{DocumentMode, DocumentSettings};
pub use response_cache::AnswerSettings;
