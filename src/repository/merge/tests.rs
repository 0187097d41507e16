//! Walks through the merged list of two simulated vendors.

use proptest::prelude::*;

use super::*;
use crate::{
    repository::{ListField, cursor::Origin},
    upstream::paged_list::{LearnedOrders, PagedList, simulated::*},
};

struct Desk {
    vendor: Vendor,
    zone: VendorZone,
    list: FakeVendor,
    orders: LearnedOrders,
}

impl Desk {
    fn new(vendor: Vendor, list: FakeVendor) -> Self {
        Self {
            vendor,
            zone: VendorZone::named("Asia/Taipei").expect("the bundled data has the zone"),
            list,
            orders: LearnedOrders::default(),
        }
    }

    fn part(&self, cursor: &Cursor, limit: usize) -> Part<'_, Entry> {
        let list = PagedList {
            orders: &self.orders,
            shape: "list",
            fingerprint: 0,
            max_per_page: 100,
            max_calls: 1_000,
        };
        let resume = cursor.resume(self.vendor);
        let reading = list.read(
            Searched::Closely,
            resume,
            limit,
            |_| true,
            async |request| Ok(self.list.page(request)),
        );
        Part {
            vendor: self.vendor,
            zone: &self.zone,
            reading: block_on(reading).expect("the simulated vendor does not fail"),
            provenance: Provenance::default(),
            counting: Counting::ByVendor,
        }
    }
}

/// Pages through both lists by the cursors that a client would send, while objects arrive.
fn walk(desks: &[Desk; 2], first: usize, arrivals: &[usize]) -> Vec<Entry> {
    let origin = Origin::new(ListField::ServiceRecords, &());
    let limit = Limit::new(first as i32, 100).expect("the tests ask for 1 to 100");
    let mut given = Vec::new();
    let mut after: Option<String> = None;
    let mut arrivals = arrivals.iter().copied().cycle();
    let mut pages = 0;
    loop {
        let cursor = Cursor::decode(origin, after.as_deref()).expect("a cursor of this list");
        let parts = desks
            .each_ref()
            .map(|desk| Participation::Asked(Ok(desk.part(&cursor, first))));
        let page = merge(cursor, limit, parts.into()).expect("no vendor failed");
        given.extend(page.nodes.iter().map(|entry| Entry::clone(entry)));
        if !page.has_next_page {
            return given;
        }
        pages += 1;
        assert!(pages < 1_000, "the walk does not end");

        after = page.cursors.end();
        for desk in desks {
            desk.list.add_arrivals(arrivals.next().unwrap_or(0));
        }
    }
}

/// Entries whose numbers tell the vendor: odd ones are the first's.
fn entries(gaps: &[i64], first_number: u64, closest: i64) -> Vec<Entry> {
    let mut second = 1_000;
    let numbered = gaps.iter().enumerate();
    numbered
        .map(|(index, gap)| {
            second += gap.max(&closest);
            Entry {
                number: first_number + index as u64,
                second,
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_old_object_of_two_lists_is_given_once_and_in_order(
        manners in (manner(), manner()),
        gaps in (prop::collection::vec(1_i64..6, 0..120), prop::collection::vec(1_i64..6, 0..120)),
        first in 1_usize..40,
        arrivals in prop::collection::vec(0_usize..3, 1..5),
    ) {
        let (left, right) = (entries(&gaps.0, 1, 1), entries(&gaps.1, 100_001, 1));
        let desks = [
            Desk::new(Vendor::FirstLine, FakeVendor::new(manners.0, left.clone())),
            Desk::new(Vendor::Bangwo8, FakeVendor::new(manners.1, right.clone())),
        ];

        let given = walk(&desks, first, &arrivals);

        let is_old = |entry: &Entry| left.contains(entry) || right.contains(entry);
        let old_given: Vec<Entry> = given.into_iter().filter(is_old).collect();
        let vendor = |entry: &Entry| usize::from(entry.number > 100_000);
        let mut expected: Vec<Entry> = left.iter().chain(&right).cloned().collect();
        expected.sort_by_key(|entry| (std::cmp::Reverse(entry.second), vendor(entry), entry.place()));
        prop_assert_eq!(old_given, expected);
    }
}

#[test]
fn a_walk_ends_when_one_list_was_given_out_before_the_other() {
    let manner = |sorted| Manner {
        sorted,
        cap: 100,
        tells_total: true,
        tells_page_size: false,
    };
    let (early, late) = (entries(&[5; 30], 1, 1), entries(&[200; 3], 100_001, 1));
    let desks = [
        Desk::new(
            Vendor::FirstLine,
            FakeVendor::new(manner(Sorted::IdFalling), early),
        ),
        Desk::new(
            Vendor::Bangwo8,
            FakeVendor::new(manner(Sorted::IdRising), late),
        ),
    ];
    assert_eq!(walk(&desks, 10, &[0]).len(), 33);
}

#[test]
fn a_walk_ends_when_a_list_ends_with_a_page_of_its_vendor() {
    let manner = |cap| Manner {
        sorted: Sorted::IdFalling,
        cap,
        tells_total: true,
        tells_page_size: false,
    };
    let desks = [
        Desk::new(
            Vendor::FirstLine,
            FakeVendor::new(manner(17), entries(&[1; 68], 1, 1)),
        ),
        Desk::new(
            Vendor::Bangwo8,
            FakeVendor::new(manner(3), entries(&[1; 8], 100_001, 1)),
        ),
    ];
    assert_eq!(walk(&desks, 15, &[0]).len(), 76);
}
