//! Personal data: a caller without the scope sees its last character at most, on every path through the schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::harness::{Desk, DeskOptions};

const WITH_PII: &str = "fuller-key-of-a-test";
const OTHER: &str = "other-key-of-a-test";

async fn desk() -> Desk {
    let keys = json!([
        { "name": "fuller", "key": WITH_PII, "scopes": ["read", "write", "pii"] },
        { "name": "other", "key": OTHER, "scopes": ["read", "write"] },
    ]);
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys)
        // Both callers read from one cache, and one request has every path.
        .set("CACHE__LIST_TTL_MS", 3_600_000)
        .set("LIMITS__MAX_DEPTH", 30)
        .set("LIMITS__MAX_COMPLEXITY", 10_000_000)
        .set("LIMITS__MAX_ALIASES", 1_000)
        .set("LIMITS__MAX_TOKENS", 100_000);
    let desk = Desk::open_with(options).await;

    for id in 1..=60 {
        let group = id % 5 + 1;
        desk.sandbox.firstline_insert_employee(json!({
            "id": id,
            "profile": { "id": id, "phones": [
                { "type": 2, "number": format!("0911{:06}", id * 7919) }, { "type": 1, "number": format!("0223{:06}", id * 6007) },
            ] },
            "group_id": group,
            "group": { "id": group, "name": "Desk", "description": null, "supervisor_id": group },
        }));
    }
    desk
}

async fn send_query(desk: &Desk, key: &str, query: &str, variables: &Value) -> Value {
    let request = desk.client().post(desk.url("/graphql")).bearer_auth(key);
    let response = request
        .json(&json!({ "query": query, "variables": variables }))
        .send()
        .await
        .expect("the gateway responds");
    let answer: Value = response.json().await.expect("the response is JSON");
    assert_eq!(answer.get("errors"), None, "for {query}");
    answer["data"].clone()
}

/// The object types of the schema, from introspection.
struct Types(BTreeMap<String, BTreeMap<String, Field>>);

struct Field {
    is_personal: bool,
    arguments: BTreeSet<String>,
    /// The names of the object types that it refers to.
    to: Vec<String>,
}

/// The suffix of the key of a page.
const PAGE: &str = "Page";

