//! The custom fields of a record: the same by id, in a list and after an update, and cleared one by one.

use deskgraph::sandbox::CustomFieldPlaces;
use serde_json::{Value, json};

use super::{record_id, vendor_requests};
use crate::harness::{Desk, DeskOptions};

const AT: &str = "2024-03-01T12:23:25+08:00";
const UPDATE: &str =
    "mutation($input: UpdateServiceRecordInput!) { updateServiceRecord(input: $input) {
    serviceRecord { updatedAt customFields { key values } } userErrors { code message field } } }";

async fn desk(places: CustomFieldPlaces, cache: &str) -> Desk {
    let desk = Desk::open_with(DeskOptions::default().set("CACHE__ENABLED", cache)).await;
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.custom_field_places = places);
    desk
}

fn insert(desk: &Desk) -> i64 {
    desk.sandbox.firstline_insert_record(json!({
        "created_at": "2024-03-01 12:23:25", "updated_at": "2024-03-02 08:00:00",
        "cz_cols": [{ "id": 4, "value": "old" }, { "id": 18, "value": ["A", "B"] }, { "id": 9, "value": null }],
    }))
}

/// By id, in a list, and by id again.
async fn read_everywhere(desk: &Desk, id: i64) -> [Value; 3] {
    let by_id =
        "query($id: ID!) { serviceRecord(id: $id) { updatedAt customFields { key values } } }";
    let listed = format!(
        "{{ serviceRecords(filter: {{ vendors: [FIRSTLINE], from: \"{AT}\", to: \"{AT}\" }}) {{
            nodes {{ id updatedAt customFields {{ key values }} }} }} }}"
    );
    let variables = json!({ "id": record_id(id) });
    let first = desk.data(by_id, variables.clone()).await["serviceRecord"].take();
    let mut in_list = desk.execute(&listed).await["serviceRecords"]["nodes"][0].take();
    in_list
        .as_object_mut()
        .expect("the list has the record")
        .remove("id");
    let again = desk.data(by_id, variables).await["serviceRecord"].take();
    [first, in_list, again]
}

async fn update(desk: &Desk, id: i64, fields: Value) -> Value {
    let input = json!({ "id": record_id(id), "customFields": fields });
    let mut payload =
        desk.data(UPDATE, json!({ "input": input })).await["updateServiceRecord"].take();
    assert_eq!(payload["userErrors"], json!([]));
    payload["serviceRecord"].take()
}

#[tokio::test]
async fn custom_fields_are_the_same_by_id_and_in_a_list_in_either_order() {
    let expected = json!({
        "updatedAt": "2024-03-02T08:00:00+08:00",
        "customFields": [{ "key": "4", "values": ["old"] }, { "key": "18", "values": ["A", "B"] }, { "key": "9", "values": [] }],
    });
    for cache in ["true", "false"] {
        for places in [
            CustomFieldPlaces::SingleRecords,
            CustomFieldPlaces::Everywhere,
        ] {
            let desk = desk(places, cache).await;
            let id = insert(&desk);
            for read in read_everywhere(&desk, id).await {
                assert_eq!(read, expected, "{places:?} {cache}");
            }
        }
    }

    // The list is read first, and what it lacks is found by id.
    let desk = desk(CustomFieldPlaces::SingleRecords, "true").await;
    insert(&desk);
    let listed = format!(
        "{{ serviceRecords(filter: {{ vendors: [FIRSTLINE], from: \"{AT}\", to: \"{AT}\" }}) {{ nodes {{ customFields {{ key values }} }} }} }}"
    );
    let data = desk.execute(&listed).await;
    let fields = &data["serviceRecords"]["nodes"][0]["customFields"];
    assert_eq!(*fields, expected["customFields"]);
    assert_eq!(vendor_requests(&desk).len(), 2);
}

#[tokio::test]
async fn a_list_with_custom_fields_needs_no_call_for_each_record() {
    let desk = desk(CustomFieldPlaces::Everywhere, "true").await;
    insert(&desk);
    insert(&desk);
    let listed = format!(
        "{{ serviceRecords(filter: {{ vendors: [FIRSTLINE], from: \"{AT}\", to: \"{AT}\" }}) {{ nodes {{ updatedAt customFields {{ key }} }} }} }}"
    );
    desk.execute(&listed).await;
    assert_eq!(
        vendor_requests(&desk).len(),
        1,
        "{:?}",
        vendor_requests(&desk)
    );
}

#[tokio::test]
async fn a_single_value_is_cleared_and_every_read_shows_it_empty() {
    let cleared = |fields: &Value| {
        let fields = fields["customFields"].as_array().expect("they are told");
        let value = |key: &str| fields.iter().find(|field| field["key"] == key);
        assert_eq!(value("4").expect("it is told")["values"], json!([]));
        assert_eq!(
            value("18").expect("it is told")["values"],
            json!(["A", "B"])
        );
    };
    for cache in ["true", "false"] {
        for places in [
            CustomFieldPlaces::Updates,
            CustomFieldPlaces::SingleRecords,
            CustomFieldPlaces::Everywhere,
        ] {
            let desk = desk(places, cache).await;
            let id = insert(&desk);
            let fields = json!([{ "key": "4", "value": null }]);
            let updated = update(&desk, id, fields).await;
            cleared(&updated);
            for read in read_everywhere(&desk, id).await {
                cleared(&read);
            }
        }
    }
}

#[tokio::test]
async fn what_clears_a_value_is_a_setting() {
    for (setting, sent) in [("empty_text", json!("")), ("null", Value::Null)] {
        let options = DeskOptions::default().set("FIRSTLINE__CLEARED_VALUE", setting);
        let desk = Desk::open_with(options).await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.custom_fields_take_null = true);
        let id = insert(&desk);
        let updated = update(
            &desk,
            id,
            json!([{ "key": "4", "value": null }, { "key": "18", "values": null }]),
        )
        .await;
        assert_eq!(
            updated["customFields"][0],
            json!({ "key": "4", "values": [] })
        );

        let requests = desk.sandbox.firstline().requests();
        let write = requests.iter().find(|request| request.method == "PUT");
        let body = &write.expect("the update is sent").body;
        let expected =
            json!({ "cz_cols": [{ "id": 4, "value": sent }, { "id": 18, "value": [] }] });
        assert_eq!(*body, expected);
    }
}

#[tokio::test]
async fn fields_that_only_updates_show_are_kept_for_later_reads() {
    let desk = desk(CustomFieldPlaces::Updates, "true").await;
    let id = insert(&desk);
    let [before, ..] = read_everywhere(&desk, id).await;
    assert_eq!(before, json!({ "updatedAt": null, "customFields": null }));

    let first = update(&desk, id, json!([{ "key": "4", "value": "new" }])).await;
    assert!(first["updatedAt"].is_string());
    for read in read_everywhere(&desk, id).await {
        assert_eq!(read["customFields"], first["customFields"]);
    }
    let second = update(&desk, id, json!([{ "key": "18", "values": ["C"] }])).await;
    let values = |fields: &Value| fields["customFields"].clone();
    assert_eq!(values(&second)[0], json!({ "key": "4", "values": ["new"] }));
    assert_eq!(values(&second)[1], json!({ "key": "18", "values": ["C"] }));
    for read in read_everywhere(&desk, id).await {
        assert_eq!(values(&read), values(&second));
    }
}
