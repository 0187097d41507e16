//! Schemathesis generates queries from the schema, and finds no server error and no response that violates the schema.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::harness::Desk;

/// On an idle machine it takes a tenth of this.
const WAIT_LIMIT: Duration = Duration::from_secs(600);

#[tokio::test]
async fn generated_queries_cause_no_server_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/schemathesis/bin/st");
    assert!(
        program.is_file(),
        "Schemathesis is missing: run ./scripts/check --install"
    );
    let desk = Desk::open().await;

    let checks = "no_answer_is_a_servers_fault,every_answer_is_as_the_schema_has_it";
    let child = Command::new(program)
        .args(["run", &desk.url("/graphql"), "--checks", checks])
        .args(["--phases", "fuzzing", "--max-examples", "8", "--seed", "1"])
        .args(["--generation-deterministic", "--no-shrink", "--no-color"])
        .current_dir(root.join("tests/external/schemathesis"))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", ".")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Schemathesis can be run");
    let output = timeout(WAIT_LIMIT, child.wait_with_output())
        .await
        .expect("it ends in time")
        .expect("it can be waited for");

    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complained}");
    assert!(printed.contains("Tested: 19"), "{printed}");
}
