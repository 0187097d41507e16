//! The commands with the sandbox's vendors: the demo, and the vendors by themselves.

use std::process::ExitCode;

use deskgraph::{
    config::Config,
    sandbox::{Sandbox, SandboxOptions, credentials},
    start, telemetry,
};

use super::{Failure, print, until_stopped};

pub(super) async fn demo() -> Result<ExitCode, Failure> {
    let vendors = start_sandbox(0, 0).await?;
    let config = Config::load_with_vendors(&settings_of(&vendors))?;
    telemetry::start(&config.log);

    let gateway = start(config).await?;
    let address = gateway.address;
    print(&format!(
        "\
deskgraph serves two simulated vendors.

  GraphQL     http://{address}/graphql
  Playground  http://{address}/graphiql
  Schema      http://{address}/schema.graphql

A first query, to paste into the playground:

  {FIRST_QUERY}

or into another terminal:

  curl -s http://{address}/graphql -H 'content-type: application/json' \\
    -d '{{\"query\":\"{FIRST_QUERY}\"}}'

Ctrl-C stops it.
"
    ))?;

    let code = until_stopped(|signal| gateway.until(signal)).await?;
    vendors.stop().await;
    Ok(code)
}

const FIRST_QUERY: &str = "{ serviceRecords(first: 3) { nodes { id vendor createdAt status handler { name } } sources { vendor state } } }";

pub(super) async fn sandbox(firstline_port: u16, bangwo8_port: u16) -> Result<ExitCode, Failure> {
    let vendors = start_sandbox(firstline_port, bangwo8_port).await?;
    print(&format!(
        "\
# Two simulated vendors. As a file of settings for `deskgraph serve --config FILE`:
{}
# Ctrl-C stops them.
",
        settings_of(&vendors)
    ))?;

    until_stopped(|signal| async move {
        signal.await;
        vendors.stop().await;
        Ok(())
    })
    .await
}

async fn start_sandbox(firstline_port: u16, bangwo8_port: u16) -> Result<Sandbox, Failure> {
    let options = SandboxOptions {
        firstline_port,
        bangwo8_port,
        ..SandboxOptions::default()
    };
    Sandbox::start(options)
        .await
        .map_err(|err| Failure::Io("the simulated vendors can't listen on their ports", err))
}

/// The settings with which a gateway asks the sandbox.
fn settings_of(vendors: &Sandbox) -> String {
    format!(
        "\
[firstline]
base_url = \"{}\"
username = \"{}\"
password = \"{}\"

[bangwo8]
base_url = \"{}\"
account = \"{}\"
password = \"{}\"
",
        vendors.firstline_url(),
        credentials::FIRSTLINE_USERNAME,
        credentials::FIRSTLINE_PASSWORD,
        vendors.bangwo8_url(),
        credentials::BANGWO8_ACCOUNT,
        credentials::BANGWO8_PASSWORD,
    )
}
