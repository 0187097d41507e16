//! The filters of the list of service records, and the state of each vendor in `sources`.

use deskgraph::sandbox::{Fault, FaultRule, ListOrder, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const HISTORIES: &str = "/api/v1/remoterecord/histories.json";
const SOURCES: &str =
    "totalCount nodes { id vendor createdAt status } pageInfo { hasNextPage endCursor }
    sources { vendor state totalCount fetchedAt error { code message retryable } }";

fn empty(options: DeskOptions) -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..options
    }
}

async fn filtered(desk: &Desk, filter: &str) -> Value {
    let query = format!("{{ serviceRecords(first: 100, filter: {filter}) {{ {SOURCES} }} }}");
    desk.execute(&query).await["serviceRecords"].take()
}

fn states(list: &Value) -> Vec<(&str, &str)> {
    let sources = list["sources"].as_array().expect("sources are a list");
    sources
        .iter()
        .map(|source| {
            (
                source["vendor"].as_str().unwrap_or(""),
                source["state"].as_str().unwrap_or(""),
            )
        })
        .collect()
}

fn times(list: &Value, vendor: &str) -> Vec<String> {
    let nodes = list["nodes"].as_array().expect("nodes are a list");
    let of_vendor = nodes.iter().filter(|node| node["vendor"] == vendor);
    of_vendor
        .filter_map(|node| Some(node["createdAt"].as_str()?[5..19].to_owned()))
        .collect()
}

#[tokio::test]
async fn the_vendors_filter_narrows_the_list_and_an_empty_one_matches_nothing() {
    for (filter, expected) in [
        ("{ vendors: [BANGWO8] }", ["SKIPPED", "FRESH"]),
        ("{ vendors: [FIRSTLINE, FIRSTLINE] }", ["FRESH", "SKIPPED"]),
        ("{ vendors: [] }", ["SKIPPED", "SKIPPED"]),
        ("{ vendors: [BANGWO8, FIRSTLINE] }", ["FRESH", "FRESH"]),
    ] {
        let desk = Desk::open().await;
        let list = filtered(&desk, filter).await;
        let statuses: Vec<&str> = states(&list).into_iter().map(|(_, state)| state).collect();
        assert_eq!(statuses, expected, "{filter}");
        let (firstline, bangwo8) = desk.calls();
        let was_called = [firstline, bangwo8].map(|calls| calls > 0);
        assert_eq!(
            was_called,
            expected.map(|state| state != "SKIPPED"),
            "{filter}"
        );
        let queried = statuses.iter().filter(|state| **state != "SKIPPED").count();
        assert_eq!(list["totalCount"], queried * 420, "{filter}");
        for source in list["sources"].as_array().expect("sources are a list") {
            let is_skipped = source["state"] == "SKIPPED";
            assert_eq!(source["fetchedAt"].is_null(), is_skipped);
            assert_eq!(source["totalCount"].is_null(), is_skipped);
        }

        desk.forget_calls();
        let again = filtered(&desk, filter).await;
        let cached = expected.map(|state| if state == "FRESH" { "CACHED" } else { state });
        let statuses: Vec<&str> = states(&again).into_iter().map(|(_, state)| state).collect();
        assert_eq!(statuses, cached, "{filter}");
        assert_eq!(again["nodes"], list["nodes"]);
        assert_eq!(desk.calls(), (0, 0), "{filter}");
    }
    let all = filtered(&Desk::open().await, "{ vendors: null }").await;
    assert_eq!(all["totalCount"], 840);
}

