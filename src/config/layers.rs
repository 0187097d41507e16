//! The layers of settings (defaults, file, environment), and the typed values in them.

use std::{collections::HashMap, ffi::OsString, fmt, net::SocketAddr, path::Path};

use config::{File, FileFormat, Value, ValueKind};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    environment, secret_file,
    server_url::ServerUrl,
    settings::{Kind, MIN_SIGNING_KEY_CHARACTERS, SETTINGS, Setting, variable},
    unknown_name::{nearest, shown},
};
use crate::{domain::VendorZone, telemetry::LogFilter};

/// A setting is wrong: one line that names the setting and contains no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

pub(super) type Result<T> = std::result::Result<T, ConfigError>;

impl ConfigError {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The digests of the values of the settings that need a restart, by their variables. Some of them are secrets.
pub struct FixedSettings(Vec<(String, Option<[u8; 32]>)>);

impl FixedSettings {
    /// The variables of the settings that have another value in these.
    pub fn changed_in(&self, others: &Self) -> Vec<String> {
        let pairs = self.0.iter().zip(&others.0);
        pairs
            .filter(|((_, value), (_, other))| value != other)
            .map(|((variable, _), _)| variable.clone())
            .collect()
    }
}

/// The layers, merged.
pub(super) struct Layers {
    merged: config::Config,
    file: config::Config,
    environment: HashMap<String, String>,
}

impl Layers {
    pub(super) fn read(
        file: Option<&Path>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        let text = file.map(read_file).transpose()?;
        Self::over(text.as_deref(), variables)
    }

    /// The layers with a file of this text.
    pub(super) fn over(
        file_text: Option<&str>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        let file = parse_file(file_text.unwrap_or_default())?;
        let environment = environment::settings(variables)?;

        let mut layers = config::Config::builder();
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                layers = layers
                    .set_default(setting.key, default)
                    .map_err(merge_error)?;
            }
        }
        let merged = layers
            .add_source(file.clone())
            .add_source(config::Environment::default().source(Some(environment.clone())))
            .build()
            .map_err(merge_error)?;

