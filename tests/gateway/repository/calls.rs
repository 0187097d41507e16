//! The vendor calls of a query, counted at the sandbox without logins.

use std::collections::BTreeSet;

use deskgraph::sandbox::{ListOrder, LoggedRequest, SandboxOptions};
use futures_util::future::join_all;
use jiff::{ToSpan, Zoned, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

/// One query to a gateway with cold caches, and the most calls that it may need.
struct Cost {
    name: &'static str,
    query: &'static str,
    firstline: usize,
    bangwo8: usize,
}

/// These are the rows of `docs/CACHING.md` below "What a query costs".
const COSTS: &[Cost] = &[
    Cost {
        name: "a page of 20 tickets with all that stands around them",
        query: "{ tickets { totalCount nodes { subject status
                  handler { name employeeNo groups { name } } creator { name } contact { name }
                  category { name parent { name } } terminationCode { name } sponsor { name }
                  serviceRecords { id status queuedAt endedAt memo handler { name } } } } }",
        firstline: 2,
        bangwo8: 0,
    },
    Cost {
        name: "20 service records of both vendors, with their agents' ids and customers",
        query: "{ serviceRecords { totalCount nodes { id status channel startedAt
                  handler { id } contact { name } } sources { state } } }",
        firstline: 2,
        bangwo8: 2,
    },
    Cost {
        name: "tickets in numbers",
        query: "{ ticketStats { total overdue byStatus { status count } } }",
        firstline: 6,
        bangwo8: 0,
    },
    Cost {
        name: "one ticket under 20 aliases",
        query: "{ a1: ticket(id: \"firstline:Ticket:1002\") { subject } a2: ticket(id: \"firstline:Ticket:1002\") { content }
                  a3: ticket(id: \"firstline:Ticket:1002\") { subject } a4: ticket(id: \"firstline:Ticket:1002\") { content }
                  a5: ticket(id: \"firstline:Ticket:1002\") { subject } a6: ticket(id: \"firstline:Ticket:1002\") { content }
                  a7: ticket(id: \"firstline:Ticket:1002\") { subject } a8: ticket(id: \"firstline:Ticket:1002\") { content }
                  a9: ticket(id: \"firstline:Ticket:1002\") { subject } b0: ticket(id: \"firstline:Ticket:1002\") { content }
                  b1: ticket(id: \"firstline:Ticket:1002\") { subject } b2: ticket(id: \"firstline:Ticket:1002\") { content }
                  b3: ticket(id: \"firstline:Ticket:1002\") { subject } b4: ticket(id: \"firstline:Ticket:1002\") { content }
                  b5: ticket(id: \"firstline:Ticket:1002\") { subject } b6: ticket(id: \"firstline:Ticket:1002\") { content }
                  b7: ticket(id: \"firstline:Ticket:1002\") { subject } b8: ticket(id: \"firstline:Ticket:1002\") { content }
                  b9: ticket(id: \"firstline:Ticket:1002\") { subject } c0: node(id: \"firstline:Ticket:1002\") { id } }",
        firstline: 1,
        bangwo8: 0,
    },
];

fn day(days_ago: i64) -> Date {
    let now = Zoned::now().with_time_zone(TimeZone::fixed(jiff::tz::offset(8)));
    now.date() - days_ago.days()
}

fn ids(data: &Value) -> Vec<String> {
    let nodes = data["nodes"].as_array().expect("it is a list");
    let id = |node: &Value| {
        node["id"]
            .as_str()
            .expect("every node has an id")
            .to_owned()
    };
    nodes.iter().map(id).collect()
}

#[tokio::test]
async fn a_query_needs_at_most_the_documented_vendor_calls() {
    for cost in COSTS {
        let desk = Desk::open().await;
        desk.execute(cost.query).await;

        let (firstline, bangwo8) = desk.calls();
        let is_within = (1..=cost.firstline).contains(&firstline) && bangwo8 <= cost.bangwo8;
        assert!(is_within, "{}: {firstline} and {bangwo8}", cost.name);
    }
}

#[tokio::test]
async fn e_mails_of_the_handlers_of_100_tickets_need_the_directory_once() {
    let desk = Desk::open().await;
    let query = "{ tickets(first: 100) { nodes { id handler { name email jobTitle } } } }";
    let data = desk.execute(query).await;
    assert_eq!(ids(&data["tickets"]).len(), 100);

    let directory = desk.sandbox.firstline().requests_to("/api/v1/employee");
    let pages = pages_read_once(&directory);
    assert_eq!(desk.calls(), (2 + pages, 0));

    desk.forget_calls();
    assert_eq!(desk.execute(query).await, data);
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn one_request_reads_a_directory_once_even_without_a_cache() {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", "false")).await;
    let query = "{ serviceRecords(first: 5, filter: { vendors: [BANGWO8] }) { nodes {
        handler { name serviceRecords(first: 2) { nodes { handler { name } } } } } } }";
    let data = desk.execute(query).await;
    let records = data["serviceRecords"]["nodes"].as_array().expect("a list");
    let handlers: Vec<_> = records
        .iter()
        .map(|record| &record["handler"])
        .filter(|handler| handler["name"].is_string())
        .collect();
    assert!(!handlers.is_empty(), "{data}");
    for handler in handlers {
        let again = &handler["serviceRecords"]["nodes"][0]["handler"];
        assert_eq!(again["name"], handler["name"]);
    }

    let directory = desk.sandbox.bangwo8().requests_to("/api/v1/supports.json");
    pages_read_once(&directory);
}

/// The number of pages read of a directory: at least one, and none twice.
fn pages_read_once(directory: &[LoggedRequest]) -> usize {
    let pages: BTreeSet<_> = directory
        .iter()
        .map(|request| request.query_value("page"))
        .collect();
    assert!(!pages.is_empty());
    assert_eq!(pages.len(), directory.len(), "no page is read twice");
    pages.len()
}

#[tokio::test]
async fn merged_service_records_need_two_calls_per_vendor_and_a_repeat_none() {
    let query = "{ serviceRecords(first: 20) { nodes { id } totalCount } }";
    for (order, has_small_pages, most_calls) in [
        (ListOrder::TimeDescending, false, 2),
        (ListOrder::TimeDescending, true, 2),
        (ListOrder::TimeAscending, false, 3),
    ] {
        let desk = Desk::open().await;
        desk.sandbox.firstline().change_switches(|switches| {
            switches.record_order = order;
            switches.records_ignore_per_page = has_small_pages;
        });
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.record_order = order);

        let first = desk.execute(query).await;
        assert_eq!(ids(&first["serviceRecords"]).len(), 20);
        let (firstline, bangwo8) = desk.calls();
        assert!(
            (1..=most_calls).contains(&firstline) && (1..=most_calls).contains(&bangwo8),
            "{order:?}, {has_small_pages}: {firstline} and {bangwo8}"
        );

        // Once the vendor's page size is known, the gateway requests pages of that size.
        if has_small_pages {
            desk.execute(query).await;
        }
        desk.forget_calls();
        assert_eq!(desk.execute(query).await, first);
        assert_eq!(desk.calls(), (0, 0));
    }
}

#[tokio::test]
async fn forty_concurrent_equal_requests_share_the_vendor_calls() {
    for enabled in ["true", "false"] {
        let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", enabled)).await;
        desk.execute("{ employees(first: 1) { nodes { id } } }")
            .await;
        for (query, calls) in [
            ("{ tickets { nodes { id subject } totalCount } }", 2),
            ("{ ticket(id: \"firstline:Ticket:1002\") { subject } }", 1),
        ] {
            desk.forget_calls();
            // The delay keeps the first request in flight until the last one arrives.
            desk.sandbox.firstline().add_fault(late());
            let answers = join_all((0..40).map(|_| desk.execute(query))).await;
            desk.sandbox.firstline().clear_faults();

            assert!(answers.iter().all(|answer| *answer == answers[0]));
            assert_eq!(desk.calls(), (calls, 0), "{enabled}: {query}");
        }
    }
}

fn late() -> deskgraph::sandbox::FaultRule {
    let fault = deskgraph::sandbox::Fault::Delay { ms: 400 };
    deskgraph::sandbox::FaultRule::new("/api/v1/ticket", fault)
}

#[tokio::test]
async fn twelve_bangwo8_records_of_four_days_need_four_calls() {
    let desk = Desk::open().await;
    let mut wanted = Vec::new();
    for number in 0..12 {
        let day = day(3 + number % 4);
        let record =
            json!({ "csId": 700_001 + number, "csBTime": format!("{day} 10:00:{number:02}") });
        let id = desk.sandbox.bangwo8_insert_record(record);
        wanted.push(format!("bangwo8:ServiceRecord:{id}@{day}"));
    }

    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on ServiceRecord { problem } } }";
    let data = desk.data(query, json!({ "ids": wanted })).await;
    assert_eq!(ids(&data), wanted);
    assert_eq!(desk.calls(), (0, 4));
}

#[tokio::test]
async fn objects_of_a_list_are_read_by_id_without_a_call() {
    let desk = Desk::open().await;
    let listed = desk
        .execute("{ tickets { nodes { id } } serviceRecords { nodes { id } } }")
        .await;
    desk.forget_calls();

    let mut wanted = ids(&listed["tickets"]);
    wanted.extend(ids(&listed["serviceRecords"]));
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Ticket { subject content contact { name } }
                   ... on ServiceRecord { status startedAt memo } } }";
    let opened = desk.data(query, json!({ "ids": wanted })).await;
    assert_eq!(ids(&opened), wanted);

    let one = "query ($id: ID!) { ticket(id: $id) { subject } }";
    let one = desk.data(one, json!({ "id": wanted[0] })).await;
    assert!(one["ticket"]["subject"].is_string());
    assert_eq!(desk.calls(), (0, 0));
}

const DAYS: &str = "query ($from: Date!, $to: Date!, $vendors: [Vendor!]) {
    serviceRecordStats(from: $from, to: $to, vendors: $vendors) {
      total byVendor { vendor count } daily { date vendor count } sources { vendor state totalCount } } }";

