//! The command line: what it prints, where, and with which exit code.

use std::process::Output;

use deskgraph::sandbox::{Sandbox, SandboxOptions, credentials};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::program::{Program, SettingsFile, client, settings_for};

/// Runs the program with these arguments and only these variables.
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
async fn an_invalid_setting_stops_the_start_with_one_line() {
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
async fn an_unreadable_settings_file_is_an_error() {
    let output = run(&["serve", "--config", "/nowhere/deskgraph.toml"], &[]).await;

    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/deskgraph.toml"));
}

#[tokio::test]
async fn the_schema_command_needs_no_settings() {
    let output = run(&["schema"], &[("DESKGRAPH_LISTEN", "wrong")]).await;

    assert!(output.status.success());
    assert_eq!(text(&output.stdout), deskgraph::schema::sdl());
}

#[tokio::test]
async fn check_reports_which_vendors_work() {
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
    let printed = text(&output.stdout);
    assert!(
        printed.starts_with("FirstLine: works\nBangwo8: does not work: "),
        "{printed}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("another-password"));
}

#[tokio::test]
async fn the_demo_on_a_used_port_names_the_setting_to_change() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();

    let output = run(&["demo"], &[("DESKGRAPH_LISTEN", &address)]).await;

    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("set DESKGRAPH_LISTEN to a free port"));
}

