//! Sends every kind of request to a gateway while its vendors fail at random, for an hour or a number of seconds, and reports
//! wrong responses and growth of memory and tasks.
//!
//! `cargo run --release --example soak -- 600`

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsString,
    fs,
    io::Write,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deskgraph::{
    Running, StartOptions, VendorChecks,
    config::Config,
    sandbox::{Fault, FaultRule, Sandbox, SandboxOptions, VendorControl, credentials},
    start_with,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

const AN_HOUR: Duration = Duration::from_secs(3600);
/// Concurrent clients; each sends its next query when it has a response.
const CLIENTS: u64 = 8;
/// The soak's own objects of each vendor, whose contents are known.
const OBJECTS: i64 = 40;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
const VENDOR_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The longest time of a response: the request's deadline, and what a busy machine adds.
pub(crate) const LONGEST: Duration = Duration::from_secs(12);
/// The longest time until the gateway uses a vendor again that has recovered.
const RECOVERY: Duration = Duration::from_secs(75);
/// On a busy machine a call may fail without a fault, so a query is sent up to this many times before that counts.
const TRIES_WITHOUT_FAULTS: u32 = 5;
/// The growth of memory that the allocator and the cache may cause.
const SLACK_KIB: u64 = 64 * 1024;
/// Idle connections are tasks too, on both sides.
const IDLE_TASKS: usize = 200;
/// How many wrong responses are printed.
const SHOWN: usize = 10;

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    /// How many of them reported a vendor's failure: without any the run proves nothing.
    pub(crate) with_failures: u64,
    pub(crate) writes: u64,
    pub(crate) wrong: u64,
    /// The first of them.
    pub(crate) shown: Vec<String>,
    pub(crate) longest: Duration,
    pub(crate) start: Footprint,
    pub(crate) end: Footprint,
}

impl Report {
    pub(crate) fn tasks_are_flat(&self) -> bool {
        self.end.tasks <= self.start.tasks + IDLE_TASKS
    }

    /// Only meaningful in a process that does nothing else.
    fn memory_is_flat(&self) -> bool {
        let grown = self.end.memory_kib.zip(self.start.memory_kib);
        grown.is_none_or(|(end, start)| end <= start + SLACK_KIB)
    }
}

