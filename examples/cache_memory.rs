//! Sends 100,000 different tickets through a cache of 64 MiB, and prints the memory of the process.
//!
//! `cargo run --release --example cache_memory`

use std::{error::Error, ffi::OsString, fs, io::Write};

use axum::{Json, Router, extract::Query, routing::get};
use deskgraph::{config::Config, start};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const TICKETS: u64 = 100_000;
const PAGE: u64 = 100;
const CACHE_BYTES: u64 = 64 << 20;
const BOUND_MIB: u64 = 160;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let vendor = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/api/v1/ticket", get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let settings = [
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("FIRSTLINE__BASE_URL", vendor),
        ("FIRSTLINE__TOKEN", "made-up".to_owned()),
        ("CACHE__MAX_BYTES", CACHE_BYTES.to_string()),
        ("CACHE__LIST_TTL_MS", "600000".to_owned()),
        ("CACHE__ENTITY_TTL_MS", "600000".to_owned()),
    ];
    let variables = settings.map(|(name, value)| {
        (
            OsString::from(format!("DESKGRAPH_{name}")),
            OsString::from(value),
        )
    });
    let gateway = start(Config::from_sources(None, variables)?).await?;
    let url = format!("http://{}/graphql", gateway.address);
    let client = reqwest::Client::builder().no_proxy().build()?;

    let query = "query Page($after: String) { tickets(first: 100, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }";
    let mut after = Value::Null;
    let mut given = 0;
    loop {
        let body = json!({"query": query, "variables": {"after": after}});
        let mut answer: Value = client.post(&url).json(&body).send().await?.json().await?;
        let page = &mut answer["data"]["tickets"];
        given += page["nodes"].as_array().map_or(0, Vec::len);
        after = page["pageInfo"]["endCursor"].take();
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }

    let peak = peak_mib()?;
    writeln!(
        std::io::stdout(),
        "{given} tickets through a cache of {} MiB: the process took {peak} MiB at most (bound: {BOUND_MIB} MiB)",
        CACHE_BYTES >> 20
    )?;
    gateway.stop().await?;
    if peak > BOUND_MIB {
        return Err("that is above the bound".into());
    }
    Ok(())
}

#[derive(Deserialize)]
struct PageRequest {
    page: u64,
    per_page: u64,
}

/// A page of a list of generated tickets, newest first.
async fn page(Query(request): Query<PageRequest>) -> Json<Value> {
    let size = request.per_page.min(PAGE);
    let first = (request.page - 1) * size;
    let tickets: Vec<Value> = (first..TICKETS.min(first + size))
        .map(|index| ticket(TICKETS - index))
        .collect();
    Json(json!({
        "data": tickets,
        "meta": {"current_page": request.page, "per_page": size, "total": TICKETS, "last_page": TICKETS.div_ceil(size)},
    }))
}

fn ticket(id: u64) -> Value {
    let employee = json!({
        "id": id % 40 + 1, "name": format!("agent {}", id % 40), "employee_no": "no", "extension_id": -1,
        "group_id": 1, "group": {"id": 1, "name": "desk", "supervisor_id": 2},
    });
    // A ticket a minute, back from a fixed instant.
    let minute = id % 60;
    let hour = id / 60 % 24;
    let day = id / 1440;
    let created_at = jiff::civil::date(2024, 1, 1)
        .checked_add(jiff::Span::new().days(i64::try_from(day).unwrap_or(0)))
        .map(|date| format!("{date} {hour:02}:{minute:02}:00"))
        .unwrap_or_default();
    json!({
        "id": id, "subject": format!("subject of ticket {id}"), "content": "what the customer said, at some length. ".repeat(8),
        "status": 0, "priority": 1, "created_at": created_at, "creater": employee, "handler": employee,
        "handler_id": id % 40 + 1, "category_id": 1, "category": {"id": 1, "name": "a kind"}, "interact_collections": [],
    })
}

/// The peak memory of the process.
fn peak_mib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .ok_or("no VmHWM in /proc/self/status")?;
    let kib: u64 = line
        .split_whitespace()
        .nth(1)
        .ok_or("VmHWM without a number")?
        .parse()?;
    Ok(kib / 1024)
}
