//! The middleware of every request to a vendor: log, faults, credentials; and the sandbox's own paths beside it.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::connection::Connection;
use super::control::{LoggedRequest, VendorControl};
use super::fault::{Fault, FaultRule};
use super::server::Stopping;

/// Bodies are buffered; a larger one is refused.
const LARGEST_BODY_BYTES: usize = 16 * 1024 * 1024;
const OVERSIZED_CHUNK_BYTES: usize = 64 * 1024;

/// What the middleware needs from a vendor.
pub(super) trait Vendor: Send + Sync + 'static {
    type Switches: Clone + Serialize + DeserializeOwned + Send + 'static;
    const NAME: &'static str;

    fn control(&self) -> &VendorControl<Self::Switches>;
    fn calls_per_minute(&self) -> Option<usize>;
    fn now(&self) -> Timestamp;
    /// The owner of the request's credentials; None without valid ones.
    fn identify(&self, request: &Parts) -> Option<String>;
    fn needs_credentials(&self, request: &Parts) -> bool;
    fn refuse_unauthenticated(&self) -> Response;
    /// Inserts what the sandbox's own path was given; None where there is no such kind.
    fn insert(&self, kind: &str, given: Value) -> Option<i64>;
    fn expire_tokens(&self);
}

/// A vendor's routes behind the middleware, and the sandbox's own paths.
pub(super) fn guarded<V: Vendor>(
    vendor: Arc<V>,
    stopping: Stopping,
    routes: Router<Arc<V>>,
) -> Router {
    let passage = Passage {
        vendor: vendor.clone(),
        stopping,
    };
    let own_paths = Router::new()
        .route("/_sandbox/switches", get(show_switches).put(put_switches))
        .route(
            "/_sandbox/faults",
            get(show_faults).post(add_faults).delete(clear_faults),
        )
        .route(
            "/_sandbox/requests",
            get(show_requests).delete(clear_requests),
        )
        .route("/_sandbox/expire-tokens", post(expire_tokens))
        .route("/_sandbox/release", post(release))
        .route("/_sandbox/{kind}", post(insert));

    routes
        .layer(from_fn_with_state(passage, pass))
        .merge(own_paths)
        .with_state(vendor)
}

struct Passage<V> {
    vendor: Arc<V>,
    stopping: Stopping,
}

impl<V> Clone for Passage<V> {
    fn clone(&self) -> Self {
        Self {
            vendor: self.vendor.clone(),
            stopping: self.stopping.clone(),
        }
    }
}

/// Counts a request as in flight until it is dropped.
struct UnderWay<V: Vendor>(Arc<V>);

impl<V: Vendor> UnderWay<V> {
    fn begin(vendor: Arc<V>) -> Self {
        vendor.control().enter();
        Self(vendor)
    }
}

impl<V: Vendor> Drop for UnderWay<V> {
    fn drop(&mut self) {
        self.0.control().leave();
    }
}

