//! The pages for people: they show the state of the vendors and load nothing from other hosts.

use std::collections::BTreeSet;

use deskgraph::sandbox::{Fault, FaultRule};
use reqwest::{Response, StatusCode};

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
    desk.answer(query, serde_json::json!({})).await;

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