#[tokio::test]
async fn days_are_counted_with_the_fewest_calls() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await;
    for number in 0..250 {
        let days_ago = if number < 125 { 41 } else { 40 };
        let at = format!("{} 10:{:02}:{:02}", day(days_ago), number / 60, number % 60);
        desk.sandbox
            .firstline_insert_record(json!({ "created_at": at }));
        desk.sandbox.bangwo8_insert_record(json!({ "csBTime": at }));
    }

    // 250 records are three pages: two days need fewer calls, thirty days need more.
    for (from, to, calls) in [(41, 40, 1 + 2), (60, 31, 1 + 3)] {
        desk.forget_calls();
        let range = json!({ "from": day(from).to_string(), "to": day(to).to_string() });
        let data = desk.data(DAYS, range.clone()).await;
        let stats = &data["serviceRecordStats"];
        assert_eq!(stats["total"], 500);
        let daily = stats["daily"].as_array().expect("it is a list");
        assert_eq!(daily.len() as i64, 2 * (from - to + 1));
        let counted: Vec<_> = daily.iter().filter(|day| day["count"] != 0).collect();
        assert!(
            counted.len() == 4 && counted.iter().all(|day| day["count"] == 125),
            "{daily:?}"
        );

        let (firstline, bangwo8) = desk.calls();
        assert!(
            firstline <= calls && bangwo8 <= calls,
            "{from}: {firstline} and {bangwo8}"
        );
        for requests in [
            desk.sandbox.firstline().requests(),
            desk.sandbox.bangwo8().requests(),
        ] {
            let lists =
                |path: &str| path.contains("interact-collection") || path.contains("histories");
            let first = requests
                .iter()
                .find(|request| lists(&request.path))
                .expect("the vendor was called");
            assert_eq!(
                first.query_value("per_page"),
                Some("1"),
                "the range's total comes first"
            );
        }

        desk.forget_calls();
        let again = desk.data(DAYS, range).await;
        assert_eq!(again["serviceRecordStats"]["daily"], stats["daily"]);
        assert_eq!(desk.calls(), (0, 0));
    }
}

