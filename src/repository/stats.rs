//! Counts of service records by day, from the vendors' own totals where their rows agree with them.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use jiff::{ToSpan, civil::Date};

use super::{
    Cached, Lifetime, Repository, Topic,
    list::{Listed, Provenance, TOTAL_ONLY, kind_of, total_within},
    tolerate,
};
use crate::{
    domain::{
        CountedRange, DateTime, Scope, ServiceRecord, ServiceRecordFilter, ServiceRecordStats,
        SourceStatus, Vendor, VendorErrorCode, VendorPageRequest, VendorZone,
    },
    error::{Error, ErrorKind, Result},
    upstream::{VendorApi, join},
};

/// The longest range that is counted day by day.
const MAX_DAYS: usize = 92;

impl Repository {
    /// At most 92 days, both ends included, in each vendor's own zone.
    pub async fn service_record_stats(
        &self,
        from: Date,
        to: Date,
        vendors: Option<Vec<Vendor>>,
    ) -> Result<ServiceRecordStats> {
        self.authorize(Scope::Read)?;
        let range = CountedRange { from, to };
        let days = days_of(range)?;

        let is_included = |vendor: &Arc<dyn VendorApi>| {
            vendors
                .as_ref()
                .is_none_or(|vendors| vendors.contains(&vendor.vendor()))
        };
        let included = self
            .shared
            .vendors
            .iter()
            .filter(|vendor| is_included(vendor));
        let counted =
            join_all(included.map(|vendor| self.days_of_vendor(vendor, range, &days))).await;
        tolerate(&counted)?;

        let mut counted = counted.into_iter();
        let mut stats = ServiceRecordStats {
            total: Some(0),
            by_vendor: Vec::new(),
            daily: Vec::new(),
            sources: Vec::new(),
        };
        for vendor in &self.shared.vendors {
            let name = vendor.vendor();
            match is_included(vendor).then(|| counted.next()).flatten() {
                None => stats.sources.push(SourceStatus::skipped(name)),
                Some(Ok(counts)) => {
                    stats.total = stats.total.map(|total| total.saturating_add(counts.total));
                    stats.by_vendor.push((name, counts.total));
                    stats.daily.extend(
                        days.iter()
                            .zip(&counts.daily)
                            .map(|(day, count)| (*day, name, *count)),
                    );
                    let total = Some(counts.total);
                    stats
                        .sources
                        .push(counts.provenance.source(name, vendor.zone(), total));
                }
                Some(Err(error)) => {
                    stats.total = None;
                    stats
                        .sources
                        .extend(error.vendor_failure().map(SourceStatus::failed));
                }
            }
        }
        stats.daily.sort_by_key(|(day, vendor, _)| (*day, *vendor));
        Ok(stats)
    }

