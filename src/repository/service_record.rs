//! Service records: the merged list, one by id, names of their categories, and summaries.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::{join, join_all};

use super::{
    CategoryNamesWanted, Lifetime, ListField, Page, Repository, Topic,
    batch::NamesOf,
    cursor::{Cursor, Origin},
    flight,
    merge::{Part, Participation, merge, read_part},
};
use crate::{
    domain::{
        Category, Contact, Detail, Loaded, PageArguments, Scope, ServiceRecord,
        ServiceRecordFilter, ServiceRecordId, ServiceSummary, VendorPage, VendorPageRequest,
    },
    error::Result,
    upstream::{
        FilterPlan, VendorApi,
        paged_list::{PagedList, SERVICE_RECORDS, SERVICE_RECORDS_OF_EMPLOYEE},
    },
};

/// The most records that one call asks a vendor for: both vendors advise against more.
const MAX_PER_PAGE: u32 = 100;

/// The most calls that a page of a list takes which the vendor filters: an unsorted list is read whole, up to here.
const MAX_CALLS: u32 = 10;

impl Repository {
    pub async fn service_record(&self, id: ServiceRecordId) -> Result<Option<Arc<ServiceRecord>>> {
        self.authorize(Scope::Read)?;
        self.vendor(id.vendor)?;
        self.batches.load(id).await
    }

