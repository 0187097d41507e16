//! The settings that every vendor has.

use std::{num::NonZeroU32, time::Duration};

use super::{
    count,
    layers::{ConfigError, Layers, Result},
    milliseconds,
    settings::variable,
    small,
};
use crate::{
    domain::{ListOrder, Vendor, VendorZone},
    upstream::client::ClientSettings,
};

/// No correct response of a vendor is larger.
const MAX_VENDOR_BODY_BYTES: usize = 16 << 20;

/// The settings that every vendor's section has, beside its URL and credentials.
pub(super) struct Common {
    timeout: Duration,
    connect_timeout: Duration,
    max_concurrency: usize,
    requests_per_minute: Option<NonZeroU32>,
    max_retries: usize,
    refused_login_pause: Duration,
    pub(super) zone: VendorZone,
    pub(super) filter_retry: Duration,
    pub(super) list_page_size: u32,
    pub(super) list_order: Option<ListOrder>,
}

impl Common {
    pub(super) fn read(layers: &Layers, section: &str) -> Result<Self> {
        let key = |name: &str| format!("{section}.{name}");
        let zone = layers.time_zone(&key("time_zone"))?;
        let list_page_size = small(layers, &key("list_page_size"))?;
        let list_order = match layers.choice(&key("list_order"))? {
            "newest_first" => Some(ListOrder::NewestFirst),
            "oldest_first" => Some(ListOrder::OldestFirst),
            _ => None,
        };
        // No call may outlast its request.
        let request_timeout = milliseconds(layers, "limits.request_timeout_ms")?;
        Ok(Self {
            timeout: milliseconds(layers, &key("timeout_ms"))?.min(request_timeout),
            connect_timeout: milliseconds(layers, &key("connect_timeout_ms"))?,
            max_concurrency: count(layers, &key("max_concurrency"))?,
            requests_per_minute: NonZeroU32::new(small(layers, &key("requests_per_minute"))?),
            max_retries: count(layers, &key("max_retries"))?,
            refused_login_pause: milliseconds(layers, &key("refused_login_pause_ms"))?,
            filter_retry: milliseconds(layers, "limits.filter_retry_ms")?,
            zone,
            list_page_size,
            list_order,
        })
    }

    pub(super) fn client(&self, vendor: Vendor, base_url: String) -> ClientSettings {
        ClientSettings {
            vendor,
            base_url,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            max_concurrency: self.max_concurrency,
            requests_per_minute: self.requests_per_minute,
            max_retries: self.max_retries,
            max_body_bytes: MAX_VENDOR_BODY_BYTES,
            refused_login_pause: self.refused_login_pause,
        }
    }
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
