//! Every example query runs over the sandbox vendors without errors and returns data.

use std::{collections::BTreeMap, fs, path::Path};

use deskgraph::sandbox::SandboxOptions;
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

/// A Tuesday, 15:30 in Taipei and Shanghai.
const NOW: &str = "2026-03-10T07:30:00Z";

struct Example {
    name: String,
    query: String,
    /// The JSON after `# variables:` in the file, with placeholders for values that only the vendors know.
    variables: String,
}

fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/queries");
    let mut examples: Vec<Example> = fs::read_dir(folder)
        .expect("the examples have a folder")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().expect("a file has a name");
            let query = fs::read_to_string(&path).expect("an example is text");
            let variables = query
                .lines()
                .find_map(|line| line.strip_prefix("# variables: "))
                .unwrap_or("{}")
                .to_owned();
            Example {
                name: name.to_string_lossy().into_owned(),
                query,
                variables,
            }
        })
        .collect();
    examples.sort_by(|one, other| one.name.cmp(&other.name));
    examples
}

async fn open() -> Desk {
    Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            now: Some(NOW.parse().expect("the constant is a timestamp")),
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await
}

fn items(list: &Value) -> &[Value] {
    list.as_array().expect("this is a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("this is text").to_owned()
}

#[track_caller]
fn first(nodes: &Value, is_wanted: impl Fn(&Value) -> bool) -> &Value {
    let found = items(nodes).iter().find(|node| is_wanted(node));
    found.expect("the sandbox has one")
}

/// The values of the placeholders, taken from the vendors' data.
async fn values(desk: &Desk) -> BTreeMap<&'static str, String> {
    let found = desk
        .execute(
            r#"{
            firstline: serviceRecords(first: 100, filter: { vendors: [FIRSTLINE] }) {
                nodes { id endedAt wrapUpCompletedAt handler { id } }
            }
            today: serviceRecords(first: 100, filter: { vendors: [FIRSTLINE], from: "2026-03-10T00:00:00+08:00" }) {
                nodes { handler { id } }
            }
            bangwo8: serviceRecords(first: 100, filter: { vendors: [BANGWO8] }) {
                nodes { id payment { price { amount } } remoteSession { hasChat } }
            }
            tickets(first: 100) { nodes { id subject status dueAt serviceRecords { contact { id } } } }
            categories { nodes { id } }
        }"#,
        )
        .await;

    let record = first(&found["firstline"]["nodes"], |record| {
        record["wrapUpCompletedAt"].is_null() && !record["endedAt"].is_null()
    });
    let employee = first(&found["today"]["nodes"], |record| {
        record["handler"].is_object()
    });
    let session = first(&found["bangwo8"]["nodes"], |record| {
        record["remoteSession"]["hasChat"] == true && record["payment"]["price"].is_object()
    });
    let ticket = first(&found["tickets"]["nodes"], |ticket| {
        ticket["status"] == "PENDING" && !ticket["dueAt"].is_null()
    });
    let customers_ticket = first(&found["tickets"]["nodes"], |ticket| {
        ticket["serviceRecords"][0]["contact"]["id"].is_string()
    });
    let subject = text(&ticket["subject"]);

    BTreeMap::from([
        ("$FIRSTLINE_RECORD", text(&record["id"])),
        // The vendor returns a custom field only after it was set.
        ("$CUSTOM_FIELD", "3".to_owned()),
        ("$FIRSTLINE_EMPLOYEE", text(&employee["handler"]["id"])),
        ("$BANGWO8_RECORD", text(&session["id"])),
        ("$TICKET", text(&ticket["id"])),
        ("$CATEGORY", text(&found["categories"]["nodes"][0]["id"])),
        (
            "$CONTACT",
            text(&customers_ticket["serviceRecords"][0]["contact"]["id"]),
        ),
        ("$SEARCH", subject),
        ("$TODAY", "2026-03-10".to_owned()),
        ("$WEEK_AGO", "2026-03-04".to_owned()),
        ("$DAY_START", "2026-03-10T00:00:00+08:00".to_owned()),
        ("$DAY_END", "2026-03-10T23:59:59+08:00".to_owned()),
        ("$WEEK_START", "2026-03-04T00:00:00+08:00".to_owned()),
        ("$NEXT_WEEK", "2026-03-17T18:00:00+08:00".to_owned()),
    ])
}

