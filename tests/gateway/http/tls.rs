//! TLS: both protocols, a new certificate without a restart, and settings that don't fit.

use deskgraph::sandbox::{Sandbox, SandboxOptions};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Version;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

use crate::{
    harness::{in_time, until},
    program::{Program, SettingsFile, settings_for},
};

struct Certificate {
    certificate: String,
    key: String,
}

fn certificate() -> Certificate {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a name is enough");
    Certificate {
        certificate: cert.pem(),
        key: signing_key.serialize_pem(),
    }
}

/// A client that trusts this certificate alone, under the name localhost.
fn client_of(program: &Program, certificate: &Certificate) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(certificate.certificate.as_bytes());
    let address = program.address.parse().expect("it is an address");
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root.expect("it is one")])
        .resolve("localhost", address)
}

fn url(program: &Program, path: &str) -> String {
    let (_, port) = program.address.rsplit_once(':').expect("it has a port");
    format!("https://localhost:{port}{path}")
}

#[tokio::test]
async fn clients_choose_the_protocol_and_a_new_certificate_needs_no_restart() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let (first, second) = (certificate(), certificate());
    let certificates = SettingsFile::write_as("tls.crt", &first.certificate);
    let keys = SettingsFile::write_as("tls.key", &first.key);
    let mut settings = settings_for(&vendors);
    settings.push(("DESKGRAPH_TLS__CERT_FILE", certificates.path().to_owned()));
    settings.push(("DESKGRAPH_TLS__KEY_FILE", keys.path().to_owned()));
    let program = Program::start(&["serve"], &settings).await;

    let client = client_of(&program, &first);
    let http2 = client.build().expect("a client builds");
    let live = http2.get(url(&program, "/health/live")).send().await;
    assert_eq!(live.expect("it answers").version(), Version::HTTP_2);
    let client = client_of(&program, &first).http1_only();
    let http1 = client.build().expect("a client builds");
    let live = http1.get(url(&program, "/health/live")).send().await;
    assert_eq!(live.expect("it answers").version(), Version::HTTP_11);

    // Without TLS there is no response.
    let mut plain = TcpStream::connect(&program.address)
        .await
        .expect("it listens");
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    plain.write_all(request).await.expect("it is sent");
    let mut received = Vec::new();
    let _ = in_time("the connection ends", plain.read_to_end(&mut received)).await;
    assert!(!received.starts_with(b"HTTP"), "{received:?}");

    // The health check trusts any certificate.
    settings.push(("DESKGRAPH_LISTEN", program.address.clone()));
    until("it is ready", async || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskgraph"));
        command.arg("healthcheck").env_clear();
        let output = command.envs(settings.iter().cloned()).output().await;
        output.expect("the program can be run").status.success()
    })
    .await;

    // A pair that does not fit is not taken.
    certificates.rewrite(&second.certificate);
    program.signal("-HUP").await;
    program
        .logs("DESKGRAPH_TLS__KEY_FILE must hold the private key", 1)
        .await;
    let again = client_of(&program, &first)
        .build()
        .expect("a client builds");
    assert!(
        again
            .get(url(&program, "/health/live"))
            .send()
            .await
            .is_ok()
    );

    keys.rewrite(&second.key);
    program.signal("-HUP").await;
    program.logs("the settings were reloaded", 1).await;
    let renewed = client_of(&program, &second)
        .build()
        .expect("a client builds");
    assert!(
        renewed
            .get(url(&program, "/health/live"))
            .send()
            .await
            .is_ok()
    );
    let old = client_of(&program, &first)
        .build()
        .expect("a client builds");
    assert!(old.get(url(&program, "/health/live")).send().await.is_err());
    // A connection that is open stays.
    assert!(
        http2
            .get(url(&program, "/health/live"))
            .send()
            .await
            .is_ok()
    );

    let silent = TcpStream::connect(&program.address).await;
    let ended = program.end_by("-INT").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("PRIVATE KEY"));
    drop(silent);
}

#[tokio::test]
async fn settings_of_tls_that_do_not_fit_are_named() {
    let (first, second) = (certificate(), certificate());
    let file = |name: &str, text: &str| SettingsFile::write_as(&format!("refused-{name}"), text);
    let certificates = file("tls.crt", &first.certificate);
    let (key, another) = (
        file("tls.key", &first.key),
        file("another.key", &second.key),
    );
    let text = file("tls.txt", "no PEM");
    let [certificates, key, another, text] =
        [&certificates, &key, &another, &text].map(SettingsFile::path);

    for (certificate, key, named) in [
        (
            certificates,
            "",
            "DESKGRAPH_TLS__CERT_FILE needs DESKGRAPH_TLS__KEY_FILE",
        ),
        (
            "",
            key,
            "DESKGRAPH_TLS__KEY_FILE needs DESKGRAPH_TLS__CERT_FILE",
        ),
        (
            "/nowhere/tls.crt",
            key,
            "DESKGRAPH_TLS__CERT_FILE: the file /nowhere/tls.crt",
        ),
        (text, key, "DESKGRAPH_TLS__CERT_FILE must be"),
        (key, key, "DESKGRAPH_TLS__CERT_FILE must be"),
        (certificates, text, "DESKGRAPH_TLS__KEY_FILE must be"),
        (
            certificates,
            another,
            "DESKGRAPH_TLS__KEY_FILE must hold the private key",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskgraph"));
        command
            .arg("serve")
            .env_clear()
            .env("DESKGRAPH_TLS__CERT_FILE", certificate)
            .env("DESKGRAPH_TLS__KEY_FILE", key);
        let output = command.output().await.expect("the program can be run");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(named), "{named}: {complaint}");
    }
}
