//! Filters: each is sent in the vendor's parameters, and a filter that cannot match makes no call.

use serde_json::{Value, json};

use super::vendor_requests;
use crate::harness::{Desk, DeskOptions};

/// A filter of tickets and the parameters that FirstLine receives for it.
fn ticket_filters() -> Vec<(Value, &'static str)> {
    vec![
        (Value::Null, ""),
        (json!({}), ""),
        (
            json!({ "search": null, "statuses": null, "contactId": null, "sponsorId": null, "terminationCodeIds": null,
            "handlerIds": null, "creatorIds": null, "dueFrom": null, "dueTo": null, "createdFrom": null, "createdTo": null,
            "vendors": null }),
            "",
        ),
        (json!({ "vendors": ["FIRSTLINE", "BANGWO8"] }), ""),
        (json!({ "search": "退款 & 100%" }), "search=退款 & 100%&"),
        (json!({ "statuses": ["PENDING"] }), "statuses[]=0&"),
        (
            json!({ "statuses": ["CLOSED", "IN_PROGRESS", "RESOLVED"] }),
            "statuses[]=3&statuses[]=1&statuses[]=2&",
        ),
        (
            json!({ "contactId": "firstline:Contact:7" }),
            "contact_id=7&",
        ),
        (
            json!({ "sponsorId": "firstline:Sponsor:3" }),
            "sponsor_id=3&",
        ),
        (
            json!({ "terminationCodeIds": ["firstline:TerminationCode:9", "firstline:TerminationCode:4"] }),
            "termination_code_ids[]=9&termination_code_ids[]=4&",
        ),
        (
            json!({ "handlerIds": ["firstline:Employee:7", "bangwo8:Employee:7", "firstline:Employee:8"] }),
            "handler_ids[]=7&handler_ids[]=8&",
        ),
        (
            json!({ "creatorIds": ["firstline:Employee:6"] }),
            "creater_ids[]=6&",
        ),
        (
            json!({ "dueFrom": "2026-01-01T00:00:00Z", "dueTo": "2026-01-02T00:00:00.500Z" }),
            "due_at__start=2026-01-01 08:00:00&due_at__end=2026-01-02 08:00:00&",
        ),
        (
            json!({ "createdFrom": "2026-01-01T00:00:00.500+08:00", "createdTo": "2026-01-31T23:59:59+08:00" }),
            "created_at__start=2025-12-31 23:59:59&created_at__end=2026-02-01 00:00:00&",
        ),
    ]
}

const TICKETS: &str = "query($filter: TicketFilter) { tickets(first: 5, filter: $filter) { totalCount nodes { id } sources { vendor state totalCount } } }";

#[tokio::test]
async fn every_ticket_filter_is_sent_as_the_vendors_parameters() {
    for (filter, sent) in ticket_filters() {
        let desk = Desk::open().await;
        desk.sandbox.firstline().change_switches(|switches| {
            switches.array_encoding = deskgraph::sandbox::ArrayEncoding::Brackets;
        });
        desk.data(TICKETS, json!({ "filter": filter })).await;
        let calls = vendor_requests(&desk);
        assert!(!calls.is_empty(), "{filter}");
        for call in calls {
            let (expected, window) = (format!("GET /api/v1/ticket?{sent}"), "created_at__");
            let rest = call.strip_prefix(&expected);
            let follows =
                rest.is_some_and(|rest| rest.starts_with("page=") || rest.starts_with(window));
            assert!(follows, "{filter}: {call}, not {expected}");
        }
    }
}

#[tokio::test]
async fn list_values_are_joined_by_commas_with_the_comma_style() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__ARRAY_STYLE", "comma")).await;
    desk.sandbox.firstline().change_switches(|switches| {
        switches.array_encoding = deskgraph::sandbox::ArrayEncoding::Comma;
    });
    let filter = json!({
        "statuses": ["PENDING", "IN_PROGRESS"], "handlerIds": ["firstline:Employee:7", "firstline:Employee:8"],
        "creatorIds": ["firstline:Employee:6"], "terminationCodeIds": ["firstline:TerminationCode:1"],
    });
    desk.data(TICKETS, json!({ "filter": filter })).await;
    let call = vendor_requests(&desk).remove(0);
    let expected = "GET /api/v1/ticket?statuses=0,1&termination_code_ids=1&handler_ids=7,8&creater_ids=6&page=1";
    assert!(call.starts_with(expected), "{call}");
}