/// The variables with every placeholder replaced; an unknown placeholder is an error.
fn filled(variables: Value, values: &BTreeMap<&'static str, String>) -> Value {
    match variables {
        Value::String(text) if text.starts_with('$') => {
            let value = values.get(text.as_str());
            json!(value.unwrap_or_else(|| panic!("the placeholder {text} has no value")))
        }
        Value::Array(items) => items.into_iter().map(|item| filled(item, values)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, filled(value, values)))
            .collect(),
        other => other,
    }
}

/// Whether a root field has data: a list has an item, and a mutation was not rejected.
fn has_data(field: &Value) -> bool {
    match field {
        Value::Null => false,
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| !item.is_null()),
        Value::Object(fields) => {
            let is_full = |name| {
                fields
                    .get(name)
                    .and_then(Value::as_array)
                    .is_none_or(|list| !list.is_empty())
            };
            let is_accepted = fields.get("userErrors").is_none_or(|errors| {
                items(errors).is_empty() && fields.values().all(|value| !value.is_null())
            });
            is_full("nodes") && is_full("edges") && is_accepted
        }
        _ => true,
    }
}

#[tokio::test]
async fn every_example_query_runs_without_errors() {
    let desk = open().await;
    let values = values(&desk).await;
    let examples = examples();
    assert!(examples.len() >= 12, "only {}", examples.len());

    for example in examples {
        let name = &example.name;
        let written = serde_json::from_str(&example.variables).expect("the variables are JSON");
        let answer = desk.answer(&example.query, filled(written, &values)).await;

        assert_eq!(answer.get("errors"), None, "{name}");
        let fields = answer["data"].as_object().expect("there is data");
        for (field, value) in fields {
            assert!(has_data(value), "{name}: {field} is {value}");
        }
        for sources in fields
            .values()
            .filter_map(|field| field["sources"].as_array())
        {
            let has_failed = |source: &Value| source["state"] == "FAILED";
            assert!(!sources.iter().any(has_failed), "{name}: {sources:?}");
        }
    }
}

#[tokio::test]
async fn every_example_returns_the_data_it_describes() {
    let desk = open().await;
    let values = values(&desk).await;
    let send_query = async |start: &str| {
        let example = examples()
            .into_iter()
            .find(|example| example.name.starts_with(start))
            .expect("there is such an example");
        let written = serde_json::from_str(&example.variables).expect("the variables are JSON");
        desk.data(&example.query, filled(written, &values)).await
    };

    let day = send_query("07").await;
    assert!(!items(&day["employee"]["serviceRecords"]["nodes"]).is_empty());

    let history = send_query("08").await;
    assert!(!items(&history["tickets"]["nodes"]).is_empty());

    let week = send_query("10").await;
    assert_eq!(items(&week["serviceRecordStats"]["daily"]).len(), 14);
    assert!(week["serviceRecordStats"]["total"].as_u64() > Some(0));

    let one = send_query("14").await["createTicket"]["ticket"]["id"].clone();
    let again = send_query("14").await["createTicket"]["ticket"]["id"].clone();
    assert_eq!(one, again, "one key makes one ticket");

    let updated = &send_query("15").await["updateTicket"]["ticket"];
    assert_eq!(updated["status"], "IN_PROGRESS");
    assert_eq!(updated["dueAt"], Value::Null);

    let record = &send_query("16").await["updateServiceRecord"]["serviceRecord"];
    assert_eq!(record["memo"], "Will call back on Monday");

    let unfinished = send_query("18").await;
    let is_completed = |record: &Value| record["status"] == "COMPLETED";
    let records = items(&unfinished["serviceRecords"]["nodes"]);
    assert!(!records.iter().any(is_completed), "{records:?}");
}
