//! The simulated vendors, called as the gateway calls them.

mod bangwo8;
mod faults;
mod firstline;
mod firstline_tickets;

use std::collections::{BTreeMap, BTreeSet};

use deskgraph::sandbox::{Sandbox, SandboxOptions, credentials};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// A Tuesday, 15:30 in Taipei and Shanghai.
const NOW: &str = "2026-03-10T07:30:00Z";

fn options() -> SandboxOptions {
    SandboxOptions {
        now: Some(NOW.parse().expect("the constant is a timestamp")),
        ..SandboxOptions::default()
    }
}

/// A running sandbox and a client of it.
struct Desk {
    sandbox: Sandbox,
    client: Client,
}

impl Desk {
    async fn open() -> Self {
        // Another test of this process may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            sandbox: Sandbox::start(options())
                .await
                .expect("loopback has a free port"),
            client: Client::new(),
        }
    }

    fn firstline(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.sandbox.firstline_url()))
            .bearer_auth(credentials::FIRSTLINE_TOKEN)
    }

    fn bangwo8(&self, path: &str) -> RequestBuilder {
        self.client
            .get(format!("{}{path}", self.sandbox.bangwo8_url()))
            .basic_auth(
                credentials::BANGWO8_ACCOUNT,
                Some(credentials::BANGWO8_PASSWORD),
            )
    }

    async fn firstline_get(&self, path: &str) -> Value {
        read(send(self.firstline(Method::GET, path)).await).await
    }

    async fn bangwo8_get(&self, path: &str) -> Value {
        read(send(self.bangwo8(path)).await).await
    }

    async fn write(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let response = send(self.firstline(method, path).json(&body)).await;
        let status = response.status().as_u16();
        let text = response.text().await.expect("the answer is whole");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Every item of a FirstLine list.
    async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        for page in 1.. {
            let separator = if path.contains('?') { '&' } else { '?' };
            let envelope = self
                .firstline_get(&format!("{path}{separator}per_page=100&page={page}"))
                .await;
            items.extend(array(&envelope["data"]).iter().cloned());
            if envelope["meta"]["last_page"] == page {
                break;
            }
        }
        items
    }

    async fn total(&self, path: &str) -> u64 {
        let envelope = self.firstline_get(path).await;
        envelope["meta"]["total"]
            .as_u64()
            .expect("a total is a number")
    }

    async fn all_bangwo8_records(&self) -> Vec<Value> {
        let envelope = self
            .bangwo8_get("/api/v1/remoterecord/histories.json?per_page=500")
            .await;
        array(&envelope["remoterecords"]).to_vec()
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("the sandbox answers")
}

async fn read(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK, "{}", response.url());
    response.json().await.expect("the response is JSON")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("this field is an array")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    let fields = value.as_object().expect("this is an object");
    fields.keys().map(String::as_str).collect()
}

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

#[tokio::test]
async fn the_same_seed_and_clock_give_the_same_data() {
    let (first, second) = (Desk::open().await, Desk::open().await);
    for path in [
        "/api/v1/interact-collection",
        "/api/v1/ticket",
        "/api/v1/employee",
    ] {
        let path = format!("{path}?per_page=100");
        assert_eq!(
            first.firstline_get(&path).await,
            second.firstline_get(&path).await
        );
    }
    for path in [
        "/api/v1/remoterecord/histories.json",
        "/api/v1/supports.json",
    ] {
        assert_eq!(
            first.bangwo8_get(path).await,
            second.bangwo8_get(path).await
        );
    }

    let other = Sandbox::start(SandboxOptions {
        seed: 7,
        ..options()
    })
    .await
    .expect("loopback has a free port");
    let other = Desk {
        sandbox: other,
        client: Client::new(),
    };
    assert_ne!(
        first.firstline_get("/api/v1/ticket").await,
        other.firstline_get("/api/v1/ticket").await
    );
}

