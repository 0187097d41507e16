//! Counts for a dashboard, from the vendors' own totals.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    CategoryNamesWanted, Kept, Lifetime, Repository, Topic, flight, merge::Provenance,
    service_record::service_record_shape, tolerate,
};
use crate::{
    domain::{
        CountedRange, DateTime, Scope, ServiceRecordFilter, ServiceRecordStats, SourceStatus,
        TicketFilter, TicketStats, TicketStatus, Vendor, VendorPage, VendorPageRequest, VendorZone,
    },
    error::{Error, Result},
    upstream::{VendorApi, paged_list::PagedList, siblings::all_of},
};

/// The longest range that is counted day by day.
const MAX_DAYS: usize = 92;

/// How many records a call brings when a range is read to be counted.
const RECORDS_PER_CALL: u64 = 100;

/// The smallest page that tells a list's total.
const TOTAL_ONLY: VendorPageRequest = VendorPageRequest {
    page: 1,
    per_page: 1,
};

const OPEN: [TicketStatus; 2] = [TicketStatus::Pending, TicketStatus::InProgress];

impl Repository {
    /// One call for each status, one for the total and one for what is overdue, side by side.
    pub async fn ticket_stats(&self, filter: TicketFilter) -> Result<TicketStats> {
        self.authorize(Scope::Read)?;
        for vendor in filter.vendors_of_ids() {
            self.vendor(vendor)?;
        }
        let is_asked = |status: &TicketStatus| {
            filter
                .statuses
                .as_ref()
                .is_none_or(|statuses| statuses.contains(status))
        };
        let of_status = |status: TicketStatus| TicketFilter {
            statuses: Some(if is_asked(&status) {
                vec![status]
            } else {
                Vec::new()
            }),
            ..filter.clone()
        };
        // A ticket is overdue once its due time lies before now; the bound of a filter is inclusive, in whole seconds. Equal
        // questions of one second are one.
        let last_second = last_whole_second_before(Timestamp::now());
        let overdue = TicketFilter {
            statuses: Some(OPEN.into_iter().filter(is_asked).collect()),
            due_to: Some(
                filter
                    .due_to
                    .map_or(last_second, |due_to| due_to.min(last_second)),
            ),
            ..filter.clone()
        };

        let mut questions = vec![filter.clone(), overdue];
        questions.extend(TicketStatus::KNOWN.map(of_status));
        let counts = questions.iter().map(|question| self.ticket_count(question));
        let counts = all_of(counts).await?;
        Ok(TicketStats {
            total: counts[0],
            overdue: counts[1],
            by_status: TicketStatus::KNOWN
                .into_iter()
                .zip(counts[2..].iter().copied())
                .collect(),
        })
    }

    async fn ticket_count(&self, filter: &TicketFilter) -> Result<u64> {
        let counts = self.shared.vendors.iter().map(async |vendor| {
            let narrowed = filter.narrowed_to(vendor.vendor());
            match narrowed.filter(|_| vendor.has_tickets()) {
                Some(narrowed) => {
                    let page = self.ticket_page(vendor, &narrowed, TOTAL_ONLY).await?;
                    total(&**vendor, &page.value)
                }
                None => Ok(0),
            }
        });
        Ok(all_of(counts).await?.into_iter().sum())
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

        let is_asked = |vendor: &Arc<dyn VendorApi>| {
            vendors
                .as_ref()
                .is_none_or(|vendors| vendors.contains(&vendor.vendor()))
        };
        let asked = self.shared.vendors.iter().filter(|vendor| is_asked(vendor));
        let counted = join_all(asked.map(|vendor| self.days_of_vendor(vendor, range, &days))).await;
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
            match is_asked(vendor).then(|| counted.next()).flatten() {
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
        let whole = self.record_count(vendor, range).await?;
        let mut counts = Counts {
            total: *whole.value,
            daily: vec![0; days.len()],
            provenance: Provenance::of(&whole),
        };
        if counts.total == 0 {
            return Ok(counts);
        }
        if let [_] = days {
            counts.daily = vec![counts.total];
            return Ok(counts);
        }

        let single = |day: &Date| CountedRange {
            from: *day,
            to: *day,
        };
        let is_held = |day: &&Date| self.held_count(vendor, single(day)).is_some();
        let days_to_ask = days.iter().filter(|day| !is_held(day)).count() as u64;
        if counts.total.div_ceil(RECORDS_PER_CALL) < days_to_ask {
            counts.daily = self
                .count_by_reading(vendor, range, days, counts.total, &mut counts.provenance)
                .await?;
        } else {
            let each = days
                .iter()
                .map(|day| self.record_count(vendor, single(day)));
            for (slot, day) in counts.daily.iter_mut().zip(all_of(each).await?) {
                *slot = *day.value;
                counts.provenance.add(&day);
            }
        }
        Ok(counts)
    }

    async fn count_by_reading(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
        days: &[Date],
        total: u64,
        provenance: &mut Provenance,
    ) -> Result<Vec<u64>> {
        let filter = filter_of(range, vendor.zone());
        let provenance = Mutex::new(provenance);
        let fetch = async |request| {
            let page = self
                .service_record_page(vendor, &filter, request, CategoryNamesWanted::No)
                .await?;
            let mut provenance = provenance.lock().unwrap_or_else(PoisonError::into_inner);
            provenance.add(&page);
            Ok(VendorPage::clone(&page.value))
        };
        let list = PagedList {
            orders: vendor.orders(),
            shape: service_record_shape(&filter),
            fingerprint: super::cursor::Origin::new(super::ListField::ServiceRecords, &filter)
                .fingerprint(),
            max_per_page: RECORDS_PER_CALL as u32,
            max_calls: MAX_DAYS as u32,
        };
        let records = list
            .newest(usize::try_from(total).unwrap_or(usize::MAX), fetch)
            .await?;

        let mut by_day: HashMap<Date, u64> = HashMap::new();
        for created_at in records
            .iter()
            .filter_map(|record| record.created_at.value())
        {
            *by_day
                .entry(vendor.zone().local(created_at.timestamp).date())
                .or_default() += 1;
        }
        Ok(days
            .iter()
            .map(|day| by_day.get(day).copied().unwrap_or(0))
            .collect())
    }

    /// How many records of a vendor began on the days of a range. A range that is over keeps its count for long.
    async fn record_count(
        &self,
        vendor: &Arc<dyn VendorApi>,
        range: CountedRange,
    ) -> Result<Kept<u64>> {
        let key = self.count_key(vendor, range);
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let filter = filter_of(range, vendor.zone());
            flight(async move {
                let page = vendor
                    .service_record_page(&scope, &filter, TOTAL_ONLY)
                    .await?;
                total(&*vendor, &page)
            })
        });
        read.await
    }

    fn held_count(&self, vendor: &Arc<dyn VendorApi>, range: CountedRange) -> Option<Arc<u64>> {
        self.shared
            .cache
            .held(&self.scope, self.count_key(vendor, range))
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

fn last_whole_second_before(now: Timestamp) -> Timestamp {
    let whole = now.as_second() - i64::from(now.subsec_nanosecond() == 0);
    Timestamp::from_second(whole).unwrap_or(now)
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

fn total<T>(vendor: &dyn VendorApi, page: &VendorPage<T>) -> Result<u64> {
    page.total
        .ok_or_else(|| Error::vendor(vendor.vendor(), crate::domain::VendorErrorCode::BadResponse))
}
