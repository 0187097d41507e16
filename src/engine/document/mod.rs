//! The one front end for documents: reads them, holds them against the schema and the limits, and gives the verdict of graphql-js
//! in its words.

mod operation;
mod rules;

// From a text to a document.
mod ast;
mod lexer;
mod parser;

// From a document to a valid document.
mod fragments;
mod literals;
mod merging;
mod usages;
mod validation;
mod wording;

// What is executed.
mod coercion;
mod executable;
mod interfaces;

mod error;

#[cfg(test)]
mod tests;

pub(crate) mod document_cache;
pub(crate) mod persisted;

pub(super) use interfaces::{complete_interfaces, is_added};
pub(crate) use operation::{CheckedOperation, check};
pub(super) use parser::DocumentSize;
pub(crate) use rules::{CheckedDocument, DocumentRules};
