//! Finds service records by their ids: each with its day, as the vendor lists them, or from the newest on.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use jiff::civil::Date;

use super::{Bangwo8, Query, VENDOR, lock, mapping, wire};
use crate::{
    context::RequestScope,
    domain::{ServiceRecord, ServiceRecordId, VendorNumber, VendorPageRequest},
    error::Result,
    upstream::{
        EachById,
        paged_list::{PagedList, SERVICE_RECORDS},
        wire::{HasId, Identified},
    },
};

/// A day with more pages than this is none: the vendor's paging does not end.
const MOST_PAGES_OF_A_DAY: u32 = 100;

impl Bangwo8 {
    /// The records of a day, at least as far as it takes to find the sought ones. A failure comes with what was read
    /// before it.
    pub(super) async fn day<T: HasId, Found>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        day: Date,
        sought: &[ServiceRecordId],
        map: impl Fn(Identified<T>) -> (ServiceRecordId, Found),
    ) -> (HashMap<ServiceRecordId, Found>, Result<()>) {
        let mut found = HashMap::new();
        let mut served = 0;
        let mut page_size = 0;

        for number in 1..=MOST_PAGES_OF_A_DAY {
            let page = VendorPageRequest {
                page: number,
                per_page: self.list_page_size,
            };
            let query = vec![("starttime", day.to_string()), ("endtime", day.to_string())];
            let list: wire::Histories<T> = match self
                .histories(scope, route, route.to_owned(), query, page)
                .await
            {
                Ok(list) => list,
                Err(err) => return (found, Err(err)),
            };

            let count = list.remoterecords.len() as u64;
            served += count;
            page_size = page_size.max(count);
            let found_before = found.len();
            found.extend(list.remoterecords.into_iter().map(&map));

            let has_more = match (list.count.into_value(), mapping::has_next(&list.next_page)) {
                (Some(total), _) if served < total => true,
                (_, Some(has_next)) => has_next,
                (Some(_), None) => false,
                (None, None) => count == page_size,
            };
            let is_complete = sought.iter().all(|id| found.contains_key(id));
            let page_was_new = found.len() > found_before;
            if is_complete || !has_more || !page_was_new {
                break;
            }
        }
        (found, Ok(()))
    }

    /// Looks for records whose day is not known, all at once, from the newest on.
    pub(super) async fn search(
        &self,
        scope: &RequestScope,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>> {
        if ids.is_empty() {
            return Vec::new();
        }

        let read: Mutex<BTreeMap<VendorNumber, Arc<ServiceRecord>>> = Mutex::default();
        let missing: Mutex<BTreeSet<VendorNumber>> =
            Mutex::new(ids.iter().map(|id| id.number).collect());
        let newest = PagedList {
            orders: &self.orders,
            shape: SERVICE_RECORDS,
            fingerprint: 0,
            max_per_page: self.list_page_size,
            max_calls: self.find_max_calls,
        };
        let outcome = newest
            .find(
                |record: &ServiceRecord| {
                    let mut missing = lock(&missing);
                    missing.remove(&record.id.number);
                    missing.is_empty()
                },
                |page| {
                    let read = &read;
                    async move {
                        let records = self.records(scope, Query::new(), page).await?;
                        let by_number = records
                            .items
                            .iter()
                            .map(|record| (record.id.number, record));
                        lock(read).extend(by_number.map(|(id, record)| (id, record.clone())));
                        Ok(records)
                    }
                },
            )
            .await;

        let mut read = std::mem::take(&mut *lock(&read));
        let mut each: EachById<_, _> = ids
            .iter()
            .map(|id| {
                let record = match (read.get(&id.number), &outcome) {
                    (Some(record), _) => Ok(Some(record.clone())),
                    (None, Ok(_)) => Ok(None),
                    (None, Err(err)) => Err(err.clone()),
                };
                (*id, record)
            })
            .collect();
        for id in ids {
            read.remove(&id.number);
        }
        each.extend(
            read.into_values()
                .map(|record| (record.id, Ok(Some(record)))),
        );
        each
    }
}

/// The ids without a day, and the others by theirs.
pub(super) fn by_day(
    ids: &[ServiceRecordId],
) -> (Vec<ServiceRecordId>, BTreeMap<Date, Vec<ServiceRecordId>>) {
    let mut dayless = Vec::new();
    let mut days: BTreeMap<Date, Vec<ServiceRecordId>> = BTreeMap::new();
    for id in ids.iter().filter(|id| id.vendor == VENDOR) {
        match id.day {
            Some(day) => days.entry(day).or_default().push(*id),
            None => dayless.push(*id),
        }
    }
    (dayless, days)
}

pub(super) fn foreign(ids: &[ServiceRecordId]) -> impl Iterator<Item = ServiceRecordId> {
    ids.iter().copied().filter(|id| id.vendor != VENDOR)
}

/// One result for each sought id, and all else that came along.
pub(super) fn each_of<Found: Clone>(
    sought: &[ServiceRecordId],
    (mut found, outcome): (HashMap<ServiceRecordId, Found>, Result<()>),
) -> EachById<ServiceRecordId, Found> {
    let mut each: EachById<ServiceRecordId, Found> = sought
        .iter()
        .map(|id| {
            let result = match (found.get(id), &outcome) {
                (Some(found), _) => Ok(Some(found.clone())),
                (None, Ok(())) => Ok(None),
                (None, Err(err)) => Err(err.clone()),
            };
            (*id, result)
        })
        .collect();
    let sought: HashSet<_> = sought.iter().collect();
    found.retain(|id, _| !sought.contains(id));
    each.extend(found.into_iter().map(|(id, found)| (id, Ok(Some(found)))));
    each
}
