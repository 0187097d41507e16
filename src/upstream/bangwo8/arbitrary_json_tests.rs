//! Whatever a body holds, each of the ways to read one ends with an object or a fault, and never with a panic.

use proptest::prelude::*;

use super::{
    mapping::{self, Mapping},
    wire,
};
use crate::{
    domain::{ServiceRecordId, Vendor, VendorNumber, VendorPageRequest, VendorZone},
    upstream::{
        test_support::arbitrary_json,
        wire::{Readable, decode, decode_root},
    },
};

const SAMPLES: &[&str] = &[
    include_str!("../../../tests/fixtures/bangwo8/histories.json"),
    include_str!("../../../tests/fixtures/bangwo8/histories_v2.json"),
    include_str!("../../../tests/fixtures/bangwo8/chatrecords.json"),
    include_str!("../../../tests/fixtures/bangwo8/servicesummary.json"),
    include_str!("../../../tests/fixtures/bangwo8/no_summary_120001.json"),
    include_str!("../../../tests/fixtures/bangwo8/no_summary_120002.json"),
    include_str!("../../../tests/fixtures/bangwo8/supports.json"),
    r#"{"access_token":"8d5c","expires_in":"7200","token_type":"Bearer"}"#,
    r#"{"errcode":"100047","errmsg":"Invalid resource URI"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_body_makes_the_mapping_panic(
        body in arbitrary_json::body(SAMPLES),
        page in 1..4_u32,
        per_page in 1..4_u32,
    ) {
        read_in_every_way(body.as_bytes(), VendorPageRequest { page, per_page });
    }
}

#[test]
fn every_sample_is_read_in_one_way_at_least() {
    let page = VendorPageRequest {
        page: 1,
        per_page: 100,
    };
    for sample in SAMPLES {
        assert!(read_in_every_way(sample.as_bytes(), page) > 0, "{sample}");
    }
}

/// In how many ways it could be read.
fn read_in_every_way(body: &[u8], page: VendorPageRequest) -> usize {
    let zone = VendorZone::named("Asia/Shanghai").expect("the zone is bundled");
    let mapping = Mapping { zone: &zone };
    let record = ServiceRecordId {
        vendor: Vendor::Bangwo8,
        number: VendorNumber::new(7).expect("it is not zero"),
        day: None,
    };
    let orders = [false, true];

    let ways = [
        shown(body, |list: wire::Histories<wire::RemoteRecord>| {
            let records = list.remoterecords.items.into_iter();
            let records: Vec<_> = records.map(|wire| mapping.service_record(wire)).collect();
            (mapping::has_next(&list.next_page), records)
        }),
        shown(body, |list: wire::Histories<wire::NamedRecord>| {
            let records = list.remoterecords.items.into_iter();
            records
                .map(|wire| mapping.named_record(wire))
                .collect::<Vec<_>>()
        }),
        shown(body, |list: wire::Supports| {
            let supports = list.supports.items.into_iter();
            supports
                .map(|wire| mapping.employee(wire))
                .collect::<Vec<_>>()
        }),
        shown(body, |summary: wire::SummaryAnswer| {
            mapping::summary(summary)
        }),
        shown(body, |signed_in: wire::SignedIn| {
            signed_in.expires_in_seconds
        }),
    ];
    let chats = orders.into_iter().filter_map(|order| {
        shown(body, |chat: wire::ChatRecords| {
            let paging = wire::Paging {
                count: chat.count.into_value(),
                next_page: chat.next_page,
            };
            let contents = chat.remote_chatrecords.contents;
            mapping.chat_messages(record, contents, &paging, page, order)
        })
    });
    let refusal = mapping::failure_code(decode_root(body).unwrap_or_default());

    ways.into_iter().flatten().count() + chats.count() + usize::from(refusal.is_some())
}

/// The body as the mapping returns it, down to the last field; none where it has another shape.
fn shown<T: Readable, U: std::fmt::Debug>(body: &[u8], map: impl Fn(T) -> U) -> Option<usize> {
    decode(body)
        .ok()
        .map(|wire| format!("{:?}", map(wire)).len())
}
