//! The programs that are measured, as processes of their own: what they cost is read from the system.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

/// The system counts processor time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) ready_after: Duration,
}

impl Server {
    pub(crate) fn gateway(settings: &[(&'static str, String)]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskgraph"));
        command
            .arg("serve")
            .env("DESKGRAPH_LISTEN", address.to_string())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().map(|(name, value)| (name, value)));
        Self::start(command, address)
    }

    /// An axum server that gives the file's bytes from memory.
    pub(crate) fn baseline(body: &Path) -> Self {
        let address = free_address();
        let program = std::env::current_exe().expect("a program knows itself");
        let mut command = Command::new(program);
        command.arg("baseline").arg(address.to_string()).arg(body);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: SocketAddr) -> Self {
        // Made before the clock starts.
        LazyLock::force(&CLIENT);
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program can be run");
        let url = format!("http://{address}/graphql");
        loop {
            if CLIENT.post(&url, r#"{"query":"{__typename}"}"#).is_ok() {
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "it never answers"
            );
            std::thread::yield_now();
        }
        Self {
            child,
            address,
            ready_after: started.elapsed(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub(crate) fn ask(&self, body: &str) -> String {
        CLIENT.post(&self.url(), body).expect("the server answers")
    }

    /// All that its threads have used.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))
            .expect("the process lives");
        // The name before it may hold anything, but ends with the last bracket.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: f64 = [fields[11], fields[12]]
            .iter()
            .map(|ticks| ticks.parse::<f64>().expect("it is a number"))
            .sum();
        Duration::from_secs_f64(ticks / TICKS_A_SECOND)
    }

    pub(crate) fn memory_mb(&self) -> f64 {
        self.memory("VmRSS:")
    }

    pub(crate) fn peak_memory_mb(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes
            .and_then(|kilobytes| kilobytes.trim().parse::<f64>().ok())
            .expect("the system tells it in kB")
            / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    runtime: Runtime::new().expect("a runtime starts"),
    http: reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client builds"),
});

struct Client {
    runtime: Runtime,
    http: reqwest::Client,
}

impl Client {
    fn post(&self, url: &str, body: &str) -> reqwest::Result<String> {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_owned());
        self.runtime
            .block_on(async { request.send().await?.error_for_status()?.text().await })
    }
}

/// Nobody takes it in the moment between.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound")
}