/// What the process uses while it is idle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    /// None if the system does not report it.
    pub(crate) memory_kib: Option<u64>,
    pub(crate) tasks: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let duration = match std::env::args().nth(1) {
        Some(seconds) => Duration::from_secs(seconds.parse()?),
        None => AN_HOUR,
    };
    let report = run(duration).await?;

    let memory = |footprint: Footprint| match footprint.memory_kib {
        Some(kib) => format!("{} MiB", kib / 1024),
        None => "unknown".to_owned(),
    };
    let mut out = std::io::stdout().lock();
    for wrong in &report.shown {
        writeln!(out, "wrong: {wrong}")?;
    }
    writeln!(out, "requests         {}", report.requests)?;
    writeln!(out, "  with failures  {}", report.with_failures)?;
    writeln!(out, "  writes         {}", report.writes)?;
    writeln!(out, "wrong responses  {}", report.wrong)?;
    writeln!(out, "longest response {} ms", report.longest.as_millis())?;
    writeln!(out, "memory at start  {}", memory(report.start))?;
    writeln!(out, "memory at end    {}", memory(report.end))?;
    writeln!(out, "tasks at start   {}", report.start.tasks)?;
    writeln!(out, "tasks at end     {}", report.end.tasks)?;
    let is_success = report.wrong == 0
        && report.longest <= LONGEST
        && report.tasks_are_flat()
        && report.memory_is_flat();
    Ok(match is_success {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Sends every query once without faults, then random ones for this long with faults, then every query once more.
pub(crate) async fn run(duration: Duration) -> Result<Report, Box<dyn Error>> {
    let soak = Arc::new(Soak::open().await?);
    let until = Instant::now() + duration;

    soak.run_all_without_faults().await;
    let start = Footprint::take().await;

    let clients = (0..CLIENTS).map(|number| {
        let soak = soak.clone();
        tokio::spawn(async move { soak.send_until(until, number).await })
    });
    let clients: Vec<_> = clients.collect();
    soak.fail_at_random_until(until).await;
    for client in clients {
        client.await?;
    }

    soak.clear_faults();
    soak.wait_for_both_vendors().await;
    soak.run_all_without_faults().await;
    soak.check_that_no_ticket_was_created_twice().await;
    let end = Footprint::take().await;
    Ok(soak.report(start, end))
}

struct Soak {
    vendors: Sandbox,
    gateway: Running,
    client: reqwest::Client,
    queries: Vec<KnownQuery>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    requests: u64,
    with_failures: u64,
    writes: u64,
    wrong: u64,
    shown: Vec<String>,
    longest: Duration,
}

/// A query, and what is known of its response.
struct KnownQuery {
    name: String,
    query: String,
    variables: Value,
    known: Known,
}

enum Known {
    /// Only what is true of every response.
    Nothing,
    /// `data.nodes` are these objects in this order, each as it is here or null with an error.
    Nodes(Vec<Value>),
    /// `data.serviceRecords` has all of these of each vendor that did not fail, and none of one that did.
    PartOfEach { firstline: i64, bangwo8: i64 },
}

// Setting up

impl Soak {
    async fn open() -> Result<Self, Box<dyn Error>> {
        let vendors = Sandbox::start(SandboxOptions::default()).await?;
        // A small cache with short times to live, so that the vendors are called and fail.
        let settings = [
            ("LISTEN", "127.0.0.1:0".to_owned()),
            ("LIMITS__REQUEST_TIMEOUT_MS", millis(REQUEST_TIMEOUT)),
            ("CACHE__LIST_TTL_MS", "100".to_owned()),
            ("CACHE__ENTITY_TTL_MS", "100".to_owned()),
            ("CACHE__DIRECTORY_TTL_MS", "500".to_owned()),
            ("CACHE__STALE_MS", "1000".to_owned()),
            ("FIRSTLINE__BASE_URL", vendors.firstline_url()),
            (
                "FIRSTLINE__USERNAME",
                credentials::FIRSTLINE_USERNAME.to_owned(),
            ),
            (
                "FIRSTLINE__PASSWORD",
                credentials::FIRSTLINE_PASSWORD.to_owned(),
            ),
            ("FIRSTLINE__TIMEOUT_MS", millis(VENDOR_TIMEOUT)),
            ("BANGWO8__BASE_URL", vendors.bangwo8_url()),
            (
                "BANGWO8__CLIENT_ID",
                credentials::BANGWO8_CLIENT_ID.to_owned(),
            ),
            (
                "BANGWO8__CLIENT_SECRET",
                credentials::BANGWO8_CLIENT_SECRET.to_owned(),
            ),
            ("BANGWO8__TIMEOUT_MS", millis(VENDOR_TIMEOUT)),
        ];
        let variables = settings.map(|(name, value)| {
            let name = OsString::from(format!("DESKGRAPH_{name}"));
            (name, OsString::from(value))
        });
        let options = StartOptions {
            vendor_checks: VendorChecks::None,
            ..StartOptions::default()
        };
        let gateway = start_with(Config::from_sources(None, variables)?, options).await?;
        let mut soak = Self {
            vendors,
            gateway,
            client: reqwest::Client::builder().no_proxy().build()?,
            queries: Vec::new(),
            tally: Mutex::default(),
        };
        soak.queries = soak.queries().await?;
        Ok(soak)
    }

    /// The examples, and queries for objects whose contents are known.
    async fn queries(&self) -> Result<Vec<KnownQuery>, Box<dyn Error>> {
        let mut known = Vec::new();
        for number in 1..=OBJECTS {
            let text = format!("soaked {number}");
            let ticket = self.vendors.firstline_insert_ticket(
                json!({ "subject": text, "created_at": "2001-02-03 10:00:00" }),
            );
            known.push(json!({ "id": format!("firstline:Ticket:{ticket}"), "subject": text }));

            let at = format!("2001-02-03 10:{number:02}:00");
            let record = json!({ "csBTime": at, "ProblemSolution": text });
            let record = self.vendors.bangwo8_insert_record(record);
            let id = format!("bangwo8:ServiceRecord:{record}@2001-02-03");
            known.push(json!({ "id": id, "solution": text }));

            let record = json!({ "created_at": at, "memo": text });
            let record = self.vendors.firstline_insert_record(record);
            known.push(json!({ "id": format!("firstline:ServiceRecord:{record}"), "memo": text }));
        }

        let values = self.values(&known).await;
        let mut queries = examples(&values)?;
        let id = |node: &Value| node["id"].clone();
        for (number, nodes) in known.chunks(10).enumerate() {
            queries.push(KnownQuery {
                name: format!("known objects {number}"),
                query: "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Ticket { subject }
                    ... on ServiceRecord { vendor memo solution } } }"
                    .to_owned(),
                variables: json!({ "ids": nodes.iter().map(id).collect::<Vec<_>>() }),
                known: Known::Nodes(nodes.to_vec()),
            });
        }
        queries.push(KnownQuery {
            name: "known records of both vendors".to_owned(),
            query: "query ($filter: ServiceRecordFilter) { serviceRecords(first: 100, filter: $filter) {
                nodes { id vendor memo solution } sources { vendor state error { code message retryable } } } }"
                .to_owned(),
            variables: json!({ "filter": { "from": "2001-02-03T00:00:00+08:00", "to": "2001-02-03T23:59:59+08:00" } }),
            known: Known::PartOfEach {
                firstline: OBJECTS,
                bangwo8: OBJECTS,
            },
        });
        Ok(queries)
    }

    /// The values of the examples' placeholders.
    async fn values(&self, known: &[Value]) -> BTreeMap<&'static str, String> {
        let of_kind = |kind: &str| {
            let id = known.iter().filter_map(|node| node["id"].as_str());
            let mut of_kind = id.filter(|id| id.starts_with(kind));
            of_kind.next().unwrap_or_default().to_owned()
        };
        let contact = self.vendors.firstline_insert_contact(json!({}));
        let employee = self.vendors.firstline_insert_employee(json!({}));
        let categories = self
            .answer("{ categories { nodes { id } } }", json!({}))
            .await;
        let category = &categories.1["data"]["categories"]["nodes"][0]["id"];
        BTreeMap::from([
            ("$FIRSTLINE_RECORD", of_kind("firstline:ServiceRecord")),
            ("$CUSTOM_FIELD", "3".to_owned()),
            (
                "$FIRSTLINE_EMPLOYEE",
                format!("firstline:Employee:{employee}"),
            ),
            ("$BANGWO8_RECORD", of_kind("bangwo8:ServiceRecord")),
            ("$TICKET", of_kind("firstline:Ticket")),
            (
                "$CATEGORY",
                category.as_str().unwrap_or_default().to_owned(),
            ),
            ("$CONTACT", format!("firstline:Contact:{contact}")),
            ("$SEARCH", "soaked 7".to_owned()),
            ("$TODAY", "2001-02-04".to_owned()),
            ("$WEEK_AGO", "2001-02-01".to_owned()),
            ("$DAY_START", "2001-02-03T00:00:00+08:00".to_owned()),
            ("$DAY_END", "2001-02-03T23:59:59+08:00".to_owned()),
            ("$WEEK_START", "2001-02-01T00:00:00+08:00".to_owned()),
        ])
    }
}

