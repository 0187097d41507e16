//! The requests to FirstLine, and what the gateway makes of its responses, over a real connection.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderValue;

use super::*;
use crate::{
    domain::{
        CategoryId, Change, CustomFieldValue, EmployeeId, TerminationCodeId, TicketStatus,
        Transcript,
    },
    telemetry::metrics::VendorMetrics,
    upstream::{
        session::TokenSource,
        test_support::scripted_vendor::{Script, ScriptedVendor, http_response, scope},
    },
};

const ONE_TICKET: &str = r#"{"data":{"id":1,"subject":"x"}}"#;
const NO_TICKETS: &str = r#"{"data":[],"meta":{"last_page":1,"total":0}}"#;

fn settings(scripted: &ScriptedVendor) -> FirstLineSettings {
    FirstLineSettings {
        client: ClientSettings {
            vendor: VENDOR,
            base_url: format!("http://{}", scripted.address),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
            max_concurrency: 4,
            requests_per_minute: None,
            max_retries: 2,
            max_body_bytes: 1_000_000,
            refused_login_pause: Duration::from_secs(60),
        },
        credentials: FirstLineCredentials::Token("token".into()),
        zone: VendorZone::named("Asia/Taipei").expect("the zone is bundled"),
        update_method: UpdateMethod::Auto,
        array_style: ArrayStyle::Brackets,
        created_end: EndBound::Inclusive,
        cleared_value: ClearedValue::EmptyText,
        list_order: None,
        filter_retry: Duration::from_secs(3600),
        list_page_size: 2,
    }
}

fn vendor(scripted: &ScriptedVendor) -> FirstLine {
    FirstLine::new(
        settings(scripted),
        VendorMetrics::detached(Vendor::FirstLine),
    )
    .expect("the settings are good")
}

async fn with(script: Script) -> (ScriptedVendor, FirstLine) {
    let scripted = ScriptedVendor::with(script).await;
    let vendor = vendor(&scripted);
    (scripted, vendor)
}

fn first_lines(scripted: &ScriptedVendor) -> Vec<String> {
    let requests = scripted.requests();
    let lines = requests.iter().filter_map(|request| request.lines().next());
    lines
        .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
        .collect()
}

fn body_of(scripted: &ScriptedVendor, index: usize) -> serde_json::Value {
    let requests = scripted.requests();
    let (_, body) = requests[index]
        .split_once("\r\n\r\n")
        .expect("it has a head");
    serde_json::from_str(body).expect("the body is JSON")
}

fn number(number: u64) -> VendorNumber {
    VendorNumber::new(number).expect("it is in range")
}

fn ticket_id(of: u64) -> TicketId {
    TicketId::new(VENDOR, number(of))
}

fn timestamp(text: &str) -> Timestamp {
    text.parse().expect("it is an instant")
}

const PAGE: VendorPageRequest = VendorPageRequest {
    page: 3,
    per_page: 20,
};

