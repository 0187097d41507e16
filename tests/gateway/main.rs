//! The gateway over the sandbox vendors, spoken to by HTTP.

mod sandbox;
