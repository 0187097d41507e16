//! The sandbox vendors, spoken to as the gateway speaks to them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deskgraph::sandbox::{
    AnswerShape, ArrayEncoding, Bangwo8Switches, ChannelBody, CountForm, DeleteAnswer, Fault,
    FaultRule, ListOrder, LoginAnswer, MethodSupport, Sandbox, SandboxOptions, SupportAnswer,
    UpdateSemantics, credentials,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

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
        // Another test of this process may have been first.
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
    response.json().await.expect("the answer is JSON")
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
async fn the_same_seed_and_now_give_the_same_answers() {
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
async fn the_data_is_as_large_and_as_varied_as_a_desk_of_two_months() {
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
        "somebody who left still stands in records"
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
async fn conversations_are_of_no_message_up_to_250() {
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

#[tokio::test]
async fn every_firstline_list_has_data_and_meta() {
    let desk = Desk::open().await;
    for path in [
        "interact-collection",
        "ticket",
        "employee",
        "sponsor",
        "ticket-termination-code",
        "category",
        "subcategory",
    ] {
        let envelope = desk.firstline_get(&format!("/api/v1/{path}")).await;
        assert_eq!(keys(&envelope), set(&["data", "meta"]), "{path}");
        let total = envelope["meta"]["total"].as_u64().unwrap_or_default();
        assert_eq!(
            envelope["meta"],
            json!({
                "current_page": 1, "from": 1, "last_page": total.div_ceil(15), "per_page": 15,
                "to": total.min(15), "total": total,
            }),
            "{path}"
        );
    }
}

#[tokio::test]
async fn per_page_is_told_as_a_string_when_it_was_sent_and_is_capped() {
    let desk = Desk::open().await;
    let two = desk.firstline_get("/api/v1/ticket?per_page=2").await;
    assert_eq!(two["meta"]["per_page"], "2");
    assert_eq!(array(&two["data"]).len(), 2);

    let many = desk.firstline_get("/api/v1/ticket?per_page=5000").await;
    assert_eq!(many["meta"]["per_page"], "100");
    assert_eq!(array(&many["data"]).len(), 100);

    let past = desk.firstline_get("/api/v1/ticket?page=999").await;
    assert_eq!(past["data"], json!([]));
    assert_eq!(past["meta"]["from"], Value::Null);

    desk.sandbox.firstline().change_switches(|switches| {
        switches.meta_in_lists = false;
        switches.links_in_lists = true;
    });
    let linked = desk.firstline_get("/api/v1/ticket?per_page=2").await;
    assert_eq!(keys(&linked), set(&["data", "links"]));
}

#[tokio::test]
async fn a_new_token_ends_the_previous_one() {
    let desk = Desk::open().await;
    let address = format!("{}/api/v1/auth", desk.sandbox.firstline_url());
    let login = json!({
        "name": credentials::FIRSTLINE_USERNAME,
        "password": credentials::FIRSTLINE_PASSWORD,
        "ttl": 30,
    });
    let me = |token: String| {
        let request = desk.client.get(format!("{address}/me")).bearer_auth(token);
        async move { send(request).await.status() }
    };
    let token = |answer: &Value| {
        answer["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    let first = read(send(desk.client.post(&address).json(&login)).await).await;
    assert_eq!(first["expires_in"], 1_800);
    assert_eq!(first["token_type"], "bearer");
    assert_eq!(me(token(&first)).await, 200);

    let second = read(send(desk.client.post(&address).json(&login)).await).await;
    assert_eq!(me(token(&first)).await, 401);
    assert_eq!(me(token(&second)).await, 200);
    assert_eq!(me(credentials::FIRSTLINE_TOKEN.to_owned()).await, 200);

    let third = read(send(desk.client.put(&address).bearer_auth(token(&second))).await).await;
    assert_eq!(third["expires_in"], 216_000);
    assert_eq!(me(token(&second)).await, 401);

    let renewal = desk.client.post(&address).bearer_auth(token(&third));
    let fourth = read(send(renewal.json(&json!({ "_method": "put" }))).await).await;
    assert_eq!(me(token(&third)).await, 401);

    let logout = desk
        .client
        .post(format!("{address}/logout"))
        .bearer_auth(token(&fourth));
    assert_eq!(
        read(send(logout).await).await,
        json!({ "message": "Successfully logged out" })
    );
    assert_eq!(me(token(&fourth)).await, 401);

    let fifth = read(send(desk.client.post(&address).json(&login)).await).await;
    desk.sandbox.firstline_expire_tokens();
    assert_eq!(me(token(&fifth)).await, 401);
    let refused = send(desk.client.put(&address).bearer_auth(token(&fifth))).await;
    assert_eq!(refused.status(), 401);
    let body: Value = refused.json().await.expect("the answer is JSON");
    assert_eq!(body, json!({ "message": "Unauthenticated." }));

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.login_answer = LoginAnswer::DataToken);
    let sixth = read(send(desk.client.post(&address).json(&login)).await).await;
    assert!(sixth["data"]["token"].is_string());

    let mut wrong = login.clone();
    wrong["password"] = "wrong".into();
    assert_eq!(
        send(desk.client.post(&address).json(&wrong)).await.status(),
        401
    );
    let empty = desk.client.post(&address).json(&json!({}));
    assert_eq!(send(empty).await.status(), 422);
}

#[tokio::test]
async fn a_record_that_is_wrapped_up_cannot_be_edited() {
    let desk = Desk::open().await;
    let locked = desk
        .sandbox
        .firstline_insert_record(json!({ "acw_at": "2026-03-09 10:00:00" }));
    let path = format!("/api/v1/interact-collection/{locked}");
    let message = json!({ "message": "This interact-collection has already been ACWed and cannot be edited." });

    let refused = desk.write(Method::PUT, &path, json!({ "memo": "x" })).await;
    assert_eq!(refused, (422, message.clone()));
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.acw_lock_status = 403);
    let refused = desk.write(Method::PUT, &path, json!({ "memo": "x" })).await;
    assert_eq!(refused, (403, message));
}

#[tokio::test]
async fn a_memo_has_600_characters_at_most() {
    let desk = Desk::open().await;
    let open = desk.sandbox.firstline_insert_record(json!({}));
    let path = format!("/api/v1/interact-collection/{open}");
    let columns = json!([{ "id": 4, "value": "123456" }, { "id": 18, "value": ["A", "B"] }]);

    let longest = "字".repeat(600);
    let body = json!({ "memo": longest, "cz_cols": columns });
    let (status, answer) = desk.write(Method::PUT, &path, body).await;
    assert_eq!(status, 200);
    let data = &answer["data"];
    assert_eq!(
        keys(data),
        set(&["id", "memo", "acw_at", "cz_cols", "updated_at"])
    );
    assert_eq!(data["memo"], Value::from(longest.clone()));
    assert_eq!(data["cz_cols"], columns);
    assert_eq!(
        desk.firstline_get(&path).await["memo"],
        Value::from(longest)
    );

    let (status, answer) = desk
        .write(Method::PUT, &path, json!({ "memo": "字".repeat(601) }))
        .await;
    assert_eq!(status, 422);
    assert!(answer["errors"]["memo"].is_array());
    let (status, answer) = desk
        .write(
            Method::PUT,
            &path,
            json!({ "cz_cols": [{ "id": "4", "value": "x" }] }),
        )
        .await;
    assert_eq!(status, 422);
    assert!(answer["errors"]["cz_cols.0.id"].is_array());
}

#[tokio::test]
async fn a_ticket_is_created_changed_in_part_and_deleted() {
    let desk = Desk::open().await;
    let body = json!({
        "subject": "標題", "content": "內容", "status": 2, "contact_id": 1, "sub_category_id": 21,
        "termination_code_id": 5, "handler_id": 3, "sponsor_id": 2, "due_at": "2026-03-12 18:00:00",
    });
    let (status, created) = desk.write(Method::POST, "/api/v1/ticket", body).await;
    assert_eq!(status, 201);
    let ticket = &created["data"];
    assert_eq!(ticket["priority"], 0);
    assert_eq!(ticket["category"]["name"], "訂單與配送");
    assert_eq!(ticket["sub_category"]["category"], ticket["category"]);
    assert_eq!(ticket["handler"]["id"], 3);
    assert!(ticket.get("creater").is_none() && ticket.get("interact_collections").is_none());
    assert!(
        ticket["created_at"]
            .as_str()
            .is_some_and(|at| at.starts_with("2026-03-10 15:3"))
    );

    let path = format!("/api/v1/ticket/{}", ticket["id"]);
    assert_eq!(&desk.firstline_get(&path).await, ticket);
    let (status, changed) = desk
        .write(
            Method::PUT,
            &path,
            json!({ "subject": "修改後的標題", "due_at": null, "handler_id": null }),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(changed["subject"], "修改後的標題");
    assert_eq!(changed["due_at"], Value::Null);
    assert_eq!(changed["handler"], Value::Null);
    assert_eq!(changed["status"], 2);
    assert_eq!(changed["content"], "內容");

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.update_semantics = UpdateSemantics::Replace);
    let (_, replaced) = desk
        .write(Method::PUT, &path, json!({ "subject": "三" }))
        .await;
    assert_eq!(
        (&replaced["status"], &replaced["sponsor"]),
        (&json!(0), &Value::Null)
    );

    let deleted = send(desk.firstline(Method::DELETE, &path)).await;
    assert_eq!(deleted.status(), 204);
    let gone = send(desk.firstline(Method::GET, &path)).await;
    assert_eq!(gone.status(), 404);
    let gone: Value = gone.json().await.expect("the answer is JSON");
    assert_eq!(
        gone["message"],
        format!("No query results for model [App\\Ticket] {}", ticket["id"])
    );
    let body = json!({ "subject": "另一張", "content": "內容" });
    let (_, next) = desk.write(Method::POST, "/api/v1/ticket", body).await;
    let numbers = (next["data"]["id"].as_i64(), ticket["id"].as_i64());
    assert!(
        numbers.0 > numbers.1,
        "no number is given twice: {numbers:?}"
    );

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.delete_answer = DeleteAnswer::StatusInBody);
    let deleted = desk
        .write(Method::DELETE, "/api/v1/ticket/1001", json!({}))
        .await;
    assert_eq!(deleted, (200, json!({ "data": { "status": 200 } })));
}

#[tokio::test]
async fn what_a_ticket_may_not_hold_is_refused_by_field() {
    let desk = Desk::open().await;
    let (status, answer) = desk
        .write(Method::POST, "/api/v1/ticket", json!({ "status": 9 }))
        .await;
    assert_eq!(status, 422);
    assert_eq!(keys(&answer), set(&["message", "errors"]));
    assert_eq!(
        keys(&answer["errors"]),
        set(&["subject", "content", "status"])
    );

    for (field, value) in [
        ("handler_id", json!("3")),
        ("status", json!("1")),
        ("priority", json!("0")),
        ("contact_id", json!(1.5)),
        ("handler_id", json!(4_000)),
        ("handler_id", json!(41)),
        ("contact_id", json!(4_000)),
        ("sponsor_id", json!(4_000)),
        ("sub_category_id", json!(4_000)),
        ("termination_code_id", json!(4_000)),
        ("due_at", json!("tomorrow")),
        ("subject", json!(5)),
        ("subject", json!(null)),
        ("content", json!("  ")),
    ] {
        let (status, answer) = desk
            .write(Method::PUT, "/api/v1/ticket/1001", json!({ field: value }))
            .await;
        assert_eq!(status, 422, "{field}");
        assert_eq!(keys(&answer["errors"]), set(&[field]));
    }
}

#[tokio::test]
async fn put_is_refused_where_only_the_override_is_supported() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    let record = desk.sandbox.firstline_insert_record(json!({}));
    let ticket = "/api/v1/ticket/1002";
    control.change_switches(|switches| {
        switches.method_support = MethodSupport::PutAndDeleteOverridden
    });

    for path in [
        ticket.to_owned(),
        format!("/api/v1/interact-collection/{record}"),
    ] {
        let (status, _) = desk
            .write(Method::PUT, &path, json!({ "memo": "m", "subject": "s" }))
            .await;
        assert_eq!(status, 405);
        let body = json!({ "_method": "put", "memo": "m", "subject": "s" });
        let (status, _) = desk.write(Method::POST, &path, body).await;
        assert_eq!(status, 200);
    }
    assert_eq!(desk.firstline_get(ticket).await["subject"], "s");
    assert_eq!(desk.write(Method::DELETE, ticket, json!({})).await.0, 405);
    assert_eq!(desk.write(Method::POST, ticket, json!({})).await.0, 405);
    let deleted = desk
        .write(Method::POST, ticket, json!({ "_method": "DELETE" }))
        .await;
    assert_eq!(deleted.0, 204);
}

#[tokio::test]
async fn there_is_no_address_of_one_employee_or_of_one_lookup() {
    let desk = Desk::open().await;
    for name in [
        "employee",
        "sponsor",
        "ticket-termination-code",
        "category",
        "subcategory",
    ] {
        let answer = send(desk.firstline(Method::GET, &format!("/api/v1/{name}/1"))).await;
        assert_eq!(answer.status(), 404, "{name}");
        assert_eq!(
            desk.write(Method::POST, &format!("/api/v1/{name}"), json!({}))
                .await
                .0,
            405
        );
    }
    let anonymous = desk
        .client
        .get(format!("{}/api/v1/ticket", desk.sandbox.firstline_url()));
    assert_eq!(send(anonymous).await.status(), 401);
}

#[tokio::test]
async fn every_filter_of_service_records_narrows_as_it_says() {
    let desk = Desk::open().await;
    let path = "/api/v1/interact-collection";
    let all = desk.all(path).await;
    let expect = |query: &'static str, keeps: fn(&Value) -> bool| {
        let expected: BTreeSet<i64> = all
            .iter()
            .filter(|record| keeps(record))
            .filter_map(|record| record["id"].as_i64())
            .collect();
        let desk = &desk;
        async move {
            let found = desk.all(&format!("{path}?{query}")).await;
            let found: BTreeSet<i64> = found
                .iter()
                .filter_map(|record| record["id"].as_i64())
                .collect();
            assert!(!found.is_empty(), "{query}");
            assert_eq!(found, expected, "{query}");
        }
    };
    expect("handler_id=3", |record| record["handler_id"] == 3).await;
    expect("handler_group_id=2", |record| {
        record["handler"]["group_id"] == 2
    })
    .await;
    expect("contact_id=5", |record| record["contact_id"] == 5).await;
    expect("is_acw_completed=1", |record| {
        record["is_acw_completed"] == true
    })
    .await;
    expect("is_acw_completed=0", |record| {
        record["is_acw_completed"] == false
    })
    .await;
    expect("created_at__start=2026-02-20%2009:00:00", |record| {
        record["created_at"].as_str() >= Some("2026-02-20 09:00:00")
    })
    .await;
    expect("created_at__end=2026-02-20", |record| {
        record["created_at"].as_str() <= Some("2026-02-20 23:59:59")
    })
    .await;
    expect(
        "created_at__start=2026-02-01&created_at__end=2026-02-10%2012:00:00&is_acw_completed=1",
        |record| {
            record["created_at"].as_str() >= Some("2026-02-01")
                && record["created_at"].as_str() <= Some("2026-02-10 12:00:00")
                && record["is_acw_completed"] == true
        },
    )
    .await;

    for query in [
        "handler_id=x",
        "is_acw_completed=false",
        "created_at__start=soon",
    ] {
        let refused = send(desk.firstline(Method::GET, &format!("{path}?{query}"))).await;
        assert_eq!(refused.status(), 422, "{query}");
    }
    let by_body = desk
        .firstline(Method::GET, path)
        .json(&json!({ "handler_id": 3 }));
    let by_body = read(send(by_body).await).await;
    assert_eq!(
        by_body["meta"]["total"],
        desk.total(&format!("{path}?handler_id=3")).await
    );
}

