//! One list out of the vendors' lists: newest first, pageable without loss.

use std::{cmp::Reverse, sync::Arc};

use jiff::Timestamp;

use super::{
    Cursors, Page,
    cursor::{Cursor, Position},
};
use crate::{
    domain::{Limit, SourceState, SourceStatus, Vendor, VendorZone},
    error::Result,
    upstream::paged_list::{Dated, Place, Reading, Resume},
};

/// What was read of one vendor's list for one page of the merged one.
pub(super) struct Part<'a, T> {
    pub vendor: Vendor,
    pub zone: &'a VendorZone,
    pub reading: Reading<T>,
    pub state: SourceState,
    pub read_at: Timestamp,
    pub counting: Counting,
}

/// Whether the vendor's total is the list's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    ByVendor,
    /// The gateway filtered: the vendor counts more than the list holds.
    Filtered,
}

/// How one configured vendor took part in a list.
pub(super) enum Participation<'a, T> {
    Skipped(Vendor),
    Asked(Result<Part<'a, T>>),
}

/// Merges by creation, newest first, then by vendor, then by number.
pub(super) fn merge<T: Dated>(
    before: Cursor,
    limit: Limit,
    participations: Vec<Participation<'_, T>>,
) -> Result<Page<T>> {
    let mut sources = Vec::new();
    let mut parts = Vec::new();
    let mut failures = Vec::new();
    for participation in participations {
        match participation {
            Participation::Skipped(vendor) => sources.push(SourceStatus::skipped(vendor)),
            Participation::Asked(Ok(part)) => {
                let fetched_at = part.zone.at(part.read_at);
                let total = part.total(&before);
                sources.push(SourceStatus::answered(
                    part.vendor,
                    part.state,
                    fetched_at,
                    total,
                ));
                parts.push(part);
            }
            Participation::Asked(Err(error)) => {
                let failure = error.vendor_failure().ok_or_else(|| error.clone())?;
                sources.push(SourceStatus::failed(failure));
                failures.push(error);
            }
        }
    }
    // Where every vendor that was asked failed there is no list; where one answered, its half is data.
    if parts.is_empty()
        && let Some(error) = failures.into_iter().next()
    {
        return Err(error);
    }

    let total_count = total_of(&sources);
    let has_previous_page = !before.is_start();
    let merged = Merged::new(&parts, limit);
    let steps: Vec<_> = merged.steps();
    let beyond = merged.beyond(&before, &steps);
    Ok(Page {
        has_next_page: merged.has_next,
        has_previous_page,
        nodes: merged
            .taken
            .into_iter()
            .map(|taken| Arc::clone(taken.item))
            .collect(),
        cursors: Cursors::new(before, steps, beyond),
        total_count,
        sources,
    })
}

/// The sum of the vendors' totals; none where one that was asked has none.
fn total_of(sources: &[SourceStatus]) -> Option<u64> {
    sources
        .iter()
        .filter(|source| source.state != SourceState::Skipped)
        .map(|source| source.total_count)
        .sum()
}

impl<T> Part<'_, T> {
    fn total(&self, before: &Cursor) -> Option<u64> {
        match self.counting {
            Counting::ByVendor => self.reading.total,
            // None of the list is exact whatever was filtered, where the whole list was looked at.
            Counting::Filtered => {
                let is_whole = before.position(self.vendor).is_none() && self.reading.is_end;
                let is_empty =
                    self.reading.total == Some(0) || (is_whole && self.reading.items.is_empty());
                is_empty.then_some(0)
            }
        }
    }
}

struct Taken<'a, T> {
    part: usize,
    resume: Resume,
    item: &'a Arc<T>,
}

struct Merged<'a, 'b, T> {
    parts: &'a [Part<'b, T>],
    taken: Vec<Taken<'a, T>>,
    has_next: bool,
    is_short: bool,
}

impl<'a, 'b, T: Dated> Merged<'a, 'b, T> {
    fn new(parts: &'a [Part<'b, T>], limit: Limit) -> Self {
        let mut items: Vec<Taken<'a, T>> = parts
            .iter()
            .enumerate()
            .flat_map(|(part, read)| {
                let items = read.reading.items.iter();
                items.map(move |(resume, item)| Taken {
                    part,
                    resume: *resume,
                    item,
                })
            })
            .collect();
        items.sort_by_key(|taken| Self::key(taken.item.place(), taken.part));

        // Past the place where a vendor's reading ran out, an unread object of it may come before the other vendor's.
        let frontier = parts
            .iter()
            .enumerate()
            .filter_map(|(part, read)| Some(Self::key(read.reading.ran_out_at?.after, part)))
            .min();
        let before_frontier = match frontier {
            Some(frontier) => items
                .iter()
                .take_while(|taken| Self::key(taken.item.place(), taken.part) <= frontier)
                .count(),
            None => items.len(),
        };
        let count = before_frontier.min(limit.get());
        let is_end = parts.iter().all(|read| read.reading.is_end);
        let has_next = items.len() > count || !is_end;
        items.truncate(count);
        Self {
            parts,
            is_short: frontier.is_some() && count < limit.get(),
            taken: items,
            has_next,
        }
    }

    fn key(place: Place, part: usize) -> (Reverse<Option<Timestamp>>, usize, Place) {
        (Reverse(place.created_at), part, place)
    }

    fn steps(&self) -> Vec<(Vendor, Position)> {
        let step = |taken: &Taken<'a, T>| {
            let vendor = self.parts[taken.part].vendor;
            (vendor, Position::Dated(taken.resume))
        };
        self.taken.iter().map(step).collect()
    }

    /// Where a page goes on that is short because readings ran out: past all that was looked at in vain.
    fn beyond(&self, before: &Cursor, steps: &[(Vendor, Position)]) -> Option<Cursor> {
        if !self.is_short {
            return None;
        }
        let mut cursor = before.clone();
        for (vendor, position) in steps {
            cursor.move_to(*vendor, *position);
        }
        let frontier = self
            .parts
            .iter()
            .enumerate()
            .filter_map(|(part, read)| {
                Some((Self::key(read.reading.ran_out_at?.after, part), part))
            })
            .min()?;
        let part = &self.parts[frontier.1];
        if let Some(resume) = part.reading.ran_out_at {
            cursor.move_to(part.vendor, Position::Dated(resume));
        }
        Some(cursor)
    }
}

/// The states and times of the pages that one reading took, as one.
#[derive(Debug, Default)]
pub(super) struct Provenance {
    state: Option<SourceState>,
    read_at: Option<Timestamp>,
}

impl Provenance {
    /// One stale page makes the reading stale; one fresh page among cached ones makes it fresh.
    pub(super) fn add(&mut self, state: SourceState, read_at: Timestamp) {
        let rank = |state: SourceState| match state {
            SourceState::Stale => 2,
            SourceState::Fresh => 1,
            _ => 0,
        };
        if self.state.is_none_or(|known| rank(state) > rank(known)) {
            self.state = Some(state);
        }
        self.read_at = Some(self.read_at.map_or(read_at, |known| known.min(read_at)));
    }

    pub(super) fn state(&self) -> SourceState {
        self.state.unwrap_or(SourceState::Fresh)
    }

    pub(super) fn read_at(&self) -> Timestamp {
        self.read_at.unwrap_or_else(Timestamp::now)
    }
}

#[cfg(test)]
mod tests;