impl Types {
    async fn of(desk: &Desk) -> Self {
        let query = "{ __schema { types { name possibleTypes { name } fields { name description args { name }
            type { name ofType { name ofType { name ofType { name } } } } } } } }";
        let data = send_query(desk, WITH_PII, query, &json!({})).await;
        let types = data["__schema"]["types"].as_array().expect("it has types");

        let possible = |name: &str| -> Vec<String> {
            let found = types.iter().find(|found| found["name"] == name);
            let possible = found.and_then(|found| found["possibleTypes"].as_array());
            match possible {
                Some(possible) => possible.iter().map(|found| text(&found["name"])).collect(),
                None => vec![name.to_owned()],
            }
        };
        let field = |field: &Value| {
            let mut named = &field["type"];
            while named["name"].is_null() {
                named = &named["ofType"];
            }
            let arguments = field["args"].as_array().into_iter().flatten();
            Field {
                is_personal: text(&field["description"]).starts_with("PII"),
                arguments: arguments.map(|argument| text(&argument["name"])).collect(),
                to: possible(&text(&named["name"])),
            }
        };
        let objects = types
            .iter()
            .filter(|found| found["fields"].is_array() && found["possibleTypes"].is_null())
            .map(|found| {
                let fields = found["fields"].as_array().into_iter().flatten();
                let fields = fields.map(|found| (text(&found["name"]), field(found)));
                (text(&found["name"]), fields.collect())
            });
        Self(objects.collect())
    }

    fn fields(&self, of: &str) -> impl Iterator<Item = (&String, &Field)> {
        self.0.get(of).into_iter().flatten()
    }

    fn is_personal(&self, of: &str) -> bool {
        self.fields(of).any(|(_, field)| field.is_personal)
    }

    /// All personal data of an object of this type, by every path that visits no type twice; None if there is none.
    fn selection(&self, of: &str, passed: &[&str]) -> Option<String> {
        let mut passed = passed.to_vec();
        let is_new = !passed.contains(&of);
        passed.push(of);

        let mut selected = Vec::new();
        for (name, field) in self.fields(of) {
            if field.is_personal {
                selected.push(name.clone());
            } else if is_new && !field.arguments.contains("id") && !field.arguments.contains("ids")
            {
                // A list and a page of one name have different keys, so that both can be selected.
                let selected_as = match field.arguments.contains("first") {
                    true => format!("{name}{PAGE}: {name}(first: 3)"),
                    false => name.clone(),
                };
                let inner = field.to.iter().filter_map(|to| {
                    let inner = self.selection(to, &passed)?;
                    Some(format!("... on {to} {{ {inner} }}"))
                });
                let inner: Vec<String> = inner.collect();
                if !inner.is_empty() {
                    selected.push(format!("{selected_as} {{ {} }}", inner.join(" ")));
                }
            }
        }
        (!selected.is_empty()).then(|| format!("__typename {}", selected.join(" ")))
    }

    /// The shortest paths from one type to an object with personal data.
    fn last_steps(&self) -> BTreeSet<(String, String)> {
        let steps = self.0.keys().flat_map(|of| {
            let leading = self
                .fields(of)
                .filter(|(_, field)| field.to.iter().any(|to| self.is_personal(to)));
            leading.map(|(name, _)| (of.clone(), name.clone()))
        });
        steps.collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What two callers received, side by side.
struct Comparison<'a> {
    types: &'a Types,
    /// The last steps of the paths that reached personal data.
    reached: BTreeSet<(String, String)>,
    /// The fields that had any.
    seen: BTreeSet<(String, String)>,
    secrets: BTreeSet<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, step: (&str, &str), whole: &Value, masked: &Value) {
        match (whole, masked) {
            (Value::Array(whole), Value::Array(masked)) => {
                assert_eq!(whole.len(), masked.len(), "{step:?}");
                for (whole, masked) in whole.iter().zip(masked) {
                    self.compare(step, whole, masked);
                }
            }
            (Value::Object(whole), Value::Object(masked)) => {
                self.compare_objects(step, whole, masked);
            }
            _ => assert_eq!(whole, masked, "{step:?}"),
        }
    }

    fn compare_objects(
        &mut self,
        step: (&str, &str),
        whole: &Map<String, Value>,
        masked: &Map<String, Value>,
    ) {
        let of = text(&whole["__typename"]);
        for (name, whole) in whole {
            let masked = &masked[name];
            let name = name.strip_suffix(PAGE).unwrap_or(name);
            let is_personal = self
                .types
                .fields(&of)
                .any(|(known, field)| known == name && field.is_personal);
            if !is_personal {
                self.compare((&of, name), whole, masked);
                continue;
            }

            let (Value::String(whole), Value::String(masked)) = (whole, masked) else {
                assert_eq!(whole, masked, "{of}.{name}");
                continue;
            };
            let shown = masked.trim_start_matches('*');
            assert!(shown.chars().count() <= 1, "{of}.{name}: {masked}");
            assert!(whole.ends_with(shown), "{of}.{name}: {masked}");
            assert_ne!(whole, masked, "{of}.{name} by {step:?}");
            assert!(!whole.contains('*'), "{of}.{name}: {whole}");
            self.reached.insert((step.0.to_owned(), step.1.to_owned()));
            self.seen.insert((of.clone(), name.to_owned()));
            self.secrets.insert(whole.clone());
        }
    }
}

