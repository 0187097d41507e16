//! The organisation that a desk serves.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::future::Either;

use super::{
    error::{AtHandOr, answered, at_hand},
    repository,
    selection::selects_more_than_copy,
    vendor::Vendor,
};
use crate::domain;

pub(super) struct Sponsor(Arc<domain::Sponsor>);

impl From<Arc<domain::Sponsor>> for Sponsor {
    fn from(sponsor: Arc<domain::Sponsor>) -> Self {
        Self(sponsor)
    }
}

impl Sponsor {
    /// A sponsor to which another object points: loaded only where the object has only the number and the query selects more.
    pub(super) fn related<'a>(
        ctx: &'a Context<'_>,
        sponsor: &'a Arc<domain::Sponsor>,
    ) -> AtHandOr<'a, Self> {
        if !selects_more_than_copy(ctx.field(), sponsor.detail, sponsor.name.as_deref()) {
            return at_hand(Some(Ok(sponsor.clone().into())));
        }
        Either::Right(answered(ctx, async {
            let named = repository(ctx)?.sponsor(sponsor.id).await?;
            Ok(named.unwrap_or_else(|| sponsor.clone()).into())
        }))
    }
}

/// An organisation that a desk serves.
#[Object]
impl Sponsor {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The vendor that it belongs to.
    fn vendor(&self) -> Vendor {
        self.0.id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.id.number.to_string()
    }

    /// Its name. Null where the vendor does not list it any more.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The desk's description of it.
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }
}
