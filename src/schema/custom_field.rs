//! A field that a desk defined for its own objects.

use std::{borrow::Cow, sync::Arc};

use async_graphql::Object;

use crate::domain;

pub(super) struct CustomField<'a>(Cow<'a, domain::CustomField>);

/// Fields of an object that outlives the response.
pub(super) fn custom_fields(fields: &[domain::CustomField]) -> Vec<CustomField<'_>> {
    let fields = fields.iter();
    fields
        .map(|field| CustomField(Cow::Borrowed(field)))
        .collect()
}

/// Fields that were read for this response.
pub(super) fn own_custom_fields(
    fields: Arc<Vec<domain::CustomField>>,
) -> Vec<CustomField<'static>> {
    let fields = Arc::unwrap_or_clone(fields).into_iter();
    fields.map(|field| CustomField(Cow::Owned(field))).collect()
}

/// A field that the desk itself defined.
#[Object]
impl CustomField<'_> {
    /// The field's key at the vendor. For a service record, it is what `updateServiceRecord` takes.
    fn key(&self) -> &str {
        &self.0.key
    }

    /// Its values: one for most fields, none where it is not filled in.
    fn values(&self) -> &[String] {
        &self.0.values
    }
}
