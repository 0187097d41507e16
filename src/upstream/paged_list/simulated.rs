//! A simulated vendor's list, for the tests of what reads it.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use jiff::{Timestamp, tz::Offset};
use proptest::prelude::*;

use super::Dated;
use crate::domain::{DateTime, VendorNumber, VendorPage, VendorPageRequest};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) second: i64,
}

impl Dated for Entry {
    fn created_at(&self) -> Option<DateTime> {
        let timestamp = Timestamp::from_second(self.second).ok()?;
        Some(DateTime {
            timestamp,
            offset: Offset::UTC,
        })
    }

    fn number(&self) -> VendorNumber {
        VendorNumber::new(self.number).expect("the tests number from 1")
    }
}

/// How a vendor orders its list and what it tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) sorted: Sorted,
    pub(crate) cap: u32,
    pub(crate) tells_total: bool,
    pub(crate) tells_page_size: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Sorted {
    IdFalling,
    IdRising,
    TimeFalling,
    TimeRising,
}

pub(crate) struct FakeVendor {
    manner: Manner,
    pub(crate) entries: RefCell<Vec<Entry>>,
    pub(crate) calls: Cell<u32>,
}

impl FakeVendor {
    pub(crate) fn new(manner: Manner, entries: Vec<Entry>) -> Self {
        Self {
            manner,
            entries: RefCell::new(entries),
            calls: Cell::new(0),
        }
    }

    pub(crate) fn page(&self, request: VendorPageRequest) -> VendorPage<Entry> {
        self.calls.set(self.calls.get() + 1);
        assert!(
            self.calls.get() < 2_000,
            "the list is read for ever: {request:?} of {} entries",
            self.entries.borrow().len()
        );
        let mut entries = self.entries.borrow().clone();
        match self.manner.sorted {
            Sorted::IdFalling => entries.sort_by_key(|entry| std::cmp::Reverse(entry.number)),
            Sorted::IdRising => entries.sort_by_key(|entry| entry.number),
            Sorted::TimeFalling => entries.sort_by_key(|entry| std::cmp::Reverse(entry.second)),
            Sorted::TimeRising => entries.sort_by_key(|entry| entry.second),
        }
        let per_page = request.per_page.min(self.manner.cap) as usize;
        let start = (request.page as usize - 1) * per_page;
        let items: Vec<_> = entries
            .iter()
            .skip(start)
            .take(per_page)
            .cloned()
            .map(Arc::new)
            .collect();
        VendorPage {
            total: self.manner.tells_total.then_some(entries.len() as u64),
            per_page: self.manner.tells_page_size.then_some(per_page as u32),
            last_page: None,
            has_next: Some(start + items.len() < entries.len()),
            items,
        }
    }

    pub(crate) fn add_arrivals(&self, count: usize) {
        let mut entries = self.entries.borrow_mut();
        for _ in 0..count {
            let newest = entries.iter().map(|entry| entry.number).max().unwrap_or(0);
            let latest = entries.iter().map(|entry| entry.second).max().unwrap_or(0);
            entries.push(Entry {
                number: newest + 1,
                second: latest + 1,
            });
        }
    }
}

pub(crate) const MANNERS: [Sorted; 4] = [
    Sorted::IdFalling,
    Sorted::IdRising,
    Sorted::TimeFalling,
    Sorted::TimeRising,
];

pub(crate) fn manner() -> impl Strategy<Value = Manner> {
    (0..MANNERS.len(), 3_u32..120, any::<bool>()).prop_map(|(sorted, cap, tells_page_size)| {
        Manner {
            sorted: MANNERS[sorted],
            cap,
            tells_total: true,
            tells_page_size,
        }
    })
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing")
        .block_on(future)
}
