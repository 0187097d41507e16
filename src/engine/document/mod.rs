//! A document on its way to execution: known or parsed, persisted, validated, its variables coerced.

pub(crate) mod document_cache;
pub(crate) mod operation;
pub(crate) mod persisted;

mod coercion;
mod input_fields;
mod null_variables;
mod positions;
mod validation;
mod variables;
