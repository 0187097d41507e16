//! Documents that clients name by their hash, and the mode in which only the operator's documents run.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    harness::{Desk, DeskOptions},
    program::SettingsFile,
};

const QUERY: &str = "query Sponsors { sponsors { name } }";

fn digest(document: &str) -> String {
    let digest = Sha256::digest(document);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_hash(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
}

async fn get(desk: &Desk, pairs: &[(&str, &str)]) -> (u16, Value) {
    let request = desk.client().get(desk.url("/graphql")).query(pairs);
    let response = request.send().await.expect("the gateway responds");
    (
        response.status().as_u16(),
        response.json().await.expect("the response is JSON"),
    )
}

#[tokio::test]
async fn a_document_runs_by_its_hash_once_it_was_sent_with_it() {
    let desk = Desk::open().await;
    let hash = digest(QUERY);

    let unknown = json!({ "extensions": by_hash(&hash) });
    let (status, answer) = desk.post(&unknown).await;
    assert_eq!(status, 400);
    let not_found = json!({ "errors": [{
        "message": "PersistedQueryNotFound", "extensions": { "code": "PERSISTED_QUERY_NOT_FOUND" },
    }] });
    assert_eq!(answer, not_found);
    let (status, answer) = get(&desk, &[("extensions", &by_hash(&hash).to_string())]).await;
    assert_eq!((status, answer), (200, not_found));

    let (status, first) = desk
        .post(&json!({ "query": QUERY, "extensions": by_hash(&hash) }))
        .await;
    assert_eq!((status, first.get("errors")), (200, None));
    let (status, second) = desk.post(&unknown).await;
    assert_eq!((status, &second), (200, &first));
    let (status, third) = get(&desk, &[("extensions", &by_hash(&hash).to_string())]).await;
    assert_eq!((status, &third), (200, &first));
    let (status, fourth) = get(&desk, &[("documentId", &format!("sha256:{hash}"))]).await;
    assert_eq!((status, &fourth), (200, &first));
    let (status, batch) = desk
        .post(&json!([unknown, { "documentId": "nothing" }]))
        .await;
    assert_eq!((status, &batch[0]), (200, &first));
    assert_eq!(code(&batch[1]), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn a_wrong_hash_is_rejected() {
    let desk = Desk::open().await;
    let hash = digest("{ vendors { vendor } }");

    for extensions in [
        by_hash(&hash),
        by_hash("nothing"),
        json!({ "persistedQuery": { "version": 2, "sha256Hash": digest(QUERY) } }),
        json!({ "persistedQuery": { "version": 1 } }),
        json!({ "persistedQuery": true }),
    ] {
        let (status, answer) = desk
            .post(&json!({ "query": QUERY, "extensions": extensions }))
            .await;
        assert_eq!(
            (status, code(&answer)),
            (400, "BAD_USER_INPUT"),
            "{extensions}"
        );
    }
    assert_eq!(desk.calls(), (0, 0));
    let (_, answer) = desk.post(&json!({ "extensions": by_hash(&hash) })).await;
    assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn only_a_valid_document_is_persisted() {
    let desk = Desk::open_with(DeskOptions::default().set("LIMITS__MAX_ALIASES", 1)).await;

    for document in [
        "{",
        "{ nothing }",
        "query($a: Int) { ticket(id: $a) { id } }",
        "{ tickets(first: \"a\") { totalCount } }",
        "{ a: __typename b: __typename }",
        "query A { __typename } query B { nothing }",
    ] {
        let hash = by_hash(&digest(document));
        let (status, answer) = desk
            .post(&json!({ "query": document, "extensions": hash, "operationName": "B" }))
            .await;
        assert_eq!(status, 400, "{document}: {answer}");
        let (_, answer) = desk.post(&json!({ "extensions": hash })).await;
        assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND", "{document}");
    }

    // An error in one request's variables does not make the document invalid.
    let document = "query($id: ID!) { ticket(id: $id) { id } }";
    let hash = by_hash(&digest(document));
    let (status, _) = desk
        .post(&json!({ "query": document, "extensions": hash }))
        .await;
    assert_eq!(status, 400);
    let (status, _) = desk
        .post(&json!({ "extensions": hash, "variables": { "id": "a" } }))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_persisted_mutation_does_not_run_by_get() {
    let desk = Desk::open().await;
    let document = "mutation { deleteTicket(input: { id: \"a\" }) { deletedId } }";
    let hash = by_hash(&digest(document));

    desk.post(&json!({ "query": document, "extensions": hash }))
        .await;
    let (status, _) = get(&desk, &[("extensions", &hash.to_string())]).await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn nothing_is_persisted_with_a_store_of_size_zero() {
    let desk =
        Desk::open_with(DeskOptions::default().set("DOCUMENTS__MAX_PERSISTED_BYTES", 0)).await;
    let hash = by_hash(&digest(QUERY));

    let (status, _) = desk
        .post(&json!({ "query": QUERY, "extensions": hash }))
        .await;
    assert_eq!(status, 200);
    let (_, answer) = desk.post(&json!({ "extensions": hash })).await;
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotSupported");
    assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_SUPPORTED");
}

#[tokio::test]
async fn in_trusted_only_mode_only_documents_of_the_manifest_run() {
    let plain = json!({ digest(QUERY): QUERY, "vendors": "{ vendors { vendor } }" });
    let apollo = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            { "id": digest(QUERY), "name": "Sponsors", "type": "query", "body": QUERY },
            { "id": "vendors", "name": "Vendors", "type": "query", "body": "{ vendors { vendor } }" },
        ],
    });

    for (name, manifest) in [("plain.json", plain), ("apollo.json", apollo)] {
        let file = SettingsFile::write_as(name, &manifest.to_string());
        let options = DeskOptions::default()
            .set("DOCUMENTS__MODE", "trusted_only")
            .set("DOCUMENTS__MANIFEST", file.path());
        let desk = Desk::open_with(options).await;

        for trusted in [
            json!({ "extensions": by_hash(&digest(QUERY)) }),
            json!({ "documentId": "vendors" }),
            json!({ "documentId": format!("sha256:{}", digest("{ vendors { vendor } }")) }),
            json!({ "query": QUERY }),
            json!({ "query": QUERY, "extensions": by_hash(&digest(QUERY)) }),
            json!({ "query": "{ vendors { vendor } }", "documentId": "vendors" }),
        ] {
            let (status, answer) = desk.post(&trusted).await;
            assert_eq!(
                (status, answer.get("errors")),
                (200, None),
                "{trusted}: {answer}"
            );
        }

        desk.forget_calls();
        let other = "{ sponsors { id } }";
        for untrusted in [
            json!({ "query": other }),
            json!({ "query": format!("{QUERY} ") }),
            json!({ "query": other, "extensions": by_hash(&digest(other)) }),
            json!({ "extensions": by_hash(&digest(other)) }),
            json!({ "documentId": "nothing" }),
            json!({ "query": "{ __schema { types { name } } }" }),
        ] {
            let (status, answer) = desk.post(&untrusted).await;
            assert_eq!(
                (status, code(&answer)),
                (400, "DOCUMENT_NOT_TRUSTED"),
                "{untrusted}"
            );
        }
        let mixed = json!({ "query": other, "documentId": "vendors" });
        assert_eq!(desk.post(&mixed).await.0, 400);
        assert_eq!(desk.calls(), (0, 0));
    }
}

#[tokio::test]
async fn an_invalid_manifest_stops_the_start_with_one_line() {
    for (name, manifest) in [
        ("absent", None),
        ("text", Some("not JSON".to_owned())),
        ("empty", Some("{}".to_owned())),
        ("list", Some("[]".to_owned())),
        ("numbers", Some(json!({ "a": 1 }).to_string())),
        ("format", Some(json!({ "format": "a", "version": 1, "operations": [] }).to_string())),
        ("version", Some(json!({ "format": "apollo-persisted-query-manifest", "version": 2, "operations": [] }).to_string())),
        ("syntax", Some(json!({ "a": "{" }).to_string())),
        ("field", Some(json!({ "a": "{ nothing }" }).to_string())),
        ("costly", Some(json!({ "a": format!("{{ {} }}", "sponsors { id } ".repeat(31)) }).to_string())),
    ] {
        let file = manifest.map(|text| SettingsFile::write_as(&format!("{name}.json"), &text));
        let path = file.as_ref().map_or("/nothing/here.json", SettingsFile::path);
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_deskgraph"))
            .arg("serve")
            .env_clear()
            .env("DESKGRAPH_LISTEN", "127.0.0.1:0")
            .env("DESKGRAPH_FIRSTLINE__BASE_URL", "http://127.0.0.1:9")
            .env("DESKGRAPH_FIRSTLINE__TOKEN", "token")
            .env("DESKGRAPH_DOCUMENTS__MANIFEST", path)
            .kill_on_drop(true)
            .output()
            .await
            .expect("the program can be run");

        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert_eq!(stderr.trim().lines().count(), 1, "{name}: {stderr}");
        assert!(stderr.contains("DESKGRAPH_DOCUMENTS__MANIFEST"), "{name}: {stderr}");
    }
}

#[tokio::test]
async fn trusted_only_mode_requires_a_manifest() {
    let variables = [("DESKGRAPH_DOCUMENTS__MODE".into(), "trusted_only".into())];
    let error = deskgraph::config::Config::from_sources(None, variables).err();
    let line = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(line.contains("DESKGRAPH_DOCUMENTS__MANIFEST"), "{line}");
}
