//! Authentication by signed tokens: which are accepted, and what the log says of them.

use reqwest::Response;
use ring::hmac;
use serde_json::{Value, json};

use deskgraph::sandbox::{Sandbox, SandboxOptions};

use super::issuer::{
    AUDIENCE, ISSUER, Issuer, SigningKey, claims, claims_with, encoded, in_seconds, message,
};
use crate::{
    harness::{Desk, DeskOptions},
    program::{Program, client, settings_for},
};

pub(super) const QUERY: &str = "{ tickets(first: 1) { nodes { id } } }";

pub(super) async fn desk(issuer: &Issuer) -> Desk {
    Desk::open_with(options(issuer)).await
}

pub(super) fn options(issuer: &Issuer) -> DeskOptions {
    DeskOptions::default()
        .set("AUTH__MODE", "jwt")
        .set("AUTH__JWKS_URL", &issuer.jwks_url)
        .set("AUTH__ISSUER", ISSUER)
        .set("AUTH__AUDIENCE", AUDIENCE)
}

pub(super) async fn send_query(desk: &Desk, token: &str, query: &str) -> Response {
    let request = desk.client().post(desk.url("/graphql"));
    request
        .bearer_auth(token)
        .header("accept", "application/graphql-response+json")
        .json(&json!({ "query": query }))
        .send()
        .await
        .expect("the gateway responds")
}

pub(super) async fn status(desk: &Desk, token: &str) -> u16 {
    send_query(desk, token, QUERY).await.status().as_u16()
}

/// Asserts that the status is 401 with a challenge, the body is a GraphQL error, and no vendor was called.
async fn assert_rejected(desk: &Desk, what: &str, token: &str) {
    let response = send_query(desk, token, QUERY).await;
    assert_eq!(response.status(), 401, "{what}");
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.and_then(|value| value.to_str().ok());
    assert!(
        challenge.is_some_and(|challenge| challenge.starts_with("Bearer error=\"invalid_token\"")),
        "{what}: {challenge:?}"
    );
    let answer: Value = response.json().await.expect("the error is JSON");
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{what}"
    );
    assert_eq!(answer.get("data"), None, "{what}");
    assert_eq!(desk.calls(), (0, 0), "{what}");
}

#[tokio::test]
async fn tokens_of_every_public_key_algorithm_are_accepted() {
    let rsa = SigningKey::rsa("rsa");
    let (p256, p384) = (SigningKey::p256("p256"), SigningKey::p384("p384"));
    let ed25519 = SigningKey::ed25519("ed25519");
    let issuer = Issuer::start(&[&rsa, &p256, &p384, &ed25519]).await;
    let desk = desk(&issuer).await;

    for (key, algorithm) in [
        (&rsa, "RS256"),
        (&rsa, "RS384"),
        (&rsa, "RS512"),
        (&rsa, "PS256"),
        (&rsa, "PS384"),
        (&rsa, "PS512"),
        (&p256, "ES256"),
        (&p384, "ES384"),
        (&ed25519, "EdDSA"),
    ] {
        let token = key.token(algorithm, &claims("read"));
        assert_eq!(status(&desk, &token).await, 200, "{algorithm}");
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn every_valid_form_of_the_claims_is_accepted() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;

    for claims in [
        claims_with("aud", json!(["another", AUDIENCE])),
        claims_with("nbf", json!(in_seconds(-1))),
        claims_with("exp", json!(in_seconds(60) as f64 + 0.5)),
        claims_with("scope", json!("openid read profile")),
        claims_with("sub", Value::Null),
    ] {
        let token = key.token("EdDSA", &claims);
        assert_eq!(status(&desk, &token).await, 200, "{claims}");
    }
    let without_id = key.sign(&json!({ "alg": "EdDSA" }), &claims("read"));
    assert_eq!(status(&desk, &without_id).await, 200);
}

#[tokio::test]
async fn tokens_without_a_subject_share_one_rate_limit() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;

    for claim in ["client_id", "azp"] {
        let desk = Desk::open_with(options(&issuer).set("LIMITS__REQUESTS_PER_MINUTE", 2)).await;
        let token = |client: &str, number: usize| {
            let mut claims = claims_with("sub", Value::Null);
            claims[claim] = json!(client);
            claims["jti"] = json!(number);
            key.token("EdDSA", &claims)
        };
        for number in 0..2 {
            assert_eq!(
                status(&desk, &token("report", number)).await,
                200,
                "{claim}"
            );
        }
        assert_eq!(status(&desk, &token("report", 2)).await, 429, "{claim}");
        assert_eq!(status(&desk, &token("another", 3)).await, 200, "{claim}");
    }
}

