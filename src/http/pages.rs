//! Pages for people: what this is, a playground, and the schema as text.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use super::{GraphiqlPage, health::state_name};
use crate::repository::Shared;

#[derive(Clone)]
pub(super) struct Pages {
    pub(super) shared: Arc<Shared>,
    pub(super) schema_text: Arc<str>,
    pub(super) graphiql: GraphiqlPage,
}

/// The home page loads nothing from anywhere.
const HOME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The playground loads its code from one place, and asks this gateway alone.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline' https://esm.sh; \
    style-src 'unsafe-inline' https://esm.sh; font-src data: https://esm.sh; img-src 'self' data:; \
    worker-src blob:; connect-src 'self' https://esm.sh; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(super) async fn home(State(pages): State<Pages>) -> Response {
    let mut vendors = String::new();
    for status in pages.shared.vendor_statuses() {
        let (vendor, state) = (status.vendor, state_name(status.state));
        vendors.push_str(&format!("<li>{vendor}: {state}</li>\n"));
    }
    if vendors.is_empty() {
        vendors.push_str("<li>none is configured</li>\n");
    }
    let playground = match pages.graphiql {
        GraphiqlPage::Served => "<li><a href=\"/graphiql\">Playground</a></li>\n",
        GraphiqlPage::NotServed => "",
    };

    let page = HOME
        .replace("{vendors}", &vendors)
        .replace("{playground}", playground);
    html(page, HOME_POLICY)
}

pub(super) async fn graphiql() -> Response {
    html(GRAPHIQL.to_owned(), GRAPHIQL_POLICY)
}

pub(super) async fn schema(State(pages): State<Pages>) -> Response {
    let text = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    )];
    (text, pages.schema_text.to_string()).into_response()
}

fn html(page: String, policy: &'static str) -> Response {
    let policy = [(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    )];
    (policy, Html(page)).into_response()
}

const HOME: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>deskgraph</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
@media (prefers-color-scheme: dark) { body { background: #16181d; color: #e6e6e6; } a { color: #8ab4ff; } }
</style>
</head>
<body>
<main>
<h1>deskgraph</h1>
<p>One GraphQL schema over two customer-service systems, FirstLine and Bangwo8. Ask it by POST to <code>/graphql</code>.</p>
<h2>Here</h2>
<ul>
{playground}<li><a href="/schema.graphql">Schema</a></li>
<li><a href="/health/ready">Health</a></li>
</ul>
<h2>Vendors</h2>
<ul>
{vendors}</ul>
</main>
</body>
</html>
"#;

const GRAPHIQL: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>deskgraph playground</title>
<link rel="stylesheet" href="https://esm.sh/graphiql@5.2.0/dist/style.css">
<style>body { margin: 0; } #graphiql { height: 100vh; }</style>
<script type="importmap">
{
  "imports": {
    "react": "https://esm.sh/react@19.1.0",
    "react/": "https://esm.sh/react@19.1.0/",
    "react-dom": "https://esm.sh/react-dom@19.1.0",
    "react-dom/": "https://esm.sh/react-dom@19.1.0/",
    "graphiql": "https://esm.sh/graphiql@5.2.0?standalone&external=react,react-dom,graphql",
    "@graphiql/react": "https://esm.sh/@graphiql/react@0.37.1?standalone&external=react,react-dom,graphql",
    "graphql": "https://esm.sh/graphql@16.11.0"
  }
}
</script>
</head>
<body>
<div id="graphiql">The playground is loading from esm.sh. Without a network, send queries by POST to /graphql.</div>
<script type="module">
import React from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";

const fetcher = async (parameters, options) => {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json", ...options?.headers },
    body: JSON.stringify(parameters),
  });
  return answer.json();
};

createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultEditorToolsVisibility: true }),
);
</script>
</body>
</html>
"#;
