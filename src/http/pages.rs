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

/// The playground loads its code from one place, in versions whose digests the page knows, and asks this gateway alone.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; \
    style-src 'unsafe-inline' https://cdn.jsdelivr.net; font-src data:; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.css" crossorigin="anonymous"
  integrity="sha384-QMux00XgRtwRLSYIY3kw2rj1ovk5AuuliAchk+HSQbqdbGFnz9GYuqIlOqxhwCE2">
<style>body { margin: 0; } #graphiql { height: 100vh; }</style>
</head>
<body>
<div id="graphiql">The playground is loading from cdn.jsdelivr.net. Without a network, send queries by POST to /graphql.</div>
<script src="https://cdn.jsdelivr.net/npm/react@18.3.1/umd/react.production.min.js" crossorigin="anonymous"
  integrity="sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z"></script>
<script src="https://cdn.jsdelivr.net/npm/react-dom@18.3.1/umd/react-dom.production.min.js" crossorigin="anonymous"
  integrity="sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1"></script>
<script src="https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.js" crossorigin="anonymous"
  integrity="sha384-8NGfVj4CVlqHajlZj+bPJT4thxPMHMJYn7DWK2CvtopLd02E7qsPHazniBYvVjOO"></script>
<script>
const fetcher = GraphiQL.createFetcher({ url: "/graphql" });
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultEditorToolsVisibility: true }),
);
</script>
</body>
</html>
"#;