    /// Newest first over all vendors that the filter leaves in.
    pub async fn service_records(
        &self,
        field: ListField,
        page: PageArguments,
        filter: ServiceRecordFilter,
        names: CategoryNamesWanted,
    ) -> Result<Page<ServiceRecord>> {
        self.authorize(Scope::Read)?;
        let origin = Origin::new(field, &filter);
        let cursor = Cursor::decode(origin, page.after.as_deref())?;
        let named = [
            filter.handler.map(|id| id.vendor),
            filter.handler_group.map(|id| id.vendor),
            filter.contact.map(|id| id.vendor),
        ];
        for vendor in named.into_iter().flatten() {
            self.vendor(vendor)?;
        }

        let participations = self.shared.vendors.iter().map(async |vendor| {
            let is_left_out = filter
                .vendors
                .as_ref()
                .is_some_and(|vendors| !vendors.contains(&vendor.vendor()));
            match vendor.plan(&filter) {
                FilterPlan::Ask { left_over } if !is_left_out => Participation::Asked(
                    self.service_record_part(
                        vendor, &cursor, origin, &page, &filter, left_over, names,
                    )
                    .await,
                ),
                _ => Participation::Skipped(vendor.vendor()),
            }
        });
        let participations = join_all(participations).await;
        merge(cursor, page.limit, participations)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one caller passes the list's whole question"
    )]
    async fn service_record_part<'a>(
        &'a self,
        vendor: &'a Arc<dyn VendorApi>,
        cursor: &Cursor,
        origin: Origin,
        page: &PageArguments,
        filter: &ServiceRecordFilter,
        left_over: Option<ServiceRecordFilter>,
        names: CategoryNamesWanted,
    ) -> Result<Part<'a, ServiceRecord>> {
        let list = PagedList {
            orders: vendor.orders(),
            shape: service_record_shape(filter),
            fingerprint: origin.fingerprint(),
            max_per_page: MAX_PER_PAGE,
            max_calls: match left_over {
                None => MAX_CALLS,
                Some(_) => self.shared.limits.max_vendor_pages,
            },
        };
        let resume = cursor.resume(vendor.vendor());
        let admits = left_over.map(|left| move |record: &ServiceRecord| left.admits(record));
        let fetch = |request| self.service_record_page(vendor, filter, request, names);
        read_part(&**vendor, list, resume, page.limit.get(), admits, fetch).await
    }

    /// One page of a vendor's list, through the cache, with the categories' names where they are wanted.
    pub(super) async fn service_record_page(
        &self,
        vendor: &Arc<dyn VendorApi>,
        filter: &ServiceRecordFilter,
        request: VendorPageRequest,
        names: CategoryNamesWanted,
    ) -> Result<super::Kept<VendorPage<ServiceRecord>>> {
        if names == CategoryNamesWanted::Yes && vendor.tells_category_names_apart() {
            return self
                .named_service_record_page(vendor, filter, request)
                .await;
        }

        let question = format!("{filter:?}");
        let cache = &self.shared.cache;
        let key = cache.key(
            vendor.vendor(),
            Topic::ServiceRecords,
            Lifetime::List,
            (question, request),
        );
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (cache, filter) = (Arc::clone(cache), filter.clone());
            flight(async move {
                let page = vendor.service_record_page(&scope, &filter, request).await?;
                let records = page.items.iter();
                cache.feed(key, records.map(|record| (record.id, Arc::clone(record))));
                Ok(page)
            })
        });
        read.await
    }

    /// The page and its names are read side by side; a record whose names the vendor tells not by this page is left as it is.
    async fn named_service_record_page(
        &self,
        vendor: &Arc<dyn VendorApi>,
        filter: &ServiceRecordFilter,
        request: VendorPageRequest,
    ) -> Result<super::Kept<VendorPage<ServiceRecord>>> {
        let question = format!("{filter:?}");
        let cache = &self.shared.cache;
        let key = cache.key(
            vendor.vendor(),
            Topic::Categories,
            Lifetime::List,
            (question, request),
        );
        let names = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let filter = filter.clone();
            flight(async move {
                let names = vendor.category_names_page(&scope, &filter, request).await?;
                Ok(names.unwrap_or_default())
            })
        });
        let page =
            Box::pin(self.service_record_page(vendor, filter, request, CategoryNamesWanted::No));
        let (page, names) = join(page, names).await;
        let page = page?;
        // Without the names the records are data; whose name is asked for fails by itself.
        let Ok(names) = names else {
            return Ok(page);
        };

        let names: HashMap<_, _> = names
            .value
            .iter()
            .map(|(id, names)| (id.number, names))
            .collect();
        let named = |record: &Arc<ServiceRecord>| match (
            record.category.value(),
            names.get(&record.id.number),
        ) {
            (Some(category), Some(names)) => Arc::new(ServiceRecord {
                category: Loaded::some(Arc::new(category.named(names))),
                ..ServiceRecord::clone(record)
            }),
            _ => Arc::clone(record),
        };
        let items = page.value.items.iter().map(named).collect();
        Ok(super::Kept {
            value: Arc::new(VendorPage {
                items,
                ..VendorPage::clone(&page.value)
            }),
            state: page.state,
            read_at: page.read_at,
            failure: page.failure,
        })
    }

    /// The record's category with its name and its ancestors', where the record's own answer has ids alone.
    pub async fn named_category(&self, record: &ServiceRecord) -> Result<Option<Arc<Category>>> {
        self.authorize(Scope::Read)?;
        let Some(category) = record.category.value() else {
            return Ok(None);
        };
        if category.detail != Detail::Reference {
            return Ok(Some(Arc::clone(category)));
        }
        let names = self.batches.load(NamesOf(record.id)).await?;
        Ok(Some(match names {
            Some(names) => Arc::new(category.named(&names)),
            None => Arc::clone(category),
        }))
    }

    /// The record's customer. A visitor's name may stand in the list alone.
    pub async fn record_contact(
        &self,
        record: &Arc<ServiceRecord>,
    ) -> Result<Option<Arc<Contact>>> {
        self.authorize(Scope::Read)?;
        if let Loaded::Loaded(contact) = &record.contact {
            return Ok(contact.clone());
        }
        let listed = self.listed_service_record(record).await?;
        Ok(listed.and_then(|listed| listed.contact.value().cloned()))
    }

    /// The same record as the list tells it, where the list tells more than the answer for one.
    pub(super) async fn listed_service_record(
        &self,
        record: &Arc<ServiceRecord>,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        let id = record.id;
        let vendor = self.vendor(id.vendor)?;
        let topic = Topic::ServiceRecords;
        let key = self
            .shared
            .cache
            .key(id.vendor, topic, Lifetime::List, ("listed", id));
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let record = Arc::clone(record);
            flight(async move { vendor.listed_service_record(&scope, &record).await })
        });
        let listed = read.await?.value;
        Ok(Option::as_ref(&listed).cloned())
    }

    pub async fn service_summary(
        &self,
        record: &ServiceRecord,
    ) -> Result<Option<Arc<ServiceSummary>>> {
        self.authorize(Scope::Read)?;
        let id = record.id;
        let vendor = self.vendor(id.vendor)?;
        let topic = Topic::ServiceRecords;
        let key = self
            .shared
            .cache
            .key(id.vendor, topic, Lifetime::Entity, ("summary", id.number));
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            flight(async move { vendor.service_summary(&scope, id).await })
        });
        let summary = read.await?.value;
        Ok(Option::as_ref(&summary).map(|summary| Arc::new(summary.clone())))
    }
}

/// Lists with and without an agent are other calls, and may be in another order.
pub(super) fn service_record_shape(filter: &ServiceRecordFilter) -> &'static str {
    match filter.handler {
        Some(_) => SERVICE_RECORDS_OF_EMPLOYEE,
        None => SERVICE_RECORDS,
    }
}
