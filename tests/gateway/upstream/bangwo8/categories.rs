//! Bangwo8's problem types as categories: their numbers from one list, their names from another, read only if selected.

use deskgraph::sandbox::{Bangwo8Switches, SandboxOptions, VendorControl};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const LIST: &str = "/api/v1/remoterecord/histories.json";
const NAMED_LIST: &str = "/api/v1/remoterecord/histories_v2.json";

/// Three records of Bangwo8 that are classified one, two and three levels deep, and one that is not.
async fn desk_of_four() -> (Desk, Vec<String>) {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await;
    let ids = [(223, 453, 345), (224, 455, 0), (225, 0, 0), (0, 0, 0)]
        .into_iter()
        .enumerate()
        .map(|(index, (first, second, third))| {
            let number = desk.sandbox.bangwo8_insert_record(json!({
                "csBTime": format!("2026-3-{} 10:00:00", 8 - index / 2 ), "csServicerId": 207,
                "ptId": first, "ptChildId": second.to_string(), "ptThird": third,
            }));
            format!("bangwo8:ServiceRecord:{number}@2026-03-0{}", 8 - index / 2)
        })
        .collect();
    (desk, ids)
}

fn count(bangwo8: &VendorControl<Bangwo8Switches>, route: &str) -> usize {
    bangwo8.requests_to(route).len()
}

#[tokio::test]
async fn names_of_categories_need_a_second_call_only_if_the_query_selects_them() {
    let only = "filter: { vendors: [BANGWO8] }";
    for (query, named) in [
        (
            format!("{{ serviceRecords({only}) {{ nodes {{ id status }} }} }}"),
            0,
        ),
        (
            format!(
                "{{ serviceRecords({only}) {{ nodes {{ category {{ id vendor vendorId level parent {{ id }} }} }} }} }}"
            ),
            0,
        ),
        (
            format!("{{ serviceRecords({only}) {{ nodes {{ category {{ name }} }} }} }}"),
            1,
        ),
        (
            format!(
                "{{ serviceRecords({only}) {{ edges {{ node {{ category {{ name }} }} }} }} }}"
            ),
            1,
        ),
        (
            format!(
                "{{ serviceRecords({only}) {{ nodes {{ category {{ parent {{ parent {{ name }} }} }} }} }} }}"
            ),
            1,
        ),
        (
            format!(
                "{{ serviceRecords({only}) {{ edges {{ node {{ ...R }} }} }} }}
                 fragment R on ServiceRecord {{ category {{ ... on Category {{ ...N }} }} }}
                 fragment N on Category {{ name }}"
            ),
            1,
        ),
    ] {
        let (desk, _) = desk_of_four().await;
        desk.execute(&query).await;
        let bangwo8 = desk.sandbox.bangwo8();
        assert_eq!(
            (count(bangwo8, LIST), count(bangwo8, NAMED_LIST)),
            (1, named),
            "{query}"
        );
        assert_eq!(desk.calls(), (0, 1 + named), "{query}");
    }
}

#[tokio::test]
async fn a_category_is_the_deepest_problem_type_with_its_parents() {
    let (desk, ids) = desk_of_four().await;
    let level = |id: &str, name: &str, level: i32, parent: Value| json!({ "id": format!("bangwo8:Category:{id}"), "name": name, "level": level, "parent": parent });
    let selection = "category { id name level parent { id name level parent { id name level parent { id } } } }";
    let expected = [
        json!({
            "id": "bangwo8:Category:3-345", "name": "凭证无法保存", "level": 3,
            "parent": level("2-453", "凭证与账簿", 2, level("1-223", "财务软件", 1, Value::Null)),
        }),
        json!({
            "id": "bangwo8:Category:2-455", "name": "单据录入", "level": 2,
            "parent": { "id": "bangwo8:Category:1-224", "name": "进销存系统", "level": 1, "parent": null },
        }),
        json!({ "id": "bangwo8:Category:1-225", "name": "远程接入", "level": 1, "parent": null }),
        Value::Null,
    ];
    // The category of a record is the same on every path to the record.
    let handled = format!(
        "{{ employee(id: \"bangwo8:Employee:207\") {{ serviceRecords {{ nodes {{ id {selection} }} }} }} }}"
    );
    let filtered = format!(
        "{{ serviceRecords(filter: {{ handlerId: \"bangwo8:Employee:207\" }}) {{ nodes {{ id {selection} }} }} }}"
    );
    let listed = format!(
        "{{ serviceRecords(filter: {{ vendors: [BANGWO8] }}) {{ nodes {{ id {selection} }} }} }}"
    );
    for (query, pointer) in [
        (listed, "/serviceRecords/nodes"),
        (filtered, "/serviceRecords/nodes"),
        (handled, "/employee/serviceRecords/nodes"),
    ] {
        let data = desk.execute(&query).await;
        let nodes = data
            .pointer(pointer)
            .and_then(Value::as_array)
            .expect("nodes are a list");
        assert_eq!(nodes.len(), 4, "{query}");
        for node in nodes {
            let index = ids
                .iter()
                .position(|id| node["id"] == **id)
                .expect("the id is one of the four");
            assert_eq!(node["category"], expected[index], "{query}");
        }
    }
    let query = format!(
        "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on ServiceRecord {{ {selection} }} }} }}"
    );
    let data = desk.data(&query, json!({ "ids": ids })).await;
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(data["nodes"][index]["category"], *expected);
    }
}

