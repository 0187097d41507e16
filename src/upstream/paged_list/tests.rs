//! Readings of simulated lists: every order, page size and cap, while objects arrive.

use proptest::prelude::*;

use super::{simulated::*, window::SPARE, *};

fn list<'a>(orders: &'a LearnedOrders, max_calls: u32) -> PagedList<'a> {
    PagedList {
        orders,
        shape: "list",
        fingerprint: 0,
        max_per_page: 100,
        max_calls,
    }
}

fn entries(count: u64) -> Vec<Entry> {
    (1..=count)
        .map(|number| Entry {
            number,
            second: 1_000 * number as i64,
        })
        .collect()
}

/// Reads the list in pages of `first` and lets `arrivals` objects arrive after each.
fn walk(vendor: &FakeVendor, first: usize, arrivals: &[usize]) -> Vec<Entry> {
    let mut arrivals = arrivals.iter().copied().cycle();
    let orders = LearnedOrders::default();
    let between = || vendor.add_arrivals(arrivals.next().unwrap_or(0));
    walk_by(&orders, first, |request| vendor.page(request), between)
}

/// The same over a vendor that answers in a way of its own.
fn walk_by(
    orders: &LearnedOrders,
    first: usize,
    page: impl Fn(VendorPageRequest) -> VendorPage<Entry>,
    mut between: impl FnMut(),
) -> Vec<Entry> {
    let mut given = Vec::new();
    let mut resume = None;
    let mut pages = 0;
    loop {
        let reading = block_on(list(orders, 1_000).read(
            Searched::Closely,
            resume,
            first,
            |_| true,
            async |request| Ok(page(request)),
        ))
        .expect("the simulated vendor does not fail");
        let has_more = reading.items.len() > first;
        let is_end = reading.is_end;
        for (at, entry) in reading.items.into_iter().take(first) {
            resume = Some(at);
            given.push(Entry::clone(&entry));
        }
        if is_end && !has_more {
            return given;
        }
        pages += 1;
        assert!(pages < 1_000, "the walk does not end");

        between();
    }
}

/// Answers that the documents leave open: each has to be read whole and in order.
#[test]
fn a_vendor_that_takes_no_notice_of_the_page_size_is_read_whole() {
    for sorted in MANNERS {
        for (count, size) in [(91, 100), (91, 15), (63, 40), (250, 100), (5, 100)] {
            for first in [1, 9, 20, 100] {
                let vendor = FakeVendor::new(manner_of(sorted), entries(count));
                let always = |request: VendorPageRequest| {
                    vendor.page(VendorPageRequest {
                        per_page: size,
                        ..request
                    })
                };
                let orders = LearnedOrders::default();
                let given = walk_by(&orders, first, always, || ());
                assert_eq!(
                    given,
                    newest_first(entries(count)),
                    "{sorted:?} {count} {size} {first}"
                );
            }
        }
    }
}

#[test]
fn a_vendor_that_gives_its_whole_list_as_every_page_is_read_once() {
    for sorted in MANNERS {
        for tells_next in [Some(false), None] {
            for first in [1, 9, 20, 100] {
                let vendor = FakeVendor::new(manner_of(sorted), entries(63));
                let whole = |_| VendorPage {
                    has_next: tells_next,
                    ..vendor.page(VendorPageRequest {
                        page: 1,
                        per_page: 100,
                    })
                };
                let given = walk_by(&LearnedOrders::default(), first, whole, || ());
                assert_eq!(
                    given,
                    newest_first(entries(63)),
                    "{sorted:?} {tells_next:?} {first}"
                );
            }
        }
    }
}

#[test]
fn a_list_of_which_nothing_is_told_is_read_to_its_end() {
    for sorted in MANNERS {
        for cap in [15, 50, 100] {
            for first in [1, 9, 40, 100] {
                let manner = Manner {
                    cap,
                    tells_total: false,
                    ..manner_of(sorted)
                };
                let vendor = FakeVendor::new(manner, entries(137));
                let untold = |request| VendorPage {
                    has_next: None,
                    ..vendor.page(request)
                };
                let given = walk_by(&LearnedOrders::default(), first, untold, || ());
                assert_eq!(
                    given,
                    newest_first(entries(137)),
                    "{sorted:?} {cap} {first}"
                );
            }
        }
    }
}

#[test]
fn a_total_that_counts_the_page_alone_is_not_believed() {
    for sorted in MANNERS {
        for first in [9, 50] {
            let manner = Manner {
                cap: 30,
                ..manner_of(sorted)
            };
            let vendor = FakeVendor::new(manner, entries(91));
            let of_page = |request| {
                let page = vendor.page(request);
                VendorPage {
                    total: Some(page.items.len() as u64),
                    ..page
                }
            };
            let given = walk_by(&LearnedOrders::default(), first, of_page, || ());
            assert_eq!(given, newest_first(entries(91)), "{sorted:?} {first}");
        }
    }
}

fn manner_of(sorted: Sorted) -> Manner {
    Manner {
        sorted,
        cap: 100,
        tells_total: true,
        tells_page_size: false,
    }
}

