//! One vendor's list: its windows, through the cache, and its totals.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use futures_util::future::join;
use jiff::Timestamp;

use super::{
    super::{Cached, Lifetime, ReadKey, Shared},
    Listed, Provenance, TOTAL_ONLY, instant, kind_of, lock,
    reading::{Reading, read_list, total_within},
};
use crate::{
    context::RequestScope,
    domain::{SourceStatus, TimeGranularity, Vendor, VendorErrorCode, VendorFailure},
    error::Result,
    listing::{
        Budget, Feed, ListKind, MergedPage, Observations, PartRead, Range, Second, Span, Start,
        Want, Window, merged_page,
    },
    upstream::VendorApi,
};

/// How many pages of a vendor a walk that goes on reads at a time.
const MOST_PAGES_OF_WINDOW: u32 = 4;

/// One vendor's list, as one request reads it.
pub(in crate::repository) struct VendorList<'a, T: Listed> {
    shared: &'a Arc<Shared>,
    scope: &'a Arc<RequestScope>,
    vendor: &'a Arc<dyn VendorApi>,
    /// What the vendor is sent of the filter.
    filter: T::Filter,
    /// What the gateway applies of it, because the vendor can't or does not.
    left_over: Option<T::Filter>,
    plan: Plan,
    /// How many more pages may be read.
    budget: Budget,
    /// How many the last window took.
    last_calls: AtomicU32,
    stale: StaleUse,
    provenance: Mutex<Provenance>,
}

/// What the reading of a list relies on. Its rows may show that it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    /// What was known of the vendor's filters.
    revision: u64,
    /// Whether it applies the bounds of the creation time as they are sent.
    applies_time: bool,
}

/// Whether what a vendor said last may stand in for its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StaleUse {
    Allowed,
    /// The result is cached again or acted upon, which would hide that it is stale.
    Refused,
}

impl<'a, T: Listed> VendorList<'a, T> {
    pub(in crate::repository) fn new(
        shared: &'a Arc<Shared>,
        scope: &'a Arc<RequestScope>,
        vendor: &'a Arc<dyn VendorApi>,
        filter: T::Filter,
    ) -> Self {
        let capabilities = vendor.capabilities();
        let left_over = capabilities.left_to_gateway(T::TOPIC);
        let left_over = left_over.intersection(T::parameters(&filter));
        let limits = shared.limits();
        let sent = T::without(&filter, left_over);
        let kind = kind_of::<T>(vendor.vendor(), &sent);
        Self {
            budget: Budget::new(match left_over.is_empty() {
                true => scope.vendor_calls.allowed(),
                false => limits.max_vendor_pages,
            }),
            left_over: match left_over.is_empty() {
                true => None,
                false => Some(T::without(&filter, left_over.others())),
            },
            plan: Plan {
                revision: capabilities.unapplied_filters.revision,
                applies_time: shared.observations.applies_time(kind),
            },
            shared,
            scope,
            vendor,
            filter: sent,
            last_calls: AtomicU32::new(0),
            stale: StaleUse::Allowed,
            provenance: Mutex::default(),
        }
    }

    /// Drops what was read under a wrong belief, where the reading has shown since then that the vendor does not apply the filter
    /// as it was sent. The list has to be made and read again then.
    pub(in crate::repository) fn is_refuted(&self) -> bool {
        let revision = self.vendor.capabilities().unapplied_filters.revision;
        let is_refuted = revision != self.plan.revision;
        if is_refuted || (self.plan.applies_time && !self.applies_time()) {
            let vendor = self.vendor.vendor();
            self.shared.drop_read(vendor, T::TOPIC);
            self.shared.observations.forget_filtered(vendor, T::NAME);
        }
        is_refuted
    }

    pub(in crate::repository) fn applies_time(&self) -> bool {
        self.shared.observations.applies_time(self.kind())
    }

    /// The same list, of which so many pages are read at most, all of them from the vendor or fresh.
    pub(in crate::repository) fn limited_to(self, most_pages: u32) -> Self {
        Self {
            budget: Budget::new(most_pages),
            stale: StaleUse::Refused,
            ..self
        }
    }

    pub(in crate::repository) fn range(&self) -> Range {
        T::range(&self.filter)
    }

    /// How many rows a page of it is expected to hold.
    pub(in crate::repository) fn rows_per_page(&self) -> u64 {
        let observations: &Observations = &self.shared.observations;
        u64::from(
            observations.rows_per_page(self.kind(), self.vendor.capabilities().lists.page_size),
        )
    }

    pub(in crate::repository) fn kind(&self) -> ListKind {
        kind_of::<T>(self.vendor.vendor(), &self.filter)
    }

