//! The list of API keys. It is decoded by hand, because the errors of a decoder quote the input.

use std::collections::HashSet;

use secrecy::SecretString;
use serde_json::Value;

use super::layers::{ConfigError, Layers, Result};
use crate::{
    domain::Scope,
    http::auth::{ApiKey, KeySecret},
};

const KEY: &str = "auth.api_keys";

/// A key that is given by its digest can't be judged.
const MIN_KEY_CHARACTERS: usize = 16;

pub(super) fn read(layers: &Layers) -> Result<Vec<ApiKey>> {
    let name = layers.name(KEY);
    let Some(structure) = layers.structure(KEY)? else {
        return Ok(Vec::new());
    };
    let Value::Array(entries) = structure else {
        return Err(layers.wrong(KEY));
    };

    let (mut names, mut secrets) = (HashSet::new(), HashSet::new());
    let mut keys = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let entry_number = index + 1;
        let key = api_key(entry)
            .map_err(|error| ConfigError::new(format!("{name}: entry {entry_number} {error}")))?;

        if !names.insert(key.name.clone()) {
            return Err(ConfigError::new(format!(
                "{name}: entry {entry_number} must have a name of its own"
            )));
        }
        // The same key with different scopes would be ambiguous.
        if !secrets.insert(key.secret.digest()) {
            return Err(ConfigError::new(format!(
                "{name}: entry {entry_number} must have a key of its own"
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn api_key(entry: &Value) -> std::result::Result<ApiKey, &'static str> {
    let Value::Object(fields) = entry else {
        return Err("must be an object of name, key or sha256, and scopes");
    };
    let is_known = |field: &String| matches!(field.as_str(), "name" | "key" | "sha256" | "scopes");
    if !fields.keys().all(is_known) {
        return Err("must have no other fields than name, key or sha256, and scopes");
    }

    let name = match fields.get("name") {
        Some(Value::String(name)) if is_name(name) => name,
        _ => return Err("must have a name of 1 to 64 printable characters"),
    };
    let secret = match (fields.get("key"), fields.get("sha256")) {
        (Some(Value::String(key)), None) if is_usable(key) => {
            KeySecret::Plain(SecretString::from(key.as_str()))
        }
        (Some(_), None) => return Err("must have a key of at least 16 visible ASCII characters"),
        (None, Some(Value::String(digest))) => {
            KeySecret::Sha256(sha256(digest).ok_or("must have a sha256 of 64 hexadecimal digits")?)
        }
        (None, Some(_)) => return Err("must have a sha256 of 64 hexadecimal digits"),
        _ => return Err("must have exactly one of key and sha256"),
    };
    let scopes = match fields.get("scopes") {
        Some(Value::Array(scopes)) if !scopes.is_empty() => scopes
            .iter()
            .map(|scope| Scope::named(scope.as_str()?))
            .collect::<Option<Vec<_>>>()
            .ok_or("must have no other scopes than read, write and pii")?,
        _ => return Err("must have an array of at least one scope: read, write or pii"),
    };

    Ok(ApiKey {
        name: name.clone(),
        secret,
        scopes,
    })
}

fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=64).contains(&length) && !name.chars().any(char::is_control)
}

/// Whether a header can hold the key, and nobody can guess it.
fn is_usable(key: &str) -> bool {
    key.len() >= MIN_KEY_CHARACTERS && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn sha256(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }

    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = hexadecimal(*high)? << 4 | hexadecimal(*low)?;
    }
    Some(digest)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
