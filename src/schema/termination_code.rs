//! Why a ticket is in the status that it is in.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::future::Either;

use super::{
    error::{AtHandOr, answered, at_hand},
    repository,
    selection::selects_more_than_copy,
    ticket::TicketStatus,
    vendor::Vendor,
};
use crate::domain;

pub(super) struct TerminationCode(Arc<domain::TerminationCode>);

impl From<Arc<domain::TerminationCode>> for TerminationCode {
    fn from(code: Arc<domain::TerminationCode>) -> Self {
        Self(code)
    }
}

impl TerminationCode {
    /// A code to which a ticket points: loaded only where the ticket has only the number and the query selects more.
    pub(super) fn related<'a>(
        ctx: &'a Context<'_>,
        code: &'a Arc<domain::TerminationCode>,
    ) -> AtHandOr<'a, Self> {
        if !selects_more_than_copy(ctx.field(), code.detail, code.name.as_deref()) {
            return at_hand(Some(Ok(code.clone().into())));
        }
        Either::Right(answered(ctx, async {
            let named = repository(ctx)?.termination_code(code.id).await?;
            Ok(named.unwrap_or_else(|| code.clone()).into())
        }))
    }
}

/// A reason for a ticket's status, from the desk's own list of reasons.
#[Object]
impl TerminationCode {
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

    /// The description.
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The status that it is a reason for.
    fn status(&self) -> TicketStatus {
        self.0.status.into()
    }
}
