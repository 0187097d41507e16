//! The command line.

#[cfg(feature = "sandbox")]
mod demo;
mod health_check;
mod service_manager;
mod signals;

use std::{
    future::Future,
    io::{self, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use tokio::{
    runtime::Runtime,
    sync::oneshot,
    task::{JoinSet, spawn_blocking},
};
use tracing::Instrument;

use deskgraph::{
    Reloader, StartError, StartOptions, Vendors,
    config::{Config, ConfigError},
    context::RequestScope,
    domain::Caller,
    http::server::Stop,
    schema, start_with,
    telemetry::{self, metrics::Metrics},
};
use service_manager::notify;
use signals::{ReloadSignals, StopSignals};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One GraphQL schema over two customer-service vendors, FirstLine and Bangwo8.
#[derive(Parser)]
#[command(name = "deskgraph", version, arg_required_else_help = true, after_help = help())]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

fn help() -> String {
    let demo = match cfg!(feature = "sandbox") {
        true => DEMO_HELP,
        false => "",
    };
    format!("Examples:\n{demo}{HELP}")
}

const DEMO_HELP: &str =
    "  deskgraph demo                         try it: both vendors made up, nothing to configure\n";

const HELP: &str = "  deskgraph check --config my.toml       see whether your vendors can be reached
  deskgraph serve --config my.toml       serve your vendors
  deskgraph schema > schema.graphql      the schema, for a client's code generator

Settings come from the file and, over it, from the environment, as in
  DESKGRAPH_FIRSTLINE__BASE_URL=https://firstline.example DESKGRAPH_FIRSTLINE__TOKEN=... deskgraph serve
What is logged follows DESKGRAPH_LOG__FILTER, or else RUST_LOG (default: info).
On SIGHUP, `serve` reads its settings again.

Exit codes: 0 fine, 1 something does not work, 2 the command line or a setting is wrong.
`healthcheck` ends with 1 also when a setting is wrong.";

#[derive(Subcommand)]
enum Command {
    /// Serve GraphQL over the vendors that are configured; at least one has to be
    Serve {
        /// A TOML file of settings; the environment goes over it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Serve GraphQL over two simulated vendors on this machine; needs nothing
    #[cfg(feature = "sandbox")]
    Demo,
    /// Run the two simulated vendors by themselves, to point a gateway or another program at
    #[cfg(feature = "sandbox")]
    Sandbox {
        /// The port of the simulated FirstLine; 0 takes any that is free
        #[arg(long, value_name = "PORT", default_value_t = 4010)]
        firstline: u16,
        /// The port of the simulated Bangwo8; 0 takes any that is free
        #[arg(long, value_name = "PORT", default_value_t = 4020)]
        bangwo8: u16,
    },
    /// Print the schema in GraphQL's own language; needs nothing
    Schema,
    /// Read the settings, call each vendor once, and report what works
    Check {
        /// A TOML file of settings; the environment goes over it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Ask the gateway on this machine whether it is ready; for containers
    Healthcheck {
        /// The TOML file of settings of that gateway; the environment goes over it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command;

    match run(command) {
        Ok(code) => code,
        Err(failure) => {
            // Where stderr is closed, the exit code has to be enough.
            let _ = writeln!(io::stderr(), "deskgraph: {failure}");
            failure.exit_code()
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}: {1}")]
    Io(&'static str, io::Error),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Start(StartError::Config(_) | StartError::Manifest(_)) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::Start(error.into())
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    let listener = match command {
        Command::Serve { .. } => service_manager::listener()?,
        _ => None,
    };
    let runtime = Runtime::new().map_err(|err| Failure::Io("the runtime can't be started", err))?;
    let ended = runtime.block_on(execute(command, listener));
    // A DNS lookup in flight can't be interrupted, and its result is no longer needed.
    runtime.shutdown_background();
    ended
}

async fn execute(command: Command, listener: Option<TcpListener>) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve { config } => serve(config, listener).await,
        #[cfg(feature = "sandbox")]
        Command::Demo => demo::demo().await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox { firstline, bangwo8 } => demo::sandbox(firstline, bangwo8).await,
        Command::Schema => print(&schema::sdl()),
        Command::Check { config } => check(config.as_deref()).await,
        Command::Healthcheck { config } => health_check::run(config.as_deref()).await,
    }
}

async fn serve(file: Option<PathBuf>, listener: Option<TcpListener>) -> Result<ExitCode, Failure> {
    let config = Config::load(file.as_deref())?;
    config.require_vendor()?;
    telemetry::start(&config.log);

    // From here on, the signal does not end the process.
    let signals = ReloadSignals::new()
        .map_err(|err| Failure::Io("signal handlers can't be installed", err))?;
    let options = StartOptions {
        listener,
        ..StartOptions::default()
    };
    let gateway = start_with(config, options).await?;
    // Ends with this function.
    let mut reloads = JoinSet::new();
    reloads.spawn(reload_on_signal(signals, gateway.reloader(), file));
    notify::ready();
    until_stopped(|signal| gateway.until(signal)).await
}

/// Reads all settings again at each signal, and keeps those that it has where the new ones are wrong.
async fn reload_on_signal(
    mut signals: ReloadSignals,
    reloader: Arc<Reloader>,
    file: Option<PathBuf>,
) {
    loop {
        signals.next().await;
        notify::reloading();
        let (reloader, file) = (reloader.clone(), file.clone());
        // It reads files, and validates the manifest.
        let reloaded = spawn_blocking(move || {
            let config = Config::load(file.as_deref())?;
            reloader.reload(config)
        });
        match reloaded.await {
            Ok(Ok(())) => tracing::info!("the settings were reloaded"),
            Ok(Err(err)) => {
                tracing::error!(
                    error = err.to_string(),
                    "the settings were not reloaded, and stay as they were"
                );
            }
            // The panic hook has logged the place.
            Err(_) => tracing::error!("the settings were not reloaded"),
        }
        notify::ready();
    }
}

/// No vendor needs longer for one cheap call.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

async fn check(file: Option<&Path>) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    config.require_vendor()?;
    telemetry::start(&config.log);

    let mut code = ExitCode::SUCCESS;
    let vendors = Vendors::new(config.firstline, config.bangwo8, &Metrics::new())
        .map_err(StartError::from)?;
    for vendor in vendors.all() {
        let scope = RequestScope::new(
            "check".to_owned(),
            Caller::new("check", Vec::new()),
            Instant::now() + CHECK_TIMEOUT,
        );
        let name = vendor.vendor();

        let span = tracing::error_span!("check", request.id = scope.id);
        match vendor.check(&scope).instrument(span).await {
            Ok(()) => print(&format!("{name}: works\n"))?,
            Err(err) => {
                code = ExitCode::FAILURE;
                print(&format!("{name}: does not work: {err}\n"))?
            }
        };
    }
    Ok(code)
}

/// Runs until the first signal to stop, and then until serving has ended; a second signal ends it at once.
async fn until_stopped<Serving>(
    serve: impl FnOnce(futures_util::future::BoxFuture<'static, Stop>) -> Serving,
) -> Result<ExitCode, Failure>
where
    Serving: Future<Output = io::Result<()>>,
{
    let mut signals =
        StopSignals::new().map_err(|err| Failure::Io("signal handlers can't be installed", err))?;
    let (send_first, first) = oneshot::channel();
    let serving = serve(Box::pin(async move {
        // The sender outlives this future.
        first.await.unwrap_or(Stop::Now)
    }));
    // In sequence: signals that arrive before the first is handled count as one.
    let second_signal = async {
        let stop = signals.next().await;
        tracing::info!("stopping: waiting for requests in flight");
        notify::stopping();
        let _ = send_first.send(stop);
        signals.next().await;
    };

    tokio::select! {
        ended = serving => ended.map_err(|err| Failure::Io("serving failed", err))?,
        () = second_signal => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // The reader has closed the pipe.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(err) => Err(Failure::Io("the output can't be written", err)),
    }
}
