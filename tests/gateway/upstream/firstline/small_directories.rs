//! Categories, sponsors and termination codes: the vendor's small lists, and how tickets refer to them.

use serde_json::{Value, json};

use super::{sorted_vendor_requests, ticket_id, vendor_requests};
use crate::harness::Desk;

const CATEGORY: &str = "__typename id vendor vendorId name description level parent { id name } children { id name level }";

#[tokio::test]
async fn categories_are_a_tree_of_two_levels_with_an_orphan() {
    let desk = Desk::open().await;
    let data = desk.execute(&format!("{{ categories(vendors: [FIRSTLINE]) {{ nodes {{ {CATEGORY} }} sources {{ vendor state totalCount }} }} }}")).await;
    let nodes = data["categories"]["nodes"]
        .as_array()
        .expect("categories are a list");
    assert_eq!(nodes.len(), 8);
    assert_eq!(
        nodes[4],
        json!({
            "__typename": "Category", "id": "firstline:Category:1-5", "vendor": "FIRSTLINE", "vendorId": "5",
            "name": "商品諮詢", "description": "規格、庫存與使用方式", "level": 1, "parent": null,
            "children": [
                { "id": "firstline:Category:2-34", "name": "規格詢問", "level": 2 },
                { "id": "firstline:Category:2-35", "name": "到貨通知", "level": 2 },
            ],
        })
    );
    assert_eq!(
        data["categories"]["sources"],
        json!([
            { "vendor": "FIRSTLINE", "state": "FRESH", "totalCount": 8 },
            { "vendor": "BANGWO8", "state": "SKIPPED", "totalCount": null },
        ])
    );
    // Both lists are read once, whatever the number of children.
    assert_eq!(
        sorted_vendor_requests(&desk),
        [
            "GET /api/v1/category?page=1&per_page=100",
            "GET /api/v1/subcategory?page=1&per_page=100",
        ]
    );

    let query = format!(
        "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Category {{ {CATEGORY} }} }} }}"
    );
    let ids = [
        "firstline:Category:2-34",
        "firstline:Category:2-24",
        "firstline:Category:1-34",
        "firstline:Category:2-5",
    ];
    let data = desk.data(&query, json!({ "ids": ids })).await;
    assert_eq!(
        data["nodes"],
        json!([
            {
                "__typename": "Category", "id": "firstline:Category:2-34", "vendor": "FIRSTLINE", "vendorId": "34",
                "name": "規格詢問", "description": null, "level": 2,
                "parent": { "id": "firstline:Category:1-5", "name": "商品諮詢" }, "children": [],
            },
            {
                "__typename": "Category", "id": "firstline:Category:2-24", "vendor": "FIRSTLINE", "vendorId": "24",
                "name": "測試子分類", "description": null, "level": 2, "parent": null, "children": [],
            },
            null, null,
        ])
    );
    let data = desk
        .data(
            "query($id: ID!) { category(id: $id) { id name } }",
            json!({ "id": ids[0] }),
        )
        .await;
    assert_eq!(
        data["category"],
        json!({ "id": "firstline:Category:2-34", "name": "規格詢問" })
    );
}

