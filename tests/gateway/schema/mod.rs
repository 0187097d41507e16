//! What the schema promises: global ids, and the example queries.

mod examples;
mod ids;
