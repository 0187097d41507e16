//! The transport: requests, responses, headers, callers, connections and the pages for people.

mod ambiguity;
mod connections;
mod files;
mod floods;
mod headers;
mod issuer;
mod issuer_keys;
mod pages;
mod photos;
mod rate_limit;
mod readiness;
mod refused_bodies;
mod requests;
mod response_headers;
mod shutdown;
mod slow_readers;
mod tls;
mod tokens;
mod wire;