    fn key(&self, lifetime: Lifetime, read: impl std::hash::Hash) -> ReadKey {
        let canonical = T::canonical(&self.filter);
        let vendor = self.vendor.vendor();
        let cache = &self.shared.cache;
        cache.key(vendor, T::TOPIC, lifetime, (canonical.as_str(), read))
    }

    fn window_key(&self, upper: Option<Second>) -> ReadKey {
        let zone = self.vendor.zone();
        let is_past_day = |upper: Timestamp| zone.local(upper).date() < zone.today();
        // A whole day takes many pages, and changes less once it is over.
        let lifetime = match self.vendor.capabilities().lists.granularity {
            TimeGranularity::Day if instant(upper).is_some_and(is_past_day) => Lifetime::Entity,
            _ => Lifetime::List,
        };
        self.key(lifetime, ("window", upper))
    }

    fn index_key(&self) -> ReadKey {
        self.key(Lifetime::List, "windows")
    }

    /// The windows that may hold a second, the newest one of the list among them.
    fn candidates(&self, second: Second) -> impl Iterator<Item = ReadKey> {
        let windows = &self.shared.windows;
        let ending_after = windows.ending_after(self.index_key(), second);
        let uppers = std::iter::once(None).chain(ending_after.into_iter().map(Some));
        uppers.map(|upper| self.window_key(upper))
    }

    /// What the vendor said last stands in for a failure.
    fn stale(&self, second: Second, failure: VendorFailure) -> Option<Cached<Window<T>>> {
        let cache = &self.shared.cache;
        let holds_it = |key: &ReadKey| {
            let window = cache.known::<Window<T>>(*key);
            window.is_some_and(|window| window.span.contains(second))
        };
        let key = self.candidates(second).find(holds_it)?;
        self.shared.stand_in(self.scope, self.vendor, key, failure)
    }

    /// Another window than the requested one, where the vendor is down and only that one is held.
    fn held_while_down(
        &self,
        requested: ReadKey,
        upper: Option<Second>,
    ) -> Option<Cached<Window<T>>> {
        let upper = upper?;
        if self.shared.cache.known::<Window<T>>(requested).is_some() {
            return None;
        }
        let outage = self.vendor.outage()?;
        self.stale(upper, outage.failure)
    }

    fn note<V>(&self, kept: &Cached<V>) {
        lock(&self.provenance).add(kept);
    }

    fn provenance(&self) -> Provenance {
        *lock(&self.provenance)
    }

    /// What was created in a span, all of it, where that takes no more pages than the limit.
    pub(in crate::repository) async fn exactly(&self, span: Span) -> Result<Cached<Window<T>>> {
        let key = self.key(Lifetime::List, ("exactly", span));
        let most_pages = self.budget.left();
        let kept = self
            .read(key, Reading::Exactly { span, most_pages })
            .await?;
        self.note(&kept);
        Ok(kept)
    }

    /// About so many of the newest objects: exactly so many would take as many calls for the last few as for the others.
    pub(in crate::repository) async fn about(&self, wanted: usize) -> Result<Vec<Arc<T>>> {
        let want = Want {
            rows: wanted,
            start: Start::Observed,
        };
        let window = self.window(None, want).await?;
        match window.rows.len() * 2 < wanted && window.span.from.is_some() {
            true => self.newest(wanted, |_| false).await,
            false => Ok(window.rows.iter().take(wanted).cloned().collect()),
        }
    }

    /// Reads at most so many of the newest objects, until `is_enough` of those read so far.
    pub(in crate::repository) async fn newest(
        &self,
        limit: usize,
        mut is_enough: impl FnMut(&[Arc<T>]) -> bool,
    ) -> Result<Vec<Arc<T>>> {
        let mut found: Vec<Arc<T>> = Vec::new();
        let mut after = None;
        while found.len() < limit {
            let feeds = std::slice::from_ref(self);
            let affordable = u64::from(self.budget.left()) * self.rows_per_page();
            let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
            let wanted = affordable.clamp(1, limit - found.len());
            let page: MergedPage<T> = merged_page(feeds, after, false, wanted).await;
            for part in page.parts {
                part.outcome?;
            }
            after = page
                .end
                .or(page.nodes.last().map(|(position, _)| *position));
            found.extend(page.nodes.into_iter().map(|(_, object)| object));
            if !page.has_next || after.is_none() || !self.has_budget() || is_enough(&found) {
                break;
            }
        }
        Ok(found)
    }

