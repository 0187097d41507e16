//! The input and payload of the service record mutation.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::{
    error::{FieldResult, Found},
    read_access::{ReadAccess, Written},
    service_record::ServiceRecord,
    user_error::{Faults, UserError, WriteResult, change, parts},
};
use crate::{
    domain::{
        self, Change, CustomFieldValue, ServiceRecordChanges, ServiceRecordId, VendorCapabilities,
        VendorNumber,
    },
    error::Result,
};

const MAX_MEMO_CHARACTERS: usize = 600;

/// Changes to a service record, at least one. Omitted fields stay as they are.
#[derive(InputObject)]
pub(super) struct UpdateServiceRecordInput {
    /// The record's id.
    id: ID,
    /// The agent's memo. At most 600 characters; null clears it.
    memo: MaybeUndefined<String>,
    /// The custom fields to change, each once; those that are not named stay as they are. Null and [] change none.
    custom_fields: Option<Vec<CustomFieldInput>>,
}

/// The new content of one custom field. Exactly one of value and values; null for the one that is named clears the field.
#[derive(InputObject)]
pub(super) struct CustomFieldInput {
    /// The field's key, as `customFields { key }` of a service record returns it.
    key: String,
    /// The value of a field that has one; null clears it.
    value: MaybeUndefined<String>,
    /// The values of a field that may have many; [] clears it.
    values: MaybeUndefined<Vec<String>>,
}

/// The result of updating a service record.
#[derive(SimpleObject)]
pub(super) struct UpdateServiceRecordPayload {
    /// The record as it is now. Null where there are user errors, and with an error where it was changed but could not be read
    /// again.
    service_record: Option<FieldResult<Written<ServiceRecord>>>,
    /// Faults that the client can fix. Empty if the record was updated.
    user_errors: Vec<UserError>,
}

impl UpdateServiceRecordInput {
    pub(super) fn read(
        self,
        vendors: &VendorCapabilities,
    ) -> WriteResult<(ServiceRecordId, ServiceRecordChanges)> {
        let mut faults = Faults::default();
        let id = faults.object_id(&self.id, vendors, |vendor| {
            vendor.has_editable_service_records
        });

        let custom_fields = self.custom_fields.filter(|fields| !fields.is_empty());
        if self.memo.is_undefined() && custom_fields.is_none() {
            faults.invalid(&[], "it must name at least one field to change");
        }
        let changes = ServiceRecordChanges {
            memo: read_memo(self.memo, &mut faults),
            custom_fields: custom_fields.map(|fields| read_custom_fields(fields, &mut faults)),
        };

        faults.none_in(id.map(|id| (id, changes)))
    }
}

/// The record after a write, if it could be read again, and what its caller may select of it.
pub(super) struct WrittenRecord {
    pub(super) reread: Result<Found<Arc<domain::ServiceRecord>>>,
    pub(super) access: ReadAccess,
    /// The custom fields that were written.
    pub(super) custom_fields: Vec<VendorNumber>,
}

impl From<WriteResult<WrittenRecord>> for UpdateServiceRecordPayload {
    fn from(written: WriteResult<WrittenRecord>) -> Self {
        let (written, user_errors) = parts(written);
        Self {
            service_record: written.and_then(WrittenRecord::shown),
            user_errors,
        }
    }
}

impl WrittenRecord {
    fn shown(self) -> Option<FieldResult<Written<ServiceRecord>>> {
        let mut record = match self.reread.transpose()? {
            Ok(record) => record,
            Err(error) => return Some(Err(error.into())),
        };
        if let ReadAccess::OwnWrite(_) = self.access {
            let is_written = |field: &domain::CustomField| {
                let mut keys = self.custom_fields.iter();
                keys.any(|key| key.to_string() == field.key)
            };
            let record = Arc::make_mut(&mut record);
            let custom_fields = std::mem::take(&mut record.custom_fields);
            record.custom_fields =
                custom_fields.map(|fields| fields.into_iter().filter(is_written).collect());
        }
        Some(Ok(Written {
            object: record.into(),
            access: self.access,
        }))
    }
}

/// The fields of the record that these changes set.
pub(super) fn written_fields(changes: &ServiceRecordChanges) -> Vec<&'static str> {
    let ServiceRecordChanges {
        memo,
        custom_fields,
    } = changes;
    let written = [
        ("memo", !memo.is_keep()),
        ("customFields", custom_fields.is_some()),
    ];
    let written = written.into_iter().filter(|(_, is_written)| *is_written);
    written.map(|(name, _)| name).collect()
}

fn read_memo(memo: MaybeUndefined<String>, faults: &mut Faults) -> Change<String> {
    let memo = change(memo);
    if matches!(&memo, Change::Set(text) if text.chars().count() > MAX_MEMO_CHARACTERS) {
        let message = format!("it must have at most {MAX_MEMO_CHARACTERS} characters");
        faults.invalid(&["memo"], message);
    }
    memo
}

fn read_custom_fields(
    fields: Vec<CustomFieldInput>,
    faults: &mut Faults,
) -> Vec<(VendorNumber, CustomFieldValue)> {
    use MaybeUndefined::{Null, Undefined, Value};

    let mut keys = HashSet::new();
    let mut changes = Vec::new();

    for (index, field) in fields.into_iter().enumerate() {
        let index = index.to_string();
        let key = VendorNumber::from_canonical(&field.key);
        match key {
            None => faults.invalid(
                &["customFields", &index, "key"],
                "it must be a key that customFields of the record has: a positive number",
            ),
            Some(key) if !keys.insert(key) => faults.invalid(
                &["customFields", &index, "key"],
                "no key may be named twice",
            ),
            Some(_) => {}
        }

        let value = match (field.value, field.values) {
            // A client with a variable for each of the two sends null for the one that it does not mean.
            (Value(value), Undefined | Null) => Some(CustomFieldValue::One(Some(value))),
            (Undefined | Null, Value(values)) => Some(CustomFieldValue::Many(values)),
            (Null, Undefined) => Some(CustomFieldValue::One(None)),
            (Undefined, Null) => Some(CustomFieldValue::Many(Vec::new())),
            (Value(_), Value(_)) | (Undefined, Undefined) | (Null, Null) => {
                let message = "it must have exactly one of value and values";
                faults.invalid(&["customFields", &index], message);
                None
            }
        };
        changes.extend(key.zip(value));
    }
    changes
}