#[tokio::test]
async fn the_data_has_the_size_and_variety_of_two_months() {
    let desk = Desk::open().await;

    let records = desk.all("/api/v1/interact-collection").await;
    assert!(records.len() >= 400);
    let channels: BTreeSet<&str> = records
        .iter()
        .flat_map(|record| array(&record["logs"]))
        .filter_map(|log| log["provider_type"].as_str())
        .collect();
    assert!(channels.is_superset(&set(&[
        "App\\LivechatContentProvider",
        "App\\LineContentProvider",
        "App\\FbContentProvider",
        "App\\PhoneContentProvider",
        "App\\MailContentProvider",
        "App\\OnlineConfigProvider",
        "App\\KioskContentProvider",
    ])));
    let counts: BTreeSet<usize> = records
        .iter()
        .map(|record| array(&record["logs"]).len())
        .collect();
    assert!(counts.is_superset(&BTreeSet::from([0, 1, 2])));
    assert!(records.iter().any(|record| record["handler_id"].is_null()));
    let all_logs = records.iter().flat_map(|record| array(&record["logs"]));
    assert!(all_logs.clone().all(|log| log["service_end_at"].is_null()
        || log["service_end_at"].as_str() >= log["service_start_at"].as_str()));
    assert!(
        records
            .iter()
            .any(|record| record["acw_at"].is_null() && !record["last_finished_at"].is_null())
    );
    assert!(
        records
            .iter()
            .any(|record| record["last_finished_at"].is_null()
                && !record["first_start_service_at"].is_null())
    );
    assert!(
        records
            .iter()
            .any(|record| record["created_at"].as_str() > record["first_enter_queue_at"].as_str())
    );
    let morning = records
        .iter()
        .filter_map(|record| record["first_enter_queue_at"].as_str())
        .filter(|at| ("09"..="11").contains(&&at[11..13]))
        .count();
    assert!(morning * 5 > records.len(), "{morning} came in the morning");

    let tickets = desk.all("/api/v1/ticket").await;
    assert!(tickets.len() >= 300);
    for name in ["status", "priority"] {
        let codes: BTreeSet<i64> = tickets
            .iter()
            .filter_map(|ticket| ticket[name].as_i64())
            .collect();
        assert_eq!(codes, BTreeSet::from([0, 1, 2, 3]), "{name}");
    }
    assert!(tickets.iter().any(|ticket| ticket["due_at"].is_null()));
    let now = "2026-03-10 15:30:00";
    assert!(
        tickets
            .iter()
            .any(|ticket| ticket["due_at"].as_str().is_some_and(|due| due > now))
    );
    assert!(
        tickets
            .iter()
            .any(|ticket| ticket["due_at"].as_str().is_some_and(|due| due < now))
    );

    let employees = desk.all("/api/v1/employee").await;
    assert_eq!(employees.len(), 40);
    let listed: BTreeSet<i64> = employees
        .iter()
        .filter_map(|employee| employee["id"].as_i64())
        .collect();
    assert!(
        records.iter().any(|record| record["handler_id"]
            .as_i64()
            .is_some_and(|id| !listed.contains(&id) && record["handler"].is_object())),
        "records still refer to an employee who left"
    );

    let remote = desk.all_bangwo8_records().await;
    assert!(remote.len() >= 400);
    let statuses: BTreeSet<i64> = remote
        .iter()
        .filter_map(|record| record["csStat"].as_i64())
        .collect();
    assert_eq!(statuses, BTreeSet::from([0, 1, 2, 3, 4, 5, 9]));
    let scores: BTreeSet<i64> = remote
        .iter()
        .filter_map(|record| record["commentScore"].as_i64())
        .collect();
    assert_eq!(scores, BTreeSet::from([0, 1, 3, 5]));
    assert!(remote.iter().any(|record| record["csPrice"].is_string()));
    assert!(
        remote
            .iter()
            .any(|record| record["ptThird"] == 0 && record["ptId"] != 0)
    );

    let agents = desk.bangwo8_get("/api/v1/supports.json").await;
    let agents = array(&agents["supports"]);
    assert_eq!(agents.len(), 40);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for agent in agents {
        *names
            .entry(agent["name"].as_str().unwrap_or_default())
            .or_default() += 1;
    }
    assert!(names.values().any(|count| *count == 2));
    assert!(remote.iter().any(|record| record["csServicerId"] == 299));
    assert!(
        agents
            .iter()
            .all(|agent| agent["sId"] != 299 && agent["password"].is_string())
    );
}

#[tokio::test]
async fn conversations_have_0_to_250_messages() {
    let desk = Desk::open().await;
    let records = desk.all("/api/v1/interact-collection").await;
    let lengths: BTreeSet<usize> = records
        .iter()
        .flat_map(|record| array(&record["logs"]))
        .filter_map(|log| log["provider"]["message"].as_array())
        .map(Vec::len)
        .collect();
    assert!(lengths.contains(&0));
    assert_eq!(lengths.last(), Some(&250));

    let mut longest = 0;
    for record in desk.all_bangwo8_records().await {
        let id = &record["csId"];
        let chat = desk
            .bangwo8_get(&format!(
                "/api/v1/remoterecord/chatrecords/{id}.json?per_page=1"
            ))
            .await;
        let count = chat["count"].as_u64().unwrap_or_default();
        assert_eq!(record["ChatRecord"] == 1, count > 0);
        longest = longest.max(count);
    }
    assert_eq!(longest, 250);
}
