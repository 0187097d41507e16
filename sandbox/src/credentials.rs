//! The made-up credentials that the sandbox accepts.

pub const FIRSTLINE_USERNAME: &str = "gateway";
pub const FIRSTLINE_PASSWORD: &str = "sandbox-firstline-password";
/// A permanent token, generated for another employee than the one who logs in: neither evicts the other.
pub const FIRSTLINE_TOKEN: &str = "sandbox-firstline-permanent-token";

pub const BANGWO8_ACCOUNT: &str = "gateway@sandbox.example";
pub const BANGWO8_PASSWORD: &str = "sandbox-bangwo8-password";
pub const BANGWO8_CLIENT_ID: &str = "sandbox-client-id";
pub const BANGWO8_CLIENT_SECRET: &str = "sandbox-client-secret";
