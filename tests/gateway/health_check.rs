//! The command `healthcheck`: its exit code says whether the gateway on this machine is ready.

use std::process::Output;

use deskgraph::sandbox::{Sandbox, SandboxOptions};
use tokio::process::Command;

use crate::{
    harness::until,
    program::{Program, SettingsFile, settings_for},
};

/// Runs the command with only these variables.
async fn health_check(arguments: &[&str], variables: &[(&str, String)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deskgraph"))
        .arg("healthcheck")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true)
        .output()
        .await
        .expect("the program can be run")
}

fn port(address: &str) -> &str {
    let (_, port) = address.rsplit_once(':').expect("an address has a port");
    port
}

/// A port that nothing listens on.
async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let address = listener.expect("a port is free").local_addr();
    address.expect("it is bound").port()
}

async fn vendors() -> Sandbox {
    Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free")
}

#[tokio::test]
async fn it_succeeds_while_the_gateway_is_ready_on_any_of_its_addresses() {
    let vendors = vendors().await;
    let keys = (
        "DESKGRAPH_AUTH__API_KEYS",
        r#"[{"name": "desk", "key": "a-long-random-key", "scopes": ["read"]}]"#.to_owned(),
    );
    let by_key = ("DESKGRAPH_AUTH__MODE", "api_key".to_owned());

    for listen in ["127.0.0.1", "0.0.0.0", "[::]", "[::1]"] {
        let address = format!("{listen}:{}", free_port().await);
        let mut settings = settings_for(&vendors);
        settings.retain(|(name, _)| *name != "DESKGRAPH_LISTEN");
        settings.push(("DESKGRAPH_LISTEN", address.clone()));
        settings.extend([keys.clone(), by_key.clone()]);
        let program = Program::start(&["serve"], &settings).await;

        // It needs the address alone: neither a vendor nor a secret.
        let address_alone = [
            ("DESKGRAPH_LISTEN", address.clone()),
            by_key.clone(),
            (
                "DESKGRAPH_FIRSTLINE__PASSWORD_FILE",
                "/nowhere/secret".to_owned(),
            ),
            ("http_proxy", "http://127.0.0.1:9".to_owned()),
        ];
        until("it is ready", async || {
            health_check(&[], &address_alone).await.status.success()
        })
        .await;

        let file = SettingsFile::write("health-check", &format!("listen = \"{address}\""));
        let output = health_check(&["--config", file.path()], &[]).await;
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, b"ready\n");

        assert_eq!(program.end_by("-INT").await.code, Some(0));
        let output = health_check(&[], &address_alone).await;
        assert_eq!(output.status.code(), Some(1), "{address}");
    }
}

#[tokio::test]
async fn it_ends_with_1_whatever_is_wrong() {
    let vendors = vendors().await;
    let mut settings = settings_for(&vendors);
    for (name, value) in &mut settings {
        if name.ends_with("PASSWORD") {
            *value = "another-password".to_owned();
        }
    }
    let program = Program::start(&["serve"], &settings).await;
    let listen = format!("127.0.0.1:{}", port(&program.address));

    for (variable, part) in [
        (("DESKGRAPH_LISTEN", listen), "503"),
        (
            (
                "DESKGRAPH_LISTEN",
                format!("127.0.0.1:{}", free_port().await),
            ),
            "no gateway",
        ),
        (
            ("DESKGRAPH_LISTEN", "localhost".to_owned()),
            "must be an IP address",
        ),
        (
            ("DESKGRAPH_LISTN", "127.0.0.1:1".to_owned()),
            "is not a setting",
        ),
    ] {
        let output = health_check(&[], &[variable]).await;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.starts_with("not ready: "), "{printed}");
        assert!(printed.contains(part), "{printed}");
    }
}