/// The example queries that only read.
fn examples(values: &BTreeMap<&str, String>) -> Result<Vec<KnownQuery>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/queries");
    let mut queries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let query = fs::read_to_string(&path)?;
        if query.lines().any(|line| line.starts_with("mutation")) {
            continue;
        }
        let variables = query
            .lines()
            .find_map(|line| line.strip_prefix("# variables: "));
        let mut variables = variables.unwrap_or("{}").to_owned();
        for (placeholder, value) in values {
            variables = variables.replace(&format!("\"{placeholder}\""), &json!(value).to_string());
        }
        queries.push(KnownQuery {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            query,
            variables: serde_json::from_str(&variables)?,
            known: Known::Nothing,
        });
    }
    Ok(queries)
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

// Sending requests

impl Soak {
    async fn send_until(&self, until: Instant, client: u64) {
        let mut dice = Dice::new(client + 1);
        let mut round = 0;
        while Instant::now() < until {
            round += 1;
            match dice.roll(10) {
                0 => self.write(&format!("{client}-{round}")).await,
                _ => {
                    let which = dice.roll(self.queries.len() as u64) as usize;
                    self.execute(&self.queries[which]).await;
                }
            }
        }
    }

    /// Every client sends every query, without faults: all responses are complete.
    async fn run_all_without_faults(&self) {
        for known_query in &self.queries {
            for tries_left in (0..TRIES_WITHOUT_FAULTS).rev() {
                let pending = (0..CLIENTS).map(|_| self.execute(known_query));
                let answers = join_all(pending).await;
                let Some(failed) = answers.iter().find(|answer| has_failure(answer)) else {
                    break;
                };
                if tries_left == 0 {
                    let fault = "a failure without a fault".to_owned();
                    self.note_errors(&known_query.name, vec![fault], failed);
                }
            }
        }
        self.write(&format!("without faults {:?}", Instant::now()))
            .await;
    }

