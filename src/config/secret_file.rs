//! Secrets in files: the setting with `_FILE` at its end is the path of a file that holds the secret.

use std::{fs, path::Path};

use super::{
    layers::{ConfigError, Result},
    settings::{SETTINGS, Setting},
};

const SUFFIX: &str = "_file";

/// The key of the path of a secret's file.
pub(super) fn key(key: &str) -> String {
    format!("{key}{SUFFIX}")
}

/// The setting that this key would have a file of.
pub(super) fn setting_of(key: &str) -> Option<&'static Setting> {
    let key = key.strip_suffix(SUFFIX)?;
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Rejects the file of a setting that is no secret.
pub(super) fn check(setting: &Setting, name: &str) -> Result<()> {
    if setting.kind.is_secret() {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "{name} is not a setting: only secrets are read from files, so set {}",
        setting.variable()
    )))
}

/// The secret in a file, without the newline at its end. The error follows the name of the setting; it does not contain the path,
/// which may be a secret that was set in the wrong place.
pub(super) fn read(path: &Path) -> std::result::Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|err| format!("must be the path of a file that can be read: {err}"))?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    match secret.is_empty() {
        true => Err("must be the path of a file that is not empty".to_owned()),
        false => Ok(secret.to_owned()),
    }
}
