//! The simulated FirstLine: its lists, logins, records, employees and categories.

use std::collections::BTreeSet;

use deskgraph::sandbox::{AnswerShape, ChannelBody, ListOrder, LoginAnswer, credentials};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, array, keys, read, send, set};

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
async fn per_page_is_returned_as_a_string_if_it_was_sent_and_is_capped() {
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
async fn a_new_token_revokes_the_previous_one() {
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
    let body: Value = refused.json().await.expect("the response is JSON");
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
async fn a_wrapped_up_record_cannot_be_edited() {
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
async fn a_memo_has_at_most_600_characters() {
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
async fn a_single_employee_or_lookup_value_has_no_endpoint() {
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
async fn every_service_record_filter_of_the_sandbox_works() {
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
async fn an_upper_bound_is_inclusive_unless_switched() {
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
async fn lists_come_in_the_configured_order() {
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
async fn employees_are_searched_by_name_identity_number_and_employee_no() {
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
async fn the_list_and_the_by_id_response_differ_as_documented() {
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
async fn an_inserted_row_is_returned_as_given() {
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
async fn other_channels_have_the_configured_body() {
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
