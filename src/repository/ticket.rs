//! Tickets: the list, and one by id.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    Kept, Lifetime, ListField, Page, Repository, Topic,
    cursor::{Cursor, Origin},
    flight,
    merge::{Part, Participation, merge, read_part},
};
use crate::{
    domain::{PageArguments, Scope, Ticket, TicketFilter, TicketId, VendorPage, VendorPageRequest},
    error::Result,
    upstream::{
        VendorApi,
        paged_list::{PagedList, TICKETS},
    },
};

/// The most tickets that one call asks a vendor for.
const MAX_PER_PAGE: u32 = 100;

/// The most calls that a page of a list takes which the vendor filters: an unsorted list is read whole, up to here.
const MAX_CALLS: u32 = 10;

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
    ) -> Result<Page<Ticket>> {
        self.authorize(Scope::Read)?;
        let origin = Origin::new(field, &filter);
        let cursor = Cursor::decode(origin, page.after.as_deref())?;
        for vendor in filter.vendors_of_ids() {
            self.vendor(vendor)?;
        }

        let participations = self.shared.vendors.iter().map(async |vendor| {
            match filter.narrowed_to(vendor.vendor()) {
                Some(narrowed) if vendor.has_tickets() => Participation::Asked(
                    self.ticket_part(vendor, &cursor, origin, &page, &narrowed)
                        .await,
                ),
                _ => Participation::Skipped(vendor.vendor()),
            }
        });
        let participations = join_all(participations).await;
        merge(cursor, page.limit, participations)
    }

    async fn ticket_part<'a>(
        &'a self,
        vendor: &'a Arc<dyn VendorApi>,
        cursor: &Cursor,
        origin: Origin,
        page: &PageArguments,
        filter: &TicketFilter,
    ) -> Result<Part<'a, Ticket>> {
        let list = PagedList {
            orders: vendor.orders(),
            shape: TICKETS,
            fingerprint: origin.fingerprint(),
            max_per_page: MAX_PER_PAGE,
            max_calls: MAX_CALLS,
        };
        let resume = cursor.resume(vendor.vendor());
        let everything = None::<fn(&Ticket) -> bool>;
        let fetch = |request| self.ticket_page(vendor, filter, request);
        read_part(&**vendor, list, resume, page.limit.get(), everything, fetch).await
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

    /// One page of a vendor's list, through the cache.
    pub(super) async fn ticket_page(
        &self,
        vendor: &Arc<dyn VendorApi>,
        filter: &TicketFilter,
        request: VendorPageRequest,
    ) -> Result<Kept<VendorPage<Ticket>>> {
        let question = format!("{filter:?}");
        let cache = &self.shared.cache;
        let key = cache.key(
            vendor.vendor(),
            Topic::Tickets,
            Lifetime::List,
            (question, request),
        );
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (cache, filter) = (Arc::clone(cache), filter.clone());
            flight(async move {
                let page = vendor.ticket_page(&scope, &filter, request).await?;
                let tickets = page.items.iter();
                cache.feed(key, tickets.map(|ticket| (ticket.id, Arc::clone(ticket))));
                Ok(page)
            })
        });
        read.await
    }

    /// The same ticket with its creator and service records, which the answer for one ticket leaves out.
    pub async fn listed_ticket(&self, ticket: &Arc<Ticket>) -> Result<Option<Arc<Ticket>>> {
        self.authorize(Scope::Read)?;
        let id = ticket.id;
        let vendor = self.vendor(id.vendor)?;
        let cache = &self.shared.cache;
        let key = cache.key(id.vendor, Topic::Tickets, Lifetime::List, ("listed", id));
        let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (cache, ticket) = (Arc::clone(cache), Arc::clone(ticket));
            flight(async move {
                let listed = vendor.listed_ticket(&scope, &ticket).await?;
                cache.feed(key, listed.iter().map(|listed| (id, Arc::clone(listed))));
                Ok(listed)
            })
        });
        Ok(read.await?.value.as_ref().clone())
    }
}
