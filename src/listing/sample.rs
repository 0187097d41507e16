//! What the first rows of a span tell of the rest, and where a window should begin that holds the wanted ones.

use std::{cmp::Reverse, sync::Arc};

use super::{
    pages::{Known, Rows},
    position::Dated,
    span::{Second, Span},
};
use crate::domain::{ListOrder, VendorPageRequest};

/// How many objects a window should hold: as many as are wanted, some to spare, and as few pages as that takes.
pub(super) fn target(wanted: usize, granted: u64) -> u64 {
    let wanted = wanted as f64;
    let granted = granted as f64;
    let rows = if wanted <= granted * 0.85 {
        (wanted * 1.3 + 4.0).min(granted * 0.9)
    } else {
        (wanted / granted - 0.15).ceil().max(1.0) * granted * 0.9
    };
    (rows as u64).max(1)
}

pub(super) fn back(end: Second, gap: f64, rows: f64) -> Second {
    let length = (gap * rows).clamp(0.0, 1e12) as Second;
    end.saturating_sub(length)
}

/// The first rows of a span that holds more than may be read, and what they tell of the rest.
pub(super) struct Sample {
    /// Newest first.
    seconds: Vec<Second>,
    order: SampleOrder,
    total: Option<u64>,
    served: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SampleOrder {
    NewestFirst,
    OldestFirst,
    Neither,
}

impl Sample {
    pub(super) fn new<T: Dated>(rows: &Rows<T>, total: Option<u64>, span: Span) -> Self {
        let seconds: Vec<Second> = rows
            .items
            .iter()
            .filter_map(|row| row.created_second())
            .filter(|second| span.contains(*second))
            .collect();
        let pairs = || seconds.windows(2);
        let falling = pairs().filter(|pair| pair[0] > pair[1]).count();
        let rising = pairs().filter(|pair| pair[0] < pair[1]).count();
        let order = match (falling, rising) {
            (falling, rising) if rising * 5 <= falling && falling > 0 => SampleOrder::NewestFirst,
            (falling, rising) if falling * 5 <= rising && rising > 0 => SampleOrder::OldestFirst,
            _ => SampleOrder::Neither,
        };
        let mut seconds = seconds;
        seconds.sort_unstable_by_key(|second| Reverse(*second));
        Self {
            seconds,
            order,
            total,
            served: rows.items.len() as u64,
        }
    }

    /// The page that holds the newest rows, where the first one turned out to hold the oldest. Where the vendor grants the
    /// requested page size, the page is as large as it takes to hold the wanted rows.
    pub(super) fn last_page(
        &self,
        wanted: usize,
        page_size: u32,
        hint: Option<ListOrder>,
    ) -> Option<VendorPageRequest> {
        let is_oldest_first = match self.order {
            SampleOrder::OldestFirst => true,
            SampleOrder::NewestFirst => false,
            SampleOrder::Neither => hint == Some(ListOrder::OldestFirst),
        };
        let (total, served) = (self.total?, self.served.max(1));
        if !is_oldest_first || total <= served {
            return None;
        }
        let on_last_page = |size: u64| total - (total - 1) / size * size;
        let full = match served == u64::from(page_size) {
            true => (1..=served)
                .rev()
                .find(|size| on_last_page(*size) >= wanted as u64),
            false => None,
        };
        let size = full.unwrap_or(served);
        Some(VendorPageRequest {
            page: u32::try_from(total.div_ceil(size)).ok()?,
            per_page: full.map_or(Some(page_size), |size| u32::try_from(size).ok())?,
        })
    }

    pub(super) fn with_last_page<T: Dated>(self, rows: Vec<Arc<T>>) -> Self {
        let rows = Rows::of(rows);
        let last = Sample::new(&rows, self.total, Span::EVERYTHING);
        if last.seconds.is_empty() {
            return self;
        }
        Self {
            order: SampleOrder::NewestFirst,
            ..last
        }
    }

    pub(super) fn newest(&self) -> Second {
        self.seconds.first().copied().unwrap_or_default()
    }

