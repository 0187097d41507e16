//! Inbound: the routes and the whole layer stack, in one list.

mod answer;
pub mod auth;
mod graphql;
mod health;
pub mod limits;
mod pages;
mod request_log;
pub mod server;

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::{error::Result, repository::Shared, schema::GatewaySchema};
use answer::{Fault, code};
use auth::{AuthSettings, Authenticator};
use graphql::Graphql;
use limits::{DocumentLimits, SchemaShape};
use pages::Pages;

pub struct HttpSettings {
    pub auth: AuthSettings,
    pub graphiql: GraphiqlPage,
    pub request_timeout: Duration,
    pub max_body_bytes: usize,
    pub max_batch: usize,
    pub document: DocumentLimits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphiqlPage {
    Served,
    NotServed,
}

/// The gateway's front. `schema_text` is the schema as it is printed.
pub fn router(
    settings: HttpSettings,
    schema: GatewaySchema,
    schema_text: &str,
    shared: Arc<Shared>,
) -> Result<Router> {
    let graphql = Arc::new(Graphql {
        schema,
        shape: SchemaShape::read(schema_text)?,
        shared: shared.clone(),
        authenticator: Authenticator::new(settings.auth),
        limits: settings.document,
        request_timeout: settings.request_timeout,
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
        .route("/schema.graphql", get(pages::schema).with_state(pages))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready).with_state(shared));
    if settings.graphiql == GraphiqlPage::Served {
        router = router.route("/graphiql", get(pages::graphiql));
    }

    // From the innermost layer to the outermost: the log sees what the client gets.
    let router = router
        .fallback(no_such_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(header_unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_unless_set(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header_unless_set(header::REFERRER_POLICY, "no-referrer"))
        .layer(header_unless_set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .layer(from_fn(request_log::log_request));
    Ok(router)
}

fn header_unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn no_such_page() -> Fault {
    Fault::new(
        StatusCode::NOT_FOUND,
        code::BAD_USER_INPUT,
        "There is nothing here; GraphQL is at /graphql.",
    )
}

async fn wrong_method() -> Fault {
    Fault::new(
        StatusCode::METHOD_NOT_ALLOWED,
        code::BAD_USER_INPUT,
        "This address does not take that method; the header Allow names those that it takes.",
    )
}

/// Where it was goes to the log by the panic hook, and to nobody else.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request ended in a panic");
    Fault::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        code::INTERNAL,
        "The gateway failed while answering.",
    )
    .into_response()
}
