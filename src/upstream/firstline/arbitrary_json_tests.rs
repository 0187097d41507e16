//! Whatever a body holds, each of the ways to read one ends with an object or a fault, and never with a panic.

use std::sync::Arc;

use proptest::prelude::*;
use reqwest::Url;

use super::{
    mapping::{self, Mapping},
    wire,
};
use crate::{
    domain::{Detail, VendorZone},
    upstream::{
        test_support::arbitrary_json,
        wire::{Identified, Readable, decode, decode_root},
    },
};

const SAMPLES: &[&str] = &[
    include_str!("../../../tests/fixtures/firstline/service_records.json"),
    include_str!("../../../tests/fixtures/firstline/service_record.json"),
    include_str!("../../../tests/fixtures/firstline/service_record_2021.json"),
    include_str!("../../../tests/fixtures/firstline/updated_service_record.json"),
    include_str!("../../../tests/fixtures/firstline/wrap_up_lock.json"),
    include_str!("../../../tests/fixtures/firstline/tickets.json"),
    include_str!("../../../tests/fixtures/firstline/ticket.json"),
    include_str!("../../../tests/fixtures/firstline/created_ticket.json"),
    include_str!("../../../tests/fixtures/firstline/employees.json"),
    include_str!("../../../tests/fixtures/firstline/sponsors.json"),
    include_str!("../../../tests/fixtures/firstline/termination_codes.json"),
    include_str!("../../../tests/fixtures/firstline/categories.json"),
    include_str!("../../../tests/fixtures/firstline/subcategories.json"),
    r#"{"access_token":"e30.eyJleHAiOjE3MDAwMDAwMDB9.e30","token_type":"bearer","expires_in":3600}"#,
    r#"{"message":"The given data was invalid.","errors":{"subject":["Too long."],"cz_cols.0.value":"No."}}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_body_makes_the_mapping_panic(body in arbitrary_json::body(SAMPLES)) {
        read_in_every_way(body.as_bytes());
    }
}

#[test]
fn every_sample_is_read_in_one_way_at_least() {
    for sample in SAMPLES {
        assert!(read_in_every_way(sample.as_bytes()) > 0, "{sample}");
    }
}

/// In how many ways it could be read.
fn read_in_every_way(body: &[u8]) -> usize {
    let zone = VendorZone::named("Asia/Taipei").expect("the zone is bundled");
    let base_url = Url::parse("https://desk.example/tenant/").expect("it is an address");
    let mapping = Mapping {
        zone: &zone,
        base_url: &base_url,
    };
    let record = |wire| Arc::new(mapping.service_record(wire, Detail::Full));
    let employee = |wire| mapping.employee(wire, Detail::Full);

    let ways = [
        shown(body, record),
        shown(body, |list: wire::List<wire::ServiceRecord>| {
            list.data.into_iter().map(record).collect::<Vec<_>>()
        }),
        shown(body, |updated: wire::UpdatedServiceRecord| {
            mapping.update(updated)
        }),
        shown(body, |wire| mapping.ticket(wire)),
        shown(body, |list: wire::List<wire::Ticket>| {
            let tickets = list.data.into_iter();
            tickets.map(|wire| mapping.ticket(wire)).collect::<Vec<_>>()
        }),
        shown(body, employee),
        shown(body, |list: wire::List<wire::Employee>| {
            list.data.into_iter().map(employee).collect::<Vec<_>>()
        }),
        shown(body, |list: wire::List<wire::Sponsor>| {
            let sponsors = list.data.into_iter();
            sponsors.map(mapping::sponsor).collect::<Vec<_>>()
        }),
        shown(body, |list: wire::List<wire::TerminationCode>| {
            let codes = list.data.into_iter();
            codes.map(mapping::termination_code).collect::<Vec<_>>()
        }),
        shown(body, |list: wire::List<wire::Category>| {
            mapping::category_tree(list.data.items, read(body).unwrap_or_default())
        }),
        shown(body, |list: wire::List<wire::Subcategory>| {
            mapping::category_tree(Vec::new(), list.data.items)
        }),
        shown(body, |signed_in: wire::SignedIn| signed_in.expires_at),
    ];
    let refusal: wire::ErrorBody = decode_root(body).unwrap_or_default();
    let is_lock = mapping::is_wrap_up_lock(&refusal);
    let faults = mapping::field_faults(refusal);
    assert!(!faults.is_empty(), "a rejection always names a fault");

    ways.into_iter().flatten().count() + usize::from(is_lock) + faults.len() - 1
}

fn read(body: &[u8]) -> Option<Vec<Identified<wire::Subcategory>>> {
    let list: wire::List<wire::Subcategory> = decode(body).ok()?;
    Some(list.data.items)
}

/// The body as the mapping returns it, down to the last field; none where it has another shape.
fn shown<T: Readable, U: std::fmt::Debug>(body: &[u8], map: impl Fn(T) -> U) -> Option<usize> {
    decode(body)
        .ok()
        .map(|wire| format!("{:?}", map(wire)).len())
}
