//! A simulated vendor: one list, served as the documents of the vendors leave it open.

use std::{
    cmp::Reverse,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use futures_util::FutureExt;
use jiff::{Timestamp, tz::Offset};

use super::super::*;
use crate::{
    domain::{
        DateTime, ListOrder, Vendor, VendorNumber, VendorPage, VendorPageRequest, VendorZone,
    },
    error::Result,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) second: Option<Second>,
    changed: u64,
}

impl Row {
    pub(super) fn new(number: u64, second: Option<Second>) -> Self {
        Self {
            number,
            second,
            changed: number,
        }
    }
}

impl Dated for Row {
    fn created_at(&self) -> Option<DateTime> {
        Some(DateTime {
            timestamp: Timestamp::from_second(self.second?).ok()?,
            offset: Offset::UTC,
        })
    }

    fn number(&self) -> VendorNumber {
        VendorNumber::new(self.number).expect("the tests number from 1")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
    NewestNumberFirst,
    LastChange,
    /// By a hash of the number.
    Shuffled(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cached {
    Yes,
    No,
}

/// How a vendor serves its list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    pub(super) order: Order,
    /// The most rows of a page.
    pub(super) cap: u32,
    /// Every page has as many rows as that, whatever was requested.
    pub(super) ignores_page_size: bool,
    pub(super) reports_total: bool,
    pub(super) reports_next: bool,
    pub(super) filters_by_day: bool,
    pub(super) end_is_exclusive: bool,
    pub(super) ignores_time: bool,
    /// Bounds of seconds are read as their days.
    pub(super) reads_days: bool,
    /// The gateway leaves out two rows of three.
    pub(super) filters_here: bool,
    pub(super) cached: Cached,
    pub(super) hint: Option<ListOrder>,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            order: Order::NewestFirst,
            cap: 100,
            ignores_page_size: false,
            reports_total: true,
            reports_next: true,
            filters_by_day: false,
            end_is_exclusive: false,
            ignores_time: false,
            reads_days: false,
            filters_here: false,
            cached: Cached::No,
            hint: None,
        }
    }
}

const PAGE_SIZE: u32 = 100;
const MAX_VENDOR_CALLS: u32 = 200;
const MAX_VENDOR_PAGES: u32 = 10;

/// A window and the second that it was requested to end at.
type CachedWindow = (Option<Second>, Arc<Window<Row>>);

pub(super) struct SimulatedVendor {
    vendor: Vendor,
    pub(super) traits: Traits,
    rows: Mutex<Vec<Row>>,
    windows: Mutex<Vec<CachedWindow>>,
    observations: Observations,
    zone: VendorZone,
    budget: Mutex<Budget>,
    calls: AtomicU32,
    next_number: AtomicU64,
    now: Second,
}

/// What a simulated vendor does is done at once.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

impl SimulatedVendor {
    pub(super) fn new(vendor: Vendor, traits: Traits, rows: Vec<Row>, now: Second) -> Self {
        Self {
            vendor,
            traits,
            next_number: AtomicU64::new(rows.iter().map(|row| row.number).max().unwrap_or(0) + 10),
            rows: Mutex::new(rows),
            windows: Mutex::default(),
            observations: Observations::new(std::time::Duration::from_secs(3600)),
            zone: VendorZone::named("Asia/Taipei").expect("the bundled data has the zone"),
            budget: Mutex::new(Budget::new(0)),
            calls: AtomicU32::new(0),
            now,
        }
    }

    pub(super) fn begin_request(&self) {
        let pages = match self.traits.filters_here {
            true => MAX_VENDOR_PAGES,
            false => MAX_VENDOR_CALLS,
        };
        *self.budget.lock().expect("no test panics here") = Budget::new(pages);
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.lock().expect("no test panics here").clone()
    }

    fn edit(&self, edit: impl FnOnce(&mut Vec<Row>)) {
        edit(&mut self.rows.lock().expect("no test panics here"));
        self.windows.lock().expect("no test panics here").clear();
    }

    pub(super) fn insert(&self, second: Second) {
        self.edit(|rows| {
            // No vendor gives a number twice.
            let number = self.next_number.fetch_add(1, Ordering::Relaxed);
            rows.push(Row::new(number, Some(second)));
        });
    }

    pub(super) fn delete(&self, seed: u64) {
        self.edit(|rows| {
            if !rows.is_empty() {
                let index = seed as usize % rows.len();
                rows.remove(index);
            }
        });
    }

    /// Moves a row where the vendor lists by the last change.
    pub(super) fn change(&self, seed: u64) {
        self.edit(|rows| {
            let latest = rows.iter().map(|row| row.changed).max().unwrap_or(0);
            if !rows.is_empty() && self.traits.order == Order::LastChange {
                let index = seed as usize % rows.len();
                let row = rows[index].clone();
                // The change itself is not a part of what is compared.
                rows.remove(index);
                rows.insert(0, row);
                let _ = latest;
            }
        });
    }

