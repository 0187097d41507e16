//! One log line for each request: its caller, its operation, its result and its cost. A span around the request gives its id to
//! this line and to every other of the request.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use super::error::Refused;
use crate::{
    context::RequestScope,
    engine::{OperationInfo, Progress, ResponseSource, milliseconds},
    telemetry::metrics::{Method, Metrics},
};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_BYTES: usize = 128;
const MAX_OPERATION_NAME_BYTES: usize = 100;

/// What becomes known of a request while it is handled.
pub(super) struct RequestRecord {
    pub(super) id: String,
    started_at: Instant,
    scope: OnceLock<Arc<RequestScope>>,
    auth_error: OnceLock<&'static str>,
    pub(super) progress: Progress,
    errors: AtomicUsize,
}

impl RequestRecord {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            started_at: Instant::now(),
            scope: OnceLock::new(),
            auth_error: OnceLock::new(),
            progress: Progress::default(),
            errors: AtomicUsize::new(0),
        }
    }

    /// Sets the scope, which is known once the caller is.
    pub(super) fn start(&self, scope: RequestScope) -> Arc<RequestScope> {
        self.scope.get_or_init(|| Arc::new(scope)).clone()
    }

    /// Why the request has no caller.
    pub(super) fn set_auth_error(&self, reason: &'static str) {
        self.auth_error.get_or_init(|| reason);
    }

    pub(super) fn age(&self) -> Duration {
        self.started_at.elapsed()
    }

    pub(super) fn count_errors(&self, count: usize) {
        self.errors.fetch_add(count, Ordering::Relaxed);
    }
}

/// Gives the request its id, its log line and its metrics, and returns the id to the client.
pub(super) async fn log_request(
    State(metrics): State<Arc<Metrics>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = sent_id(request.headers()).unwrap_or_else(random_id);
    // At the highest level, so that no filter drops it.
    let span = tracing::error_span!("request", request.id = id);
    let record = Arc::new(RequestRecord::new(id));
    request.extensions_mut().insert(record.clone());
    let line = Line {
        method: method(request.method()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        record,
        status: None,
        metrics,
    };
    handle(request, next, line).instrument(span).await
}

async fn handle(request: Request, next: Next, mut line: Line) -> Response {
    let mut response = next.run(request).await;

    line.status = Some(response.status());
    if let Some(Refused(code)) = response.extensions().get() {
        line.metrics.count_refused(*code);
    }
    if let Ok(id) = HeaderValue::from_str(&line.record.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Written when it is dropped, so that a request whose client disconnects has a line too, without a status.
struct Line {
    method: Method,
    record: Arc<RequestRecord>,
    route: Option<MatchedPath>,
    status: Option<StatusCode>,
    metrics: Arc<Metrics>,
}

/// Health checks come every few seconds, and are neither counted nor logged by default.
const PROBES: [&str; 2] = ["/health/live", "/health/ready"];

impl Drop for Line {
    fn drop(&mut self) {
        let record = &self.record;
        let route = self.route.as_ref().map(MatchedPath::as_str);
        let scope = record.scope.get();
        let operation = record.progress.operation();
        let duration = record.age();

        let status = self.status.map(|status| status.as_u16());
        let is_probe = route.is_some_and(|route| PROBES.contains(&route));

        if is_probe {
            tracing::debug!(
                target: "deskgraph::request",
                { http.route = route, http.status = status, duration_ms = milliseconds(duration) },
                "request"
            );
            return;
        }
        let template = route.map_or("other", super::route_template);
        self.metrics
            .http
            .record(self.method, template, status, duration, None);
        tracing::info!(
            target: "deskgraph::request",
            {
            http.route = route,
            http.status = status,
            graphql.operation.name = operation.and_then(loggable_name),
            "graphql.operation.type" = operation.map(|operation| operation.kind.text()),
            response.source = record.progress.response_source().map(ResponseSource::name),
            caller = scope.map(|scope| &*scope.caller.name),
            auth.error = record.auth_error.get(),
            duration_ms = milliseconds(duration),
            vendor.calls = scope.map(|scope| scope.counters.vendor_calls()),
            cache.hits = scope.map(|scope| scope.counters.cache_hits()),
            errors = record.errors.load(Ordering::Relaxed)
            },
            "request"
        );
    }
}

fn method(method: &http::Method) -> Method {
    match *method {
        http::Method::GET => Method::Get,
        http::Method::HEAD => Method::Head,
        http::Method::POST => Method::Post,
        http::Method::OPTIONS => Method::Options,
        _ => Method::Other,
    }
}

/// The parser accepts only names, which can't forge a line. A name is ASCII, so that it can be cut anywhere.
fn loggable_name(operation: &OperationInfo) -> Option<&str> {
    let name = operation.name.as_deref()?;
    name.get(..name.len().min(MAX_OPERATION_NAME_BYTES))
}

/// The id that the client sent, where it is safe in a header and a log.
fn sent_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_safe = (1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    is_safe.then(|| id.to_owned())
}

/// 128 bits as hexadecimal digits. They must be unique, not unguessable.
fn random_id() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{REQUEST_ID, random_id, sent_id};

    #[test]
    fn only_a_safe_id_is_taken() {
        let sent = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(id).ok()?);
            sent_id(&headers)
        };

        assert_eq!(sent("a.B_3-4").as_deref(), Some("a.B_3-4"));
        assert_eq!(sent(""), None);
        assert_eq!(sent("two words"), None);
        assert_eq!(sent("quote\""), None);
        assert!(sent(&"a".repeat(128)).is_some());
        assert_eq!(sent(&"a".repeat(129)), None);
    }

    #[test]
    fn generated_ids_differ() {
        let id = random_id();
        assert_eq!(id.len(), 32);
        assert_ne!(id, random_id());
    }
}
