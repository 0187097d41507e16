//! The caching headers of a response: how long and for whom it may be cached, and whether it has changed.

use deskgraph::sandbox::{Fault, FaultRule};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, DeskOptions},
    repository::writes::UPDATE,
    upstream::bangwo8::chat::CHAT,
};

const LIST: &str = "{ tickets(first: 5) { nodes { id handler { name } } } }";
const ENTITY: &str = "{ ticket(id: \"firstline:Ticket:1002\") { subject } }";
const DIRECTORY: &str = "{ sponsors { id } }";
const RECORDS: &str = "{ serviceRecords(first: 5) { nodes { id } sources { vendor state } } }";

fn lives() -> DeskOptions {
    DeskOptions::default()
        .set("CACHE__LIST_TTL_MS", 100_000)
        .set("CACHE__ENTITY_TTL_MS", 200_000)
        .set("CACHE__DIRECTORY_TTL_MS", 250_000)
        .set("FIRSTLINE__MAX_RETRIES", 0)
        .set("BANGWO8__MAX_RETRIES", 0)
}

async fn control_of(desk: &Desk, query: &str, variables: Value) -> String {
    let response = desk
        .client()
        .post(desk.url("/graphql"))
        .json(&json!({ "query": query, "variables": variables }))
        .send()
        .await
        .expect("the gateway responds");
    let control = &response.headers()[header::CACHE_CONTROL];
    control.to_str().expect("it is text").to_owned()
}

/// Whether any cache may store the response for this many seconds, or a few less on a slow machine.
fn is_public_for(control: &str, seconds: u64) -> bool {
    let max_age = control
        .strip_prefix("public, max-age=")
        .and_then(|max_age| max_age.parse::<u64>().ok());
    max_age.is_some_and(|max_age| max_age <= seconds && max_age + 20 > seconds)
}

#[tokio::test]
async fn max_age_is_the_shortest_freshness_of_any_part() {
    let desk = Desk::open_with(lives()).await;
    for (query, seconds) in [
        (ENTITY, 200),
        (DIRECTORY, 250),
        (RECORDS, 100),
        (LIST, 100),
        (
            "{ sponsors { id } ticket(id: \"firstline:Ticket:1003\") { subject } }",
            200,
        ),
        ("{ sponsors { id } tickets(first: 3) { totalCount } }", 100),
        ("{ categories { nodes { name children { name } } } }", 250),
        ("{ ticketStats { total } }", 100),
        (
            "{ employees(first: 2, filter: { search: \"a\" }) { nodes { name } } }",
            100,
        ),
        ("{ __typename }", 300),
        ("{ __schema { types { name } } }", 300),
    ] {
        for _ in 0..2 {
            let control = control_of(&desk, query, json!({})).await;
            assert!(is_public_for(&control, seconds), "{query}: {control}");
        }
    }
}

#[tokio::test]
async fn every_relation_and_directory_contributes_to_max_age() {
    let desk = Desk::open_with(lives()).await;
    let ids = desk
        .execute("{ tickets(first: 1) { nodes { id } } serviceRecords(first: 20) { nodes { id vendor } } }")
        .await;
    let records = ids["serviceRecords"]["nodes"].as_array().expect("a list");
    let mut read_by_pages = 0;
    for record in records {
        let id = &record["id"];
        let related = format!(
            "{{ serviceRecord(id: {id}) {{ category {{ name }} contact {{ name }} handler {{ name }} }} }}"
        );
        let control = control_of(&desk, &related, json!({})).await;
        assert!(is_public_for(&control, 200), "{related}: {control}");

        desk.forget_calls();
        let messages =
            format!("{{ serviceRecord(id: {id}) {{ messages {{ nodes {{ text }} }} }} }}");
        let control = control_of(&desk, &messages, json!({})).await;
        // If the record does not contain them, they are a list of their own.
        let is_list = !desk.sandbox.bangwo8().requests_to(CHAT).is_empty();
        let seconds = if is_list { 100 } else { 200 };
        assert!(is_public_for(&control, seconds), "{messages}: {control}");
        read_by_pages += usize::from(is_list);
    }
    let held = records.len() - read_by_pages;
    assert!(read_by_pages > 0 && held > 0, "{read_by_pages}, {held}");
    let ticket = &ids["tickets"]["nodes"][0]["id"];
    for (query, seconds) in [
        (
            format!("{{ node(id: {ticket}) {{ ... on Ticket {{ handler {{ name email }} }} }} }}"),
            200,
        ),
        (
            format!("{{ nodes(ids: [{ticket}]) {{ ... on Ticket {{ creator {{ id }} }} }} }}"),
            200,
        ),
        ("{ terminationCodes { name } }".to_owned(), 250),
        (
            "{ employee(id: \"firstline:Employee:1\") { name } }".to_owned(),
            250,
        ),
    ] {
        let control = control_of(&desk, &query, json!({})).await;
        assert!(is_public_for(&control, seconds), "{query}: {control}");
    }
}

