//! The list of service records over both vendors: its order, and paging through it to the end.

use std::collections::HashSet;

use deskgraph::sandbox::{ListOrder, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const ORDERS: [ListOrder; 4] = [
    ListOrder::IdAscending,
    ListOrder::IdDescending,
    ListOrder::TimeAscending,
    ListOrder::TimeDescending,
];

fn small(service_records: usize, options: DeskOptions) -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..options
    }
}

async fn page(desk: &Desk, first: usize, after: &Value) -> Value {
    let query = "query($first: Int, $after: String) { serviceRecords(first: $first, after: $after) {
        totalCount nodes { id vendor vendorId createdAt } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let mut data = desk
        .data(query, json!({ "first": first, "after": after }))
        .await;
    data["serviceRecords"].take()
}

fn nodes(page: &Value) -> Vec<Value> {
    page["nodes"].as_array().cloned().unwrap_or_default()
}

/// Every record after a cursor, in pages of `first`.
async fn rest(desk: &Desk, first: usize, mut after: Value) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..2_000 {
        let page = page(desk, first, &after).await;
        seen.extend(nodes(&page));
        if page["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        after = page["pageInfo"]["endCursor"].clone();
        assert!(
            after.is_string(),
            "a page that is not the last says where to go on: {page}"
        );
    }
    panic!("the list does not end");
}

fn ids(nodes: &[Value]) -> Vec<&str> {
    nodes
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect()
}

/// Newest first, then by vendor, then by number, largest first. Both vendors have one offset, so texts sort as times.
fn assert_sorted(nodes: &[Value]) {
    let key = |node: &Value| {
        let number: i64 = node["vendorId"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("it is a number");
        let created_at = node["createdAt"]
            .as_str()
            .expect("it has a creation time")
            .to_owned();
        (
            std::cmp::Reverse(created_at),
            node["vendor"] != "FIRSTLINE",
            std::cmp::Reverse(number),
        )
    };
    for pair in nodes.windows(2) {
        assert!(key(&pair[0]) < key(&pair[1]), "{} {}", pair[0], pair[1]);
    }
}

#[tokio::test]
async fn paging_returns_each_record_once_in_order_whatever_the_vendors_order_and_page_size() {
    for (index, (order, cap)) in ORDERS
        .into_iter()
        .flat_map(|order| [(order, 100), (order, 7)])
        .enumerate()
    {
        let desk = Desk::open_with(small(60, DeskOptions::default())).await;
        let other = ORDERS[(index * 3 + 1) % 4];
        desk.sandbox.bangwo8().change_switches(|switches| {
            switches.record_order = order;
            switches.per_page_cap = cap;
        });
        desk.sandbox.firstline().change_switches(|switches| {
            switches.record_order = other;
            switches.per_page_cap = cap;
        });
        for first in [1, 13, 100] {
            let seen = rest(&desk, first, Value::Null).await;
            assert_sorted(&seen);
            let distinct: HashSet<_> = ids(&seen).into_iter().map(str::to_owned).collect();
            assert_eq!(
                (seen.len(), distinct.len()),
                (120, 120),
                "{order:?} {other:?} {cap} {first}"
            );
        }
        let total = page(&desk, 1, &Value::Null).await["totalCount"].take();
        assert_eq!(total, 120);
    }
}

#[tokio::test]
async fn records_of_one_second_are_sorted_by_vendor_and_number_across_pages() {
    for order in ORDERS {
        let desk = Desk::open_with(small(0, DeskOptions::default())).await;
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.record_order = order);
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.record_order = order);
        for _ in 0..9 {
            desk.sandbox
                .bangwo8_insert_record(json!({ "csBTime": "2026-3-9 10:00:00" }));
            desk.sandbox
                .firstline_insert_record(json!({ "created_at": "2026-03-09 10:00:00" }));
        }
        for first in [1, 2, 5, 18, 20] {
            let seen = rest(&desk, first, Value::Null).await;
            assert_eq!(seen.len(), 18, "{order:?} {first}");
            assert_sorted(&seen);
        }
    }
}

#[tokio::test]
async fn no_page_repeats_or_skips_a_record_while_records_arrive() {
    for (order, other) in [
        (ListOrder::TimeDescending, ListOrder::TimeAscending),
        (ListOrder::IdAscending, ListOrder::IdDescending),
    ] {
        let settings = DeskOptions::default().set("CACHE__ENABLED", false);
        let desk = Desk::open_with(small(40, settings)).await;
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.record_order = order);
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.record_order = other);
        let before = rest(&desk, 100, Value::Null).await;

        let mut seen = Vec::new();
        let mut after = Value::Null;
        for round in 0..100 {
            let page = page(&desk, 9, &after).await;
            seen.extend(nodes(&page));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
            for arrival in 0..3 {
                let at = format!("2026-03-10 15:{:02}:{:02}", 31 + round, arrival);
                desk.sandbox.bangwo8_insert_record(json!({ "csBTime": at }));
                desk.sandbox
                    .firstline_insert_record(json!({ "created_at": at }));
            }
        }
        assert_eq!(ids(&seen), ids(&before), "{order:?} {other:?}");
    }
}

