//! Vendors that do not apply a filter, or want it in another form: rows that do not match are in no list, and no total counts them.

use deskgraph::sandbox::{
    ArrayEncoding, IgnoredParameter, ListOrder, LoggedRequest, ParameterPlace, SandboxOptions,
};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions, until};

const TICKETS: &str = "/api/v1/ticket";
const RECORDS: &str = "/api/v1/interact-collection";

/// Without a cache, so that each query shows what the vendor is sent.
fn uncached() -> DeskOptions {
    DeskOptions::default().set("CACHE__ENABLED", "false")
}

fn ignore(desk: &Desk, ignored: &[(&str, ParameterPlace)]) {
    let ignored = ignored.iter().map(|(name, place)| IgnoredParameter {
        name: (*name).to_owned(),
        place: *place,
    });
    let ignored = ignored.collect();
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.ignored_parameters = ignored);
}

/// All ids of a list, page after page, and the total of the first page.
async fn walk(desk: &Desk, field: &str, filter: &Value, first: usize) -> (Vec<String>, Value) {
    let kind = match field {
        "tickets" => "TicketFilter",
        _ => "ServiceRecordFilter",
    };
    let query = format!(
        "query($after: String, $filter: {kind}) {{ list: {field}(first: {first}, after: $after, filter: $filter) {{
            totalCount nodes {{ id }} pageInfo {{ hasNextPage endCursor }} sources {{ vendor state totalCount }} }} }}"
    );
    let (mut ids, mut after, mut total) = (Vec::new(), Value::Null, None);
    for _ in 0..400 {
        let variables = json!({ "after": after, "filter": filter });
        let list = desk.data(&query, variables).await["list"].take();
        let nodes = list["nodes"].as_array().expect("nodes are a list");
        let page = nodes.iter().filter_map(|node| node["id"].as_str());
        ids.extend(page.map(str::to_owned));
        total.get_or_insert(list["totalCount"].clone());
        if list["pageInfo"]["hasNextPage"] == false {
            return (ids, total.unwrap_or_default());
        }
        assert_ne!(
            list["pageInfo"]["endCursor"], after,
            "the walk stands still"
        );
        after = list["pageInfo"]["endCursor"].clone();
    }
    panic!("the walk has no end");
}

/// Whether a request names the parameter in its query, with or without brackets.
fn names(request: &LoggedRequest, parameter: &str) -> bool {
    let mut names = request.query.iter().map(|(name, _)| name);
    names.any(|name| name.trim_end_matches("[]") == parameter)
}

fn last_call(desk: &Desk, route: &str) -> LoggedRequest {
    let calls = desk.sandbox.firstline().requests_to(route);
    calls.last().cloned().expect("a list was read")
}

#[tokio::test]
async fn a_ticket_filter_that_the_vendor_ignores_is_applied_by_the_gateway() {
    let now = jiff::Timestamp::now();
    for (name, filter) in [
        ("statuses", json!({ "statuses": ["RESOLVED", "CLOSED"] })),
        ("contact_id", json!({ "contactId": "firstline:Contact:7" })),
        ("sponsor_id", json!({ "sponsorId": "firstline:Sponsor:3" })),
        (
            "termination_code_ids",
            json!({ "terminationCodeIds": ["firstline:TerminationCode:9"] }),
        ),
        (
            "handler_ids",
            json!({ "handlerIds": ["firstline:Employee:7", "firstline:Employee:8"] }),
        ),
        (
            "creater_ids",
            json!({ "creatorIds": ["firstline:Employee:6"] }),
        ),
        (
            "due_at__start",
            json!({ "dueFrom": now, "statuses": ["PENDING"] }),
        ),
        ("due_at__end", json!({ "dueTo": now })),
    ] {
        let desk = Desk::open_with(uncached()).await;
        let (truth, total) = walk(&desk, "tickets", &filter, 20).await;
        assert_eq!(total, truth.len(), "{name}");

        ignore(&desk, &[(name, ParameterPlace::Anywhere)]);
        let (found, total) = walk(&desk, "tickets", &filter, 20).await;
        assert_eq!(found, truth, "{name}");
        let expected = if truth.is_empty() {
            json!(0)
        } else {
            Value::Null
        };
        assert_eq!(total, expected, "{name}");
        assert!(
            !names(&last_call(&desk, TICKETS), name),
            "{name} is sent in vain"
        );
        assert_eq!(last_call(&desk, TICKETS).body, Value::Null, "{name}");
    }
}

