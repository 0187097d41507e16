//! The settings that every vendor has.

use std::time::Duration;

use super::{
    layers::{ConfigError, Layers, Result},
    milliseconds,
    settings::variable,
};
use crate::{
    domain::{ListOrder, Vendor},
    upstream::client::ClientSettings,
};

/// No correct response of a vendor is larger.
const MAX_VENDOR_BODY_BYTES: usize = 16 << 20;

/// The limits of a vendor's calls.
pub(super) struct Timing {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) max_concurrency: usize,
    pub(super) max_retries: usize,
    pub(super) refused_login_pause: Duration,
}

impl Timing {
    pub(super) fn client(self, vendor: Vendor, base_url: String) -> ClientSettings {
        ClientSettings {
            vendor,
            base_url,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            max_concurrency: self.max_concurrency,
            max_retries: self.max_retries,
            max_body_bytes: MAX_VENDOR_BODY_BYTES,
            refused_login_pause: self.refused_login_pause,
        }
    }
}

/// No call may outlast its request.
pub(super) fn within_a_request(layers: &Layers, key: &'static str) -> Result<Duration> {
    let request_timeout = milliseconds(layers, "limits.request_timeout_ms")?;
    Ok(milliseconds(layers, key)?.min(request_timeout))
}

pub(super) fn list_order(layers: &Layers, key: &'static str) -> Result<Option<ListOrder>> {
    Ok(match layers.choice(key)? {
        "newest_first" => Some(ListOrder::NewestFirst),
        "oldest_first" => Some(ListOrder::OldestFirst),
        _ => None,
    })
}

pub(super) fn incomplete(layers: &Layers, given: &str, missing: &str) -> ConfigError {
    let given = layers.name(given);
    let missing = variable(missing);
    ConfigError::new(format!("{given} needs {missing} beside it"))
}

pub(super) fn one_kind_of_credentials(layers: &Layers, one: &str, other: [&str; 2]) -> ConfigError {
    let one = layers.name(one);
    let [first, second] = other.map(variable);
    ConfigError::new(format!(
        "{one} and {first}, {second} are two kinds of credentials: set one of them"
    ))
}
