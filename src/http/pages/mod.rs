//! Pages for people: the start page, the playground, the README, and the schema as text.

mod documents;
mod home;
pub(super) mod playground;

use std::sync::{Arc, LazyLock};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{
    GraphiqlPage,
    auth::{Authenticator, network_of},
    compression::StaticBody,
    error::HttpError,
    request_log::RequestRecord,
};
use crate::repository::Shared;
pub(super) use documents::{document, readme};

/// Who may read what the gateway says of itself: the pages, the schema as text, and the vendors' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAccess {
    /// Those who may send requests.
    Callers,
    Everyone,
}

#[derive(Clone)]
pub(super) struct Pages {
    pub(super) shared: Arc<Shared>,
    pub(super) schema_text: StaticBody,
    pub(super) graphiql: GraphiqlPage,
}

/// Before the pages of a gateway that knows its callers.
pub(super) async fn require_caller(
    State(authenticator): State<Arc<Authenticator>>,
    Extension(record): Extension<Arc<RequestRecord>>,
    request: Request,
    next: Next,
) -> Response {
    let network = network_of(request.extensions());
    if let Err(error) = authenticator.caller(request.headers(), network).await {
        record.set_auth_error(error.reason());
        record.count_errors(1);
        return HttpError::from(error).into_response();
    }
    let mut response = next.run(request).await;
    // A cache that others share does not know all the headers that a key may come in.
    let private = HeaderValue::from_static("private, no-cache");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, private);
    response
}

pub(super) async fn home(State(pages): State<Pages>) -> Response {
    let statuses = pages.shared.vendor_statuses();
    plain_page(html("deskgraph", &home::body(&statuses, pages.graphiql)))
}

pub(super) async fn schema(State(pages): State<Pages>) -> Response {
    let text = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    )];
    (text, pages.schema_text).into_response()
}

const STYLE: &str = include_str!("style.css");

/// A page without scripts or external resources.
fn html(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{ICON}">
<style>{STYLE}</style>
</head>
<body>
{body}</body>
</html>
"#
    )
}

/// The response with such a page.
fn plain_page(page: impl IntoResponse) -> Response {
    /// Allows the style sheet of the page and its icon.
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
            form-action 'none'; frame-ancestors 'none'"
        )
    });

    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(page)).into_response()
}

/// Two desks and what joins them.
const ICON: &str = "data:image/svg+xml,\
    %3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Cpath d='M4 12 8 4l4 8' fill='none' stroke='%23b5256b' stroke-width='1.5'/%3E\
    %3Cg fill='%23b5256b'%3E%3Ccircle cx='8' cy='4' r='2.5'/%3E\
    %3Ccircle cx='4' cy='12' r='2.5'/%3E%3Ccircle cx='12' cy='12' r='2.5'/%3E%3C/g%3E%3C/svg%3E";