/// Ids of objects of both vendors, of every type that leads to personal data.
async fn ids(desk: &Desk) -> BTreeMap<&'static str, Vec<String>> {
    let query = "{
        tickets(first: 3) { nodes { id } }
        firstline: serviceRecords(first: 5, filter: { vendors: [FIRSTLINE], completed: true }) { nodes { id messages(first: 3) { nodes { id } } } }
        bangwo8: serviceRecords(first: 3, filter: { vendors: [BANGWO8] }) { nodes { id messages(first: 3) { nodes { id } } } }
        ofFirstline: employees(first: 3, filter: { vendors: [FIRSTLINE] }) { nodes { id } }
        ofBangwo8: employees(first: 3, filter: { vendors: [BANGWO8] }) { nodes { id } }
    }";
    let data = send_query(desk, WITH_PII, query, &json!({})).await;
    let ids = |nodes: &Value| -> Vec<String> {
        let nodes = nodes["nodes"].as_array().into_iter().flatten();
        nodes.map(|node| text(&node["id"])).collect()
    };
    let both = |names: [&str; 2]| names.map(|name| ids(&data[name])).concat();
    let records = ["firstline", "bangwo8"].map(|name| data[name]["nodes"].as_array());
    let records = records.into_iter().flatten().flatten();
    BTreeMap::from([
        ("Ticket", ids(&data["tickets"])),
        ("ServiceRecord", both(["firstline", "bangwo8"])),
        ("Employee", both(["ofFirstline", "ofBangwo8"])),
        (
            "ChatMessage",
            records
                .flat_map(|record| ids(&record["messages"]))
                .collect(),
        ),
    ])
}

#[tokio::test]
async fn personal_data_is_masked_on_every_path_even_if_cached_for_another_caller() {
    let desk = desk().await;
    let types = Types::of(&desk).await;
    let ids = ids(&desk).await;
    let mut comparison = Comparison {
        types: &types,
        reached: BTreeSet::new(),
        seen: BTreeSet::new(),
        secrets: BTreeSet::new(),
    };

    let mut queries = Vec::new();
    for (name, field) in types.fields("Query") {
        let inner = field.to.iter().filter_map(|to| {
            let inner = types.selection(to, &["Query"])?;
            Some(format!("... on {to} {{ {inner} }}"))
        });
        let inner: Vec<String> = inner.collect();
        let inner = inner.join(" ");
        if inner.is_empty() {
            continue;
        }
        if field.arguments.contains("first") {
            queries.push(format!("{{ __typename {name}(first: 5) {{ {inner} }} }}"));
            if name != "tickets" {
                queries.push(format!(
                    "{{ __typename {name}(first: 5, filter: {{ vendors: [BANGWO8] }}) {{ {inner} }} }}"
                ));
            }
            continue;
        }
        for to in &field.to {
            if types.selection(to, &[]).is_none() {
                continue;
            }
            let ids = ids
                .get(to.as_str())
                .unwrap_or_else(|| panic!("an id of {to} is needed"));
            assert!(ids.len() >= 3, "{to}");
            match name.as_str() {
                "nodes" => queries.push(format!(
                    "{{ __typename nodes(ids: {}) {{ {inner} }} }}",
                    json!(ids)
                )),
                _ => queries.extend(
                    ids.iter()
                        .map(|id| format!("{{ __typename {name}(id: \"{id}\") {{ {inner} }} }}")),
                ),
            }
        }
    }
    assert!(queries.len() > 30, "{queries:#?}");

    for query in &queries {
        let whole = send_query(&desk, WITH_PII, query, &json!({})).await;
        let masked = send_query(&desk, OTHER, query, &json!({})).await;
        let again = send_query(&desk, WITH_PII, query, &json!({})).await;
        assert_eq!(whole, again, "{query}");
        comparison.compare(("", ""), &whole, &masked);

        let masked = masked.to_string();
        for secret in &comparison.secrets {
            assert!(!masked.contains(secret), "{secret} for {query}");
        }
    }

    // Every marked field of the schema was read, on every path.
    let marked = types.0.keys().flat_map(|of| {
        let personal = types.fields(of).filter(|(_, field)| field.is_personal);
        personal.map(|(name, _)| (of.clone(), name.clone()))
    });
    assert_eq!(comparison.seen, marked.collect());
    let steps = types.last_steps();
    let missing: Vec<_> = steps.difference(&comparison.reached).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn personal_data_in_mutation_payloads_is_masked() {
    let desk = desk().await;
    let types = Types::of(&desk).await;
    let query = "{
        tickets(first: 20) { nodes { id handler { id } contact { id identityNo } } }
        serviceRecords(first: 20, filter: { vendors: [FIRSTLINE], completed: false }) { nodes { id status contact { identityNo } } }
    }";
    let data = send_query(&desk, WITH_PII, query, &json!({})).await;
    let tickets = data["tickets"]["nodes"].as_array().into_iter().flatten();
    let ticket = tickets
        .filter(|ticket| ticket["handler"].is_object())
        .find(|ticket| ticket["contact"]["identityNo"].is_string())
        .expect("a ticket has both");
    let (handler, contact) = (&ticket["handler"]["id"], &ticket["contact"]["id"]);
    let records = data["serviceRecords"]["nodes"]
        .as_array()
        .into_iter()
        .flatten();
    let record = records
        .filter(|record| record["status"] == "WRAP_UP")
        .find(|record| record["contact"]["identityNo"].is_string())
        .expect("a record can be changed");

    let inputs = BTreeMap::from([
        (
            "createTicket",
            json!({ "subject": "a", "content": "b", "handlerId": handler, "contactId": contact }),
        ),
        (
            "updateTicket",
            json!({ "id": ticket["id"], "subject": "c" }),
        ),
        (
            "updateServiceRecord",
            json!({ "id": record["id"], "memo": "d" }),
        ),
    ]);
    for (name, field) in types.fields("Mutation") {
        let [payload] = field.to.as_slice() else {
            panic!("{name} has one payload")
        };
        let Some(inner) = types.selection(payload, &["Mutation"]) else {
            continue;
        };
        let input = inputs
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} needs an input"));
        let capital = name[..1].to_uppercase() + &name[1..];
        let mutation = format!(
            "mutation ($input: {capital}Input!) {{ __typename {name}(input: $input) {{ {inner} userErrors {{ message }} }} }}"
        );

        let mut comparison = Comparison {
            types: &types,
            reached: BTreeSet::new(),
            seen: BTreeSet::new(),
            secrets: BTreeSet::new(),
        };
        let variables = json!({ "input": input });
        let masked = send_query(&desk, OTHER, &mutation, &variables).await;
        let whole = send_query(&desk, WITH_PII, &mutation, &variables).await;
        comparison.compare(("", ""), &whole, &masked);
        for (of, field) in [("Employee", "mobile"), ("Contact", "identityNo")] {
            let marked = (of.to_owned(), field.to_owned());
            assert!(
                comparison.seen.contains(&marked),
                "{of}.{field} in {name}: {whole}"
            );
        }
    }
}