    fn in_order(&self, rows: &mut [Row]) {
        match self.traits.order {
            Order::NewestFirst => {
                rows.sort_by_key(|row| (Reverse(row.second), Reverse(row.number)))
            }
            Order::OldestFirst => rows.sort_by_key(|row| (row.second, row.number)),
            Order::NewestNumberFirst => rows.sort_by_key(|row| Reverse(row.number)),
            Order::LastChange => {}
            Order::Shuffled(seed) => {
                rows.sort_by_key(|row| (row.number ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            }
        }
    }

    fn page(&self, span: Span, request: VendorPageRequest) -> VendorPage<Row> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        assert!(request.per_page <= PAGE_SIZE);
        let traits = self.traits;
        let has_bounds = span != Span::EVERYTHING;
        let span = match traits.reads_days {
            true => Granularity::Day(&self.zone).aligned(span),
            false => span,
        };
        let is_listed = |row: &Row| {
            if !has_bounds || traits.ignores_time {
                return true;
            }
            // A comparison with null is never true.
            let Some(second) = row.second else {
                return false;
            };
            let after = span.from.is_none_or(|from| match traits.end_is_exclusive {
                true => second > from,
                false => second >= from,
            });
            let before = span.to.is_none_or(|to| match traits.end_is_exclusive {
                true => second < to,
                false => second <= to,
            });
            after && before
        };
        if traits.filters_by_day {
            let zone = Granularity::Day(&self.zone);
            assert!(
                span == zone.aligned(span) || span == Span::ALL_TIME,
                "whole days are requested"
            );
        }
        let mut rows: Vec<Row> = self.rows().into_iter().filter(is_listed).collect();
        self.in_order(&mut rows);
        let per_page = match traits.ignores_page_size {
            true => traits.cap,
            false => request.per_page.min(traits.cap),
        } as usize;
        let start = (request.page as usize - 1) * per_page;
        let items: Vec<_> = rows
            .iter()
            .skip(start)
            .take(per_page)
            .cloned()
            .map(Arc::new)
            .collect();
        VendorPage {
            total: traits.reports_total.then_some(rows.len() as u64),
            per_page: None,
            last_page: None,
            has_next: traits
                .reports_next
                .then_some(start + items.len() < rows.len()),
            unreadable: 0,
            items,
        }
    }

    fn reader(
        &self,
    ) -> ListReader<
        '_,
        impl Fn(Span, VendorPageRequest) -> std::future::Ready<Result<VendorPage<Row>>>,
    > {
        ListReader {
            kind: (self.vendor, "rows", 0),
            observations: &self.observations,
            granularity: match self.traits.filters_by_day {
                true => Granularity::Day(&self.zone),
                false => Granularity::Second,
            },
            zone: &self.zone,
            range: Range::default(),
            page_size: PAGE_SIZE,
            order: self.traits.hint,
            now: self.now,
            fetch: |span, request| std::future::ready(Ok(self.page(span, request))),
        }
    }

    fn cached_window(&self, second: Second) -> Option<Arc<Window<Row>>> {
        let windows = self.windows.lock().expect("no test panics here");
        let mut windows = windows.iter().map(|(_, window)| window);
        windows.find(|window| window.span.contains(second)).cloned()
    }
}

impl Feed<Row> for SimulatedVendor {
    fn vendor(&self) -> Vendor {
        self.vendor
    }

    fn cached_at(&self, second: Second) -> Option<Arc<Window<Row>>> {
        self.cached_window(second)
    }

    fn recent(&self, second: Option<Second>) -> Option<Arc<Window<Row>>> {
        match second {
            Some(second) => self.cached_window(second),
            None => {
                let windows = self.windows.lock().expect("no test panics here");
                let newest = windows.iter().find(|(upper, _)| upper.is_none());
                newest.map(|(_, window)| Arc::clone(window))
            }
        }
    }

    async fn window(&self, upper: Option<Second>, want: Want) -> Result<Arc<Window<Row>>> {
        let budget = Budget::new(MAX_VENDOR_CALLS);
        let window = self.reader().window(&budget, upper, want).await?;
        let window = Arc::new(window);
        self.budget
            .lock()
            .expect("no test panics here")
            .spend(window.calls);
        if self.traits.cached == Cached::Yes {
            let mut windows = self.windows.lock().expect("no test panics here");
            windows.push((upper, Arc::clone(&window)));
        }
        Ok(window)
    }

    async fn has_undated(&self) -> Result<bool> {
        let request = VendorPageRequest {
            page: 1,
            per_page: 1,
        };
        let total = |span| self.page(span, request).total;
        Ok(total(Span::EVERYTHING) > total(Span::ALL_TIME))
    }

    async fn undated(&self) -> Result<Vec<Arc<Row>>> {
        let budget = Budget::new(MAX_VENDOR_CALLS);
        let everything = self.reader().exactly(&budget, Span::EVERYTHING).await?;
        Ok(everything.undated)
    }

    fn admits(&self, row: &Row) -> bool {
        !self.traits.filters_here || row.number.is_multiple_of(3)
    }

    fn has_budget(&self) -> bool {
        self.budget.lock().expect("no test panics here").left() > 0
    }

    fn most_rows(&self) -> usize {
        let left = self
            .budget
            .lock()
            .expect("no test panics here")
            .left()
            .min(4);
        let rows = self
            .observations
            .rows_per_page((self.vendor, "rows", 0), PAGE_SIZE);
        (left * rows) as usize
    }

    fn now(&self) -> Second {
        self.now
    }
}
