//! The one owner of the running settings: it builds what serves requests, and replaces it on reload.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    StartError, Vendors,
    config::{Config, FixedSettings},
    engine::{Engine, EngineSettings, ResponseCacheSettings},
    error::{ErrorKind, Result},
    http::{
        self, Callers, FirstChecks, HttpSettings,
        server::{self, Served, ServerControl, ServerSettings, tls::TlsSettings},
    },
    repository::Shared,
    schema::{self, SchemaSettings},
    telemetry::{self, metrics::Metrics},
    upstream::{VendorApi, start_check::check_once},
};

/// Replaces the settings of a running gateway.
pub struct Reloader {
    address: SocketAddr,
    schema_text: String,
    shared: Arc<Shared>,
    first_checks: Arc<FirstChecks>,
    server: Arc<ServerControl>,
    current: Mutex<Current>,
}

/// What the next reload compares or takes over.
struct Current {
    fixed: FixedSettings,
    max_connections: usize,
    vendors: Vendors,
    engine: Arc<Engine>,
    callers: Callers,
    /// The response cache keeps its size.
    response_cache: ResponseCacheSettings,
}

/// What requests are served by. A reload builds all of it anew.
pub(crate) struct Serving {
    pub(crate) http: HttpSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) schema: SchemaSettings,
    pub(crate) server: ServerSettings,
    pub(crate) tls: Option<TlsSettings>,
}

/// What a gateway has once, however often its settings are replaced.
pub(crate) struct Lasting {
    pub(crate) address: SocketAddr,
    pub(crate) fixed: FixedSettings,
    pub(crate) vendors: Vendors,
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) first_checks: Arc<FirstChecks>,
}

impl Reloader {
    pub(crate) fn start(serving: Serving, lasting: Lasting) -> Result<Arc<Self>, StartError> {
        let schema_text = schema::sdl();
        let Serving {
            http,
            engine,
            server,
            ..
        } = serving;
        let response_cache = engine.response_cache.clone();
        let schema = schema::build(serving.schema);
        let engine = Engine::new(
            engine,
            schema,
            &schema_text,
            lasting.shared.clone(),
            lasting.metrics,
        )
        .map_err(engine_error)?;
        let (router, callers) = http::router(
            http,
            engine.clone(),
            &schema_text,
            lasting.shared.clone(),
            lasting.first_checks.clone(),
            None,
        )?;
        let max_connections = server.max_connections;
        Ok(Arc::new(Self {
            address: lasting.address,
            schema_text,
            shared: lasting.shared,
            first_checks: lasting.first_checks,
            server: ServerControl::new(Served {
                router,
                settings: server,
                tls: serving.tls,
            }),
            current: Mutex::new(Current {
                fixed: lasting.fixed,
                max_connections,
                vendors: lasting.vendors,
                engine,
                callers,
                response_cache,
            }),
        }))
    }

    pub(crate) fn server(&self) -> &Arc<ServerControl> {
        &self.server
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Sets the gauges of what the gateway is now.
    pub(crate) fn report_state(&self) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.engine.report_state();
    }

    /// Replaces the settings by these, or changes nothing where they are wrong. Requests in flight end as they began.
    pub fn reload(&self, config: Config) -> Result<(), StartError> {
        config.require_vendor()?;
        config.require_callers_on(self.address)?;
        let max_vendor_connections = config.max_vendor_connections();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);

        // What may fail comes first.
        let changes = current
            .vendors
            .prepare(config.firstline.as_ref(), config.bangwo8.as_ref())?;
        let engine = EngineSettings {
            response_cache: current.response_cache.clone(),
            ..config.engine
        };
        let schema = schema::build(config.schema);
        let engine = current
            .engine
            .reloaded(engine, schema, &self.schema_text)
            .map_err(engine_error)?;
        let (router, callers) = http::router(
            config.http,
            engine.clone(),
            &self.schema_text,
            self.shared.clone(),
            self.first_checks.clone(),
            Some(&current.callers),
        )?;

        telemetry::set_filter(config.log.filter.as_ref());
        for (vendor, change) in changes {
            change();
            tokio::spawn(check_once(vendor.clone(), self.report_of(&vendor)));
        }
        current
            .vendors
            .set_credentials(config.firstline, config.bangwo8);
        self.shared.reload(config.cache, config.limits);
        if config.server.max_connections != current.max_connections {
            server::raise_file_limit(config.server.max_connections, max_vendor_connections);
            current.max_connections = config.server.max_connections;
        }
        self.server.replace(Served {
            router,
            settings: config.server,
            tls: config.tls,
        });
        callers.publish();
        current.callers = callers;
        current.engine = engine;

        let needs_restart = current.fixed.changed_in(&config.fixed);
        if !needs_restart.is_empty() {
            tracing::warn!(
                settings = needs_restart.join(", "),
                "changed settings need a restart, and keep their values until then"
            );
        }
        Ok(())
    }

    /// Records how a check of this vendor went.
    pub(crate) fn report_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
    ) -> impl Fn(&Result<()>) + Send + Sync + use<> {
        let (checks, vendor) = (self.first_checks.clone(), vendor.vendor());
        move |result| checks.record(vendor, result)
    }
}

fn engine_error(error: crate::error::Error) -> StartError {
    match error.kind {
        ErrorKind::BadUserInput => StartError::Manifest(error),
        _ => StartError::Other(error),
    }
}
