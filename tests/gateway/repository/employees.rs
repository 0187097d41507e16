//! The employees of both vendors as one list.

use deskgraph::sandbox::{Fault, FaultRule, ListOrder};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const LIST: &str = "totalCount nodes { id vendor vendorId name } pageInfo { hasNextPage hasPreviousPage endCursor }
    sources { vendor state totalCount error { code } }";

async fn page(desk: &Desk, first: usize, after: &Value, filter: Value) -> Value {
    let query = format!(
        "query($first: Int, $after: String, $filter: EmployeeFilter) {{ employees(first: $first, after: $after, filter: $filter) {{ {LIST} }} }}"
    );
    let variables = json!({ "first": first, "after": after, "filter": filter });
    desk.data(&query, variables).await["employees"].take()
}

async fn all(desk: &Desk, first: usize) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = page(desk, first, &after, Value::Null).await;
        seen.extend(page["nodes"].as_array().cloned().unwrap_or_default());
        if page["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test]
async fn employees_are_sorted_by_vendor_and_number_whatever_the_vendors_order_and_page_size() {
    for (order, cap) in [
        (ListOrder::IdDescending, 500),
        (ListOrder::IdAscending, 7),
        (ListOrder::TimeDescending, 13),
    ] {
        let desk = Desk::open().await;
        desk.sandbox.bangwo8().change_switches(|switches| {
            switches.agent_order = order;
            switches.per_page_cap = cap;
        });
        desk.sandbox.firstline().change_switches(|switches| {
            switches.employee_order = order;
            switches.per_page_cap = cap;
        });
        let seen = all(&desk, 9).await;
        let key = |node: &Value| {
            let number: i64 = node["vendorId"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("it is a number");
            (node["vendor"] != "FIRSTLINE", number)
        };
        assert!(
            seen.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])),
            "{order:?} {cap}"
        );
        let agents = seen
            .iter()
            .filter(|node| node["vendor"] == "BANGWO8")
            .count();
        assert_eq!(agents, 40, "{order:?} {cap}");
        let whole = page(&desk, 100, &Value::Null, Value::Null).await;
        assert_eq!(whole["totalCount"], seen.len());
        assert_eq!(whole["nodes"].as_array(), Some(&seen));
    }
}

#[tokio::test]
async fn vendors_and_a_search_text_narrow_the_employees() {
    let desk = Desk::open().await;
    let agents = page(&desk, 100, &Value::Null, json!({ "vendors": ["BANGWO8"] })).await;
    assert_eq!(agents["totalCount"], 40);
    assert_eq!(agents["sources"][0]["state"], "SKIPPED");
    let none = page(&desk, 100, &Value::Null, json!({ "vendors": [] })).await;
    assert_eq!(
        (&none["totalCount"], &none["nodes"]),
        (&json!(0), &json!([]))
    );

    let named = page(
        &desk,
        100,
        &Value::Null,
        json!({ "vendors": ["BANGWO8"], "search": "张伟" }),
    )
    .await;
    let ids: Vec<&Value> = named["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|node| &node["id"])
        .collect();
    assert_eq!(ids, ["bangwo8:Employee:207", "bangwo8:Employee:232"]);
    assert_eq!(named["totalCount"], Value::Null, "the gateway filtered");
    let by_number = page(
        &desk,
        100,
        &Value::Null,
        json!({ "vendors": ["BANGWO8"], "search": "0007" }),
    )
    .await;
    assert_eq!(by_number["nodes"][0]["id"], "bangwo8:Employee:207");
    let unmatched = page(
        &desk,
        100,
        &Value::Null,
        json!({ "search": "no such employee" }),
    )
    .await;
    assert_eq!(
        (&unmatched["totalCount"], &unmatched["nodes"]),
        (&json!(0), &json!([]))
    );
    let blank = page(&desk, 100, &Value::Null, json!({ "search": "" })).await;
    assert!(blank["totalCount"].as_u64().is_some_and(|total| total > 40));

    let after = &page(
        &desk,
        1,
        &Value::Null,
        json!({ "search": "张伟", "vendors": ["BANGWO8"] }),
    )
    .await["pageInfo"]["endCursor"];
    let next = page(
        &desk,
        5,
        after,
        json!({ "search": "张伟", "vendors": ["BANGWO8"] }),
    )
    .await;
    assert_eq!(next["nodes"][0]["id"], "bangwo8:Employee:232");
    assert_eq!(next["pageInfo"]["hasNextPage"], false);
    assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
}

#[tokio::test]
async fn an_agent_lacks_the_fields_bangwo8_lacks_and_never_has_a_password() {
    let desk = Desk::open().await;
    desk.sandbox.bangwo8_insert_agent(json!({
        "sId": 900, "name": "王小明", "sNum": "E-900", "email": "", "mobile": "13912345678", "isAdmin": "1", "isStat": "0",
        "groupId": "11, 12,", "createDT": "2017-8-27 10:32:12", "password": "hidden-word",
        "gnder": "1", "fixnumber": "010-66666666", "custom_fields": [{ "key": "field_1", "value": "x" }, { "key": "field_2", "value": "" }],
    }));
    let query = "{ employee(id: \"bangwo8:Employee:900\") { id vendor vendorId name employeeNo email mobile isAdmin isActive
        firstName lastName gender phone customFields { key values } photoUrl extension jobTitle department groups { id name supervisor { id } } createdAt updatedAt } }";
    let data = desk.execute(query).await;
    assert_eq!(
        data["employee"],
        json!({
            "id": "bangwo8:Employee:900", "vendor": "BANGWO8", "vendorId": "900", "name": "王小明", "employeeNo": "E-900",
            "email": null, "mobile": "13912345678", "isAdmin": true, "isActive": false, "photoUrl": null,
            "firstName": null, "lastName": null, "gender": "FEMALE", "phone": "010-66666666",
            "customFields": [{ "key": "field_1", "values": ["x"] }, { "key": "field_2", "values": [] }],
            "extension": null, "jobTitle": null, "department": null,
            "groups": [
                { "id": "bangwo8:EmployeeGroup:11", "name": null, "supervisor": null },
                { "id": "bangwo8:EmployeeGroup:12", "name": null, "supervisor": null },
            ],
            "createdAt": "2017-08-27T10:32:12+08:00", "updatedAt": null,
        })
    );
}