    /// The range's total first; then its list, where that takes fewer calls than one a day, or one count a day.
    async fn days_of_vendor(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
        days: &[Date],
    ) -> Result<Counts> {
        let total = self.record_count(vendor, range).await?;
        let mut counts = Counts {
            total: total.value.unwrap_or_default(),
            daily: vec![0; days.len()],
            provenance: Provenance::of(&total),
        };
        match *total.value {
            Some(0) => return Ok(counts),
            Some(total) if days.len() == 1 => {
                counts.daily = vec![total];
                return Ok(counts);
            }
            _ => {}
        }

        let is_cached = |day: &&Date| self.cached_count(vendor, single(**day)).is_some();
        let days_to_read = days.iter().filter(|day| !is_cached(day)).count() as u64;
        let most_calls = u64::from(self.scope.vendor_calls.left());
        let list = self.list::<ServiceRecord>(vendor, filter_of(range, vendor.zone()));
        let pages = total
            .value
            .map(|total| total.div_ceil(list.rows_per_page()));
        let by_rows = match pages {
            Some(pages) => pages.min(most_calls),
            None => most_calls,
        };
        if by_rows < days_to_read || pages.is_none() {
            let most_pages = days_to_read.min(most_calls).max(1);
            let most_pages = pages.map_or(most_calls, |_| most_pages);
            if self
                .count_rows(vendor, range, days, most_pages, &mut counts)
                .await?
            {
                return Ok(counts);
            }
        }
        if pages.is_some() && days_to_read <= most_calls {
            let are_all_counted = self.count_each_day(vendor, days, &mut counts).await?;
            let counted = counts.daily.iter().copied().fold(0, u64::saturating_add);
            if are_all_counted && counted == counts.total {
                return Ok(counts);
            }
            // Records arrived meanwhile, or the vendor's bounds of time are not what they seem: the rows decide.
            if self
                .count_rows(vendor, range, days, most_calls, &mut counts)
                .await?
            {
                return Ok(counts);
            }
            return Err(contradiction(vendor.vendor(), "the counts of days"));
        }
        self.scope.note_lack_of_vendor_calls();
        Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "counting these days would take more than {most_calls} calls to {}: request fewer days",
                vendor.vendor()
            ),
        ))
    }

    /// False where the rows of a day show that its count is of other days too.
    async fn count_each_day(
        &self,
        vendor: &Arc<dyn VendorApi>,
        days: &[Date],
        counts: &mut Counts,
    ) -> Result<bool> {
        let each = days
            .iter()
            .map(|day| self.record_count(vendor, single(*day)));
        for (slot, day) in counts.daily.iter_mut().zip(join::join_all(each).await?) {
            counts.provenance.add(&day);
            let Some(count) = *day.value else {
                return Ok(false);
            };
            *slot = count;
        }
        Ok(true)
    }

    /// Counts the rows of the list, each on its day. False where that takes more pages than it may.
    async fn count_rows(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
        days: &[Date],
        most_pages: u64,
        counts: &mut Counts,
    ) -> Result<bool> {
        let filter = filter_of(range, vendor.zone());
        let most_pages = u32::try_from(most_pages).unwrap_or(u32::MAX);
        let list = self
            .list::<ServiceRecord>(vendor, filter)
            .limited_to(most_pages);
        let window = list.exactly(list.range().span()).await?;
        if window.value.is_too_large {
            return Ok(false);
        }
        counts.provenance.add(&window);
        let mut by_day: HashMap<Date, u64> = HashMap::new();
        let rows = window.value.rows.iter();
        for created_at in rows.filter_map(|row| row.created_at.value()) {
            let day = vendor.zone().local(created_at.timestamp).date();
            *by_day.entry(day).or_default() += 1;
        }
        counts.daily = days
            .iter()
            .map(|day| by_day.get(day).copied().unwrap_or(0))
            .collect();
        counts.total = counts.daily.iter().sum();
        // A day that is over keeps its count for longer than the list keeps its rows.
        for (day, count) in days.iter().zip(&counts.daily) {
            let key = self.count_key(vendor, single(*day));
            self.shared.cache.put(key, Some(*count), window.read_at);
        }
        Ok(true)
    }

    /// How many records of a vendor began on the days of a range, by its own count; none where its rows show that it counts those
    /// of other days too. A range that is over keeps its count for long.
    async fn record_count(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
    ) -> Result<Cached<Option<u64>>> {
        let key = self.count_key(vendor, range);
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let filter = filter_of(range, vendor.zone());
            let kind = kind_of::<ServiceRecord>(vendor.vendor(), &filter);
            let applies_time = self.shared.observations.applies_time(kind);
            let request = counting_page(&vendor, range);
            async move {
                if !applies_time {
                    return Ok(None);
                }
                let page = vendor.service_record_page(&scope, &filter, request).await?;
                Ok(total_within(&page, ServiceRecord::range(&filter)))
            }
        });
        read.await
    }

    fn cached_count(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
    ) -> Option<Cached<Option<u64>>> {
        self.shared
            .cache
            .cached(&self.scope, self.count_key(vendor, range))
    }

    fn count_key(&self, vendor: &Arc<dyn VendorApi>, range: CountedRange) -> super::ReadKey {
        let is_over = range.to < vendor.zone().today();
        let lifetime = if is_over {
            Lifetime::PastDay
        } else {
            Lifetime::List
        };
        self.shared.cache.key(
            vendor.vendor(),
            Topic::ServiceRecords,
            lifetime,
            ("count", range),
        )
    }
}

/// Counts that the vendor returns and that can't all be true, or that it does not return.
pub(super) fn contradiction(vendor: Vendor, what: &'static str) -> Error {
    tracing::warn!(
        target: "deskgraph::stats",
        vendor = vendor.slug(),
        count = what,
        "the vendor's counts are missing or contradict each other"
    );
    Error::vendor(vendor, VendorErrorCode::BadResponse)
}

/// The smallest page that has the total. The newest records are of today whatever the vendor filters by, so that only a full page
/// can show that it counts other days too.
fn counting_page(vendor: &Arc<dyn VendorApi>, range: CountedRange) -> VendorPageRequest {
    let is_today = range.from == range.to && range.to == vendor.zone().today();
    match is_today {
        true => VendorPageRequest {
            per_page: vendor.capabilities().lists.page_size,
            ..TOTAL_ONLY
        },
        false => TOTAL_ONLY,
    }
}

struct Counts {
    total: u64,
    daily: Vec<u64>,
    provenance: Provenance,
}

/// Every day of the range, or why it can't be counted.
fn days_of(range: CountedRange) -> Result<Vec<Date>> {
    if range.from > range.to {
        return Err(Error::bad_user_input("`from` must not be later than `to`"));
    }
    let days: Vec<Date> = range
        .from
        .series(1.day())
        .take_while(|day| *day <= range.to)
        .take(MAX_DAYS + 1)
        .collect();
    if days.len() > MAX_DAYS {
        return Err(Error::bad_user_input(format!(
            "`from` to `to` must be at most {MAX_DAYS} days"
        )));
    }
    Ok(days)
}

/// From the first second of the first day to the last second of the last, in the vendor's zone.
fn filter_of(range: CountedRange, zone: &VendorZone) -> ServiceRecordFilter {
    let instant = |local| zone.instant(local).map(|at: DateTime| at.timestamp);
    ServiceRecordFilter {
        from: instant(range.from.at(0, 0, 0, 0)),
        to: instant(range.to.at(23, 59, 59, 0)),
        ..ServiceRecordFilter::default()
    }
}

fn single(day: Date) -> CountedRange {
    CountedRange { from: day, to: day }
}
