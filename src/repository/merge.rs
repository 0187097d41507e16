//! One list out of the vendors' lists: newest first, pageable without loss.

use std::{
    cmp::Reverse,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    Cursors, Kept, Page,
    cursor::{Cursor, Position},
};
use crate::{
    domain::{
        Limit, SourceState, SourceStatus, Vendor, VendorFailure, VendorPage, VendorPageRequest,
        VendorZone,
    },
    error::Result,
    upstream::{
        VendorApi,
        paged_list::{Dated, PagedList, Place, Reading, Resume, Searched},
    },
};

/// What was read of one vendor's list for one page of the merged one.
pub(super) struct Part<'a, T> {
    pub vendor: Vendor,
    pub zone: &'a VendorZone,
    pub reading: Reading<T>,
    pub provenance: Provenance,
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

/// Reads one vendor's part of a page, with each page of the vendor's through the cache. Where the gateway filters, `admits` says
/// what is in the list.
pub(super) async fn read_part<'a, T, Fetch, Answer>(
    vendor: &'a dyn VendorApi,
    list: PagedList<'_>,
    resume: Option<Resume>,
    wanted: usize,
    admits: Option<impl Fn(&T) -> bool>,
    fetch: Fetch,
) -> Result<Part<'a, T>>
where
    T: Dated + Clone,
    Fetch: Fn(VendorPageRequest) -> Answer,
    Answer: Future<Output = Result<Kept<VendorPage<T>>>>,
{
    let provenance = Mutex::new(Provenance::default());
    let fetch = async |request| {
        let kept = fetch(request).await?;
        let mut provenance = provenance.lock().unwrap_or_else(PoisonError::into_inner);
        provenance.add(&kept);
        Ok(VendorPage::clone(&kept.value))
    };
    let (searched, counting) = match admits {
        None => (Searched::Closely, Counting::ByVendor),
        Some(_) => (Searched::Sparsely, Counting::Filtered),
    };
    let admits = |item: &T| admits.as_ref().is_none_or(|admits| admits(item));
    let reading = list.read(searched, resume, wanted, admits, fetch).await?;

    Ok(Part {
        vendor: vendor.vendor(),
        zone: vendor.zone(),
        reading,
        provenance: provenance
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
        counting,
    })
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
                let total = part.total(&before);
                sources.push(part.provenance.source(part.vendor, part.zone, total));
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
    let answered = parts.iter().map(|part| part.vendor);
    let cursors = Cursors::merged(before, merged.steps(), answered, merged.beyond());
    Ok(Page {
        has_next_page: merged.has_next,
        has_previous_page,
        nodes: merged
            .taken
            .into_iter()
            .map(|taken| Arc::clone(taken.item))
            .collect(),
        cursors,
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
    fn beyond(&self) -> Option<(Vendor, Position)> {
        if !self.is_short {
            return None;
        }
        let ran_out = self.parts.iter().enumerate().filter_map(|(index, part)| {
            let resume = part.reading.ran_out_at?;
            let key = Self::key(resume.after, index);
            Some((key, (part.vendor, Position::Dated(resume))))
        });
        ran_out
            .min_by_key(|(key, _)| *key)
            .map(|(_, beyond)| beyond)
    }
}

/// How the pages that one reading took came, as one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Provenance {
    state: Option<SourceState>,
    read_at: Option<Timestamp>,
    /// What made it stale.
    failure: Option<VendorFailure>,
}

impl Provenance {
    pub(super) fn of<T>(kept: &Kept<T>) -> Self {
        Self {
            state: Some(kept.state),
            read_at: Some(kept.read_at),
            failure: kept.failure,
        }
    }

    /// One stale page makes the reading stale; one fresh page among cached ones makes it fresh.
    pub(super) fn add<T>(&mut self, kept: &Kept<T>) {
        let rank = |state: SourceState| match state {
            SourceState::Stale => 2,
            SourceState::Fresh => 1,
            _ => 0,
        };
        if self
            .state
            .is_none_or(|known| rank(kept.state) > rank(known))
        {
            self.state = Some(kept.state);
        }
        let oldest = self
            .read_at
            .map_or(kept.read_at, |known| known.min(kept.read_at));
        self.read_at = Some(oldest);
        self.failure = self.failure.or(kept.failure);
    }

    pub(super) fn source(
        self,
        vendor: Vendor,
        zone: &VendorZone,
        total_count: Option<u64>,
    ) -> SourceStatus {
        SourceStatus {
            vendor,
            state: self.state.unwrap_or(SourceState::Fresh),
            fetched_at: Some(zone.at(self.read_at.unwrap_or_else(Timestamp::now))),
            total_count,
            failure: self.failure,
        }
    }
}

#[cfg(test)]
mod tests;
