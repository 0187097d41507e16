//! Transport: the routes, and the whole stack of layers in one list.

// GraphQL over HTTP.
mod compression;
mod graphql;
mod negotiation;
mod response;

// Who may send requests, and how many.
pub mod auth;
mod callers;
mod cross_site;
mod known_hosts;
mod rate_limit;

mod first_checks;
mod health;
mod pages;
mod photos;

// Around every request.
mod ambiguity;
mod error;
pub mod metrics;
mod request_log;
pub mod server;

use std::{any::Any, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{self, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};

use crate::{
    engine::Engine,
    error::{Error, ErrorCode, Result},
    repository::Shared,
    schema::Introspection,
    telemetry::metrics::Metrics,
};
use ambiguity::reject_ambiguous;
use auth::{API_KEY, AuthLimits, AuthSettings};
use callers::CallerSettings;
pub use callers::Callers;
use compression::StaticBody;
use cross_site::{AllowedOrigins, reject_cross_site};
use error::HttpError;
pub use first_checks::FirstChecks;
use graphql::Graphql;
use health::Readiness;
use known_hosts::{KnownHosts, reject_other_hosts};
pub use pages::PageAccess;
use pages::{Pages, playground};
use photos::Photos;
use request_log::REQUEST_ID;

/// How long a browser may cache the result of a preflight. Browsers cap it at two hours.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Headers that clients add by themselves: trace contexts, and those of Apollo's clients. The gateway ignores most of them.
const CLIENT_HEADERS: [&str; 12] = [
    "traceparent",
    "tracestate",
    "baggage",
    "apollographql-client-name",
    "apollographql-client-version",
    "apollo-require-preflight",
    "apollo-query-plan-experimental",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-apollo-operation-type",
    "x-apollo-tracing",
    "x-apollo-cache-key",
];

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
    /// How often the clients of one network may fail to authenticate; none for no limit.
    pub auth_failures_per_minute: Option<NonZeroU32>,
    pub pages: PageAccess,
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

/// `schema_text` is the schema as it is printed. A reload takes over what it can of the callers before it.
pub fn router(
    settings: HttpSettings,
    engine: Arc<Engine>,
    schema_text: &str,
    shared: Arc<Shared>,
    first_checks: Arc<FirstChecks>,
    callers_before: Option<&Callers>,
) -> Result<(Router, Callers)> {
    let introspection = engine.introspection();
    let metrics = engine.metrics().clone();
    let is_open = matches!(settings.auth, AuthSettings::Open);
    let known_hosts = is_open.then(|| KnownHosts(settings.allowed_hosts.into()));
    let caller_settings = CallerSettings {
        auth: settings.auth,
        auth_limits: AuthLimits {
            failures_per_minute: settings.auth_failures_per_minute,
            timeout: engine.request_timeout(),
        },
        requests_per_minute: settings.requests_per_minute,
    };
    let callers = Callers::new(caller_settings, callers_before)?;
    let authenticator = callers.authenticator.clone();
    let readiness = Readiness {
        shared: shared.clone(),
        first_checks,
        authenticator: authenticator.clone(),
        pages: settings.pages,
    };
    let photos = Photos {
        shared: shared.clone(),
        request_timeout: engine.request_timeout(),
    };
    let graphql = Arc::new(Graphql {
        engine,
        authenticator: authenticator.clone(),
        rate_limit: callers.rate_limit.clone(),
        body_timeout: settings.body_timeout,
        max_body_bytes: settings.max_body_bytes,
        max_batch: settings.max_batch,
    });
    let pages = Pages {
        shared,
        schema_text: StaticBody::new(schema_text.to_owned().into()),
        graphiql: settings.graphiql,
    };

    let mut graphql = get(graphql::handle)
        .post(graphql::handle)
        .with_state(graphql);
    if is_open {
        let allowed = AllowedOrigins(settings.cors_origins.clone().into());
        graphql = graphql.layer(from_fn_with_state(allowed, reject_cross_site));
    }
    let mut described = Router::new()
        .route("/", get(pages::home).with_state(pages.clone()))
        .route("/readme", get(pages::readme))
        .route("/docs/{file}", get(pages::document));
    if introspection == Introspection::Enabled {
        described = described.route("/schema.graphql", get(pages::schema).with_state(pages));
    }
    if settings.pages == PageAccess::Callers && authenticator.knows_callers() {
        described = described.route_layer(from_fn_with_state(authenticator, pages::require_caller));
    }
    // The address of a photo is signed.
    let mut router = described
        .route("/graphql", graphql)
        .route("/photos/{token}", get(photos::photo).with_state(photos));
    // The playground asks for the key by itself.
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
    router = router.route("/health/live", get(health::live)).route(
        "/health/ready",
        get(health::ready).with_state(Arc::new(readiness)),
    );

    let router = with_layers(router, &settings.cors_origins, metrics)?;
    Ok((router, callers))
}

/// The templates of the routes, as metrics report them.
const ROUTES: [&str; 11] = [
    "/",
    "/graphql",
    "/photos/{token}",
    "/readme",
    "/docs/{file}",
    "/schema.graphql",
    "/graphiql",
    "/graphiql/",
    "/graphiql/assets/{name}",
    "/health/live",
    "/health/ready",
];

/// The same template as a constant, so that a metric has no text of a request.
fn route_template(matched: &str) -> &'static str {
    let known = ROUTES.into_iter().find(|route| *route == matched);
    known.unwrap_or("other")
}

/// From the outermost layer to the innermost: the log sees what the client gets. The router takes them as one layer, because it
/// would clone the inner ones for each of them, at every request.
fn with_layers(routes: Router, cors_origins: &[String], metrics: Arc<Metrics>) -> Result<Router> {
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(metrics, request_log::log_request))
        .map_response(set_security_headers)
        .option_layer(cors(cors_origins)?)
        .layer(from_fn(reject_ambiguous))
        .map_request(compression::choose_encoding)
        .layer(from_fn(compression::compress_at_once))
        .layer(compression::layer())
        .map_response(compression::mark_complete)
        .layer(CatchPanicLayer::custom(panicked));
    let router = routes
        .fallback(no_such_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(layers);
    Ok(router)
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
    let allowed_headers: Vec<HeaderName> = [
        header::CONTENT_TYPE,
        header::AUTHORIZATION,
        header::IF_NONE_MATCH,
        API_KEY,
        REQUEST_ID,
    ]
    .into_iter()
    .chain(CLIENT_HEADERS.map(HeaderName::from_static))
    .collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(allowed_headers)
        .expose_headers([header::ETAG, header::RETRY_AFTER, REQUEST_ID])
        .max_age(PREFLIGHT_MAX_AGE);
    Ok(Some(layer))
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
    use axum::{
        body::{Body, to_bytes},
        extract::Request,
    };
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_and_reveals_nothing() {
        let routes = Router::new().route(
            "/graphql",
            get(async || -> Response { panic!("the password is hunter2") }),
        );
        let gateway = with_layers(routes, &[], Arc::default()).expect("no origin is wrong");
        let request = Request::get("/graphql")
            .header(header::HOST, "localhost")
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
