//! What was observed of a vendor's lists: how close together objects are created, and how many rows a page grants.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Lists of one vendor and noun that are filtered by the same parameters, whatever their values.
pub type ListKind = (crate::domain::Vendor, &'static str, u32);

/// What was observed, by kind of list. Everything here is a guess that costs calls where it is wrong, and nothing else.
#[derive(Debug, Default)]
pub struct Observations(Mutex<HashMap<ListKind, Observed>>);

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Observed {
    /// The newest object of the newest window, and the seconds between two objects of that window.
    pub(super) head: Option<(i64, f64)>,
    /// Seconds between two objects in windows of the past.
    pub(super) gap: Option<f64>,
    /// The most rows that a page was seen to hold where more followed.
    pub(super) granted: Option<u32>,
    /// The vendor returns rows far outside the requested time range.
    pub(super) ignores_time: bool,
    /// By how many seconds the requested time range is widened, since rows were seen outside it.
    pub(super) slack: i64,
    /// A page reported that another follows, so a report that none does is reliable.
    pub(super) reports_next: bool,
    /// Every page is the first one, whichever was requested.
    pub(super) repeats_first_page: bool,
}

impl Observations {
    pub(super) fn of(&self, kind: ListKind) -> Observed {
        let observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.get(&kind).copied().unwrap_or_default()
    }

    pub(super) fn note(&self, kind: ListKind, change: impl FnOnce(&mut Observed)) {
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(observed.entry(kind).or_default());
    }

    /// The number of rows in a page of such a list, where `page_size` is requested.
    pub fn rows_per_page(&self, kind: ListKind, page_size: u32) -> u32 {
        let granted = self.of(kind).granted.unwrap_or(page_size);
        granted.min(page_size).max(1)
    }

    /// How many objects are expected in so many seconds; none where nothing was observed.
    pub fn expected_rows(&self, kind: ListKind, seconds: i64) -> Option<f64> {
        let observed = self.of(kind);
        let gap = observed.gap.or(observed.head.map(|(_, gap)| gap))?;
        Some(seconds as f64 / gap.max(0.001))
    }
}
