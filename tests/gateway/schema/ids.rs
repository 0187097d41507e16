//! Global ids: what `node` and `nodes` return for them, and which ids are rejected.

use deskgraph::sandbox::{ListOrder, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const HISTORIES: &str = "/api/v1/remoterecord/histories.json";

fn without_records(options: DeskOptions) -> DeskOptions {
    DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..options
    }
}

async fn nodes(desk: &Desk, ids: &[String]) -> Value {
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    desk.answer(query, json!({ "ids": ids })).await
}

#[tokio::test]
async fn twelve_records_of_four_days_are_refetched_with_one_call_per_day() {
    let desk = Desk::open_with(without_records(DeskOptions::default())).await;
    let days = ["2026-03-02", "2026-03-05", "2026-02-28", "2026-03-09"];
    let ids: Vec<String> = (0..12)
        .map(|index| {
            let day = days[index % 4];
            let fields = json!({ "csBTime": format!("{day} {:02}:30:00", index + 1) });
            let number = desk.sandbox.bangwo8_insert_record(fields);
            format!("bangwo8:ServiceRecord:{number}@{day}")
        })
        .collect();

    let answer = nodes(&desk, &ids).await;
    let expected: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "__typename": "ServiceRecord", "id": id }))
        .collect();
    assert_eq!(answer, json!({ "data": { "nodes": expected } }));
    assert_eq!(desk.calls(), (0, 4));
    let mut requested_days: Vec<String> = Vec::new();
    for call in desk.sandbox.bangwo8().requests_to(HISTORIES) {
        assert_eq!(call.query_value("starttime"), call.query_value("endtime"));
        requested_days.extend(call.query_value("starttime").map(str::to_owned));
    }
    requested_days.sort();
    assert_eq!(
        requested_days,
        ["2026-02-28", "2026-03-02", "2026-03-05", "2026-03-09"]
    );
}

#[tokio::test]
async fn a_record_is_found_on_a_day_with_many_pages() {
    let settings = DeskOptions::default().set("BANGWO8__LIST_PAGE_SIZE", 10);
    let desk = Desk::open_with(without_records(settings)).await;
    let numbers: Vec<i64> = (0..35)
        .map(|minute| {
            let fields = json!({ "csBTime": format!("2026-3-9 10:{minute:02}:00") });
            desk.sandbox.bangwo8_insert_record(fields)
        })
        .collect();
    for number in [numbers[0], numbers[17], numbers[34]] {
        let ids = [format!("bangwo8:ServiceRecord:{number}@2026-03-09")];
        let answer = nodes(&desk, &ids).await;
        assert_eq!(answer["data"]["nodes"][0]["id"], ids[0], "{answer}");
    }
}

#[tokio::test]
async fn a_record_id_without_a_day_is_searched_from_the_newest_page() {
    for order in [
        ListOrder::TimeDescending,
        ListOrder::TimeAscending,
        ListOrder::IdAscending,
    ] {
        let settings = DeskOptions::default()
            .set("BANGWO8__LIST_PAGE_SIZE", 10)
            .set("BANGWO8__FIND_MAX_CALLS", 4)
            .set("CACHE__ENABLED", false);
        let desk = Desk::open_with(without_records(settings)).await;
        desk.sandbox
            .bangwo8()
            .change_switches(|switches| switches.record_order = order);
        let numbers: Vec<i64> = (0..90)
            .map(|index| {
                let day = 1 + index / 10;
                let fields = json!({ "csBTime": format!("2026-3-{day} 10:{:02}:00", index % 10) });
                desk.sandbox.bangwo8_insert_record(fields)
            })
            .collect();
        // If the order of the list is not known, one call finds it out.
        nodes(&desk, &[format!("bangwo8:ServiceRecord:{}", numbers[89])]).await;

        for (index, day) in [(89, "2026-03-09"), (75, "2026-03-08")] {
            desk.forget_calls();
            let ids = [format!("bangwo8:ServiceRecord:{}", numbers[index])];
            let answer = nodes(&desk, &ids).await;
            let canonical = format!("{}@{day}", ids[0]);
            assert_eq!(
                answer["data"]["nodes"][0]["id"], canonical,
                "{order:?}: {answer}"
            );
            assert!(desk.calls().1 <= 4, "{order:?}: {:?}", desk.calls());
        }

        desk.forget_calls();
        let ids = [format!("bangwo8:ServiceRecord:{}", numbers[3])];
        let answer = nodes(&desk, &ids).await;
        assert_eq!(answer, json!({ "data": { "nodes": [null] } }), "{order:?}");
        assert!(
            (1..=4).contains(&desk.calls().1),
            "{order:?}: {:?}, no more pages than are allowed",
            desk.calls()
        );
    }
}

