//! The gateway's environment variables.

use std::{collections::HashMap, ffi::OsString};

use super::{
    layers::{ConfigError, Result},
    secret_file,
    settings::{ENVIRONMENT_PREFIX, SETTINGS, variable},
    unknown_name::{nearest, shown},
};

/// The values of the gateway's variables, by the key of their setting or of its file. Empty ones count as unset.
pub(super) fn settings(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>> {
    let mut values = HashMap::new();

    for (name, value) in variables {
        let name = name.to_string_lossy().to_uppercase();
        let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        if value.is_empty() || is_of_kubernetes(&name) {
            continue;
        }

        let key = rest.replace("__", ".").to_lowercase();
        let expectation = match SETTINGS.iter().find(|setting| setting.variable() == name) {
            Some(setting) => setting.expectation(),
            None => {
                check_file(&name, &key)?;
                "the path of a file".to_owned()
            }
        };
        let value = value
            .into_string()
            .map_err(|_| ConfigError::new(format!("{name} must be {expectation}")))?;

        if values.insert(key, value).is_some() {
            return Err(ConfigError::new(format!(
                "{name} is set twice, in different letter cases"
            )));
        }
    }
    Ok(values)
}

/// Kubernetes makes such variables for every service, and its name may begin with that of the gateway.
fn is_of_kubernetes(name: &str) -> bool {
    let is_made = name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_");
    is_made && !name.contains("__")
}

/// A variable that is no setting must name the file of a secret.
fn check_file(name: &str, key: &str) -> Result<()> {
    match secret_file::setting_of(key) {
        Some(setting) if variable(key) == name => secret_file::check(setting, name),
        _ => Err(ConfigError::new(format!(
            "{} is not a setting; the nearest is {}",
            shown(name),
            variable(nearest(key))
        ))),
    }
}