#[tokio::test]
async fn the_help_lists_every_command_and_an_unknown_command_is_an_error() {
    let help = run(&["--help"], &[]).await;
    let printed = text(&help.stdout);
    assert_eq!(help.status.code(), Some(0));
    for command in ["serve", "demo", "sandbox", "schema", "check", "healthcheck"] {
        let has_line = |line: &str| line.trim_start().starts_with(&format!("{command} "));
        assert!(printed.lines().any(has_line), "{command}: {printed}");
        let help = run(&[command, "--help"], &[]).await;
        assert_eq!(help.status.code(), Some(0), "{command}");
    }

    for arguments in [
        [].as_slice(),
        &["serv"],
        &["serve", "--port", "1"],
        &["sandbox", "--firstline", "70000"],
    ] {
        let output = run(arguments, &[]).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_settings_error_names_the_source_and_shows_no_secret() {
    for (line, named) in [
        ("lissten = \"127.0.0.1:0\"", "lissten"),
        ("[limits]\nmax_depth = 0", "limits.max_depth"),
        (
            "[firstline]\nbase_url = \"https://someone:hidden-secret@desk.example\"",
            "firstline.base_url",
        ),
        (
            "[firstline]\nbase_url = \"https://desk.example\"\npassword = \"hidden-secret\"",
            "USERNAME",
        ),
        (
            "[bangwo8]\nbase_url = \"https://desk.example\"\npassword = [\"hidden-secret\"]",
            "bangwo8.password",
        ),
        ("[auth]\nmode = \"hidden-secret\"", "auth.mode"),
        ("listen = \"hidden-secret", "not TOML at line 1"),
    ] {
        let file = SettingsFile::write("refused", line);
        let output = run(&["serve", "--config", file.path()], &[]).await;
        let complaint = text(&output.stderr);

        assert_eq!(output.status.code(), Some(2), "{line}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{line}: {complaint}");
        assert!(
            complaint.to_lowercase().contains(&named.to_lowercase()),
            "{line}: {complaint}"
        );
        assert!(!complaint.contains("hidden-secret"), "{complaint}");
    }
}

#[tokio::test]
async fn check_reports_an_unreachable_vendor() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let mut settings = settings_for(&vendors);
    let closed = ("DESKGRAPH_FIRSTLINE__BASE_URL", closed_address().await);
    settings.retain(|(name, _)| *name != closed.0);
    settings.push(closed);
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();

    let output = run(&["check"], &settings).await;
    let printed = text(&output.stdout);

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert!(
        printed.starts_with("FirstLine: does not work: "),
        "{printed}"
    );
    assert!(printed.ends_with("\nBangwo8: works\n"), "{printed}");
}

#[tokio::test]
async fn the_demo_prints_its_addresses_and_a_working_first_query() {
    let demo = Program::start(
        &["demo"],
        &[
            ("DESKGRAPH_LISTEN", "127.0.0.1:0".to_owned()),
            // The demo has its own vendors, whatever else is configured.
            (
                "DESKGRAPH_FIRSTLINE__BASE_URL",
                "https://firstline.example".to_owned(),
            ),
        ],
    )
    .await;
    let client = client();
    let start_page = client.get(demo.url("/")).send().await.expect("it answers");
    assert_eq!(start_page.status(), 200);
    let kind = start_page.headers()["content-type"]
        .to_str()
        .expect("it is ASCII")
        .to_owned();
    assert!(kind.starts_with("text/html"), "{kind}");
    let start_page = start_page.text().await.expect("it is text");
    assert!(start_page.contains("<h1>deskgraph</h1>"));

    let (graphql, playground) = (demo.url("/graphql"), demo.url("/graphiql"));

    // The first query is also in the README, and is sent as the printed command sends it.
    let stdout = {
        let response = send_as_printed(&client, &graphql, &printed_body_of(&first_query())).await;
        assert_eq!(
            response["data"]["serviceRecords"]["nodes"]
                .as_array()
                .map(Vec::len),
            Some(3),
            "{response}"
        );
        assert_eq!(response.get("errors"), None);
        let ended = demo.end_by("-INT").await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };

    for part in [graphql.as_str(), &playground, "Ctrl-C"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let command = stdout
        .split_once("  curl ")
        .expect("a command is printed")
        .1;
    assert!(command.contains(&graphql), "{command}");
    assert!(
        command.contains("content-type: application/json"),
        "{command}"
    );
    let body = command.split_once("-d '").expect("it sends a body").1;
    let body = body.split_once('\'').expect("the body ends").0;
    assert_eq!(body, printed_body_of(&first_query()));
    assert!(
        stdout.lines().any(|line| line.trim() == first_query()),
        "{stdout}"
    );
}

fn first_query() -> String {
    "{ serviceRecords(first: 3) { nodes { id vendor createdAt status handler { name } } sources { vendor state } } }"
        .to_owned()
}

fn printed_body_of(query: &str) -> String {
    format!("{{\"query\":\"{query}\"}}")
}

async fn send_as_printed(client: &reqwest::Client, url: &str, body: &str) -> Value {
    let response = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .await
        .expect("it answers");
    response.json().await.expect("the response is JSON")
}

#[tokio::test]
async fn serve_reads_a_file_and_the_environment_overrides_it() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let file = SettingsFile::write(
        "served",
        &format!(
            "listen = \"127.0.0.1:0\"\n[limits]\nmax_page_size = 5\n\
             [firstline]\nbase_url = \"{}\"\ntoken = \"{}\"\n\
             [bangwo8]\nbase_url = \"{}\"\naccount = \"{}\"\npassword = \"wrong\"\n",
            vendors.firstline_url(),
            credentials::FIRSTLINE_TOKEN,
            vendors.bangwo8_url(),
            credentials::BANGWO8_ACCOUNT,
        ),
    );
    let variables = [
        (
            "DESKGRAPH_BANGWO8__PASSWORD",
            credentials::BANGWO8_PASSWORD.to_owned(),
        ),
        ("DESKGRAPH_LIMITS__MAX_PAGE_SIZE", "7".to_owned()),
        // Kubernetes sets such variables by itself.
        ("DESKGRAPH_SERVICE_HOST", "10.0.0.1".to_owned()),
        ("DESKGRAPH_PORT", "tcp://10.0.0.1:4000".to_owned()),
    ];
    let program = Program::start(&["serve", "--config", file.path()], &variables).await;
    let client = client();
    let send_query = async |first: usize| {
        let query = format!(
            "{{ serviceRecords(first: {first}) {{ nodes {{ id }} sources {{ state }} }} }}"
        );
        send_as_printed(&client, &program.url("/graphql"), &printed_body_of(&query)).await
    };

    let answer = send_query(7).await;
    assert_eq!(
        answer["data"]["serviceRecords"]["sources"],
        json!([{ "state": "FRESH" }, { "state": "FRESH" }])
    );
    assert_eq!(
        answer["data"]["serviceRecords"]["nodes"]
            .as_array()
            .map(Vec::len),
        Some(7)
    );
    assert_eq!(
        send_query(8).await["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    assert_eq!(program.end_by("-TERM").await.code, Some(0));
}

#[tokio::test]
async fn a_vendor_that_is_down_does_not_stop_the_start() {
    let vendors = Sandbox::start(SandboxOptions::default())
        .await
        .expect("ports are free");
    let mut settings = settings_for(&vendors);
    settings.retain(|(name, _)| *name != "DESKGRAPH_BANGWO8__BASE_URL");
    settings.push(("DESKGRAPH_BANGWO8__BASE_URL", closed_address().await));
    let program = Program::start(&["serve"], &settings).await;
    let client = client();

    let query = "{ serviceRecords(first: 2) { nodes { vendor } sources { state } } }";
    let answer = send_as_printed(&client, &program.url("/graphql"), &printed_body_of(query)).await;

    assert_eq!(answer.get("errors"), None, "{answer}");
    let records = &answer["data"]["serviceRecords"];
    assert_eq!(
        records["nodes"],
        json!([{ "vendor": "FIRSTLINE" }, { "vendor": "FIRSTLINE" }])
    );
    assert_eq!(
        records["sources"],
        json!([{ "state": "FRESH" }, { "state": "FAILED" }])
    );
    assert_eq!(program.end_by("-INT").await.code, Some(0));
}

#[tokio::test]
async fn the_output_of_the_sandbox_is_a_settings_file() {
    let (mut sandbox, printed) = start_sandbox().await;
    let file = SettingsFile::write("sandbox", &printed);

    let output = run(&["check", "--config", file.path()], &[]).await;
    assert_eq!(
        text(&output.stdout),
        "FirstLine: works\nBangwo8: works\n",
        "{printed}"
    );

    sandbox.start_kill().expect("it still runs");
}

/// A running sandbox, and its output.
async fn start_sandbox() -> (tokio::process::Child, String) {
    use tokio::io::{AsyncBufReadExt, BufReader};

    let mut child = Command::new(env!("CARGO_BIN_EXE_deskgraph"))
        .args(["sandbox", "--firstline", "0", "--bangwo8", "0"])
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut printed = String::new();
    while let Some(line) = lines.next_line().await.expect("it prints text") {
        let is_last = line.contains("Ctrl-C");
        printed.push_str(&line);
        printed.push('\n');
        if is_last {
            break;
        }
    }
    (child, printed)
}

/// An address without a listener.
async fn closed_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    format!("http://{address}")
}