#[tokio::test]
async fn a_filter_of_records_is_sent_in_the_vendors_words() {
    let (scripted, vendor) = with(|_, _| http_response("200 OK", r#"{"data":[]}"#)).await;
    let filter = ServiceRecordFilter {
        handler: Some(EmployeeId::new(VENDOR, number(3))),
        from: Some(timestamp("2024-02-29T16:00:00.5Z")),
        to: Some(timestamp("2024-03-01T15:59:59.999Z")),
        completed: Some(false),
        ..ServiceRecordFilter::default()
    };
    let page = vendor.service_record_page(&scope(), &filter, PAGE).await;

    assert!(page.is_ok_and(|page| page.items.is_empty() && page.total.is_none()));
    assert_eq!(
        first_lines(&scripted),
        ["GET /api/v1/interact-collection?handler_id=3\
          &created_at__start=2024-03-01+00%3A00%3A01&created_at__end=2024-03-01+23%3A59%3A59\
          &is_acw_completed=0&page=3&per_page=20"]
    );
}

#[tokio::test]
async fn a_filter_of_tickets_drops_foreign_ids_and_makes_no_call_for_none() {
    let (scripted, vendor) = with(|_, _| http_response("200 OK", NO_TICKETS)).await;
    let foreign = EmployeeId::new(Vendor::Bangwo8, number(9));
    let own = EmployeeId::new(VENDOR, number(7));
    let filter = TicketFilter {
        search: Some("a&b".to_owned()),
        statuses: Some(vec![TicketStatus::Pending, TicketStatus::InProgress]),
        handlers: Some(vec![own, foreign]),
        ..TicketFilter::default()
    };
    let page = vendor.ticket_page(&scope(), &filter, PAGE).await;
    assert!(page.is_ok());
    assert_eq!(
        first_lines(&scripted),
        [
            "GET /api/v1/ticket?search=a%26b&statuses%5B%5D=0&statuses%5B%5D=1&handler_ids%5B%5D=7&page=3&per_page=20"
        ]
    );

    let nothing = [
        TicketFilter {
            handlers: Some(vec![foreign]),
            ..TicketFilter::default()
        },
        TicketFilter {
            statuses: Some(Vec::new()),
            ..TicketFilter::default()
        },
        TicketFilter {
            termination_codes: Some(vec![TerminationCodeId::new(Vendor::Bangwo8, number(1))]),
            ..TicketFilter::default()
        },
    ];
    for filter in nothing {
        let page = vendor.ticket_page(&scope(), &filter, PAGE).await;
        assert!(page.is_ok_and(|page| page.total == Some(0)));
    }
    assert_eq!(scripted.requests().len(), 1);
}

#[tokio::test]
async fn lists_may_be_joined_and_upper_bounds_moved() {
    let scripted = ScriptedVendor::with(|_, _| http_response("200 OK", NO_TICKETS)).await;
    let vendor = FirstLine::new(
        FirstLineSettings {
            array_style: ArrayStyle::Comma,
            created_end: EndBound::Exclusive,
            ..settings(&scripted)
        },
        VendorMetrics::detached(Vendor::FirstLine),
    )
    .expect("the settings are good");
    let filter = TicketFilter {
        statuses: Some(vec![TicketStatus::Resolved, TicketStatus::Closed]),
        created_to: Some(timestamp("2024-03-01T15:59:59Z")),
        ..TicketFilter::default()
    };
    let page = vendor.ticket_page(&scope(), &filter, PAGE).await;
    assert!(page.is_ok());
    assert_eq!(
        first_lines(&scripted),
        [
            "GET /api/v1/ticket?statuses=2%2C3&created_at__end=2024-03-02+00%3A00%3A00&page=3&per_page=20"
        ]
    );
}

#[tokio::test]
async fn a_missing_record_fails_no_other() {
    let (_scripted, vendor) = with(|request, _| {
        if request.contains("/1 HTTP") {
            http_response("200 OK", r#"{"id":1}"#)
        } else if request.contains("/2 HTTP") {
            http_response("404 Not Found", "{}")
        } else {
            http_response("403 Forbidden", "{}")
        }
    })
    .await;
    let ids = [1, 2, 3].map(|of| ServiceRecordId {
        vendor: VENDOR,
        number: number(of),
        day: None,
    });
    let scope = scope();
    let [first, second, third] = ids.map(|id| vendor.service_record(&scope, id));
    assert!(matches!(first.await, Ok(Some(_))));
    assert!(matches!(second.await, Ok(None)));
    assert!(third.await.is_err());
}

#[tokio::test]
async fn a_directory_is_read_whole() {
    let (scripted, vendor) = with(|request, _| {
        let ids = if request.contains("page=1&") {
            "1,2"
        } else {
            "3"
        };
        let items: Vec<_> = ids
            .split(',')
            .map(|id| format!(r#"{{"id":{id}}}"#))
            .collect();
        let items = items.join(",");
        http_response(
            "200 OK",
            &format!(r#"{{"data":[{items}],"meta":{{"last_page":2,"per_page":"2","total":3}}}}"#),
        )
    })
    .await;
    let employees = vendor.employees(&scope(), Some("li")).await;
    assert_eq!(employees.map(|employees| employees.len()).ok(), Some(3));
    assert!(first_lines(&scripted)[1].contains("search=li&page=2&per_page=2"));
}

#[tokio::test]
async fn a_put_that_is_refused_is_sent_as_a_post_from_then_on() {
    let (scripted, vendor) = with(|request, _| {
        if request.starts_with("PUT") {
            http_response("405 Method Not Allowed", "")
        } else {
            http_response("200 OK", ONE_TICKET)
        }
    })
    .await;
    let changes = TicketChanges {
        subject: Change::Set("x".to_owned()),
        status_memo: Change::Clear,
        due_at: Change::Set(timestamp("2024-03-01T00:00:00Z")),
        handler: Change::Set(EmployeeId::new(VENDOR, number(7))),
        ..TicketChanges::default()
    };
    for _ in 0..2 {
        let ticket = vendor.update_ticket(&scope(), ticket_id(1), &changes).await;
        assert!(ticket.is_ok());
    }

    let path = "/api/v1/ticket/1";
    let lines = first_lines(&scripted);
    assert_eq!(
        lines,
        [
            format!("PUT {path}"),
            format!("POST {path}"),
            format!("POST {path}")
        ]
    );
    assert_eq!(
        body_of(&scripted, 1),
        serde_json::json!({
            "_method": "put", "subject": "x", "status_memo": null,
            "due_at": "2024-03-01 08:00:00", "handler_id": 7
        })
    );
}

fn background() -> Background {
    Background::new(Duration::ZERO)
}

#[tokio::test]
async fn what_can_not_be_sent_is_named_by_its_field() {
    let (scripted, vendor) = with(|_, _| http_response("200 OK", ONE_TICKET)).await;
    let changes = TicketChanges {
        handler: Change::Set(EmployeeId::new(Vendor::Bangwo8, number(7))),
        category: Change::Set(CategoryId {
            vendor: VENDOR,
            level: 1,
            number: number(1),
        }),
        status: Change::Set(TicketStatus::Unknown),
        ..TicketChanges::default()
    };
    let err = vendor
        .create_ticket(&scope(), &changes, &background())
        .await
        .expect_err("it can't be sent");
    let ErrorKind::InvalidFields(faults) = err.kind else {
        panic!("the fields are at fault");
    };
    let fields: Vec<_> = faults.iter().filter_map(|fault| fault.field).collect();
    assert_eq!(fields, ["status", "handlerId", "categoryId"]);
    assert!(scripted.requests().is_empty());
}

#[tokio::test]
async fn what_the_vendor_finds_wrong_is_named_by_its_field() {
    let (_scripted, vendor) = with(|_, _| {
        http_response(
            "422 Unprocessable Entity",
            r#"{"errors":{"sponsor_id":["no such sponsor"]}}"#,
        )
    })
    .await;
    let err = vendor
        .create_ticket(&scope(), &TicketChanges::default(), &background())
        .await
        .expect_err("the vendor refused it");
    let ErrorKind::InvalidFields(faults) = err.kind else {
        panic!("the fields are at fault");
    };
    assert_eq!(faults[0].field, Some("sponsorId"));
    assert_eq!(faults[0].message, "no such sponsor");
}

#[tokio::test]
async fn a_completed_record_is_locked_whatever_the_status() {
    let scripts: [Script; 3] = [
        |_, _| http_response("200 OK", LOCK),
        |_, _| http_response("422 Unprocessable Entity", LOCK),
        |_, _| http_response("500 Internal Server Error", LOCK),
    ];
    for script in scripts {
        let (scripted, vendor) = with(script).await;
        let id = ServiceRecordId {
            vendor: VENDOR,
            number: number(1),
            day: None,
        };
        let changes = ServiceRecordChanges {
            memo: Change::Set("x".to_owned()),
            custom_fields: Some(vec![(
                number(4),
                CustomFieldValue::Many(vec!["A".to_owned()]),
            )]),
        };
        let err = vendor
            .update_service_record(&scope(), id, &changes)
            .await
            .expect_err("it is locked");
        assert!(matches!(err.kind, ErrorKind::Locked), "{err:?}");
        assert_eq!(
            body_of(&scripted, 0),
            serde_json::json!({ "memo": "x", "cz_cols": [{ "id": 4, "value": ["A"] }] })
        );
        assert_eq!(scripted.requests().len(), 1);
    }
}

const LOCK: &str = include_str!("../../../tests/fixtures/firstline/wrap_up_lock.json");

#[tokio::test]
async fn a_deletion_needs_no_body_and_may_be_sent_again() {
    let scripts: [Script; 3] = [
        |_, _| http_response("204 No Content", ""),
        |_, _| http_response("200 OK", r#"{"data":{"status":200}}"#),
        |_, number| match number {
            0 => String::new(),
            _ => http_response("404 Not Found", "{}"),
        },
    ];
    for script in scripts {
        let (_scripted, vendor) = with(script).await;
        let deleted = vendor.delete_ticket(&scope(), ticket_id(1)).await;
        assert!(deleted.is_ok(), "{deleted:?}");
    }

    let (_scripted, vendor) = with(|_, _| http_response("404 Not Found", "{}")).await;
    let err = vendor
        .delete_ticket(&scope(), ticket_id(1))
        .await
        .expect_err("there is none");
    assert!(matches!(err.kind, ErrorKind::NotFound), "{err:?}");
}

#[tokio::test]
async fn messages_that_the_record_leaves_out_are_in_the_list() {
    let (scripted, vendor) = with(|request, _| {
        if request.starts_with("GET /api/v1/interact-collection?") {
            http_response(
                "200 OK",
                include_str!("../../../tests/fixtures/firstline/service_records.json"),
            )
        } else {
            let single = include_str!("../../../tests/fixtures/firstline/service_record.json");
            http_response("200 OK", &single.replace("495", "491"))
        }
    })
    .await;
    let id = ServiceRecordId {
        vendor: VENDOR,
        number: number(491),
        day: None,
    };
    let alone = vendor.service_record(&scope(), id).await;
    let Ok(Some(alone)) = alone else {
        panic!("the record is there");
    };
    let created = alone.created_at.value().map(|at| at.timestamp);
    let filter = ServiceRecordFilter {
        from: created,
        to: created,
        ..ServiceRecordFilter::default()
    };
    let page = VendorPageRequest {
        page: 1,
        per_page: 2,
    };
    let list = vendor.service_record_page(&scope(), &filter, page).await;
    let list = list.expect("the list is there");
    let listed = list.items.iter().find(|listed| listed.id == id);
    let Some(listed) = listed else {
        panic!("it is in the list");
    };
    let Some(Transcript::Held(messages)) = listed.transcript.value() else {
        panic!("the list has the messages");
    };
    assert_eq!(messages.len(), 1);
    assert_eq!(
        first_lines(&scripted)[1],
        "GET /api/v1/interact-collection?created_at__start=2021-05-06+12%3A23%3A25\
         &created_at__end=2021-05-06+12%3A23%3A25&page=1&per_page=2"
    );
}

#[tokio::test]
async fn a_refresh_in_the_other_form_is_never_a_login() {
    let scripted = ScriptedVendor::with(|request, _| {
        if request.starts_with("PUT") {
            http_response("405 Method Not Allowed", "")
        } else {
            http_response("200 OK", r#"{"access_token":"second","expires_in":3600}"#)
        }
    })
    .await;
    let settings = settings(&scripted);
    let update_form = Arc::new(UpdateForm::new(UpdateMethod::Auto));
    let login = auth::Login::new("robot", "secret", update_form);
    let client = VendorClient::new(settings.client, VendorMetrics::detached(Vendor::FirstLine))
        .expect("the settings are good");
    let current = HeaderValue::from_static("Bearer first");

    for _ in 0..2 {
        let scope = scope();
        let renewed = login
            .renew(&client, &client.context(&scope), &current)
            .await
            .expect("the vendor gives a new token");
        assert!(renewed.is_some());
    }
    let path = "/api/v1/auth";
    let lines = first_lines(&scripted);
    assert_eq!(
        lines,
        [
            format!("PUT {path}"),
            format!("POST {path}"),
            format!("POST {path}")
        ]
    );
    for index in [1, 2] {
        assert_eq!(
            body_of(&scripted, index),
            serde_json::json!({ "_method": "put" })
        );
        assert!(scripted.requests()[index].contains("authorization: Bearer first"));
    }
}
