//! Both vendors as servers of static responses: each is read from the sandbox once and then returned from memory, so that the
//! vendors are not measured.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use deskgraph::sandbox::{Sandbox, SandboxOptions, credentials};
use tokio::{net::TcpListener, runtime::Runtime};

/// How many tickets and records each vendor has.
const OBJECTS: usize = 1_000;

pub(crate) struct CannedVendors {
    /// Serves until it is dropped.
    _runtime: Runtime,
    firstline: Arc<Canned>,
    bangwo8: Arc<Canned>,
    firstline_url: String,
    bangwo8_url: String,
    _sandbox: Sandbox,
}

struct Canned {
    origin: String,
    client: reqwest::Client,
    answers: Mutex<HashMap<String, Bytes>>,
    calls: AtomicU64,
}

impl CannedVendors {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let options = SandboxOptions {
            tickets: OBJECTS,
            service_records: OBJECTS,
            ..SandboxOptions::default()
        };
        let sandbox = runtime
            .block_on(Sandbox::start(options))
            .expect("the sandbox finds ports");
        let firstline = Arc::new(Canned::of(sandbox.firstline_url()));
        let bangwo8 = Arc::new(Canned::of(sandbox.bangwo8_url()));
        Self {
            firstline_url: runtime.block_on(serve(firstline.clone())),
            bangwo8_url: runtime.block_on(serve(bangwo8.clone())),
            firstline,
            bangwo8,
            _runtime: runtime,
            _sandbox: sandbox,
        }
    }

    /// The settings of a gateway over these vendors.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DESKGRAPH_FIRSTLINE__BASE_URL", self.firstline_url.clone()),
            (
                "DESKGRAPH_FIRSTLINE__TOKEN",
                credentials::FIRSTLINE_TOKEN.to_owned(),
            ),
            ("DESKGRAPH_BANGWO8__BASE_URL", self.bangwo8_url.clone()),
            (
                "DESKGRAPH_BANGWO8__ACCOUNT",
                credentials::BANGWO8_ACCOUNT.to_owned(),
            ),
            (
                "DESKGRAPH_BANGWO8__PASSWORD",
                credentials::BANGWO8_PASSWORD.to_owned(),
            ),
        ]
    }

    /// The number of calls that both have received.
    pub(crate) fn calls(&self) -> u64 {
        let calls = |canned: &Canned| canned.calls.load(Ordering::Relaxed);
        calls(&self.firstline) + calls(&self.bangwo8)
    }

    /// The body of the first page of tickets, as the vendor sends it.
    pub(crate) fn ticket_page(&self) -> Bytes {
        let answers = self.firstline.answers();
        let largest = answers
            .iter()
            .filter(|(key, _)| key.contains("/ticket?"))
            .max_by_key(|(_, body)| body.len());
        largest.expect("tickets were requested").1.clone()
    }
}

impl Canned {
    fn of(origin: String) -> Self {
        Self {
            origin,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client builds"),
            answers: Mutex::default(),
            calls: AtomicU64::new(0),
        }
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Bytes>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request) -> Result<Bytes, reqwest::Error> {
        let key = key_of(&request);
        if let Some(known) = self.answers().get(&key) {
            return Ok(known.clone());
        }

        let (head, _) = request.into_parts();
        let mut headers = head.headers;
        headers.remove(header::HOST);
        headers.remove(header::ACCEPT_ENCODING);
        let url = format!("{}{}", self.origin, key.trim_start_matches("GET "));
        let answer = self.client.get(url).headers(headers).send().await?;
        let body = answer.error_for_status()?.bytes().await?;
        self.answers().insert(key, body.clone());
        Ok(body)
    }
}

/// What the response depends on. Bounds of the creation time are left out, because the requests of a scenario differ in them.
fn key_of(request: &Request) -> String {
    let uri = request.uri();
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|parameter| !parameter.contains("create"))
        .collect();
    format!("GET {}?{}", uri.path(), kept.join("&"))
}

async fn serve(canned: Arc<Canned>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new().fallback(answer).with_state(canned);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn answer(State(canned): State<Arc<Canned>>, request: Request) -> Response {
    canned.calls.fetch_add(1, Ordering::Relaxed);
    if request.method() != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match canned.answer(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
