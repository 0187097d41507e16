//! Walks through lists of 2,000 and more objects, as vendors list them that sort in another way than expected. Each walk is
//! compared with the sorted truth.

use std::cmp::Reverse;

use deskgraph::sandbox::{ListOrder, SandboxOptions};
use jiff::{Timestamp, ToSpan, tz};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const NEWEST: &str = "2026-03-10T07:00:00Z";

/// One object of the truth: its creation and its number.
type Row = (Timestamp, i64);

async fn empty_desk() -> Desk {
    Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            tickets: 0,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await
}

fn seconds_ago(seconds: i64) -> Timestamp {
    let newest: Timestamp = NEWEST.parse().expect("it is a timestamp");
    newest - seconds.seconds()
}

/// As both vendors print it, in their zone.
fn printed(at: Timestamp) -> String {
    let local = tz::offset(8).to_datetime(at);
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn add_tickets(desk: &Desk, created: impl Iterator<Item = Timestamp>) -> Vec<Row> {
    let add = |at| {
        let ticket = json!({ "subject": "one", "content": "two", "created_at": printed(at) });
        (at, desk.sandbox.firstline_insert_ticket(ticket))
    };
    created.map(add).collect()
}

fn add_records(desk: &Desk, created: impl Iterator<Item = Timestamp>) -> Vec<Row> {
    let add = |at| {
        let record = json!({ "created_at": printed(at) });
        (at, desk.sandbox.firstline_insert_record(record))
    };
    created.map(add).collect()
}

/// The numbers of all objects of a FirstLine list, in pages of `first`.
async fn walk(desk: &Desk, field: &str, first: usize) -> Vec<i64> {
    let query = format!(
        "query($after: String) {{ list: {field}(first: {first}, after: $after, filter: {{ vendors: [FIRSTLINE] }}) {{
            nodes {{ vendorId }} pageInfo {{ hasNextPage endCursor }} sources {{ state }} }} }}"
    );
    let mut seen = Vec::new();
    let mut after = Value::Null;
    for _ in 0..3_000 {
        let data = desk.data(&query, json!({ "after": after })).await;
        let page = &data["list"];
        let nodes = page["nodes"].as_array().expect("nodes are a list");
        let number = |node: &Value| node["vendorId"].as_str()?.parse::<i64>().ok();
        seen.extend(nodes.iter().filter_map(number));
        if page["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        let end = page["pageInfo"]["endCursor"].clone();
        assert!(end.is_string() && end != after, "the walk goes on: {page}");
        after = end;
    }
    panic!("the walk does not end");
}

fn newest_first(mut rows: Vec<Row>) -> Vec<i64> {
    rows.sort_by_key(|row| Reverse(*row));
    rows.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn a_new_ticket_with_an_old_creation_time_hides_no_other() {
    let desk = empty_desk().await;
    let created = (0..2_000).map(|index| match index {
        1_995 => seconds_ago(400 * 86_400),
        _ => seconds_ago((2_000 - index) * 300),
    });
    let tickets = add_tickets(&desk, created);
    let first =
        desk.execute("{ tickets(first: 20) { nodes { id } pageInfo { hasNextPage endCursor } } }");
    let first = first.await;
    assert_eq!(first["tickets"]["nodes"].as_array().map(Vec::len), Some(20));
    assert_eq!(first["tickets"]["pageInfo"]["hasNextPage"], true);
    assert!(first["tickets"]["pageInfo"]["endCursor"].is_string());
    assert_eq!(walk(&desk, "tickets", 100).await, newest_first(tickets));
}

#[tokio::test]
async fn two_backdated_records_of_two_thousand_are_in_their_places() {
    let desk = empty_desk().await;
    let created = (0..2_000).map(|index| match index {
        1_200 => seconds_ago(9_000 * 300),
        1_990 => seconds_ago(1_500 * 300 + 7),
        _ => seconds_ago((2_000 - index) * 300),
    });
    let records = add_records(&desk, created);
    assert_eq!(
        walk(&desk, "serviceRecords", 50).await,
        newest_first(records)
    );
}

#[tokio::test]
async fn a_list_in_no_order_is_walked_to_its_end() {
    let desk = empty_desk().await;
    let firstline = desk.sandbox.firstline();
    firstline.change_switches(|switches| switches.record_order = ListOrder::Shuffled);
    let created = (0..2_000).map(|index| seconds_ago(index * 97 % 200_000));
    let records = add_records(&desk, created);
    assert_eq!(
        walk(&desk, "serviceRecords", 100).await,
        newest_first(records)
    );
}

#[tokio::test]
async fn five_records_in_each_second_are_given_once_in_pages_of_seven() {
    let desk = empty_desk().await;
    let records = add_records(&desk, (0..2_000).map(|index| seconds_ago(index / 5)));
    assert_eq!(
        walk(&desk, "serviceRecords", 7).await,
        newest_first(records)
    );
}

#[tokio::test]
async fn a_record_that_the_vendor_lists_late_is_in_its_place() {
    let desk = empty_desk().await;
    // By number, the record that was created as the newest is listed last.
    let created = (0..2_000).map(|index| match index {
        0 => seconds_ago(10),
        _ => seconds_ago((2_001 - index) * 300),
    });
    let records = add_records(&desk, created);
    assert_eq!(
        walk(&desk, "serviceRecords", 100).await,
        newest_first(records)
    );
}

#[tokio::test]
async fn the_days_of_a_quarter_add_up_to_its_total_with_fifteen_rows_a_page() {
    let desk = empty_desk().await;
    let firstline = desk.sandbox.firstline();
    firstline.change_switches(|switches| switches.records_ignore_per_page = true);
    // Some three records in two hours, over 85 days.
    add_records(&desk, (0..2_000).map(|index| seconds_ago(index * 3_672)));
    let query =
        "{ serviceRecordStats(from: \"2025-12-10\", to: \"2026-03-10\", vendors: [FIRSTLINE]) {
        total daily { count } sources { state } } }";
    let data = desk.execute(query).await;
    let stats = &data["serviceRecordStats"];
    let daily = stats["daily"].as_array().expect("days are a list");
    let sum: u64 = daily.iter().filter_map(|day| day["count"].as_u64()).sum();
    assert_eq!((&stats["total"], sum), (&json!(2_000), 2_000));
    let calls = desk.calls().0;
    assert!(calls <= 1 + 1 + 92, "{calls}");
}

