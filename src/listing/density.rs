//! What was observed of a vendor's lists: how close together objects are created, and how many rows a page grants.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::Vendor;

/// Lists of one vendor and noun that are filtered by the same parameters, whatever their values.
pub type ListKind = (Vendor, &'static str, u32);

/// What was observed, by kind of list. Everything here is a guess that costs calls where it is wrong, and nothing else.
#[derive(Debug)]
pub struct Observations {
    by_kind: Mutex<HashMap<ListKind, Observed>>,
    /// After how long a vendor that did not apply bounds of time is sent them again.
    retry_after: Duration,
}

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
    /// When one of these two was seen. They are forgotten after a while, so that the vendor's filter is tried again.
    pub(super) outside_seen_at: Option<Instant>,
    /// Whether totals keep to the requested time range, and when that was seen.
    pub(super) totals_apply_time: Option<(bool, Instant)>,
    /// A page reported that another follows, so a report that none does is reliable.
    pub(super) reports_next: bool,
    /// Every page is the first one, whichever was requested.
    pub(super) repeats_first_page: bool,
}

impl Observed {
    /// Without what was seen too long ago to rely on.
    fn current(mut self, retry_after: Duration) -> Self {
        self.totals_apply_time
            .take_if(|(_, seen_at)| seen_at.elapsed() >= retry_after);
        match self.outside_seen_at {
            Some(seen_at) if seen_at.elapsed() >= retry_after => Self {
                ignores_time: false,
                slack: 0,
                outside_seen_at: None,
                ..self
            },
            _ => self,
        }
    }
}

impl Observations {
    pub fn new(retry_after: Duration) -> Self {
        Self {
            by_kind: Mutex::default(),
            retry_after,
        }
    }

    pub(super) fn of(&self, kind: ListKind) -> Observed {
        let observed = self.observed();
        let known = observed.get(&kind).copied();
        known.unwrap_or_default().current(self.retry_after)
    }

    pub(super) fn note(&self, kind: ListKind, change: impl FnOnce(&mut Observed)) {
        let mut observed = self.observed();
        let known = observed.entry(kind).or_default();
        *known = known.current(self.retry_after);
        change(known);
    }

    /// Whether the vendor was not seen to return rows outside the requested time range lately.
    pub fn applies_time(&self, kind: ListKind) -> bool {
        let observed = self.of(kind);
        !observed.ignores_time && observed.slack == 0
    }

    /// Whether the vendor's totals keep to the requested time range; none where that was not seen lately.
    pub fn totals_apply_time(&self, kind: ListKind) -> Option<bool> {
        let seen = self.of(kind).totals_apply_time;
        seen.map(|(apply_time, _)| apply_time)
    }

    pub fn note_totals(&self, kind: ListKind, apply_time: bool) {
        self.note(kind, |observed| {
            observed.totals_apply_time = Some((apply_time, Instant::now()));
        });
    }

    /// Forgets how many objects the filtered lists of a noun have: they may not have been filtered.
    pub fn forget_filtered(&self, vendor: Vendor, noun: &str) {
        let is_filtered =
            |(known, name, kind): &ListKind| *known == vendor && *name == noun && *kind != 0;
        for (kind, observed) in self.observed().iter_mut() {
            if is_filtered(kind) {
                observed.head = None;
                observed.gap = None;
            }
        }
    }

    fn observed(&self) -> MutexGuard<'_, HashMap<ListKind, Observed>> {
        self.by_kind.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn the_time_filter_of_a_vendor_is_tried_again_after_an_hour() {
        let kind = (Vendor::FirstLine, "tickets", 0);
        let observations = Observations::new(HOUR);
        observations.note(kind, |observed| {
            observed.ignores_time = true;
            observed.slack = 7;
            observed.granted = Some(50);
            observed.outside_seen_at = Some(Instant::now());
        });
        observations.note_totals(kind, false);
        time::advance(HOUR / 2).await;
        assert!(!observations.applies_time(kind));
        assert_eq!(observations.totals_apply_time(kind), Some(false));
        time::advance(HOUR / 2).await;
        assert!(observations.applies_time(kind));
        assert_eq!(observations.totals_apply_time(kind), None);
        assert_eq!(observations.of(kind).slack, 0);
        assert_eq!(observations.of(kind).granted, Some(50));
    }
}