#[tokio::test]
async fn a_handler_filter_selects_its_vendor_and_a_group_or_contact_skips_bangwo8() {
    let desk = Desk::open().await;
    let list = filtered(&desk, "{ handlerId: \"bangwo8:Employee:207\" }").await;
    assert_eq!(
        states(&list),
        [("FIRSTLINE", "SKIPPED"), ("BANGWO8", "FRESH")]
    );
    let path = "/api/v1/remoterecord/histories/{id_json}";
    let calls = desk.sandbox.bangwo8().requests_to(path);
    assert!(
        calls
            .iter()
            .all(|call| call.path.ends_with("/histories/207.json"))
    );
    assert!(!calls.is_empty());
    assert_eq!(
        list["totalCount"],
        list["nodes"].as_array().map_or(0, Vec::len)
    );
    let employee = desk
        .execute(&format!("{{ employee(id: \"bangwo8:Employee:207\") {{ serviceRecords(first: 100) {{ {SOURCES} }} tickets {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage }} sources {{ vendor state }} }} }} }}"))
        .await;
    assert_eq!(
        employee["employee"]["serviceRecords"]["nodes"],
        list["nodes"]
    );
    assert_eq!(
        employee["employee"]["tickets"],
        json!({
            "totalCount": 0, "nodes": [], "pageInfo": { "hasNextPage": false },
            "sources": [{ "vendor": "FIRSTLINE", "state": "SKIPPED" }, { "vendor": "BANGWO8", "state": "SKIPPED" }],
        })
    );

    for filter in [
        "{ handlerGroupId: \"firstline:EmployeeGroup:1\" }",
        "{ contactId: \"firstline:Contact:1\" }",
    ] {
        let list = filtered(&desk, filter).await;
        assert_eq!(
            states(&list),
            [("FIRSTLINE", "FRESH"), ("BANGWO8", "SKIPPED")]
        );
        assert!(list["totalCount"].is_number());
    }
    let unmatched = filtered(
        &desk,
        "{ handlerId: \"bangwo8:Employee:207\", vendors: [FIRSTLINE] }",
    )
    .await;
    assert_eq!(
        states(&unmatched),
        [("FIRSTLINE", "SKIPPED"), ("BANGWO8", "SKIPPED")]
    );
    assert_eq!(
        (&unmatched["totalCount"], &unmatched["nodes"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn time_bounds_are_inclusive_in_any_offset() {
    for order in [ListOrder::TimeDescending, ListOrder::TimeAscending] {
        let desk = Desk::open_with(empty(DeskOptions::default())).await;
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.record_order = order);
        for at in [
            "2026-3-7 23:59:59",
            "2026-3-8 00:00:00",
            "2026-3-8 10:00:00",
            "2026-3-8 10:00:01",
            "2026-3-8 23:59:59",
            "2026-3-9 00:00:00",
        ] {
            desk.sandbox.bangwo8_insert_record(json!({ "csBTime": at }));
        }
        let only = "vendors: [BANGWO8]";
        let days = |list: &Value| times(list, "BANGWO8");

        // Whole days of the vendor's zone, in another offset: the vendor's own total is exact.
        let whole = filtered(
            &desk,
            &format!(
                "{{ {only}, from: \"2026-03-07T16:00:00Z\", to: \"2026-03-08T23:59:59+08:00\" }}"
            ),
        )
        .await;
        assert_eq!(
            days(&whole),
            [
                "03-08T23:59:59",
                "03-08T10:00:01",
                "03-08T10:00:00",
                "03-08T00:00:00"
            ]
        );
        assert_eq!(whole["totalCount"], 4);
        let call = desk
            .sandbox
            .bangwo8()
            .requests_to(HISTORIES)
            .pop()
            .expect("the list was read");
        assert_eq!(
            (call.query_value("starttime"), call.query_value("endtime")),
            (Some("2026-03-08"), Some("2026-03-08"))
        );

        for (from, to, expected) in [
            (
                "2026-03-08T10:00:00+08:00",
                "2026-03-08T10:00:00+08:00",
                vec!["03-08T10:00:00"],
            ),
            (
                "2026-03-08T02:00:00Z",
                "2026-03-08T02:00:01Z",
                vec!["03-08T10:00:01", "03-08T10:00:00"],
            ),
            (
                "2026-03-08T05:00:01+03:00",
                "2026-03-09T00:00:00+08:00",
                vec!["03-09T00:00:00", "03-08T23:59:59", "03-08T10:00:01"],
            ),
            (
                "2026-03-07T23:59:59+08:00",
                "2026-03-08T00:00:00+08:00",
                vec!["03-08T00:00:00", "03-07T23:59:59"],
            ),
        ] {
            let list = filtered(
                &desk,
                &format!("{{ {only}, from: \"{from}\", to: \"{to}\" }}"),
            )
            .await;
            assert_eq!(days(&list), expected, "{order:?} {from} {to}");
            assert_eq!(list["totalCount"], Value::Null, "the gateway trimmed");
            assert_eq!(list["sources"][1]["totalCount"], Value::Null);
            assert_eq!(list["pageInfo"]["hasNextPage"], false);
        }
        for (from, to) in [
            ("2026-03-08T11:00:00+08:00", "2026-03-08T12:00:00+08:00"),
            ("2026-01-08T11:00:00+08:00", "2026-01-08T12:00:00+08:00"),
        ] {
            let none = filtered(
                &desk,
                &format!("{{ {only}, from: \"{from}\", to: \"{to}\" }}"),
            )
            .await;
            assert_eq!(
                (&none["totalCount"], &none["nodes"]),
                (&json!(0), &json!([])),
                "zero is exact"
            );
        }
        let open = filtered(
            &desk,
            &format!("{{ {only}, from: \"2026-03-08T00:00:00+08:00\" }}"),
        )
        .await;
        assert_eq!((days(&open).len(), &open["totalCount"]), (5, &json!(5)));
        let open = filtered(
            &desk,
            &format!("{{ {only}, to: \"2026-03-07T23:59:59+08:00\" }}"),
        )
        .await;
        assert_eq!((days(&open).len(), &open["totalCount"]), (1, &json!(1)));

        let query = "{ serviceRecords(filter: { from: \"2026-03-09T00:00:00Z\", to: \"2026-03-08T00:00:00Z\" }) { totalCount } }";
        let (error, _) = desk.execute_failing(query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_filter_applied_by_the_gateway_reads_bounded_pages_and_paging_loses_nothing() {
    for order in [
        ListOrder::TimeDescending,
        ListOrder::TimeAscending,
        ListOrder::IdAscending,
    ] {
        let settings = DeskOptions::default().set("LIMITS__MAX_VENDOR_PAGES", 4);
        let desk = Desk::open_with(empty(settings)).await;
        desk.sandbox.bangwo8().change_switches(|switches| {
            switches.record_order = order;
            switches.per_page_cap = 10;
        });
        let mut open = Vec::new();
        for index in 0..120 {
            let is_open = index % 37 == 0;
            let number = desk.sandbox.bangwo8_insert_record(json!({
                "csBTime": format!("2026-3-{} {:02}:30:00", 1 + index / 20, index % 20),
                "csStat": if is_open { 1 } else { 5 },
            }));
            if is_open {
                open.push(format!(
                    "bangwo8:ServiceRecord:{number}@2026-03-{:02}",
                    1 + index / 20
                ));
            }
        }
        open.reverse();

        let query = format!(
            "query($after: String) {{ serviceRecords(first: 3, after: $after, filter: {{ vendors: [BANGWO8], completed: false }}) {{ {SOURCES} }} }}"
        );
        let mut seen = Vec::new();
        let mut after = Value::Null;
        let mut short_pages = 0;
        for round in 0.. {
            assert!(round < 50, "the list ends");
            desk.forget_calls();
            let data = desk.data(&query, json!({ "after": after })).await;
            let list = &data["serviceRecords"];
            // A window is read whole, so that the last one may take two pages more than are left.
            let most = 6;
            assert!(desk.calls().1 <= most, "{order:?}: {:?}", desk.calls());
            assert_eq!(list["totalCount"], Value::Null);
            let nodes = list["nodes"].as_array().expect("nodes are a list");
            seen.extend(
                nodes
                    .iter()
                    .filter_map(|node| node["id"].as_str().map(str::to_owned)),
            );
            if list["pageInfo"]["hasNextPage"] == false {
                break;
            }
            short_pages += usize::from(nodes.len() < 3);
            assert_ne!(
                list["pageInfo"]["endCursor"], after,
                "{order:?}: it goes on"
            );
            after = list["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, open, "{order:?}");
        assert!(short_pages > 0);
    }
}

#[tokio::test]
async fn the_completed_filter_splits_the_records_of_both_vendors() {
    let desk = Desk::open().await;
    let all = async |filter: &str| {
        let mut seen = 0;
        let mut after = Value::Null;
        loop {
            let query = format!(
                "query($after: String) {{ serviceRecords(first: 100, after: $after, filter: {filter}) {{ {SOURCES} }} }}"
            );
            let data = desk.data(&query, json!({ "after": after })).await;
            let list = &data["serviceRecords"];
            for node in list["nodes"].as_array().expect("nodes are a list") {
                seen += 1;
                if node["vendor"] == "BANGWO8" {
                    assert_eq!(
                        node["status"] == "COMPLETED",
                        filter.contains("true"),
                        "{node}"
                    );
                }
            }
            if list["pageInfo"]["hasNextPage"] == false {
                return seen;
            }
            after = list["pageInfo"]["endCursor"].clone();
        }
    };
    assert_eq!(
        all("{ completed: true }").await + all("{ completed: false }").await,
        840
    );
}

#[tokio::test]
async fn one_failing_vendor_leaves_the_other_part_and_is_reported_only_in_sources() {
    let desk = Desk::open_with(DeskOptions::default().set("BANGWO8__MAX_RETRIES", 0)).await;
    let outage = |path: &str| FaultRule::new(path, Fault::HtmlError { code: 502 });
    desk.sandbox.bangwo8().add_fault(outage("/histories"));
    let list = filtered(&desk, "{}").await;
    assert_eq!(
        states(&list),
        [("FIRSTLINE", "FRESH"), ("BANGWO8", "FAILED")]
    );
    assert_eq!(list["totalCount"], Value::Null);
    assert_eq!(list["nodes"].as_array().map_or(0, Vec::len), 100);
    let error = &list["sources"][1]["error"];
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("SERVER_ERROR"), &json!(true))
    );
    assert_eq!(list["sources"][1]["fetchedAt"], Value::Null);

    let query = "{ serviceRecords(filter: { vendors: [BANGWO8] }) { totalCount } }";
    let (error, data) = desk.execute_failing(query, json!({})).await;
    assert_eq!(data, json!({ "serviceRecords": null }));
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(error["extensions"]["vendor"], "BANGWO8");
    desk.sandbox
        .firstline()
        .add_fault(outage("/interact-collection"));
    let query = "{ serviceRecords(first: 7, filter: { completed: true }) { totalCount } }";
    let (_, data) = desk.execute_failing(query, json!({})).await;
    assert_eq!(data, json!({ "serviceRecords": null }));
}

#[tokio::test]
async fn an_unconfigured_vendor_is_absent() {
    for (absent, present, total) in [("FIRSTLINE", "BANGWO8", 420), ("BANGWO8", "FIRSTLINE", 420)] {
        let desk = Desk::open_with(DeskOptions::default().without(absent)).await;
        let list = filtered(&desk, "{}").await;
        assert_eq!(states(&list), [(present, "FRESH")]);
        assert_eq!(list["totalCount"], total);
        let none = filtered(&desk, &format!("{{ vendors: [{absent}] }}")).await;
        assert_eq!(states(&none), [(present, "SKIPPED")]);
        assert_eq!(
            (&none["totalCount"], &none["nodes"]),
            (&json!(0), &json!([]))
        );
        let vendors = desk
            .execute("{ vendors { vendor state circuit lastSuccessAt lastError { code } } }")
            .await;
        let vendors = vendors["vendors"].as_array().expect("vendors are a list");
        assert_eq!(vendors.len(), 1);
        assert_eq!(vendors[0]["vendor"], present);
        assert_eq!(
            (&vendors[0]["state"], &vendors[0]["circuit"]),
            (&json!("UP"), &json!("CLOSED"))
        );
        assert!(vendors[0]["lastSuccessAt"].is_string());
        assert_eq!(vendors[0]["lastError"], Value::Null);
    }
}