#[tokio::test]
async fn employees_cannot_be_searched_by_masked_personal_data() {
    let query = "query ($search: String) { employees(first: 5, filter: { search: $search }) {
        totalCount pageInfo { hasNextPage endCursor } sources { vendor state totalCount } nodes { id } } }";
    let found = |data: &Value| -> Vec<String> {
        let nodes = data["employees"]["nodes"].as_array().into_iter().flatten();
        nodes.map(|node| text(&node["id"])).collect()
    };

    // The first caller fills the cache for both.
    for callers in [[WITH_PII, OTHER], [OTHER, WITH_PII]] {
        let desk = desk().await;
        for (id, name, number, identity) in [
            (901, "By Identity", "E-1", "Q123456789"),
            (902, "By Name Q12345", "E-2", "Z987654321"),
            (903, "By Number", "Q12345-3", "Y987654321"),
        ] {
            desk.sandbox.firstline_insert_employee(json!({
                "id": id, "name": name, "employee_no": number, "identity_no": identity,
            }));
        }

        for (search, fullers, others) in [
            ("Q123456789", &[901][..], &[][..]),
            ("q12345", &[901, 902, 903], &[902, 903]),
            ("By Identity", &[901], &[901]),
            ("Z987654321", &[902], &[]),
        ] {
            for key in callers {
                let data = send_query(&desk, key, query, &json!({ "search": search })).await;
                let numbers = if key == WITH_PII { fullers } else { others };
                let expected: Vec<String> = numbers
                    .iter()
                    .map(|number| format!("firstline:Employee:{number}"))
                    .collect();
                assert_eq!(found(&data), expected, "{search} for {key}");
            }
        }

        // Nothing shows whether an employee with this number exists.
        let mut answers = Vec::new();
        for search in ["Q123456789", "Q123456788"] {
            answers.push(send_query(&desk, OTHER, query, &json!({ "search": search })).await);
        }
        for answer in &mut answers {
            for source in answer["employees"]["sources"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                // The first search is cached, the second is not.
                source["state"].take();
            }
        }
        assert_eq!(answers[0], answers[1]);
    }
}
