//! The playground: how it is served, and that it loads nothing from other hosts. The build makes it with npm.

use reqwest::{Method, Response, StatusCode};

use crate::{
    harness::{Desk, DeskOptions},
    program::{self, Program},
};

async fn get(desk: &Desk, path: &str) -> Response {
    let sent = desk.client().get(desk.url(path)).send().await;
    sent.unwrap_or_else(|err| panic!("{path}: {err}"))
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

#[tokio::test]
async fn the_playground_needs_no_key_and_answers_get_and_head() {
    let keys = r#"[{"name":"page","key":"a-key-of-a-page-0001","scopes":["read"]}]"#;
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    let desk = Desk::open_with(options).await;

    for method in [Method::GET, Method::HEAD] {
        let request = desk.client().request(method.clone(), desk.url("/graphiql"));
        let response = request.send().await.expect("the gateway responds");
        assert_eq!(response.status(), StatusCode::OK, "{method}");
        assert_eq!(
            header(&response, "content-type"),
            "text/html; charset=utf-8"
        );
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn the_demo_serves_the_playground_that_it_prints() {
    let listen = ("DESKGRAPH_LISTEN", "127.0.0.1:0".to_owned());
    let demo = Program::start(&["demo"], &[listen]).await;
    let url = demo.url("/graphiql");
    let response = program::client().get(&url).send().await;
    let response = response.expect("the gateway responds");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(header(&response, "content-type").starts_with("text/html"));

    let ended = demo.end_by("-INT").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains(&url), "{}", ended.stdout);
}

#[tokio::test]
async fn browsers_cache_the_playground_until_it_changes() {
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
async fn the_playgrounds_content_security_policy_forbids_other_hosts_and_inline_scripts() {
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
async fn a_disabled_playground_is_served_nowhere() {
    let desk = Desk::open().await;
    let page = text_of(&desk, "/graphiql").await;
    let (_, asset) = page.split_once("src=\"").expect("the page has a script");
    let asset = asset.split('"').next().expect("a text has a start");

    let off = Desk::open_with(DeskOptions::default().set("GRAPHIQL__ENABLED", false)).await;
    for path in ["/graphiql", "/graphiql/", asset] {
        let response = get(&off, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!text_of(&off, "/").await.contains("graphiql"));
}
