//! Walks through merged lists of simulated vendors, each compared with the sorted truth.

mod simulated;

use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::domain::Vendor;
use simulated::{Cached, Order, Row, SimulatedVendor, Traits, ready};

const NOW: Second = 1_800_000_000;
const MOST_PAGES: usize = 5_000;

/// One page after another by cursors, as a client requests them. `between` changes the vendors between two pages.
fn walk(
    vendors: &[SimulatedVendor],
    first: usize,
    mut between: impl FnMut(usize),
) -> (Vec<(Vendor, Row)>, usize) {
    let fingerprint = Fingerprint::of("walk");
    let mut given = Vec::new();
    let mut after: Option<String> = None;
    for pages in 1..=MOST_PAGES {
        let resume = decode(fingerprint, after.as_deref()).expect("it is a cursor of this list");
        let (position, saw_undated) = match resume {
            Some(Resume::Timed { after, saw_undated }) => (Some(after), saw_undated),
            _ => (None, false),
        };
        for vendor in vendors {
            vendor.begin_request();
        }
        let page = ready(merged_page(vendors, position, saw_undated, first));
        for (part, vendor) in page.parts.iter().zip(vendors) {
            let outcome = part.outcome.as_ref();
            let read = outcome.unwrap_or_else(|error| panic!("{:?}: {error}", vendor.traits));
            assert_eq!(read.too_large, None, "{:?}", vendor.traits);
        }
        assert!(page.nodes.len() <= first);
        let nodes = page.nodes.iter();
        given.extend(nodes.map(|(position, row)| (position.vendor, Row::clone(row))));
        if !page.has_next {
            return (given, pages);
        }
        let saw_undated = page.saw_undated;
        let timed = |after| Resume::Timed { after, saw_undated };
        let edges = page.nodes.iter().map(|(position, _)| timed(*position));
        let cursors = Cursors::new(fingerprint, edges.collect(), page.end.map(timed));
        let end = cursors.end();
        assert!(
            end.is_some(),
            "a page that is not the last says where to go on"
        );
        assert_ne!(end, after, "the walk stands still");
        after = end;
        between(pages);
    }
    panic!("the walk does not end");
}

/// Sorted as the list has to be.
fn sorted(vendors: &[SimulatedVendor]) -> Vec<(Vendor, Row)> {
    let mut truth: Vec<(Vendor, Row)> = vendors
        .iter()
        .flat_map(|vendor| {
            let rows = vendor.rows();
            rows.into_iter()
                .filter(|row| vendor.admits(row))
                .map(|row| (Feed::vendor(vendor), row))
                .collect::<Vec<_>>()
        })
        .collect();
    truth.sort_by_key(|(vendor, row)| (Reverse(row.second), *vendor, Reverse(row.number)));
    truth
}

fn vendors(sides: [(Traits, Vec<Row>); 2]) -> [SimulatedVendor; 2] {
    let [(one, ones), (other, others)] = sides;
    [
        SimulatedVendor::new(Vendor::FirstLine, one, ones, NOW),
        SimulatedVendor::new(Vendor::Bangwo8, other, others, NOW),
    ]
}

/// Rows by the gaps between their creations, newest last, some of them out of place.
fn rows(gaps: &[i64], unit: i64, out_of_place: &[(usize, i64)], first_number: u64) -> Vec<Row> {
    let mut second = NOW - gaps.iter().sum::<i64>() * unit;
    let mut rows: Vec<Row> = (first_number..)
        .zip(gaps)
        .map(|(number, gap)| {
            second += gap * unit;
            Row::new(number, Some(second))
        })
        .collect();
    for (index, displaced) in out_of_place {
        let count = rows.len();
        if count > 0 {
            let row = &mut rows[index % count];
            row.second = row.second.map(|second| second - displaced * unit);
        }
    }
    rows
}

fn traits() -> impl Strategy<Value = Traits> {
    let order = prop_oneof![
        Just(Order::NewestFirst),
        Just(Order::OldestFirst),
        Just(Order::NewestNumberFirst),
        Just(Order::LastChange),
        any::<u64>().prop_map(Order::Shuffled),
    ];
    (
        order,
        5_u32..200,
        any::<[bool; 6]>(),
        prop_oneof![9 => Just((false, false)), 1 => Just((true, false)), 1 => Just((false, true))],
        prop_oneof![9 => Just(false), 1 => Just(true)],
    )
        .prop_map(
            |(order, cap, flags, (reads_days, ignores_time), filters_here)| Traits {
                order,
                cap,
                ignores_page_size: flags[0],
                reports_total: flags[1] || !flags[2],
                reports_next: flags[2],
                filters_by_day: flags[3],
                end_is_exclusive: flags[4] && !flags[3],
                cached: match flags[5] {
                    true => Cached::Yes,
                    false => Cached::No,
                },
                filters_here,
                reads_days: reads_days && !flags[3],
                ignores_time,
                ..Traits::default()
            },
        )
}

