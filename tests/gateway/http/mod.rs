//! The transport: requests, answers, headers, callers, connections and the pages for people.

mod answer_headers;
mod connections;
mod headers;
mod issuer;
mod pages;
mod rate_limit;
mod requests;
mod stopping;
mod tokens;
