//! The list of the gateway's host names.

use super::layers::{Layers, Result};

const KEY: &str = "auth.allowed_hosts";

/// In lower case.
pub(super) fn read(layers: &Layers) -> Result<Vec<String>> {
    let Some(entries) = layers.list(KEY)? else {
        return Ok(Vec::new());
    };
    entries
        .iter()
        .map(|entry| {
            let name = entry.as_str().filter(|text| is_host_name(text));
            name.map(str::to_ascii_lowercase)
                .ok_or_else(|| layers.wrong(KEY))
        })
        .collect()
}

fn is_host_name(text: &str) -> bool {
    let mut labels = text.split('.');
    labels.all(|label| {
        let mut letters = label.bytes();
        !label.is_empty()
            && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'))
    })
}