#[tokio::test]
async fn a_message_id_without_a_day_returns_the_id_with_the_day() {
    let desk = Desk::open_with(without_records(DeskOptions::default())).await;
    let number = desk
        .sandbox
        .bangwo8_insert_record(json!({ "csBTime": "2026-3-9 10:00:00" }));
    let message = json!({ "spokesman": "x", "spokesman_identity": 1, "msg": "kj", "time": "2026-3-9 10:00:00" });
    desk.sandbox.bangwo8_set_chat(number, vec![message]);
    let answer = nodes(&desk, &[format!("bangwo8:ChatMessage:{number}/1")]).await;
    assert_eq!(
        answer["data"]["nodes"][0]["id"],
        format!("bangwo8:ChatMessage:{number}@2026-03-09/1"),
        "{answer}"
    );
}

#[tokio::test]
async fn nodes_come_in_the_requested_order_and_one_bad_id_fails_alone() {
    let desk = Desk::open().await;
    let data = desk
        .execute(
            "{ serviceRecords(first: 60) { nodes { id category { id } messages(first: 1) { nodes { id } } } }
               tickets(first: 2) { nodes { id } } sponsors { id } terminationCodes { id }
               employees(first: 100) { nodes { id } } }",
        )
        .await;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_list = |list: &str| {
        let nodes = data[list]["nodes"].as_array().or(data[list].as_array());
        nodes
            .into_iter()
            .flatten()
            .filter_map(|node| text(&node["id"]))
            .collect::<Vec<_>>()
    };
    let mut ids = of_list("serviceRecords");
    ids.truncate(8);
    ids.extend(of_list("tickets"));
    ids.extend(of_list("sponsors").into_iter().take(1));
    ids.extend(of_list("terminationCodes").into_iter().take(1));
    let employees = of_list("employees");
    ids.extend(employees.first().cloned());
    ids.extend(employees.last().cloned());
    for record in data["serviceRecords"]["nodes"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if ids.len() < 40 {
            ids.extend(text(&record["category"]["id"]));
            ids.extend(text(&record["messages"]["nodes"][0]["id"]));
        }
    }
    ids.reverse();
    assert!(ids.iter().any(|id| id.starts_with("bangwo8:ChatMessage")));
    assert!(ids.iter().any(|id| id.starts_with("bangwo8:Category")));
    let twice = ids[0].clone();
    ids.push(twice);

    let bad = 5;
    ids.insert(bad, "bangwo8:ServiceRecord:07@2026-03-09".to_owned());
    let absent = 9;
    ids.insert(absent, "firstline:Ticket:999999999".to_owned());
    let answer = nodes(&desk, &ids).await;
    let returned = answer["data"]["nodes"].as_array().expect("the list stands");
    assert_eq!(returned.len(), ids.len());
    for (index, (node, id)) in returned.iter().zip(&ids).enumerate() {
        match index == bad || index == absent {
            true => assert_eq!(*node, Value::Null),
            false => assert_eq!(node["id"], **id),
        }
    }
    let errors = answer["errors"].as_array().expect("one id is malformed");
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(errors[0]["path"], json!(["nodes", bad]));
    assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT");

    assert_eq!(nodes(&desk, &[]).await, json!({ "data": { "nodes": [] } }));
    let many = vec![ids[0].clone(); 101];
    let rejected = nodes(&desk, &many).await;
    assert_eq!(
        rejected["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    let most = nodes(&desk, &many[..100]).await;
    assert_eq!(most.get("errors"), None);
}

#[tokio::test]
async fn a_malformed_id_is_rejected_with_the_expected_form_and_without_its_text() {
    let desk = Desk::open().await;
    desk.forget_calls();
    for id in [
        "",
        "nonsense",
        "bangwo8:ServiceRecord",
        "bangwo8:ServiceRecord:",
        "bangwo8:ServiceRecord:0",
        "bangwo8:ServiceRecord:007",
        "bangwo8:ServiceRecord:-7",
        "bangwo8:ServiceRecord:+7",
        "bangwo8:ServiceRecord: 7",
        "bangwo8:ServiceRecord:9223372036854775808",
        "bangwo8:ServiceRecord:99999999999999999999999",
        "bangwo8:ServiceRecord:7@2024-02-30",
        "bangwo8:ServiceRecord:7@2024-2-3",
        "bangwo8:ServiceRecord:7@20240203",
        "bangwo8:ServiceRecord:7@2024-02-03T00:00:00",
        "bangwo8:ServiceRecord:7@",
        "bangwo8:ServiceRecord:7@2024-02-03@2024-02-03",
        "bangwo8:ServiceRecord:7@2024-02-03/1",
        "firstline:ServiceRecord:7@2024-02-03",
        "firstline:ServiceRecord:7.0",
        "Firstline:ServiceRecord:7",
        "FIRSTLINE:ServiceRecord:7",
        "firstline:serviceRecord:7",
        "firstline:servicerecord:7",
        "thirdvendor:ServiceRecord:7",
        "firstline:Visitor:7",
        "firstline:Contact:7",
        "firstline:Ticket:7@2024-02-03",
        "firstline:Category:7",
        "firstline:Category:3-7",
        "firstline:Category:0-7",
        "bangwo8:Category:4-7",
        "bangwo8:Category:1-0",
        "bangwo8:ChatMessage:7@2024-02-03",
        "bangwo8:ChatMessage:7@2024-02-03/0",
        "bangwo8:ChatMessage:7@2024-02-03/01",
        "bangwo8:ChatMessage:7@2024-02-30/1",
        "firstline:ChatMessage:7@2024-02-03/1",
        "firstline:Employee:７",
    ] {
        let (error, data) = desk
            .execute_failing(
                "query($id: ID!) { node(id: $id) { id } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(data, json!({ "node": null }), "{id}");
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{id}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("it must be"), "{id}: {message}");
        let key = id.rsplit(':').next().unwrap_or_default();
        assert!(key.len() < 3 || !message.contains(key), "{id}: {message}");
    }
    for (field, id) in [
        ("serviceRecord", "firstline:Ticket:7"),
        ("ticket", "firstline:ServiceRecord:7"),
        ("employee", "bangwo8:ServiceRecord:7@2024-02-03"),
        ("category", "bangwo8:Employee:207"),
    ] {
        let query = format!("query($id: ID!) {{ {field}(id: $id) {{ id }} }}");
        let (error, _) = desk.execute_failing(&query, json!({ "id": id })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{field}");
    }
    assert_eq!(desk.calls(), (0, 0));
}

#[tokio::test]
async fn a_well_formed_id_of_a_missing_object_is_null_without_an_error() {
    let desk = Desk::open_with(DeskOptions::default().set("BANGWO8__FIND_MAX_CALLS", 2)).await;
    let ids = [
        "firstline:ServiceRecord:999999999",
        "bangwo8:ServiceRecord:999999999@2026-03-09",
        "bangwo8:ServiceRecord:88001@1999-12-31",
        "bangwo8:ServiceRecord:999999999",
        "bangwo8:ServiceRecord:9223372036854775807@2026-03-09",
        "firstline:ServiceRecord:9223372036854775807",
        "firstline:Ticket:999999999",
        "bangwo8:Ticket:7",
        "firstline:Employee:999999999",
        "bangwo8:Employee:999999999",
        "firstline:Category:1-999999999",
        "firstline:Category:2-999999999",
        "bangwo8:Category:3-999999999",
        "firstline:ChatMessage:999999999/1",
        "bangwo8:ChatMessage:999999999@2026-03-09/1",
        "bangwo8:ChatMessage:999999999/1",
        "firstline:Sponsor:999999999",
        "bangwo8:Sponsor:1",
        "firstline:TerminationCode:999999999",
        "bangwo8:TerminationCode:1",
    ]
    .map(str::to_owned);
    let nothing = vec![Value::Null; ids.len()];
    assert_eq!(
        nodes(&desk, &ids).await,
        json!({ "data": { "nodes": nothing } })
    );
    for (field, id) in [
        (
            "serviceRecord",
            "bangwo8:ServiceRecord:999999999@2026-03-09",
        ),
        ("ticket", "bangwo8:Ticket:7"),
        ("employee", "bangwo8:Employee:999999999"),
        ("category", "bangwo8:Category:1-999999999"),
    ] {
        let query = format!("{{ {field}(id: \"{id}\") {{ id }} }}");
        assert_eq!(desk.execute(&query).await[field], Value::Null);
    }
}

#[tokio::test]
async fn an_id_of_an_unconfigured_vendor_is_rejected_everywhere() {
    let desk = Desk::open_with(DeskOptions::default().without("FIRSTLINE")).await;
    for query in [
        "{ node(id: \"firstline:ServiceRecord:7\") { id } }",
        "{ node(id: \"firstline:ChatMessage:7/1\") { id } }",
        "{ node(id: \"firstline:Category:1-7\") { id } }",
        "{ node(id: \"firstline:Sponsor:7\") { id } }",
        "{ node(id: \"firstline:TerminationCode:7\") { id } }",
        "{ serviceRecord(id: \"firstline:ServiceRecord:7\") { id } }",
        "{ ticket(id: \"firstline:Ticket:7\") { id } }",
        "{ employee(id: \"firstline:Employee:7\") { id } }",
        "{ serviceRecords(filter: { handlerId: \"firstline:Employee:7\" }) { totalCount } }",
        "{ serviceRecords(filter: { handlerGroupId: \"firstline:EmployeeGroup:7\" }) { totalCount } }",
        "{ serviceRecords(filter: { contactId: \"firstline:Contact:7\" }) { totalCount } }",
        "{ tickets(filter: { contactId: \"firstline:Contact:7\" }) { totalCount } }",
        "{ tickets(filter: { sponsorId: \"firstline:Sponsor:7\" }) { totalCount } }",
        "{ tickets(filter: { terminationCodeIds: [\"firstline:TerminationCode:7\"] }) { totalCount } }",
        "{ tickets(filter: { creatorIds: [\"firstline:Employee:7\"] }) { totalCount } }",
        "{ ticketStats(filter: { handlerIds: [\"firstline:Employee:7\"] }) { total } }",
    ] {
        let (error, _) = desk.execute_failing(query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("it must be"), "{message}");
    }
    let desk = Desk::open_with(DeskOptions::default().without("BANGWO8")).await;
    for id in [
        "ServiceRecord:7@2026-03-09",
        "ServiceRecord:7",
        "Employee:207",
        "Category:1-223",
        "ChatMessage:7@2026-03-09/1",
    ] {
        let query = format!("{{ node(id: \"bangwo8:{id}\") {{ id }} }}");
        let (error, _) = desk.execute_failing(&query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{id}");
    }
}
