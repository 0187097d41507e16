//! The pages for people: they say how it stands, and come from this program alone.

use std::collections::BTreeSet;

use deskgraph::sandbox::{Fault, FaultRule};
use reqwest::{Response, StatusCode};

use crate::harness::{Desk, Wishes};

async fn get(desk: &Desk, path: &str) -> Response {
    let asked = desk.client().get(desk.url(path)).send().await;
    asked.unwrap_or_else(|err| panic!("{path}: {err}"))
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

/// The part of the start page that tells of a vendor.
fn card_of<'a>(page: &'a str, vendor: &str) -> &'a str {
    let (_, card) = page
        .split_once(&format!("<h3>{vendor}</h3>"))
        .unwrap_or_else(|| panic!("{vendor} is not on the page"));
    card.split("</li>").next().expect("a text has a start")
}

#[tokio::test]
async fn the_start_page_tells_how_each_vendor_does() {
    let desk = Desk::open().await;
    let page = text_of(&desk, "/").await;
    for vendor in ["FirstLine", "Bangwo8"] {
        let card = card_of(&page, vendor);
        assert!(card.contains("Not called yet"), "{card}");
        assert!(card.contains("none since the gateway started"), "{card}");
        assert!(!card.contains("Last failure"), "{card}");
    }

    desk.sandbox
        .bangwo8()
        .add_fault(FaultRule::new("", Fault::HtmlError { code: 500 }));
    let question = "{ serviceRecords(first: 1) { nodes { id } } }";
    desk.answer(question, serde_json::json!({})).await;

    let page = text_of(&desk, "/").await;
    let firstline = card_of(&page, "FirstLine");
    assert!(firstline.contains("\"state up\">Up<"), "{firstline}");
    assert!(firstline.contains(" ago</time>"), "{firstline}");
    let bangwo8 = card_of(&page, "Bangwo8");
    assert!(!bangwo8.contains("\"state up\""), "{bangwo8}");
    assert!(bangwo8.contains("ago</time>: Bangwo8 failed"), "{bangwo8}");
}

#[tokio::test]
async fn the_start_page_names_only_the_vendors_that_are_configured() {
    let desk = Desk::open_with(Wishes::default().without("BANGWO8")).await;
    let page = text_of(&desk, "/").await;
    card_of(&page, "FirstLine");
    assert!(!page.contains("<h3>Bangwo8</h3>"));
}

#[tokio::test]
async fn every_link_of_the_start_page_leads_somewhere_here() {
    let desk = Desk::open().await;
    // A vendor is called, so that the health has something good to tell.
    desk.ask("{ serviceRecords(first: 1) { nodes { id } } }")
        .await;
    let page = text_of(&desk, "/").await;

    let links = links_of(&page);
    assert_eq!(
        links,
        ["/graphiql", "/schema.graphql", "/readme", "/health/ready"]
    );
    // The playground is another test's: a build without npm has none.
    for link in links.into_iter().filter(|link| *link != "/graphiql") {
        text_of(&desk, link).await;
    }
    assert!(
        !page.contains("src=") && !page.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn the_readme_can_be_read_here() {
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
    // A file that is no page here stays a name in the text.
    let readme = text_of(&desk, "/readme").await;
    assert!(readme.contains("CONTRIBUTING.md") && !readme.contains("href=\"CONTRIBUTING.md\""));
}
