//! The pages for people: they show the state of the vendors and load nothing from other hosts.

use std::collections::BTreeSet;

use deskgraph::sandbox::{Fault, FaultRule};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

async fn get(desk: &Desk, path: &str) -> Response {
    let sent = desk.client().get(desk.url(path)).send().await;
    sent.unwrap_or_else(|err| panic!("{path}: {err}"))
}

async fn text_of(desk: &Desk, path: &str) -> String {
    let response = get(desk, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.expect("a page is text")
}

fn links_of(page: &str) -> Vec<&str> {
    let links = page.split("<a href=\"").skip(1);
    links.filter_map(|rest| rest.split('"').next()).collect()
}

/// The section of the start page about a vendor.
fn vendor_card<'a>(page: &'a str, vendor: &str) -> &'a str {
    let (_, card) = page
        .split_once(&format!("<h3>{vendor}</h3>"))
        .unwrap_or_else(|| panic!("{vendor} is not on the page"));
    card.split("</li>").next().expect("a text has a start")
}

#[tokio::test]
async fn the_start_page_shows_the_state_of_each_vendor() {
    let desk = Desk::open().await;
    let page = text_of(&desk, "/").await;
    for vendor in ["FirstLine", "Bangwo8"] {
        let card = vendor_card(&page, vendor);
        assert!(card.contains("Not called yet"), "{card}");
        assert!(card.contains("none since the gateway started"), "{card}");
        assert!(!card.contains("Last failure"), "{card}");
    }

    desk.sandbox
        .bangwo8()
        .add_fault(FaultRule::new("", Fault::HtmlError { code: 500 }));
    let query = "{ serviceRecords(first: 1) { nodes { id } } }";
    desk.answer(query, json!({})).await;

    let page = text_of(&desk, "/").await;
    let firstline = vendor_card(&page, "FirstLine");
    assert!(firstline.contains("\"state up\">Up<"), "{firstline}");
    assert!(firstline.contains(" ago</time>"), "{firstline}");
    let bangwo8 = vendor_card(&page, "Bangwo8");
    assert!(!bangwo8.contains("\"state up\""), "{bangwo8}");
    assert!(bangwo8.contains("ago</time>: Bangwo8 failed"), "{bangwo8}");
}

#[tokio::test]
async fn the_start_page_names_only_configured_vendors() {
    let desk = Desk::open_with(DeskOptions::default().without("BANGWO8")).await;
    let page = text_of(&desk, "/").await;
    vendor_card(&page, "FirstLine");
    assert!(!page.contains("<h3>Bangwo8</h3>"));
}

#[tokio::test]
async fn every_link_of_the_start_page_leads_to_a_page_of_the_gateway() {
    let desk = Desk::open().await;
    // One call to a vendor, so that its state is known.
    desk.execute("{ serviceRecords(first: 1) { nodes { id } } }")
        .await;
    let page = text_of(&desk, "/").await;

    let links = links_of(&page);
    assert_eq!(
        links,
        ["/graphiql", "/schema.graphql", "/readme", "/health/ready"]
    );
    // Another test covers the playground: a build without npm has none.
    for link in links.into_iter().filter(|link| *link != "/graphiql") {
        text_of(&desk, link).await;
    }
    assert!(
        !page.contains("src=") && !page.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn the_gateway_serves_the_readme() {
    let desk = Desk::open().await;
    let page = text_of(&desk, "/readme").await;
    assert!(page.contains("<h2>Try it</h2>"));
    assert!(!page.contains("<script"));
    let settings = text_of(&desk, "/docs/CONFIGURATION.md").await;
    assert!(settings.contains("<h2>Every setting</h2>"));
    assert!(settings.contains("<td><code>DESKGRAPH_LISTEN</code></td>"));

    for other in ["UNKNOWN.md", "..%2FREADME.md", "%FF"] {
        let answer = get(&desk, &format!("/docs/{other}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{other}");
    }
}

#[tokio::test]
async fn every_link_of_the_readme_and_its_documents_leads_to_a_page() {
    let desk = Desk::open().await;
    let mut seen = BTreeSet::from(["/readme".to_owned()]);
    let mut unread = vec!["/readme".to_owned()];
    while let Some(path) = unread.pop() {
        let page = text_of(&desk, &path).await;
        for link in links_of(&page) {
            let link = link.split('#').next().expect("a text has a start");
            let is_document = !matches!(link, "" | "/") && !link.starts_with("https://");
            if is_document && seen.insert(link.to_owned()) {
                assert!(link.starts_with('/'), "{path} links to {link}");
                unread.push(link.to_owned());
            }
        }
    }
    assert!(seen.contains("/docs/ARCHITECTURE.md"), "{seen:?}");
    // A file that is not served as a page is not a link.
    let readme = text_of(&desk, "/readme").await;
    assert!(readme.contains("CONTRIBUTING.md") && !readme.contains("href=\"CONTRIBUTING.md\""));
}

const KEY: &str = "a-key-of-the-test";

async fn keyed(public: bool) -> Desk {
    let keys = json!([{ "name": "page", "key": KEY, "scopes": ["write"] }]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys)
        .set("PAGES__PUBLIC", public);
    Desk::open_with(options).await
}

async fn get_with_key(desk: &Desk, path: &str) -> Response {
    let sent = desk.client().get(desk.url(path)).header("x-api-key", KEY);
    sent.send()
        .await
        .unwrap_or_else(|err| panic!("{path}: {err}"))
}

const PAGES: [&str; 4] = ["/", "/readme", "/docs/CONFIGURATION.md", "/schema.graphql"];

#[tokio::test]
async fn pages_need_a_key_where_callers_have_one() {
    let desk = keyed(false).await;
    for path in PAGES {
        let refused = get(&desk, path).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(refused.headers()["www-authenticate"], "Bearer", "{path}");
        let answer: Value = refused.json().await.expect("the error is JSON");
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "UNAUTHENTICATED", "{path}");

        let shown = get_with_key(&desk, path).await;
        assert_eq!(shown.status(), StatusCode::OK, "{path}");
        let caching = &shown.headers()["cache-control"];
        assert_eq!(caching, "private, no-cache", "{path}");
    }
    // The playground asks for the key by itself.
    let playground = get(&desk, "/graphiql").await.status();
    assert_ne!(playground, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn pages_may_be_public() {
    let desk = keyed(true).await;
    for path in PAGES {
        text_of(&desk, path).await;
    }
    let health: Value = get(&desk, "/health/ready")
        .await
        .json()
        .await
        .expect("it is JSON");
    assert_eq!(health["vendors"][0]["vendor"], "firstline");
}

#[tokio::test]
async fn probes_name_no_vendor_without_a_key() {
    let desk = keyed(false).await;
    let ready = get(&desk, "/health/ready").await;
    assert_eq!(ready.status(), StatusCode::OK);
    let ready: Value = ready.json().await.expect("it is JSON");
    assert_eq!(ready, json!({ "status": "ready" }));

    let wrong = desk.client().get(desk.url("/health/ready"));
    let wrong = wrong.bearer_auth("no-key-of-this-gateway").send().await;
    let wrong: Value = wrong.expect("it answers").json().await.expect("it is JSON");
    assert_eq!(wrong, json!({ "status": "ready" }));

    let details: Value = get_with_key(&desk, "/health/ready")
        .await
        .json()
        .await
        .expect("it is JSON");
    let names = details["vendors"].as_array().into_iter().flatten();
    let names: Vec<&str> = names
        .filter_map(|vendor| vendor["vendor"].as_str())
        .collect();
    assert_eq!(names, ["firstline", "bangwo8"]);
}
