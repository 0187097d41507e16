//! Every setting: read from defaults, a TOML file and the environment into the settings struct of each module.

mod settings;

mod layers;

// Where values come from.
mod environment;
mod secret_file;
mod unknown_name;

// A file each vendor, and what they share.
mod bangwo8;
mod firstline;
mod vendor_client;

// Values with a form of their own.
mod api_keys;
mod host_names;
mod manifest;
mod origins;
mod server_url;
mod tls;

#[cfg(test)]
mod secret_file_tests;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, net::SocketAddr, num::NonZeroU32, path::Path, time::Duration};

pub use layers::ConfigError;
pub use layers::FixedSettings;
use layers::{Layers, Result};
pub use settings::settings_table;
use settings::variable;

use crate::{
    domain::Vendor,
    engine::{
        DocumentLimits, DocumentMode, DocumentSettings, EngineSettings, ResponseCacheSettings,
    },
    http::{
        GraphiqlPage, HttpSettings, PageAccess,
        auth::{AuthSettings, TokenSettings},
        server::{ServerSettings, UnsentLimits, tls::TlsSettings},
    },
    repository::{self, CacheMode, CacheSettings, CreateSettings, PhotoSettings},
    schema::{Introspection, SchemaSettings},
    telemetry::{LogFormat, LogSettings},
    upstream::{bangwo8::Bangwo8Settings, firstline::FirstLineSettings},
};

pub struct Config {
    pub listen: SocketAddr,
    /// None where the metrics are not served.
    pub metrics_listen: Option<SocketAddr>,
    pub server: ServerSettings,
    pub log: LogSettings,
    pub http: HttpSettings,
    pub engine: EngineSettings,
    pub schema: SchemaSettings,
    pub cache: CacheSettings,
    pub limits: repository::Limits,
    /// No setting changes it.
    pub creates: CreateSettings,
    pub photos: PhotoSettings,
    pub firstline: Option<FirstLineSettings>,
    pub bangwo8: Option<Bangwo8Settings>,
    /// Without TLS where it is none.
    pub tls: Option<TlsSettings>,
    pub fixed: FixedSettings,
}

impl Config {
    /// The settings of this process.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        Self::from_layers(&Layers::read(file, std::env::vars_os())?)
    }

    /// The settings of this process, with the vendors' settings from the text of a file instead.
    pub fn load_with_vendors(vendors: &str) -> Result<Self> {
        let is_of_vendor = |name: &OsString| {
            let name = name.to_string_lossy().to_uppercase();
            Vendor::ALL.into_iter().any(|vendor| {
                let prefix = variable(vendor.slug()) + "__";
                name.starts_with(&prefix)
            })
        };
        let others = std::env::vars_os().filter(|(name, _)| !is_of_vendor(name));
        Self::from_sources(Some(vendors), others)
    }

    /// The settings of a file with this text and of these environment variables.
    pub fn from_sources(
        file_text: Option<&str>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        Self::from_layers(&Layers::over(file_text, variables.into_iter())?)
    }

    /// Rejects settings without a vendor.
    pub fn require_vendor(&self) -> Result<()> {
        if self.firstline.is_some() || self.bangwo8.is_some() {
            return Ok(());
        }

        let firstline = variable("firstline.base_url");
        let bangwo8 = variable("bangwo8.base_url");
        Err(ConfigError::new(format!(
            "no vendor is configured: set {firstline}, {bangwo8} or both (`deskgraph demo` needs neither)"
        )))
    }

    /// The connections to all vendors that may be open at once.
    pub fn max_vendor_connections(&self) -> usize {
        let firstline = self.firstline.as_ref().map(|firstline| &firstline.client);
        let bangwo8 = self.bangwo8.as_ref().map(|bangwo8| &bangwo8.client);
        let clients = [firstline, bangwo8].into_iter().flatten();
        clients.map(|client| client.max_concurrency).sum()
    }

    /// Rejects a gateway that is open to other machines. Its address may not be the one of the settings.
    pub fn require_callers_on(&self, address: SocketAddr) -> Result<()> {
        if !matches!(self.http.auth, AuthSettings::Open) || is_loopback(address) {
            return Ok(());
        }
        let mode = variable("auth.mode");
        Err(ConfigError::new(format!(
            "{mode} must be api_key or jwt, because the gateway listens on {address}, which is not a loopback address"
        )))
    }

    fn from_layers(layers: &Layers) -> Result<Self> {
        let listen = layers.address("listen")?;

        Ok(Self {
            listen,
            metrics_listen: layers.optional_address("metrics.listen")?,
            server: server(layers)?,
            log: LogSettings {
                format: match layers.choice("log.format")? {
                    "json" => LogFormat::Json,
                    _ => LogFormat::Text,
                },
                filter: layers.log_filter("log.filter")?,
            },
            http: http(layers, listen)?,
            engine: engine(layers)?,
            schema: SchemaSettings {
                introspection: introspection(layers)?,
            },
            cache: cache(layers)?,
            limits: repository::Limits {
                max_page_size: count(layers, "limits.max_page_size")?,
                max_vendor_pages: small(layers, "limits.max_vendor_pages")?,
                filter_retry: milliseconds(layers, "limits.filter_retry_ms")?,
            },
            creates: CreateSettings::default(),
            photos: PhotoSettings {
                signing_key: layers.signing_key("photos.signing_key")?,
                public_url: layers.url("public_url")?,
            },
            firstline: firstline::settings(layers)?,
            bangwo8: bangwo8::settings(layers)?,
            tls: tls::read(layers)?,
            fixed: layers.fixed()?,
        })
    }
}

