//! Inbound: the routes and the whole layer stack, in one list.

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
    compression::{CompressionLayer, predicate::SizeAbove},
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
use known_hosts::{KnownHosts, refuse_other_hosts};
use pages::{Pages, playground};
use rate_limit::RateLimit;
use request_log::REQUEST_ID;

/// Below this an answer fits a packet or two as it is.
const MIN_COMPRESSED_BYTES: u64 = 512;

/// How long a browser need not ask again whether a site's pages may ask; none waits longer.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// On every answer: it is to be taken as what it says it is, shown in nobody's frame, and told to no other site.
const SAFETY_HEADERS: [(HeaderName, &str); 4] = [
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
    /// In small letters: by which names, besides this machine's own, the gateway may be asked where everybody may ask.
    pub allowed_hosts: Vec<String>,
    pub graphiql: GraphiqlPage,
    /// The sites, such as `https://desk.example.com`, whose pages may ask.
    pub cors_origins: Vec<String>,
    /// How many requests a caller may send; none for as many as they like.
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

/// The gateway's front. `schema_text` is the schema as it is printed.
pub fn router(
    settings: HttpSettings,
    engine: Arc<Engine>,
    schema_text: &str,
    shared: Arc<Shared>,
) -> Result<Router> {
    let introspection = engine.introspection();
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
        .route("/readme", get(pages::readme));
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
        router = router.layer(from_fn_with_state(known_hosts, refuse_other_hosts));
    }
    // Who looks after the gateway may call it anything.
    router = router
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready).with_state(shared));

    behind_layers(router, &settings.cors_origins)
}

/// From the outermost layer to the innermost: the log sees what the client gets. They are one layer to the router, which would
/// clone the ones within for each of them, at every request.
fn behind_layers(routes: Router, cors_origins: &[String]) -> Result<Router> {
    let layers = ServiceBuilder::new()
        .layer(from_fn(request_log::log_request))
        .map_response(bear_safety_headers)
        .option_layer(cors(cors_origins)?)
        .map_request(accept_plain)
        .layer(compression())
        .layer(CatchPanicLayer::custom(panicked));
    let router = routes
        .fallback(no_such_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(layers);
    Ok(router)
}

/// gzip, br or zstd, whichever the client likes best. What limits the gateway is its processor, so the fastest level of each.
fn compression() -> CompressionLayer<SizeAbove> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES))
}

/// None where no other site's pages may ask. The gateway knows no cookies, so none are ever sent along.
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

/// A client that rules out answers as they are gets them all the same where it takes no packing either: the layer of compression
/// would tell 406 of what has run.
fn accept_plain(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if !accepted.iter().any(|entry| rules_out_plain(entry)) {
        return request;
    }

    let heard: Vec<&str> = accepted
        .into_iter()
        .filter(|entry| !rules_out_plain(entry))
        .collect();
    if let Ok(heard) = HeaderValue::from_str(&heard.join(",")) {
        headers.insert(header::ACCEPT_ENCODING, heard);
    }
    request
}

/// Whether this entry of Accept-Encoding is about answers as they are, and refuses them.
fn rules_out_plain(entry: &str) -> bool {
    let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
    let quality = weight.trim().trim_start_matches(['q', 'Q', '=']);
    matches!(coding.trim(), "*" | "identity") && quality.parse() == Ok(0.0)
}

/// What a page says of itself counts.
fn bear_safety_headers<B>(mut response: http::Response<B>) -> http::Response<B> {
    for (name, value) in SAFETY_HEADERS {
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
        "There is nothing here; GraphQL is at /graphql.",
    )
}

async fn wrong_method() -> HttpError {
    HttpError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::BadUserInput,
        "This address does not take that method; the header Allow names those that it takes.",
    )
}

/// Where it was goes to the log by the panic hook, and to nobody else.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request ended in a panic");
    HttpError::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_as_a_fault_of_the_gateway_and_tells_nothing() {
        let routes = Router::new().route(
            "/graphql",
            get(async || -> Response { panic!("the password is hunter2") }),
        );
        let gateway = behind_layers(routes, &[]).expect("no origin is wrong");
        let request = Request::get("/graphql")
            .body(Body::empty())
            .expect("the request is whole");
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