#[tokio::test]
async fn a_response_about_the_current_moment_is_no_store() {
    let desk = Desk::open_with(lives()).await;
    let input = json!({ "input": { "id": "firstline:Ticket:1002", "subject": "New" } });
    for (query, variables) in [
        (UPDATE, input),
        ("{ vendors { state } }", json!({})),
        (
            "{ ticket(id: \"firstline:Ticket:99999999\") { id } }",
            json!({}),
        ),
        ("{ ticket(id: \"nonsense\") { id } }", json!({})),
        ("{ nothing }", json!({})),
        ("{", json!({})),
    ] {
        assert_eq!(
            control_of(&desk, query, variables).await,
            "no-store",
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_response_with_a_failed_or_stale_part_is_no_store() {
    let desk = Desk::open_with(lives().set("CACHE__LIST_TTL_MS", 0)).await;
    desk.execute(RECORDS).await;
    let broken = Fault::HtmlError { code: 503 };
    desk.sandbox
        .bangwo8()
        .add_fault(FaultRule::new("", broken.clone()));

    assert_eq!(control_of(&desk, RECORDS, json!({})).await, "no-store");
    let data = desk.execute(RECORDS).await;
    assert_eq!(data["serviceRecords"]["sources"][1]["state"], "STALE");

    let never_read =
        "{ serviceRecords(filter: { completed: true }) { nodes { id } sources { vendor state } } }";
    assert_eq!(control_of(&desk, never_read, json!({})).await, "no-store");
    let data = desk.execute(never_read).await;
    assert_eq!(data["serviceRecords"]["sources"][1]["state"], "FAILED");
}

#[tokio::test]
async fn with_the_cache_disabled_every_response_is_no_store() {
    let desk = Desk::open_with(lives().set("CACHE__ENABLED", false)).await;
    for query in [LIST, ENTITY, DIRECTORY, RECORDS] {
        assert_eq!(
            control_of(&desk, query, json!({})).await,
            "no-store",
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_response_to_an_authenticated_caller_is_private() {
    let keys = json!([{ "name": "app", "key": "a-key-of-the-test", "scopes": ["read"] }]);
    let desk = Desk::open_with(
        lives()
            .set("AUTH__MODE", "api_key")
            .set("AUTH__API_KEYS", keys),
    )
    .await;

    let response = desk
        .client()
        .get(desk.url("/graphql"))
        .query(&[("query", DIRECTORY)])
        .bearer_auth("a-key-of-the-test")
        .send()
        .await
        .expect("the gateway responds");

    let control = response.headers()[header::CACHE_CONTROL].to_str();
    assert!(control.is_ok_and(|control| control.starts_with("private, max-age=")));
    let vary: Vec<&str> = response
        .headers()
        .get_all(header::VARY)
        .iter()
        .filter_map(|vary| vary.to_str().ok())
        .collect();
    let vary = vary.join(", ");
    for name in ["accept", "accept-encoding", "authorization", "x-api-key"] {
        assert!(vary.split(", ").any(|varied| varied == name), "{vary}");
    }

    let not_kept = desk
        .client()
        .get(desk.url("/graphql"))
        .query(&[("query", "{ vendors { state } }")])
        .bearer_auth("a-key-of-the-test")
        .send()
        .await
        .expect("the gateway responds");
    assert_eq!(
        not_kept.headers()[header::CACHE_CONTROL],
        "private, no-store"
    );

    let stranger = desk.client().get(desk.url("/graphql"));
    let stranger = stranger.query(&[("query", DIRECTORY)]).send().await;
    let stranger = stranger.expect("the gateway responds");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_matching_etag_returns_304_until_the_response_changes() {
    let desk = Desk::open_with(lives()).await;
    let get = async |tag: Option<&str>| {
        let mut request = desk
            .client()
            .get(desk.url("/graphql"))
            .query(&[("query", LIST)]);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        request.send().await.expect("the gateway responds")
    };
    let first = get(None).await;
    assert_eq!(first.status(), StatusCode::OK);
    let tag = first.headers()[header::ETAG]
        .to_str()
        .expect("it is text")
        .to_owned();

    let vary = first.headers()[header::VARY].clone();

    let strong = tag.trim_start_matches("W/").to_owned();
    for held in [
        tag.clone(),
        strong,
        "*".to_owned(),
        format!("\"another\", {tag}"),
    ] {
        let again = get(Some(&held)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{held}");
        assert_eq!(again.headers()[header::ETAG], tag);
        assert!(again.headers().contains_key(header::CACHE_CONTROL));
        assert_eq!(
            again.headers()[header::VARY],
            vary,
            "the same as of the answer"
        );
        assert!(again.bytes().await.is_ok_and(|body| body.is_empty()));
    }
    let other = get(Some("\"another\"")).await;
    assert_eq!(other.status(), StatusCode::OK);

    let newest: Value = other.json().await.expect("it is JSON");
    let id = &newest["data"]["tickets"]["nodes"][0]["id"];
    let delete = "mutation ($id: ID!) { deleteTicket(input: { id: $id }) { deletedId } }";
    desk.data(delete, json!({ "id": id })).await;
    let changed = get(Some(&tag)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()[header::ETAG], tag);
}

#[tokio::test]
async fn a_no_store_response_and_a_post_have_no_etag() {
    let desk = Desk::open_with(lives()).await;
    for query in ["{ vendors { state } }", "{ nothing }"] {
        let response = desk
            .client()
            .get(desk.url("/graphql"))
            .query(&[("query", query)])
            .header(header::IF_NONE_MATCH, "*")
            .send()
            .await
            .expect("the gateway responds");
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        assert!(!response.headers().contains_key(header::ETAG));
    }

    let posted = desk
        .client()
        .post(desk.url("/graphql"))
        .json(&json!({ "query": DIRECTORY }))
        .header(header::IF_NONE_MATCH, "*")
        .send()
        .await
        .expect("the gateway responds");
    assert_eq!(posted.status(), StatusCode::OK);
    assert!(!posted.headers().contains_key(header::ETAG));
}

#[tokio::test]
async fn a_batch_has_the_shortest_max_age_of_its_responses() {
    let desk = Desk::open_with(lives()).await;
    for (batch, control) in [
        (vec![DIRECTORY, LIST, ENTITY], None),
        (vec![DIRECTORY, "{ vendors { state } }"], Some("no-store")),
    ] {
        let batch: Vec<Value> = batch
            .iter()
            .map(|query| json!({ "query": query }))
            .collect();
        let response = desk.client().post(desk.url("/graphql")).json(&batch);
        let response = response.send().await.expect("the gateway responds");
        let max_age = response.headers()[header::CACHE_CONTROL]
            .to_str()
            .expect("it is text");
        match control {
            Some(control) => assert_eq!(max_age, control),
            None => assert!(is_public_for(max_age, 100), "{max_age}"),
        }
    }
}