    async fn read(&self, key: ReadKey, reading: Reading) -> Result<Cached<Window<T>>> {
        let load = |vendor: Arc<dyn VendorApi>, scope: Arc<RequestScope>| {
            let (shared, filter) = (Arc::clone(self.shared), self.filter.clone());
            async move {
                let window = read_list::<T>(&shared, &vendor, &scope, &filter, reading).await?;
                let rows = window.rows.iter().chain(&window.undated);
                let found = rows.map(|row| (row.id(), Arc::clone(row)));
                shared.cache.store_objects(key, found);
                Ok(window)
            }
        };
        let read = self.shared.read(self.scope, self.vendor, key, load).await;
        self.shared.unless_forbidden(key, read)
    }

    /// The number of objects in the list, as the vendor reports it; none where it reports none.
    pub(in crate::repository) async fn total(&self) -> Result<Cached<Option<u64>>> {
        let key = self.key(Lifetime::List, "total");
        let load = |vendor: Arc<dyn VendorApi>, scope: Arc<RequestScope>| {
            let filter = self.filter.clone();
            async move {
                let page = T::page(&vendor, &scope, &filter, TOTAL_ONLY).await?;
                Ok(total_within(&page, T::range(&filter)))
            }
        };
        self.read_count(key, load).await
    }

    /// A count alone is of no use: nobody waits for one while the vendor is down.
    async fn read_count<Loading>(
        &self,
        key: ReadKey,
        load: impl Fn(Arc<dyn VendorApi>, Arc<RequestScope>) -> Loading,
    ) -> Result<Cached<Option<u64>>>
    where
        Loading: Future<Output = Result<Option<u64>>> + Send + 'static,
    {
        let is_known = self.shared.cache.known::<Option<u64>>(key).is_some();
        if !is_known && let Some(outage) = self.vendor.outage() {
            return Err(outage.failure.into());
        }
        let read = self.shared.read(self.scope, self.vendor, key, load).await;
        self.shared.unless_forbidden(key, read)
    }

    /// The total that the reading of the newest window showed, while that is fresh.
    fn total_at_hand(&self) -> Option<u64> {
        let newest = self
            .shared
            .cache
            .fresh::<Window<T>>(self.window_key(None))?;
        newest.list_total
    }

    /// What the vendor counts in a span at this moment, if it counts.
    async fn count(&self, span: Span, lifetime: Lifetime) -> Result<Option<u64>> {
        if lifetime == Lifetime::List && span == Span::EVERYTHING {
            return match self.total_at_hand() {
                Some(total) => Ok(Some(total)),
                None => Ok(*self.total().await?.value),
            };
        }
        let range = Range {
            from: instant(span.from),
            to: instant(span.to),
        };
        let key = self.key(lifetime, ("count", span));
        let load = |vendor: Arc<dyn VendorApi>, scope: Arc<RequestScope>| {
            let filter = T::within(&self.filter, range);
            async move {
                let page = T::page(&vendor, &scope, &filter, TOTAL_ONLY).await?;
                Ok(page.total)
            }
        };
        Ok(*self.read_count(key, load).await?.value)
    }

    /// Whether the reading of a page is expected not to show the total, which the vendor counts.
    pub(super) fn needs_total(&self, goes_on: bool) -> bool {
        let observations: &Observations = &self.shared.observations;
        let is_known_kind = observations.expected_rows(self.kind(), 1).is_some();
        self.is_counted_by_vendor() && self.total_at_hand().is_none() && (goes_on || is_known_kind)
    }

    /// Whether the vendor's own count is that of the list.
    fn is_counted_by_vendor(&self) -> bool {
        let zone = self.vendor.zone();
        let range = T::range(&self.filter);
        let (from, to) = (
            range.from.map(|from| zone.local(from)),
            range.to.map(|to| zone.local(to)),
        );
        let are_whole_days = from.is_none_or(|from| from.time() == jiff::civil::Time::midnight())
            && to.is_none_or(|to| (to.hour(), to.minute(), to.second()) == (23, 59, 59));
        let is_exact = match self.vendor.capabilities().lists.granularity {
            TimeGranularity::Second => true,
            TimeGranularity::Day => are_whole_days,
        };
        let is_applied = range == Range::default() || self.applies_time();
        is_exact && is_applied && self.left_over.is_none()
    }

    /// The total of the list, of what was read or of a call of its own.
    pub(super) async fn total_of(&self, read: &PartRead) -> Option<u64> {
        if self.left_over.is_some() {
            // None of the list is exact whatever was filtered.
            return read.counted.filter(|counted| *counted == 0);
        }
        if !self.is_counted_by_vendor() {
            return read.counted.filter(|counted| *counted == 0);
        }
        if let Some(counted) = read.counted {
            return Some(counted);
        }
        if let Some(list_total) = read.list_total.or_else(|| self.total_at_hand()) {
            return Some(list_total);
        }
        let total = self.total().await.ok()?;
        self.note(&total);
        *total.value
    }