/// Most often a row now and then, at times many in one second, at times a long pause.
fn gaps(most: usize) -> impl Strategy<Value = Vec<i64>> {
    let gap = prop_oneof![6 => 1_i64..600, 3 => Just(0_i64), 1 => 600_i64..400_000];
    prop::collection::vec(gap, 0..most)
}

fn side(most: usize, first_number: u64) -> impl Strategy<Value = (Traits, Vec<Row>)> {
    let out_of_place = prop::collection::vec((any::<usize>(), 0_i64..1_000_000), 0..4);
    let undated = prop::collection::vec(any::<usize>(), 0..2);
    (traits(), gaps(most), out_of_place, 1_i64..40, undated).prop_map(
        move |(traits, gaps, out_of_place, unit, undated)| {
            let mut rows = rows(&gaps, unit, &out_of_place, first_number);
            // A vendor that leaves such rows out of what it filters by time shows them nowhere but in the whole list.
            for index in undated {
                let count = rows.len();
                if count > 0 && traits.reports_total {
                    rows[index % count].second = None;
                }
            }
            (traits, rows)
        },
    )
}

/// Says where two lists part, in a line.
fn same(given: &[(Vendor, Row)], truth: &[(Vendor, Row)]) -> Result<(), TestCaseError> {
    if given == truth {
        return Ok(());
    }
    let index = given
        .iter()
        .zip(truth)
        .take_while(|(one, other)| one == other)
        .count();
    Err(TestCaseError::fail(format!(
        "{} of {} rows; at {index} stands {:?}, not {:?}",
        given.len(),
        truth.len(),
        given.get(index),
        truth.get(index)
    )))
}

fn cases() -> u32 {
    let cases = std::env::var("LISTING_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_gives_the_sorted_truth(
        one in side(400, 1),
        other in side(400, 1_000_001),
        first in 1_usize..=100,
    ) {
        let vendors = vendors([one, other]);
        let (given, _) = walk(&vendors, first, |_| {});
        same(&given, &sorted(&vendors))?;
    }

    #[test]
    fn a_walk_gives_what_was_there_throughout_while_rows_come_change_and_go(
        one in side(200, 1),
        other in side(200, 1_000_001),
        first in 1_usize..=60,
        changes in prop::collection::vec((any::<bool>(), any::<u64>(), 0_i64..2_000_000), 1..6),
    ) {
        let vendors = vendors([one, other]);
        let before = sorted(&vendors);
        let (given, _) = walk(&vendors, first, |page| {
            let (which, seed, age) = changes[page % changes.len()];
            let vendor = &vendors[usize::from(which)];
            match seed % 4 {
                0 => vendor.insert(NOW - age),
                1 => vendor.insert(NOW),
                2 => vendor.delete(seed),
                _ => vendor.change(seed),
            }
        });
        let after = sorted(&vendors);
        let was_there_throughout = |row: &(Vendor, Row)| before.contains(row) && after.contains(row);
        let (throughout, others): (Vec<_>, Vec<_>) =
            given.into_iter().partition(|row| was_there_throughout(row));
        let expected: Vec<_> = before.iter().filter(|row| after.contains(row)).cloned().collect();
        same(&throughout, &expected)?;
        // Whatever else was given came or went meanwhile, and was given once.
        let mut numbers: Vec<_> = others.iter().map(|(vendor, row)| (*vendor, row.number)).collect();
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), count);
    }
}

fn evenly(count: u64, seconds_apart: i64, first_number: u64) -> Vec<Row> {
    let row = |index| {
        let second = NOW - index as i64 * seconds_apart;
        Row::new(first_number + (count - index), Some(second))
    };
    (0..count).map(row).collect()
}

#[test]
fn a_first_page_takes_two_calls_newest_first_and_three_otherwise() {
    for first in [1, 5, 20, 50, 100] {
        for (order, most) in [
            (Order::NewestFirst, 2),
            (Order::NewestNumberFirst, 2),
            (Order::OldestFirst, 3),
        ] {
            for by_day in [false, true] {
                let traits = Traits {
                    order,
                    filters_by_day: by_day,
                    ..Traits::default()
                };
                let spread = if by_day { 7_200 } else { 300 };
                let vendor =
                    SimulatedVendor::new(Vendor::FirstLine, traits, evenly(2_000, spread, 1), NOW);
                let vendors = [vendor];
                vendors[0].begin_request();
                let page = ready(merged_page(&vendors, None, false, first));
                assert_eq!(page.nodes.len(), first);
                assert!(page.has_next);
                let calls = vendors[0].calls();
                assert!(calls <= most, "{first} {order:?} by day: {by_day}: {calls}");
            }
        }
    }
}