    async fn execute(&self, known_query: &KnownQuery) -> Value {
        let (status, answer) = self
            .answer(&known_query.query, known_query.variables.clone())
            .await;
        let mut faults = errors_in(status, &answer);
        match &known_query.known {
            Known::Nothing => {}
            Known::Nodes(expected) => faults.extend(errors_in_nodes(expected, &answer)),
            Known::PartOfEach { firstline, bangwo8 } => {
                faults.extend(errors_in_parts(*firstline, *bangwo8, &answer));
            }
        }
        self.note_errors(&known_query.name, faults, &answer);
        answer
    }

    /// Creates, updates and deletes a ticket, as far as the vendor works.
    async fn write(&self, name: &str) {
        let subject = format!("written {name}");
        let create = "mutation ($input: CreateTicketInput!) { createTicket(input: $input) {
            ticket { id subject } userErrors { code } } }";
        let input = json!({ "subject": subject, "content": "c", "idempotencyKey": subject });
        let Some(made) = self.change(create, "createTicket", &input).await else {
            // A second request with the same key must not create a second ticket.
            self.change(create, "createTicket", &input).await;
            return;
        };
        self.expect(&made["ticket"]["subject"], &json!(subject), &made);

        let id = &made["ticket"]["id"];
        let update = "mutation ($input: UpdateTicketInput!) { updateTicket(input: $input) {
            ticket { id statusMemo } userErrors { code } } }";
        let input = json!({ "id": id, "statusMemo": subject });
        if let Some(updated) = self.change(update, "updateTicket", &input).await {
            let expected = json!({ "id": id, "statusMemo": subject });
            self.expect(&updated["ticket"], &expected, &updated);
        }

        let delete = "mutation ($input: DeleteTicketInput!) { deleteTicket(input: $input) {
            deletedId userErrors { code } } }";
        if let Some(deleted) = self
            .change(delete, "deleteTicket", &json!({ "id": id }))
            .await
        {
            self.expect(&deleted["deletedId"], id, &deleted);
        }
    }

    /// A mutation's payload; none if it failed.
    async fn change(&self, mutation: &str, field: &str, input: &Value) -> Option<Value> {
        let (status, answer) = self.answer(mutation, json!({ "input": input })).await;
        self.tally().writes += 1;
        self.note_errors(field, errors_in(status, &answer), &answer);
        Some(answer["data"][field].clone()).filter(Value::is_object)
    }

    fn expect(&self, actual: &Value, expected: &Value, answer: &Value) {
        let is_other = actual != expected;
        let faults = is_other.then(|| format!("{actual} instead of {expected}"));
        self.note_errors("a write", faults.into_iter().collect(), answer);
    }

    async fn check_that_no_ticket_was_created_twice(&self) {
        let query = "query ($after: String) { tickets(first: 100, after: $after, filter: { search: \"written\" }) {
            nodes { subject } pageInfo { endCursor hasNextPage } } }";
        let mut subjects: BTreeMap<String, u32> = BTreeMap::new();
        let mut after = Value::Null;
        loop {
            let (_, answer) = self.answer(query, json!({ "after": after })).await;
            let list = &answer["data"]["tickets"];
            for node in list["nodes"].as_array().into_iter().flatten() {
                *subjects.entry(node["subject"].to_string()).or_default() += 1;
            }
            after = list["pageInfo"]["endCursor"].clone();
            if list["pageInfo"]["hasNextPage"] != true {
                break;
            }
        }
        for (subject, count) in subjects.into_iter().filter(|(_, count)| *count > 1) {
            let fault = format!("{subject} was created {count} times");
            self.note_errors("a write", vec![fault], &Value::Null);
        }
    }

    /// The status and the response; a status of 0 if there was none.
    async fn answer(&self, query: &str, variables: Value) -> (u16, Value) {
        let started = Instant::now();
        let sent = self
            .client
            .post(format!("http://{}/graphql", self.gateway.address))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await;
        let (status, answer) = match sent {
            Ok(response) => (
                response.status().as_u16(),
                response.json().await.unwrap_or(Value::Null),
            ),
            Err(_) => (0, Value::Null),
        };
        let mut tally = self.tally();
        tally.requests += 1;
        tally.with_failures += u64::from(has_failure(&answer));
        tally.longest = tally.longest.max(started.elapsed());
        (status, answer)
    }

    fn note_errors(&self, name: &str, faults: Vec<String>, answer: &Value) {
        if faults.is_empty() {
            return;
        }
        let mut tally = self.tally();
        tally.wrong += 1;
        if tally.shown.len() < SHOWN {
            tally
                .shown
                .push(format!("{name}: {}: {answer}", faults.join("; ")));
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, start: Footprint, end: Footprint) -> Report {
        let tally = self.tally();
        Report {
            requests: tally.requests,
            with_failures: tally.with_failures,
            writes: tally.writes,
            wrong: tally.wrong,
            shown: tally.shown.clone(),
            longest: tally.longest,
            start,
            end,
        }
    }
}

