//! Reload on SIGHUP: other settings without a restart, and without a failed request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use deskgraph::sandbox::{Sandbox, SandboxOptions, credentials};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    harness::until,
    program::{Program, SettingsFile, client},
};

const RELOADED: &str = "the settings were reloaded";
const KEPT: &str = "the settings were not reloaded, and stay as they were";

const FIRST_KEY: &str = "first-of-the-two-keys";
const SECOND_KEY: &str = "second-of-the-two-keys";

/// A gateway over a file of settings that the test rewrites.
struct Reloading {
    vendors: Sandbox,
    program: Program,
    file: SettingsFile,
    reloads: usize,
}

impl Reloading {
    async fn start(name: &str, settings: &str) -> Self {
        let vendors = Sandbox::start(SandboxOptions::default())
            .await
            .expect("ports are free");
        let file = SettingsFile::write(name, &with_vendors(&vendors, settings));
        let json = [("DESKGRAPH_LOG__FORMAT", "json".to_owned())];
        let program = Program::start(&["serve", "--config", file.path()], &json).await;
        Self {
            vendors,
            program,
            file,
            reloads: 0,
        }
    }

    /// Rewrites the settings, and waits until they have taken effect.
    async fn reload(&mut self, settings: &str) {
        self.file.rewrite(&with_vendors(&self.vendors, settings));
        self.hang_up().await;
    }

    async fn hang_up(&mut self) {
        self.program.signal("-HUP").await;
        self.reloads += 1;
        self.program.logs(RELOADED, self.reloads).await;
    }

    /// The line that a reload with these settings logs.
    async fn rejection_of(&self, settings: &str) -> String {
        let known = self.program.log().matches(KEPT).count();
        self.file.rewrite(&with_vendors(&self.vendors, settings));
        self.program.signal("-HUP").await;
        self.program.logs(KEPT, known + 1).await;
        let log = self.program.log();
        let line = log.lines().rfind(|line| line.contains(KEPT));
        line.expect("it was logged").to_owned()
    }

    async fn status_with(&self, key: &str) -> u16 {
        let response = client()
            .post(self.program.url("/graphql"))
            .bearer_auth(key)
            .json(&json!({ "query": "{ __typename }" }))
            .send()
            .await;
        response.expect("the gateway responds").status().as_u16()
    }

    async fn answer(&self, request: Value) -> Value {
        let response = client()
            .post(self.program.url("/graphql"))
            .json(&request)
            .send()
            .await;
        let response = response.expect("the gateway responds");
        response.json().await.expect("the response is JSON")
    }

    async fn may_request(&self, first: usize) -> bool {
        let query = format!("{{ serviceRecords(first: {first}) {{ nodes {{ id }} }} }}");
        let answer = self.answer(json!({ "query": query })).await;
        answer.get("errors").is_none()
    }

    fn vendor_calls(&self) -> usize {
        self.vendors.firstline().requests().len() + self.vendors.bangwo8().requests().len()
    }
}

/// The settings, on a free port and with both vendors.
fn with_vendors(vendors: &Sandbox, settings: &str) -> String {
    let (firstline, bangwo8) = (vendors.firstline_url(), vendors.bangwo8_url());
    let (token, account) = (credentials::FIRSTLINE_TOKEN, credentials::BANGWO8_ACCOUNT);
    let password = credentials::BANGWO8_PASSWORD;
    let listen = match settings.contains("listen =") {
        true => "",
        false => "listen = '127.0.0.1:0'",
    };
    format!(
        "{listen}\n{settings}\n[firstline]\nbase_url = '{firstline}'\ntoken = '{token}'\n\
         [bangwo8]\nbase_url = '{bangwo8}'\naccount = '{account}'\npassword = '{password}'\n"
    )
}

fn with_keys(keys: &[&str]) -> String {
    let entries: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| {
            format!("{{ name = 'client-{number}', key = '{key}', scopes = ['read'] }}")
        })
        .collect();
    format!(
        "[auth]\nmode = 'api_key'\napi_keys = [{}]",
        entries.join(", ")
    )
}

