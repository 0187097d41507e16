//! Lists by creation time: reads a vendor's list in windows of time, merges the vendors' lists, and pages through them.
//!
//! The unit of reading is a window of time and not a page number, because both vendors filter by creation time and neither
//! documents its order. A window is read whole and sorted here, so that the vendor's order and page size decide nothing but the
//! number of calls. This is pure code: a vendor is one function from a span of time and a page to rows.

mod cursor;
mod density;
mod merge;
mod pages;
mod position;
mod reader;
mod sample;
mod span;

#[cfg(test)]
mod tests;

pub use cursor::{Cursors, Fingerprint, Resume, decode};
pub use density::{ListKind, Observations};
pub use merge::{Feed, MergedPage, PartRead, merged_page};
pub use pages::Budget;
pub use position::{Dated, Position};
pub use reader::{ListReader, Start, Want, Window};
pub use span::{Granularity, Range, Second, Span};
