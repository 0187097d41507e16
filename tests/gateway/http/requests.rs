//! GraphQL over HTTP: which requests are accepted, and the status, media type and code of the others.

use std::{collections::HashMap, fs, net::SocketAddr, path::Path, time::Duration};

use reqwest::{Method, Response, StatusCode, header};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use deskgraph::{
    StartOptions, VendorChecks,
    config::Config,
    domain::Scope,
    engine::{
        DocumentLimits, DocumentMode, DocumentSettings, Engine, EngineSettings,
        ResponseCacheSettings,
    },
    http::{
        GraphiqlPage, HttpSettings, PageAccess,
        auth::{ApiKey, AuthSettings, KeySecret},
        router,
        server::{self, Served, ServerControl, ServerSettings},
    },
    repository::{
        CacheMode, CacheSettings, CreateSettings, Limits, PhotoAddresses, PhotoSettings, Shared,
    },
    sandbox::{Sandbox, SandboxOptions, credentials},
    schema::{self, Introspection, SchemaSettings},
};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

fn settings() -> HttpSettings {
    HttpSettings {
        auth: AuthSettings::Open,
        auth_failures_per_minute: None,
        pages: PageAccess::Callers,
        allowed_hosts: Vec::new(),
        graphiql: GraphiqlPage::Served,
        cors_origins: Vec::new(),
        requests_per_minute: None,
        body_timeout: Duration::from_secs(30),
        max_body_bytes: 10_000,
        max_batch: 3,
    }
}

fn engine_settings() -> EngineSettings {
    EngineSettings {
        document: DocumentLimits {
            max_depth: 15,
            max_complexity: 20_000,
            max_aliases: 30,
            max_root_fields: 30,
            max_directives: 50,
            max_tokens: 500,
            max_document_bytes: 5_000,
            max_variables_bytes: 5_000,
            max_page_size: 100,
        },
        documents: DocumentSettings {
            mode: DocumentMode::Any,
            manifest: HashMap::new(),
            max_persisted_bytes: 1_000_000,
        },
        introspection: Introspection::Enabled,
        response_cache: ResponseCacheSettings {
            mode: CacheMode::Disabled,
            max_bytes: 0,
        },
        request_timeout: Duration::from_secs(30),
        max_vendor_calls: 200,
    }
}

/// The routes of a gateway without vendors.
struct Front {
    address: SocketAddr,
    client: reqwest::Client,
}

impl Front {
    async fn start(settings: HttpSettings) -> Self {
        Self::start_with(settings, engine_settings()).await
    }

    async fn start_with(settings: HttpSettings, engine: EngineSettings) -> Self {
        let no_time = Duration::ZERO;
        let cache = CacheSettings {
            mode: CacheMode::Disabled,
            list_ttl: no_time,
            entity_ttl: no_time,
            directory_ttl: no_time,
            stale: no_time,
            max_bytes: 0,
        };
        let limits = Limits {
            max_page_size: 100,
            max_vendor_pages: 10,
            filter_retry: Duration::from_secs(3600),
        };
        let schema = schema::build(SchemaSettings {
            introspection: Introspection::Enabled,
        });
        let metrics = std::sync::Arc::new(deskgraph::telemetry::metrics::Metrics::new());
        let photos = PhotoAddresses::new(PhotoSettings::default()).expect("a key is made");
        let shared = Shared::new(
            Vec::new(),
            cache,
            limits,
            CreateSettings::default(),
            photos,
            &metrics,
        );
        let sdl = schema::sdl();
        let engine = Engine::new(engine, schema, &sdl, shared.clone(), metrics)
            .expect("the schema is right");
        let (router, _) = router(settings, engine, &sdl, shared, Default::default(), None)
            .expect("the settings are right");

        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let config = Config::from_sources(None, []).expect("the defaults are right");
        tokio::spawn(server::serve(
            listener,
            ServerControl::new(Served {
                router,
                settings: ServerSettings {
                    max_connections: 100,
                    ..config.server
                },
                tls: None,
            }),
            std::future::pending(),
            std::future::ready(()),
        ));

        // Another test of this process may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            address,
            client: reqwest::Client::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = self.address;
        self.client
            .request(method, format!("http://{address}{path}"))
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path)
            .send()
            .await
            .expect("it answers")
    }

    async fn post(&self, accept: &str, body: &Value) -> Response {
        self.post_text(accept, body.to_string()).await
    }

    async fn post_text(&self, accept: &str, body: String) -> Response {
        self.request(Method::POST, "/graphql")
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, JSON)
            .body(body)
            .send()
            .await
            .expect("it answers")
    }
}

