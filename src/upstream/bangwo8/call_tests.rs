//! The requests to Bangwo8, and what the gateway makes of its responses, over a real connection.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::{
    domain::{ContactId, EmployeeId, VendorNumber},
    telemetry::metrics::VendorMetrics,
    upstream::test_support::scripted_vendor::{Script, ScriptedVendor, http_response, scope},
};

fn settings(scripted: &ScriptedVendor) -> Bangwo8Settings {
    Bangwo8Settings {
        client: ClientSettings {
            vendor: VENDOR,
            base_url: format!("http://{}/", scripted.address),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
            max_concurrency: 4,
            requests_per_minute: None,
            max_retries: 2,
            max_body_bytes: 1_000_000,
            refused_login_pause: Duration::from_secs(60),
        },
        credentials: Bangwo8Credentials::Basic {
            account: "robot".to_owned(),
            password: "secret".into(),
        },
        zone: VendorZone::named("Asia/Shanghai").expect("the zone is bundled"),
        find_max_calls: 3,
        list_order: None,
        filter_retry: Duration::from_secs(3600),
        list_page_size: 2,
        newest_records_for_categories: 4,
    }
}

async fn with(script: Script) -> (ScriptedVendor, Bangwo8) {
    let scripted = ScriptedVendor::with(script).await;
    let vendor = Bangwo8::new(
        settings(&scripted),
        VendorMetrics::detached(Vendor::Bangwo8),
    )
    .expect("the settings are good");
    (scripted, vendor)
}

fn first_lines(scripted: &ScriptedVendor) -> Vec<String> {
    let requests = scripted.requests();
    let lines = requests.iter().filter_map(|request| request.lines().next());
    lines
        .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
        .collect()
}

fn number(number: u64) -> VendorNumber {
    VendorNumber::new(number).expect("it is in range")
}

