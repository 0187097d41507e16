//! Schemathesis generates queries from the schema, and finds no server error and no response that violates the schema.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    io::{Write, stderr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::harness::Desk;

/// On an idle machine it takes a fraction of this.
const WAIT_LIMIT: Duration = Duration::from_secs(600);

/// How many cases of each field of the roots.
const CASES: &str = "200";

/// Every run has cases of its own. A run whose seed is given here repeats the cases of the run that printed it.
const SEED: &str = "SCHEMATHESIS_SEED";

fn seed() -> String {
    let seed = env::var(SEED).unwrap_or_else(|_| {
        let random = RandomState::new().hash_one(SEED);
        (random % 1_000_000_000).to_string()
    });
    // Not by a macro: the test's own output is shown only when it fails.
    let _ = writeln!(stderr(), "{SEED}={seed}");
    seed
}

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
        .args([
            "--phases",
            "fuzzing",
            "--max-examples",
            CASES,
            "--workers",
            "2",
        ])
        .args(["--seed", &seed(), "--no-shrink", "--no-color"])
        .args(["--generation-database", "none"])
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