#[tokio::test]
async fn stats_cover_at_most_92_days_and_skip_vendors_that_are_not_selected() {
    let desk = Desk::open().await;
    let range = |days: i64, vendors: Value| json!({ "from": day(days - 1).to_string(), "to": day(0).to_string(), "vendors": vendors });

    let (error, data) = desk.execute_failing(DAYS, range(93, Value::Null)).await;
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(data["serviceRecordStats"], Value::Null);
    assert_eq!(desk.calls(), (0, 0));

    let data = desk.data(DAYS, range(92, json!(["BANGWO8"]))).await;
    let stats = &data["serviceRecordStats"];
    assert_eq!(stats["daily"].as_array().map(Vec::len), Some(92));
    assert_eq!(stats["total"], 420);
    assert_eq!(stats["sources"][0]["state"], "SKIPPED");
    let (firstline, bangwo8) = desk.calls();
    assert!(
        firstline == 0 && bangwo8 <= 1 + 5,
        "{firstline} and {bangwo8}"
    );
}

#[tokio::test]
async fn concurrent_ticket_stats_share_one_read() {
    let desk = Desk::open().await;
    let query = "{ ticketStats { total overdue byStatus { status count } } }";
    let answers = join_all((0..20).map(|_| desk.execute(query))).await;

    assert!(
        answers
            .iter()
            .all(|answer| answer["ticketStats"]["total"] == 320)
    );
    let (firstline, _) = desk.calls();
    assert_eq!(firstline, 6);
}