#[tokio::test]
async fn an_end_is_inclusive_unless_switched() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_record(
        json!({ "handler_id": 9_001, "created_at": "2026-03-01 10:00:00" }),
    );
    let path = "/api/v1/interact-collection?handler_id=9001&created_at__end=2026-03-01%2010:00:00";
    assert_eq!(desk.total(path).await, 1);
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.created_at_end_is_inclusive = false);
    assert_eq!(desk.total(path).await, 0);
}

#[tokio::test]
async fn every_filter_of_tickets_narrows_as_it_says() {
    let desk = Desk::open().await;
    let path = "/api/v1/ticket";
    let all = desk.all(path).await;
    let expect = |query: &'static str, keeps: fn(&Value) -> bool| {
        let expected: BTreeSet<i64> = all
            .iter()
            .filter(|ticket| keeps(ticket))
            .filter_map(|ticket| ticket["id"].as_i64())
            .collect();
        let desk = &desk;
        async move {
            let found = desk.all(&format!("{path}?{query}")).await;
            let found: BTreeSet<i64> = found
                .iter()
                .filter_map(|ticket| ticket["id"].as_i64())
                .collect();
            assert!(!found.is_empty(), "{query}");
            assert_eq!(found, expected, "{query}");
        }
    };
    expect("search=%E9%80%80%E6%AC%BE", |ticket| {
        ["subject", "content"].iter().any(|name| {
            ticket[name]
                .as_str()
                .is_some_and(|text| text.contains("退款"))
        })
    })
    .await;
    expect("contact_id=5", |ticket| ticket["contact_id"] == 5).await;
    expect("sponsor_id=2", |ticket| ticket["sponsor_id"] == 2).await;
    expect("statuses[]=0&statuses[]=1", |ticket| {
        ticket["status"].as_i64() < Some(2)
    })
    .await;
    expect("statuses%5B0%5D=0&statuses%5B1%5D=3", |ticket| {
        ticket["status"] == 0 || ticket["status"] == 3
    })
    .await;
    expect("statuses=2,3", |ticket| ticket["status"].as_i64() > Some(1)).await;
    expect(
        "termination_code_ids[]=4&termination_code_ids[]=7",
        |ticket| ticket["termination_code_id"] == 4 || ticket["termination_code_id"] == 7,
    )
    .await;
    expect("handler_ids=3,4", |ticket| {
        ticket["handler_id"] == 3 || ticket["handler_id"] == 4
    })
    .await;
    expect("creater_ids[]=6", |ticket| ticket["creater"]["id"] == 6).await;
    expect("due_at__start=2026-03-11", |ticket| {
        ticket["due_at"].as_str() >= Some("2026-03-11")
    })
    .await;
    expect("due_at__end=2026-02-20", |ticket| {
        ticket["due_at"]
            .as_str()
            .is_some_and(|due| due <= "2026-02-20 23:59:59")
    })
    .await;
    expect(
        "created_at__start=2026-02-20&created_at__end=2026-02-25",
        |ticket| {
            ticket["created_at"]
                .as_str()
                .is_some_and(|at| ("2026-02-20".."2026-02-26").contains(&at))
        },
    )
    .await;

    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.array_encoding = ArrayEncoding::Brackets);
    let comma = send(desk.firstline(Method::GET, "/api/v1/ticket?statuses=0,1")).await;
    assert_eq!(comma.status(), 422);
}

