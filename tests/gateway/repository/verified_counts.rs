//! Counts that rest on a filter: they are right, or an error, also where the vendor does not apply the filter.

use deskgraph::sandbox::{IgnoredParameter, ListOrder, ParameterPlace, SandboxOptions};
use jiff::{SignedDuration, Timestamp, civil::Date, tz};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const STATS: &str = "query($filter: TicketFilter) { ticketStats(filter: $filter) { total overdue byStatus { status count } } }";

fn ignore(desk: &Desk, names: &[&str]) {
    let ignored = names.iter().map(|name| IgnoredParameter {
        name: (*name).to_owned(),
        place: ParameterPlace::Anywhere,
    });
    let ignored = ignored.collect();
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.ignored_parameters = ignored);
}

fn uncached() -> DeskOptions {
    DeskOptions::default().set("CACHE__ENABLED", "false")
}

fn without_tickets(options: DeskOptions) -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            tickets: 0,
            service_records: 0,
            ..SandboxOptions::default()
        },
        ..options
    }
}

/// So many minutes before now, as the vendors print it.
fn printed(minutes_ago: i64) -> String {
    let at = Timestamp::now() - SignedDuration::from_mins(minutes_ago);
    let local = tz::offset(8).to_datetime(at);
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn today() -> Date {
    tz::offset(8).to_datetime(Timestamp::now()).date()
}

#[tokio::test]
async fn counts_of_tickets_are_right_when_the_vendor_ignores_their_filters() {
    for filter in [
        json!({}),
        json!({ "statuses": ["PENDING", "RESOLVED"] }),
        json!({ "handlerIds": ["firstline:Employee:7"] }),
    ] {
        for ignored in [
            &["statuses"][..],
            &["due_at__end"],
            &["handler_ids"],
            &["*"],
        ] {
            let desk = Desk::open_with(uncached()).await;
            let variables = json!({ "filter": filter });
            let truth = desk.data(STATS, variables.clone()).await;
            ignore(&desk, ignored);
            let counted = desk.data(STATS, variables.clone()).await;
            assert_eq!(counted, truth, "{filter} {ignored:?}");
            assert_eq!(
                desk.data(STATS, variables).await,
                truth,
                "{filter} {ignored:?}"
            );
        }
    }
}

#[tokio::test]
async fn counts_that_too_many_pages_would_have_to_show_are_an_error() {
    let desk = Desk::open_with(uncached().set("LIMITS__MAX_VENDOR_PAGES", "2")).await;
    ignore(&desk, &["statuses"]);
    let (error, data) = desk.execute_failing(STATS, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UPSTREAM_CONTRACT");
    assert_eq!(error["extensions"]["vendorCode"], "BAD_RESPONSE");
    assert_eq!(data["ticketStats"], Value::Null);
}

#[tokio::test]
async fn statuses_that_sum_to_more_than_the_total_are_an_error() {
    let desk = Desk::open_with(without_tickets(uncached())).await;
    for _ in 0..3 {
        desk.sandbox.firstline_insert_ticket(
            json!({ "status": 0, "due_at": null, "$absent": ["status", "due_at"] }),
        );
    }
    ignore(&desk, &["statuses", "due_at__end"]);
    let (error, _) = desk.execute_failing(STATS, json!({})).await;
    assert_eq!(error["extensions"]["vendorCode"], "BAD_RESPONSE");
    assert_eq!(
        desk.sandbox.firstline().requests_to("/api/v1/ticket").len(),
        12,
        "they are counted twice"
    );
}

fn list_newest_first(desk: &Desk) {
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.ticket_order = ListOrder::TimeDescending);
}

#[tokio::test]
async fn a_total_that_would_be_right_for_every_status_is_noticed() {
    let desk = Desk::open_with(without_tickets(uncached())).await;
    list_newest_first(&desk);
    for number in 0..30 {
        let status = if number < 10 { 0 } else { 3 };
        desk.sandbox.firstline_insert_ticket(json!({
            "created_at": printed(number), "status": status, "due_at": "2099-01-01 00:00:00",
        }));
    }
    ignore(&desk, &["statuses"]);
    // The newest ticket matches, so that no row of these counts shows that they are of all tickets.
    let data = desk
        .data(STATS, json!({ "filter": { "statuses": ["PENDING"] } }))
        .await;
    assert_eq!(data["ticketStats"]["total"], 10);
    assert_eq!(data["ticketStats"]["overdue"], 0);
    assert_eq!(data["ticketStats"]["byStatus"][0]["count"], 10);
    assert_eq!(data["ticketStats"]["byStatus"][3]["count"], 0);
}

#[tokio::test]
async fn open_tickets_that_would_all_be_overdue_are_checked() {
    let desk = Desk::open_with(without_tickets(uncached())).await;
    list_newest_first(&desk);
    for number in 0..30 {
        let due_at = if number < 10 {
            "2020-01-01 00:00:00"
        } else {
            "2099-01-01 00:00:00"
        };
        desk.sandbox.firstline_insert_ticket(json!({
            "created_at": printed(number), "status": 0, "due_at": due_at,
        }));
    }
    ignore(&desk, &["due_at__end"]);
    let counted = desk.answer(STATS, json!({})).await;
    match &counted["data"]["ticketStats"] {
        Value::Null => assert_eq!(
            counted["errors"][0]["extensions"]["vendorCode"],
            "BAD_RESPONSE"
        ),
        stats => assert_eq!(stats["overdue"], 10, "{counted}"),
    }
}

#[tokio::test]
async fn tickets_that_match_their_filter_whole_are_counted() {
    let desk = Desk::open_with(without_tickets(uncached())).await;
    for number in 0..5 {
        desk.sandbox.firstline_insert_ticket(json!({
            "created_at": printed(number), "status": 0, "due_at": "2020-01-01 00:00:00",
        }));
    }
    let data = desk
        .data(STATS, json!({ "filter": { "statuses": ["PENDING"] } }))
        .await;
    assert_eq!(data["ticketStats"]["total"], 5);
    assert_eq!(data["ticketStats"]["overdue"], 5);
}

async fn days(desk: &Desk, from: Date, to: Date) -> Value {
    let query = "query($from: Date!, $to: Date!) { serviceRecordStats(from: $from, to: $to) { total
        byVendor { vendor count } daily { date vendor count } sources { vendor totalCount } } }";
    desk.data(query, json!({ "from": from, "to": to })).await["serviceRecordStats"].take()
}