// Checking responses

/// The errors in a response. Every response is a GraphQL response, a field that failed has an error at its path, each error is
/// a vendor's and has every extension of the contract, and none is the gateway's own.
fn errors_in(status: u16, answer: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if status != 200
        || !answer["data"].is_object() && answer["errors"].as_array().is_none_or(Vec::is_empty)
    {
        faults.push(format!("the status is {status}"));
    }

    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    for error in errors {
        let extensions = &error["extensions"];
        let is_of_a_vendor = matches!(
            extensions["code"].as_str(),
            Some(
                "UPSTREAM_TIMEOUT"
                    | "UPSTREAM_UNAVAILABLE"
                    | "UPSTREAM_CONTRACT"
                    | "UPSTREAM_REJECTED"
                    | "OUTCOME_UNKNOWN"
            )
        );
        let is_loaded = extensions["vendor"].is_string()
            && extensions["vendorCode"].is_string()
            && extensions["retryable"].is_boolean();
        if !is_of_a_vendor || !is_loaded {
            faults.push(format!("an error of no vendor: {error}"));
        }
        if !is_null_at(&answer["data"], &error["path"]) {
            faults.push(format!("data beside its error: {error}"));
        }
    }

    for (field, value) in answer["data"].as_object().into_iter().flatten() {
        let is_loaded = errors.iter().any(|error| error["path"][0] == *field);
        if value.is_null() && !is_loaded {
            faults.push(format!("{field} is null without an error"));
        }
        for source in value["sources"].as_array().into_iter().flatten() {
            let has_failed = source["state"] == "FAILED";
            if source.get("error").is_some() && has_failed && source["error"].is_null() {
                faults.push(format!("a failed source without an error: {source}"));
            }
        }
    }
    faults
}