async fn pass<V: Vendor>(
    State(passage): State<Passage<V>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    route: Option<MatchedPath>,
    Query(query): Query<Vec<(String, String)>>,
    request: Request,
    next: Next,
) -> Response {
    let Passage { vendor, stopping } = passage;
    let under_way = UnderWay::begin(vendor.clone());
    let control = vendor.control();

    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let number = control.log(LoggedRequest {
        vendor: V::NAME,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query
            .into_iter()
            .map(|(name, value)| match is_secret(&name) {
                true => (name, REPLACED.to_owned()),
                false => (name, value),
            })
            .collect(),
        route: route.map(|route| route.as_str().to_owned()),
        headers: headers_of(&parts),
        body: body_of(&body),
        authorized_as: vendor.identify(&parts),
        status: None,
        at: vendor.now(),
    });

    if let Err(wait) = control.accept(vendor.calls_per_minute()) {
        let response = too_many_calls(wait);
        control.log_status(number, response.status().as_u16());
        return response;
    }

    let request_line = format!("{} {}", parts.method, parts.uri);
    let head_only = parts.method == Method::HEAD;
    // The credentials are looked at when the request is executed, which may be long after it arrived.
    let worker = vendor.clone();
    let work = async move {
        if worker.needs_credentials(&parts) && worker.identify(&parts).is_none() {
            return worker.refuse_unauthenticated();
        }
        let request = Request::from_parts(parts, Body::from(body));
        next.run(request).await
    };

    let mut faults = control.take_faults(&request_line);
    let last = faults.pop();
    for fault in faults.iter().chain(&last) {
        if let Fault::Delay { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }

    let response = match last {
        None | Some(Fault::Delay { .. }) => work.await,
        Some(Fault::Status {
            code,
            body,
            headers,
        }) => status(code, body, headers),
        Some(Fault::HtmlError { code }) => html(code),
        Some(Fault::HtmlErrorAfterWork { code }) => {
            work.await;
            html(code)
        }
        Some(Fault::CloseBeforeHead) => {
            connection.close();
            return StatusCode::OK.into_response();
        }
        Some(Fault::CloseAfterWork) => {
            work.await;
            connection.close();
            return StatusCode::OK.into_response();
        }
        Some(Fault::ResetConnection) => {
            connection.reset();
            return StatusCode::OK.into_response();
        }
        Some(Fault::LateWork { ms }) => {
            let due = tokio::time::sleep(Duration::from_millis(ms));
            execute_after(due, work).await
        }
        Some(Fault::HeldWork) => execute_after(control.released(), work).await,
        Some(Fault::HeldResponse) => {
            let released = control.released();
            let response = work.await;
            released.await;
            response
        }
        Some(Fault::HangAfterWork) => {
            work.await;
            stopping.wait().await;
            connection.close();
            return StatusCode::OK.into_response();
        }
        Some(Fault::HangBeforeHead) => {
            stopping.wait().await;
            connection.close();
            return StatusCode::OK.into_response();
        }
        Some(Fault::HangInBody) => {
            let response = work.await;
            control.log_status(number, response.status().as_u16());
            return half(response, async move {
                stopping.wait().await;
                drop(under_way);
            })
            .await;
        }
        Some(Fault::TruncatedBody) => {
            let response = work.await;
            control.log_status(number, response.status().as_u16());
            // Yielding once lets the half that is there reach the peer before the connection closes.
            return half(response, tokio::task::yield_now()).await;
        }
        Some(Fault::NotJson) => html(200),
        Some(Fault::WrongShape) => Json(json!(["unexpected", { "of": "shape" }])).into_response(),
        Some(Fault::Errcode) => {
            Json(json!({ "errcode": "100047", "errmsg": "Invalid resource URI" })).into_response()
        }
        Some(Fault::OversizedBody { bytes }) => oversized(bytes),
    };
    control.log_status(number, response.status().as_u16());

    match head_only {
        true => response.map(|_| Body::empty()),
        false => response,
    }
}

/// Executes a request later, as a task of its own, so that it is executed even if the client goes away.
async fn execute_after(
    due: impl Future<Output = ()> + Send + 'static,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let execution = tokio::spawn(async move {
        due.await;
        work.await
    });
    execution
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// As Laravel's throttle responds.
fn too_many_calls(wait: Duration) -> Response {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, seconds.to_string())],
        Json(json!({ "message": "Too Many Attempts." })),
    )
        .into_response()
}

fn status(
    code: u16,
    body: String,
    headers: std::collections::BTreeMap<String, String>,
) -> Response {
    let mut response = (
        status_code(code),
        [(header::CONTENT_TYPE, "application/json")],
        body,
    )
        .into_response();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

pub(super) fn html(code: u16) -> Response {
    let title = status_code(code);
    (
        title,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        ),
    )
        .into_response()
}

