//! Tickets: the list, one by id, and writes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    ListField, Page, Repository, Shared, TotalsWanted, list::Participation,
    ticket_create::NewTicket,
};
use crate::{
    domain::{PageArguments, Scope, Ticket, TicketChanges, TicketFilter, TicketId, Topic},
    error::{Error, Result},
    listing::decode,
};

/// Which request created the ticket that a create returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    New,
    /// An earlier one with the same idempotency key.
    Earlier,
}

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

        let participations = || {
            let vendors = self.shared.vendors.iter();
            let participations = vendors.map(|vendor| match filter.narrowed_to(vendor.vendor()) {
                Some(narrowed) if vendor.capabilities().has_tickets => {
                    Participation::Included(self.list(vendor, narrowed))
                }
                _ => Participation::Skipped(vendor.vendor()),
            });
            participations.collect()
        };
        self.merged(fingerprint, after, page.limit, participations, totals)
            .await
    }

    /// Whether it is past due and neither resolved nor closed. The response expires at the due time.
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

    /// The same ticket from the list, with its creator and service records, which the read by id lacks. The creation time finds it
    /// in the list.
    pub async fn listed_ticket(&self, ticket: &Arc<Ticket>) -> Result<Option<Arc<Ticket>>> {
        self.authorize(Scope::Read)?;
        self.listed(self.vendor(ticket.id.vendor)?, &**ticket).await
    }

    /// With a key, the same content sent again returns the ticket that the first create created.
    pub async fn create_ticket(
        &self,
        changes: TicketChanges,
        idempotency_key: Option<String>,
    ) -> Result<(Arc<Ticket>, Creation)> {
        self.authorize(Scope::Write)?;
        let vendor = self
            .capabilities()
            .ticket_vendor()
            .ok_or_else(|| Error::bad_user_input("no vendor that is configured has tickets"))?;

        let shared = Arc::clone(&self.shared);
        let new = NewTicket {
            vendor: Arc::clone(self.vendor(vendor)?),
            scope: Arc::clone(&self.scope),
            changes,
        };
        self.write("createTicket", None, async move {
            let (ticket, creation) = match idempotency_key {
                None => (shared.create_ticket(new).await?, Creation::New),
                Some(key) => shared.create_ticket_once(new, &key).await?,
            };
            Ok((ticket.id.to_string(), (ticket, creation)))
        })
        .await
    }

    pub async fn update_ticket(&self, id: TicketId, changes: TicketChanges) -> Result<Arc<Ticket>> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("updateTicket", Some(id.to_string()), async move {
            let updated = vendor.update_ticket(&scope, id, &changes).await;
            shared.drop_ticket(id);
            Ok((id.to_string(), updated?))
        })
        .await
    }

    pub async fn delete_ticket(&self, id: TicketId) -> Result<()> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("deleteTicket", Some(id.to_string()), async move {
            let deleted = vendor.delete_ticket(&scope, id).await;
            shared.drop_ticket(id);
            deleted?;
            Ok((id.to_string(), ()))
        })
        .await
    }
}

impl Shared {
    /// Drops all that a write could have changed, whatever its outcome.
    fn drop_ticket(&self, id: TicketId) {
        self.cache.drop_object(self.entity_key(id));
        self.windows.drop_lists(id.vendor, Topic::Tickets);
    }
}