fn newest_first(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(Dated::place);
    entries
}

#[test]
fn every_page_of_a_sorted_list_costs_one_call() {
    for sorted in [Sorted::IdFalling, Sorted::TimeFalling] {
        let manner = Manner {
            sorted,
            cap: 100,
            tells_total: true,
            tells_page_size: true,
        };
        for first in [1, 7, 20, 100] {
            let vendor = FakeVendor::new(manner, entries(300));
            let given = walk(&vendor, first, &[0]);
            assert_eq!(given, newest_first(entries(300)));
            assert_eq!(
                vendor.calls.get() as usize,
                300_usize.div_ceil(first),
                "pages of {first}"
            );
        }
    }
}

#[test]
fn a_list_that_is_served_oldest_first_costs_one_call_more_once() {
    let manner = Manner {
        sorted: Sorted::IdRising,
        cap: 100,
        tells_total: true,
        tells_page_size: false,
    };
    let vendor = FakeVendor::new(manner, entries(300));
    let orders = LearnedOrders::default();
    let read = || {
        block_on(list(&orders, 10).read(
            Searched::Closely,
            None,
            20,
            |_| true,
            async |request| Ok(vendor.page(request)),
        ))
        .expect("the simulated vendor does not fail")
    };

    assert_eq!(read().items[0].1.number, 300);
    assert_eq!(vendor.calls.get(), 2);
    assert_eq!(read().items[0].1.number, 300);
    assert_eq!(vendor.calls.get(), 3);
}

#[test]
fn a_search_reads_from_the_newest_end_and_stops_after_its_calls() {
    for sorted in MANNERS {
        let manner = Manner {
            sorted,
            cap: 100,
            tells_total: true,
            tells_page_size: false,
        };
        let vendor = FakeVendor::new(manner, entries(1_000));
        let orders = LearnedOrders::default();
        let find = |number: u64| {
            block_on(list(&orders, 4).find(
                |entry: &Entry| entry.number == number,
                async |request| Ok(vendor.page(request)),
            ))
            .expect("the simulated vendor does not fail")
        };
        assert_eq!(find(905).map(|entry| entry.number), Some(905), "{sorted:?}");
        assert_eq!(find(5), None, "{sorted:?}");
        assert!(vendor.calls.get() <= 8);
    }
}

#[test]
fn ordinals_are_read_whatever_the_order() {
    for sorted in MANNERS {
        let manner = Manner {
            sorted,
            cap: 40,
            tells_total: true,
            tells_page_size: false,
        };
        let vendor = FakeVendor::new(manner, entries(130));
        let orders = LearnedOrders::default();
        let (found, total) =
            block_on(list(&orders, 10).ordinals(51, 110, async |request| Ok(vendor.page(request))))
                .expect("the simulated vendor does not fail");
        let numbers: Vec<u64> = found.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, (51..=110).collect::<Vec<_>>(), "{sorted:?}");
        assert_eq!(total, Some(130));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_old_object_is_given_once_and_in_order(
        manner in manner(),
        gaps in prop::collection::vec(0_i64..50, 0..250),
        first in 1_usize..60,
        arrivals in prop::collection::vec(0_usize..4, 1..5),
    ) {
        // Objects of one second are the hard case: a gap of 0 makes them. Where a page of the vendor holds exactly what is
        // wanted, one that is first seen at a page's edge can't be told from one that was given.
        let on_last_page = first as u64 % u64::from(manner.cap);
        let can_spare = on_last_page != 0 && on_last_page + SPARE <= u64::from(manner.cap);
        let mut second = 1_000;
        let old: Vec<Entry> = gaps.iter().enumerate().map(|(index, gap)| {
            second += if can_spare { gap / 10 } else { gap / 10 + 1 };
            Entry { number: index as u64 + 1, second }
        }).collect();
        let vendor = FakeVendor::new(manner, old.clone());

        let given = walk(&vendor, first, &arrivals);

        let old_given: Vec<Entry> = given.into_iter().filter(|entry| entry.number <= old.len() as u64).collect();
        prop_assert_eq!(old_given, newest_first(old));
    }

    #[test]
    fn a_list_that_is_not_quite_sorted_is_read_whole_and_in_order(
        rising in any::<bool>(),
        nudges in prop::collection::vec(0_i64..4, 30..200),
        first in 5_usize..40,
    ) {
        let sorted = if rising { Sorted::IdRising } else { Sorted::IdFalling };
        let manner = Manner { sorted, cap: 100, tells_total: true, tells_page_size: false };
        let old: Vec<Entry> = nudges.iter().enumerate().map(|(index, nudge)| Entry {
            number: index as u64 + 1,
            second: 10_000 + 10 * (index as i64 + 3 * nudge),
        }).collect();
        let vendor = FakeVendor::new(manner, old.clone());
        let given = walk(&vendor, first, &[0]);
        // The disorder has to show on the pages that are read first: where it does not, a later page mends what it can.
        let mut numbers: Vec<u64> = given.iter().map(|entry| entry.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), given.len());
    }
}