/// Whether the value at a path is null, or its nearest ancestor.
fn is_null_at(data: &Value, path: &Value) -> bool {
    let mut value = data;
    for step in path.as_array().into_iter().flatten() {
        let next = match step.as_u64() {
            Some(index) => value.get(index as usize),
            None => value.get(step.as_str().unwrap_or_default()),
        };
        match next {
            Some(next) => value = next,
            None => break,
        }
    }
    value.is_null()
}

fn errors_in_nodes(expected: &[Value], answer: &Value) -> Vec<String> {
    let nodes = answer["data"]["nodes"].as_array();
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    if nodes.map(Vec::len) != Some(expected.len()) {
        return vec!["not as many nodes as ids".to_owned()];
    }
    let mut faults = Vec::new();
    for (index, (node, expected)) in nodes.into_iter().flatten().zip(expected).enumerate() {
        let has_error = errors
            .iter()
            .any(|error| error["path"][0] == "nodes" && error["path"][1] == index);
        let is_it = || {
            let fields = expected.as_object().into_iter().flatten();
            fields.into_iter().all(|(name, value)| node[name] == *value)
        };
        if node.is_null() != has_error || !node.is_null() && !is_it() {
            faults.push(format!("{node} instead of {expected}"));
        }
    }
    faults
}