#[tokio::test]
async fn lists_come_in_the_order_that_is_switched() {
    let desk = Desk::open().await;
    let ids = |envelope: &Value| -> Vec<i64> {
        array(&envelope["data"])
            .iter()
            .filter_map(|item| item["id"].as_i64())
            .collect()
    };
    let newest = ids(&desk.firstline_get("/api/v1/ticket").await);
    assert!(newest.is_sorted_by(|left, right| left > right));
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.ticket_order = ListOrder::IdAscending);
    let oldest = ids(&desk.firstline_get("/api/v1/ticket").await);
    assert!(oldest.is_sorted());
    assert_eq!(oldest[0], 1_001);
}

#[tokio::test]
async fn employees_are_searched_by_name_identity_and_number() {
    let desk = Desk::open().await;
    let all = desk.all("/api/v1/employee").await;
    let with_identity = all
        .iter()
        .find(|employee| employee["identity_no"].is_string())
        .expect("some have an identity number");
    for name in ["name", "identity_no", "employee_no"] {
        let text = with_identity[name].as_str().unwrap_or_default();
        let found = desk
            .firstline(Method::GET, "/api/v1/employee")
            .query(&[("search", text)]);
        let found = read(send(found).await).await;
        assert!(array(&found["data"]).contains(with_identity), "{name}");
    }
    assert_eq!(
        desk.total("/api/v1/ticket-termination-code?search=%E6%94%BE%E6%A3%84")
            .await,
        1
    );
}