#[tokio::test]
async fn every_ticket_filter_narrows_the_list() {
    let desk = Desk::open().await;
    let contact = desk
        .sandbox
        .firstline_insert_contact(json!({ "id": 803, "name": "sought" }));
    desk.sandbox
        .firstline_insert_employee(json!({ "id": 903, "name": "handler" }));
    desk.sandbox
        .firstline_insert_employee(json!({ "id": 904, "name": "creator" }));
    let sought = desk.sandbox.firstline_insert_ticket(json!({
        "id": 774_001, "subject": "the Sought one", "status": 3, "contact_id": contact, "sponsor_id": 4,
        "termination_code_id": 10, "handler_id": 903, "creater_id": 904, "due_at": "2031-01-01 08:00:00",
        "created_at": "2021-01-01 08:00:00",
    }));
    for filter in [
        json!({ "search": "sought" }),
        json!({ "contactId": "firstline:Contact:803" }),
        json!({ "handlerIds": ["firstline:Employee:903"] }),
        json!({ "handlerIds": ["bangwo8:Employee:5", "firstline:Employee:903"] }),
        json!({ "creatorIds": ["firstline:Employee:904", "firstline:Employee:905"] }),
        json!({ "dueFrom": "2031-01-01T00:00:00Z" }),
        json!({ "dueFrom": "2031-01-01T00:00:00Z", "dueTo": "2031-01-01T00:00:00Z" }),
        json!({ "createdTo": "2021-01-01T00:00:00Z" }),
        json!({ "createdFrom": "2021-01-01T08:00:00+08:00", "createdTo": "2021-01-01T08:00:00+08:00" }),
        json!({ "vendors": ["FIRSTLINE"], "search": "sought", "statuses": ["CLOSED"], "sponsorId": "firstline:Sponsor:4",
            "terminationCodeIds": ["firstline:TerminationCode:10"], "contactId": "firstline:Contact:803" }),
    ] {
        let data = desk.data(TICKETS, json!({ "filter": filter })).await;
        let expected = json!([{ "id": format!("firstline:Ticket:{sought}") }]);
        assert_eq!(data["tickets"]["nodes"], expected, "{filter}");
        assert_eq!(data["tickets"]["totalCount"], 1, "{filter}");
    }
    // Each of these matches the ticket among others.
    let query = "query($filter: TicketFilter) { tickets(first: 100, filter: $filter) { nodes {
        status sponsor { id } terminationCode { id } } } }";
    for (filter, field, value) in [
        (json!({ "statuses": ["RESOLVED"] }), "/status", "RESOLVED"),
        (
            json!({ "sponsorId": "firstline:Sponsor:4" }),
            "/sponsor/id",
            "firstline:Sponsor:4",
        ),
        (
            json!({ "terminationCodeIds": ["firstline:TerminationCode:10"] }),
            "/terminationCode/id",
            "firstline:TerminationCode:10",
        ),
    ] {
        let data = desk.data(query, json!({ "filter": filter })).await;
        let nodes = data["tickets"]["nodes"]
            .as_array()
            .expect("tickets are a list");
        assert!(nodes.len() > 2, "{filter}");
        assert!(
            nodes
                .iter()
                .all(|node| node.pointer(field) == Some(&json!(value))),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn a_filter_that_cannot_match_returns_an_empty_list_without_a_call() {
    let desk = Desk::open().await;
    for filter in [
        json!({ "vendors": [] }),
        json!({ "vendors": ["BANGWO8"] }),
        json!({ "statuses": [] }),
        json!({ "terminationCodeIds": [] }),
        json!({ "handlerIds": [] }),
        json!({ "creatorIds": [] }),
        json!({ "handlerIds": ["bangwo8:Employee:7"] }),
        json!({ "creatorIds": ["bangwo8:Employee:7"], "search": "x" }),
        json!({ "terminationCodeIds": ["bangwo8:TerminationCode:1"] }),
        json!({ "sponsorId": "bangwo8:Sponsor:1" }),
        json!({ "contactId": "bangwo8:Contact:1" }),
    ] {
        let data = desk.data(TICKETS, json!({ "filter": filter })).await;
        assert_eq!(
            data["tickets"],
            json!({
                "totalCount": 0, "nodes": [], "sources": [
                    { "vendor": "FIRSTLINE", "state": "SKIPPED", "totalCount": null },
                    { "vendor": "BANGWO8", "state": "SKIPPED", "totalCount": null },
                ],
            }),
            "{filter}"
        );
    }
    let data = desk.execute("{ employee(id: \"firstline:Employee:7\") { tickets(statuses: []) { totalCount nodes { id } } } }").await;
    assert_eq!(
        data["employee"]["tickets"],
        json!({ "totalCount": 0, "nodes": [] })
    );
    let calls: Vec<_> = vendor_requests(&desk)
        .into_iter()
        .filter(|call| !call.contains("/employee"))
        .collect();
    assert_eq!(calls, Vec::<String>::new());
    assert_eq!(desk.calls().1, 0);
}

#[tokio::test]
async fn an_impossible_filter_is_bad_user_input() {
    let desk = Desk::open().await;
    for filter in [
        json!({ "statuses": ["UNKNOWN"] }),
        json!({ "statuses": ["PENDING", "UNKNOWN"] }),
        json!({ "contactId": "firstline:Employee:7" }),
        json!({ "contactId": "7" }),
        json!({ "sponsorId": "firstline:Sponsor:007" }),
        json!({ "handlerIds": ["firstline:Employee:7", ""] }),
        json!({ "creatorIds": ["firstline:Employee:-1"] }),
        json!({ "terminationCodeIds": ["zendesk:TerminationCode:1"] }),
        json!({ "createdFrom": "2026-01-02T00:00:00Z", "createdTo": "2026-01-01T00:00:00Z" }),
        json!({ "dueFrom": "2026-01-02T00:00:00Z", "dueTo": "2026-01-01T00:00:00Z" }),
    ] {
        let (error, data) = desk
            .execute_failing(TICKETS, json!({ "filter": filter }))
            .await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{filter}");
        assert_eq!(data, json!({ "tickets": null }), "{filter}");
    }
    let query = "{ employee(id: \"firstline:Employee:7\") { id tickets(statuses: [UNKNOWN]) { totalCount } } }";
    let (error, data) = desk.execute_failing(query, Value::Null).await;
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(
        data["employee"],
        json!({ "id": "firstline:Employee:7", "tickets": null })
    );
}

#[tokio::test]
async fn every_service_record_filter_is_sent_as_the_vendors_parameters() {
    let query = "query($filter: ServiceRecordFilter) { serviceRecords(first: 5, filter: $filter) { nodes { id } } }";
    for (mut filter, sent) in [
        (json!({}), ""),
        (
            json!({ "handlerId": "firstline:Employee:7" }),
            "handler_id=7&",
        ),
        (
            json!({ "handlerGroupId": "firstline:EmployeeGroup:2" }),
            "handler_group_id=2&",
        ),
        (
            json!({ "contactId": "firstline:Contact:7" }),
            "contact_id=7&",
        ),
        (json!({ "completed": true }), "is_acw_completed=1&"),
        (json!({ "completed": false }), "is_acw_completed=0&"),
        (
            json!({ "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z" }),
            // It is undocumented whether a bound includes its own second, so the gateway adds a second.
            "created_at__start=2026-01-01 07:59:59&created_at__end=2026-01-02 08:00:01&",
        ),
    ] {
        filter["vendors"] = json!(["FIRSTLINE"]);
        // The first read of such a list starts with a call without other bounds.
        let desk = Desk::open().await;
        desk.data(query, json!({ "filter": filter })).await;
        let call = vendor_requests(&desk).remove(0);
        let expected = format!("GET /api/v1/interact-collection?{sent}page=");
        assert!(call.starts_with(&expected), "{filter}: {call}");
    }
}

#[tokio::test]
async fn an_employees_records_and_tickets_are_the_lists_filtered_by_employee() {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(json!({ "id": 905, "name": "carol" }));
    desk.sandbox.firstline_insert_record(
        json!({ "id": 994_001, "handler_id": 905, "created_at": "2024-05-01 10:00:00" }),
    );
    desk.sandbox.firstline_insert_record(
        json!({ "id": 994_002, "handler_id": 905, "created_at": "2024-05-03 10:00:00" }),
    );
    desk.sandbox.firstline_insert_ticket(json!({ "id": 774_011, "handler_id": 905, "status": 0, "created_at": "2024-05-01 10:00:00" }));
    desk.sandbox.firstline_insert_ticket(json!({ "id": 774_012, "handler_id": 905, "status": 2, "created_at": "2024-05-02 10:00:00" }));
    let data = desk
        .execute(
            "{ employee(id: \"firstline:Employee:905\") {
        serviceRecords { totalCount nodes { id } }
        early: serviceRecords(to: \"2024-05-02T00:00:00+08:00\") { nodes { id } }
        tickets { totalCount nodes { id } }
        open: tickets(statuses: [PENDING, IN_PROGRESS]) { nodes { id } }
    } }",
        )
        .await;
    assert_eq!(
        data["employee"],
        json!({
            "serviceRecords": { "totalCount": 2, "nodes": [{ "id": "firstline:ServiceRecord:994002" }, { "id": "firstline:ServiceRecord:994001" }] },
            "early": { "nodes": [{ "id": "firstline:ServiceRecord:994001" }] },
            "tickets": { "totalCount": 2, "nodes": [{ "id": "firstline:Ticket:774012" }, { "id": "firstline:Ticket:774011" }] },
            "open": { "nodes": [{ "id": "firstline:Ticket:774011" }] },
        })
    );
}
