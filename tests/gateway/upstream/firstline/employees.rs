//! Employees: excerpts inside records and tickets, and the directory, which together make one person.

use serde_json::{Value, json};

use super::{exact_employee, record_id, ticket_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const WHOLE: &str = "__typename id vendor vendorId name employeeNo email mobile isAdmin isActive photoUrl extension jobTitle
    department groups { id name supervisor { id name } } createdAt updatedAt";

const DIRECTORY: &str = "GET /api/v1/employee?page=1&per_page=100";

async fn desk_with_alice() -> Desk {
    let desk = Desk::open().await;
    desk.sandbox
        .firstline_insert_employee(exact_employee(4, "the supervisor"));
    desk.sandbox
        .firstline_insert_employee(exact_employee(901, "alice chang"));
    desk.sandbox
        .firstline_insert_record(json!({ "id": 995_001, "handler_id": 901 }));
    desk.sandbox.firstline_insert_ticket(
        json!({ "id": 775_001, "handler_id": 901, "created_at": "2024-05-05 10:00:00" }),
    );
    desk
}

/// The employee with the start of the photo's address, whose rest changes with the time.
fn without_token(mut employee: Value) -> Value {
    let url = employee["photoUrl"].as_str().unwrap_or_default();
    assert!(url.starts_with("/photos/"), "{employee}");
    employee["photoUrl"] = json!("/photos/");
    employee
}

fn alice() -> Value {
    json!({
        "__typename": "Employee", "id": "firstline:Employee:901", "vendor": "FIRSTLINE", "vendorId": "901",
        "name": "alice chang", "employeeNo": "alice", "email": "alice@desk.example", "mobile": "0912345678",
        "isAdmin": null, "isActive": true, "photoUrl": "/photos/",
        "extension": "8002", "jobTitle": "Agent", "department": "Service",
        "groups": [{ "id": "firstline:EmployeeGroup:1", "name": "客服小組", "supervisor": {
            "id": "firstline:Employee:4", "name": "the supervisor",
        } }],
        "createdAt": "2019-05-07T12:37:48+08:00", "updatedAt": "2021-01-07T10:28:04+08:00",
    })
}

#[tokio::test]
async fn an_employee_is_the_same_on_every_path_and_in_every_order_of_reads() {
    let ways = [
        (
            "record",
            format!(
                "query($record: ID!) {{ serviceRecord(id: $record) {{ handler {{ {WHOLE} }} }} }}"
            ),
            "/serviceRecord/handler",
        ),
        (
            "ticket",
            format!("query($ticket: ID!) {{ ticket(id: $ticket) {{ handler {{ {WHOLE} }} }} }}"),
            "/ticket/handler",
        ),
        (
            "employee",
            format!("query($employee: ID!) {{ employee(id: $employee) {{ {WHOLE} }} }}"),
            "/employee",
        ),
        (
            "node",
            format!(
                "query($employee: ID!) {{ node(id: $employee) {{ ... on Employee {{ {WHOLE} }} }} }}"
            ),
            "/node",
        ),
        (
            "search",
            format!(
                "{{ employees(filter: {{ vendors: [FIRSTLINE], search: \"alice chang\" }}) {{ nodes {{ {WHOLE} }} }} }}"
            ),
            "/employees/nodes/0",
        ),
    ];
    let variables = json!({ "record": record_id(995_001), "ticket": ticket_id(775_001), "employee": "firstline:Employee:901" });
    for first in 0..ways.len() {
        let desk = desk_with_alice().await;
        let in_order = ways.iter().cycle().skip(first).take(ways.len() + 1);
        for (way, query, place) in in_order {
            let mut data = desk.data(query, variables.clone()).await;
            let employee = data.pointer_mut(place).expect("it is there").take();
            assert_eq!(without_token(employee), alice(), "{way}, from {first} on");
        }
    }
}

#[tokio::test]
async fn fields_of_the_excerpt_need_no_call_and_the_rest_need_one() {
    let desk = desk_with_alice().await;
    let variables = json!({ "id": record_id(995_001) });
    let thin = "query($id: ID!) { serviceRecord(id: $id) { handler { id name employeeNo photoUrl extension groups { id name supervisor { id } } createdAt updatedAt } } }";
    desk.data(thin, variables.clone()).await;
    assert_eq!(
        vendor_requests(&desk),
        ["GET /api/v1/interact-collection/995001"]
    );

    desk.forget_calls();
    let rich = "query($id: ID!) { serviceRecord(id: $id) { handler { email jobTitle department isActive mobile isAdmin groups { supervisor { name email } } } } }";
    desk.data(rich, variables.clone()).await;
    assert_eq!(vendor_requests(&desk), [DIRECTORY]);
}

/// The excerpt and the directory differ here, so that the source of each field is visible.
#[tokio::test]
async fn a_field_comes_from_the_same_response_whatever_else_was_read() {
    let mut copy = exact_employee(901, "name in the copy");
    for field in [
        "email",
        "is_active",
        "role",
        "profile",
        "job_title",
        "department",
    ] {
        copy.as_object_mut()
            .expect("an employee is an object")
            .remove(field);
    }
    let query = "query($id: ID!) { serviceRecord(id: $id) { handler { name email isActive mobile jobTitle department } } }";
    let expected = json!({
        "name": "name in the copy", "email": "alice@desk.example", "isActive": true, "mobile": "0912345678",
        "jobTitle": "Agent", "department": "Service",
    });
    for warm in [false, true] {
        let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", warm)).await;
        desk.sandbox
            .firstline_insert_employee(exact_employee(901, "name in the directory"));
        desk.sandbox.firstline_insert_record(json!({
            "id": 995_002, "handler_id": 901, "handler": copy,
        }));
        for _ in 0..2 {
            let data = desk.data(query, json!({ "id": record_id(995_002) })).await;
            assert_eq!(data["serviceRecord"]["handler"], expected, "{warm}");
            let data = desk
                .data(
                    "query($id: ID!) { employee(id: $id) { name email } }",
                    json!({ "id": "firstline:Employee:901" }),
                )
                .await;
            assert_eq!(
                data["employee"],
                json!({ "name": "name in the directory", "email": "alice@desk.example" })
            );
        }
    }
}

#[tokio::test]
async fn minus_one_and_empty_text_are_null_whatever_the_other_fields_are() {
    let desk = Desk::open().await;
    let mut employee = exact_employee(906, "dora");
    for (name, value) in [
        ("job_title_id", json!(-1)),
        ("department_id", json!("-1")),
        ("extension_id", json!(-1)),
        ("group_id", json!(-1)),
        ("email", json!("")),
        ("role", json!("")),
        ("photo_url", json!("")),
        ("employee_no", json!("")),
        (
            "profile",
            json!({ "phones": [{ "type": 2, "number": "" }] }),
        ),
        ("updated_at", json!("")),
    ] {
        employee[name] = value;
    }
    desk.sandbox.firstline_insert_employee(employee);
    desk.sandbox.firstline_insert_record(
        json!({ "id": 995_003, "handler_id": 906, "contact_id": -1, "sponsor_id": -1, "memo": "" }),
    );
    let expected = json!({
        "__typename": "Employee", "id": "firstline:Employee:906", "vendor": "FIRSTLINE", "vendorId": "906", "name": "dora",
        "employeeNo": null, "email": null, "mobile": null, "isAdmin": null, "isActive": true, "photoUrl": null,
        "extension": null, "jobTitle": null, "department": null, "groups": [],
        "createdAt": "2019-05-07T12:37:48+08:00", "updatedAt": null,
    });

    let record = format!(
        "query($id: ID!) {{ serviceRecord(id: $id) {{ memo contact {{ id }} sponsor {{ id }} handler {{ {WHOLE} }} }} }}"
    );
    let data = desk
        .data(&record, json!({ "id": record_id(995_003) }))
        .await;
    assert_eq!(
        data["serviceRecord"],
        json!({ "memo": null, "contact": null, "sponsor": null, "handler": expected })
    );
    let employee = format!("query($id: ID!) {{ employee(id: $id) {{ {WHOLE} }} }}");
    let data = desk
        .data(&employee, json!({ "id": "firstline:Employee:906" }))
        .await;
    assert_eq!(data["employee"], expected);
}

#[tokio::test]
async fn an_employee_missing_from_the_directory_keeps_the_fields_of_the_excerpt() {
    let desk = Desk::open().await;
    let mut employee = exact_employee(907, "gone");
    employee["listed"] = json!(false);
    desk.sandbox.firstline_insert_employee(employee);
    desk.sandbox
        .firstline_insert_record(json!({ "id": 995_004, "handler_id": 907 }));
    desk.sandbox
        .firstline_insert_record(json!({ "id": 995_005, "handler_id": 907, "handler": null }));

    let record =
        format!("query($id: ID!) {{ serviceRecord(id: $id) {{ handler {{ {WHOLE} }} }} }}");
    let mut data = desk
        .data(&record, json!({ "id": record_id(995_004) }))
        .await;
    let handler = without_token(data["serviceRecord"]["handler"].take());
    let mut expected = alice();
    for (name, value) in [
        ("id", json!("firstline:Employee:907")),
        ("vendorId", json!("907")),
        ("name", json!("gone")),
        ("email", Value::Null),
        ("mobile", Value::Null),
        ("isActive", Value::Null),
        ("jobTitle", Value::Null),
        ("department", Value::Null),
    ] {
        expected[name] = value;
    }
    expected["groups"][0]["supervisor"]["name"] =
        handler["groups"][0]["supervisor"]["name"].clone();
    assert_eq!(handler, expected);

    let data = desk.data("query($id: ID!) { serviceRecord(id: $id) { handler { id name email groups { id } } } }", json!({ "id": record_id(995_005) })).await;
    assert_eq!(
        data["serviceRecord"]["handler"],
        json!({ "id": "firstline:Employee:907", "name": null, "email": null, "groups": null })
    );
    let data = desk.execute("{ employee(id: \"firstline:Employee:907\") { id } node(id: \"firstline:Employee:907\") { id } }").await;
    assert_eq!(data, json!({ "employee": null, "node": null }));
}

#[tokio::test]
async fn a_photo_is_an_address_of_the_gateway_a_public_one_or_null() {
    let desk = Desk::open().await;
    let of_gateway = "/photos/";
    let photos = [
        (json!("/employee/7/photo"), json!(of_gateway)),
        (json!("employee/7/photo"), json!(of_gateway)),
        (
            json!(format!("{}/employee/7/photo", desk.sandbox.firstline_url())),
            json!(of_gateway),
        ),
        (
            json!("https://cdn.example/7.png"),
            json!("https://cdn.example/7.png"),
        ),
        (json!("http://cdn.example/7.png"), Value::Null),
        (json!("https://10.0.0.1/7.png"), Value::Null),
        (json!("javascript:alert(1)"), Value::Null),
        (json!("data:text/html,x"), Value::Null),
        (json!(null), Value::Null),
        (json!(["/x"]), Value::Null),
    ];
    for (index, (photo, expected)) in photos.iter().enumerate() {
        let id = 910 + index as i64;
        let mut employee = exact_employee(id, "p");
        employee["photo_url"] = photo.clone();
        desk.sandbox.firstline_insert_employee(employee);
        desk.sandbox
            .firstline_insert_record(json!({ "id": 995_100 + index as i64, "handler_id": id }));
        let data = desk
            .data(
                "query($id: ID!) { serviceRecord(id: $id) { handler { photoUrl } } }",
                json!({ "id": record_id(995_100 + index as i64) }),
            )
            .await;
        let url = &data["serviceRecord"]["handler"]["photoUrl"];
        match url.as_str().filter(|url| url.starts_with(of_gateway)) {
            Some(_) => assert_eq!(*expected, json!(of_gateway), "{photo}"),
            None => assert_eq!(url, expected, "{photo}"),
        }
    }
}

#[tokio::test]
async fn a_mobile_phone_takes_precedence_over_other_phones() {
    let desk = Desk::open().await;
    let phone = |kind: Value, number: Value| json!({ "id": 1, "type": kind, "number": number });
    let phones = [
        (
            json!([
                phone(json!(0), json!("0211")),
                phone(json!(2), json!("0911"))
            ]),
            json!("0911"),
        ),
        (
            json!([
                phone(json!(0), json!("0211")),
                phone(json!("2"), json!("0911"))
            ]),
            json!("0911"),
        ),
        (
            json!([phone(json!(0), json!("0211")), phone(json!(2), Value::Null)]),
            json!("0211"),
        ),
        (json!([]), Value::Null),
        (Value::Null, Value::Null),
    ];
    for (index, (phones, _)) in phones.iter().enumerate() {
        let mut employee = exact_employee(930 + index as i64, "p");
        employee["profile"] = json!({ "id": 1, "phones": phones });
        desk.sandbox.firstline_insert_employee(employee);
    }
    let ids: Vec<_> = (0..phones.len())
        .map(|index| format!("firstline:Employee:{}", 930 + index))
        .collect();
    let data = desk
        .data(
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Employee { mobile } } }",
            json!({ "ids": ids }),
        )
        .await;
    let expected: Vec<_> = phones
        .iter()
        .map(|(_, mobile)| json!({ "mobile": mobile }))
        .collect();
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn the_directory_is_listed_by_number_and_searched_by_the_vendor() {
    let desk = Desk::open().await;
    let query = "query($first: Int, $after: String, $filter: EmployeeFilter) { employees(first: $first, after: $after, filter: $filter) {
        totalCount nodes { id } pageInfo { hasNextPage endCursor } } }";
    let filter = json!({ "vendors": ["FIRSTLINE"] });
    let first = desk
        .data(query, json!({ "first": 3, "filter": filter }))
        .await;
    let ids = |data: &Value| {
        json!(
            data["employees"]["nodes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|node| node["id"].clone())
                .collect::<Vec<_>>()
        )
    };
    assert_eq!(
        ids(&first),
        json!([
            "firstline:Employee:1",
            "firstline:Employee:2",
            "firstline:Employee:3"
        ])
    );
    assert_eq!(first["employees"]["totalCount"], 40);
    let after = &first["employees"]["pageInfo"]["endCursor"];
    let second = desk
        .data(
            query,
            json!({ "first": 100, "after": after, "filter": filter }),
        )
        .await;
    assert_eq!(
        second["employees"]["nodes"].as_array().map(Vec::len),
        Some(37)
    );
    assert_eq!(
        second["employees"]["nodes"][0]["id"],
        "firstline:Employee:4"
    );
    assert_eq!(second["employees"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(vendor_requests(&desk), [DIRECTORY]);

    desk.forget_calls();
    desk.sandbox
        .firstline_insert_employee(exact_employee(940, "Sought One"));
    let data = desk
        .data(
            query,
            json!({ "filter": { "vendors": ["FIRSTLINE"], "search": "sought one" } }),
        )
        .await;
    assert_eq!(ids(&data), json!(["firstline:Employee:940"]));
    assert_eq!(data["employees"]["totalCount"], 1);
    assert_eq!(
        vendor_requests(&desk),
        ["GET /api/v1/employee?search=sought one&page=1&per_page=100"]
    );
}