#[tokio::test]
async fn an_employee_has_three_shapes() {
    let desk = Desk::open().await;
    let nested = [
        "id",
        "name",
        "first_name",
        "last_name",
        "employee_no",
        "photo_url",
        "identity_no",
        "job_title_id",
        "department_id",
        "extension_id",
        "extension",
        "group_id",
        "group",
        "cti_agent_account",
        "cti_agent",
        "created_at",
        "updated_at",
    ];
    let mut in_record = set(&nested);
    in_record.extend(["profile_id", "cti_agent_id"]);
    let mut in_list = set(&nested);
    in_list.extend([
        "job_title",
        "department",
        "profile",
        "is_active",
        "role",
        "email",
        "is_immortal",
    ]);

    let employees = desk.firstline_get("/api/v1/employee").await;
    assert_eq!(keys(&employees["data"][0]), in_list);
    let records = desk
        .firstline_get("/api/v1/interact-collection?handler_id=3")
        .await;
    let handler = &records["data"][0]["handler"];
    assert_eq!(keys(handler), in_record);
    assert!(handler["extension"]["webrtc_password"].is_string());
    let tickets = desk.firstline_get("/api/v1/ticket?handler_ids[]=3").await;
    let handler = &tickets["data"][0]["handler"];
    assert_eq!(keys(handler), set(&nested));
    assert!(handler["extension"].get("webrtc_password").is_none());
}

#[tokio::test]
async fn a_list_and_a_single_answer_differ_as_documented() {
    let desk = Desk::open().await;
    let tickets = desk.all("/api/v1/ticket").await;
    let listed = tickets
        .iter()
        .find(|ticket| !array(&ticket["interact_collections"]).is_empty())
        .expect("some have records");
    assert_eq!(
        keys(&listed["interact_collections"][0]),
        set(&[
            "id",
            "is_acw_completed",
            "first_enter_queue_at",
            "acw_at",
            "last_finished_at",
            "handler_id",
            "handler",
            "contact_id",
            "memo",
            "bound_type",
            "sponsor_id",
            "campaign_queue_id",
            "result_id",
        ])
    );
    let single = desk
        .firstline_get(&format!("/api/v1/ticket/{}", listed["id"]))
        .await;
    let only_listed: Vec<&str> = keys(listed).difference(&keys(&single)).copied().collect();
    assert_eq!(only_listed, ["creater", "interact_collections"]);

    let records = desk.all("/api/v1/interact-collection").await;
    let listed = records
        .iter()
        .find(|record| record["logs"][0]["provider_type"] == "App\\LivechatContentProvider")
        .expect("most are livechats");
    assert!(listed["logs"][0]["provider"]["media_contact"]["token"].is_string());
    assert!(listed["logs"][0]["provider"].get("account").is_none());
    let path = format!("/api/v1/interact-collection/{}", listed["id"]);
    let single = desk.firstline_get(&path).await;
    assert!(single["logs"][0].get("provider").is_none());
    let only_single: Vec<&str> = keys(&single).difference(&keys(listed)).copied().collect();
    assert_eq!(
        only_single,
        ["fb_accounts", "line_account_ids", "line_accounts"]
    );

    desk.sandbox.firstline().change_switches(|switches| {
        switches.single_record_has_provider = true;
        switches.single_answer = AnswerShape::Wrapped;
    });
    let wrapped = desk.firstline_get(&path).await;
    assert!(wrapped["data"]["logs"][0]["provider"]["account"]["query_request_secret"].is_string());
    assert!(
        records
            .iter()
            .any(|record| record["result_id"].is_null() && record["result"]["is_active"] == true)
    );
}