/// The vendor numbers the two levels independently: category 5 and subcategory 5 are different.
#[tokio::test]
async fn a_ticket_has_its_most_specific_category_and_ids_of_levels_do_not_collide() {
    let desk = Desk::open().await;
    let top = |id: i64| json!({ "id": id, "name": format!("top {id}"), "description": "t" });
    let sub = |id: Value, parent: Value, parent_id: Value| {
        json!({
            "id": id, "name": format!("sub {id}"), "description": null, "category": parent, "category_id": parent_id,
        })
    };
    let cases = [
        // The subcategory with its own parent, and a category of the same number.
        (
            sub(json!(5), top(5), json!(5)),
            json!(5),
            top(5),
            json!(5),
            json!({
                "id": "firstline:Category:2-5", "level": 2, "name": "sub 5", "parent": { "id": "firstline:Category:1-5", "name": "top 5" },
            }),
        ),
        // No subcategory: only the category.
        (
            Value::Null,
            Value::Null,
            top(5),
            json!(5),
            json!({
                "id": "firstline:Category:1-5", "level": 1, "name": "top 5", "parent": null,
            }),
        ),
        (
            Value::Null,
            json!(-1),
            top(5),
            json!(5),
            json!({
                "id": "firstline:Category:1-5", "level": 1, "name": "top 5", "parent": null,
            }),
        ),
        // An orphan.
        (
            sub(json!(24), Value::Null, Value::Null),
            json!(24),
            Value::Null,
            Value::Null,
            json!({
                "id": "firstline:Category:2-24", "level": 2, "name": "sub 24", "parent": null,
            }),
        ),
        // Only the subcategory has a parent.
        (
            json!({ "id": 7, "name": "sub 7", "description": null }),
            json!(7),
            top(5),
            json!(5),
            json!({
                "id": "firstline:Category:2-7", "level": 2, "name": "sub 7", "parent": { "id": "firstline:Category:1-5", "name": "top 5" },
            }),
        ),
        // Only numbers: the names come from the lists.
        (
            Value::Null,
            json!(34),
            Value::Null,
            json!(5),
            json!({
                "id": "firstline:Category:2-34", "level": 2, "name": "規格詢問", "parent": { "id": "firstline:Category:1-5", "name": "商品諮詢" },
            }),
        ),
        (
            Value::Null,
            Value::Null,
            Value::Null,
            json!(5),
            json!({
                "id": "firstline:Category:1-5", "level": 1, "name": "商品諮詢", "parent": null,
            }),
        ),
        (
            sub(json!("34"), Value::Null, json!("5")),
            json!("34"),
            Value::Null,
            Value::Null,
            json!({
                "id": "firstline:Category:2-34", "level": 2, "name": "規格詢問", "parent": { "id": "firstline:Category:1-5", "name": "商品諮詢" },
            }),
        ),
        // A number that is no longer in the lists.
        (
            Value::Null,
            json!(999),
            Value::Null,
            Value::Null,
            json!({
                "id": "firstline:Category:2-999", "level": 2, "name": null, "parent": null,
            }),
        ),
        (
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
        ),
    ];
    let mut ids = Vec::new();
    for (index, (sub, sub_id, beside, beside_id, _)) in cases.iter().enumerate() {
        let id = desk.sandbox.firstline_insert_ticket(json!({
            "id": 773_000 + index as i64, "sub_category": sub, "sub_category_id": sub_id, "category": beside, "category_id": beside_id,
        }));
        ids.push(ticket_id(id));
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Ticket { category { id level name parent { id name } } } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    for (index, (.., expected)) in cases.iter().enumerate() {
        assert_eq!(&data["nodes"][index]["category"], expected, "{index}");
    }
}

#[tokio::test]
async fn the_id_of_a_tickets_category_needs_no_call() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 773_100, "sub_category": null, "sub_category_id": 34, "category": null, "category_id": 5, "sponsor": null,
        "sponsor_id": 3, "termination_code": null, "termination_code_id": 8,
    }));
    let query = "query($id: ID!) { ticket(id: $id) { category { id level parent { id } } sponsor { id } terminationCode { id } } }";
    let data = desk.data(query, json!({ "id": ticket_id(773_100) })).await;
    assert_eq!(
        data["ticket"],
        json!({
            "category": { "id": "firstline:Category:2-34", "level": 2, "parent": { "id": "firstline:Category:1-5" } },
            "sponsor": { "id": "firstline:Sponsor:3" }, "terminationCode": { "id": "firstline:TerminationCode:8" },
        })
    );
    assert_eq!(vendor_requests(&desk), ["GET /api/v1/ticket/773100"]);

    // The names come from the small lists.
    let query = "query($id: ID!) { ticket(id: $id) { sponsor { name description } terminationCode { name description status } } }";
    let data = desk.data(query, json!({ "id": ticket_id(773_100) })).await;
    assert_eq!(
        data["ticket"],
        json!({
            "sponsor": { "name": "晨光家電", "description": "家電售後服務專線" },
            "terminationCode": { "name": "已完成退款", "description": null, "status": "RESOLVED" },
        })
    );
}

