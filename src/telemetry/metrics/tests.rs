use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    table::{Kind, TABLE, Values},
    *,
};

/// A registry in which every metric was used.
fn used() -> Metrics {
    let metrics = Metrics::new();
    let took = Duration::from_millis(3);
    metrics
        .http
        .record(Method::Post, "/graphql", Some(200), took, None);
    metrics.http.record(
        Method::Get,
        "/graphql",
        None,
        took,
        Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
    );
    for vendor in Vendor::ALL {
        metrics.set_circuit(vendor, CircuitState::Open);
        let vendor = metrics.vendor(vendor);
        vendor.record_attempt("/api/v1/ticket", None, took);
        vendor.record_attempt("/api/v1/ticket", Some(VendorErrorCode::Timeout), took);
        vendor.record_slot_wait(took);
    }
    metrics
        .operations
        .counters(OperationKind::Query, "OpenTickets")
        .count(Source::Cached, Outcome::Ok);
    metrics.operations.vendor_calls.observe(2.0);
    metrics
}

/// The labels of each metric on a page, by its name without the suffixes of a histogram.
fn labels_on(page: &str) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (sample, _) = line.split_once(' ').expect("a sample has a value");
        let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
        let is_histogram = |base: &str| {
            TABLE
                .iter()
                .any(|definition| definition.name == base && definition.kind == Kind::Histogram)
        };
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|base| is_histogram(base)))
            .unwrap_or(name);
        let labels = labels.trim_end_matches('}').split(',').filter_map(|label| {
            let (key, value) = label.split_once('=')?;
            (key != "le").then(|| (key.to_owned(), value.trim_matches('"').to_owned()))
        });
        found.entry(name.to_owned()).or_default().extend(labels);
    }
    found
}

fn is_within(value: &str, values: &Values) -> bool {
    match values {
        Values::OneOf(values) => values.contains(&value),
        Values::Status => value.is_empty() || value.parse::<u16>().is_ok(),
        Values::Route => value.starts_with('/') || value == "other",
        Values::ManifestOperation => value.is_empty() || value == "OpenTickets",
        Values::Version => value == env!("CARGO_PKG_VERSION"),
    }
}

#[test]
fn the_registry_has_what_the_table_has_and_nothing_else() {
    let page = used().page(Format::PrometheusText).expect("it encodes");
    let found = labels_on(&page);

    let names: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let defined: BTreeSet<&str> = TABLE.iter().map(|definition| definition.name).collect();
    assert_eq!(names, defined);
    for definition in TABLE {
        let labels = &found[definition.name];
        let keys: BTreeSet<&str> = labels.iter().map(|(key, _)| key.as_str()).collect();
        let expected: BTreeSet<&str> = definition.labels.iter().map(|label| label.name).collect();
        assert_eq!(keys, expected, "{}", definition.name);
        for label in definition.labels {
            for (_, value) in labels.iter().filter(|(key, _)| key == label.name) {
                assert!(
                    is_within(value, &label.values),
                    "{}: {} = {value}",
                    definition.name,
                    label.name
                );
            }
        }
        assert!(
            page.contains(&format!("# HELP {} {}", definition.name, definition.help)),
            "{}",
            definition.name
        );
    }
}

#[test]
fn every_value_of_a_label_is_in_the_table() {
    let values = |metric: &str, label: &str| {
        let definition = TABLE.iter().find(|definition| definition.name == metric);
        let labels = definition.map_or(&[][..], |definition| definition.labels);
        let found = labels.iter().find(|known| known.name == label);
        match found.map(|label| &label.values) {
            Some(Values::OneOf(values)) => values.to_vec(),
            _ => Vec::new(),
        }
    };
    let texts = |all: &[CacheKind]| all.iter().map(|one| one.text()).collect::<Vec<_>>();

    assert_eq!(
        values("deskgraph_cache_requests_total", "kind"),
        texts(CacheKind::ALL)
    );
    assert_eq!(
        values("deskgraph_vendor_circuit_state", "vendor"),
        Vendor::ALL.map(Vendor::slug)
    );
    assert_eq!(
        values("deskgraph_requests_refused_total", "code"),
        ErrorCode::ALL.map(ErrorCode::name)
    );
}

#[test]
fn gauges_and_counters_of_the_gateway_exist_before_the_first_request() {
    let metrics = Metrics::new();
    metrics.vendor(Vendor::FirstLine);
    let page = metrics.page(Format::PrometheusText).expect("it encodes");

    for sample in [
        "deskgraph_vendor_circuit_state{vendor=\"firstline\"} 0",
        "deskgraph_vendor_slots_in_use{vendor=\"firstline\"} 0",
        "deskgraph_vendor_logins_total{vendor=\"firstline\",outcome=\"unauthenticated\"} 0",
        "deskgraph_operations_total{type=\"query\",source=\"executed\",outcome=\"ok\",operation=\"\"} 0",
        "deskgraph_cache_bytes{cache=\"data\"} 0",
        "deskgraph_live_subscribers{transport=\"sse\"} 0",
        "deskgraph_live_events_total 0",
        "deskgraph_shared_state_up 1",
        "deskgraph_requests_refused_total{code=\"LIMIT_EXCEEDED\"} 0",
    ] {
        assert!(page.contains(sample), "{sample} is not in\n{page}");
    }
}

#[test]
fn exemplars_are_in_open_metrics_alone() {
    let metrics = used();
    let trace = "trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"";
    let open_metrics = metrics.page(Format::OpenMetrics).expect("it encodes");
    let prometheus = metrics.page(Format::PrometheusText).expect("it encodes");

    assert!(open_metrics.contains(trace), "{open_metrics}");
    assert!(open_metrics.ends_with("# EOF\n"));
    assert!(!prometheus.contains(trace));
}