#[tokio::test]
async fn categories_have_children_and_one_subcategory_is_an_orphan() {
    let desk = Desk::open().await;
    let categories = desk.firstline_get("/api/v1/category").await;
    assert_eq!(array(&categories["data"]).len(), 8);
    assert_eq!(
        keys(&categories["data"][0]["children"][0]),
        set(&["id", "name", "description"])
    );
    let orphan = desk
        .all("/api/v1/subcategory")
        .await
        .into_iter()
        .find(|one| one["category_id"].is_null());
    assert_eq!(
        orphan.expect("one has no category")["category"],
        Value::Null
    );
    let of_two = desk
        .firstline_get("/api/v1/subcategory?category_id=2")
        .await;
    assert!(
        array(&of_two["data"])
            .iter()
            .all(|one| one["category"]["id"] == 2)
    );
    assert_eq!(desk.total("/api/v1/ticket-termination-code").await, 10);
    assert_eq!(desk.total("/api/v1/sponsor").await, 4);
}

#[tokio::test]
async fn what_is_inserted_comes_out_as_given() {
    let desk = Desk::open().await;
    let logs = json!([{ "id": 1, "provider_type": "App\\OnlineConfigProvider", "provider": { "id": 9, "x": [] }, "status": "7" }]);
    let id = desk.sandbox.firstline_insert_record(json!({
        "id": 900_001, "logs": logs, "memo": 5, "created_at": "2026-03-10 15:29:59", "$absent": ["bound_type"],
    }));
    let listed = desk
        .firstline_get("/api/v1/interact-collection?per_page=1")
        .await["data"][0]
        .clone();
    assert_eq!(
        (id, &listed["id"], &listed["memo"]),
        (900_001, &json!(900_001), &json!(5))
    );
    assert_eq!(listed["logs"], logs);
    assert!(listed.get("bound_type").is_none());

    let ticket = desk.sandbox.firstline_insert_ticket(
        json!({ "status": 7, "creater_id": 4, "interact_collection_ids": [900_001] }),
    );
    let listed = desk.firstline_get("/api/v1/ticket?per_page=1").await["data"][0].clone();
    assert_eq!(
        (&listed["id"], &listed["status"]),
        (&json!(ticket), &json!(7))
    );
    assert_eq!(listed["creater"]["id"], 4);
    assert_eq!(listed["interact_collections"][0]["id"], 900_001);

    let employee = desk
        .sandbox
        .firstline_insert_employee(json!({ "name": "新人", "group": null, "group_id": null }));
    let found = desk
        .firstline_get("/api/v1/employee?search=%E6%96%B0%E4%BA%BA")
        .await;
    assert_eq!(
        (&found["data"][0]["id"], &found["data"][0]["group"]),
        (&json!(employee), &Value::Null)
    );

    let record = desk.sandbox.bangwo8_insert_record(
        json!({ "csPrice": { "$bare": "12.50" }, "csStat": "5", "csServicerId": 777 }),
    );
    let agent = desk
        .sandbox
        .bangwo8_insert_agent(json!({ "sId": 777, "name": "新客服" }));
    desk.sandbox
        .bangwo8_set_chat(record, vec![json!({ "msg": "在吗" })]);
    let text = send(desk.bangwo8("/api/v1/remoterecord/histories/777.json")).await;
    let text = text.text().await.expect("the answer is whole");
    assert!(
        text.contains(r#""csPrice":12.50"#) && text.contains(r#""csStat":"5""#),
        "{text}"
    );
    assert_eq!(agent, 777);
    let chat = desk
        .bangwo8_get(&format!("/api/v1/remoterecord/chatrecords/{record}.json"))
        .await;
    assert_eq!(
        chat["remote_chatrecords"]["contents"],
        json!([{ "msg": "在吗" }])
    );

    let over_http = format!("{}/_sandbox/records", desk.sandbox.firstline_url());
    let inserted = send(desk.client.post(over_http).json(&json!({ "memo": "http" }))).await;
    assert_eq!(inserted.status(), 201);
}

#[tokio::test]
async fn other_channels_have_the_body_that_is_switched() {
    let desk = Desk::open().await;
    let phones = |records: Vec<Value>| -> Vec<Value> {
        records
            .iter()
            .flat_map(|record| array(&record["logs"]).to_vec())
            .filter(|log| log["provider_type"] == "App\\PhoneContentProvider")
            .map(|log| log["provider"].clone())
            .collect()
    };
    let full = phones(desk.all("/api/v1/interact-collection").await);
    assert!(full.iter().all(|provider| provider["cid"].is_string()));
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.other_channel_body = ChannelBody::Null);
    let none = phones(desk.all("/api/v1/interact-collection").await);
    assert!(none.iter().all(Value::is_null));
}

#[tokio::test]
async fn bangwo8_takes_a_password_and_client_credentials() {
    let desk = Desk::open().await;
    let agents = format!("{}/api/v1/supports.json", desk.sandbox.bangwo8_url());
    let token_address = format!("{}/api/token.php", desk.sandbox.bangwo8_url());
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports.json")).await.status(),
        200
    );
    let anonymous = send(desk.client.get(&agents)).await;
    assert_eq!(anonymous.status(), 401);
    let body: Value = anonymous.json().await.expect("the answer is JSON");
    assert_eq!(keys(&body), set(&["errcode", "errmsg"]));

    let post = || {
        desk.client.post(&token_address).basic_auth(
            credentials::BANGWO8_CLIENT_ID,
            Some(credentials::BANGWO8_CLIENT_SECRET),
        )
    };
    let form = reqwest::multipart::Form::new().text("grant_type", "client_credentials");
    let answer = read(send(post().multipart(form)).await).await;
    let token = answer["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(token.len(), 40);
    assert_eq!(
        (
            &answer["expires_in"],
            &answer["token_type"],
            &answer["scope"]
        ),
        (&json!(3_600), &json!("Bearer"), &Value::Null)
    );
    assert_eq!(
        send(desk.client.get(&agents).bearer_auth(&token))
            .await
            .status(),
        200
    );

    let urlencoded = post()
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    assert_eq!(send(urlencoded).await.status(), 200);
    assert_eq!(
        send(desk.client.get(&agents).bearer_auth(&token))
            .await
            .status(),
        200
    );
    desk.sandbox.bangwo8_expire_tokens();
    assert_eq!(
        send(desk.client.get(&agents).bearer_auth(&token))
            .await
            .status(),
        401
    );

    for (request, error) in [
        (
            desk.client.post(&token_address).basic_auth("x", Some("y")),
            "invalid_client",
        ),
        (desk.client.get(&token_address), "invalid_request"),
        (post(), "invalid_request"),
    ] {
        let refused: Value = send(request)
            .await
            .json()
            .await
            .expect("the answer is JSON");
        assert_eq!(refused["error"], error);
        assert!(refused["error_description"].is_string());
    }
}

