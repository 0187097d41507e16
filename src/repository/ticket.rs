//! Tickets: the list, one by id, and writes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan};

use super::{
    ListField, Page, Repository, Shared, TotalsWanted,
    idempotency::{CreateState, Digest, key_fault},
    list::{Participation, VendorList},
};
use crate::{
    context::RequestScope,
    domain::{
        Change, PageArguments, Scope, Ticket, TicketChanges, TicketFilter, TicketId, Topic,
        VendorErrorCode,
    },
    error::{Error, ErrorKind, Result},
    listing::decode,
    upstream::VendorApi,
};

/// How far the vendor's clock may differ from ours, in the search for a ticket that an unknown create may have created.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// How many vendor calls that search takes at most.
const SEARCH_MAX_CALLS: u32 = 10;

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
    ) -> Result<Arc<Ticket>> {
        self.authorize(Scope::Write)?;
        let vendor = self
            .capabilities()
            .ticket_vendor()
            .ok_or_else(|| Error::bad_user_input("no vendor that is configured has tickets"))?;

        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        let vendor = Arc::clone(self.vendor(vendor)?);
        self.write("createTicket", None, async move {
            let ticket = match idempotency_key {
                None => shared.send_create(&vendor, &scope, &changes).await?,
                Some(key) => shared.create_once(&vendor, &scope, &changes, &key).await?,
            };
            Ok((ticket.id.to_string(), ticket))
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
    async fn send_create(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        let created = vendor.create_ticket(scope, changes).await;
        self.drop_lists(vendor.vendor(), Topic::Tickets);
        created.map_err(|error| match error.kind {
            ErrorKind::OutcomeUnknown(failure) => Error::new(
                ErrorKind::OutcomeUnknown(failure),
                format!(
                    "{failure}, so it is not known whether the ticket was created: look for it in `tickets` by its subject before sending it again"
                ),
            )
            .with_source(error),
            // A create names no object that could be missing: the vendor rejected the call.
            ErrorKind::NotFound => Error::vendor(vendor.vendor(), VendorErrorCode::Rejected),
            _ => error,
        })
    }

    /// Creates at most one ticket for a key, also when two creates with the key arrive at the same time.
    async fn create_once(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        changes: &TicketChanges,
        key: &str,
    ) -> Result<Arc<Ticket>> {
        let create = self.writes.idempotency_keys.create(&scope.caller.name, key);
        let mut state = create.lock().await;
        let content = Digest::of(&changes.canonical());
        state.check_content(content)?;

        let since = match *state {
            CreateState::Created { ticket, .. } => {
                let found = vendor.ticket(scope, ticket).await?;
                return found.ok_or_else(|| {
                    key_fault(
                        "made a ticket that was deleted since: it must be new for each ticket",
                    )
                });
            }
            CreateState::Sent { since, .. } => {
                if let Some(ticket) = find_created(self, vendor, scope, changes, since).await? {
                    // The vendor may have created it after the create dropped the lists.
                    self.drop_lists(vendor.vendor(), Topic::Tickets);
                    *state = CreateState::Created {
                        content,
                        ticket: ticket.id,
                    };
                    return Ok(ticket);
                }
                since
            }
            CreateState::Free => Timestamp::now(),
        };

        // Set before the call: whatever ends the call early, the key says that the ticket may exist.
        *state = CreateState::Sent { content, since };
        let created = self.send_create(vendor, scope, changes).await;
        *state = match &created {
            Ok(ticket) => CreateState::Created {
                content,
                ticket: ticket.id,
            },
            Err(error) if matches!(error.kind, ErrorKind::OutcomeUnknown(_)) => *state,
            Err(_) => CreateState::Free,
        };
        created
    }

    /// Drops all that a write could have changed, whatever its outcome: the ticket, and the lists, which may have a filter that it
    /// now meets or no longer meets. Other objects stay.
    fn drop_ticket(&self, id: TicketId) {
        self.cache.drop_object(self.entity_key(id));
        self.windows.drop_lists(id.vendor, Topic::Tickets);
    }
}

/// The ticket that a create of unknown outcome created, if it did: the same subject and content, created since.
async fn find_created(
    shared: &Arc<Shared>,
    vendor: &Arc<dyn VendorApi>,
    scope: &Arc<RequestScope>,
    changes: &TicketChanges,
    since: Timestamp,
) -> Result<Option<Arc<Ticket>>> {
    let filter = TicketFilter {
        created_from: Some(since - CLOCK_SKEW_SECONDS.seconds()),
        ..TicketFilter::default()
    };
    let is_same = |ticket: &Ticket| {
        is_set_to(&changes.subject, ticket.subject.as_ref())
            && is_set_to(&changes.content, ticket.content.as_ref())
    };
    // A list that was cached before the create does not show whether it succeeded.
    shared.drop_lists(vendor.vendor(), Topic::Tickets);
    let list = VendorList::new(shared, scope, vendor, filter).limited_to(SEARCH_MAX_CALLS);
    let tickets = list
        .newest(usize::MAX, |tickets: &[Arc<Ticket>]| {
            tickets.iter().any(|ticket| is_same(ticket))
        })
        .await?;
    Ok(tickets.into_iter().find(|ticket| is_same(ticket)))
}

/// The vendor's framework trims the values that it receives.
fn is_set_to(change: &Change<String>, value: Option<&String>) -> bool {
    matches!(change, Change::Set(set) if Some(set.trim()) == value.map(|value| value.trim()))
}
