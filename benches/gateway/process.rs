//! The measured programs, each as its own process. Their cost is read from the system.

use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// The file with its log.
    log: PathBuf,
    /// From the start of the process to its first response.
    pub(crate) ready_after: Duration,
}

/// The response to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) body: String,
    /// The size on the wire, with its head.
    pub(crate) bytes: usize,
}

/// The processor time of each thread of a process, by its number.
pub(crate) struct ProcessorTime(HashMap<String, Duration>);

impl ProcessorTime {
    /// Of the current threads. The time of a thread that ended is lost, which is little: only threads end that were idle for
    /// ten seconds.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let used = self.0.iter().map(|(thread, time)| {
            let before = earlier.0.get(thread).copied().unwrap_or_default();
            time.saturating_sub(before)
        });
        used.sum()
    }
}

/// The first number of a `schedstat`, in nanoseconds: `stat` beside it counts in hundredths of a second.
pub(crate) fn time_on_processor(schedstat: &str) -> Duration {
    let first = schedstat.split_whitespace().next();
    let nanoseconds = first.and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("it begins with a number"))
}

impl Server {
    pub(crate) fn gateway(settings: &[(&'static str, String)]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskgraph"));
        // Ignore settings of the shell for another gateway.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DESKGRAPH_")) {
            command.env_remove(name);
        }
        command
            .arg("serve")
            .env("DESKGRAPH_LISTEN", address.to_string())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().map(|(name, value)| (name, value)));
        Self::start(command, address)
    }

    /// An axum server that returns the file's bytes from memory.
    pub(crate) fn baseline(body: &Path) -> Self {
        let address = free_address();
        let program = std::env::current_exe().expect("a program knows itself");
        let mut command = Command::new(program);
        command.arg("baseline").arg(address.to_string()).arg(body);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: SocketAddr) -> Self {
        let log = crate::scratch(&format!("{}.log", address.port()));
        let stderr = fs::File::create(&log).expect("the build's folder can be written to");
        // Made before the clock starts.
        LazyLock::force(&CLIENT);
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the program can be run");
        let url = format!("http://{address}/graphql");
        loop {
            if CLIENT.post(&url, r#"{"query":"{__typename}"}"#).is_ok() {
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "it is not ready in time"
            );
            // No pause: the time until the program is ready is measured to the millisecond.
            thread::yield_now();
        }
        Self {
            child,
            address,
            log,
            ready_after: started.elapsed(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub(crate) fn request(&self, body: &str) -> Answer {
        CLIENT.post(&self.url(), body).expect("the server answers")
    }

    /// Waits until it is idle.
    pub(crate) fn become_idle(&self) {
        const A_WHILE: Duration = Duration::from_millis(200);
        const MOST_LOOKS: usize = 50;
        let mut earlier = self.processor_time();
        for _ in 0..MOST_LOOKS {
            thread::sleep(A_WHILE);
            let now = self.processor_time();
            if now.since(&earlier) < A_WHILE / 200 {
                return;
            }
            earlier = now;
        }
        panic!("it does not become idle");
    }

    pub(crate) fn processor_time(&self) -> ProcessorTime {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let times = threads.expect("the process lives").filter_map(|thread| {
            let thread = thread.expect("the folder is readable");
            // A thread that has just ended has none.
            let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let number = thread.file_name().to_string_lossy().into_owned();
            Some((number, time_on_processor(&stat)))
        });
        ProcessorTime(times.collect())
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
            .expect("the system reports it in kB")
            / 1024.0
    }

    /// A failing vendor or a lost response is logged as a warning; lower levels are not logged.
    pub(crate) fn assert_no_complaint(&self) {
        let log = fs::read_to_string(&self.log).expect("it logs text");
        assert!(log.is_empty(), "the server complains:\n{log}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already, and a file that remains is removed with the build folder.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
    }
}

static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    runtime: Runtime::new().expect("a runtime starts"),
    http: reqwest::Client::builder()
        .no_proxy()
        // As the load sends it.
        .no_gzip()
        .build()
        .expect("a client builds"),
});

struct Client {
    runtime: Runtime,
    http: reqwest::Client,
}

impl Client {
    fn post(&self, url: &str, body: &str) -> reqwest::Result<Answer> {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_owned());
        self.runtime.block_on(async {
            let response = request.send().await?.error_for_status()?;
            let lines = response
                .headers()
                .iter()
                .map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len());
            let head = "HTTP/1.1 200 OK\r\n\r\n".len() + lines.sum::<usize>();
            let body = response.text().await?;
            Ok(Answer {
                bytes: head + body.len(),
                body,
            })
        })
    }
}

/// The port is free again for the program; no other process is expected to take it meanwhile.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound")
}
