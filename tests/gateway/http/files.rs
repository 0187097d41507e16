//! The limit of open files: raised at the start, and what happens at it.

use deskgraph::sandbox::{Sandbox, SandboxOptions};
use tokio::net::TcpStream;

use crate::{
    harness::until,
    program::{Program, client, settings_for},
};

async fn vendors() -> Sandbox {
    let started = Sandbox::start(SandboxOptions::default()).await;
    started.expect("ports are free")
}

/// The soft and the hard limit of a process.
fn file_limits(program: &Program) -> (String, String) {
    let limits = program.of_system("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let mut values = line.expect("it is limited").split_whitespace().skip(3);
    let mut value = || values.next().expect("there are two").to_owned();
    (value(), value())
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_as_far_as_it_may() {
    let vendors = vendors().await;
    let mut settings = settings_for(&vendors);
    settings.push(("DESKGRAPH_LIMITS__MAX_CONNECTIONS", "100".to_owned()));
    let program = Program::start_after("ulimit -S -n 64; ulimit -H -n 512", &settings).await;

    assert_eq!(file_limits(&program), ("512".to_owned(), "512".to_owned()));
    let ended = program.end_by("-TERM").await;
    let warns = ended.stderr.contains("limit of open files");
    assert!(!warns, "{}", ended.stderr);
}

#[tokio::test]
async fn too_low_a_limit_is_a_warning_and_refused_connections_are_logged_and_end_by_themselves() {
    let vendors = vendors().await;
    let mut settings = settings_for(&vendors);
    settings.push(("DESKGRAPH_LIMITS__MAX_CONNECTIONS", "100".to_owned()));
    let program = Program::start_after("ulimit -n 40", &settings).await;
    let client = client();

    let mut connections = Vec::new();
    for _ in 0..60 {
        let connected = TcpStream::connect(&program.address).await;
        connections.push(connected.expect("the system accepts it"));
    }
    until("no file is left", async || {
        let id = program.of_system("stat");
        let id = id.split(' ').next().unwrap_or_default().to_owned();
        let open = std::fs::read_dir(format!("/proc/{id}/fd"));
        open.is_ok_and(|open| open.count() >= 40)
    })
    .await;
    drop(connections);
    let live = client.get(program.url("/health/live")).send().await;
    assert!(live.is_ok_and(|response| response.status() == 200));

    let ended = program.end_by("-TERM").await;
    let log = &ended.stderr;
    assert!(
        log.contains("too low for DESKGRAPH_LIMITS__MAX_CONNECTIONS"),
        "{log}"
    );
    let refusals = log.matches("connections can't be accepted").count();
    assert!((1..=3).contains(&refusals), "{log}");
}

#[tokio::test]
async fn many_connections_at_once_wait_in_the_backlog() {
    let vendors = vendors().await;
    let program = Program::start(&["serve"], &settings_for(&vendors)).await;
    // This process needs as many files as connections.
    deskgraph::http::server::raise_file_limit(1_024, 0);
    program.signal("-STOP").await;
    let mut connections = Vec::new();
    for _ in 0..1_024 {
        let connected = tokio::time::timeout(
            std::time::Duration::from_secs(5),
            TcpStream::connect(&program.address),
        );
        connections.push(connected.await.expect("it waits in the backlog"));
    }
    program.signal("-CONT").await;
    assert!(connections.iter().all(Result::is_ok));
}
