//! The real program as a process: started as an operator starts it, and inspected after its exit.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deskgraph::sandbox::{Sandbox, credentials};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::harness::until;

/// Each wait of a test is shorter than this.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The program while it runs.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<()>,
    /// What it has logged so far.
    log: Arc<Mutex<String>>,
}

/// What the program left when it exited.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The lines of the log, if its format is JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.stderr.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}")))
            .collect()
    }
}

impl Program {
    /// Starts it with these arguments and only these variables, and waits until it listens.
    pub(crate) async fn start(arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskgraph"));
        command.args(arguments).stdin(Stdio::null());
        Self::run(command, variables).await
    }

    /// The same with at most so many open files.
    pub(crate) async fn start_with_descriptors(
        descriptors: usize,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_deskgraph")]);
        command.args(arguments).stdin(Stdio::null());
        Self::run(command, variables).await
    }

    /// Serves after these commands of a shell, such as `ulimit`.
    pub(crate) async fn start_after(shell: &str, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!(r#"{shell}; exec "$0" serve"#);
        command.stdin(Stdio::null());
        command.args(["-c", &script, env!("CARGO_BIN_EXE_deskgraph")]);
        Self::run(command, variables).await
    }

    /// The same as a service of systemd, with its socket.
    pub(crate) async fn start_with_socket(
        socket: TcpListener,
        variables: &[(&str, String)],
    ) -> Self {
        Self::run(with_socket(socket), variables).await
    }

    /// What it leaves where it does not start with that socket.
    pub(crate) async fn end_with_socket(
        socket: TcpListener,
        variables: &[(&str, String)],
    ) -> Ended {
        let mut command = with_socket(socket);
        command.env_clear().kill_on_drop(true);
        let output = command.envs(variables.iter().cloned()).output();
        let output = timeout(WAIT_LIMIT, output).await.expect("it ends in time");
        let output = output.expect("the program can be run");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    async fn run(mut command: Command, variables: &[(&str, String)]) -> Self {
        let mut child = command
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program can be run");

        let mut stdout = child.stdout.take().expect("it is piped");
        let stdout = tokio::spawn(async move {
            let mut text = String::new();
            stdout
                .read_to_string(&mut text)
                .await
                .expect("it prints text");
            text
        });
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (tell_address, address) = oneshot::channel();
        let log = Arc::new(Mutex::new(String::new()));
        let seen = log.clone();
        let stderr = tokio::spawn(async move {
            let mut lines = stderr.lines();
            let mut tell_address = Some(tell_address);
            while let Some(line) = lines.next_line().await.expect("it logs text") {
                if line.contains("listening")
                    && let Some(tell_address) = tell_address.take()
                {
                    // If the test has failed already, there is no receiver.
                    let _ = tell_address.send(address_in(&line));
                }
                let mut log = lock(&seen);
                log.push_str(&line);
                log.push('\n');
            }
        });

        let address = timeout(WAIT_LIMIT, address)
            .await
            .expect("it starts in time")
            .expect("it prints its address");
        Self {
            child,
            address,
            stdout,
            stderr,
            log,
        }
    }

    pub(crate) fn log(&self) -> String {
        lock(&self.log).clone()
    }

    /// Waits until it has logged this so many times.
    pub(crate) async fn logs(&self, text: &str, times: usize) {
        until(text, async || {
            lock(&self.log).matches(text).count() >= times
        })
        .await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the system says of the process: the file of this name below `/proc/<pid>`.
    pub(crate) fn of_system(&self, file: &str) -> String {
        let id = self.child.id().expect("it still runs");
        std::fs::read_to_string(format!("/proc/{id}/{file}")).expect("the system tells")
    }

    /// The memory that it uses.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let status = self.of_system("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kibibytes.expect("the system tells") << 10
    }

    /// Sends a signal, and waits until the program has exited.
    pub(crate) async fn end_by(self, signal: &str) -> Ended {
        self.signal(signal).await;
        self.end().await
    }

    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it still runs").to_string();
        // The shell's built-in `kill`, because not every machine has the program.
        let sent = Command::new("sh")
            .args(["-c", r#"kill "$0" "$1""#, signal, &id])
            .status()
            .await
            .expect("signals can be sent");
        assert!(sent.success());
    }

    /// Waits until it accepts no more connections.
    pub(crate) async fn stops_listening(&self) {
        until("it stops listening", async || {
            TcpStream::connect(&self.address).await.is_err()
        })
        .await;
    }

    /// Waits until it has exited.
    pub(crate) async fn end(mut self) -> Ended {
        let status = timeout(WAIT_LIMIT, self.child.wait())
            .await
            .expect("it ends in time")
            .expect("it can be waited for");
        Ended {
            code: status.code(),
            stdout: self.stdout.await.expect("the reader ends"),
            stderr: {
                self.stderr.await.expect("the reader ends");
                lock(&self.log).clone()
            },
        }
    }
}

fn with_socket(socket: TcpListener) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = r#"exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve"#;
    command.args(["-c", script, env!("CARGO_BIN_EXE_deskgraph")]);
    command.stdin(OwnedFd::from(socket));
    command
}

fn lock(log: &Mutex<String>) -> MutexGuard<'_, String> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client of the program.
pub(crate) fn client() -> reqwest::Client {
    // Another test of this process may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client without options builds")
}

/// The address that the line names, as this machine reaches it.
fn address_in(line: &str) -> String {
    let words = line.split(|letter: char| !(letter.is_ascii_hexdigit() || "[].:".contains(letter)));
    let mut addresses = words.filter_map(|word| word.parse::<SocketAddr>().ok());
    let mut address = addresses.next().expect("the line has an address");
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address.to_string()
}

/// The settings with which the program serves these vendors on a free port.
pub(crate) fn settings_for(vendors: &Sandbox) -> Vec<(&'static str, String)> {
    vec![
        ("DESKGRAPH_LISTEN", "127.0.0.1:0".to_owned()),
        ("DESKGRAPH_SHUTDOWN__DRAIN_MS", "0".to_owned()),
        ("DESKGRAPH_FIRSTLINE__BASE_URL", vendors.firstline_url()),
        (
            "DESKGRAPH_FIRSTLINE__USERNAME",
            credentials::FIRSTLINE_USERNAME.to_owned(),
        ),
        (
            "DESKGRAPH_FIRSTLINE__PASSWORD",
            credentials::FIRSTLINE_PASSWORD.to_owned(),
        ),
        ("DESKGRAPH_BANGWO8__BASE_URL", vendors.bangwo8_url()),
        (
            "DESKGRAPH_BANGWO8__ACCOUNT",
            credentials::BANGWO8_ACCOUNT.to_owned(),
        ),
        (
            "DESKGRAPH_BANGWO8__PASSWORD",
            credentials::BANGWO8_PASSWORD.to_owned(),
        ),
    ]
}

/// A settings file that is removed on drop.
pub(crate) struct SettingsFile(PathBuf);

impl SettingsFile {
    pub(crate) fn write(name: &str, text: &str) -> Self {
        Self::write_as(&format!("{name}.toml"), text)
    }

    /// The same for another kind of file.
    pub(crate) fn write_as(file_name: &str, text: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{}-{file_name}", std::process::id()));
        std::fs::write(&path, text).expect("the build's folder can be written to");
        Self(path)
    }

    pub(crate) fn rewrite(&self, text: &str) {
        std::fs::write(&self.0, text).expect("the build's folder can be written to");
    }

    pub(crate) fn path(&self) -> &str {
        self.0
            .to_str()
            .expect("the build's folder is named in UTF-8")
    }
}

impl Drop for SettingsFile {
    fn drop(&mut self) {
        // A file that remains is removed with the build folder.
        let _ = std::fs::remove_file(&self.0);
    }
}
