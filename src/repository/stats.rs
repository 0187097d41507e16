//! Counts for a dashboard, from the vendors' own totals.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    Cached, Lifetime, Repository, Shared, Topic,
    list::{Provenance, TOTAL_ONLY},
    tolerate,
    weight::Weight,
};
use crate::{
    context::RequestScope,
    domain::{
        CountedRange, DateTime, Scope, ServiceRecord, ServiceRecordFilter, ServiceRecordStats,
        SourceStatus, TicketFilter, TicketStats, TicketStatus, Vendor, VendorErrorCode, VendorZone,
    },
    error::{Error, ErrorKind, Result},
    upstream::{VendorApi, join},
};

/// The longest range that is counted day by day.
const MAX_DAYS: usize = 92;

const OPEN: [TicketStatus; 2] = [TicketStatus::Pending, TicketStatus::InProgress];

impl Repository {
    /// One reading: a call for each status, one for the total and one for what is overdue, side by side.
    pub async fn ticket_stats(&self, filter: TicketFilter) -> Result<TicketStats> {
        self.authorize(Scope::Read)?;
        for vendor in filter.vendors_of_ids() {
            self.vendor(vendor)?;
        }
        let counts = self.shared.vendors.iter().map(async |vendor| {
            let narrowed = filter.narrowed_to(vendor.vendor());
            match narrowed.filter(|_| vendor.capabilities().has_tickets) {
                Some(narrowed) => self.ticket_stats_of(vendor, narrowed).await,
                None => Ok(TicketStats::none()),
            }
        });
        let counts = join::join_all(counts).await?;
        Ok(counts.iter().fold(TicketStats::none(), TicketStats::plus))
    }

    async fn ticket_stats_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
        filter: TicketFilter,
    ) -> Result<TicketStats> {
        let cache = &self.shared.cache;
        let canonical = filter.canonical();
        let read = ("stats", canonical.as_str());
        let key = cache.key(vendor.vendor(), Topic::Tickets, Lifetime::List, read);
        let shared = &self.shared;
        let read = shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (shared, filter) = (Arc::clone(shared), filter.clone());
            async move {
                let first = shared.count_tickets(&vendor, &scope, &filter).await?;
                if first.with_a_status() == first.total {
                    return Ok(first);
                }
                // Tickets changed while they were counted, or some have a status that the gateway does not know.
                let second = shared.count_tickets(&vendor, &scope, &filter).await?;
                match second.with_a_status() <= second.total {
                    true => Ok(second),
                    false => Err(contradiction(vendor.vendor(), "the counts of tickets")),
                }
            }
        });
        let stats = read.await?.value;
        Ok(TicketStats::clone(&stats))
    }

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
                    stats.total = stats.total.map(|total| total + counts.total);
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
            self.count_each_day(vendor, days, &mut counts).await?;
            if counts.daily.iter().sum::<u64>() == counts.total {
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

    async fn count_each_day(
        &self,
        vendor: &Arc<dyn VendorApi>,
        days: &[Date],
        counts: &mut Counts,
    ) -> Result<()> {
        let each = days
            .iter()
            .map(|day| self.record_count(vendor, single(*day)));
        for (slot, day) in counts.daily.iter_mut().zip(join::join_all(each).await?) {
            counts.provenance.add(&day);
            *slot = (*day.value).ok_or_else(|| contradiction(vendor.vendor(), "a total"))?;
        }
        Ok(())
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

    /// How many records of a vendor began on the days of a range, by its own count. A range that is over keeps its count for
    /// long.
    async fn record_count(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
    ) -> Result<Cached<Option<u64>>> {
        let key = self.count_key(vendor, range);
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let filter = filter_of(range, vendor.zone());
            async move {
                let page = vendor.service_record_page(&scope, &filter, TOTAL_ONLY);
                Ok(page.await?.total)
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

impl Shared {
    async fn count_tickets(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        filter: &TicketFilter,
    ) -> Result<TicketStats> {
        let is_included = |status: &TicketStatus| {
            let statuses = filter.statuses.as_ref();
            statuses.is_none_or(|statuses| statuses.contains(status))
        };
        // A ticket is overdue once its due time lies before now; the bound of a filter is inclusive, in whole seconds.
        let last_second = last_whole_second_before(Timestamp::now());
        let overdue = TicketFilter {
            statuses: Some(OPEN.into_iter().filter(is_included).collect()),
            due_to: Some(filter.due_to.map_or(last_second, |to| to.min(last_second))),
            ..filter.clone()
        };
        let of_status = |status: TicketStatus| TicketFilter {
            statuses: Some(Some(status).filter(is_included).into_iter().collect()),
            ..filter.clone()
        };

        let mut filters = vec![filter.clone(), overdue];
        filters.extend(TicketStatus::KNOWN.map(of_status));
        let counts = filters.iter().map(async |filter| {
            if filter.statuses.as_ref().is_some_and(Vec::is_empty) {
                return Ok(0);
            }
            let page = vendor.ticket_page(scope, filter, TOTAL_ONLY).await?;
            page.total
                .ok_or_else(|| contradiction(vendor.vendor(), "a total of tickets"))
        });
        let counts = join::join_all(counts).await?;
        let by_status = TicketStatus::KNOWN.into_iter();
        Ok(TicketStats {
            total: counts[0],
            overdue: counts[1],
            by_status: by_status.zip(counts[2..].iter().copied()).collect(),
        })
    }
}

/// Counts that the vendor returns and that can't all be true, or that it does not return.
fn contradiction(vendor: Vendor, what: &'static str) -> Error {
    tracing::warn!(
        target: "deskgraph::stats",
        vendor = vendor.slug(),
        count = what,
        "the vendor's counts are missing or contradict each other"
    );
    Error::vendor(vendor, VendorErrorCode::BadResponse)
}

fn last_whole_second_before(now: Timestamp) -> Timestamp {
    let whole = now.as_second() - i64::from(now.subsec_nanosecond() == 0);
    Timestamp::from_second(whole).unwrap_or(now)
}

struct Counts {
    total: u64,
    daily: Vec<u64>,
    provenance: Provenance,
}

impl Weight for TicketStats {
    fn owned_bytes(&self) -> usize {
        size_of_val(self.by_status.as_slice())
    }
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