#[tokio::test]
async fn bangwo8_lists_tell_their_total_and_their_neighbours() {
    let desk = Desk::open().await;
    let path = "/api/v1/remoterecord/histories.json";
    let first = desk
        .bangwo8_get(&format!("{path}?per_page=40&starttime=2026-01-20"))
        .await;
    assert_eq!(
        keys(&first),
        set(&["remoterecords", "count", "next_page", "previous_page"])
    );
    assert_eq!(array(&first["remoterecords"]).len(), 40);
    assert_eq!(
        first["next_page"],
        "https://www.bangwo8.com/api/v1/remoterecord/histories.json?per_page=40&page=2"
    );
    assert_eq!(first["previous_page"], Value::Null);
    let default = desk.bangwo8_get(path).await;
    assert_eq!(array(&default["remoterecords"]).len(), 100);
    let last = desk.bangwo8_get(&format!("{path}?page=99")).await;
    assert_eq!(
        (&last["remoterecords"], &last["next_page"]),
        (&json!([]), &Value::Null)
    );

    desk.sandbox.bangwo8().change_switches(|switches| {
        switches.count_form = CountForm::Text;
        switches.per_page_cap = 10;
    });
    let capped = desk.bangwo8_get(&format!("{path}?per_page=500")).await;
    assert_eq!(array(&capped["remoterecords"]).len(), 10);
    assert_eq!(capped["count"], default["count"].to_string());
}

#[tokio::test]
async fn bangwo8_days_are_whole_and_the_last_is_included() {
    let desk = Desk::open().await;
    for time in [
        "2026-3-1 00:00:00",
        "2026-03-02 23:59:59",
        "2026-3-3 0:00:00",
    ] {
        desk.sandbox
            .bangwo8_insert_record(json!({ "csBTime": time, "csServicerId": 778 }));
    }
    let path = "/api/v1/remoterecord/histories/778.json";
    for (query, count) in [
        ("", 3),
        ("?starttime=2026-03-01&endtime=2026-03-02", 2),
        ("?starttime=2026-3-2&endtime=2026-3-3", 2),
        ("?endtime=2026-03-01", 1),
        ("?starttime=2026-03-04", 0),
    ] {
        assert_eq!(
            desk.bangwo8_get(&format!("{path}{query}")).await["count"],
            count,
            "{query}"
        );
    }
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.end_day_is_inclusive = false);
    assert_eq!(
        desk.bangwo8_get(&format!("{path}?endtime=2026-03-01"))
            .await["count"],
        0
    );
}

#[tokio::test]
async fn problem_types_are_ids_in_one_list_and_names_in_the_other() {
    let desk = Desk::open().await;
    let id = desk.sandbox.bangwo8_insert_record(json!({ "csServicerId": 779, "ptId": 223, "ptChildId": 453, "ptThird": 0, "csBTime": "2026-03-10 15:29:59" }));
    let day = "starttime=2026-03-10&per_page=500";
    let find = |envelope: Value| {
        array(&envelope["remoterecords"])
            .iter()
            .find(|record| record["csId"] == id)
            .cloned()
            .expect("the record is listed")
    };
    let with_ids = find(
        desk.bangwo8_get(&format!("/api/v1/remoterecord/histories.json?{day}"))
            .await,
    );
    assert_eq!(
        (
            &with_ids["ptId"],
            &with_ids["ptChildId"],
            &with_ids["ptThird"]
        ),
        (&json!(223), &json!(453), &json!(0))
    );
    let with_names = find(
        desk.bangwo8_get(&format!("/api/v1/remoterecord/histories_v2.json?{day}"))
            .await,
    );
    assert_eq!(
        (
            &with_names["ptId"],
            &with_names["ptChildId"],
            &with_names["ptThird"]
        ),
        (&json!("财务软件"), &json!("凭证与账簿"), &json!(""))
    );
}

