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
use domain::Vendor;
use engine::Engine;
use error::{Error, ErrorKind};
use http::server::{self, Stop};
use repository::{PhotoAddresses, Shared};
use telemetry::metrics::Metrics;
use upstream::{
    VendorApi,
    bangwo8::{Bangwo8, Bangwo8Settings},
    firstline::{FirstLine, FirstLineSettings},
    recovery::probe_when_down,
};

/// A running gateway. It serves until it is stopped.
pub struct Running {
    pub address: SocketAddr,
    /// Where the metrics are served.
    pub metrics_address: Option<SocketAddr>,
    stop: oneshot::Sender<Stop>,
    serving: JoinHandle<io::Result<()>>,
    /// Dropped with the gateway, which aborts them.
    _recoveries: JoinSet<()>,
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
    #[error("DESKGRAPH_DOCUMENTS__MANIFEST: {0}")]
    Manifest(Error),
    #[error(transparent)]
    Other(#[from] Error),
}

/// Starts a gateway with these settings, and returns when it accepts requests.
pub async fn start(config: Config) -> Result<Running, StartError> {
    config.require_vendor()?;
    server::raise_file_limit(
        config.server.max_connections,
        config.max_vendor_connections(),
    );
    let metrics = Arc::new(Metrics::new());
    let vendors = vendors(config.firstline, config.bangwo8, &metrics)?;
    let recoveries = vendors.iter().cloned().map(probe_when_down).collect();
    let photos = PhotoAddresses::new(config.photos)?;
    let shared = Shared::new(
        vendors,
        config.cache,
        config.limits,
        config.creates,
        photos,
        &metrics,
    );
    let schema_text = schema::sdl();
    let schema = schema::build(config.schema);
    let engine = Engine::new(
        config.engine,
        schema,
        &schema_text,
        shared.clone(),
        metrics.clone(),
    )
    .map_err(|err| match err.kind {
        ErrorKind::BadUserInput => StartError::Manifest(err),
        _ => StartError::Other(err),
    })?;
    let router = http::router(
        config.http,
        engine.clone(),
        &schema_text,
        shared.clone(),
        metrics.clone(),
    )?;

    let (metrics_address, metrics_page) = match config.metrics_listen {
        Some(address) => {
            let (address, page) = serve_metrics(address, metrics, engine)
                .await
                .map_err(|err| StartError::MetricsListen(address, err))?;
            (Some(address), Some(page))
        }
        None => (None, None),
    };
    let listener = server::listen(config.listen).map_err(|err| listen_error(config.listen, err))?;
    let address = listener
        .local_addr()
        .map_err(|err| StartError::Listen(config.listen, err))?;
    let (stop, is_stopped) = oneshot::channel();
    let stopped = async move {
        // Dropping the gateway drops the sender, which stops it too.
        is_stopped.await.unwrap_or(Stop::Now)
    };
    let writes_ended = async move { shared.writes_ended().await };
    let serving = tokio::spawn(server::serve(
        listener,
        config.server,
        router,
        stopped,
        writes_ended,
    ));
    tracing::info!(%address, "listening");

    Ok(Running {
        address,
        metrics_address,
        stop,
        serving,
        _recoveries: recoveries,
        _metrics_page: metrics_page,
    })
}

impl Running {
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

/// The vendors that are configured. A third vendor is one line here.
pub fn vendors(
    firstline: Option<FirstLineSettings>,
    bangwo8: Option<Bangwo8Settings>,
    metrics: &Metrics,
) -> error::Result<Vec<Arc<dyn VendorApi>>> {
    let mut vendors: Vec<Arc<dyn VendorApi>> = Vec::new();
    if let Some(settings) = firstline {
        vendors.push(Arc::new(FirstLine::new(
            settings,
            metrics.vendor(Vendor::FirstLine),
        )?));
    }
    if let Some(settings) = bangwo8 {
        vendors.push(Arc::new(Bangwo8::new(
            settings,
            metrics.vendor(Vendor::Bangwo8),
        )?));
    }
    Ok(vendors)
}

async fn serve_metrics(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    engine: Arc<Engine>,
) -> io::Result<(SocketAddr, AbortOnDropHandle<io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving metrics");
    let serving = tokio::spawn(http::metrics::serve(listener, metrics, engine));
    Ok((address, AbortOnDropHandle::new(serving)))
}

fn listen_error(address: SocketAddr, err: io::Error) -> StartError {
    match err.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressTaken(address),
        _ => StartError::Listen(address, err),
    }
}