#[tokio::test]
async fn days_are_counted_by_their_records_where_the_bounds_of_time_are_ignored() {
    let day_ago = |days: i64| today() - SignedDuration::from_hours(24 * days);
    for (from, to) in [(0, 0), (9, 9), (3, 0), (20, 12)] {
        let (from, to) = (day_ago(from), day_ago(to));
        let desk = Desk::open_with(uncached()).await;
        let truth = days(&desk, from, to).await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.ignores_created_at = true);
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.ignores_days = true);
        assert_eq!(days(&desk, from, to).await, truth, "{from} to {to}");
        assert_eq!(days(&desk, from, to).await, truth, "{from} to {to}, known");
    }
}

#[tokio::test]
async fn tickets_of_a_time_are_counted_by_their_rows_where_totals_ignore_the_bounds() {
    let at = |minutes_ago: i64| Timestamp::now() - SignedDuration::from_mins(minutes_ago);
    for (filter, ignored, total) in [
        (
            json!({ "createdFrom": at(135).to_string() }),
            "created_at__start",
            14,
        ),
        (
            json!({ "createdTo": at(135).to_string() }),
            "created_at__end",
            26,
        ),
    ] {
        let desk = Desk::open_with(without_tickets(uncached())).await;
        // Newest first, so that the row of a total is within the lower bound.
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.ticket_order = ListOrder::TimeDescending);
        for number in 0..40 {
            desk.sandbox.firstline_insert_ticket(json!({
                "status": 0, "due_at": null, "created_at": printed(number * 10),
            }));
        }
        ignore(&desk, &[ignored]);

        for _ in 0..2 {
            let variables = json!({ "filter": filter });
            let stats = desk.data(STATS, variables).await;
            assert_eq!(stats["ticketStats"]["total"], total, "{ignored}");
            let pending = &stats["ticketStats"]["byStatus"][0];
            assert_eq!(pending, &json!({ "status": "PENDING", "count": total }));
        }
    }
}