fn id(text: &str) -> ServiceRecordId {
    format!("bangwo8:ServiceRecord:{text}")
        .parse()
        .expect("it is an id")
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

const PAGE: VendorPageRequest = VendorPageRequest {
    page: 3,
    per_page: 20,
};

#[test]
fn a_list_by_ids_that_the_vendor_does_not_have_is_not_read() {
    let plan = |filter: ServiceRecordFilter| RECORD_FILTERS.plan(VENDOR, &filter);
    let days = ServiceRecordFilter {
        from: timestamp("2024-02-29T16:00:00Z"),
        completed: Some(true),
        ..ServiceRecordFilter::default()
    };
    assert_eq!(plan(days), FilterPlan::Read);

    let foreign = ServiceRecordFilter {
        handler: Some(EmployeeId::new(Vendor::FirstLine, number(1))),
        ..ServiceRecordFilter::default()
    };
    assert_eq!(plan(foreign), FilterPlan::Nothing);
    let contact = ServiceRecordFilter {
        contact: Some(ContactId::new(VENDOR, number(1))),
        ..ServiceRecordFilter::default()
    };
    assert_eq!(plan(contact), FilterPlan::Nothing);
}

#[tokio::test]
async fn an_agents_records_are_a_list_of_their_own() {
    let (scripted, vendor) =
        with(|_, _| http_response("200 OK", r#"{"remoterecords":[{"csId":1}],"count":"9"}"#)).await;
    let filter = ServiceRecordFilter {
        handler: Some(EmployeeId::new(VENDOR, number(223))),
        from: timestamp("2024-03-01T10:00:00Z"),
        ..ServiceRecordFilter::default()
    };
    let page = vendor
        .service_record_page(&scope(), &filter, PAGE)
        .await
        .expect("the list is there");
    assert_eq!(page.total, Some(9));
    assert_eq!(page.has_next, None);
    assert_eq!(
        first_lines(&scripted),
        ["GET /api/v1/remoterecord/histories/223.json?starttime=2024-03-01&page=3&per_page=20"]
    );
    assert!(scripted.requests()[0].contains("authorization: Basic cm9ib3Q6c2VjcmV0"));
}

#[tokio::test]
async fn names_are_a_list_of_their_own() {
    let (scripted, vendor) = with(|_, _| {
        http_response(
            "200 OK",
            r#"{"remoterecords":[{"csId":1,"ptId":"a","ptChildId":"0"},{"ptId":"b"}],"count":2}"#,
        )
    })
    .await;
    let filter = ServiceRecordFilter::default();
    let page = vendor.named_record_page(&scope(), &filter, PAGE).await;
    let page = page.expect("the list is there");
    assert_eq!(page.items[0].names.0, [Some("a".to_owned()), None, None]);
    // A row without an id is left out and counted.
    assert_eq!((page.items.len(), page.unreadable), (1, 1));
    assert!(first_lines(&scripted)[0].starts_with("GET /api/v1/remoterecord/histories_v2.json?"));
}

#[tokio::test]
async fn a_record_without_a_summary_has_none_whatever_the_status() {
    let scripts: [Script; 3] = [
        |_, _| http_response("200 OK", r#"{"status":"120001","message":"x"}"#),
        |_, _| http_response("400 Bad Request", r#"{"status":120002}"#),
        |_, _| http_response("404 Not Found", "<html>"),
    ];
    for script in scripts {
        let (scripted, vendor) = with(script).await;
        let summary = vendor.service_summary(&scope(), id("1@2024-03-01")).await;
        assert!(matches!(summary, Ok(None)), "{summary:?}");
        assert_eq!(
            first_lines(&scripted),
            ["GET /api/v1/servicesummary/1.json?servicesummary_type=3"]
        );
    }
}

#[tokio::test]
async fn a_refusal_within_a_success_is_a_rejection() {
    let (scripted, vendor) =
        with(|_, _| http_response("200 OK", r#"{"errcode":"100047","errmsg":"secret text"}"#))
            .await;
    let err = vendor
        .employees(&scope(), None)
        .await
        .expect_err("it was refused");
    let failure = err.vendor_failure().expect("the vendor refused it");
    assert_eq!(failure.code, VendorErrorCode::Rejected);
    assert!(!err.to_string().contains("secret"));
    assert_eq!(scripted.requests().len(), 1);
}

#[tokio::test]
async fn the_agents_are_read_whole() {
    let (scripted, vendor) = with(|request, _| {
        let agents = if request.contains("page=1&") {
            r#"{"sId":1},{"sId":"2"}"#
        } else {
            r#"{"sId":3}"#
        };
        http_response(
            "200 OK",
            &format!(r#"{{"supports":[{agents}],"count":"3"}}"#),
        )
    })
    .await;
    let employees = vendor.employees(&scope(), None).await;
    assert_eq!(employees.map(|employees| employees.len()).ok(), Some(3));
    assert_eq!(scripted.requests().len(), 2);
}

#[tokio::test]
async fn a_token_is_asked_for_with_a_form_and_a_refusal_within_a_success_is_one() {
    let credentials = || Bangwo8Credentials::ClientCredentials {
        client_id: "robot".to_owned(),
        client_secret: "secret".into(),
    };
    let scripted = ScriptedVendor::with(|request, _| {
        if request.starts_with("POST /api/token.php") {
            http_response(
                "200 OK",
                r#"{"access_token":"abc","expires_in":3600,"scope":null}"#,
            )
        } else {
            http_response("200 OK", r#"{"remoterecords":[]}"#)
        }
    })
    .await;
    let vendor = Bangwo8::new(
        Bangwo8Settings {
            credentials: credentials(),
            ..settings(&scripted)
        },
        VendorMetrics::detached(Vendor::Bangwo8),
    )
    .expect("the settings are good");
    assert!(vendor.check(&scope()).await.is_ok());
    let requests = scripted.requests();
    assert!(requests[0].contains("authorization: Basic cm9ib3Q6c2VjcmV0"));
    assert!(requests[0].contains("multipart/form-data"));
    assert!(requests[0].contains("name=\"grant_type\"\r\n\r\nclient_credentials"));
    assert!(requests[1].contains("authorization: Bearer abc"));

    let scripted =
        ScriptedVendor::with(|_, _| http_response("200 OK", r#"{"error":"invalid_client"}"#)).await;
    let vendor = Bangwo8::new(
        Bangwo8Settings {
            credentials: credentials(),
            ..settings(&scripted)
        },
        VendorMetrics::detached(Vendor::Bangwo8),
    )
    .expect("the settings are good");
    for _ in 0..2 {
        let err = vendor.check(&scope()).await.expect_err("it was refused");
        let failure = err.vendor_failure().expect("the vendor refused it");
        assert_eq!(failure.code, VendorErrorCode::Unauthenticated);
    }
    assert_eq!(scripted.requests().len(), 1);
}