#[tokio::test]
async fn reloads_under_load_fail_no_request() {
    let mut gateway = Reloading::start("under-load", &with_keys(&[FIRST_KEY])).await;
    let (is_over, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut clients = JoinSet::new();
    for number in 0..6 {
        let (is_over, sent) = (is_over.clone(), sent.clone());
        let (url, client) = (gateway.program.url("/graphql"), client());
        clients.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let first = 1 + sent.fetch_add(1, Ordering::Relaxed) % 20;
                let query = match number % 2 {
                    0 => format!("{{ tickets(first: {first}) {{ nodes {{ id subject }} }} }}"),
                    _ => "{ serviceRecords(first: 5) { nodes { id } } }".to_owned(),
                };
                let request = client.post(&url).bearer_auth(FIRST_KEY);
                let response = request.json(&json!({ "query": query })).send().await;
                let response = response.expect("no connection fails");
                assert_eq!(response.status(), 200);
                let answer: Value = response.json().await.expect("the response is whole");
                assert_eq!(answer.get("errors"), None, "{answer}");
            }
        });
    }

    for keys in [[FIRST_KEY, SECOND_KEY].as_slice(), &[FIRST_KEY]].repeat(4) {
        let before = sent.load(Ordering::Relaxed);
        gateway.reload(&with_keys(keys)).await;
        let expected = if keys.len() == 2 { 200 } else { 401 };
        assert_eq!(gateway.status_with(SECOND_KEY).await, expected);
        until("requests go on", async || {
            sent.load(Ordering::Relaxed) > before + 20
        })
        .await;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.expect("no request failed");
    }
    let ended = gateway.program.end_by("-INT").await;
    assert_eq!(ended.code, Some(0));
    for key in [FIRST_KEY, SECOND_KEY, credentials::BANGWO8_PASSWORD] {
        assert!(!ended.stderr.contains(key), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_removed_key_is_refused_on_a_connection_that_is_open() {
    let mut gateway = Reloading::start("removed-key", &with_keys(&[FIRST_KEY])).await;
    let client = client();
    let send = async || {
        let request = client.post(gateway.program.url("/graphql"));
        let request = request.bearer_auth(FIRST_KEY);
        let sent = request.json(&json!({ "query": "{ __typename }" })).send();
        sent.await.expect("the gateway responds").status()
    };
    assert_eq!(send().await, 200);
    gateway.reload(&with_keys(&[SECOND_KEY])).await;
    let request = client.post(gateway.program.url("/graphql"));
    let request = request.bearer_auth(FIRST_KEY);
    let sent = request.json(&json!({ "query": "{ __typename }" })).send();
    assert_eq!(sent.await.expect("the gateway responds").status(), 401);
    assert_eq!(gateway.status_with(SECOND_KEY).await, 200);
}

#[tokio::test]
async fn wrong_settings_change_nothing_and_are_one_line_of_the_log() {
    let settings = format!("{}\n[limits]\nmax_page_size = 5", with_keys(&[FIRST_KEY]));
    let gateway = Reloading::start("kept", &settings).await;

    for (wrong, named) in [
        ("[limits]\nmax_depth = 0", "DESKGRAPH_LIMITS__MAX_DEPTH"),
        ("[limits]\nmax_dept = 3", "limits.max_dept"),
        ("[auth]\nmode = 'hidden-secret'", "DESKGRAPH_AUTH__MODE"),
        ("[auth\nhidden-secret", "not TOML"),
        (
            "[documents]\nmanifest = '/nowhere/manifest'",
            "DESKGRAPH_DOCUMENTS__MANIFEST",
        ),
        (
            "[auth]\nmode = 'api_key'\napi_keys_file = '/nowhere/keys'",
            "DESKGRAPH_AUTH__API_KEYS_FILE",
        ),
        (
            "[tls]\ncert_file = '/nowhere/certificate'",
            "DESKGRAPH_TLS__KEY_FILE",
        ),
    ] {
        let lines = gateway.program.log().lines().count();
        let line = gateway.rejection_of(wrong).await;
        assert!(line.contains(named), "{line}");
        assert!(!line.contains("hidden-secret"), "{line}");
        assert_eq!(gateway.program.log().lines().count(), lines + 1);
    }
    assert_eq!(gateway.status_with(FIRST_KEY).await, 200);
    assert_eq!(gateway.status_with(SECOND_KEY).await, 401);
}

#[tokio::test]
async fn limits_change_and_cached_data_and_persisted_documents_stay() {
    let limit = |number: usize| format!("[limits]\nmax_page_size = {number}");
    let mut gateway = Reloading::start("limits", &limit(5)).await;
    assert!(gateway.may_request(5).await && !gateway.may_request(6).await);
    let query = "{ serviceRecords(first: 4) { nodes { id } } }";
    let extensions = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let hash = sha256(query);
    let persisted = gateway
        .answer(json!({ "query": query, "extensions": extensions(&hash) }))
        .await;
    assert_eq!(persisted.get("errors"), None);

    let calls = gateway.vendor_calls();
    let settings = format!("{}\n[cache]\nlist_ttl_ms = 600000", limit(7));
    gateway.reload(&settings).await;
    let by_hash = gateway
        .answer(json!({ "extensions": extensions(&hash) }))
        .await;
    assert_eq!(by_hash, persisted);
    assert!(gateway.may_request(7).await && !gateway.may_request(8).await);
    // Of the directories and lists that were read, only lists whose time was over are read again.
    assert!(gateway.vendor_calls() <= calls + 4);

    gateway.reload(&limit(3)).await;
    assert!(gateway.may_request(3).await && !gateway.may_request(4).await);
}

fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn the_manifest_and_the_filter_of_the_log_change() {
    let manifest = SettingsFile::write_as("reloaded-manifest.json", r#"{"a":"{ __typename }"}"#);
    let settings = |filter: &str| {
        let path = manifest.path();
        format!(
            "[log]\nfilter = '{filter}'\n[documents]\nmode = 'trusted_only'\nmanifest = '{path}'"
        )
    };
    let mut gateway = Reloading::start("manifest", &settings("info")).await;
    let by_id = |id: &str| json!({ "documentId": id });
    let old = gateway.answer(by_id("a")).await;
    assert_eq!(old["data"]["__typename"], "Query", "{old}");

    manifest.rewrite(r#"{"b":"{ sponsors { id } }"}"#);
    gateway.reload(&settings("deskgraph=debug")).await;
    assert!(gateway.answer(by_id("a")).await.get("errors").is_some());
    assert!(!gateway.program.log().contains("\"vendor call\""));
    let new = gateway.answer(by_id("b")).await;
    assert_eq!(new.get("errors"), None, "{new}");
    gateway.program.logs("\"vendor call\"", 1).await;

    manifest.rewrite(r#"{"c":"{ nothing }"}"#);
    let line = gateway.rejection_of(&settings("info")).await;
    assert!(line.contains("DESKGRAPH_DOCUMENTS__MANIFEST"), "{line}");
    let kept = gateway.answer(by_id("b")).await;
    assert_eq!(kept, new);

    manifest.rewrite(r#"{"b":"{ sponsors { id } }"}"#);
    gateway.reload(&settings("warn,deskgraph=info")).await;
}

#[tokio::test]
async fn a_changed_password_in_a_file_makes_a_vendor_usable() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let secret = SettingsFile::write_as("rotated-password", "an-old-password\n");
    let variables = [
        ("DESKGRAPH_LISTEN", "127.0.0.1:0".to_owned()),
        ("DESKGRAPH_FIRSTLINE__BASE_URL", vendors.firstline_url()),
        (
            "DESKGRAPH_FIRSTLINE__USERNAME",
            credentials::FIRSTLINE_USERNAME.to_owned(),
        ),
        (
            "DESKGRAPH_FIRSTLINE__PASSWORD_FILE",
            secret.path().to_owned(),
        ),
    ];
    let program = Program::start(&["serve"], &variables).await;
    let readiness = async || {
        let response = client().get(program.url("/health/ready")).send().await;
        let response = response.expect("the gateway responds");
        let body: Value = response.json().await.expect("the response is JSON");
        body["status"].as_str().unwrap_or_default().to_owned()
    };
    until("it is refused", async || {
        readiness().await == "no vendor is up"
    })
    .await;

    secret.rewrite(&format!("{}\n", credentials::FIRSTLINE_PASSWORD));
    program.signal("-HUP").await;
    until("it is accepted", async || readiness().await == "ready").await;
    let ended = program.end_by("-INT").await;
    for secret in ["an-old-password", credentials::FIRSTLINE_PASSWORD] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn changed_settings_that_need_a_restart_are_named_and_keep_their_values() {
    let mut gateway = Reloading::start("fixed", "").await;
    gateway
        .reload("listen = '127.0.0.1:1'\n[cache]\nmax_bytes = 1000\n[limits]\nmax_page_size = 5")
        .await;
    let log = gateway.program.log();
    let warning = log.lines().find(|line| line.contains("need a restart"));
    let warning: Value = serde_json::from_str(warning.expect("it is named")).expect("it is JSON");
    assert_eq!(
        warning["settings"],
        "DESKGRAPH_LISTEN, DESKGRAPH_CACHE__MAX_BYTES"
    );
    assert_eq!(warning["level"], "WARN");
    assert!(gateway.may_request(5).await && !gateway.may_request(6).await);

    gateway.reload("").await;
    assert_eq!(gateway.program.log().matches("need a restart").count(), 1);
}

#[tokio::test]
async fn an_address_for_other_machines_never_becomes_open() {
    let listen = "listen = '0.0.0.0:0'\n";
    let settings = format!("{listen}{}", with_keys(&[FIRST_KEY]));
    let gateway = Reloading::start("never-open", &settings).await;

    let line = gateway.rejection_of("listen = '127.0.0.1:0'").await;
    assert!(
        line.contains("DESKGRAPH_AUTH__MODE must be api_key or jwt"),
        "{line}"
    );
    assert_eq!(gateway.status_with(SECOND_KEY).await, 401);
}
