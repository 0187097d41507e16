//! The one HTTP policy towards every vendor.

// joined at the merge: the settings alone.

use std::time::Duration;

use crate::domain::Vendor;

#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub vendor: Vendor,
    pub base_url: String,
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_concurrency: usize,
    pub max_retries: usize,
    pub max_body_bytes: usize,
}