#[tokio::test]
async fn an_agents_gender_is_known_by_its_code() {
    let desk = Desk::open().await;
    let codes = [
        json!(1),
        json!("2"),
        json!("3"),
        json!(0),
        json!(""),
        Value::Null,
    ];
    let agents = codes.iter().zip(901..);
    for (code, id) in agents {
        desk.sandbox
            .bangwo8_insert_agent(json!({ "sId": id, "gnder": code }));
    }
    let ids: Vec<_> = (901..907)
        .map(|id| format!("bangwo8:Employee:{id}"))
        .collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Employee { gender } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    let genders = data["nodes"].as_array().into_iter().flatten();
    let genders = genders.map(|node| node["gender"].clone());
    let expected = ["FEMALE", "MALE", "UNKNOWN", "UNKNOWN"].map(Value::from);
    let expected = [expected.to_vec(), vec![Value::Null; 2]].concat();
    assert_eq!(genders.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_search_finds_employees_of_both_vendors_by_their_e_mail_address() {
    let keys = json!([
        { "name": "fuller", "key": "key-of-the-fuller-01", "scopes": ["read", "pii"] },
        { "name": "reader", "key": "key-of-the-reader-01", "scopes": ["read"] },
    ]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    let desk = Desk::open_with(options).await;
    desk.sandbox.firstline_insert_employee(json!({
        "id": 980, "name": "Mail Only", "employee_no": "m1", "email": "Sought.One@desk.example",
    }));
    desk.sandbox.firstline_insert_employee(json!({
        "id": 981, "name": "sought.one by name", "employee_no": "m2", "email": null,
    }));
    desk.sandbox.bangwo8_insert_agent(json!({
        "sId": 982, "name": "客服", "email": "sought.one@bangwo8.example",
    }));
    let search = async |key: &str, search: &str| {
        let query = "query($search: String) { employees(filter: { search: $search }) { totalCount nodes { id } sources { totalCount } } }";
        let request = desk.client().post(desk.url("/graphql")).bearer_auth(key);
        let request = request.json(&json!({ "query": query, "variables": { "search": search } }));
        let response = request.send().await.expect("the gateway responds");
        let mut answer: Value = response.json().await.expect("the response is JSON");
        answer["data"]["employees"].take()
    };
    let ids = |list: &Value| -> Vec<String> {
        let nodes = list["nodes"].as_array().into_iter().flatten();
        nodes
            .filter_map(|node| node["id"].as_str().map(str::to_owned))
            .collect()
    };
    for key in ["key-of-the-fuller-01", "key-of-the-reader-01"] {
        let found = search(key, "sought.ONE").await;
        let expected = [
            "firstline:Employee:980",
            "firstline:Employee:981",
            "bangwo8:Employee:982",
        ];
        assert_eq!(ids(&found), expected, "{key}");
        // The gateway found some of them.
        assert_eq!(found["totalCount"], Value::Null, "{key}");

        let found = search(key, "sought.one@desk.example").await;
        assert_eq!(ids(&found), ["firstline:Employee:980"], "{key}");
        assert_eq!(found["sources"][1]["totalCount"], 0, "{key}");

        let none = search(key, "nobody@nowhere.example").await;
        assert_eq!(none["totalCount"], 0, "{key}");
    }
    // What the vendor alone finds, it counts.
    let found = search("key-of-the-fuller-01", "mail only").await;
    assert_eq!(found["sources"][0]["totalCount"], 1);
}

#[tokio::test]
async fn a_rejection_or_outage_of_one_vendor_leaves_the_other_employees() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    desk.sandbox
        .bangwo8()
        .change_switches(|switches| switches.supports_are_forbidden = true);
    let list = page(&desk, 100, &Value::Null, Value::Null).await;
    assert_eq!(list["sources"][1]["state"], "FAILED");
    assert_eq!(list["sources"][1]["error"]["code"], "FORBIDDEN");
    assert_eq!(list["totalCount"], Value::Null);
    assert!(
        list["nodes"]
            .as_array()
            .is_some_and(|nodes| !nodes.is_empty())
    );

    let query = "{ employees(filter: { vendors: [BANGWO8] }) { totalCount } }";
    let (error, data) = desk.execute_failing(query, json!({})).await;
    assert_eq!(data, json!({ "employees": null }));
    assert_eq!(error["extensions"]["code"], "UPSTREAM_REJECTED");
    assert_eq!(error["extensions"]["vendorCode"], "FORBIDDEN");

    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", 0)).await;
    let outage = FaultRule::new("/employee", Fault::HtmlError { code: 503 });
    desk.sandbox.firstline().add_fault(outage);
    let list = page(&desk, 100, &Value::Null, Value::Null).await;
    assert_eq!(list["sources"][0]["state"], "FAILED");
    assert_eq!(list["sources"][1]["totalCount"], 40);
    assert_eq!(list["nodes"].as_array().map(Vec::len), Some(40));
}