#[tokio::test]
async fn a_record_filter_that_the_vendor_ignores_is_applied_by_the_gateway() {
    for (name, filter) in [
        ("handler_id", json!({ "handlerId": "firstline:Employee:7" })),
        (
            "handler_group_id",
            json!({ "handlerGroupId": "firstline:EmployeeGroup:1" }),
        ),
        ("contact_id", json!({ "contactId": "firstline:Contact:7" })),
        (
            "is_acw_completed",
            json!({ "completed": false, "vendors": ["FIRSTLINE"] }),
        ),
    ] {
        let desk = Desk::open_with(uncached()).await;
        let (truth, total) = walk(&desk, "serviceRecords", &filter, 20).await;
        assert_eq!(total, truth.len(), "{name}");

        ignore(&desk, &[(name, ParameterPlace::Anywhere)]);
        let (found, total) = walk(&desk, "serviceRecords", &filter, 20).await;
        assert_eq!(found, truth, "{name}");
        let expected = if truth.is_empty() {
            json!(0)
        } else {
            Value::Null
        };
        assert_eq!(total, expected, "{name}");
        assert!(
            !names(&last_call(&desk, RECORDS), name),
            "{name} is sent in vain"
        );
    }
}

#[tokio::test]
async fn lists_are_sent_with_commas_once_brackets_are_ignored() {
    let desk = Desk::open_with(uncached()).await;
    let filter = json!({ "statuses": ["CLOSED"], "contactId": "firstline:Contact:7" });
    let (truth, total) = walk(&desk, "tickets", &filter, 20).await;
    let brackets = [("statuses", ParameterPlace::Brackets)];
    ignore(&desk, &brackets);
    desk.forget_calls();
    assert_eq!(
        walk(&desk, "tickets", &filter, 20).await,
        (truth.clone(), total.clone())
    );
    let calls = desk.sandbox.firstline().requests_to(TICKETS);
    // A list and its total may be read side by side.
    let in_brackets = calls
        .iter()
        .filter(|call| call.query_value("statuses[]").is_some());
    assert!((1..=2).contains(&in_brackets.count()));
    assert!(
        calls
            .iter()
            .all(|call| call.query_value("contact_id") == Some("7"))
    );
    assert_eq!(last_call(&desk, TICKETS).query_value("statuses"), Some("3"));

    // A style that works stays in use, and another list goes on with brackets.
    desk.forget_calls();
    let filter = json!({ "statuses": ["CLOSED"], "handlerIds": ["firstline:Employee:7"] });
    walk(&desk, "tickets", &filter, 20).await;
    let call = last_call(&desk, TICKETS);
    assert_eq!(call.query_value("statuses"), Some("3"));
    assert_eq!(call.query_value("handler_ids[]"), Some("7"));
}

#[tokio::test]
async fn a_vendor_that_reads_filters_from_a_json_body_alone_is_sent_one() {
    let desk = Desk::open_with(uncached()).await;
    let statuses = json!({ "statuses": ["CLOSED", "PENDING"] });
    let handler = json!({ "handlerId": "firstline:Employee:7", "from": "2020-01-01T00:00:00Z" });
    let tickets = walk(&desk, "tickets", &statuses, 20).await;
    let records = walk(&desk, "serviceRecords", &handler, 20).await;
    ignore(&desk, &[("*", ParameterPlace::Query)]);
    assert_eq!(walk(&desk, "tickets", &statuses, 20).await, tickets);
    assert_eq!(last_call(&desk, TICKETS).body["statuses"], json!([3, 0]));
    assert_eq!(walk(&desk, "serviceRecords", &handler, 20).await, records);
    assert_eq!(last_call(&desk, RECORDS).body["handler_id"], 7);
    // Bounds of time alone are sent in a body as well.
    let days = json!({ "vendors": ["FIRSTLINE"], "to": jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 20) });
    let (found, _) = walk(&desk, "serviceRecords", &days, 50).await;
    ignore(&desk, &[]);
    let (truth, _) = walk(&desk, "serviceRecords", &days, 50).await;
    assert_eq!(found, truth);
}