fn header_of(response: &Response, name: &str) -> String {
    let value = response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn body_of(response: Response) -> Value {
    response.json().await.expect("the body is JSON")
}

/// The status, and the first error's code.
async fn error_of(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = body_of(response).await;
    assert_eq!(body.get("data"), None, "{body}");
    let code = body["errors"][0]["extensions"]["code"].as_str();
    (status, code.unwrap_or_default().to_owned())
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_media_type_follows_the_accept_header() {
    let front = Front::start(settings()).await;
    let query = json!({ "query": "{ __typename }" });

    for (accept, content_type) in [
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
    ] {
        let response = front.post(accept, &query).await;
        assert_eq!(response.status(), StatusCode::OK);
        let expected = format!("{content_type}; charset=utf-8");
        assert_eq!(header_of(&response, "content-type"), expected);
        assert_eq!(
            body_of(response).await,
            json!({ "data": { "__typename": "Query" } })
        );
    }

    let response = front.post("text/html", &query).await;
    assert_eq!(error_of(response).await, error(406, "BAD_USER_INPUT"));
}

#[tokio::test]
async fn a_rejected_document_is_400_or_200_by_media_type() {
    let front = Front::start(settings()).await;

    for (body, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (
            json!({ "query": "{ nothing }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "subscription { a }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "query($id: ID!) { ticket(id: $id) { id } }", "variables": { "id": null } }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "query($id: ID!) { ticket(id: $id) { id } }" }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "query($id: ID!) { ticket(id: $id) { id } }", "variables": { "id": [] } }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "{ ticket(id: true) { id } }" }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "query A { __typename }", "operationName": "B" }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": "query A { __typename } query B { __typename }" }),
            "BAD_USER_INPUT",
        ),
        (
            json!({ "query": format!("{{ {} }}", "__typename ".repeat(31)) }),
            "LIMIT_EXCEEDED",
        ),
        (json!({ "query": "a ".repeat(501) }), "LIMIT_EXCEEDED"),
    ] {
        let strict = front.post(GRAPHQL_RESPONSE, &body).await;
        assert_eq!(error_of(strict).await, error(400, code), "{body}");
        let lenient = front.post(JSON, &body).await;
        assert_eq!(error_of(lenient).await, error(200, code), "{body}");
    }
}

