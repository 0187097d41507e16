//! Expired data in place of a failing vendor's: what is served, what is not, and how it is told.

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use serde_json::{Value, json};

use super::writes::{CREATE, UPDATE, UPDATE_RECORD, write};
use crate::harness::{Desk, DeskOptions, until};

const RECORDS: &str = "{ serviceRecords { nodes { id } sources { vendor state } } }";
const TICKETS: &str = "{ tickets { nodes { id } sources { vendor state error { code } } } }";
const EMPLOYEES: &str = "{ employees { nodes { id } sources { vendor state } } }";

fn options() -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records: 12,
            tickets: 4,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    }
    .set("CACHE__LIST_TTL_MS", 0)
    .set("CACHE__ENTITY_TTL_MS", 0)
    .set("CACHE__DIRECTORY_TTL_MS", 0)
    .set("FIRSTLINE__MAX_RETRIES", 0)
    .set("BANGWO8__MAX_RETRIES", 0)
}

async fn desk() -> Desk {
    Desk::open_with(options()).await
}

/// Without logins, which are paused after one was refused.
fn with_token(options: DeskOptions) -> DeskOptions {
    options
        .set("FIRSTLINE__USERNAME", "")
        .set("FIRSTLINE__PASSWORD", "")
        .set("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN)
}

/// Fails every call, logins included, with this status.
fn fail_with(desk: &Desk, code: u16) {
    desk.sandbox.firstline().clear_faults();
    desk.sandbox.bangwo8().clear_faults();
    desk.sandbox.firstline().add_fault(failing(code));
    desk.sandbox.bangwo8().add_fault(failing(code));
}

fn failing(code: u16) -> FaultRule {
    let fault = Fault::Status {
        code,
        body: "{}".to_owned(),
        headers: Default::default(),
    };
    FaultRule::new("", fault)
}

fn by_id(kind: &str, number: i64) -> String {
    let field = match kind {
        "Ticket" => "ticket",
        _ => "serviceRecord",
    };
    format!("{{ {field}(id: \"firstline:{kind}:{number}\") {{ id }} }}")
}

async fn stale_of(desk: &Desk, query: &str) -> Value {
    let answer = desk.answer(query, json!({})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["extensions"]["stale"].clone()
}

/// The paths and vendors of stale parts, each with a time.
fn places(stale: &Value) -> Vec<(Value, String)> {
    let parts = stale.as_array().expect("some part is stale");
    let mut places: Vec<_> = parts
        .iter()
        .map(|part| {
            let at = part["fetchedAt"].as_str().expect("it has a time");
            assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
            let vendor = part["vendor"].as_str().expect("it has a vendor");
            (part["path"].clone(), vendor.to_owned())
        })
        .collect();
    places.sort_by_key(|(path, vendor)| (path.to_string(), vendor.clone()));
    places
}

fn place(path: Value, vendor: &str) -> (Value, String) {
    (path, vendor.to_owned())
}

async fn state_of(desk: &Desk, query: &str, field: &str, vendor: &str) -> Value {
    let answer = desk.answer(query, json!({})).await;
    let sources = answer["data"][field]["sources"].as_array();
    let of_vendor = sources
        .into_iter()
        .flatten()
        .find(|source| source["vendor"] == vendor);
    of_vendor.map_or(Value::Null, |source| source["state"].clone())
}

async fn vendor_code(desk: &Desk, query: &str) -> Value {
    let (error, _) = desk.execute_failing(query, json!({})).await;
    error["extensions"]["vendorCode"].clone()
}

#[tokio::test]
async fn each_stale_part_is_told_with_its_path_its_vendor_and_its_time() {
    let desk = desk().await;
    let record = desk
        .sandbox
        .bangwo8_insert_record(json!({ "csBTime": "2026-03-09 10:00:00" }));
    let record = format!("bangwo8:ServiceRecord:{record}@2026-03-09");
    let employees = desk
        .execute("{ employees(first: 1) { nodes { id } } categories(vendors: [FIRSTLINE]) { nodes { id } } }")
        .await;
    let employee = employees["employees"]["nodes"][0]["id"].as_str();
    let employee = employee.expect("there are employees").to_owned();
    let number: i64 = employee
        .rsplit(':')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("an id ends in a number");
    let category = employees["categories"]["nodes"][0]["id"].as_str();
    let category = category.expect("there are categories");
    let ticket = desk
        .sandbox
        .firstline_insert_ticket(json!({ "handler_id": number }));
    let query = format!(
        "{{ mine: ticket(id: \"firstline:Ticket:{ticket}\") {{ id who: handler {{ email }} }}
            node(id: \"{record}\") {{ id }}
            many: nodes(ids: [\"{category}\", \"firstline:Ticket:999999\", \"{employee}\"]) {{ id }}
            person: employee(id: \"{employee}\") {{ name }}
            category(id: \"{category}\") {{ name children {{ id }} }}
            sponsors {{ id }}
            ticketStats {{ total }}
            tickets {{ nodes {{ id }} }} }}"
    );
    let whole = desk.answer(&query, json!({})).await;
    assert_eq!(whole.get("extensions"), None, "{whole}");

    fail_with(&desk, 503);
    desk.sandbox.firstline().clear_faults();
    desk.sandbox.firstline().add_fault(FaultRule {
        path_contains: "GET /api/v1/".to_owned(),
        ..failing(503)
    });
    let answer = desk.answer(&query, json!({})).await;
    // The ticket that never existed was not read before.
    let errors = answer["errors"].as_array().expect("one is not held");
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(errors[0]["path"], json!(["many", 1]));
    let mut now = answer["data"].clone();
    now["many"][1] = Value::Null;
    assert_eq!(now, whole["data"]);
    assert_eq!(
        places(&answer["extensions"]["stale"]),
        [
            place(json!(["category", "children"]), "FIRSTLINE"),
            place(json!(["category"]), "FIRSTLINE"),
            place(json!(["many", 0]), "FIRSTLINE"),
            place(json!(["many", 2]), "FIRSTLINE"),
            place(json!(["mine", "who"]), "FIRSTLINE"),
            place(json!(["mine"]), "FIRSTLINE"),
            place(json!(["node"]), "BANGWO8"),
            place(json!(["person"]), "FIRSTLINE"),
            place(json!(["sponsors"]), "FIRSTLINE"),
            place(json!(["ticketStats"]), "FIRSTLINE"),
            place(json!(["tickets"]), "FIRSTLINE"),
        ]
    );
    assert_eq!(answer["extensions"].get("staleCount"), None);

    // A copy without some fields is completed from the list, which is stale too: the object is told, once.
    desk.sandbox.firstline().clear_faults();
    let creator = format!(
        "{{ t: ticket(id: \"firstline:Ticket:{ticket}\") {{ creator {{ id }} serviceRecords {{ id }} }} }}"
    );
    until("FirstLine is called again", async || {
        let answer = desk.answer(&creator, json!({})).await;
        answer.get("extensions").is_none() && answer.get("errors").is_none()
    })
    .await;
    fail_with(&desk, 503);
    let stale = stale_of(&desk, &creator).await;
    assert_eq!(places(&stale), [place(json!(["t"]), "FIRSTLINE")]);
}

#[tokio::test]
async fn each_request_of_a_batch_tells_its_own_stale_parts() {
    let desk = desk().await;
    desk.execute(&by_id("Ticket", 1002)).await;
    desk.execute("{ sponsors { id } }").await;
    fail_with(&desk, 503);

    let queries = [
        &by_id("Ticket", 1002),
        "{ sponsors { id } }",
        "{ __typename }",
    ];
    let batch: Vec<Value> = queries
        .iter()
        .map(|query| json!({ "query": query }))
        .collect();
    let (_, answers) = desk.post(&json!(batch)).await;
    let stale = |index: usize| places(&answers[index]["extensions"]["stale"]);
    assert_eq!(stale(0), [place(json!(["ticket"]), "FIRSTLINE")]);
    assert_eq!(stale(1), [place(json!(["sponsors"]), "FIRSTLINE")]);
    assert_eq!(answers[2].get("extensions"), None);

    // It is not sent again when the vendor responds.
    desk.sandbox.firstline().clear_faults();
    until("FirstLine is called again", async || {
        let answer = desk.answer(&by_id("Ticket", 1002), json!({})).await;
        assert_eq!(answer["data"]["ticket"]["id"], "firstline:Ticket:1002");
        answer.get("extensions").is_none()
    })
    .await;
}

#[tokio::test]
async fn at_most_a_hundred_stale_parts_are_listed_and_all_are_counted() {
    let desk = desk().await;
    let ids = vec!["\"firstline:Ticket:1002\""; 100].join(" ");
    let sponsors: String = (0..20)
        .map(|index| format!("a{index}: sponsors {{ id }} "))
        .collect();
    let query = format!("{{ nodes(ids: [{ids}]) {{ id }} {sponsors} }}");
    desk.execute(&query).await;
    fail_with(&desk, 503);
    let answer = desk.answer(&query, json!({})).await;
    let listed = answer["extensions"]["stale"].as_array().map(Vec::len);
    assert_eq!(listed, Some(100), "{answer}");
    assert_eq!(answer["extensions"]["staleCount"], 120);
}

#[tokio::test]
async fn after_a_write_to_a_ticket_only_what_it_may_have_changed_is_not_served_stale() {
    let desk = desk().await;
    let [written, other] = [(); 2].map(|()| desk.sandbox.firstline_insert_ticket(json!({})));
    let prime = async || {
        desk.execute(&by_id("Ticket", written)).await;
        desk.execute(&by_id("Ticket", other)).await;
        for query in [RECORDS, TICKETS, EMPLOYEES] {
            desk.execute(query).await;
        }
    };
    let input = json!({ "id": format!("firstline:Ticket:{written}"), "subject": "changed" });
    for (mutation, input, is_gone) in [
        (UPDATE, input, true),
        (
            CREATE,
            json!({ "subject": "a new one", "content": "a printer" }),
            false,
        ),
    ] {
        prime().await;
        write(&desk, mutation, input).await;

        fail_with(&desk, 503);
        let answer = desk.answer(&by_id("Ticket", written), json!({})).await;
        assert_eq!(answer["data"]["ticket"].is_null(), is_gone, "{answer}");
        let other = stale_of(&desk, &by_id("Ticket", other)).await;
        assert_eq!(places(&other), [place(json!(["ticket"]), "FIRSTLINE")]);
        let (error, _) = desk.execute_failing(TICKETS, json!({})).await;
        assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
        for (query, field) in [(RECORDS, "serviceRecords"), (EMPLOYEES, "employees")] {
            for vendor in ["FIRSTLINE", "BANGWO8"] {
                assert_eq!(state_of(&desk, query, field, vendor).await, "STALE");
            }
        }
        desk.sandbox.firstline().clear_faults();
        desk.sandbox.bangwo8().clear_faults();
        until("FirstLine is called again", async || {
            let state = state_of(&desk, TICKETS, "tickets", "FIRSTLINE").await;
            state == "FRESH"
        })
        .await;
    }
}

#[tokio::test]
async fn after_a_write_to_a_record_what_does_not_show_it_stays() {
    let desk = desk().await;
    let [written, other] = [(); 2].map(|()| desk.sandbox.firstline_insert_record(json!({})));
    let ticket_of = |record: i64| {
        let fields = json!({ "interact_collection_ids": [record], "sponsor_id": 1 });
        desk.sandbox.firstline_insert_ticket(fields)
    };
    let (with_it, without_it) = (ticket_of(written), ticket_of(other));
    // The list has the tickets with their records.
    desk.execute(TICKETS).await;
    desk.execute(&by_id("ServiceRecord", written)).await;
    desk.execute(&by_id("ServiceRecord", other)).await;
    desk.execute(RECORDS).await;
    let empty = "{ tickets(filter: { createdTo: \"2001-01-01T00:00:00Z\" }) { nodes { id } sources { vendor state } } }";
    desk.execute(empty).await;

    let input = json!({ "id": format!("firstline:ServiceRecord:{written}"), "memo": "changed" });
    write(&desk, UPDATE_RECORD, input).await;
    fail_with(&desk, 503);
    for query in [
        by_id("ServiceRecord", written),
        by_id("Ticket", with_it),
        TICKETS.to_owned(),
    ] {
        let (error, _) = desk.execute_failing(&query, json!({})).await;
        assert_eq!(
            error["extensions"]["code"], "UPSTREAM_UNAVAILABLE",
            "{query}"
        );
    }
    for query in [by_id("ServiceRecord", other), by_id("Ticket", without_it)] {
        assert!(stale_of(&desk, &query).await.is_array(), "{query}");
    }
    let field = "serviceRecords";
    assert_eq!(state_of(&desk, RECORDS, field, "FIRSTLINE").await, "FAILED");
    assert_eq!(state_of(&desk, RECORDS, field, "BANGWO8").await, "STALE");
    assert_eq!(
        state_of(&desk, empty, "tickets", "FIRSTLINE").await,
        "STALE"
    );
}

#[tokio::test]
async fn after_a_401_nothing_of_the_vendor_is_served_stale_until_it_returns_data_again() {
    let desk = Desk::open_with(with_token(options())).await;
    let ticket = by_id("Ticket", 1002);
    for query in [&ticket, RECORDS, TICKETS, EMPLOYEES] {
        desk.execute(query).await;
    }

    desk.sandbox.firstline().add_fault(failing(401));
    assert_eq!(vendor_code(&desk, &ticket).await, "UNAUTHENTICATED");
    // Whatever fails afterwards, and whichever data it is.
    fail_with(&desk, 503);
    assert_eq!(vendor_code(&desk, &ticket).await, "SERVER_ERROR");
    assert_eq!(vendor_code(&desk, TICKETS).await, "SERVER_ERROR");
    for (query, field) in [(RECORDS, "serviceRecords"), (EMPLOYEES, "employees")] {
        assert_eq!(state_of(&desk, query, field, "FIRSTLINE").await, "FAILED");
        assert_eq!(state_of(&desk, query, field, "BANGWO8").await, "STALE");
    }

    desk.sandbox.firstline().clear_faults();
    until("FirstLine returns data", async || {
        let answer = desk.answer("{ sponsors { id } }", json!({})).await;
        answer.get("errors").is_none()
    })
    .await;
    fail_with(&desk, 503);
    assert!(stale_of(&desk, &ticket).await.is_array());
    assert_eq!(
        state_of(&desk, RECORDS, "serviceRecords", "FIRSTLINE").await,
        "STALE"
    );
}

#[tokio::test]
async fn what_a_vendor_forbids_is_not_served_stale_then_or_later() {
    let desk = desk().await;
    let [forbidden, other] = [1002, 1003].map(|number| by_id("Ticket", number));
    for query in [&forbidden, &other, RECORDS, TICKETS, "{ sponsors { id } }"] {
        desk.execute(query).await;
    }
    let forbid = |path: &str| {
        desk.sandbox.firstline().add_fault(FaultRule {
            path_contains: path.to_owned(),
            ..failing(403)
        });
    };

    forbid("GET /api/v1/ticket/1002");
    assert_eq!(vendor_code(&desk, &forbidden).await, "FORBIDDEN");
    desk.sandbox.firstline().clear_faults();
    forbid("GET /api/v1/sponsor");
    assert_eq!(vendor_code(&desk, "{ sponsors { id } }").await, "FORBIDDEN");
    desk.sandbox.firstline().clear_faults();
    forbid("GET /api/v1/ticket?");
    assert_eq!(vendor_code(&desk, TICKETS).await, "FORBIDDEN");

    fail_with(&desk, 503);
    for query in [&forbidden, TICKETS, "{ sponsors { id } }"] {
        assert_eq!(vendor_code(&desk, query).await, "SERVER_ERROR", "{query}");
    }
    assert!(stale_of(&desk, &other).await.is_array());
    assert_eq!(
        state_of(&desk, RECORDS, "serviceRecords", "FIRSTLINE").await,
        "STALE"
    );
}

async fn is_ready(desk: &Desk) -> bool {
    let response = desk.client().get(desk.url("/health/ready")).send().await;
    response.expect("the gateway responds").status() == 200
}

/// Makes calls until the vendor is known to be down.
async fn bring_down(desk: &Desk, vendor: &str, query: &str) {
    until("the vendor is down", async || {
        desk.answer(query, json!({})).await;
        let vendors = desk.execute("{ vendors { vendor state } }").await;
        let vendors = vendors["vendors"].as_array().expect("it is a list").clone();
        let is_down = |status: &Value| status["vendor"] == vendor && status["state"] == "DOWN";
        vendors.iter().any(is_down)
    })
    .await;
}

#[tokio::test]
async fn readiness_counts_only_what_can_be_served() {
    let ticket = by_id("Ticket", 1002);

    // Held, and served.
    let desk = Desk::open_with(options().without("BANGWO8")).await;
    desk.execute(TICKETS).await;
    fail_with(&desk, 503);
    bring_down(&desk, "FIRSTLINE", "{ sponsors { id } }").await;
    assert!(is_ready(&desk).await);

    // Superseded by a write.
    let desk = Desk::open_with(options().without("BANGWO8")).await;
    let filter = "{ tickets(filter: { createdTo: \"2001-01-01T00:00:00Z\" }) { nodes { id } } }";
    desk.execute(filter).await;
    write(
        &desk,
        CREATE,
        json!({ "subject": "a new one", "content": "a printer" }),
    )
    .await;
    fail_with(&desk, 503);
    bring_down(&desk, "FIRSTLINE", "{ sponsors { id } }").await;
    assert!(!is_ready(&desk).await, "the only list was superseded");

    // Of a vendor that refuses the credentials.
    let desk = Desk::open_with(with_token(options().without("BANGWO8"))).await;
    desk.execute(TICKETS).await;
    fail_with(&desk, 401);
    bring_down(&desk, "FIRSTLINE", &ticket).await;
    assert!(!is_ready(&desk).await, "what is held is not served");

    // Too old.
    let old = options().without("BANGWO8").set("CACHE__STALE_MS", 1);
    let desk = Desk::open_with(old).await;
    desk.execute(TICKETS).await;
    fail_with(&desk, 503);
    bring_down(&desk, "FIRSTLINE", "{ sponsors { id } }").await;
    until("what is held is too old", async || !is_ready(&desk).await).await;
}
