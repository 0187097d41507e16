//! The command line: what it prints, where, and with which exit code.

use std::process::Output;

use deskgraph::sandbox::{Sandbox, SandboxOptions, credentials};
use tokio::process::Command;

/// Runs the program with these arguments and no other variables than these.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deskgraph"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the program can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_wrong_setting_ends_the_start_with_one_line() {
    for variables in [
        [("DESKGRAPH_LIMITS__MAX_DEPTH", "none")].as_slice(),
        &[("DESKGRAPH_LIMIT__MAX_DEPTH", "3")],
        &[("DESKGRAPH_LISTEN", "0.0.0.0:4000")],
        &[("DESKGRAPH_FIRSTLINE__BASE_URL", "https://firstline.example")],
        &[],
    ] {
        for command in ["serve", "check"] {
            let output = run(&[command], variables).await;
            let complaint = text(&output.stderr);

            assert_eq!(output.status.code(), Some(2), "{complaint}");
            assert!(output.stdout.is_empty());
            assert_eq!(complaint.lines().count(), 1, "{complaint}");
            assert!(complaint.starts_with("deskgraph: "), "{complaint}");
            assert!(complaint.contains("DESKGRAPH_"), "{complaint}");
        }
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_is_refused() {
    let output = run(&["serve", "--config", "/nowhere/deskgraph.toml"], &[]).await;

    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/deskgraph.toml"));
}

#[tokio::test]
async fn the_schema_is_printed_without_any_setting() {
    let output = run(&["schema"], &[("DESKGRAPH_LISTEN", "wrong")]).await;

    assert!(output.status.success());
    assert_eq!(text(&output.stdout), deskgraph::schema::sdl());
}

#[tokio::test]
async fn a_check_tells_which_vendor_works() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let (firstline, bangwo8) = (vendors.firstline_url(), vendors.bangwo8_url());
    let with_password = |password| {
        [
            ("DESKGRAPH_FIRSTLINE__BASE_URL", firstline.as_str()),
            ("DESKGRAPH_FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN),
            ("DESKGRAPH_BANGWO8__BASE_URL", bangwo8.as_str()),
            ("DESKGRAPH_BANGWO8__ACCOUNT", credentials::BANGWO8_ACCOUNT),
            ("DESKGRAPH_BANGWO8__PASSWORD", password),
        ]
    };

    let output = run(&["check"], &with_password(credentials::BANGWO8_PASSWORD)).await;
    assert_eq!(text(&output.stdout), "FirstLine: works\nBangwo8: works\n");
    assert_eq!(output.status.code(), Some(0));

    let output = run(&["check"], &with_password("another-password")).await;
    let told = text(&output.stdout);
    assert!(
        told.starts_with("FirstLine: works\nBangwo8: does not work: "),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("another-password"));
}

#[tokio::test]
async fn a_demo_whose_port_is_taken_says_which_setting_to_change() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();

    let output = run(&["demo"], &[("DESKGRAPH_LISTEN", &address)]).await;

    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("set DESKGRAPH_LISTEN to a free port"));
}
