//! Tickets: the list, and one by id.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{ListField, Page, Repository, TotalsWanted, list::Participation};
use crate::{
    domain::{PageArguments, Scope, Ticket, TicketFilter, TicketId},
    error::Result,
    listing::decode,
};

impl Repository {
    pub async fn ticket(&self, id: TicketId) -> Result<Option<Arc<Ticket>>> {
        self.authorize(Scope::Read)?;
        self.vendor(id.vendor)?;
        self.batches.load(id).await
    }

    /// Newest first.
    pub async fn tickets(
        &self,
        field: ListField,
        page: PageArguments,
        filter: TicketFilter,
        totals: TotalsWanted,
    ) -> Result<Page<Ticket>> {
        self.authorize(Scope::Read)?;
        let fingerprint = field.fingerprint(&filter.canonical());
        let after = decode(fingerprint, page.after.as_deref())?;
        for vendor in filter.vendors_of_ids() {
            self.vendor(vendor)?;
        }

        let participations =
            self.shared
                .vendors
                .iter()
                .map(|vendor| match filter.narrowed_to(vendor.vendor()) {
                    Some(narrowed) if vendor.capabilities().has_tickets => {
                        Participation::Asked(self.list(vendor, narrowed))
                    }
                    _ => Participation::Skipped(vendor.vendor()),
                });
        self.merged(
            fingerprint,
            after,
            page.limit,
            participations.collect(),
            totals,
        )
        .await
    }

    /// Whether it is past due and neither resolved nor closed. What is not yet may be so from its due time on.
    pub fn is_overdue(&self, ticket: &Ticket) -> bool {
        let now = Timestamp::now();
        let is_overdue = ticket.is_overdue(now);
        let due_in = ticket
            .due_at
            .and_then(|due_at| Duration::try_from(due_at.timestamp.duration_since(now)).ok());
        if let Some(due_in) = due_in
            && let Some(due_at) = Instant::now().checked_add(due_in)
        {
            self.scope.dependencies.expire_at(due_at);
        }
        is_overdue
    }

    /// The same ticket with its creator and service records, which the answer for one ticket leaves out. It is found in the list
    /// by its creation time.
    pub async fn listed_ticket(&self, ticket: &Arc<Ticket>) -> Result<Option<Arc<Ticket>>> {
        self.authorize(Scope::Read)?;
        self.listed(self.vendor(ticket.id.vendor)?, &**ticket).await
    }
}
