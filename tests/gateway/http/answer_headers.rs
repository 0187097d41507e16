//! What an answer's headers say of keeping it: for how long, for whom, and whether it is still the same.

use deskgraph::sandbox::{Fault, FaultRule};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    harness::{Desk, Wishes},
    repository::writes::UPDATE,
    upstream::bangwo8::chat::CHAT,
};

const LIST: &str = "{ tickets(first: 5) { nodes { id handler { name } } } }";
const ENTITY: &str = "{ ticket(id: \"firstline:Ticket:1002\") { subject } }";
const DIRECTORY: &str = "{ sponsors { id } }";
const RECORDS: &str = "{ serviceRecords(first: 5) { nodes { id } sources { vendor state } } }";

fn lives() -> Wishes {
    Wishes::default()
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
        .expect("the gateway answers");
    let control = &response.headers()[header::CACHE_CONTROL];
    control.to_str().expect("it is text").to_owned()
}

/// Whether the answer may be kept by anybody for so many seconds, or a few less where the machine is slow.
fn is_good_for(control: &str, seconds: u64) -> bool {
    let told = control
        .strip_prefix("public, max-age=")
        .and_then(|told| told.parse::<u64>().ok());
    told.is_some_and(|told| told <= seconds && told + 20 > seconds)
}

#[tokio::test]
async fn an_answer_is_good_for_as_long_as_the_part_that_is_good_for_the_shortest_time() {
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
            assert!(is_good_for(&control, seconds), "{query}: {control}");
        }
    }
}

#[tokio::test]
async fn every_relation_and_directory_says_how_long_it_is_good_for() {
    let desk = Desk::open_with(lives()).await;
    let ids = desk
        .ask("{ tickets(first: 1) { nodes { id } } serviceRecords(first: 20) { nodes { id vendor } } }")
        .await;
    let records = ids["serviceRecords"]["nodes"].as_array().expect("a list");
    let mut read_by_pages = 0;
    for record in records {
        let id = &record["id"];
        let related = format!(
            "{{ serviceRecord(id: {id}) {{ category {{ name }} contact {{ name }} handler {{ name }} }} }}"
        );
        let control = control_of(&desk, &related, json!({})).await;
        assert!(is_good_for(&control, 200), "{related}: {control}");

        desk.forget_calls();
        let messages =
            format!("{{ serviceRecord(id: {id}) {{ messages {{ nodes {{ text }} }} }} }}");
        let control = control_of(&desk, &messages, json!({})).await;
        // Where the record does not hold them they are a list of their own.
        let is_list = !desk.sandbox.bangwo8().requests_to(CHAT).is_empty();
        let seconds = if is_list { 100 } else { 200 };
        assert!(is_good_for(&control, seconds), "{messages}: {control}");
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
        assert!(is_good_for(&control, seconds), "{query}: {control}");
    }
}

#[tokio::test]
async fn nobody_keeps_what_is_of_its_moment_alone() {
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
async fn nobody_keeps_an_answer_of_which_a_part_failed_or_is_stale() {
    let desk = Desk::open_with(lives().set("CACHE__LIST_TTL_MS", 0)).await;
    desk.ask(RECORDS).await;
    let broken = Fault::HtmlError { code: 503 };
    desk.sandbox
        .bangwo8()
        .add_fault(FaultRule::new("", broken.clone()));

    assert_eq!(control_of(&desk, RECORDS, json!({})).await, "no-store");
    let data = desk.ask(RECORDS).await;
    assert_eq!(data["serviceRecords"]["sources"][1]["state"], "STALE");

    let never_read =
        "{ serviceRecords(filter: { completed: true }) { nodes { id } sources { vendor state } } }";
    assert_eq!(control_of(&desk, never_read, json!({})).await, "no-store");
    let data = desk.ask(never_read).await;
    assert_eq!(data["serviceRecords"]["sources"][1]["state"], "FAILED");
}

#[tokio::test]
async fn nobody_keeps_anything_where_the_cache_is_switched_off() {
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
async fn what_a_known_caller_gets_is_theirs_alone() {
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
        .expect("the gateway answers");

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
        .expect("the gateway answers");
    assert_eq!(
        not_kept.headers()[header::CACHE_CONTROL],
        "private, no-store"
    );

    let stranger = desk.client().get(desk.url("/graphql"));
    let stranger = stranger.query(&[("query", DIRECTORY)]).send().await;
    let stranger = stranger.expect("the gateway answers");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_client_that_holds_the_answer_is_told_so_until_it_changes() {
    let desk = Desk::open_with(lives()).await;
    let get = async |tag: Option<&str>| {
        let mut request = desk
            .client()
            .get(desk.url("/graphql"))
            .query(&[("query", LIST)]);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        request.send().await.expect("the gateway answers")
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
async fn what_nobody_keeps_has_no_tag_and_a_post_neither() {
    let desk = Desk::open_with(lives()).await;
    for query in ["{ vendors { state } }", "{ nothing }"] {
        let response = desk
            .client()
            .get(desk.url("/graphql"))
            .query(&[("query", query)])
            .header(header::IF_NONE_MATCH, "*")
            .send()
            .await
            .expect("the gateway answers");
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
        .expect("the gateway answers");
    assert_eq!(posted.status(), StatusCode::OK);
    assert!(!posted.headers().contains_key(header::ETAG));
}

#[tokio::test]
async fn a_batch_is_good_for_as_long_as_its_shortest_answer() {
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
        let response = response.send().await.expect("the gateway answers");
        let told = response.headers()[header::CACHE_CONTROL]
            .to_str()
            .expect("it is text");
        match control {
            Some(control) => assert_eq!(told, control),
            None => assert!(is_good_for(told, 100), "{told}"),
        }
    }
}
