//! The customer.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, ID, Object};

use super::{arguments::personal, error::FieldResult, sponsor::Sponsor};
use crate::domain;

pub(super) struct Contact(Arc<domain::Contact>);

impl From<Arc<domain::Contact>> for Contact {
    fn from(contact: Arc<domain::Contact>) -> Self {
        Self(contact)
    }
}

/// The customer. Fields marked PII are masked unless the caller may read personal data.
#[Object]
impl Contact {
    /// Unique over all types and vendors. Null for an anonymous visitor.
    fn id(&self) -> Option<ID> {
        self.0.id.map(ID::from)
    }

    /// The customer's name.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The vendor's first name. FirstLine: the family name, where its desk writes Chinese names.
    fn first_name(&self) -> Option<&str> {
        self.0.first_name.as_deref()
    }

    /// The vendor's last name. FirstLine: the given name, where its desk writes Chinese names.
    fn last_name(&self) -> Option<&str> {
        self.0.last_name.as_deref()
    }

    /// The company that they act for.
    fn company(&self) -> Option<&str> {
        self.0.company.as_deref()
    }

    /// PII: their number as a member.
    fn membership_no(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        personal(ctx, self.0.membership_no.as_deref())
    }

    /// PII: the number of their identity document.
    fn identity_no(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        personal(ctx, self.0.identity_no.as_deref())
    }

    /// PII: their birth date, as the vendor writes it.
    fn birth_date(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        personal(ctx, self.0.birth_date.as_deref())
    }

    /// PII: phone, e-mail or another way to reach them.
    fn contact_method(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        personal(ctx, self.0.contact_method.as_deref())
    }

    /// The organisation through which they are served. FirstLine only.
    async fn sponsor(&self, ctx: &Context<'_>) -> Option<FieldResult<Sponsor>> {
        Sponsor::related(ctx, self.0.sponsor.as_ref()?).await
    }
}
