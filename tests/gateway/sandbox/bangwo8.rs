//! The simulated Bangwo8.

use std::collections::BTreeSet;

use deskgraph::sandbox::{CountForm, ListOrder, SupportAnswer, credentials};
use serde_json::{Value, json};

use super::{Desk, array, keys, read, send, set};

#[tokio::test]
async fn bangwo8_accepts_a_password_and_client_credentials() {
    let desk = Desk::open().await;
    let agents = format!("{}/api/v1/supports.json", desk.sandbox.bangwo8_url());
    let token_address = format!("{}/api/token.php", desk.sandbox.bangwo8_url());
    assert_eq!(
        send(desk.bangwo8("/api/v1/supports.json")).await.status(),
        200
    );
    let anonymous = send(desk.client.get(&agents)).await;
    assert_eq!(anonymous.status(), 401);
    let body: Value = anonymous.json().await.expect("the response is JSON");
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
            .expect("the response is JSON");
        assert_eq!(refused["error"], error);
        assert!(refused["error_description"].is_string());
    }
}

#[tokio::test]
async fn bangwo8_lists_have_a_total_and_links_to_neighbouring_pages() {
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
async fn bangwo8_days_are_whole_and_the_last_day_is_included() {
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
async fn problem_types_are_ids_in_one_list_and_names_in_another() {
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
async fn a_bangwo8_record_has_the_documented_quirks() {
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
    let unknown: Value = unknown.json().await.expect("the response is JSON");
    assert_eq!(
        unknown,
        json!({ "errcode": "100047", "errmsg": "Invalid resource URI" })
    );
}

#[tokio::test]
async fn a_summary_has_three_kinds_of_response() {
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
async fn agents_are_listed_shown_and_rejected() {
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