#[tokio::test]
async fn a_record_of_bangwo8_keeps_its_quirks() {
    let desk = Desk::open().await;
    let text = send(desk.bangwo8("/api/v1/remoterecord/histories.json?per_page=500")).await;
    let text = text.text().await.expect("the answer is whole");
    assert!(
        text.contains(r#""csPrice":234.00"#),
        "amounts keep their digits"
    );
    let records = desk.all_bangwo8_records().await;
    let sessions: BTreeSet<&str> = records
        .iter()
        .filter_map(|record| record["csIdS"].as_str())
        .collect();
    assert_eq!(sessions.len(), 1);
    assert!(records.iter().any(|record| record["csETime"] == ""));
    let lengths: BTreeSet<usize> = records
        .iter()
        .filter_map(|record| record["csBTime"].as_str())
        .map(str::len)
        .collect();
    assert!(lengths.len() > 1, "padded and unpadded dates are mixed");
    assert!(
        records[0]["contents"]
            .as_str()
            .is_some_and(|contents| contents.starts_with("https://www.bangwo8.com/"))
    );
}

#[tokio::test]
async fn a_chat_is_paged_and_filtered_by_day() {
    let desk = Desk::open().await;
    let id = desk.sandbox.bangwo8_insert_record(json!({}));
    let messages: Vec<Value> = (0..150)
        .map(|number| {
            let day = if number < 120 { "2026-3-9" } else { "2026-03-10" };
            json!({ "spokesman": "289789809", "spokesman_identity": "2", "msg": number.to_string(), "time": format!("{day} 10:00:00") })
        })
        .collect();
    desk.sandbox.bangwo8_set_chat(id, messages);
    let path = format!("/api/v1/remoterecord/chatrecords/{id}.json");

    let first = desk.bangwo8_get(&path).await;
    assert_eq!(first["remote_chatrecords"]["csId"], id.to_string());
    assert_eq!(array(&first["remote_chatrecords"]["contents"]).len(), 100);
    assert_eq!(first["count"], 150);
    assert_eq!(
        first["next_page"],
        format!("https://www.bangwo8.com{path}?per_page=100&page=2")
    );
    let second = desk.bangwo8_get(&format!("{path}?page=2")).await;
    assert_eq!(second["remote_chatrecords"]["contents"][0]["msg"], "100");
    let day = desk
        .bangwo8_get(&format!("{path}?time_start=2026-3-10&time_end=2026-3-10"))
        .await;
    assert_eq!(day["count"], 30);
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.chat_order = ListOrder::TimeDescending);
    let newest = desk.bangwo8_get(&path).await;
    assert_eq!(newest["remote_chatrecords"]["contents"][0]["msg"], "149");

    let unknown = send(desk.bangwo8("/api/v1/remoterecord/chatrecords/1.json")).await;
    assert_eq!(unknown.status(), 404);
    let unknown: Value = unknown.json().await.expect("the answer is JSON");
    assert_eq!(
        unknown,
        json!({ "errcode": "100047", "errmsg": "Invalid resource URI" })
    );
}

#[tokio::test]
async fn a_summary_has_three_answers() {
    let desk = Desk::open().await;
    let mut statuses = BTreeSet::new();
    for record in desk.all_bangwo8_records().await.iter().take(60) {
        let path = format!(
            "/api/v1/servicesummary/{}.json?servicesummary_type=3",
            record["csId"]
        );
        let summary = desk.bangwo8_get(&path).await;
        let status = summary["status"].as_str().unwrap_or_default().to_owned();
        assert_eq!(summary.get("data").is_some(), status == "200");
        if status == "200" {
            assert!(summary["data"]["serviceSummary"]["ticketTemplateName"].is_string());
        }
        statuses.insert(status);
    }
    assert_eq!(
        statuses,
        BTreeSet::from(["200", "120001", "120002"].map(str::to_owned))
    );
}

#[tokio::test]
async fn agents_are_listed_shown_and_refused() {
    let desk = Desk::open().await;
    let one = desk.bangwo8_get("/api/v1/supports/201.json").await;
    assert_eq!(one["support"]["sId"], 201);
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.support_answer = SupportAnswer::Array);
    assert_eq!(
        desk.bangwo8_get("/api/v1/supports/201.json").await["support"][0]["sId"],
        201
    );
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports/299.json"))
            .await
            .status(),
        404
    );
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.supports_are_forbidden = true);
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports.json")).await.status(),
        403
    );
}

#[tokio::test]
async fn answers_that_a_fault_makes_reach_the_client() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    let sent = async |fault: Fault| {
        control.add_fault(FaultRule::new("GET /api/v1/ticket", fault).times(1));
        send(desk.firstline(Method::GET, "/api/v1/ticket")).await
    };

    let throttled = sent(Fault::Status {
        code: 429,
        body: "{}".to_owned(),
        headers: BTreeMap::from([("Retry-After".to_owned(), "7".to_owned())]),
    })
    .await;
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["retry-after"], "7");

    let page = sent(Fault::HtmlError { code: 502 }).await;
    assert_eq!(page.status(), 502);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = sent(Fault::NotJson).await;
    assert_eq!(page.status(), 200);
    assert!(page.json::<Value>().await.is_err());
    assert!(read(sent(Fault::WrongShape).await).await.is_array());
    assert_eq!(read(sent(Fault::Errcode).await).await["errcode"], "100047");
    let large = sent(Fault::OversizedBody { bytes: 3_000_000 }).await;
    let large = large.bytes().await.expect("the answer is whole");
    assert_eq!(large.len(), 3_000_000);
    assert!(serde_json::from_slice::<Value>(&large).is_ok());
    assert_eq!(sent(Fault::Delay { ms: 1 }).await.status(), 200);

    assert_eq!(desk.firstline_get("/api/v1/ticket/1001").await["id"], 1_001);
}

#[tokio::test]
async fn connections_that_a_fault_breaks_break_for_the_client() {
    let desk = Desk::open().await;
    let control = desk.sandbox.firstline();
    for fault in [
        Fault::CloseBeforeHead,
        Fault::ResetConnection,
        Fault::CloseAfterWork,
    ] {
        control.add_fault(FaultRule::new("/api/v1/ticket", fault.clone()));
        let broken = desk.firstline(Method::GET, "/api/v1/ticket").send().await;
        let err = broken.expect_err("no answer comes");
        assert!(!err.is_timeout() && !err.is_connect(), "{fault:?}: {err:?}");
        let is_reset = format!("{err:?}").contains("ConnectionReset");
        assert_eq!(is_reset, fault == Fault::ResetConnection, "{err:?}");
        control.clear_faults();
    }
    assert_eq!(
        control
            .requests()
            .iter()
            .filter(|request| request.status.is_none())
            .count(),
        control.requests().len()
    );

    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::TruncatedBody));
    let truncated = send(desk.firstline(Method::GET, "/api/v1/ticket")).await;
    assert_eq!(truncated.status(), 200);
    assert!(
        truncated
            .content_length()
            .is_some_and(|length| length > 1_000)
    );
    assert!(truncated.bytes().await.is_err());
    control.clear_faults();

    let patience = Duration::from_millis(150);
    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::HangBeforeHead));
    let silent = desk
        .firstline(Method::GET, "/api/v1/ticket")
        .timeout(patience)
        .send()
        .await;
    assert!(silent.expect_err("no answer comes").is_timeout());
    control.clear_faults();

    control.add_fault(FaultRule::new("/api/v1/ticket", Fault::HangInBody));
    let half = send(desk.firstline(Method::GET, "/api/v1/ticket")).await;
    assert_eq!(half.status(), 200);
    let rest = tokio::time::timeout(patience, half.bytes()).await;
    assert!(rest.is_err(), "the second half never comes");
    control.clear_faults();
    assert_eq!(desk.firstline_get("/api/v1/ticket/1001").await["id"], 1_001);
}