#[tokio::test]
async fn category_names_of_one_agents_records_are_read_by_day() {
    let (desk, _) = desk_of_four().await;
    desk.execute("{ serviceRecords(filter: { handlerId: \"bangwo8:Employee:207\" }) { nodes { category { name } } } }")
        .await;
    let bangwo8 = desk.sandbox.bangwo8();
    assert_eq!(
        count(bangwo8, "/api/v1/remoterecord/histories/{id_json}"),
        1
    );
    let mut days: Vec<String> = Vec::new();
    for call in bangwo8.requests_to(NAMED_LIST) {
        assert_eq!(call.query_value("starttime"), call.query_value("endtime"));
        days.extend(call.query_value("starttime").map(str::to_owned));
    }
    days.sort();
    assert_eq!(days, ["2026-03-07", "2026-03-08"]);
    assert_eq!(desk.calls(), (0, 3));
}

#[tokio::test]
async fn equal_numbers_of_different_levels_are_different_categories() {
    let (desk, _) = desk_of_four().await;
    desk.sandbox.bangwo8_insert_record(
        json!({ "csBTime": "2026-3-9 10:00:00", "ptId": 223, "ptChildId": 223, "ptThird": 223 }),
    );
    let query =
        "{ serviceRecords(first: 1) { nodes { category { id parent { id parent { id } } } } } }";
    let data = desk.execute(query).await;
    assert_eq!(
        data["serviceRecords"]["nodes"][0]["category"],
        json!({ "id": "bangwo8:Category:3-223", "parent": { "id": "bangwo8:Category:2-223", "parent": { "id": "bangwo8:Category:1-223" } } })
    );
}

#[tokio::test]
async fn categories_are_the_tree_of_the_newest_records() {
    let (desk, _) = desk_of_four().await;
    let query = "{ categories(vendors: [BANGWO8]) {
        nodes { id vendor vendorId name level parent { id } children { id name parent { id name } children { id name } } }
        sources { vendor state totalCount } } }";
    let data = desk.execute(query).await;
    let tree = &data["categories"];
    assert_eq!(
        tree["sources"],
        json!([
            { "vendor": "FIRSTLINE", "state": "SKIPPED", "totalCount": null },
            { "vendor": "BANGWO8", "state": "FRESH", "totalCount": 3 },
        ])
    );
    let nodes = tree["nodes"].as_array().expect("nodes are a list");
    let ids: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "bangwo8:Category:1-223",
            "bangwo8:Category:1-224",
            "bangwo8:Category:1-225"
        ]
    );
    assert_eq!(
        nodes[0],
        json!({
            "id": "bangwo8:Category:1-223", "vendor": "BANGWO8", "vendorId": "223", "name": "财务软件", "level": 1,
            "parent": null,
            "children": [{
                "id": "bangwo8:Category:2-453", "name": "凭证与账簿",
                "parent": { "id": "bangwo8:Category:1-223", "name": "财务软件" },
                "children": [{ "id": "bangwo8:Category:3-345", "name": "凭证无法保存" }],
            }],
        })
    );
    assert_eq!(nodes[2]["children"], json!([]));

    let one = desk.execute("{ category(id: \"bangwo8:Category:2-455\") { id name level parent { name } children { id } } }").await;
    let expected = json!({
        "id": "bangwo8:Category:2-455", "name": "单据录入", "level": 2, "parent": { "name": "进销存系统" }, "children": [],
    });
    assert_eq!(one["category"], expected);
    let cached = desk
        .execute("{ categories(vendors: [BANGWO8]) { sources { vendor state } } }")
        .await;
    assert_eq!(cached["categories"]["sources"][1]["state"], "CACHED");
    let none = desk
        .execute("{ categories(vendors: []) { nodes { id } sources { state } } }")
        .await;
    assert_eq!(none["categories"]["nodes"], json!([]));
}

#[tokio::test]
async fn the_category_tree_is_read_from_the_newest_five_hundred_records_only() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 900,
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await;
    let old = json!({ "csBTime": "2001-1-1 10:00:00", "ptId": 1, "ptChildId": 0, "ptThird": 0 });
    desk.sandbox.bangwo8_insert_record(old);
    let data = desk
        .execute("{ categories(vendors: [BANGWO8]) { nodes { id name } } }")
        .await;
    let nodes = data["categories"]["nodes"]
        .as_array()
        .expect("nodes are a list");
    assert_eq!(nodes.len(), 5);
    assert!(
        nodes.iter().all(|node| node["name"].is_string()),
        "{nodes:?}"
    );
    let bangwo8 = desk.sandbox.bangwo8();
    assert!(count(bangwo8, NAMED_LIST) <= count(bangwo8, LIST));
    assert!(count(bangwo8, LIST) <= 6, "{}", count(bangwo8, LIST));
}
