//! Transport: the routes, and the whole stack of layers in one list.

// GraphQL over HTTP.
mod graphql;
mod negotiation;
mod response;

// Who may send requests, and how many.
pub mod auth;
mod known_hosts;
mod rate_limit;

mod health;
mod pages;
mod photos;

// Around every request.
mod error;
mod request_log;
pub mod server;

use std::{any::Any, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{self, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceBuilder;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::CorsLayer,
};

use crate::{
    engine::Engine,
    error::{Error, ErrorCode, Result},
    repository::Shared,
    schema::Introspection,
};
use auth::{API_KEY, AuthSettings, Authenticator};
use error::HttpError;
use graphql::Graphql;
use known_hosts::{KnownHosts, reject_other_hosts};
use pages::{Pages, playground};
use photos::Photos;
use rate_limit::RateLimit;
use request_log::REQUEST_ID;

/// A smaller response fits a packet or two without compression.
const MIN_COMPRESSED_BYTES: u64 = 512;

/// How long a browser may cache the result of a preflight. Browsers cap it at two hours.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// On every response: no content sniffing, no framing, no referrer to other sites.
const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

pub struct HttpSettings {
    pub auth: AuthSettings,
    /// In lower case: the host names, besides localhost, under which an open gateway accepts requests.
    pub allowed_hosts: Vec<String>,
    pub graphiql: GraphiqlPage,
    /// The origins, such as `https://desk.example.com`, whose pages may send requests.
    pub cors_origins: Vec<String>,
    /// How many requests a caller may send; none for no limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// For a request's whole body to arrive.
    pub body_timeout: Duration,
    pub max_body_bytes: usize,
    pub max_batch: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphiqlPage {
    Served,
    NotServed,
}

/// `schema_text` is the schema as it is printed.
pub fn router(
    settings: HttpSettings,
    engine: Arc<Engine>,
    schema_text: &str,
    shared: Arc<Shared>,
) -> Result<Router> {
    let introspection = engine.introspection();
    let photos = Photos {
        shared: shared.clone(),
        request_timeout: engine.request_timeout(),
    };
    let known_hosts = matches!(settings.auth, AuthSettings::Open)
        .then(|| KnownHosts(settings.allowed_hosts.into()));
    let graphql = Arc::new(Graphql {
        engine,
        authenticator: Authenticator::new(settings.auth)?,
        rate_limit: settings.requests_per_minute.map(RateLimit::new),
        body_timeout: settings.body_timeout,
        max_body_bytes: settings.max_body_bytes,
        max_batch: settings.max_batch,
    });
    let pages = Pages {
        shared: shared.clone(),
        schema_text: schema_text.into(),
        graphiql: settings.graphiql,
    };

    let mut router = Router::new()
        .route("/", get(pages::home).with_state(pages.clone()))
        .route(
            "/graphql",
            get(graphql::handle)
                .post(graphql::handle)
                .with_state(graphql),
        )
        .route("/photos/{token}", get(photos::photo).with_state(photos))
        .route("/readme", get(pages::readme))
        .route("/docs/{file}", get(pages::document));
    if introspection == Introspection::Enabled {
        router = router.route("/schema.graphql", get(pages::schema).with_state(pages));
    }
    if settings.graphiql == GraphiqlPage::Served {
        router = router
            .route("/graphiql", get(playground::page))
            .route("/graphiql/", get(playground::without_slash))
            .route("/graphiql/assets/{name}", get(playground::asset));
    }
    if let Some(known_hosts) = known_hosts {
        router = router.layer(from_fn_with_state(known_hosts, reject_other_hosts));
    }
    // Health checks may use any host name.
    router = router
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready).with_state(shared));

    with_layers(router, &settings.cors_origins)
}

/// From the outermost layer to the innermost: the log sees what the client gets. The router takes them as one layer, because it
/// would clone the inner ones for each of them, at every request.
fn with_layers(routes: Router, cors_origins: &[String]) -> Result<Router> {
    let layers = ServiceBuilder::new()
        .layer(from_fn(request_log::log_request))
        .map_response(set_security_headers)
        .option_layer(cors(cors_origins)?)
        .map_request(accept_uncompressed)
        .layer(compression())
        .layer(CatchPanicLayer::custom(panicked));
    let router = routes
        .fallback(no_such_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(layers);
    Ok(router)
}

/// gzip, br or zstd, as the client prefers; pictures are compressed already. The gateway is bound by its processor, so the fastest level of each.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::IMAGES))
}

/// None where no other origin is allowed. The gateway uses no cookies, so it allows no credentials.
fn cors(origins: &[String]) -> Result<Option<CorsLayer>> {
    if origins.is_empty() {
        return Ok(None);
    }

    let origins: Vec<HeaderValue> = origins
        .iter()
        .map(|origin| HeaderValue::from_str(origin))
        .collect::<Result<_, _>>()
        .map_err(|err| Error::internal("an origin can't stand in a header").with_source(err))?;
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::IF_NONE_MATCH,
            API_KEY,
            REQUEST_ID,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, REQUEST_ID])
        .max_age(PREFLIGHT_MAX_AGE);
    Ok(Some(layer))
}

/// A client that refuses uncompressed responses and accepts no compression gets an uncompressed one: the compression layer would
/// send 406 after the request was executed.
fn accept_uncompressed(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if !accepted.iter().any(|entry| refuses_uncompressed(entry)) {
        return request;
    }

    let kept: Vec<&str> = accepted
        .into_iter()
        .filter(|entry| !refuses_uncompressed(entry))
        .collect();
    if let Ok(kept) = HeaderValue::from_str(&kept.join(",")) {
        headers.insert(header::ACCEPT_ENCODING, kept);
    }
    request
}

/// Whether this entry of Accept-Encoding refuses uncompressed responses.
fn refuses_uncompressed(entry: &str) -> bool {
    let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
    let quality = weight.trim().trim_start_matches(['q', 'Q', '=']);
    matches!(coding.trim(), "*" | "identity") && quality.parse() == Ok(0.0)
}

/// A header that the handler set stays.
fn set_security_headers<B>(mut response: http::Response<B>) -> http::Response<B> {
    for (name, value) in SECURITY_HEADERS {
        let headers = response.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn no_such_page() -> HttpError {
    HttpError::new(
        StatusCode::NOT_FOUND,
        ErrorCode::BadUserInput,
        "Not found; GraphQL is at /graphql.",
    )
}

async fn wrong_method() -> HttpError {
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::BadUserInput,
        "Method not allowed; the header Allow lists the methods of this path.",
    )
}

/// The panic hook logs the place; the client learns nothing of it.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    HttpError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_and_reveals_nothing() {
        let routes = Router::new().route(
            "/graphql",
            get(async || -> Response { panic!("the password is hunter2") }),
        );
        let gateway = with_layers(routes, &[]).expect("no origin is wrong");
        let request = Request::get("/graphql")
            .body(Body::empty())
            .expect("the request is complete");
        let response = gateway.oneshot(request).await.expect("it never fails");

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(&REQUEST_ID));
        assert_eq!(response.headers()[header::X_FRAME_OPTIONS], "DENY");
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let body: serde_json::Value =
            serde_json::from_slice(&body.expect("it has one")).expect("it is JSON");
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL");
        assert!(!body.to_string().contains("hunter2"));
    }
}