#[tokio::test]
async fn a_malformed_request_is_400_in_every_media_type() {
    let front = Front::start(settings()).await;
    let query = "{ __typename }";

    let mut bodies = vec![
        String::new(),
        "{ \"not JSON".to_owned(),
        "7".to_owned(),
        "[]".to_owned(),
        "[7]".to_owned(),
        json!({ "qeury": query }).to_string(),
    ];
    for wrong in [json!(0), json!(false), json!(["a"])] {
        bodies.push(json!({ "query": wrong }).to_string());
        for parameter in ["operationName", "variables", "extensions"] {
            bodies.push(json!({ "query": query, parameter: wrong }).to_string());
        }
    }
    bodies.push(json!({ "query": query, "operationName": {} }).to_string());
    bodies.push(json!({ "query": query, "variables": "{}" }).to_string());

    for body in bodies {
        for accept in [JSON, GRAPHQL_RESPONSE] {
            let response = front.post_text(accept, body.clone()).await;
            assert_eq!(
                error_of(response).await,
                error(400, "BAD_USER_INPUT"),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn parameters_may_be_null_and_unknown_extensions_are_ignored() {
    let front = Front::start(settings()).await;

    for body in [
        json!({ "query": "{ __typename }", "operationName": null, "variables": null, "extensions": null }),
        json!({ "query": "query Q { __typename }", "operationName": "Q", "extensions": { "a": 1 } }),
        json!({ "query": "query Q { __typename } query R { nothing: __typename }", "operationName": "R" }),
        json!({ "query": "{ __typename }", "variables": { "unknown": "🏊" } }),
    ] {
        let answer = body_of(front.post(GRAPHQL_RESPONSE, &body).await).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }
}

#[tokio::test]
async fn only_json_in_utf_8_is_accepted() {
    let front = Front::start(settings()).await;

    for (content_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=\"UTF-8\"", 200),
        ("application/json; charset=utf-16", 415),
        ("application/jsonp", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=a", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/graphql", 415),
        ("", 415),
    ] {
        let response = front
            .request(Method::POST, "/graphql")
            .header(header::CONTENT_TYPE, content_type)
            .body(json!({ "query": "{ __typename }" }).to_string())
            .send()
            .await
            .expect("it answers");
        assert_eq!(response.status().as_u16(), status, "{content_type}");
    }
}

#[tokio::test]
async fn get_runs_queries_and_rejects_mutations() {
    let front = Front::start(settings()).await;
    let get = |pairs: &[(&str, &str)]| {
        let request = front.request(Method::GET, "/graphql").query(pairs);
        async { request.send().await.expect("it answers") }
    };

    let query = "query Q($name: String!) { __type(name: $name) { name } } query R { __typename }";
    let variables = ("variables", "{\"name\":\"Query\"}");
    let response = get(&[("query", query), ("operationName", "Q"), variables]).await;
    assert_eq!(
        body_of(response).await,
        json!({ "data": { "__type": { "name": "Query" } } })
    );

    let mutation = "mutation { deleteTicket(input: { id: \"a\" }) { deletedId } }";
    let response = get(&[("query", mutation)]).await;
    assert_eq!(header_of(&response, "allow"), "POST");
    assert_eq!(error_of(response).await, error(405, "BAD_USER_INPUT"));

    for wrong in [
        vec![],
        vec![("query", "{ __typename }"), ("variables", "{")],
        vec![("query", "{ __typename }"), ("variables", "[]")],
        vec![("query", "{ __typename }"), ("query", "{ __typename }")],
    ] {
        assert_eq!(
            error_of(get(&wrong).await).await,
            error(400, "BAD_USER_INPUT"),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn a_batch_returns_its_responses_in_order() {
    let front = Front::start(settings()).await;
    let mutation = "mutation M { deleteTicket(input: { id: \"a\" }) { __typename } }";

    let batch = json!([{ "query": "{ a: __typename }" }, { "query": mutation }, { "query": "{" }]);
    let response = front.post(GRAPHQL_RESPONSE, &batch).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answers = body_of(response).await;
    assert_eq!(answers[0], json!({ "data": { "a": "Query" } }));
    assert_eq!(
        answers[1]["data"]["deleteTicket"]["__typename"],
        "DeleteTicketPayload"
    );
    assert_eq!(
        answers[2]["errors"][0]["extensions"]["code"],
        "GRAPHQL_PARSE_FAILED"
    );

    let batch = json!([{ "query": "{ a: __typename }" }, { "query": "{ b: __typename }" }]);
    let answers = body_of(front.post(JSON, &batch).await).await;
    assert_eq!(
        answers,
        json!([{ "data": { "a": "Query" } }, { "data": { "b": "Query" } }])
    );

    let request = json!({ "query": "{ __typename }" });
    let batch = json!([request, request, request, request]);
    let response = front.post(JSON, &batch).await;
    assert_eq!(error_of(response).await, error(400, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_rejected() {
    let front = Front::start(settings()).await;
    let body = json!({ "query": "{ __typename }", "variables": { "a": "a".repeat(10_000) } });

    let response = front.post(JSON, &body).await;
    assert_eq!(error_of(response).await, error(413, "LIMIT_EXCEEDED"));

    let pieces = vec![Ok::<_, std::io::Error>(body.to_string())];
    let response = front
        .request(Method::POST, "/graphql")
        .header(header::CONTENT_TYPE, JSON)
        .body(reqwest::Body::wrap_stream(futures_util::stream::iter(
            pieces,
        )))
        .send()
        .await
        .expect("it answers");
    assert_eq!(error_of(response).await, error(413, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn without_a_valid_key_graphql_and_the_pages_are_closed() {
    let front = Front::start(HttpSettings {
        auth: AuthSettings::ApiKeys(vec![ApiKey {
            name: "reader".to_owned(),
            secret: KeySecret::Plain(SecretString::from("the-key")),
            scopes: vec![Scope::Read],
        }]),
        ..settings()
    })
    .await;

    let response = front.post(GRAPHQL_RESPONSE, &json!({ "query": "{" })).await;
    assert_eq!(header_of(&response, "www-authenticate"), "Bearer");
    assert_eq!(error_of(response).await, error(401, "UNAUTHENTICATED"));

    for (name, value) in [
        ("authorization", "Bearer the-key"),
        ("x-api-key", "the-key"),
    ] {
        let response = front
            .request(Method::GET, "/graphql?query=%7B__typename%7D")
            .header(name, value)
            .send()
            .await
            .expect("it answers");
        assert_eq!(response.status(), StatusCode::OK);
    }
    for path in ["/", "/schema.graphql"] {
        let status = front.get(path).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let live = front.get("/health/live").await.status();
    assert_eq!(live, StatusCode::OK);
}

#[tokio::test]
async fn the_pages_answer_get_and_head() {
    let front = Front::start(settings()).await;

    for (path, status, content_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/schema.graphql", 200, "text/plain; charset=utf-8"),
        ("/health/live", 200, "application/json"),
        ("/health/ready", 503, "application/json"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let response = front
                .request(method.clone(), path)
                .send()
                .await
                .expect("it answers");
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert_eq!(header_of(&response, "content-type"), content_type);
            assert_eq!(header_of(&response, "x-content-type-options"), "nosniff");
            assert_eq!(header_of(&response, "x-frame-options"), "DENY");
            assert_eq!(header_of(&response, "referrer-policy"), "no-referrer");
            assert!(
                header_of(&response, "content-security-policy").contains("frame-ancestors 'none'")
            );
        }
    }
    let schema = front.get("/schema.graphql").await.text().await;
    assert_eq!(schema.ok(), Some(schema::sdl()));
}

#[tokio::test]
async fn the_playground_can_be_disabled() {
    let front = Front::start(HttpSettings {
        graphiql: GraphiqlPage::NotServed,
        ..settings()
    })
    .await;

    assert_eq!(front.get("/graphiql").await.status(), StatusCode::NOT_FOUND);
    let home = front.get("/").await.text().await.unwrap_or_default();
    assert!(!home.contains("/graphiql"));
}

#[tokio::test]
async fn a_wrong_path_or_method_returns_a_graphql_error() {
    let front = Front::start(settings()).await;

    let response = front.get("/nothing").await;
    assert_eq!(error_of(response).await, error(404, "BAD_USER_INPUT"));

    for (method, path, allowed) in [
        (Method::PUT, "/graphql", ["GET", "HEAD", "POST"].as_slice()),
        (Method::POST, "/health/live", &["GET", "HEAD"]),
    ] {
        let response = front
            .request(method, path)
            .send()
            .await
            .expect("it answers");
        let allow = header_of(&response, "allow");
        for method in allowed {
            assert!(allow.contains(method), "{allow}");
        }
        assert_eq!(error_of(response).await, error(405, "BAD_USER_INPUT"));
    }
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_any_other_is_replaced() {
    let front = Front::start(settings()).await;
    let sent = |id: &'static str| {
        let request = front
            .request(Method::GET, "/health/live")
            .header("x-request-id", id);
        async { header_of(&request.send().await.expect("it answers"), "x-request-id") }
    };

    assert_eq!(sent("order-7.b_C").await, "order-7.b_C");
    assert_eq!(sent("<script>").await.len(), 32);
}

#[tokio::test]
async fn graphiqls_introspection_passes_the_limits_and_runs() {
    let mut engine = engine_settings();
    engine.document.max_depth = 3;
    let front = Front::start_with(settings(), engine).await;

    let query = "{ __schema { types { name fields { name args { name type { kind ofType { kind ofType { name } } } } } } } }";
    let answer = body_of(
        front
            .post(GRAPHQL_RESPONSE, &json!({ "query": query }))
            .await,
    )
    .await;
    assert!(answer["data"]["__schema"]["types"].is_array(), "{answer}");
}

#[tokio::test]
async fn a_field_resolves_through_the_repository() {
    let front = Front::start(settings()).await;

    let query = json!({ "query": "{ vendors { vendor } }" });
    let answer = body_of(front.post(GRAPHQL_RESPONSE, &query).await).await;
    assert_eq!(answer, json!({ "data": { "vendors": [] } }));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_times_out_at_its_deadline() {
    let front = Front::start(HttpSettings {
        body_timeout: Duration::from_millis(50),
        ..settings()
    })
    .await;

    let never = futures_util::stream::pending::<Result<String, std::io::Error>>();
    let response = front
        .request(Method::POST, "/graphql")
        .header(header::CONTENT_TYPE, JSON)
        .body(reqwest::Body::wrap_stream(never))
        .send()
        .await
        .expect("it answers");
    assert_eq!(error_of(response).await, error(408, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn every_example_query_is_within_the_default_limits() {
    let config = Config::from_sources(None, []).expect("the defaults are right");
    let front = Front::start(config.http).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/queries");

    for file in fs::read_dir(folder).expect("there are examples") {
        let path = file.expect("the folder can be read").path();
        let query = fs::read_to_string(&path).expect("an example can be read");
        let response = front
            .post(GRAPHQL_RESPONSE, &json!({ "query": query }))
            .await;

        let answer = body_of(response).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        // These need variables or vendors that are missing here.
        assert!(
            code.is_null() || code == "BAD_USER_INPUT",
            "{}: {answer}",
            path.display()
        );
    }
}

#[tokio::test]
async fn a_gateway_with_both_vendors_starts_and_stops() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let variables = [
        ("DESKGRAPH_LISTEN", "127.0.0.1:0".to_owned()),
        ("DESKGRAPH_FIRSTLINE__BASE_URL", vendors.firstline_url()),
        (
            "DESKGRAPH_FIRSTLINE__TOKEN",
            credentials::FIRSTLINE_TOKEN.to_owned(),
        ),
        ("DESKGRAPH_BANGWO8__BASE_URL", vendors.bangwo8_url()),
        (
            "DESKGRAPH_BANGWO8__ACCOUNT",
            credentials::BANGWO8_ACCOUNT.to_owned(),
        ),
        (
            "DESKGRAPH_BANGWO8__PASSWORD",
            credentials::BANGWO8_PASSWORD.to_owned(),
        ),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let config = Config::from_sources(None, variables).expect("the settings are right");

    let options = StartOptions {
        vendor_checks: VendorChecks::None,
        ..StartOptions::default()
    };
    let gateway = deskgraph::start_with(config, options)
        .await
        .expect("it starts");
    let front = Front {
        address: gateway.address,
        client: reqwest::Client::new(),
    };
    assert_eq!(front.get("/health/ready").await.status(), StatusCode::OK);
    let query =
        json!({ "query": "{ serviceRecords(first: 2) { nodes { id } sources { state } } }" });
    let answer = body_of(front.post(GRAPHQL_RESPONSE, &query).await).await;
    assert_eq!(
        answer["data"]["serviceRecords"]["nodes"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        answer["data"]["serviceRecords"]["sources"],
        json!([{ "state": "FRESH" }, { "state": "FRESH" }])
    );

    let address = gateway.address;
    assert!(gateway.stop().await.is_ok());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