#[tokio::test]
async fn a_list_style_that_is_refused_is_replaced_by_another_one() {
    for (accepted, filter) in [
        (ArrayEncoding::Comma, json!({ "statuses": ["PENDING"] })),
        (
            ArrayEncoding::Comma,
            json!({ "statuses": ["PENDING", "CLOSED"], "handlerIds": ["firstline:Employee:7"] }),
        ),
        (
            ArrayEncoding::Body,
            json!({ "statuses": ["PENDING", "CLOSED"] }),
        ),
    ] {
        let desk = Desk::open_with(uncached()).await;
        let truth = walk(&desk, "tickets", &filter, 20).await;
        let firstline = desk.sandbox.firstline();
        firstline.change_switches(|switches| switches.array_encoding = accepted);
        assert_eq!(
            walk(&desk, "tickets", &filter, 20).await,
            truth,
            "{accepted:?}"
        );
        desk.forget_calls();
        assert_eq!(
            walk(&desk, "tickets", &filter, 20).await,
            truth,
            "{accepted:?}"
        );
        let refused = firstline
            .requests()
            .iter()
            .filter(|call| call.status == Some(422))
            .count();
        assert_eq!(refused, 0, "the style is known: {accepted:?}");
    }
}

#[tokio::test]
async fn a_configured_style_is_the_only_one() {
    let desk = Desk::open_with(uncached().set("FIRSTLINE__ARRAY_STYLE", "brackets")).await;
    let filter = json!({ "statuses": ["CLOSED"] });
    let (truth, _) = walk(&desk, "tickets", &filter, 20).await;
    ignore(&desk, &[("statuses", ParameterPlace::Brackets)]);
    desk.forget_calls();
    assert_eq!(
        walk(&desk, "tickets", &filter, 20).await,
        (truth, Value::Null)
    );
    for call in desk.sandbox.firstline().requests_to(TICKETS) {
        assert_eq!(call.query_value("statuses"), None);
        assert_eq!(call.body, Value::Null);
    }
}

#[tokio::test]
async fn a_filter_that_is_refused_in_every_form_is_a_rejection() {
    let desk = Desk::open_with(uncached()).await;
    let refusal = deskgraph::sandbox::Fault::Status {
        code: 422,
        body:
            r#"{"message":"invalid","errors":{"handler_ids.0":["The selected one is invalid."]}}"#
                .to_owned(),
        headers: Default::default(),
    };
    let rule = deskgraph::sandbox::FaultRule::new(TICKETS, refusal);
    desk.sandbox.firstline().add_fault(rule);
    let query = "{ tickets(filter: { handlerIds: [\"firstline:Employee:7\"] }) { totalCount nodes { id } } }";
    let (error, _) = desk.execute_failing(query, json!({})).await;
    assert_eq!(error["extensions"]["vendorCode"], "REJECTED");
    desk.sandbox.firstline().clear_faults();
    desk.forget_calls();
    assert!(desk.execute(query).await["tickets"]["totalCount"].is_u64());
    let call = last_call(&desk, TICKETS);
    assert_eq!(
        call.query_value("handler_ids[]"),
        Some("7"),
        "the style was not at fault"
    );
}

#[tokio::test]
async fn one_ignored_filter_leaves_the_others_to_the_vendor() {
    let desk = Desk::open_with(uncached()).await;
    let filter = json!({ "statuses": ["PENDING"], "handlerIds": ["firstline:Employee:7", "firstline:Employee:8"] });
    let (truth, _) = walk(&desk, "tickets", &filter, 20).await;
    ignore(&desk, &[("handler_ids", ParameterPlace::Anywhere)]);
    let (found, total) = walk(&desk, "tickets", &filter, 20).await;
    assert_eq!((found, total), (truth, Value::Null));
    let call = last_call(&desk, TICKETS);
    assert_eq!(call.query_value("statuses[]"), Some("0"));
    assert!(!names(&call, "handler_ids"));
    let data = desk
        .execute("{ tickets(filter: { statuses: [PENDING] }) { totalCount } }")
        .await;
    assert!(data["tickets"]["totalCount"].is_u64(), "{data}");
}

