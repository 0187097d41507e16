//! Runs JavaScript programs against the gateway.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

/// The limit for one script.
const WAIT_LIMIT: Duration = Duration::from_secs(240);

/// The folder of the scripts and their dependencies.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/external/clients")
}

/// Runs a script of `tests/external/clients` with these arguments, and returns its output. It must succeed.
pub(crate) async fn run(script: &str, arguments: &[&str]) -> String {
    let folder = folder();
    assert!(
        folder.join("node_modules").is_dir(),
        "the npm packages of tests/external/clients are missing: run ./scripts/check --install"
    );

    let child = Command::new("node")
        .arg(folder.join(script))
        .args(arguments)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node is installed, by ./scripts/check --install");
    let output = timeout(WAIT_LIMIT, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{script} did not end"))
        .unwrap_or_else(|err| panic!("{script} can't be waited for: {err}"));

    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{script} failed:\n{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}
