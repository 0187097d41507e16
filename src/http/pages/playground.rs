//! The playground: GraphiQL as the build made it, embedded in this program.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};

use super::{home::Text, html, plain_page};
use crate::http::{compression::StaticBody, no_such_page};

/// What the build script made; empty where it could not.
#[derive(Embed)]
#[folder = "playground/dist/"]
#[allow_missing = true]
struct Made;

/// Scripts of this origin alone; GraphiQL's editor injects styles and fonts into the page.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
    worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The names of the assets contain a digest of their content.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// A file of the playground, in memory once.
struct File {
    content_type: String,
    tag: HeaderValue,
    body: StaticBody,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let files = Made::iter().filter_map(|name| Some((Made::get(&name)?, name)));
    files
        .map(|(file, name)| (name.into_owned(), File::of(file)))
        .collect()
});

pub(in crate::http) async fn page(headers: HeaderMap) -> Response {
    let Some(page) = FILES.get("index.html") else {
        return missing();
    };
    let tag = page.tag.clone();
    let caching = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
    ];
    match is_known(&headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, caching).into_response(),
        false => (caching, page.content()).into_response(),
    }
}

/// A name that can't be decoded is not found.
pub(in crate::http) async fn asset(name: Result<Path<String>, PathRejection>) -> Response {
    let asset = name
        .ok()
        .and_then(|Path(name)| FILES.get(&format!("assets/{name}")));
    match asset {
        Some(asset) => ([(header::CACHE_CONTROL, FOREVER)], asset.content()).into_response(),
        None => no_such_page().await.into_response(),
    }
}

pub(in crate::http) async fn without_slash() -> Redirect {
    Redirect::permanent("/graphiql")
}

/// The same line as the build printed.
fn missing() -> Response {
    let body = format!(
        "<nav><a href=\"/\">Start page</a></nav>\n<main>\n<h1>No playground</h1>\n\
        <p>This deskgraph was built without its playground: {}.</p>\n\
        <p>Queries are taken by POST to <code>/graphql</code> all the same.</p>\n</main>\n",
        Text(env!("PLAYGROUND_LACKING"))
    );
    (
        StatusCode::NOT_FOUND,
        plain_page(html("deskgraph: no playground", &body)),
    )
        .into_response()
}

impl File {
    fn of(file: EmbeddedFile) -> Self {
        let content_type = match file.metadata.mimetype() {
            text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        Self {
            content_type,
            tag: entity_tag(&file),
            body: StaticBody::new(match file.data {
                Cow::Borrowed(data) => Bytes::from_static(data),
                Cow::Owned(data) => data.into(),
            }),
        }
    }

    fn content(&self) -> Response {
        let content_type = [(header::CONTENT_TYPE, self.content_type.as_str())];
        (content_type, self.body.clone()).into_response()
    }
}

fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    let digest = file.metadata.sha256_hash();
    let digits: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("digits and quotes may stand in a header")
}

/// Whether the client has the page of this tag already.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','));
    known.any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
    })
}