#[tokio::test]
async fn a_token_with_invalid_claims_is_rejected() {
    let key = SigningKey::p256("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;

    for (name, value) in [
        ("exp", json!(in_seconds(-10))),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("nbf", json!(in_seconds(60))),
        ("nbf", json!("yesterday")),
        ("iss", json!("https://issuer.example")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", json!(["another", "deskgrap"])),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("sub", json!("two\nlines")),
        ("sub", json!("a".repeat(256))),
        ("sub", json!(7)),
    ] {
        let token = key.token("ES256", &claims_with(name, value.clone()));
        assert_rejected(&desk, &format!("{name} {value}"), &token).await;
    }
}

#[tokio::test]
async fn a_token_not_signed_by_the_issuer_is_rejected() {
    let (key, rsa) = (SigningKey::p256("a"), SigningKey::rsa("rsa"));
    let issuer = Issuer::start(&[&key, &rsa]).await;
    let desk = desk(&issuer).await;
    let claims = claims("read write pii");
    let good = key.token("ES256", &claims);
    assert_eq!(status(&desk, &good).await, 200);
    desk.forget_calls();

    let unsigned = message(&json!({ "alg": "none", "kid": "a" }), &claims);
    let (head, rest) = good.split_once('.').expect("a token has three parts");
    let (_, signature) = rest.split_once('.').expect("a token has three parts");
    let fuller = encoded(claims.to_string().replace("reader", "leader"));
    for (what, token) in [
        ("garbage", "a.b.c".to_owned()),
        ("not a token", "the-key".to_owned()),
        ("no signature", format!("{unsigned}.")),
        ("no part for one", unsigned.clone()),
        (
            "the signature of another",
            format!("{unsigned}.{signature}"),
        ),
        ("other claims", format!("{head}.{fuller}.{signature}")),
        ("a part more", format!("{good}.{signature}")),
        ("another key", SigningKey::p256("a").token("ES256", &claims)),
        (
            "another RSA key",
            SigningKey::another_rsa("rsa").token("RS256", &claims),
        ),
        (
            "a key of another kind",
            rsa.sign(&json!({ "alg": "RS256", "kid": "a" }), &claims),
        ),
        (
            "an extension that must be understood",
            key.sign(
                &json!({ "alg": "ES256", "kid": "a", "crit": ["exp"] }),
                &claims,
            ),
        ),
        (
            "a key of its own",
            SigningKey::p256("b").sign(
                &json!({ "alg": "ES256", "kid": "a", "jwk": SigningKey::p256("b").public }),
                &claims,
            ),
        ),
    ] {
        assert_rejected(&desk, what, &token).await;
    }
}

/// A gateway that used the public key as a shared secret would accept any token.
#[tokio::test]
async fn a_token_signed_with_the_public_key_as_a_secret_is_rejected() {
    let key = SigningKey::rsa("rsa");
    let issuer = Issuer::start(&[&key]).await;
    let shared = json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": encoded("secret") });
    issuer.answer_with(Some(json!({ "keys": [key.public, shared] })));
    let desk = desk(&issuer).await;

    let modulus = key.public["n"].as_str().unwrap_or_default().to_owned();
    for (id, secret) in [
        ("rsa", key.public.to_string()),
        ("rsa", modulus),
        ("shared", "secret".to_owned()),
    ] {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": id });
        let message = message(&header, &claims("read"));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hmac::sign(&secret, message.as_bytes());
        let token = format!("{message}.{}", encoded(signature));
        assert_rejected(&desk, id, &token).await;
    }
}

#[tokio::test]
async fn keys_for_other_uses_or_algorithms_are_not_accepted() {
    let key = SigningKey::rsa("a");
    let issuer = Issuer::start(&[]).await;
    let token = key.token("RS256", &claims("read"));

    for (name, value, expected) in [
        ("use", json!("enc"), 401),
        ("key_ops", json!(["encrypt"]), 401),
        ("alg", json!("RS512"), 401),
        ("alg", json!("RSA-OAEP"), 401),
        ("kty", json!("unheard of"), 401),
        ("n", json!("not base64!"), 401),
        ("key_ops", json!(["verify"]), 200),
        ("alg", json!("RS256"), 200),
        ("x-own", json!({ "unknown": true }), 200),
    ] {
        let mut public = key.public.clone();
        public[name] = value.clone();
        // A key that the gateway does not understand does not hide the others.
        issuer.answer_with(Some(
            json!({ "keys": [7, { "kty": "EC", "crv": "secp256k1" }, public] }),
        ));
        let desk = desk(&issuer).await;
        assert_eq!(status(&desk, &token).await, expected, "{name} {value}");
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_is_checked_against_the_only_key() {
    let (one, other) = (SigningKey::p256("one"), SigningKey::p256("other"));
    let issuer = Issuer::start(&[&one, &other]).await;
    let desk = desk(&issuer).await;

    let token = one.sign(&json!({ "alg": "ES256" }), &claims("read"));
    assert_rejected(&desk, "one of two", &token).await;
}

#[tokio::test]
async fn the_scopes_of_a_token_are_enforced() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;
    let mutation = "mutation { deleteTicket(input: { id: \"firstline:Ticket:1\" }) { deletedId } }";

    for (scope, may_read, may_write) in [
        (json!("read"), true, false),
        (json!("write"), false, true),
        (json!("read write pii"), true, true),
        (json!("reading READ openid"), false, false),
        (json!(""), false, false),
        (json!(["read", "write"]), true, true),
        (json!(["write", 7, "read write"]), false, true),
        (Value::Null, false, false),
    ] {
        let token = key.token("EdDSA", &claims_with("scope", scope.clone()));
        for (query, may) in [(QUERY, may_read), (mutation, may_write)] {
            let answer = send_query(&desk, &token, query).await;
            assert_eq!(answer.status(), 200, "{scope}");
            let answer: Value = answer.json().await.expect("the response is JSON");
            let is_forbidden = answer["errors"][0]["extensions"]["code"] == "FORBIDDEN";
            assert_eq!(!is_forbidden, may, "{scope}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_token_in_the_api_key_header_is_rejected() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let desk = desk(&issuer).await;
    let token = key.token("EdDSA", &claims("read"));

    for (name, value) in [
        ("x-api-key", token.clone()),
        ("authorization", format!("Basic {token}")),
    ] {
        let request = desk.client().post(desk.url("/graphql")).header(name, value);
        let response = request.json(&json!({ "query": QUERY })).send().await;
        let response = response.expect("the gateway responds");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn the_log_names_the_caller_or_the_reason_of_a_rejection_and_no_token() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let mut settings = settings_for(&vendors);
    settings.extend([
        ("DESKGRAPH_LOG__FORMAT", "json".to_owned()),
        ("DESKGRAPH_AUTH__MODE", "jwt".to_owned()),
        ("DESKGRAPH_AUTH__JWKS_URL", issuer.jwks_url.clone()),
        ("DESKGRAPH_AUTH__ISSUER", ISSUER.to_owned()),
        ("DESKGRAPH_AUTH__AUDIENCE", AUDIENCE.to_owned()),
        ("RUST_LOG", "trace".to_owned()),
    ]);
    let program = Program::start(&["serve"], &settings).await;

    let tokens = [
        ("good", key.token("EdDSA", &claims("read"))),
        (
            "late",
            key.token("EdDSA", &claims_with("exp", json!(in_seconds(-60)))),
        ),
        (
            "forged",
            SigningKey::ed25519("a").token("EdDSA", &claims("read")),
        ),
    ];
    for (id, token) in &tokens {
        let request = client().post(program.url("/graphql")).bearer_auth(token);
        let request = request.header("x-request-id", *id);
        let response = request.json(&json!({ "query": QUERY })).send().await;
        let expected = if *id == "good" { 200 } else { 401 };
        assert_eq!(response.expect("it answers").status(), expected, "{id}");
    }

    let ended = program.end_by("-INT").await;
    let lines = ended.lines();
    for (id, caller, error) in [
        // The SHA-256 of `reader@desk`.
        ("good", json!("subject b0b8f2e1c0c6745f"), Value::Null),
        ("late", Value::Null, json!("expired")),
        ("forged", Value::Null, json!("a wrong signature")),
    ] {
        let line = lines
            .iter()
            .find(|line| line["target"] == "deskgraph::request" && line["request.id"] == id);
        let line = line.expect("each request has its line");
        assert_eq!(
            (&line["caller"], &line["auth.error"]),
            (&caller, &error),
            "{id}"
        );
    }
    assert!(!ended.stderr.contains("reader@desk"));
    for (id, token) in &tokens {
        for part in token.split('.') {
            assert!(!ended.stderr.contains(part), "{id}");
        }
    }
}

#[tokio::test]
async fn scopes_may_have_another_claim_and_a_prefix() {
    let key = SigningKey::ed25519("a");
    let issuer = Issuer::start(&[&key]).await;
    let options = options(&issuer)
        .set("AUTH__SCOPE_CLAIM", "https://desk.example/permissions")
        .set("AUTH__SCOPE_PREFIX", "deskgraph:");
    let desk = Desk::open_with(options).await;

    for (scopes, may_read) in [
        (json!("deskgraph:read"), true),
        (json!(["openid", "deskgraph:read"]), true),
        (json!("read"), false),
        (json!(["read", "deskgraph:", "deskgraph:reading"]), false),
        (Value::Null, false),
    ] {
        // The usual claim says nothing here.
        let mut claims = claims("read deskgraph:read");
        claims["https://desk.example/permissions"] = scopes.clone();
        let token = key.token("EdDSA", &claims);
        let answer = send_query(&desk, &token, QUERY).await;
        let answer: Value = answer.json().await.expect("the response is JSON");
        let is_forbidden = answer["errors"][0]["extensions"]["code"] == "FORBIDDEN";
        assert_eq!(!is_forbidden, may_read, "{scopes}: {answer}");
    }
}