        Ok(Self {
            merged,
            file,
            environment,
        })
    }

    pub(super) fn address(&self, key: &'static str) -> Result<SocketAddr> {
        self.required(key, |text| text.parse().ok())
    }

    pub(super) fn optional_address(&self, key: &'static str) -> Result<Option<SocketAddr>> {
        self.optional(key, |text| text.parse().ok())
    }

    pub(super) fn number(&self, key: &str) -> Result<u64> {
        let Kind::Number { min, max } = setting(key)?.kind else {
            return Err(unknown_to_the_table(key));
        };
        self.required(key, |text| {
            let number = text.parse().ok()?;
            (min..=max).contains(&number).then_some(number)
        })
    }

    pub(super) fn is_on(&self, key: &'static str) -> Result<bool> {
        self.required(key, |text| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// One of the choices that the table lists.
    pub(super) fn choice(&self, key: &str) -> Result<&'static str> {
        let Kind::Choice(choices) = setting(key)?.kind else {
            return Err(unknown_to_the_table(key));
        };
        self.required(key, |text| {
            choices.iter().find(|choice| **choice == text).copied()
        })
    }

    pub(super) fn time_zone(&self, key: &str) -> Result<VendorZone> {
        self.required(key, VendorZone::named)
    }

    pub(super) fn log_filter(&self, key: &str) -> Result<Option<LogFilter>> {
        self.optional(key, LogFilter::read)
    }

    pub(super) fn url(&self, key: &'static str) -> Result<Option<String>> {
        self.optional(key, |text| {
            ServerUrl::read(text)?;
            Some(text.to_owned())
        })
    }

    /// The URL of a server, over TLS or on loopback.
    pub(super) fn guarded_url(&self, key: &'static str) -> Result<Option<String>> {
        self.optional(key, |text| {
            let is_guarded = ServerUrl::read(text)?.is_guarded();
            is_guarded.then(|| text.to_owned())
        })
    }

    pub(super) fn text(&self, key: &'static str) -> Result<Option<String>> {
        self.optional(key, |text| is_printable(text).then(|| text.to_owned()))
    }

    pub(super) fn secret(&self, key: &'static str) -> Result<Option<SecretString>> {
        self.optional(key, |text| {
            is_printable(text).then(|| SecretString::from(text))
        })
    }

    /// A secret that is long enough to sign with.
    pub(super) fn signing_key(&self, key: &'static str) -> Result<Option<SecretString>> {
        self.optional(key, |text| {
            let is_long = text.chars().count() >= MIN_SIGNING_KEY_CHARACTERS;
            (is_long && is_printable(text)).then(|| SecretString::from(text))
        })
    }

    /// A structured value: JSON in the environment, TOML in the file.
    pub(super) fn structure(&self, key: &'static str) -> Result<Option<serde_json::Value>> {
        let Some(value) = self.value(key)? else {
            return Ok(None);
        };
        match value.kind {
            ValueKind::String(text) if text.trim().is_empty() => Ok(None),
            ValueKind::String(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_| self.wrong(key)),
            kind => Ok(Some(json(kind))),
        }
    }

    /// A list of values: a JSON array, comma-separated text, or a TOML array.
    pub(super) fn list(&self, key: &'static str) -> Result<Option<Vec<serde_json::Value>>> {
        let Some(value) = self.value(key)? else {
            return Ok(None);
        };
        match value.kind {
            ValueKind::String(text) if text.trim().is_empty() => Ok(None),
            ValueKind::String(text) if text.trim_start().starts_with('[') => {
                serde_json::from_str(&text)
                    .map(Some)
                    .map_err(|_| self.wrong(key))
            }
            ValueKind::String(text) => Ok(Some(
                text.split(',').map(|entry| entry.trim().into()).collect(),
            )),
            ValueKind::Array(entries) => Ok(Some(
                entries.into_iter().map(|entry| json(entry.kind)).collect(),
            )),
            _ => Err(self.wrong(key)),
        }
    }

    /// The name under which the operator has set it.
    pub(super) fn name(&self, key: &str) -> String {
        match self.secret_file(key) {
            Some(_) => self.name_of_key(&secret_file::key(key)),
            None => self.name_of_key(key),
        }
    }

    fn name_of_key(&self, key: &str) -> String {
        let variable = variable(key);
        let is_from_file =
            !self.environment.contains_key(key) && self.file.get::<Value>(key).is_ok();

        if is_from_file {
            format!("{variable} ({key} in the file)")
        } else {
            variable
        }
    }

    pub(super) fn wrong(&self, key: &str) -> ConfigError {
        let setting = match setting(key) {
            Ok(setting) => setting,
            Err(error) => return error,
        };
        let (name, expectation) = (self.name(key), setting.expectation());
        ConfigError::new(match self.secret_file(key) {
            Some(_) => format!("{name} must be the path of a file that holds {expectation}"),
            None => format!("{name} must be {expectation}"),
        })
    }

    fn required<T>(&self, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        self.optional(key, read)?.ok_or_else(|| self.wrong(key))
    }

    fn optional<T>(&self, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let kind = setting(key)?.kind;
        let Some(value) = self.value(key)? else {
            return Ok(None);
        };

        // A number or boolean of the file is not text: a password of 007 would become 7.
        let text = match (value.kind, kind) {
            (ValueKind::String(text), _) => text,
            (ValueKind::I64(number), Kind::Number { .. }) => number.to_string(),
            (ValueKind::Boolean(truth), Kind::Switch) => truth.to_string(),
            _ => return Err(self.wrong(key)),
        };
        let text = match kind {
            Kind::Secret | Kind::SigningKey => text.as_str(),
            _ => text.trim(),
        };

        if text.is_empty() {
            return match setting(key)?.default {
                Some(default) => Ok(read(default)),
                None => Ok(None),
            };
        }
        read(text).map(Some).ok_or_else(|| self.wrong(key))
    }

    /// What is set of the settings that need a restart.
    pub(super) fn fixed(&self) -> Result<FixedSettings> {
        let fixed = SETTINGS.iter().filter(|setting| !setting.is_reloadable());
        fixed
            .map(|setting| {
                let value = self.value(setting.key)?;
                let digest = value.map(|value| Sha256::digest(format!("{:?}", value.kind)).into());
                Ok((setting.variable(), digest))
            })
            .collect::<Result<_>>()
            .map(FixedSettings)
    }

    /// The value of a setting. That of a secret may be in a file of its own.
    fn value(&self, key: &str) -> Result<Option<Value>> {
        let value = self.merged.get::<Value>(key).ok();
        let Some(path) = self.secret_file(key) else {
            return Ok(value);
        };

        if value.is_some_and(|value| !is_empty(&value.kind)) {
            return Err(ConfigError::new(format!(
                "{} and {} are both set: set one of them",
                self.name_of_key(key),
                self.name_of_key(&secret_file::key(key))
            )));
        }
        let text = match path {
            ValueKind::String(path) => secret_file::read(Path::new(&path)),
            _ => Err("must be the path of a file".to_owned()),
        };
        let text = text.map_err(|error| ConfigError::new(format!("{} {error}", self.name(key))))?;
        Ok(Some(Value::new(None, ValueKind::String(text))))
    }

    /// The path of the file that a secret is in, as it was set.
    fn secret_file(&self, key: &str) -> Option<ValueKind> {
        let is_secret = setting(key).is_ok_and(|setting| setting.kind.is_secret());
        let path = is_secret.then(|| self.merged.get::<Value>(&secret_file::key(key)))?;
        path.ok()
            .map(|path| path.kind)
            .filter(|path| !is_empty(path))
    }
}