#[tokio::test]
async fn a_lost_answer_may_have_been_carried_out() {
    let desk = Desk::open().await;
    let before = desk.total("/api/v1/ticket").await;
    let body = json!({ "subject": "s", "content": "c" });
    for (fault, created) in [
        (Fault::CloseBeforeHead, 0),
        (Fault::CloseAfterWork, 1),
        (Fault::TruncatedBody, 2),
        (Fault::HtmlErrorAfterWork { code: 504 }, 3),
    ] {
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("POST /api/v1/ticket", fault).times(1));
        let answer = desk
            .firstline(Method::POST, "/api/v1/ticket")
            .json(&body)
            .send()
            .await;
        let lost = match answer {
            Ok(response) => response.status() == 504 || response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(lost);
        assert_eq!(desk.total("/api/v1/ticket").await, before + created);
    }
}

#[tokio::test]
async fn a_fault_hits_after_those_it_lets_pass_and_no_more_than_it_may() {
    let desk = Desk::open().await;
    desk.sandbox.bangwo8().add_fault(
        FaultRule::new("page=2", Fault::HtmlError { code: 503 })
            .after(1)
            .times(2),
    );
    let mut statuses = Vec::new();
    for page in [1, 2, 2, 2, 2] {
        let response = send(desk.bangwo8(&format!("/api/v1/supports.json?page={page}"))).await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 503, 503, 200]);
}

#[tokio::test]
async fn every_request_is_logged_without_its_secrets() {
    let desk = Desk::open().await;
    let login = json!({ "name": credentials::FIRSTLINE_USERNAME, "password": credentials::FIRSTLINE_PASSWORD });
    send(
        desk.client
            .post(format!("{}/api/v1/auth", desk.sandbox.firstline_url()))
            .json(&login),
    )
    .await;
    send(desk.firstline(Method::GET, "/api/v1/ticket/1001?search=a%20b&token=t")).await;
    send(desk.firstline(Method::GET, "/api/v1/nothing")).await;
    send(desk.client.get(format!(
        "{}/_sandbox/switches",
        desk.sandbox.firstline_url()
    )))
    .await;

    let requests = desk.sandbox.firstline().requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].body["password"], "[replaced]");
    assert_eq!(requests[0].authorized_as, None);
    assert_eq!(
        (requests[1].method.as_str(), requests[1].path.as_str()),
        ("GET", "/api/v1/ticket/1001")
    );
    assert_eq!(requests[1].route.as_deref(), Some("/api/v1/ticket/{id}"));
    assert_eq!(requests[1].query_value("search"), Some("a b"));
    assert_eq!(requests[1].query_value("token"), Some("[replaced]"));
    assert_eq!(requests[1].authorized_as.as_deref(), Some("yating02"));
    assert_eq!(
        (requests[1].status, requests[2].status),
        (Some(200), Some(404))
    );
    assert!(requests[1].header("authorization").is_none());
    assert_eq!(
        desk.sandbox
            .firstline()
            .requests_to("/api/v1/ticket/{id}")
            .len(),
        1
    );
    desk.sandbox.firstline().clear_requests();
    assert!(desk.sandbox.firstline().requests().is_empty());
}

#[tokio::test]
async fn the_peak_of_requests_under_way_is_counted() {
    let desk = Desk::open().await;
    let control = desk.sandbox.bangwo8();
    send(desk.bangwo8("/api/v1/supports.json")).await;
    assert_eq!(control.in_flight_peak(), 1);

    control.add_fault(FaultRule::new(
        "/api/v1/supports.json",
        Fault::HangBeforeHead,
    ));
    let hanging: Vec<_> = (0..4)
        .map(|_| tokio::spawn(desk.bangwo8("/api/v1/supports.json").send()))
        .collect();
    while control.in_flight() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(control.in_flight_peak(), 4);
    desk.sandbox.stop().await;
    for request in hanging {
        let outcome = request.await.expect("the request did not panic");
        assert!(outcome.is_err(), "stopping ends what hangs");
    }
}

#[tokio::test]
async fn a_sandbox_is_turned_from_outside() {
    let desk = Desk::open().await;
    let own = |path: &str| format!("{}/_sandbox/{path}", desk.sandbox.bangwo8_url());

    let shown = read(send(desk.client.get(own("switches"))).await).await;
    let defaults = serde_json::to_value(Bangwo8Switches::default()).expect("switches are JSON");
    assert_eq!(shown, defaults);
    let changed = desk
        .client
        .put(own("switches"))
        .json(&json!({ "count_form": "text" }));
    assert_eq!(read(send(changed).await).await["count_form"], "text");
    assert_eq!(
        desk.sandbox.bangwo8().switches().count_form,
        CountForm::Text
    );
    let unknown = desk
        .client
        .put(own("switches"))
        .json(&json!({ "nothing": 1 }));
    assert_eq!(send(unknown).await.status(), 422);

    let rule = json!({
        "path_contains": "/supports", "remaining": 1,
        "fault": { "kind": "status", "code": 503, "body": "{}", "headers": { "Retry-After": "1" } },
    });
    assert_eq!(
        send(desk.client.post(own("faults")).json(&rule))
            .await
            .status(),
        204
    );
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports.json")).await.status(),
        503
    );
    assert_eq!(send(desk.client.delete(own("faults"))).await.status(), 204);
    assert!(desk.sandbox.bangwo8().faults().is_empty());

    let requests = read(send(desk.client.get(own("requests"))).await).await;
    assert_eq!(array(&requests["requests"]).len(), 1);
    assert_eq!(
        send(desk.client.delete(own("requests"))).await.status(),
        204
    );
    assert!(desk.sandbox.bangwo8().requests().is_empty());
}
