//! The headers of every response, and what pages of other origins may do.

use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use deskgraph::sandbox::{Fault, FaultRule};

use crate::harness::{Desk, DeskOptions};

const ORIGIN: &str = "https://desk.example";

async fn desk_for_pages() -> Desk {
    let origins = format!("{ORIGIN}, http://localhost:3000");
    Desk::open_with(DeskOptions::default().set("CORS__ORIGINS", origins)).await
}

fn header_of<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

async fn preflight(desk: &Desk, origin: &str, headers: &str) -> Response {
    desk.client()
        .request(Method::OPTIONS, desk.url("/graphql"))
        .header(header::ORIGIN, origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", headers)
        .send()
        .await
        .expect("the gateway responds")
}

async fn post_from_origin(desk: &Desk, origin: &str) -> Response {
    desk.client()
        .post(desk.url("/graphql"))
        .header(header::ORIGIN, origin)
        .json(&json!({ "query": "{ __typename }" }))
        .send()
        .await
        .expect("the gateway responds")
}

#[tokio::test]
async fn every_response_has_the_security_headers_and_its_request_id() {
    let desk = desk_for_pages().await;
    let large = "a".repeat(2_000_000);

    for (method, path, body, status) in [
        (Method::GET, "/", "", 200),
        (Method::GET, "/graphql?query=%7B__typename%7D", "", 200),
        (Method::GET, "/graphql", "", 400),
        (Method::GET, "/nothing", "", 404),
        (Method::PUT, "/graphql", "", 405),
        (Method::DELETE, "/health/live", "", 405),
        (Method::POST, "/graphql", "{", 415),
        (Method::POST, "/graphql", &large, 415),
        (Method::GET, "/health/live", "", 200),
        (Method::GET, "/health/ready", "", 200),
        (Method::GET, "/schema.graphql", "", 200),
        (Method::OPTIONS, "/graphql", "", 200),
    ] {
        let response = desk
            .client()
            .request(method.clone(), desk.url(path))
            .header("x-request-id", "the-id")
            .body(body.to_owned())
            .send()
            .await
            .expect("the gateway responds");

        let what = format!("{method} {path}");
        assert_eq!(response.status(), status, "{what}");
        assert_eq!(
            header_of(&response, "x-request-id"),
            Some("the-id"),
            "{what}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(header_of(&response, name), Some(value), "{what}");
        }
        let policy = header_of(&response, "content-security-policy");
        assert!(
            policy.is_some_and(|policy| policy.contains("frame-ancestors 'none'")),
            "{what}"
        );

        if status >= 400 {
            let answer: Value = response.json().await.expect("an error is JSON");
            assert!(
                answer["errors"][0]["extensions"]["code"].is_string(),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn every_vendor_call_has_the_id_of_its_request() {
    let desk = Desk::open().await;
    let fails = || FaultRule::new("GET ", Fault::HtmlError { code: 502 }).times(1);
    desk.sandbox.firstline().add_fault(fails());
    desk.sandbox.bangwo8().add_fault(fails());

    let query = "{ serviceRecords(first: 3) { nodes { id handler { name email } } } tickets(first: 3) { nodes { id } } }";
    let request = desk.client().post(desk.url("/graphql"));
    let response = request
        .header("x-request-id", "order-7")
        .json(&json!({ "query": query }))
        .send()
        .await;
    let response = response.expect("the gateway responds");
    assert_eq!(header_of(&response, "x-request-id"), Some("order-7"));
    let answer: Value = response.json().await.expect("the response is JSON");
    assert_eq!(answer.get("errors"), None);

    // The first attempt, the second one, and the login before them.
    for (calls, least) in [
        (desk.sandbox.firstline().requests(), 4),
        (desk.sandbox.bangwo8().requests(), 2),
    ] {
        assert!(calls.len() >= least, "{calls:?}");
        for call in calls {
            assert_eq!(
                call.header("x-request-id"),
                Some("order-7"),
                "{}",
                call.path
            );
        }
    }
}

#[tokio::test]
async fn pages_of_a_configured_origin_may_send_requests() {
    let desk = desk_for_pages().await;

    for origin in [ORIGIN, "http://localhost:3000"] {
        let wanted = "content-type,authorization,x-api-key,x-request-id,traceparent,tracestate,baggage,\
            apollographql-client-name,apollographql-client-version,apollo-require-preflight,\
            x-apollo-operation-name,x-apollo-operation-id,apollo-query-plan-experimental";
        let response = preflight(&desk, origin, wanted).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            header_of(&response, "access-control-allow-origin"),
            Some(origin)
        );
        let allowed = header_of(&response, "access-control-allow-headers").unwrap_or_default();
        for name in wanted.split(',') {
            assert!(
                allowed.split(',').any(|known| known.trim() == name),
                "{name}: {allowed}"
            );
        }
        let methods = header_of(&response, "access-control-allow-methods");
        assert_eq!(methods, Some("GET,POST"));
        assert!(header_of(&response, "access-control-max-age").is_some());

        let response = post_from_origin(&desk, origin).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            header_of(&response, "access-control-allow-origin"),
            Some(origin)
        );
        assert_eq!(
            header_of(&response, "access-control-allow-credentials"),
            None
        );
        let exposed = header_of(&response, "access-control-expose-headers").unwrap_or_default();
        for name in ["x-request-id", "etag", "retry-after"] {
            assert!(exposed.contains(name), "{name}: {exposed}");
        }
        let varies = response.headers().get_all(header::VARY).iter();
        let varies: Vec<&str> = varies.filter_map(|value| value.to_str().ok()).collect();
        let varies = varies.join(", ");
        assert!(
            varies.contains("origin") && varies.contains("accept"),
            "{varies}"
        );
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not_send_requests() {
    let desk = desk_for_pages().await;

    for origin in [
        "https://desk.example.evil",
        "https://evil.desk.example",
        "http://desk.example",
        "https://desk.example:444",
        "https://DESK.example",
        "null",
    ] {
        for response in [
            preflight(&desk, origin, "content-type").await,
            post_from_origin(&desk, origin).await,
        ] {
            let allowed = header_of(&response, "access-control-allow-origin");
            assert_eq!(allowed, None, "{origin}");
        }
    }
}

#[tokio::test]
async fn a_configured_origin_may_read_error_responses() {
    let desk = desk_for_pages().await;
    let request = desk.client().get(desk.url("/graphql"));
    let response = request.header(header::ORIGIN, ORIGIN).send().await;

    let response = response.expect("the gateway responds");
    assert_eq!(response.status(), 400);
    assert_eq!(
        header_of(&response, "access-control-allow-origin"),
        Some(ORIGIN)
    );
}

#[tokio::test]
async fn by_default_no_other_origin_may_send_requests() {
    let desk = Desk::open().await;

    let response = preflight(&desk, ORIGIN, "content-type").await;
    assert_eq!(response.status(), 405);
    assert_eq!(header_of(&response, "access-control-allow-origin"), None);
    let error: Value = response.json().await.expect("the error is JSON");
    assert_eq!(error["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");

    let response = post_from_origin(&desk, ORIGIN).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header_of(&response, "access-control-allow-origin"), None);
}

async fn get_as_host(desk: &Desk, path: &str, host: &str) -> (u16, String) {
    let sent = desk.client().get(desk.url(path)).header(header::HOST, host);
    let response = sent.send().await.expect("the gateway responds");
    let status = response.status().as_u16();
    (status, response.text().await.expect("the answer is text"))
}

const QUERY: &str = "/graphql?query=%7B__typename%7D";

#[tokio::test]
async fn without_authentication_only_known_hosts_are_accepted() {
    let options = DeskOptions::default().set("AUTH__ALLOWED_HOSTS", "desk.example, Gateway");
    let desk = Desk::open_with(options).await;

    for host in [
        "localhost",
        "LOCALHOST:4000",
        "localhost.",
        "deskgraph.localhost:4000",
        "127.0.0.1",
        "10.1.2.3:80",
        "[::1]:4000",
        "desk.example",
        "Desk.Example:443",
        "gateway:4000",
    ] {
        let (status, body) = get_as_host(&desk, QUERY, host).await;
        assert_eq!(status, 200, "{host}: {body}");
    }
    for host in [
        "evil.example",
        "evil.example:4000",
        "desk.example.evil.example",
        "sub.desk.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "",
    ] {
        for path in [QUERY, "/", "/graphiql", "/schema.graphql"] {
            let (status, body) = get_as_host(&desk, path, host).await;
            assert_eq!(status, 421, "{path} of {host:?}: {body}");
            let body: Value = serde_json::from_str(&body).expect("it is JSON");
            assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        }
        for path in ["/health/live", "/health/ready"] {
            let (status, body) = get_as_host(&desk, path, host).await;
            assert_eq!(status, 200, "{path} of {host:?}: {body}");
        }
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn over_http2_the_authority_is_checked_as_the_host() {
    let desk = Desk::open().await;
    let port = desk.url("").rsplit(':').next().map(str::to_owned);
    let port = port.and_then(|port| port.parse().ok()).expect("it has one");
    let here = std::net::SocketAddr::from(([127, 0, 0, 1], port));

    for (name, status) in [("localhost", 200), ("evil.example", 421)] {
        let client = reqwest::Client::builder()
            .no_proxy()
            .http2_prior_knowledge()
            .resolve(name, here)
            .build()
            .expect("a client without options builds");
        let url = format!("http://{name}:{port}{QUERY}");
        let response = client.get(url).send().await.expect("the gateway responds");
        assert_eq!(response.status(), status, "{name}");
    }
}

#[tokio::test]
async fn with_authentication_any_host_is_accepted() {
    let keys = json!([{ "name": "page", "key": "a-key-of-the-test", "scopes": ["read"] }]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    let desk = Desk::open_with(options).await;

    let (status, body) = get_as_host(&desk, QUERY, "desk.example").await;
    assert_eq!(status, 401, "{body}");
    let (status, body) = get_as_host(&desk, "/", "desk.example").await;
    assert_eq!(status, 401, "{body}");
    let (status, body) = get_as_host(&desk, "/health/live", "desk.example").await;
    assert_eq!(status, 200, "{body}");
}

/// A request as a browser sends it for a page of another site.
async fn get_from_page(desk: &Desk, path: &str, site: &str, origin: Option<&str>) -> Response {
    let mut request = desk.client().get(desk.url(path));
    request = request.header("sec-fetch-site", site);
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    request.send().await.expect("the gateway responds")
}

const CALLS: &str = "/graphql?query=%7BserviceRecords(first:1)%7Bnodes%7Bid%7D%7D%7D";

#[tokio::test]
async fn without_authentication_pages_of_other_sites_cause_no_calls() {
    for desk in [Desk::open().await, desk_for_pages().await] {
        for site in ["cross-site", "Cross-Site"] {
            for origin in [None, Some("https://evil.example"), Some("null")] {
                let response = get_from_page(&desk, CALLS, site, origin).await;
                assert_eq!(response.status(), 403, "{origin:?}");
                let error: Value = response.json().await.expect("the error is JSON");
                assert_eq!(error["errors"][0]["extensions"]["code"], "FORBIDDEN");
            }
            for page in ["/", "/readme", "/schema.graphql", "/health/live"] {
                let response = get_from_page(&desk, page, site, None).await;
                assert_eq!(response.status(), 200, "{page}");
            }
        }
        assert_eq!(desk.calls(), (0, 0));
        for site in ["same-origin", "same-site", "none"] {
            let response = get_from_page(&desk, CALLS, site, None).await;
            assert_eq!(response.status(), 200, "{site}");
        }
    }

    let desk = desk_for_pages().await;
    let response = get_from_page(&desk, CALLS, "cross-site", Some(ORIGIN)).await;
    assert_eq!(response.status(), 200);
}
