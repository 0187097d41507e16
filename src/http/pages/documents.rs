//! The README and the documents of `docs/` as pages.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::{Path, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};
use rust_embed::Embed;

use super::{html, plain_page};
use crate::http::{compression::StaticBody, no_such_page};

#[derive(Embed)]
#[folder = "docs/"]
struct Documents;

/// Rendered once, because nothing in them changes while the process runs.
static README: LazyLock<StaticBody> =
    LazyLock::new(|| page("README", include_str!("../../../README.md")));
static PAGES: LazyLock<HashMap<String, StaticBody>> = LazyLock::new(|| {
    let files = Documents::iter().filter_map(|name| Some((Documents::get(&name)?, name)));
    files
        .map(|(file, name)| {
            let title = name.trim_end_matches(".md");
            let page = page(title, &String::from_utf8_lossy(&file.data));
            (name.into_owned(), page)
        })
        .collect()
});

pub(in crate::http) async fn readme() -> Response {
    plain_page(README.clone())
}

/// A name that can't be decoded is not found.
pub(in crate::http) async fn document(name: Result<Path<String>, PathRejection>) -> Response {
    let document = name.ok().and_then(|Path(name)| PAGES.get(&name));
    match document {
        Some(page) => plain_page(page.clone()),
        None => no_such_page().await.into_response(),
    }
}

fn page(title: &str, markdown: &str) -> StaticBody {
    let mut body = String::from(
        "<nav><a href=\"/\">Start page</a> <a href=\"/readme\">README</a></nav>\n<main>\n",
    );
    pulldown_cmark::html::push_html(&mut body, with_links_of_this_host(markdown));
    body.push_str("</main>\n");
    StaticBody::new(html(&format!("deskgraph: {title}"), &body).into())
}

/// The text with its links leading to pages of this host. A link to another file of the repository becomes plain text.
fn with_links_of_this_host(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let mut is_in_plain_link = false;
    Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(move |event| match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let target = target_of(dest_url);
            is_in_plain_link = target.is_none();
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url: target?,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) if is_in_plain_link => None,
        event => Some(event),
    })
}

fn target_of(link: CowStr<'_>) -> Option<CowStr<'_>> {
    if link.starts_with("https://") || link.starts_with('#') {
        return Some(link);
    }
    let path = link.trim_start_matches("../").trim_start_matches("docs/");
    let file = path.split('#').next().unwrap_or(path);
    match file {
        "README.md" => Some("/readme".into()),
        file if Documents::get(file).is_some() => Some(format!("/docs/{path}").into()),
        _ => None,
    }
}
