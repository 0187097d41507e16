//! Measures how long one caller waits while 1,500 calls of another one are queued, and compares it with its wait alone.
//!
//! `cargo run --release --example fairness`

use std::{
    error::Error,
    ffi::OsString,
    io::Write,
    process::ExitCode,
    time::{Duration, Instant},
};

use deskgraph::{
    config::Config,
    sandbox::{Fault, FaultRule, Sandbox, SandboxOptions, credentials},
    start,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// How long the vendor takes for a call.
const VENDOR_DELAY_MS: u64 = 50;
/// The requests of the first caller, and the calls that each of them needs.
const REQUESTS: usize = 15;
const CALLS: usize = 100;
/// How many requests of the second caller are measured, one after the other.
const MEASURED: usize = 100;
const QUERY: &str = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let sandbox = Sandbox::start(SandboxOptions::default()).await?;
    let key = |name: &str| json!({ "name": name, "key": key_of(name), "scopes": ["read"] });
    let settings = [
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("FIRSTLINE__BASE_URL", sandbox.firstline_url()),
        ("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN.to_owned()),
        ("AUTH__MODE", "api_key".to_owned()),
        (
            "AUTH__API_KEYS",
            json!([key("first"), key("second")]).to_string(),
        ),
    ];
    let variables = settings.map(|(name, value)| {
        (
            OsString::from(format!("DESKGRAPH_{name}")),
            OsString::from(value),
        )
    });
    let gateway = start(Config::from_sources(None, variables)?).await?;
    let late = Fault::Delay {
        ms: VENDOR_DELAY_MS,
    };
    sandbox.firstline().add_fault(FaultRule::new("", late));
    let client = Client {
        url: format!("http://{}/graphql", gateway.address),
        http: reqwest::Client::builder().no_proxy().build()?,
        sandbox: &sandbox,
    };

    let alone = client.measure().await?;
    let flood = async {
        loop {
            join_all((0..REQUESTS).map(|_| client.send("first", CALLS))).await;
        }
    };
    let beside = tokio::select! {
        beside = client.measure() => beside?,
        () = flood => return Ok(ExitCode::FAILURE),
    };

    let mut out = std::io::stdout().lock();
    for (name, sample) in [("alone", &alone), ("beside 1,500 calls", &beside)] {
        let (median, p95) = (percentile(sample, 50), percentile(sample, 95));
        writeln!(out, "{name:20} median {median:6.1} ms   p95 {p95:6.1} ms")?;
    }
    let factor = percentile(&beside, 95) / percentile(&alone, 95);
    writeln!(out, "p95 beside / alone   {factor:.2}")?;
    Ok(match factor <= 2.0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

struct Client<'a> {
    url: String,
    http: reqwest::Client,
    sandbox: &'a Sandbox,
}

impl Client<'_> {
    /// How long each of the second caller's requests takes, in its order of length. Each needs one call.
    async fn measure(&self) -> Result<Vec<Duration>, reqwest::Error> {
        let mut sample = Vec::with_capacity(MEASURED);
        for _ in 0..MEASURED {
            let started_at = Instant::now();
            let answer = self.send("second", 1).await?;
            assert!(answer["data"]["nodes"][0].is_object(), "{answer}");
            sample.push(started_at.elapsed());
        }
        sample.sort_unstable();
        Ok(sample)
    }

    /// A request for so many new tickets.
    async fn send(&self, caller: &str, tickets: usize) -> Result<Value, reqwest::Error> {
        let id = |_| {
            let number = self.sandbox.firstline_insert_ticket(json!({}));
            format!("firstline:Ticket:{number}")
        };
        let ids: Vec<String> = (0..tickets).map(id).collect();
        let request = self.http.post(&self.url).bearer_auth(key_of(caller));
        let body = json!({ "query": QUERY, "variables": { "ids": ids } });
        request.json(&body).send().await?.json().await
    }
}

fn key_of(caller: &str) -> String {
    format!("{caller}-{}", "k".repeat(40))
}

fn percentile(sample: &[Duration], percent: usize) -> f64 {
    let index = (sample.len() * percent / 100).min(sample.len().saturating_sub(1));
    sample
        .get(index)
        .map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
}
