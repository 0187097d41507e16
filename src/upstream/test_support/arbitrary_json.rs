//! Bodies for the tests of what a vendor may say: its own samples with anything put into any place, and JSON of no shape at all.

use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};
use serde_json::{Map, Number, Value};

/// A body that is one of the samples, spoilt in a few places, or nothing like them.
pub(in crate::upstream) fn body(samples: &'static [&'static str]) -> impl Strategy<Value = String> {
    let spoilt =
        (select(samples), vec((any::<usize>(), change()), 0..6)).prop_map(|(sample, changes)| {
            let mut body: Value = serde_json::from_str(sample).expect("a sample is JSON");
            for (place, change) in changes {
                apply(&mut body, place, change);
            }
            body.to_string()
        });
    let cut_off = (select(samples), any::<usize>()).prop_map(|(sample, length)| {
        let characters = sample.chars().count();
        sample.chars().take(length % characters).collect()
    });
    prop_oneof![8 => spoilt, 2 => anything().prop_map(|value| value.to_string()), 1 => cut_off]
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    /// A field goes with its name.
    Remove,
    /// A list of the same thing twice stands in its place.
    Repeat,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => leaf().prop_map(Change::Replace),
        2 => anything().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => Just(Change::Repeat),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((key(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The names that are read, and others.
fn key() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "id",
        "data",
        "errors",
        "errcode",
        "status",
        "message",
        "count",
        "next_page",
        "contents",
        "remoterecords",
        "supports",
        "csId",
        "csBTime",
        "created_at",
        "serviceSummary",
        "category",
        "children",
        "logs",
        "provider",
        "access_token",
    ];
    prop_oneof![4 => select(KNOWN).prop_map(str::to_owned), 1 => ".{0,8}"]
}

/// What comes of numbers, texts and times at their limits and past them.
fn leaf() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        " ",
        "0",
        "-1",
        "1",
        "1.0",
        "1e3",
        "-0",
        "NaN",
        "true",
        "null",
        "[]",
        "{}",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999999",
        "2024-03-10 02:30:00",
        "2024-02-30 00:00:00",
        "0000-00-00 00:00:00",
        "9999-12-31 23:59:59",
        "-009999-01-01 00:00:00",
        "2024-03-10",
        "2024-03-10T02:30:00Z",
        "24:00:00",
        "2024-3-1 1:2:3",
        "0.1",
        "79228162514264337593543950336",
        "1e999",
        "甲乙丙",
        "\u{0}",
        "\u{feff}",
        "🙂",
        "/storage/photo.png",
        "//host/x",
        "http://[",
        "a.b.c",
        "e30.e30.e30",
    ];
    let numbers = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        select(&[0_i64, 1, -1, 200, 120_001, i64::MAX, i64::MIN][..]).prop_map(Number::from),
        any::<f64>().prop_filter_map("JSON has finite numbers alone", Number::from_f64),
    ];
    Union::new_weighted(vec![
        (1, Just(Value::Null).boxed()),
        (1, any::<bool>().prop_map(Value::Bool).boxed()),
        (3, numbers.prop_map(Value::Number).boxed()),
        (4, select(texts.to_vec()).prop_map(Value::from).boxed()),
        (1, ".{0,40}".prop_map(Value::String).boxed()),
    ])
}

/// Changes the value at a place, counted through the whole body.
fn apply(body: &mut Value, place: usize, change: Change) {
    let mut countdown = place % count(body);
    visit(body, &mut countdown, &mut Some(change));
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn visit(value: &mut Value, countdown: &mut usize, change: &mut Option<Change>) {
    if *countdown == 0 {
        match change.take() {
            Some(Change::Replace(replacement)) => *value = replacement,
            Some(Change::Repeat) => *value = Value::Array(vec![value.clone(), value.clone()]),
            Some(Change::Remove) => *value = Value::Null,
            None => {}
        }
        return;
    }
    match value {
        Value::Array(items) => {
            for item in items {
                *countdown -= 1;
                visit(item, countdown, change);
                if change.is_none() {
                    return;
                }
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                *countdown -= 1;
                if *countdown == 0 && matches!(change, Some(Change::Remove)) {
                    fields.remove(&name);
                    *change = None;
                } else if let Some(field) = fields.get_mut(&name) {
                    visit(field, countdown, change);
                }
                if change.is_none() {
                    return;
                }
            }
        }
        _ => {}
    }
}