    /// Where a window should begin that holds the newest `wanted` objects.
    pub(super) fn start(
        &self,
        wanted: usize,
        granted: u64,
        span: Span,
        now: Second,
    ) -> Option<Second> {
        let newest = *self.seconds.first()?;
        let target = target(wanted, granted) as usize;
        if self.order == SampleOrder::NewestFirst {
            // An older row beyond the window shows that the list goes on.
            if self.seconds.len() >= wanted.max(2) {
                let index = target.min(self.seconds.len().saturating_sub(2)).max(wanted) - 1;
                return self.seconds.get(index).copied();
            }
            let gap = self.gap(self.seconds.len())?;
            let pages = (wanted as u64).div_ceil(granted).max(1);
            let between = (wanted as f64 + (pages * granted) as f64) / 2.0;
            return Some(back(newest, gap, between));
        }

        // A page of one second shows where the rows are.
        if self.seconds.len() > 1 && self.seconds.last() == Some(&newest) {
            return Some(newest);
        }
        let end = span.to.unwrap_or(now);
        match (span.from, self.total) {
            (Some(from), Some(total)) => {
                let gap = (end - from).max(0) as f64 / total as f64;
                return Some(back(end, gap, target as f64));
            }
            (_, None) => {
                let gap = self.gap(self.seconds.len())?;
                return Some(back(end, gap, target as f64));
            }
            (None, Some(_)) => {}
        }
        // Each row stands for as many of the list.
        let stride = self
            .total
            .map_or(1.0, |total| total as f64 / self.seconds.len() as f64);
        let index = target as f64 / stride.max(1.0);
        if index >= 1.0 {
            let index = (index as usize).min(self.seconds.len() - 1);
            return self.seconds.get(index).copied();
        }
        let gap = self.gap(self.seconds.len().min(10))?;
        Some(back(newest, gap / stride, target as f64))
    }

    /// Seconds between two of the newest `count` rows.
    fn gap(&self, count: usize) -> Option<f64> {
        let newest = *self.seconds.first()?;
        let oldest = *self.seconds.get(count.max(1) - 1)?;
        Some((newest - oldest) as f64 / (count.max(2) - 1) as f64)
    }
}

/// Whether a window whose newest rows are these is expected to hold no more than as many again.
fn is_two_pages<T: Dated>(rows: &[Arc<T>], requested: Span) -> bool {
    let seconds = || rows.iter().filter_map(|row| row.created_second());
    let (Some(newest), Some(oldest), Some(from)) =
        (seconds().max(), seconds().min(), requested.from)
    else {
        return false;
    };
    newest > oldest && (newest - from) * 5 <= (newest - oldest) * 9
}

/// What the first page of a list without a lower bound showed, before a window was chosen from it.
pub(super) struct Probed<T> {
    rows: Vec<Arc<T>>,
    is_newest_first: bool,
    served: u64,
    total: Option<u64>,
    oldest: Option<Second>,
    pub(super) list_total: Option<u64>,
}

impl<T> Default for Probed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            is_newest_first: false,
            served: 0,
            total: None,
            oldest: None,
            list_total: None,
        }
    }
}

impl<T: Dated> Probed<T> {
    pub(super) fn new(
        sample: Sample,
        first: Rows<T>,
        total: Option<u64>,
        is_whole_list: bool,
    ) -> Self {
        Self {
            served: first.items.len() as u64,
            oldest: first
                .items
                .iter()
                .filter_map(|row| row.created_second())
                .min(),
            rows: first.items,
            is_newest_first: sample.order == SampleOrder::NewestFirst,
            total,
            list_total: total.filter(|_| is_whole_list),
        }
    }

    /// The rows of the window that were seen. They are used once: what they do not confirm is read. Where the vendor lists newest
    /// first and the window takes two pages, they are its first page.
    pub(super) fn known(&mut self, requested: Span) -> Known<T> {
        let rows = std::mem::take(&mut self.rows);
        let is_requested = |row: &Arc<T>| {
            row.created_second()
                .is_some_and(|second| requested.contains(second))
        };
        let is_page_of_window =
            self.is_newest_first && rows.iter().all(is_requested) && is_two_pages(&rows, requested);
        match is_page_of_window {
            true => Known::FirstPage(Rows::of(rows)),
            false => Known::Some(rows.into_iter().filter(is_requested).collect()),
        }
    }

    /// Whether the list was seen to have an object before that second.
    pub(super) fn has_older_than(&self, from: Second, in_window: u64) -> bool {
        self.oldest.is_some_and(|oldest| oldest < from)
            || self
                .total
                .is_some_and(|total| total > in_window.max(self.served))
    }
}