#[tokio::test]
async fn a_walk_goes_on_without_repeats_or_gaps_when_the_vendor_starts_to_ignore_its_filter() {
    for options in [DeskOptions::default(), uncached()] {
        let desk = Desk::open_with(options).await;
        let filter = json!({ "statuses": ["CLOSED"] });
        let (truth, _) = walk(&desk, "tickets", &filter, 100).await;
        let query = "query($after: String, $filter: TicketFilter) { tickets(first: 7, after: $after, filter: $filter) {
            nodes { id } pageInfo { hasNextPage endCursor } } }";
        let (mut ids, mut after) = (Vec::new(), Value::Null);
        for page in 0..400 {
            if page == 2 {
                ignore(&desk, &[("statuses", ParameterPlace::Anywhere)]);
            }
            let variables = json!({ "after": after, "filter": filter });
            let list = desk.data(query, variables).await["tickets"].take();
            let nodes = list["nodes"].as_array().expect("nodes are a list");
            ids.extend(nodes.iter().map(|node| node["id"].clone()));
            after = list["pageInfo"]["endCursor"].clone();
            if list["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(ids, truth);
    }
}

/// Waits until a list has a total again, because the vendor was sent its filter anew.
async fn until_counted(desk: &Desk, query: &str, variables: &Value) -> Value {
    let mut list = Value::Null;
    until("the filter is tried again", async || {
        list = desk.data(query, variables.clone()).await["list"].take();
        !list["totalCount"].is_null()
    })
    .await;
    list
}

fn with_a_short_memory() -> DeskOptions {
    uncached().set("LIMITS__FILTER_RETRY_MS", "3000")
}

#[tokio::test]
async fn an_unapplied_filter_is_tried_again_after_a_while() {
    for options in [uncached(), with_a_short_memory()] {
        let is_short = options
            .settings
            .iter()
            .any(|(name, _)| name.starts_with("LIMITS"));
        let desk = Desk::open_with(options).await;
        let query = "{ list: tickets(first: 5, filter: { statuses: [CLOSED] }) { totalCount } }";
        let total = desk.execute(query).await["list"]["totalCount"].take();
        ignore(&desk, &[("statuses", ParameterPlace::Anywhere)]);
        assert_eq!(desk.execute(query).await["list"]["totalCount"], Value::Null);
        ignore(&desk, &[]);
        if is_short {
            let list = until_counted(&desk, query, &json!({})).await;
            assert_eq!(list["totalCount"], total);
            // It is left to the gateway again where the next try shows the same.
            ignore(&desk, &[("statuses", ParameterPlace::Anywhere)]);
        } else {
            desk.forget_calls();
        }
        assert_eq!(desk.execute(query).await["list"]["totalCount"], Value::Null);
        assert!(!names(&last_call(&desk, TICKETS), "statuses"));
    }
}

#[tokio::test]
async fn bounds_of_the_creation_that_were_ignored_are_tried_again_after_a_while() {
    let desk = Desk::open_with(with_a_short_memory()).await;
    let to = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 20);
    let query = "query($to: DateTime) { list: tickets(first: 5, filter: { createdTo: $to }) { totalCount nodes { id } } }";
    let variables = json!({ "to": to });
    let truth = desk.data(query, variables.clone()).await["list"].take();
    let ignores = |ignores| {
        let firstline = desk.sandbox.firstline();
        firstline.change_switches(|switches| switches.ignores_created_at = ignores);
    };
    ignores(true);
    let list = desk.data(query, variables.clone()).await["list"].take();
    assert_eq!(list["nodes"], truth["nodes"]);
    assert_eq!(list["totalCount"], Value::Null);
    ignores(false);
    assert_eq!(until_counted(&desk, query, &variables).await, truth);
}

#[tokio::test]
async fn a_row_that_lacks_the_field_stays_and_shows_nothing_of_the_filter() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            tickets: 0,
            ..SandboxOptions::default()
        },
        ..uncached()
    })
    .await;
    let absent = [
        "status",
        "handler_id",
        "handler",
        "contact_id",
        "contact",
        "sponsor_id",
        "sponsor",
        "due_at",
        "termination_code_id",
        "termination_code",
        "creater",
    ];
    for _ in 0..3 {
        desk.sandbox
            .firstline_insert_ticket(json!({ "handler_id": 8, "status": 1, "$absent": absent }));
    }
    ignore(&desk, &[("*", ParameterPlace::Anywhere)]);
    for filter in [
        json!({ "statuses": ["CLOSED"] }),
        json!({ "handlerIds": ["firstline:Employee:7"], "creatorIds": ["firstline:Employee:7"] }),
        json!({ "contactId": "firstline:Contact:7", "sponsorId": "firstline:Sponsor:3" }),
        json!({ "terminationCodeIds": ["firstline:TerminationCode:9"], "dueTo": "2020-01-01T00:00:00Z" }),
    ] {
        let (found, total) = walk(&desk, "tickets", &filter, 20).await;
        assert_eq!((found.len(), total), (3, json!(3)), "{filter}");
    }
}

