//! What only the read of a record by id has, or only the response to an update.

use std::{sync::Arc, time::Duration};

use super::{Repository, batch::RecordByIdKey, weight::Weight};
use crate::{
    domain::{
        ChannelAccount, CustomField, CustomFieldValue, DateTime, Loaded, Scope, ServiceLog,
        ServiceRecord, ServiceRecordChanges, ServiceRecordId, ServiceRecordUpdate,
    },
    error::Result,
};

impl Repository {
    /// The record's custom fields: those of the record itself, or of its read by id, or else of the last update.
    pub async fn custom_fields(
        &self,
        record: &ServiceRecord,
    ) -> Result<Option<Arc<Vec<CustomField>>>> {
        self.authorize(Scope::Read)?;
        let by_id;
        let fields = match &record.custom_fields {
            Loaded::Loaded(fields) => fields,
            Loaded::NotLoaded => {
                by_id = self.record_by_id(record.id).await?;
                let fields = by_id.as_ref().map(|record| &record.custom_fields);
                &fields.and_then(Loaded::value).cloned()
            }
        };
        Ok(match fields {
            Some(fields) => Some(Arc::new(fields.clone())),
            None => self.shared.updated_fields.of(record.id),
        })
    }

    pub async fn updated_at(&self, record: &ServiceRecord) -> Result<Option<DateTime>> {
        self.authorize(Scope::Read)?;
        let by_id = self.record_by_id(record.id).await?;
        Ok(by_id.and_then(|record| record.updated_at.value().copied()))
    }

    /// The account of the desk that the contact used in one of a record's channels.
    pub async fn log_account(
        &self,
        record: ServiceRecordId,
        log: &ServiceLog,
    ) -> Result<Option<ChannelAccount>> {
        self.authorize(Scope::Read)?;
        if let Loaded::Loaded(account) = &log.account {
            return Ok(account.clone());
        }
        let by_id = self.record_by_id(record).await?;
        let logs = by_id.as_ref().and_then(|record| record.logs.value());
        let same = logs.and_then(|logs| logs.iter().find(|same| same.id == log.id));
        Ok(same.and_then(|log| log.account.value().cloned()))
    }

    /// The record as its read by id has it, also where a list has shown it already.
    async fn record_by_id(&self, id: ServiceRecordId) -> Result<Option<Arc<ServiceRecord>>> {
        self.vendor(id.vendor)?;
        self.batches.load(RecordByIdKey::new(id)).await
    }
}

/// How long the custom fields of an update are shown where no read has any.
const UPDATED_FIELDS_TTL: Duration = Duration::from_secs(24 * 60 * 60);
const UPDATED_FIELDS_BYTES: u64 = 16 * 1024 * 1024;

/// The custom fields of records as the responses to updates had them: a vendor may show them nowhere else.
pub(super) struct UpdatedFields(moka::sync::Cache<ServiceRecordId, Arc<Vec<CustomField>>>);

impl UpdatedFields {
    pub(super) fn new() -> Self {
        let weight = |_: &ServiceRecordId, fields: &Arc<Vec<CustomField>>| {
            u32::try_from(fields.bytes()).unwrap_or(u32::MAX)
        };
        let fields = moka::sync::Cache::builder()
            .max_capacity(UPDATED_FIELDS_BYTES)
            // The default policy counts uses, and would not let a new record in.
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .weigher(weight)
            .time_to_live(UPDATED_FIELDS_TTL);
        Self(fields.build())
    }

    fn of(&self, id: ServiceRecordId) -> Option<Arc<Vec<CustomField>>> {
        self.0.get(&id)
    }

    /// Keeps the fields of a response, over those that were sent, over those of earlier responses: a response may have only the
    /// fields that were sent, and it may leave out what was cleared. None where no response had any.
    pub(super) fn keep(
        &self,
        id: ServiceRecordId,
        sent: &ServiceRecordChanges,
        response: &ServiceRecordUpdate,
    ) -> Option<Arc<Vec<CustomField>>> {
        let updated = response.custom_fields.value();
        let mut fields = match (self.of(id), updated) {
            (None, None) => return None,
            (known, _) => known.map(Arc::unwrap_or_clone).unwrap_or_default(),
        };
        let updated = updated.into_iter().flatten();
        let sent = sent.custom_fields.iter().flatten();
        let sent = sent.map(|(number, value)| CustomField {
            key: number.to_string(),
            values: match value {
                CustomFieldValue::One(value) => value.iter().cloned().collect(),
                CustomFieldValue::Many(values) => values.clone(),
            },
        });
        for field in sent.chain(updated.cloned()) {
            match fields.iter_mut().find(|known| known.key == field.key) {
                Some(known) => *known = field,
                None => fields.push(field),
            }
        }
        let fields = Arc::new(fields);
        self.0.insert(id, Arc::clone(&fields));
        Some(fields)
    }

    /// Nothing is known of the fields of a record whose update may have happened or not.
    pub(super) fn forget(&self, id: ServiceRecordId) {
        self.0.invalidate(&id);
    }
}
