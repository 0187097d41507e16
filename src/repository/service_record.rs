//! Service records: the merged list, one by id, names of their categories, summaries, and writes.

use std::sync::Arc;

use super::{
    Lifetime, ListField, Page, Repository, Shared, Topic, TotalsWanted, batch::CategoryNamesKey,
    cache::AnyValue, list::Participation,
};
use crate::{
    context::RequestScope,
    domain::{
        Category, Contact, Detail, FilterPlan, Loaded, PageArguments, Scope, ServiceRecord,
        ServiceRecordChanges, ServiceRecordFilter, ServiceRecordId, ServiceRecordLookup,
        ServiceRecordUpdate, ServiceSummary, Ticket,
    },
    error::{ErrorKind, Result},
    listing::{Window, decode},
    upstream::VendorApi,
};

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
        totals: TotalsWanted,
    ) -> Result<Page<ServiceRecord>> {
        self.authorize(Scope::Read)?;
        let fingerprint = field.fingerprint(&filter.canonical());
        let after = decode(fingerprint, page.after.as_deref())?;
        let named = [
            filter.handler.map(|id| id.vendor),
            filter.handler_group.map(|id| id.vendor),
            filter.contact.map(|id| id.vendor),
        ];
        for vendor in named.into_iter().flatten() {
            self.vendor(vendor)?;
        }

        // The other vendors of the filter do not change the list of one.
        let of_vendor = ServiceRecordFilter {
            vendors: None,
            ..filter.clone()
        };
        let participations = || {
            let vendors = self.shared.vendors.iter();
            let participations = vendors.map(|vendor| {
                let filters = vendor.capabilities().service_record_filters;
                match filters.plan(vendor.vendor(), &filter) {
                    FilterPlan::Read => {
                        Participation::Included(self.list(vendor, of_vendor.clone()))
                    }
                    FilterPlan::Nothing => Participation::Skipped(vendor.vendor()),
                }
            });
            participations.collect()
        };
        self.merged(fingerprint, after, page.limit, participations, totals)
            .await
    }

    /// The record's category with its name and those of its ancestors, also where the record has ids alone.
    pub async fn named_category(&self, record: &ServiceRecord) -> Result<Option<Arc<Category>>> {
        self.authorize(Scope::Read)?;
        let Some(category) = record.category.value() else {
            return Ok(None);
        };
        if category.detail != Detail::Reference {
            return Ok(Some(Arc::clone(category)));
        }
        let names = self.batches.load(CategoryNamesKey(record.id)).await?;
        Ok(Some(match names {
            Some(names) => Arc::new(category.named(&names)),
            None => Arc::clone(category),
        }))
    }

    /// The record's customer. For a visitor, only the list may have the name.
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

    /// The same record from the list, where the list has more fields than the read by id.
    pub(super) async fn listed_service_record(
        &self,
        record: &Arc<ServiceRecord>,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        let vendor = self.vendor(record.id.vendor)?;
        if vendor.capabilities().service_record_lookup != ServiceRecordLookup::ById {
            return Ok(None);
        }
        self.listed(vendor, &**record).await
    }

    pub async fn service_summary(
        &self,
        record: &ServiceRecord,
    ) -> Result<Option<Arc<ServiceSummary>>> {
        self.authorize(Scope::Read)?;
        let id = record.id;
        let vendor = self.vendor(id.vendor)?;
        let key = (
            Topic::ServiceRecords,
            Lifetime::Entity,
            ("summary", id.number),
        );
        let summary = self.read(vendor, key, |vendor, scope| async move {
            Ok(vendor.service_summary(&scope, id).await?.map(Arc::new))
        });
        Ok(Option::clone(&summary.await?.value))
    }

    /// The schema has checked that there is a change, the memo's length and the custom fields' keys. The outer result is that of
    /// the write, the inner one that of reading the record afterwards: none where it was deleted since.
    pub async fn update_service_record(
        &self,
        id: ServiceRecordId,
        changes: ServiceRecordChanges,
    ) -> Result<Result<Option<Arc<ServiceRecord>>>> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("updateServiceRecord", Some(id.to_string()), async move {
            let update = vendor.update_service_record(&scope, id, &changes).await;
            let fields = match &update {
                Ok(update) => shared.updated_fields.keep(id, &changes, update),
                Err(error) => {
                    if matches!(error.kind, ErrorKind::OutcomeUnknown(_)) {
                        shared.updated_fields.forget(id);
                    }
                    None
                }
            };
            shared.drop_service_record(id);
            let update = ServiceRecordUpdate {
                custom_fields: Loaded::Loaded(fields.map(Arc::unwrap_or_clone)),
                updated_at: update?.updated_at,
            };
            let record = reread(&shared, &vendor, &scope, id, update).await;
            Ok((id.to_string(), record))
        })
        .await
    }
}

impl Shared {
    /// Drops what shows the record, whatever the outcome of the write. No filter and no count depends on what a write changes.
    fn drop_service_record(&self, id: ServiceRecordId) {
        let cache = &self.cache;
        cache.drop_changed(id.vendor, Topic::ServiceRecords, |value| {
            is_shown_by::<ServiceRecord>(value, |record| record.id.number == id.number)
        });
        // Tickets contain copies of their service records.
        cache.drop_changed(id.vendor, Topic::Tickets, |value| {
            is_shown_by::<Ticket>(value, |ticket| {
                let mut records = ticket.service_records.value().into_iter().flatten();
                records.any(|record| record.id.number == id.number)
            })
        });
    }
}

/// Whether a cached object is one of these, or a cached window holds one of them.
fn is_shown_by<T: Send + Sync + 'static>(value: &AnyValue, is_one: impl Fn(&T) -> bool) -> bool {
    if let Some(window) = value.downcast_ref::<Window<T>>() {
        let mut rows = window.rows.iter().chain(&window.undated);
        return rows.any(|row| is_one(row));
    }
    value.downcast_ref::<T>().is_some_and(is_one)
}

/// Reads the whole record after an update, because the vendor returns a part of it. What this read lacks is what the update
/// returned.
async fn reread(
    shared: &Arc<Shared>,
    vendor: &Arc<dyn VendorApi>,
    scope: &Arc<RequestScope>,
    id: ServiceRecordId,
    update: ServiceRecordUpdate,
) -> Result<Option<Arc<ServiceRecord>>> {
    let results = shared.records_by_id(vendor, scope, &[id]).await;
    let record = match results.into_iter().find(|(read, _)| *read == id) {
        Some((_, result)) => result?,
        None => None,
    };
    Ok(record.map(|record| {
        let lacks_fields = record.custom_fields.value().is_none();
        let lacks_time = record.updated_at.value().is_none();
        if !lacks_fields && !lacks_time {
            return record;
        }
        let mut record = Arc::unwrap_or_clone(record);
        if lacks_fields {
            record.custom_fields = update.custom_fields;
        }
        if lacks_time {
            record.updated_at = update.updated_at;
        }
        Arc::new(record)
    }))
}
