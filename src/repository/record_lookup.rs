//! Service records that are found in the list of their day, and the names that another list has for their categories.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::{join, join_all};
use jiff::{Timestamp, civil::Date};

use super::{
    Shared,
    list::{VendorList, granularity},
};
use crate::{
    context::RequestScope,
    domain::{
        CategoryNames, DateTime, NamedRecord, ServiceRecord, ServiceRecordFilter, ServiceRecordId,
        ServiceRecordLookup, VendorNumber,
    },
    error::{Error, Result},
    listing::{Budget, Dated, ListReader, Range, Second, Span, Window},
    upstream::{EachById, VendorApi},
};

/// The list that names categories, as the observations know it.
const NAMED_RECORDS: &str = "named service records";

impl Dated for NamedRecord {
    fn created_at(&self) -> Option<DateTime> {
        self.created_at
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}

impl Shared {
    /// Many records by id, in the fewest calls. Records that came along are returned too.
    pub(super) async fn records_by_id(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>> {
        let lookup = vendor.capabilities().service_record_lookup;
        let ServiceRecordLookup::ByDay { max_pages } = lookup else {
            let each = ids.iter().map(async |id| {
                let record = vendor.service_record(scope, *id).await;
                (*id, record)
            });
            return join_all(each).await;
        };

        let (dated, undated): (Vec<_>, Vec<_>) = ids.iter().partition(|id| id.day.is_some());
        let spans = self.spans_of(vendor, &dated);
        let by_day = spans.into_iter().map(async |(span, sought)| {
            let fetch = async |span: Span, page| {
                let filter = in_span(span);
                vendor.service_record_page(scope, &filter, page).await
            };
            let reader = self.reader(vendor, "service records", fetch);
            let read = reader.exactly(&budget(scope), span).await;
            let found = read.and_then(|window| rows_of(window, scope));
            each_of(&sought, found, |record: &Arc<ServiceRecord>| record.id)
        });
        let searched = self.search(vendor, scope, &undated, max_pages);
        let (by_day, searched) = join(join_all(by_day), searched).await;
        by_day.into_iter().flatten().chain(searched).collect()
    }

    /// Looks for records whose day is not known, all at once, from the newest on.
    async fn search(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        ids: &[ServiceRecordId],
        max_pages: u32,
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>> {
        if ids.is_empty() || max_pages == 0 {
            return ids.iter().map(|id| (*id, Ok(None))).collect();
        }
        let mut missing: BTreeSet<VendorNumber> = ids.iter().map(|id| id.number).collect();
        let mut seen = 0;
        let list = VendorList::new(self, scope, vendor, ServiceRecordFilter::default());
        let list = list.limited_to(max_pages);
        let read = list.newest(usize::MAX, |records: &[Arc<ServiceRecord>]| {
            for record in &records[seen..] {
                missing.remove(&record.id.number);
            }
            seen = records.len();
            missing.is_empty()
        });
        let read = read.await.map(|records| {
            let by_number = records.into_iter().map(|record| (record.id.number, record));
            by_number.collect::<HashMap<_, _>>()
        });
        let found = |id: &ServiceRecordId| match &read {
            Ok(by_number) => Ok(by_number.get(&id.number).cloned()),
            Err(error) => Err(error.clone()),
        };
        ids.iter().map(|id| (*id, found(id))).collect()
    }

    /// The names of the records' categories, where the vendor has a list of them.
    pub(super) async fn category_names(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, CategoryNames> {
        let (dated, undated): (Vec<_>, Vec<_>) = ids.iter().partition(|id| id.day.is_some());
        let is_listed = matches!(
            vendor.capabilities().service_record_lookup,
            ServiceRecordLookup::ByDay { .. }
        );
        if !is_listed {
            return ids.iter().map(|id| (*id, Ok(None))).collect();
        }
        let spans = self.spans_of(vendor, &dated);
        let by_day = spans.into_iter().map(async |(span, sought)| {
            let found = self.named_records(vendor, scope, span).await;
            // The list has no other records than those of its days, so their numbers tell them apart.
            let found = found.map(|records| {
                let records = records.into_iter();
                let names = records.map(|record| (record.id.number, record.names.clone()));
                names.collect::<HashMap<_, _>>()
            });
            let names = sought.iter().map(|id| {
                let found = found.as_ref().map_err(Clone::clone);
                (*id, found.map(|names| names.get(&id.number).cloned()))
            });
            names.collect::<Vec<_>>()
        });
        let names = join_all(by_day).await.into_iter().flatten();
        let unknown = undated.into_iter().map(|id| (id, Ok(None)));
        names.chain(unknown).collect()
    }

    pub(super) async fn named_records(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        span: Span,
    ) -> Result<Vec<Arc<NamedRecord>>> {
        let fetch = async |span: Span, page| {
            let filter = in_span(span);
            vendor.named_record_page(scope, &filter, page).await
        };
        let reader = self.reader(vendor, NAMED_RECORDS, fetch);
        let window = reader.exactly(&budget(scope), span).await?;
        rows_of(window, scope)
    }

    fn reader<'a, Fetch>(
        &'a self,
        vendor: &'a Arc<dyn VendorApi>,
        name: &'static str,
        fetch: Fetch,
    ) -> ListReader<'a, Fetch> {
        let lists = vendor.capabilities().lists;
        ListReader {
            kind: (vendor.vendor(), name, 0),
            observations: &self.observations,
            granularity: granularity(&lists.granularity, vendor.zone()),
            zone: vendor.zone(),
            range: Range::default(),
            page_size: lists.page_size,
            order: lists.order,
            now: Timestamp::now().as_second(),
            fetch,
        }
    }

    /// The days of the ids, with days that are close together in one span where that is expected to take no more rows than one
    /// page holds.
    fn spans_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
        ids: &[ServiceRecordId],
    ) -> Vec<(Span, Vec<ServiceRecordId>)> {
        let mut days: BTreeMap<Date, Vec<ServiceRecordId>> = BTreeMap::new();
        for id in ids {
            days.entry(id.day.unwrap_or_default())
                .or_default()
                .push(*id);
        }
        let kind = (vendor.vendor(), "service records", 0);
        let one_page = f64::from(
            self.observations
                .rows_per_page(kind, vendor.capabilities().lists.page_size),
        );
        let fits = |from: Second, to: Second| {
            let expected = self.observations.expected_rows(kind, to - from);
            expected.is_some_and(|rows| rows <= one_page * 0.9)
        };

        let mut spans: Vec<(Span, Vec<ServiceRecordId>)> = Vec::new();
        for (day, ids) in days {
            let start = |day: Date| Some(vendor.zone().instant(day.at(0, 0, 0, 0))?.timestamp);
            let end = |day: Date| Some(start(day.tomorrow().ok()?)?.as_second() - 1);
            let (Some(from), Some(to)) = (start(day).map(Timestamp::as_second), end(day)) else {
                continue;
            };
            match spans.last_mut() {
                Some((span, known)) if span.from.is_some_and(|from| fits(from, to)) => {
                    span.to = Some(to);
                    known.extend(ids);
                }
                _ => {
                    let span = Span {
                        from: Some(from),
                        to: Some(to),
                    };
                    spans.push((span, ids));
                }
            }
        }
        spans
    }
}

fn budget(scope: &RequestScope) -> Budget {
    let calls = &scope.vendor_calls;
    Budget::new(calls.allowed()).of_request(calls.left(), calls.allowed())
}

/// All that was read. A day that needs too many calls was not read, so that nothing of it is known to be missing.
fn rows_of<T>(window: Window<T>, scope: &RequestScope) -> Result<Vec<Arc<T>>> {
    match window.is_too_large {
        true => Err(Error::too_many_vendor_calls(scope.vendor_calls.allowed())),
        false => Ok(window.rows.into_iter().chain(window.undated).collect()),
    }
}

fn in_span(span: Span) -> ServiceRecordFilter {
    let at = |second: Option<Second>| Timestamp::from_second(second?).ok();
    ServiceRecordFilter {
        from: at(span.from),
        to: at(span.to),
        ..ServiceRecordFilter::default()
    }
}

/// One result for each sought id, and all else that came along.
fn each_of<Found: Clone>(
    sought: &[ServiceRecordId],
    found: Result<Vec<Found>>,
    id_of: impl Fn(&Found) -> ServiceRecordId,
) -> EachById<ServiceRecordId, Found> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return sought.iter().map(|id| (*id, Err(error.clone()))).collect(),
    };
    let mut found: HashMap<ServiceRecordId, Found> = found
        .into_iter()
        .map(|found| (id_of(&found), found))
        .collect();
    let mut each: EachById<ServiceRecordId, Found> = sought
        .iter()
        .map(|id| (*id, Ok(found.get(id).cloned())))
        .collect();
    let sought: HashSet<_> = sought.iter().collect();
    found.retain(|id, _| !sought.contains(id));
    each.extend(found.into_iter().map(|(id, found)| (id, Ok(Some(found)))));
    each
}
