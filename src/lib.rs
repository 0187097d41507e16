//! deskgraph: one GraphQL schema over the REST APIs of two customer-service vendors.
//!
//! The modules are in the order in which a newcomer needs them: the data, the path of a request, and what is around it. This file
//! is the composition root: it names every module, and the command line alone names it.

pub mod domain;
pub mod error;

pub mod context;
pub mod single_flight;

pub mod http;

pub mod engine;

pub mod schema;

pub mod repository;

pub mod listing;
pub mod upstream;

pub mod config;
pub mod telemetry;

mod reload;
mod vendors;

/// Both vendors as real HTTP servers on loopback, for the demo and the tests. A production build leaves them out.
#[cfg(feature = "sandbox")]
#[doc(inline)]
pub use deskgraph_sandbox as sandbox;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};
use tokio_util::task::AbortOnDropHandle;

use config::{Config, ConfigError};
use error::Error;
use http::{
    FirstChecks,
    server::{self, Stop},
};
pub use reload::Reloader;
use reload::{Lasting, Serving};
use repository::{PhotoAddresses, Shared};
use telemetry::metrics::Metrics;
use upstream::{recovery::probe_when_down, start_check::check_until_it_works};
pub use vendors::Vendors;

/// A running gateway. It serves until it is stopped.
pub struct Running {
    pub address: SocketAddr,
    /// Where the metrics are served.
    pub metrics_address: Option<SocketAddr>,
    reloader: Arc<Reloader>,
    stop: oneshot::Sender<Stop>,
    serving: JoinHandle<io::Result<()>>,
    /// Dropped with the gateway, which aborts them.
    _vendor_tasks: JoinSet<()>,
    _metrics_page: Option<AbortOnDropHandle<io::Result<()>>>,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "{0} is in use by another program: set DESKGRAPH_LISTEN to a free port, such as 127.0.0.1:4100"
    )]
    AddressTaken(SocketAddr),
    #[error("DESKGRAPH_LISTEN: can't listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    #[error("DESKGRAPH_METRICS__LISTEN: can't listen on {0}: {1}")]
    MetricsListen(SocketAddr, io::Error),
    #[error("the socket of the service manager can't be used: {0}")]
    Socket(io::Error),
    #[error("DESKGRAPH_DOCUMENTS__MANIFEST: {0}")]
    Manifest(Error),
    #[error(transparent)]
    Other(#[from] Error),
}

/// How a gateway starts.
#[derive(Debug, Default)]
pub struct StartOptions {
    /// It takes the place of the address in the settings.
    pub listener: Option<std::net::TcpListener>,
    pub vendor_checks: VendorChecks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VendorChecks {
    /// The gateway is ready when it has called each vendor once.
    #[default]
    AtStart,
    /// The gateway is ready at once, and calls no vendor before a request needs it.
    None,
}

/// Starts a gateway with these settings, and returns when it accepts requests.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_with(config, StartOptions::default()).await
}

pub async fn start_with(config: Config, options: StartOptions) -> Result<Running, StartError> {
    config.require_vendor()?;
    server::raise_file_limit(
        config.server.max_connections,
        config.max_vendor_connections(),
    );
    let listener = listener(config.listen, options.listener)?;
    let address = listener.local_addr().map_err(StartError::Socket)?;
    config.require_callers_on(address)?;

    let metrics = Arc::new(Metrics::new());
    let vendors = Vendors::new(config.firstline, config.bangwo8, &metrics)?;
    let all = vendors.all();
    let photos = PhotoAddresses::new(config.photos)?;
    let shared = Shared::new(
        all.clone(),
        config.cache,
        config.limits,
        config.creates,
        photos,
        &metrics,
    );
    let to_check = match options.vendor_checks {
        VendorChecks::AtStart => all.as_slice(),
        VendorChecks::None => &[],
    };
    let first_checks = FirstChecks::pending(to_check.iter().map(|vendor| vendor.vendor()));
    let reloader = Reloader::start(
        Serving {
            http: config.http,
            engine: config.engine,
            schema: config.schema,
            server: config.server,
            tls: config.tls,
        },
        Lasting {
            address,
            fixed: config.fixed,
            vendors,
            shared,
            metrics: metrics.clone(),
            first_checks: Arc::new(first_checks),
        },
    )?;
    let mut vendor_tasks: JoinSet<()> = all.iter().cloned().map(probe_when_down).collect();
    for vendor in to_check {
        let report = reloader.report_of(vendor);
        vendor_tasks.spawn(check_until_it_works(vendor.clone(), report));
    }

    let (metrics_address, metrics_page) = match config.metrics_listen {
        Some(address) => {
            let (address, page) = serve_metrics(address, metrics, reloader.clone())
                .await
                .map_err(|err| StartError::MetricsListen(address, err))?;
            (Some(address), Some(page))
        }
        None => (None, None),
    };
    let (stop, is_stopped) = oneshot::channel();
    let stopped = async move {
        // Dropping the gateway drops the sender, which stops it too.
        is_stopped.await.unwrap_or(Stop::Now)
    };
    let shared = reloader.shared().clone();
    let writes_ended = async move { shared.writes_ended().await };
    let serving = server::serve(listener, reloader.server().clone(), stopped, writes_ended);
    let serving = tokio::spawn(serving);
    tracing::info!(%address, "listening");

    Ok(Running {
        address,
        metrics_address,
        reloader,
        stop,
        serving,
        _vendor_tasks: vendor_tasks,
        _metrics_page: metrics_page,
    })
}

impl Running {
    pub fn reloader(&self) -> Arc<Reloader> {
        self.reloader.clone()
    }

    /// Serves until `signal` is done, or until serving fails.
    pub async fn until(mut self, signal: impl Future<Output = Stop>) -> io::Result<()> {
        tokio::select! {
            stop = signal => self.end(stop).await,
            ended = &mut self.serving => ended?,
        }
    }

    /// Accepts nothing new, and returns when the requests in flight have ended.
    pub async fn stop(self) -> io::Result<()> {
        self.end(Stop::Now).await
    }

    async fn end(self, stop: Stop) -> io::Result<()> {
        // The receiver is gone where serving has ended by itself.
        let _ = self.stop.send(stop);
        self.serving.await?
    }
}

async fn serve_metrics(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    reloader: Arc<Reloader>,
) -> io::Result<(SocketAddr, AbortOnDropHandle<io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving metrics");
    let report = move || reloader.report_state();
    let serving = tokio::spawn(http::metrics::serve(listener, metrics, Arc::new(report)));
    Ok((address, AbortOnDropHandle::new(serving)))
}

/// The listener of the service manager, or a new one.
fn listener(
    address: SocketAddr,
    inherited: Option<std::net::TcpListener>,
) -> Result<TcpListener, StartError> {
    match inherited {
        Some(listener) => listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener))
            .map_err(StartError::Socket),
        None => server::listen(address).map_err(|err| match err.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressTaken(address),
            _ => StartError::Listen(address, err),
        }),
    }
}
