//! systemd: its socket, and the notifications that it waits for. The test plays its part.

use std::net::TcpListener;

use deskgraph::sandbox::{Sandbox, SandboxOptions};
use tokio::net::UnixDatagram;

use crate::{
    harness::in_time,
    program::{Program, SettingsFile, client, settings_for},
};

async fn vendors() -> Sandbox {
    Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free")
}

#[tokio::test]
async fn the_socket_of_the_service_manager_takes_the_place_of_the_address() {
    let vendors = vendors().await;
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = socket.local_addr().expect("it is bound").to_string();
    let mut settings = settings_for(&vendors);
    settings.retain(|(name, _)| *name != "DESKGRAPH_LISTEN");
    // Nobody may bind this one.
    settings.push(("DESKGRAPH_LISTEN", "127.0.0.1:1".to_owned()));
    let program = Program::start_with_socket(socket, &settings).await;

    assert_eq!(program.address, address);
    let live = client().get(program.url("/health/live")).send().await;
    assert_eq!(live.expect("it answers").status(), 200);
    assert_eq!(program.end_by("-INT").await.code, Some(0));
}

#[tokio::test]
async fn the_service_manager_hears_of_each_state() {
    let vendors = vendors().await;
    let file = SettingsFile::write("notified", "");
    let path = format!("{}.socket", file.path());
    // A path that remains is one of a test that was cut off.
    let _ = std::fs::remove_file(&path);
    let manager = UnixDatagram::bind(&path).expect("the path is free");
    let next = async || {
        let mut message = [0; 1000];
        let received = in_time("a notification", manager.recv(&mut message)).await;
        let length = received.expect("it is received");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut settings = settings_for(&vendors);
    settings.push(("NOTIFY_SOCKET", path.clone()));
    let program = Program::start(&["serve", "--config", file.path()], &settings).await;
    assert_eq!(next().await, "READY=1\n");

    for text in ["", "[limits]\nmax_depth = 0"] {
        file.rewrite(text);
        program.signal("-HUP").await;
        let message = next().await;
        let (state, time) = message.trim().split_once('\n').expect("it has two lines");
        assert_eq!(state, "RELOADING=1");
        let time = time.strip_prefix("MONOTONIC_USEC=").map(str::parse::<u64>);
        assert!(matches!(time, Some(Ok(1..))), "{message}");
        assert_eq!(next().await, "READY=1\n");
    }

    program.signal("-TERM").await;
    assert_eq!(next().await, "STOPPING=1\n");
    assert_eq!(program.end().await.code, Some(0));
    let _ = std::fs::remove_file(&path);
}

#[tokio::test]
async fn a_socket_for_other_machines_needs_authentication() {
    let vendors = vendors().await;
    let socket = TcpListener::bind("0.0.0.0:0").expect("a port is free");
    let settings = settings_for(&vendors);
    let ended = Program::end_with_socket(socket, &settings).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("DESKGRAPH_AUTH__MODE must be api_key or jwt"),
        "{}",
        ended.stderr
    );
}
