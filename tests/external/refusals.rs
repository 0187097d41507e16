//! Clients that send their whole body before they read get the status of every refused request.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::json;
use tokio::{process::Command, time::timeout};

use crate::harness::{Desk, DeskOptions};

const WAIT_LIMIT: Duration = Duration::from_secs(240);

#[tokio::test]
async fn nodes_fetch_gets_the_status_of_every_refused_body() {
    every_status_arrives("node", "refusals.mjs").await;
}

#[tokio::test]
async fn pythons_urllib_gets_the_status_of_every_refused_body() {
    every_status_arrives("python3", "refusals.py").await;
}

async fn every_status_arrives(program: &str, script: &str) {
    let keys = json!([{ "name": "page", "key": "a-key-of-a-page-0001", "scopes": ["read"] }]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    let desk = Desk::open_with(options).await;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/external/refusals");
    let child = Command::new(program)
        .arg(folder.join(script))
        .arg(desk.url(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|err| panic!("{program} can't be run: {err}"));
    let output = timeout(WAIT_LIMIT, child.wait_with_output())
        .await
        .expect("it ends in time")
        .expect("it can be waited for");

    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = printed.lines().collect();
    let wanted = ["401: 40 of 40", "413: 40 of 40", "404: 40 of 40"];
    assert_eq!(lines, wanted, "{complained}");
}
