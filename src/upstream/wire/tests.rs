//! Leniency in every form that a value may have.

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sample {
    id: Loaded<VendorNumber>,
    count: Loaded<i32>,
    flag: Loaded<bool>,
    text: Loaded<String>,
    price: Loaded<Decimal>,
    at: Loaded<PrintedTime>,
    list: Loaded<Vec<String>>,
    nested: Loaded<Nested>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Nested {
    id: Loaded<VendorNumber>,
}

lenient_objects!(Sample, Nested);

impl HasId for Sample {
    fn id(&self) -> Option<VendorNumber> {
        self.id.value().copied()
    }
}

#[derive(Debug, Deserialize)]
struct Samples {
    items: Vec<Identified<Sample>>,
}

fn read(json: &str) -> Sample {
    decode_root(json.as_bytes()).expect("the sample is an object")
}

fn local(text: &str) -> Option<String> {
    match text.parse() {
        Ok(PrintedTime::Local(time)) => Some(time.to_string()),
        Ok(PrintedTime::Instant(instant)) => Some(instant.to_string()),
        Err(NotATime) => None,
    }
}

#[test]
fn a_number_may_be_quoted_or_have_a_zero_fraction() {
    for json in [r#"{"count":42}"#, r#"{"count":"42"}"#, r#"{"count":42.0}"#] {
        assert_eq!(read(json).count, Loaded::some(42), "{json}");
    }
    assert_eq!(read(r#"{"count":42.5}"#).count, Loaded::none());
    assert_eq!(read(r#"{"count":2147483648}"#).count, Loaded::none());
    assert_eq!(read(r#"{"count":1e999}"#).count, Loaded::none());
}

#[test]
fn a_flag_may_be_a_number_or_text() {
    for json in ["1", "\"1\"", "true", "\"true\"", "1.0"] {
        let sample = read(&format!(r#"{{"flag":{json}}}"#));
        assert_eq!(sample.flag, Loaded::some(true), "{json}");
    }
    assert_eq!(read(r#"{"flag":"0"}"#).flag, Loaded::some(false));
    assert_eq!(read(r#"{"flag":7}"#).flag, Loaded::none());
}

#[test]
fn absent_is_not_null_and_empty_text_is_null() {
    assert_eq!(read("{}").text, Loaded::NotLoaded);
    assert_eq!(read(r#"{"text":null}"#).text, Loaded::none());
    assert_eq!(read(r#"{"text":""}"#).text, Loaded::none());
    assert_eq!(read(r#"{"text":213}"#).text, Loaded::some("213".to_owned()));
}

#[test]
fn a_field_of_a_wrong_type_is_none_and_spoils_nothing() {
    let sample = read(
        r#"{"id":5,"count":[],"flag":{},"text":{"a":[1]},"price":"x","at":7,"list":{},"nested":[]}"#,
    );
    assert_eq!(sample.id.value().map(|id| id.get()), Some(5));
    assert_eq!(sample.count, Loaded::none());
    assert_eq!(sample.flag, Loaded::none());
    assert_eq!(sample.text, Loaded::none());
    assert_eq!(sample.price, Loaded::none());
    assert_eq!(sample.at, Loaded::none());
    assert_eq!(sample.list, Loaded::none());
    assert!(sample.nested.is_loaded() && sample.nested.value().is_none());
}

#[test]
fn what_no_parser_goes_past_spoils_nothing_around_it() {
    for spoilt in [
        r#"1e999"#,
        r#""\ud800""#,
        r#"{"id":1,"id":1e999}"#,
        r#"{"a":[1e999]}"#,
        r#"{"\ud800":1}"#,
    ] {
        let json = format!(r#"{{"id":5,"nested":{spoilt},"list":{spoilt},"unknown":{spoilt}}}"#);
        let sample = read(&json);
        assert_eq!(sample.id.value().map(|id| id.get()), Some(5), "{spoilt}");
        assert_eq!(sample.list, Loaded::none(), "{spoilt}");
        let nested = sample.nested.value().and_then(|nested| nested.id.value());
        assert_eq!(nested, None, "{spoilt}");
    }
    assert_eq!(
        read(r#"{"text":"a","text":"b"}"#).text,
        Loaded::some("b".to_owned())
    );

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let sample = read(&format!(r#"{{"id":5,"list":{deep},"unknown":{deep}}}"#));
    assert_eq!(sample.list, Loaded::Loaded(Some(Vec::new())));
}

#[test]
fn zero_and_minus_one_are_no_id() {
    for json in ["0", "-1", "\"\"", "\"0\"", "null", "9223372036854775808"] {
        let sample = read(&format!(r#"{{"nested":{{"id":{json}}}}}"#));
        let nested = sample.nested.value().expect("the nested object is there");
        assert_eq!(nested.id, Loaded::none(), "{json}");
    }
}

#[test]
fn a_price_keeps_its_scale() {
    for (json, expected) in [
        ("234.00", Some("234.00")),
        ("\"234.00\"", Some("234.00")),
        ("0", Some("0")),
        ("2.5e1", Some("25")),
        ("1e400", None),
        ("true", None),
    ] {
        let sample = read(&format!(r#"{{"price":{json}}}"#));
        let price = sample.price.value().map(ToString::to_string);
        assert_eq!(price.as_deref(), expected, "{json}");
    }
}

#[test]
fn times_are_read_padded_or_not_and_garbage_is_none() {
    assert_eq!(
        local("2017-8-27 10:21:1").as_deref(),
        Some("2017-08-27T10:21:01")
    );
    assert_eq!(
        local("2021-05-06 12:23:25").as_deref(),
        Some("2021-05-06T12:23:25")
    );
    assert_eq!(local("2016-12-21").as_deref(), Some("2016-12-21T00:00:00"));
    assert_eq!(
        local("2021-05-06T12:23:25+08:00").as_deref(),
        Some("2021-05-06T04:23:25Z")
    );
    assert_eq!(
        local("2021-05-06T12:23:25.000").as_deref(),
        Some("2021-05-06T12:23:25")
    );
    for garbage in [
        "",
        "0000-00-00 00:00:00",
        "0000-00-00",
        "-0001-11-30 00:00:00",
        "2021-13-01",
        "2021-02-30",
        "2021-05-06 25:00:00",
        "99999-01-01",
        "昨天",
        "2021-05-06 昨天",
    ] {
        assert_eq!(local(garbage), None, "{garbage}");
    }
}

#[test]
fn an_object_without_a_readable_id_is_refused_with_its_place() {
    let wrong = decode::<Samples>(br#"{"items":[{"id":1},{"id":"x","text":"secret"}]}"#)
        .expect_err("the second item has no id");
    assert_eq!(wrong.path, "items[1]");
}

#[test]
fn a_list_without_its_array_is_refused() {
    for json in [
        "{}",
        r#"{"items":null}"#,
        r#"{"items":{}}"#,
        "[]",
        "<html>",
        "",
    ] {
        assert!(decode::<Samples>(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn an_answer_may_be_wrapped_or_bare_or_start_with_a_mark() {
    for json in [
        r#"{"items":[]}"#,
        r#"{"data":{"items":[]},"status":"0"}"#,
        "\u{feff}{\"items\":[]}",
    ] {
        let samples: Samples = decode(json.as_bytes()).expect("it is a list");
        assert!(samples.items.is_empty(), "{json}");
    }
}