fn server(layers: &Layers) -> Result<ServerSettings> {
    Ok(ServerSettings {
        max_connections: count(layers, "limits.max_connections")?,
        unsent: UnsentLimits {
            timeout: milliseconds(layers, "limits.write_timeout_ms")?,
            max_bytes_per_connection: layers.number("limits.max_unsent_bytes_per_connection")?,
            max_bytes: layers.number("limits.max_unsent_bytes")?,
        },
        drain: milliseconds(layers, "shutdown.drain_ms")?,
    })
}

/// What the health check has to know of the settings. No secret is read.
pub struct HealthCheckSettings {
    pub listen: SocketAddr,
    pub serves_tls: bool,
}

impl HealthCheckSettings {
    /// The settings of this process.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let layers = Layers::read(file, std::env::vars_os())?;
        Ok(Self {
            listen: layers.address("listen")?,
            serves_tls: tls::is_set(&layers)?,
        })
    }
}

fn http(layers: &Layers, listen: SocketAddr) -> Result<HttpSettings> {
    Ok(HttpSettings {
        auth: auth(layers, listen)?,
        auth_failures_per_minute: NonZeroU32::new(small(layers, "auth.failures_per_minute")?),
        pages: match layers.is_on("pages.public")? {
            true => PageAccess::Everyone,
            false => PageAccess::Callers,
        },
        allowed_hosts: host_names::read(layers)?,
        graphiql: match layers.is_on("graphiql.enabled")? {
            true => GraphiqlPage::Served,
            false => GraphiqlPage::NotServed,
        },
        cors_origins: origins::read(layers)?,
        requests_per_minute: NonZeroU32::new(small(layers, "limits.requests_per_minute")?),
        body_timeout: milliseconds(layers, "limits.body_timeout_ms")?,
        max_body_bytes: count(layers, "limits.max_body_bytes")?,
        max_batch: count(layers, "limits.max_batch")?,
    })
}

fn engine(layers: &Layers) -> Result<EngineSettings> {
    Ok(EngineSettings {
        document: DocumentLimits {
            max_depth: layers.number("limits.max_depth")?,
            max_complexity: layers.number("limits.max_complexity")?,
            max_aliases: layers.number("limits.max_aliases")?,
            max_root_fields: layers.number("limits.max_root_fields")?,
            max_directives: layers.number("limits.max_directives")?,
            max_tokens: layers.number("limits.max_tokens")?,
            max_document_bytes: layers.number("limits.max_document_bytes")?,
            max_variables_bytes: layers.number("limits.max_variables_bytes")?,
            max_page_size: layers.number("limits.max_page_size")?,
        },
        documents: documents(layers)?,
        introspection: introspection(layers)?,
        response_cache: ResponseCacheSettings {
            mode: cache_mode(layers)?,
            max_bytes: layers.number("cache.answers_max_bytes")?,
        },
        request_timeout: milliseconds(layers, "limits.request_timeout_ms")?,
        max_vendor_calls: small(layers, "limits.max_vendor_calls")?,
    })
}

