//! The gateway's connections to a vendor: HTTP/2 over one connection if the vendor supports it, reused connections otherwise.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use deskgraph::sandbox::{Sandbox, SandboxOptions};
use futures_util::future::join_all;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::program::{Program, SettingsFile, client, settings_for};

/// The simulated FirstLine behind TLS, with its own certificate.
struct Front {
    url: String,
    certificate: String,
    seen: Arc<Seen>,
}

struct Seen {
    vendor: String,
    client: reqwest::Client,
    connections: AtomicUsize,
    versions: Mutex<Vec<Version>>,
}

impl Front {
    async fn start(vendor: String, protocols: &[&str]) -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]);
        let CertifiedKey { cert, signing_key } = made.expect("a certificate is made");
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .expect("the key is the certificate's");
        config.alpn_protocols = protocols
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec())
            .collect();

        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Seen {
            vendor,
            client: client(),
            connections: AtomicUsize::new(0),
            versions: Mutex::default(),
        });
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let router = Router::new().fallback(forward).with_state(seen.clone());
        tokio::spawn(accept(listener, acceptor, router, seen.clone()));
        Self {
            url: format!("https://localhost:{port}"),
            certificate: cert.pem(),
            seen,
        }
    }

    fn versions(&self) -> Vec<Version> {
        let versions = &self.seen.versions;
        let mut versions = versions.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut versions)
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, router: Router, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve_connection(stream, acceptor.clone(), router.clone()));
    }
}

async fn serve_connection(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    // The gateway may end the connection in any way.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}

async fn forward(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let versions = &seen.versions;
    versions
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(head.version);

    let path = head.uri.path_and_query().map_or("/", |text| text.as_str());
    let url = format!("{}{path}", seen.vendor);
    for name in [
        header::HOST,
        header::ACCEPT_ENCODING,
        header::CONTENT_LENGTH,
    ] {
        head.headers.remove(name);
    }
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let sent = seen.client.request(head.method, url).headers(head.headers);
    match sent.body(body).send().await {
        Ok(answer) => {
            let status = answer.status();
            let body = answer.bytes().await.unwrap_or_default();
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Sends requests that need a login and several calls, in sequence and then concurrently. Returns the HTTP versions that the
/// vendor saw, and the number of connections.
async fn protocols_used(protocols: &[&str]) -> (Vec<Version>, usize) {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let front = Front::start(vendors.firstline_url(), protocols).await;
    let name = format!("vendor-{}.pem", protocols.join("-").replace('/', "-"));
    let certificate = SettingsFile::write_as(&name, &front.certificate);
    let mut settings = settings_for(&vendors);
    settings.extend([
        ("DESKGRAPH_FIRSTLINE__BASE_URL", front.url.clone()),
        ("SSL_CERT_FILE", certificate.path().to_owned()),
    ]);
    let program = Program::start(&["serve"], &settings).await;
    let client = client();
    let send_query = async |query: &str| {
        let sent = client.post(program.url("/graphql"));
        let sent = sent.json(&json!({ "query": query })).send().await;
        let answer: Value = sent
            .expect("the gateway responds")
            .json()
            .await
            .expect("in JSON");
        assert_eq!(answer.get("errors"), None, "{answer}");
        assert!(answer["data"].is_object(), "{answer}");
    };

    send_query("{ sponsors { id } }").await;
    send_query("{ tickets(first: 1) { nodes { id } } }").await;
    let at_once = (2..12).map(|text| {
        format!("{{ tickets(filter: {{ search: \"{text}\" }}) {{ nodes {{ id }} }} }}")
    });
    join_all(at_once.map(async |query| send_query(&query).await)).await;
    let ended = program.end_by("-TERM").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    (front.versions(), front.connections())
}

#[tokio::test]
async fn a_vendor_with_http_2_is_called_over_one_connection() {
    let (versions, connections) = protocols_used(&["h2", "http/1.1"]).await;
    assert!(versions.len() > 10, "{versions:?}");
    let others: Vec<_> = versions
        .iter()
        .filter(|version| **version != Version::HTTP_2)
        .collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn a_vendor_without_http_2_is_called_over_reused_connections() {
    let (versions, connections) = protocols_used(&["http/1.1"]).await;
    assert!(
        versions.iter().all(|version| *version == Version::HTTP_11),
        "{versions:?}"
    );
    assert!(versions.len() > 10, "{versions:?}");
    assert!(
        connections < versions.len(),
        "{connections} for {} calls",
        versions.len()
    );
}
