//! The list of allowed origins, exactly as browsers send them.

use serde_json::Value;

use super::{
    layers::{Layers, Result},
    server_url::ServerUrl,
};

const KEY: &str = "cors.origins";

pub(super) fn read(layers: &Layers) -> Result<Vec<String>> {
    let Some(entries) = layers.list(KEY)? else {
        return Ok(Vec::new());
    };
    entries
        .iter()
        .map(|entry| origin(entry).ok_or_else(|| layers.wrong(KEY)))
        .collect()
}

fn origin(entry: &Value) -> Option<String> {
    let text = entry.as_str()?;
    let is_lower_case = !text.contains(|letter: char| letter.is_ascii_uppercase());
    let is_origin = ServerUrl::read(text)?.is_origin();
    (is_lower_case && is_origin).then(|| text.to_owned())
}
