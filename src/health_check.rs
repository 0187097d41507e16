//! The command `healthcheck`: whether the gateway on this machine is ready.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use deskgraph::config::HealthCheckSettings;
use reqwest::{Client, StatusCode, redirect};

use super::{Failure, print};

/// Less than container runtimes wait for a health check.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Container runtimes know the exit codes 0 and 1 only.
pub(super) async fn run(file: Option<&Path>) -> Result<ExitCode, Failure> {
    let is_ready = match HealthCheckSettings::load(file) {
        Ok(settings) => ask(&settings).await,
        Err(error) => Err(error.to_string()),
    };
    match is_ready {
        Ok(()) => print("ready\n"),
        Err(reason) => {
            print(&format!("not ready: {reason}\n"))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn ask(settings: &HealthCheckSettings) -> Result<(), String> {
    let listen = settings.listen;
    let client = client(listen).map_err(|_| "no HTTP client can be set up".to_owned())?;
    let scheme = match settings.serves_tls {
        true => "https",
        false => "http",
    };
    let url = format!("{scheme}://localhost:{}/health/ready", listen.port());

    let response = client.get(url).send().await.map_err(|err| match err {
        err if err.is_timeout() => format!("the gateway at {listen} does not answer in time"),
        _ => format!("no gateway can be reached at {listen}"),
    })?;
    match response.status() {
        StatusCode::OK => Ok(()),
        status => Err(format!("the gateway answers with {}", status.as_u16())),
    }
}

/// A client for this address alone, under the name localhost.
fn client(listen: SocketAddr) -> reqwest::Result<Client> {
    // A process has one provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .resolve_to_addrs("localhost", &reachable(listen))
        .no_proxy()
        // The certificate is for the name that clients use.
        .danger_accept_invalid_certs(true)
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
}

/// The addresses under which this machine reaches the one that the gateway listens on.
fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let hosts: &[IpAddr] = match listen.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            &[Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
        }
        address if address.to_canonical().is_unspecified() => &[Ipv4Addr::LOCALHOST.into()],
        address => &[address],
    };
    hosts
        .iter()
        .map(|host| SocketAddr::new(*host, listen.port()))
        .collect()
}