pub(super) fn status_code(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The head and half of the body, then whatever `then` does, then the connection breaks.
async fn half(response: Response, then: impl Future<Output = ()> + Send + 'static) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));

    let first = stream::once(std::future::ready(Ok(whole.slice(..whole.len() / 2))));
    let rest = stream::once(async move {
        then.await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Response::from_parts(parts, Body::from_stream(first.chain(rest)))
}

fn oversized(bytes: usize) -> Response {
    const OPENING: &str = r#"{"data":[],"padding":""#;
    const CLOSING: &str = r#""}"#;

    let padding = bytes.saturating_sub(OPENING.len() + CLOSING.len());
    let chunk = Bytes::from(vec![b'.'; OVERSIZED_CHUNK_BYTES]);
    let whole_chunks = (0..padding / OVERSIZED_CHUNK_BYTES).map({
        let chunk = chunk.clone();
        move |_| chunk.clone()
    });
    let chunks = std::iter::once(Bytes::from_static(OPENING.as_bytes()))
        .chain(whole_chunks)
        .chain(std::iter::once(
            chunk.slice(..padding % OVERSIZED_CHUNK_BYTES),
        ))
        .chain(std::iter::once(Bytes::from_static(CLOSING.as_bytes())))
        .map(Ok::<_, Infallible>);

    (
        [(header::CONTENT_TYPE, "application/json")],
        Body::from_stream(stream::iter(chunks)),
    )
        .into_response()
}

const REPLACED: &str = "[replaced]";

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token"]
        .iter()
        .any(|word| name.contains(word))
}

fn headers_of(parts: &Parts) -> Vec<(String, String)> {
    parts
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "cookie"))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

fn body_of(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(body) {
        Ok(mut value) => {
            replace_secrets(&mut value);
            value
        }
        Err(_) => Value::String(String::from_utf8_lossy(body).into_owned()),
    }
}

fn replace_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match is_secret(name) {
                    true => *value = REPLACED.into(),
                    false => replace_secrets(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(replace_secrets),
        _ => {}
    }
}

async fn show_switches<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    Json(vendor.control().switches()).into_response()
}

async fn put_switches<V: Vendor>(
    State(vendor): State<Arc<V>>,
    Json(changes): Json<Value>,
) -> Response {
    let Value::Object(changes) = changes else {
        return refuse("an object of switches is needed");
    };
    let Ok(Value::Object(mut switches)) = serde_json::to_value(vendor.control().switches()) else {
        return refuse("the switches can't be shown");
    };
    for (name, value) in changes {
        if !switches.contains_key(&name) {
            return refuse(&format!("there is no switch {name}"));
        }
        switches.insert(name, value);
    }
    match serde_json::from_value::<V::Switches>(Value::Object(switches)) {
        Ok(switches) => {
            vendor.control().change_switches(|held| *held = switches);
            show_switches(State(vendor)).await
        }
        Err(err) => refuse(&err.to_string()),
    }
}

async fn show_faults<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    Json(vendor.control().faults()).into_response()
}

/// One rule or a list of them.
async fn add_faults<V: Vendor>(State(vendor): State<Arc<V>>, Json(given): Json<Value>) -> Response {
    let given = match given {
        Value::Array(rules) => rules,
        rule => vec![rule],
    };
    let rules: Result<Vec<FaultRule>, _> = given.into_iter().map(serde_json::from_value).collect();
    match rules {
        Ok(rules) => {
            for rule in rules {
                vendor.control().add_fault(rule);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(err) => refuse(&err.to_string()),
    }
}

async fn clear_faults<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    vendor.control().clear_faults();
    StatusCode::NO_CONTENT.into_response()
}

async fn show_requests<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    Json(json!({
        "requests": vendor.control().requests(),
        "in_flight_peak": vendor.control().in_flight_peak(),
    }))
    .into_response()
}

async fn clear_requests<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    vendor.control().clear_requests();
    StatusCode::NO_CONTENT.into_response()
}

async fn expire_tokens<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    vendor.expire_tokens();
    StatusCode::NO_CONTENT.into_response()
}

async fn release<V: Vendor>(State(vendor): State<Arc<V>>) -> Response {
    vendor.control().release();
    StatusCode::NO_CONTENT.into_response()
}

async fn insert<V: Vendor>(
    State(vendor): State<Arc<V>>,
    Path(kind): Path<String>,
    Json(given): Json<Value>,
) -> Response {
    match vendor.insert(&kind, given) {
        Some(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn refuse(reason: &str) -> Response {
    let body = Json(json!({ "message": reason }));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}
