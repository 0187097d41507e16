//! The load: `wrk`, which sends the same request again and again, or one that differs by a number each time.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::process::Server;

/// The result of one run of the load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) a_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// The bytes of all responses with their heads, including those cut off at the end.
    pub(crate) bytes: f64,
}

/// The body as one request sends it.
pub(crate) fn once(body: &str) -> String {
    body.replace("{n}", "1000000000")
        .replace("{t}", "2001-09-09T01:46:40Z")
}

/// Sends the body for this time from this many clients. `{n}` in it is another number each time, and `{t}` another second.
pub(crate) fn load(server: &Server, body: &str, clients: usize, duration: Duration) -> Load {
    let script = script(body);
    let output = Command::new("wrk")
        .arg("--threads=1")
        .arg(format!("--connections={clients}"))
        .arg(format!("--duration={}s", duration.as_secs()))
        .arg("--timeout=30s")
        .arg("--script")
        .arg(&script)
        .arg(server.url())
        .output()
        .expect("wrk is installed: Debian has it as `wrk`");
    let printed = String::from_utf8_lossy(&output.stdout);
    let result = printed
        .lines()
        .find_map(|line| line.strip_prefix("result "))
        .unwrap_or_else(|| panic!("wrk printed no result: {printed}"));
    let numbers: Vec<f64> = result
        .split_whitespace()
        .map(|number| number.parse().expect("it is a number"))
        .collect();
    let [requests, microseconds, p50, p99, bytes, faults] = numbers[..] else {
        panic!("wrk printed {result}");
    };
    assert_eq!(faults, 0.0, "requests failed: {printed}");
    Load {
        requests,
        a_second: requests / microseconds * 1e6,
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
        bytes,
    }
}

/// More than one run can send, so that runs do not share numbers; the seconds of all runs are in the past.
const NUMBERS_OF_A_RUN: u64 = 1_000_000;

/// The number of loads so far.
static RUNS: AtomicU64 = AtomicU64::new(1);

fn script(body: &str) -> PathBuf {
    let path = crate::scratch("load.lua");
    let first = RUNS.fetch_add(1, Ordering::Relaxed) * NUMBERS_OF_A_RUN;
    let request = match once(body) == body {
        true => String::new(),
        false => "request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, (wrk.body
    :gsub('{n}', string.format('%d', n))
    :gsub('{t}', os.date('!%Y-%m-%dT%H:%M:%SZ', n))))
end
"
        .to_owned(),
    };
    let script = format!(
        "local n = {first}
wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
wrk.body = [==[{body}]==]
{request}
done = function(summary, latency, requests)
  local faults = summary.errors
  print(string.format('result %d %d %f %f %d %d', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.bytes,
    faults.connect + faults.read + faults.write + faults.status + faults.timeout))
end
"
    );
    fs::write(&path, script).expect("the build's folder can be written to");
    path
}