/// An empty text counts as unset.
fn is_empty(value: &ValueKind) -> bool {
    matches!(value, ValueKind::String(text) if text.is_empty())
}

fn read_file(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|err| {
        let path = path.display();
        ConfigError::new(format!("the file {path} can't be read: {err}"))
    })
}

fn parse_file(text: &str) -> Result<config::Config> {
    let file = config::Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .build()
        .map_err(|err| {
            // The parser's message goes on with the wrong line, which may contain a secret.
            let text = err.to_string();
            let place = text
                .lines()
                .next()
                .and_then(|line| line.split(" at ").nth(1));
            let place = place
                .map(|place| format!(" at {place}"))
                .unwrap_or_default();
            ConfigError::new(format!("the file is not TOML{place}"))
        })?;

    match &file.cache.kind {
        ValueKind::Table(table) => {
            for (key, value) in table {
                check_known(key, value)?;
            }
            Ok(file)
        }
        _ => Ok(file),
    }
}

/// Every key of the file must be a setting or a table of settings.
fn check_known(key: &str, value: &Value) -> Result<()> {
    if SETTINGS.iter().any(|setting| setting.key == key) {
        return Ok(());
    }
    if let Some(setting) = secret_file::setting_of(key) {
        return secret_file::check(setting, &format!("{} in the file", shown(key)));
    }

    let prefix = format!("{key}.");
    let is_table_of_settings = SETTINGS
        .iter()
        .any(|setting| setting.key.starts_with(&prefix));
    match &value.kind {
        ValueKind::Table(table) if is_table_of_settings => {
            for (inner_key, value) in table {
                check_known(&format!("{prefix}{inner_key}"), value)?;
            }
            Ok(())
        }
        _ if is_table_of_settings => Err(ConfigError::new(format!(
            "{} in the file must be a table of settings",
            shown(key)
        ))),
        _ => Err(ConfigError::new(format!(
            "{} in the file is not a setting; the nearest is {}",
            shown(key),
            nearest(key)
        ))),
    }
}

fn setting(key: &str) -> Result<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.key == key)
        .ok_or_else(|| unknown_to_the_table(key))
}

fn unknown_to_the_table(key: &str) -> ConfigError {
    ConfigError::new(format!(
        "{key} is read, but is not in the table of settings"
    ))
}

fn merge_error(_: config::ConfigError) -> ConfigError {
    ConfigError::new("the settings can't be merged")
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn json(kind: ValueKind) -> serde_json::Value {
    match kind {
        ValueKind::Nil => serde_json::Value::Null,
        ValueKind::Boolean(truth) => truth.into(),
        ValueKind::I64(number) => number.into(),
        ValueKind::String(text) => text.into(),
        ValueKind::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json(value.kind)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        ValueKind::Array(items) => items
            .into_iter()
            .map(|value| json(value.kind))
            .collect::<Vec<_>>()
            .into(),
        // No setting uses these numbers.
        ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) | ValueKind::Float(_) => {
            serde_json::Value::Null
        }
    }
}