#[tokio::test]
async fn an_unknown_code_or_a_null_does_not_match() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            tickets: 0,
            ..SandboxOptions::default()
        },
        ..uncached()
    })
    .await;
    desk.sandbox.firstline_insert_ticket(
        json!({ "id": 1, "status": 0, "handler_id": 7, "due_at": "2020-01-01 00:00:00" }),
    );
    desk.sandbox.firstline_insert_ticket(
        json!({ "id": 2, "status": 9, "handler_id": null, "handler": null, "due_at": null }),
    );
    ignore(&desk, &[("*", ParameterPlace::Anywhere)]);
    for filter in [
        json!({ "statuses": ["PENDING"] }),
        json!({ "handlerIds": ["firstline:Employee:7"] }),
        json!({ "dueTo": "2021-01-01T00:00:00Z" }),
    ] {
        let (found, total) = walk(&desk, "tickets", &filter, 20).await;
        assert_eq!(
            (found, total),
            (vec!["firstline:Ticket:1".to_owned()], Value::Null),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn nothing_that_was_read_under_the_wrong_belief_is_served_afterwards() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            tickets: 0,
            ..SandboxOptions::default()
        },
        settings: vec![("CACHE__LIST_TTL_MS", "600000".to_owned())],
        ..DeskOptions::default()
    })
    .await;
    // The newest page is full of tickets that match by chance.
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.ticket_order = ListOrder::TimeDescending);
    let now = jiff::Timestamp::now();
    for number in 0..400 {
        let at = now - jiff::SignedDuration::from_mins(number);
        let local = jiff::tz::offset(8).to_datetime(at);
        let created_at = local.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let status = if number < 150 { 0 } else { 3 };
        desk.sandbox
            .firstline_insert_ticket(json!({ "created_at": created_at, "status": status }));
    }
    ignore(&desk, &[("statuses", ParameterPlace::Anywhere)]);
    let first =
        "{ tickets(first: 10, filter: { statuses: [PENDING] }) { totalCount nodes { id } } }";
    let before = desk.execute(first).await["tickets"].take();
    assert_eq!(before["totalCount"], 400, "no row shows that it is wrong");

    let (found, _) = walk(&desk, "tickets", &json!({ "statuses": ["PENDING"] }), 60).await;
    assert_eq!(found.len(), 150);
    let after = desk.execute(first).await["tickets"].take();
    assert_eq!(after["totalCount"], Value::Null);
    assert_eq!(after["nodes"], before["nodes"]);
}

#[tokio::test]
async fn an_obedient_vendor_costs_no_call_more() {
    let desk = Desk::open().await;
    let query = "{ tickets(first: 5, filter: { statuses: [CLOSED], handlerIds: [\"firstline:Employee:7\"] }) { nodes { id } } }";
    desk.execute(query).await;
    assert!(desk.calls().0 <= 2, "{:?}", desk.calls());
    for call in desk.sandbox.firstline().requests_to(TICKETS) {
        assert_eq!(call.body, Value::Null);
    }
}

#[tokio::test]
async fn the_list_of_one_agent_that_is_the_list_of_all_is_filtered_by_the_gateway() {
    let desk = Desk::open_with(uncached()).await;
    let filter = json!({ "handlerId": "bangwo8:Employee:207" });
    let (truth, total) = walk(&desk, "serviceRecords", &filter, 20).await;
    assert_eq!(total, truth.len());
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.ignores_agent = true);
    desk.forget_calls();
    let (found, total) = walk(&desk, "serviceRecords", &filter, 20).await;
    assert_eq!((found, total), (truth.clone(), Value::Null));
    let by_agent = desk
        .sandbox
        .bangwo8()
        .requests_to("/api/v1/remoterecord/histories/{id_json}");
    assert!(by_agent.len() <= 2, "it is not asked for in vain");
    let query = "{ employee(id: \"bangwo8:Employee:207\") { serviceRecords(first: 100) { totalCount nodes { id handler { id } } } } }";
    let list = desk.execute(query).await["employee"]["serviceRecords"].take();
    assert_eq!(list["totalCount"], Value::Null);
    let nodes = list["nodes"].as_array().expect("nodes are a list");
    assert!(
        nodes
            .iter()
            .all(|node| node["handler"]["id"] == "bangwo8:Employee:207")
    );
}