#[tokio::test]
async fn an_edge_cursor_continues_after_that_edge_and_first_may_change_between_pages() {
    let desk = Desk::open_with(small(30, DeskOptions::default())).await;
    let all = rest(&desk, 100, Value::Null).await;
    let head = page(&desk, 20, &Value::Null).await;
    assert_eq!(head["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(head["pageInfo"]["startCursor"], head["edges"][0]["cursor"]);
    assert_eq!(head["pageInfo"]["endCursor"], head["edges"][19]["cursor"]);
    for (index, first) in [(0, 1), (4, 7), (19, 100)] {
        let after = &head["edges"][index]["cursor"];
        let next = page(&desk, first, after).await;
        let until = (index + 1 + first).min(all.len());
        assert_eq!(ids(&nodes(&next)), ids(&all[index + 1..until]));
        assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
    }
}

#[tokio::test]
async fn first_has_bounds_and_null_means_the_default() {
    let desk = Desk::open_with(small(
        30,
        DeskOptions::default().set("LIMITS__MAX_PAGE_SIZE", 25),
    ))
    .await;
    for first in [0, -1, 26, i32::MIN, i32::MAX] {
        for field in ["serviceRecords", "employees"] {
            let query = format!("{{ {field}(first: {first}) {{ totalCount }} }}");
            let (error, data) = desk.execute_failing(&query, json!({})).await;
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}");
            assert_eq!(data, json!({ field: null }));
        }
    }
    for arguments in [
        "",
        "(first: null)",
        "(first: null, after: null, filter: null)",
    ] {
        let data = desk
            .execute(&format!(
                "{{ serviceRecords{arguments} {{ nodes {{ id }} }} }}"
            ))
            .await;
        assert_eq!(nodes(&data["serviceRecords"]).len(), 20, "{arguments}");
    }
    let most = desk
        .execute("{ serviceRecords(first: 25) { nodes { id } } }")
        .await;
    assert_eq!(nodes(&most["serviceRecords"]).len(), 25);
}

#[tokio::test]
async fn a_cursor_is_valid_for_its_field_and_filter_only() {
    let desk = Desk::open_with(small(30, DeskOptions::default())).await;
    let data = desk
        .execute(
            "{ all: serviceRecords(first: 2) { pageInfo { endCursor } }
               done: serviceRecords(first: 2, filter: { completed: true }) { pageInfo { endCursor } }
               people: employees(first: 2) { pageInfo { endCursor } }
               agent: employee(id: \"bangwo8:Employee:207\") { serviceRecords(first: 1) { pageInfo { endCursor } } }
               agents: serviceRecords(first: 1, filter: { handlerId: \"bangwo8:Employee:207\" }) { pageInfo { endCursor } }
               tickets(first: 2) { pageInfo { endCursor } } }",
        )
        .await;
    let cursor = |pointer: &str| {
        data.pointer(&format!("{pointer}/pageInfo/endCursor"))
            .cloned()
            .unwrap_or_default()
    };
    for after in [
        json!(""),
        json!(" "),
        json!("nonsense"),
        json!("bm9uc2Vuc2U"),
        json!("e30"),
        json!("=".repeat(5_000)),
        cursor("/done"),
        cursor("/people"),
        cursor("/agent/serviceRecords"),
        cursor("/agents"),
        cursor("/tickets"),
    ] {
        let query = "query($after: String) { serviceRecords(after: $after) { totalCount } }";
        let (error, _) = desk.execute_failing(query, json!({ "after": after })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{after}");
    }
    for after in [json!(""), cursor("/all"), cursor("/tickets")] {
        let query = "query($after: String) { employees(after: $after) { totalCount } }";
        let (error, _) = desk.execute_failing(query, json!({ "after": after })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{after}");
    }
}

#[tokio::test]
async fn a_list_without_records_is_empty_and_its_total_is_zero() {
    let desk = Desk::open_with(small(0, DeskOptions::default())).await;
    let data = desk.execute("{ serviceRecords { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } sources { vendor state totalCount error { code } } } }").await;
    assert_eq!(
        data["serviceRecords"],
        json!({
            "totalCount": 0, "nodes": [], "edges": [],
            "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
            "sources": [
                { "vendor": "FIRSTLINE", "state": "FRESH", "totalCount": 0, "error": null },
                { "vendor": "BANGWO8", "state": "FRESH", "totalCount": 0, "error": null },
            ],
        })
    );
}