#[tokio::test]
async fn numbers_of_tickets_stand_in_for_a_vendor_that_fails() {
    let options = DeskOptions::default().set("CACHE__LIST_TTL_MS", 0);
    let desk = Desk::open_with(options).await;
    let query = "{ ticketStats { total overdue byStatus { status count } } }";
    let before = desk.execute(query).await;
    let by_status = before["ticketStats"]["byStatus"]
        .as_array()
        .expect("a list");
    let sum: u64 = by_status
        .iter()
        .filter_map(|status| status["count"].as_u64())
        .sum();
    assert_eq!(before["ticketStats"]["total"], sum);
    assert_eq!(desk.calls().0, 6);

    let broken = deskgraph::sandbox::Fault::HtmlError { code: 503 };
    let broken = deskgraph::sandbox::FaultRule::new("/api/v1/ticket", broken);
    desk.sandbox.firstline().add_fault(broken);
    assert_eq!(desk.execute(query).await, before);
}

#[tokio::test]
async fn a_vendor_that_ignores_the_time_filter_is_read_whole_or_fails() {
    for (limit, is_read) in [(200, true), (5, false)] {
        let options = DeskOptions {
            sandbox: SandboxOptions {
                service_records: 0,
                tickets: 0,
                now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
                ..SandboxOptions::default()
            },
            ..DeskOptions::default().set("LIMITS__MAX_VENDOR_CALLS", limit)
        };
        let desk = Desk::open_with(options).await;
        let firstline = desk.sandbox.firstline();
        firstline.change_switches(|switches| switches.ignores_created_at = true);
        // Some 2,000 hours, so that the rows outside a window are far from it.
        let records = add_records(&desk, (0..2_000).map(|index| seconds_ago(index * 3_600)));
        if is_read {
            assert_eq!(
                walk(&desk, "serviceRecords", 100).await,
                newest_first(records)
            );
        } else {
            let query = "{ serviceRecords(filter: { vendors: [FIRSTLINE] }) { nodes { id } } }";
            let (error, _) = desk.execute_failing(query, json!({})).await;
            assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED");
        }
    }
}

#[tokio::test]
async fn a_second_with_too_many_records_is_named_and_walked_past() {
    let options = DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            tickets: 0,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..DeskOptions::default().set("LIMITS__MAX_VENDOR_CALLS", 8)
    };
    let desk = Desk::open_with(options).await;
    let others = add_records(&desk, (0..120).map(|index| seconds_ago(index * 300)));
    add_records(&desk, (0..1_500).map(|_| seconds_ago(50 * 300 + 150)));

    let query = "query($after: String) { serviceRecords(first: 20, after: $after, filter: { vendors: [FIRSTLINE] }) {
        nodes { vendorId } pageInfo { hasNextPage endCursor } sources { state error { code message } } } }";
    let mut seen = Vec::new();
    let mut named = 0;
    let mut after = Value::Null;
    for _ in 0..40 {
        let data = desk.data(query, json!({ "after": after })).await;
        let page = &data["serviceRecords"];
        let nodes = page["nodes"].as_array().expect("nodes are a list");
        let number = |node: &Value| node["vendorId"].as_str()?.parse::<i64>().ok();
        seen.extend(nodes.iter().filter_map(number));
        let source = &page["sources"][0];
        if source["state"] == "FAILED" {
            let message = source["error"]["message"]
                .as_str()
                .expect("it has a message");
            assert!(
                message.contains("2026-03-10T10:4") && message.contains("8 calls"),
                "{message}"
            );
            named += 1;
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert_ne!(page["pageInfo"]["endCursor"], after);
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, newest_first(others));
    assert!((1..=2).contains(&named), "{named}");
}

#[tokio::test]
async fn a_count_that_needs_too_many_calls_is_an_error() {
    let options = DeskOptions::default().set("LIMITS__MAX_VENDOR_CALLS", 3);
    let desk = Desk::open_with(options).await;
    let query = "{ serviceRecordStats(from: \"2026-01-01\", to: \"2026-03-10\", vendors: [FIRSTLINE]) { total } }";
    let today = jiff::Zoned::now().date();
    let query = query
        .replace("2026-03-10", &today.to_string())
        .replace("2026-01-01", &(today - 80.days()).to_string());
    let (error, data) = desk.execute_failing(&query, json!({})).await;
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{error}");
    assert_eq!(data["serviceRecordStats"], Value::Null);
}
