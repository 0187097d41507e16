//! graphql-js gives the same verdict, in the same words, on thousands of valid and invalid documents.
//!
//! A longer run: `DOCUMENTS=100000 DOCUMENTS_SEED=7 cargo test --release --test external documents`.

use std::env;

use deskgraph::{engine, schema};
use serde_json::{Value, json};

use crate::{harness::Desk, node};

const SEED: &str = "20240301";
const COUNT: &str = "6000";

/// The gateway returns at most this many errors, graphql-js more.
const MAX_ERRORS: usize = 10;

/// graphql-js compares each pair of fields, and knows no scalar that the schema does not use.
const MAY_DIFFER: [&str; 2] = ["Fields \"", "Unknown type "];

/// Each rule of graphql-js then takes another one of the two fragments.
const TWO_OF_ONE_NAME: &str = "There can be only one fragment named ";

/// graphql-js parses type definitions before it rejects them.
const NOT_EXECUTABLE: &str = "definition is not executable.";

#[tokio::test]
async fn graphql_js_gives_the_same_verdict_on_every_document() {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let seed = setting("DOCUMENTS_SEED", SEED);
    let count = setting("DOCUMENTS", COUNT);
    let schema_file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let printed = node::run("documents.mjs", &[schema_file, &seed, &count]).await;

    let errors_of = engine::validator(&schema::sdl()).expect("the schema can be read");
    let mut seen = [0; 3];
    let mut differences = Vec::new();
    for line in printed.lines() {
        let verdict: Value = serde_json::from_str(line).expect("a verdict is JSON");
        let document = verdict["document"].as_str().expect("a document");
        let errors = serde_json::to_value(errors_of(document)).expect("errors are JSON");
        let errors = errors.as_array().expect("a list");
        match verdict["phase"].as_str() {
            Some("valid") => seen[0] += 1,
            Some("validate") => seen[1] += 1,
            _ => seen[2] += 1,
        }
        if let Some(difference) = difference(&verdict, errors) {
            differences.push(format!(
                "{document}\n  graphql-js: {verdict}\n  gateway: {}\n  {difference}",
                json!(errors)
            ));
        }
    }

    assert!(seen.iter().all(|count| *count > 500), "{seen:?}");
    assert!(
        differences.is_empty(),
        "{} of {seen:?} differ, such as:\n{}",
        differences.len(),
        differences[..differences.len().min(5)].join("\n")
    );
}

/// The library returns null for an interface.
#[tokio::test]
async fn the_interfaces_of_an_interface_are_a_list() {
    let desk = Desk::open().await;

    for (query, expected) in [
        (
            r#"{ __type(name: "Node") { interfaces { name } } }"#,
            json!({ "__type": { "interfaces": [] } }),
        ),
        (
            r#"{ __type(name: "Node") { kind a: interfaces { name } ...T b: interfaces @skip(if: true) { name } } }
               fragment T on __Type { ... { interfaces { kind } name } }"#,
            json!({ "__type": { "kind": "INTERFACE", "a": [], "interfaces": [], "name": "Node" } }),
        ),
        (
            r#"{ __type(name: "Ticket") { interfaces { name interfaces { name } } } }"#,
            json!({ "__type": { "interfaces": [{ "name": "Node", "interfaces": [] }] } }),
        ),
        (
            r#"{ __type(name: "DateTime") { interfaces { name } ofType { interfaces { name } } } }"#,
            json!({ "__type": { "interfaces": null, "ofType": null } }),
        ),
    ] {
        let data = desk.execute(query).await;
        assert_eq!(data.to_string(), expected.to_string(), "{query}");
    }
}

fn difference(verdict: &Value, errors: &[Value]) -> Option<&'static str> {
    let is_valid = verdict["phase"] == "valid";
    let (Some(first), false) = (errors.first(), is_valid) else {
        return (is_valid != errors.is_empty()).then_some("one takes it, the other does not");
    };
    if message(first).ends_with(NOT_EXECUTABLE) {
        return None;
    }
    let is_unparsable = first["extensions"]["code"] == "GRAPHQL_PARSE_FAILED";
    if is_unparsable != (verdict["phase"] == "parse") {
        return Some("one parses it, the other does not");
    }

    let theirs: Vec<&str> = verdict["messages"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if is_unparsable {
        let is_same =
            is_shown(theirs[0], message(first)) && verdict["locations"][0] == first["locations"];
        return (!is_same).then_some("the syntax errors differ");
    }
    let is_cut = theirs.len() >= MAX_ERRORS || errors.len() >= MAX_ERRORS;
    let may_differ = |message: &str| MAY_DIFFER.iter().any(|start| message.starts_with(start));
    if is_cut
        || theirs
            .iter()
            .any(|message| message.starts_with(TWO_OF_ONE_NAME))
    {
        return None;
    }
    let ours: Vec<&str> = errors.iter().map(message).collect();
    if ours
        .iter()
        .any(|ours| !may_differ(ours) && !theirs.iter().any(|theirs| is_shown(theirs, ours)))
    {
        return Some("graphql-js has no such error");
    }
    let is_lacking = theirs
        .iter()
        .any(|theirs| !may_differ(theirs) && !ours.iter().any(|ours| is_shown(theirs, ours)));
    is_lacking.then_some("the gateway lacks an error")
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_default()
}

/// The gateway cuts long messages.
fn is_shown(theirs: &str, ours: &str) -> bool {
    match ours.strip_suffix('…') {
        Some(start) => theirs.starts_with(start),
        None => theirs == ours,
    }
}