fn documents(layers: &Layers) -> Result<DocumentSettings> {
    let manifest = manifest::read(layers)?;
    let mode = match layers.choice("documents.mode")? {
        "trusted_only" if manifest.is_empty() => {
            return Err(needs(
                layers,
                "documents.mode",
                "trusted_only",
                "documents.manifest",
            ));
        }
        "trusted_only" => DocumentMode::TrustedOnly,
        _ => DocumentMode::Any,
    };
    Ok(DocumentSettings {
        mode,
        manifest,
        max_persisted_bytes: layers.number("documents.max_persisted_bytes")?,
    })
}

fn introspection(layers: &Layers) -> Result<Introspection> {
    Ok(match layers.is_on("introspection.enabled")? {
        true => Introspection::Enabled,
        false => Introspection::Disabled,
    })
}

fn auth(layers: &Layers, listen: SocketAddr) -> Result<AuthSettings> {
    let keys = api_keys::read(layers)?;
    let jwks_url = layers.guarded_url("auth.jwks_url")?;
    let issuer = layers.text("auth.issuer")?;
    let audience = layers.text("auth.audience")?;
    let scope_claim = layers.text("auth.scope_claim")?.unwrap_or_default();
    let scope_prefix = layers.text("auth.scope_prefix")?.unwrap_or_default();

    match layers.choice("auth.mode")? {
        "api_key" if keys.is_empty() => Err(needs(layers, "auth.mode", "api_key", "auth.api_keys")),
        "api_key" => Ok(AuthSettings::ApiKeys(keys)),
        "jwt" => Ok(AuthSettings::Tokens(TokenSettings {
            jwks_url: jwks_url.ok_or_else(|| needs(layers, "auth.mode", "jwt", "auth.jwks_url"))?,
            issuer: issuer.ok_or_else(|| needs(layers, "auth.mode", "jwt", "auth.issuer"))?,
            audience: audience.ok_or_else(|| needs(layers, "auth.mode", "jwt", "auth.audience"))?,
            scope_claim,
            scope_prefix,
        })),
        _ if !is_loopback(listen) => Err(ConfigError::new(format!(
            "{} must be api_key or jwt, because {} is not a loopback address",
            layers.name("auth.mode"),
            layers.name("listen")
        ))),
        _ => Ok(AuthSettings::Open),
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn cache_mode(layers: &Layers) -> Result<CacheMode> {
    Ok(match layers.is_on("cache.enabled")? {
        true => CacheMode::Enabled,
        false => CacheMode::Disabled,
    })
}

fn cache(layers: &Layers) -> Result<CacheSettings> {
    Ok(CacheSettings {
        mode: cache_mode(layers)?,
        list_ttl: milliseconds(layers, "cache.list_ttl_ms")?,
        entity_ttl: milliseconds(layers, "cache.entity_ttl_ms")?,
        directory_ttl: milliseconds(layers, "cache.directory_ttl_ms")?,
        stale: milliseconds(layers, "cache.stale_ms")?,
        max_bytes: layers.number("cache.max_bytes")?,
    })
}

fn milliseconds(layers: &Layers, key: &str) -> Result<Duration> {
    layers.number(key).map(Duration::from_millis)
}

fn count(layers: &Layers, key: &str) -> Result<usize> {
    usize::try_from(layers.number(key)?).map_err(|_| layers.wrong(key))
}

fn small(layers: &Layers, key: &str) -> Result<u32> {
    u32::try_from(layers.number(key)?).map_err(|_| layers.wrong(key))
}

fn needs(layers: &Layers, key: &str, choice: &str, missing: &str) -> ConfigError {
    let name = layers.name(key);
    let missing = variable(missing);
    ConfigError::new(format!("{name} is {choice}, which needs {missing}"))
}