#[test]
fn a_long_walk_takes_little_more_calls_than_it_has_pages() {
    for first in [20, 100] {
        for order in [Order::NewestFirst, Order::OldestFirst, Order::Shuffled(7)] {
            for by_day in [false, true] {
                let traits = Traits {
                    order,
                    cached: Cached::Yes,
                    filters_by_day: by_day,
                    ..Traits::default()
                };
                let sides = [
                    (traits, evenly(10_000, 300, 1)),
                    (traits, evenly(10_000, 310, 1_000_001)),
                ];
                let vendors = vendors(sides);
                let (given, pages) = walk(&vendors, first, |_| {});
                assert_eq!(given.len(), 20_000);
                for vendor in &vendors {
                    let calls = vendor.calls();
                    assert!(
                        calls <= 135,
                        "{first} {order:?} by day {by_day}: {calls} calls for {pages} pages"
                    );
                }
            }
        }
    }
}

#[test]
fn without_a_cache_a_page_of_a_walk_takes_one_call_on_average() {
    let traits = Traits::default();
    let vendors = [SimulatedVendor::new(
        Vendor::FirstLine,
        traits,
        evenly(10_000, 300, 1),
        NOW,
    )];
    let (given, pages) = walk(&vendors, 20, |_| {});
    assert_eq!(given.len(), 10_000);
    let calls = vendors[0].calls() as usize;
    assert!(
        calls <= pages + pages / 20 + 5,
        "{calls} calls for {pages} pages"
    );
}

#[test]
fn the_cursor_of_version_1_is_refused_with_a_sentence_that_says_what_to_do() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let fingerprint = Fingerprint::of("list");
    let former = r#"{"v":1,"q":7,"p":{"firstline":{"n":5,"t":1,"i":3,"l":9,"o":"n"}}}"#;
    let error = decode(fingerprint, Some(&URL_SAFE_NO_PAD.encode(former))).expect_err("it is old");
    assert!(
        error
            .to_string()
            .contains("start again from the first page"),
        "{error}"
    );
}

#[test]
fn a_fingerprint_stays_the_same_from_one_version_to_the_next() {
    let fingerprint = Fingerprint::of("Query.tickets tickets vendors=12: =8:Bangwo8");
    let cursors = Cursors::new(
        fingerprint,
        vec![Resume::Numbered {
            vendor: Vendor::FirstLine,
            number: 7,
        }],
        None,
    );
    assert_eq!(
        cursors.end().as_deref(),
        Some("eyJ2IjoyLCJxIjo2MzQ3OTk0ODI5ODQxNzI0MjYxLCJkIjoiZmlyc3RsaW5lIiwibiI6N30")
    );
}

/// How many calls a walk over one vendor's list takes, and what it gives.
fn calls_of_walk(traits: Traits, rows: Vec<Row>, first: usize) -> u32 {
    let vendors = [SimulatedVendor::new(Vendor::FirstLine, traits, rows, NOW)];
    let (given, _) = walk(&vendors, first, |_| {});
    assert_eq!(given, sorted(&vendors));
    vendors[0].calls()
}

#[test]
fn an_import_of_one_second_is_read_once_by_a_walk() {
    for order in [Order::NewestFirst, Order::OldestFirst, Order::Shuffled(3)] {
        let traits = Traits {
            order,
            cached: Cached::Yes,
            ..Traits::default()
        };
        let import = (10_001..11_501).map(|number| Row::new(number, Some(NOW - 40_000)));
        let rows = evenly(800, 100, 1).into_iter().chain(import).collect();
        let calls = calls_of_walk(traits, rows, 100);
        assert!(calls <= 120, "{order:?}: {calls}");
    }
}

#[test]
fn rows_just_before_the_day_that_was_requested_show_that_days_are_ignored() {
    let traits = Traits {
        order: Order::NewestNumberFirst,
        cap: 37,
        reports_next: false,
        filters_by_day: true,
        ignores_time: true,
        ..Traits::default()
    };
    // Midnight in the vendor's zone is 11 seconds after the last of the first rows.
    let before_midnight = (0..117).map(|index| 1_791_128_313 + 11 * index);
    let seconds = before_midnight
        .chain((0..7).map(|index| 1_791_132_295 + 1_500 * index))
        .chain((0..3).map(|index| 1_794_375_150 + 2_000 * index))
        .chain((0..22).map(|index| 1_797_211_456 + 2_600 * index))
        .chain([NOW - 4_565, NOW, NOW, NOW]);
    let rows: Vec<_> = (1..)
        .zip(seconds)
        .map(|(number, second)| Row::new(number, Some(second)))
        .collect();
    let count = rows.len();
    let vendors = [SimulatedVendor::new(Vendor::Bangwo8, traits, rows, NOW)];
    let (given, _) = walk(&vendors, 20, |_| {});
    assert_eq!(given.len(), count);
    assert_eq!(given, sorted(&vendors));
}