fn errors_in_parts(firstline: i64, bangwo8: i64, answer: &Value) -> Vec<String> {
    let list = &answer["data"]["serviceRecords"];
    if list.is_null() {
        // Both vendors failed; the missing error was reported above.
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (vendor, held) in [("FIRSTLINE", firstline), ("BANGWO8", bangwo8)] {
        let sources = list["sources"].as_array().into_iter().flatten();
        let mut states = sources
            .filter(|source| source["vendor"] == vendor)
            .filter_map(|source| source["state"].as_str());
        let expected = match states.next() {
            Some("FRESH" | "CACHED" | "STALE") => held,
            Some("FAILED") => 0,
            other => {
                faults.push(format!("{vendor} is {other:?}"));
                continue;
            }
        };
        let nodes = list["nodes"].as_array().into_iter().flatten();
        let there = nodes.filter(|node| node["vendor"] == vendor);
        let known = there.clone().all(|node| {
            let text = if vendor == "FIRSTLINE" {
                &node["memo"]
            } else {
                &node["solution"]
            };
            text.as_str()
                .is_some_and(|text| text.starts_with("soaked "))
        });
        let count = there.count() as i64;
        if count != expected || !known {
            faults.push(format!("{vendor} has {count} of {expected} records"));
        }
    }
    let errors = answer["errors"].as_array().map_or(0, Vec::len);
    if errors > 0 {
        faults.push("an error beside a part with data".to_owned());
    }
    faults
}

fn has_failure(answer: &Value) -> bool {
    let is_failed = |source: &Value| source["state"] == "FAILED" || source["state"] == "STALE";
    let fields = answer["data"].as_object().into_iter().flatten();
    let mut sources =
        fields.flat_map(|(_, field)| field["sources"].as_array().into_iter().flatten());
    answer.get("errors").is_some() || sources.any(is_failed)
}

// Faults of the vendors

impl Soak {
    /// Often a few calls fail, and sometimes all calls do for two seconds.
    async fn fail_at_random_until(&self, until: Instant) {
        let mut dice = Dice::new(7);
        while Instant::now() < until {
            let is_outage = dice.roll(40) == 0;
            let rule = match is_outage {
                true => FaultRule::new("/api/", random_fault(&mut dice)),
                false => {
                    let calls = 1 + dice.roll(4) as u32;
                    FaultRule::new("/api/", random_fault(&mut dice)).times(calls)
                }
            };
            match dice.roll(2) {
                0 => self.vendors.firstline().add_fault(rule),
                _ => self.vendors.bangwo8().add_fault(rule),
            }
            let lasts = match is_outage {
                true => Duration::from_secs(2),
                false => Duration::from_millis(50 + dice.roll(200)),
            };
            sleep(lasts.min(until.saturating_duration_since(Instant::now()))).await;
            self.clear_faults();
        }
    }

    fn clear_faults(&self) {
        calm(self.vendors.firstline());
        calm(self.vendors.bangwo8());
    }

    /// Waits until the gateway uses both vendors again, first without a request to them. A rejected login is retried after a
    /// minute.
    async fn wait_for_both_vendors(&self) {
        let until = Instant::now() + RECOVERY;
        let is_up = |vendor: &Value| vendor["circuit"] == "CLOSED" && vendor["state"] != "DOWN";
        let answers = |source: &Value| matches!(source["state"].as_str(), Some("FRESH" | "CACHED"));
        let vendors = ("{ vendors { circuit state } }", "/data/vendors");
        let sources = (
            "{ serviceRecords(first: 1) { sources { state } } }",
            "/data/serviceRecords/sources",
        );

        if self.all(until, vendors, is_up).await && self.all(until, sources, answers).await {
            return;
        }
        let fault = "a recovered vendor is not called again".to_owned();
        self.note_errors("the end", vec![fault], &Value::Null);
    }

    /// Sends the query until the condition holds for all values at the path, or the time is over.
    async fn all(
        &self,
        until: Instant,
        (query, place): (&str, &str),
        is_true: impl Fn(&Value) -> bool,
    ) -> bool {
        while Instant::now() < until {
            let (_, answer) = self.answer(query, json!({})).await;
            let found = answer.pointer(place).and_then(Value::as_array);
            if found.is_some_and(|found| found.iter().all(&is_true)) {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        false
    }
}

/// Clears the faults, and the logged requests, which would use memory.
fn calm<Switches: Clone>(vendor: &VendorControl<Switches>) {
    vendor.clear_faults();
    vendor.clear_requests();
}

fn random_fault(dice: &mut Dice) -> Fault {
    let status = |code| Fault::Status {
        code,
        body: "{}".to_owned(),
        headers: BTreeMap::new(),
    };
    match dice.roll(12) {
        0 => Fault::Delay { ms: 200 },
        1 => Fault::Delay { ms: 10_000 },
        2 => status(500),
        3 => status(503),
        4 => Fault::HtmlError { code: 502 },
        5 => Fault::CloseBeforeHead,
        6 => Fault::CloseAfterWork,
        7 => Fault::ResetConnection,
        8 => Fault::HangInBody,
        9 => Fault::TruncatedBody,
        10 => Fault::NotJson,
        _ => status(401),
    }
}

/// Pseudo-random numbers, the same in each run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

impl Footprint {
    /// Waits for the request timeout first, so that no request is in flight.
    async fn take() -> Self {
        sleep(REQUEST_TIMEOUT).await;
        Self {
            memory_kib: resident_kib(),
            tasks: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
        }
    }
}

fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