    pub(super) fn source(&self, read: &PartRead, total: Option<u64>) -> SourceStatus {
        let (vendor, zone) = (self.vendor.vendor(), self.vendor.zone());
        let Some(span) = read.too_large else {
            return self.provenance().source(vendor, zone, total);
        };
        let failure = VendorFailure {
            vendor,
            code: VendorErrorCode::BadResponse,
            retry_after: None,
        };
        SourceStatus {
            detail: Some(too_large::<T>(self, span).into()),
            ..SourceStatus::failed(failure)
        }
    }
}

/// Names the part of a list that is left out.
fn too_large<T: Listed>(list: &VendorList<'_, T>, span: Span) -> String {
    let (vendor, zone) = (list.vendor.vendor(), list.vendor.zone());
    let at =
        |second| instant(second).map_or("its beginning".to_owned(), |at| zone.at(at).to_string());
    format!(
        "{vendor} has more {} from {} to {} than {} calls can read: they are left out",
        T::NAME,
        at(span.from),
        at(span.to),
        list.scope.vendor_calls.allowed()
    )
}

impl<T: Listed> Feed<T> for VendorList<'_, T> {
    fn vendor(&self) -> Vendor {
        self.vendor.vendor()
    }

    fn cached_at(&self, second: Second) -> Option<Arc<Window<T>>> {
        let cache = &self.shared.cache;
        let mut kept = self.candidates(second).filter_map(|key| {
            // What does not hold the second is nothing that the answer rests on.
            let window = cache.fresh::<Window<T>>(key)?;
            let holds_it = window.span.contains(second);
            holds_it.then(|| cache.cached::<Window<T>>(self.scope, key))?
        });
        let kept = kept.next()?;
        self.note(&kept);
        Some(kept.value)
    }

    fn recent(&self, second: Option<Second>) -> Option<Arc<Window<T>>> {
        let cache = &self.shared.cache;
        let Some(second) = second else {
            return cache.known(self.window_key(None));
        };
        let mut windows = self.candidates(second);
        windows.find_map(|key| {
            let window = cache.fresh::<Window<T>>(key)?;
            window.span.contains(second).then_some(window)
        })
    }

    async fn window(&self, upper: Option<Second>, want: Want) -> Result<Arc<Window<T>>> {
        let key = self.window_key(upper);
        let most_calls = match self.stale {
            StaleUse::Allowed => self.scope.vendor_calls.allowed(),
            StaleUse::Refused => self.budget.left(),
        };
        let reading = Reading::Window {
            upper,
            want,
            most_calls,
        };
        let kept = match self.held_while_down(key, upper) {
            Some(held) => held,
            None => match self.read(key, reading).await {
                Ok(kept) => kept,
                Err(error) => {
                    let stale = error.vendor_failure().zip(upper);
                    let stale = stale.and_then(|(failure, upper)| self.stale(upper, failure));
                    stale.ok_or(error)?
                }
            },
        };
        if let (StaleUse::Refused, Some(failure)) = (self.stale, kept.failure) {
            return Err(failure.into());
        }
        if let Some(upper) = upper {
            self.shared.windows.note(self.index_key(), upper);
        }
        self.budget.spend(kept.value.calls);
        self.last_calls.store(kept.value.calls, Ordering::Relaxed);
        self.note(&kept);
        Ok(kept.value)
    }

    async fn has_undated(&self) -> Result<bool> {
        if T::range(&self.filter) != Range::default() {
            return Ok(false);
        }
        // A row that comes between the two counts is none without a creation time.
        for lifetime in [Lifetime::List, Lifetime::Flight] {
            let all = self.count(Span::EVERYTHING, lifetime);
            let (all, dated) = join(all, self.count(Span::ALL_TIME, lifetime)).await;
            if all? <= dated? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn undated(&self) -> Result<Vec<Arc<T>>> {
        let everything = self.exactly(Span::EVERYTHING).await?;
        Ok(everything.value.undated.clone())
    }

    fn admits(&self, object: &T) -> bool {
        let left_over = self.left_over.as_ref();
        left_over.is_none_or(|left_over| object.mismatches(left_over).is_empty())
    }

    fn has_budget(&self) -> bool {
        self.budget.left() > 0 && self.budget.left() >= self.last_calls.load(Ordering::Relaxed)
    }

    fn most_rows(&self) -> usize {
        let pages = u64::from(self.budget.left().min(MOST_PAGES_OF_WINDOW));
        usize::try_from(pages * self.rows_per_page()).unwrap_or(usize::MAX)
    }

    fn now(&self) -> Second {
        Timestamp::now().as_second()
    }
}
