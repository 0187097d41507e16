//! One page of the list that the vendors' lists are together, and how each vendor took part.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use jiff::Timestamp;

use super::{
    super::{Cached, Page, Repository, TotalsWanted},
    Listed, VendorList,
};
use crate::{
    domain::{Limit, SourceState, SourceStatus, Vendor, VendorFailure, VendorZone},
    error::Result,
    listing::{Cursors, Fingerprint, Resume, Span, merged_page},
    upstream::VendorApi,
};

/// One filter has no more parameters that may turn out not to be applied.
const MOST_REFUTATIONS: usize = 12;

/// How one configured vendor takes part in a merged list.
pub(in crate::repository) enum Participation<'a, T: Listed> {
    Skipped(Vendor),
    Included(VendorList<'a, T>),
}

impl Repository {
    pub(in crate::repository) fn list<'a, T: Listed>(
        &'a self,
        vendor: &'a Arc<dyn VendorApi>,
        filter: T::Filter,
    ) -> VendorList<'a, T> {
        VendorList::new(&self.shared, &self.scope, vendor, filter)
    }

    /// The same object as the vendor's list returns it, found by its creation time.
    pub(in crate::repository) async fn listed<T: Listed>(
        &self,
        vendor: &Arc<dyn VendorApi>,
        object: &T,
    ) -> Result<Option<Arc<T>>>
    where
        T::Filter: Default,
    {
        let Some(second) = object.created_second() else {
            return Ok(None);
        };
        let list = self.list::<T>(vendor, T::Filter::default());
        let span = Span {
            from: Some(second),
            to: Some(second),
        };
        let window = list.exactly(span).await?.value;
        let found = window
            .rows
            .iter()
            .find(|row| row.number() == object.number());
        Ok(found.cloned())
    }

    /// One page of the list that the vendors' lists are together. Where a vendor turns out not to apply a filter, it is read once
    /// more, and the gateway applies that filter.
    pub(in crate::repository) async fn merged<'a, T: Listed>(
        &'a self,
        fingerprint: Fingerprint,
        after: Option<Resume>,
        limit: Limit,
        participations: impl Fn() -> Vec<Participation<'a, T>>,
        totals: TotalsWanted,
    ) -> Result<Page<T>> {
        let mut readings = 0;
        loop {
            let mut skipped = Vec::new();
            let mut lists = Vec::new();
            for participation in participations() {
                match participation {
                    Participation::Skipped(vendor) => skipped.push(SourceStatus::skipped(vendor)),
                    Participation::Included(list) => lists.push(list),
                }
            }
            let page = self
                .merged_once(fingerprint, after, limit, (&lists, skipped), totals)
                .await;
            readings += 1;
            // Each of them, for what each drops.
            let refuted = lists.iter().filter(|list| list.is_refuted()).count();
            if refuted == 0 || readings > MOST_REFUTATIONS {
                return page;
            }
        }
    }

    async fn merged_once<T: Listed>(
        &self,
        fingerprint: Fingerprint,
        after: Option<Resume>,
        limit: Limit,
        (lists, skipped): (&[VendorList<'_, T>], Vec<SourceStatus>),
        totals: TotalsWanted,
    ) -> Result<Page<T>> {
        let (position, saw_undated) = match after {
            Some(Resume::Timed { after, saw_undated }) => (Some(after), saw_undated),
            _ => (None, false),
        };
        let (page, ()) = join(
            merged_page(lists, position, saw_undated, limit.get()),
            self.read_totals_ahead(lists, position.is_some(), totals),
        )
        .await;
        let mut failures = Vec::new();
        let sources = page.parts.iter().zip(lists).map(async |(part, list)| {
            let read = part.outcome.as_ref()?;
            let total = match totals {
                TotalsWanted::Yes => list.total_of(read).await,
                TotalsWanted::No => None,
            };
            Ok(list.source(read, total))
        });
        let mut sources: Vec<SourceStatus> = join_all(sources)
            .await
            .into_iter()
            .map(|source: Result<_, &crate::error::Error>| {
                source.or_else(|error| {
                    let failure = error.vendor_failure().ok_or_else(|| error.clone())?;
                    failures.push(error.clone());
                    Ok(SourceStatus::failed(failure))
                })
            })
            .collect::<Result<_>>()?;
        // Where every included vendor failed there is no list; where one succeeded, its part is data.
        if !lists.is_empty()
            && failures.len() == lists.len()
            && let Some(error) = failures.into_iter().next()
        {
            return Err(error);
        }

        let total_count = total_of(&sources);
        sources.extend(skipped);
        sources.sort_by_key(|source| source.vendor);
        let saw_undated = page.saw_undated;
        let resume = |after| Resume::Timed { after, saw_undated };
        let edges = page.nodes.iter().map(|(position, _)| resume(*position));
        let cursors = Cursors::new(fingerprint, edges.collect(), page.end.map(resume));
        Ok(Page {
            has_next_page: page.has_next && cursors.advance_from(after),
            cursors,
            has_previous_page: position.is_some(),
            nodes: page.nodes.into_iter().map(|(_, node)| node).collect(),
            total_count,
            sources,
        })
    }

    /// Totals that the reading of the page will not show are read beside it. They are found in the cache afterwards.
    async fn read_totals_ahead<T: Listed>(
        &self,
        lists: &[VendorList<'_, T>],
        goes_on: bool,
        totals: TotalsWanted,
    ) {
        if totals == TotalsWanted::No {
            return;
        }
        let needs_total = |list: &&VendorList<'_, T>| list.needs_total(goes_on);
        let reads = lists.iter().filter(needs_total).map(VendorList::total);
        // A failure here is reported where the total is read.
        let _ = join_all(reads).await;
    }
}

/// The total of all vendors that take part; none where one has none.
pub(in crate::repository) fn total_of(sources: &[SourceStatus]) -> Option<u64> {
    let included = sources
        .iter()
        .filter(|source| source.state != SourceState::Skipped);
    let mut totals = included.map(|source| source.total_count);
    totals.try_fold(0, |sum: u64, total| Some(sum.saturating_add(total?)))
}

/// How the windows that one reading took came, as one.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::repository) struct Provenance {
    state: Option<SourceState>,
    read_at: Option<Timestamp>,
    /// What made it stale.
    failure: Option<VendorFailure>,
}

impl Provenance {
    pub(in crate::repository) fn of<T>(kept: &Cached<T>) -> Self {
        Self {
            state: Some(kept.state),
            read_at: Some(kept.read_at),
            failure: kept.failure,
        }
    }

    /// One stale window makes the reading stale; one fresh window among cached ones makes it fresh.
    pub(in crate::repository) fn add<T>(&mut self, kept: &Cached<T>) {
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

    pub(in crate::repository) fn source(
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
            detail: None,
        }
    }
}
