//! The transport: requests, responses, headers, callers, connections and the pages for people.

mod connections;
mod headers;
mod issuer;
mod pages;
mod photos;
mod rate_limit;
mod requests;
mod response_headers;
mod shutdown;
mod tokens;