#[tokio::test]
async fn sponsors_and_termination_codes_are_served_as_lists_and_nodes() {
    let desk = Desk::open().await;
    let data = desk.execute("{ sponsors { __typename id vendor vendorId name description } terminationCodes { id status } }").await;
    assert_eq!(data["sponsors"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        data["sponsors"][1],
        json!({
            "__typename": "Sponsor", "id": "firstline:Sponsor:2", "vendor": "FIRSTLINE", "vendorId": "2",
            "name": "好日子購物", "description": "綜合電商客服委外",
        })
    );
    assert_eq!(data["terminationCodes"].as_array().map(Vec::len), Some(10));

    for (status, numbers) in [
        ("PENDING", json!(["1", "2", "3"])),
        ("IN_PROGRESS", json!(["4", "5", "6"])),
        ("RESOLVED", json!(["7", "8"])),
        ("CLOSED", json!(["9", "10"])),
    ] {
        let data = desk
            .execute(&format!(
                "{{ terminationCodes(status: {status}) {{ vendorId status }} }}"
            ))
            .await;
        let codes = data["terminationCodes"]
            .as_array()
            .expect("codes are a list");
        let found: Vec<_> = codes.iter().map(|code| code["vendorId"].clone()).collect();
        assert_eq!(json!(found), numbers, "{status}");
        assert!(
            codes.iter().all(|code| code["status"] == status),
            "{status}"
        );
    }
    let (error, data) = desk
        .execute_failing("{ terminationCodes(status: UNKNOWN) { id } }", Value::Null)
        .await;
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(data, json!({ "terminationCodes": null }));

    let ids = [
        "firstline:Sponsor:2",
        "firstline:TerminationCode:7",
        "firstline:Sponsor:99",
        "firstline:TerminationCode:99",
    ];
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Sponsor { name } ... on TerminationCode { code: name status } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(
        data["nodes"],
        json!([
            { "__typename": "Sponsor", "id": "firstline:Sponsor:2", "name": "好日子購物" },
            { "__typename": "TerminationCode", "id": "firstline:TerminationCode:7", "code": "已說明", "status": "RESOLVED" },
            null, null,
        ])
    );
    // Each list was read once.
    assert_eq!(
        sorted_vendor_requests(&desk),
        [
            "GET /api/v1/sponsor?page=1&per_page=100",
            "GET /api/v1/ticket-termination-code?page=1&per_page=100",
        ]
    );
}

/// A field that an excerpt leaves out comes from the vendor's lists; a field that is null in it stays null.
#[tokio::test]
async fn fields_missing_from_an_excerpt_are_read_from_the_directory() {
    let desk = Desk::open().await;
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 773_200, "sponsor_id": 3, "sponsor": { "id": 3, "name": "晨光家電" }, "termination_code_id": 8,
        "termination_code": { "id": 8, "name": "已完成退款" }, "sub_category_id": null, "sub_category": null,
        "category_id": 5, "category": { "id": 5, "name": "商品諮詢" },
    }));
    let id = json!({ "id": ticket_id(773_200) });
    let names =
        "query($id: ID!) { ticket(id: $id) { sponsor { id name } terminationCode { name } } }";
    desk.data(names, id.clone()).await;
    assert_eq!(vendor_requests(&desk), ["GET /api/v1/ticket/773200"]);

    let query = "query($id: ID!) { ticket(id: $id) { sponsor { name description } terminationCode { name status } category { name description } } }";
    let data = desk.data(query, id).await;
    assert_eq!(
        data["ticket"],
        json!({
            "sponsor": { "name": "晨光家電", "description": "家電售後服務專線" },
            "terminationCode": { "name": "已完成退款", "status": "RESOLVED" },
            "category": { "name": "商品諮詢", "description": "規格、庫存與使用方式" },
        })
    );
}
