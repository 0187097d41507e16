//! The pages for people: they say how it stands, and come from this program alone.

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

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    let value = value.unwrap_or_else(|| panic!("{name} is missing"));
    value.to_str().expect("it is ASCII")
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

    let links = page.split("<a href=\"").skip(1);
    let links: Vec<&str> = links.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(
        links,
        ["/graphiql", "/schema.graphql", "/readme", "/health/ready"]
    );
    for link in links {
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
    assert!(page.contains("<h2>Settings</h2>"));
    assert!(page.contains("<td><code>DESKGRAPH_LISTEN</code></td>"));
    assert!(!page.contains("<script"));
}

#[tokio::test]
async fn the_playground_is_kept_by_browsers_as_long_as_it_is_the_same() {
    let desk = Desk::open().await;
    let page = get(&desk, "/graphiql").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(header(&page, "cache-control"), "no-cache");
    let policy = header(&page, "content-security-policy").to_owned();
    let tag = header(&page, "etag").to_owned();
    let page = page.text().await.expect("a page is text");

    let assets = page.split("\"/graphiql/").skip(1);
    let assets: Vec<&str> = assets.filter_map(|rest| rest.split('"').next()).collect();
    assert!(assets.len() >= 2, "{page}");
    for asset in assets {
        let asset = get(&desk, &format!("/graphiql/{asset}")).await;
        assert_eq!(asset.status(), StatusCode::OK);
        assert!(header(&asset, "cache-control").contains("immutable"));
        let kind = header(&asset, "content-type");
        assert!(
            kind.starts_with("text/javascript") || kind.starts_with("text/css"),
            "{kind}"
        );
    }
    for other in [
        "unknown.js",
        "..%2Findex.html",
        "%2E%2E%2F.made-from",
        "%FF",
    ] {
        let answer = get(&desk, &format!("/graphiql/assets/{other}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{other}");
        let kind = header(&answer, "content-type");
        assert!(kind.starts_with("application/json"), "{other}: {kind}");
    }

    for known in [tag.clone(), format!("\"another\", W/{tag}"), "*".to_owned()] {
        let again = desk.client().get(desk.url("/graphiql"));
        let again = again.header("if-none-match", &known).send().await;
        let again = again.expect("it answers");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(header(&again, "etag"), tag);
        assert_eq!(header(&again, "content-security-policy"), policy);
    }
    let changed = desk.client().get(desk.url("/graphiql"));
    let changed = changed.header("if-none-match", "\"another\"").send().await;
    assert_eq!(changed.expect("it answers").status(), StatusCode::OK);
}

#[tokio::test]
async fn the_playgrounds_policy_lets_in_no_other_host_and_no_script_of_a_page() {
    let desk = Desk::open().await;
    let page = get(&desk, "/graphiql").await;
    let policy = header(&page, "content-security-policy");
    let sources = |kind: &str| {
        let mut parts = policy.split("; ").filter_map(|part| part.split_once(' '));
        parts.find(|(name, _)| *name == kind).map(|(_, of)| of)
    };
    assert_eq!(sources("default-src"), Some("'self'"));
    assert_eq!(sources("script-src"), None);
    assert_eq!(sources("connect-src"), None);
    assert_eq!(sources("worker-src"), Some("'self' blob:"));
    assert!(!policy.contains("unsafe-eval") && !policy.contains("http"));
}

#[tokio::test]
async fn a_playground_that_is_turned_off_is_nowhere() {
    let desk = Desk::open().await;
    let page = text_of(&desk, "/graphiql").await;
    let (_, asset) = page.split_once("src=\"").expect("the page has a script");
    let asset = asset.split('"').next().expect("a text has a start");

    let off = Desk::open_with(Wishes::default().set("GRAPHIQL__ENABLED", false)).await;
    for path in ["/graphiql", "/graphiql/", asset] {
        let response = get(&off, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!text_of(&off, "/").await.contains("graphiql"));
}
