//! A request of a customer that outlives one service, and the filter of its lists.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    arguments,
    category::Category,
    contact::Contact,
    employee::Employee,
    error::{FieldResult, Found},
    hydrated::{Hydrate, Hydrated},
    repository,
    scalars::DateTime,
    service_record::ServiceRecord,
    sponsor::Sponsor,
    termination_code::TerminationCode,
    vendor::Vendor,
};
use crate::{domain, error::Result};

pub(super) struct Ticket(Hydrated<domain::Ticket>);

impl From<Arc<domain::Ticket>> for Ticket {
    fn from(ticket: Arc<domain::Ticket>) -> Self {
        Self(ticket.into())
    }
}

/// The list has fields of a ticket that the vendor's response for one ticket omits.
impl Hydrate for domain::Ticket {
    async fn hydrate(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
        repository(ctx)?.listed_ticket(self).await
    }
}

/// A request of a customer that outlives one service.
#[Object]
impl Ticket {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.embedded().id.into()
    }

    /// The vendor that it belongs to.
    fn vendor(&self) -> Vendor {
        self.0.embedded().id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.embedded().id.number.to_string()
    }

    /// The subject, in one line.
    fn subject(&self) -> Option<&str> {
        self.0.embedded().subject.as_deref()
    }

    /// The customer's request.
    fn content(&self) -> Option<&str> {
        self.0.embedded().content.as_deref()
    }

    /// The status.
    fn status(&self) -> TicketStatus {
        self.0.embedded().status.into()
    }

    /// An agent's note on the status.
    fn status_memo(&self) -> Option<&str> {
        self.0.embedded().status_memo.as_deref()
    }

    /// How urgent it is.
    fn priority(&self) -> TicketPriority {
        self.0.embedded().priority.into()
    }

    /// When it is due.
    fn due_at(&self) -> Option<DateTime> {
        self.0.embedded().due_at.map(DateTime)
    }

    /// Past due and neither resolved nor closed.
    fn is_overdue(&self, ctx: &Context<'_>) -> FieldResult<bool> {
        Ok(repository(ctx)?.is_overdue(self.0.embedded()))
    }

    /// When it was created.
    fn created_at(&self) -> Option<DateTime> {
        self.0.embedded().created_at.map(DateTime)
    }

    /// When it was last updated.
    fn updated_at(&self) -> Option<DateTime> {
        self.0.embedded().updated_at.map(DateTime)
    }

    /// The customer.
    fn contact(&self) -> Option<Contact> {
        self.0.embedded().contact.clone().map(Contact::from)
    }

    /// The most specific category: the subcategory where there is one.
    async fn category(&self, ctx: &Context<'_>) -> Option<FieldResult<Category>> {
        Category::related(ctx, self.0.embedded().category.as_ref()?).await
    }

    /// The employee who is responsible for it.
    async fn handler(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::related(ctx, self.0.embedded().handler.as_ref()?).await
    }

    /// Who created it. Null where the vendor does not provide it.
    async fn creator(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::of_field(ctx, &self.0, |ticket| &ticket.creator).await
    }

    /// The organisation that the desk serves.
    async fn sponsor(&self, ctx: &Context<'_>) -> Option<FieldResult<Sponsor>> {
        Sponsor::related(ctx, self.0.embedded().sponsor.as_ref()?).await
    }

    /// The reason for its status, from the desk's own list of reasons.
    async fn termination_code(&self, ctx: &Context<'_>) -> Option<FieldResult<TerminationCode>> {
        TerminationCode::related(ctx, self.0.embedded().termination_code.as_ref()?).await
    }

    /// The service records that this ticket is about. Null where the vendor does not provide it.
    async fn service_records(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<ServiceRecord>>> {
        let records = self.0.field(ctx, |ticket| &ticket.service_records).await?;
        Some(records.map(|records| records.iter().cloned().map(ServiceRecord::from).collect()))
    }
}

/// The status of a ticket.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::TicketStatus")]
pub(super) enum TicketStatus {
    /// Work has not started.
    Pending,
    /// An employee is working on it.
    InProgress,
    /// The customer's request is fulfilled.
    Resolved,
    /// Work on it has ended.
    Closed,
    /// A vendor code that this gateway does not know. Not valid as an input.
    Unknown,
}

/// How urgent a ticket is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::TicketPriority")]
pub(super) enum TicketPriority {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Urgent.
    Urgent,
    /// A vendor code that this gateway does not know. Not valid as an input.
    Unknown,
}

/// Narrows a list of tickets. Null filters nothing, an empty list matches nothing.
#[derive(InputObject, Default)]
pub(super) struct TicketFilter {
    /// Only tickets of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only tickets that the vendor finds by this text, of at most 500 characters.
    search: Option<String>,
    /// Only tickets in these statuses, at most 100. UNKNOWN is BAD_USER_INPUT.
    statuses: Option<Vec<TicketStatus>>,
    /// Only tickets of this customer.
    contact_id: Option<ID>,
    /// Only tickets of this sponsor.
    sponsor_id: Option<ID>,
    /// Only tickets whose status has one of these reasons, at most 100.
    termination_code_ids: Option<Vec<ID>>,
    /// Only tickets that one of these employees is responsible for, at most 100.
    handler_ids: Option<Vec<ID>>,
    /// Only tickets that one of these employees created, at most 100.
    creator_ids: Option<Vec<ID>>,
    /// Only tickets due at this instant or later.
    due_from: Option<DateTime>,
    /// Only tickets due at this instant or earlier.
    due_to: Option<DateTime>,
    /// Only tickets created at this instant or later.
    created_from: Option<DateTime>,
    /// Only tickets created at this instant or earlier.
    created_to: Option<DateTime>,
}

impl TicketFilter {
    pub(super) fn read(self, path: &str) -> Result<domain::TicketFilter> {
        let of = |name| format!("{path}.{name}");
        arguments::check_range((&of("dueFrom"), self.due_from), (&of("dueTo"), self.due_to))?;
        arguments::check_range(
            (&of("createdFrom"), self.created_from),
            (&of("createdTo"), self.created_to),
        )?;

        Ok(domain::TicketFilter {
            vendors: arguments::vendors(self.vendors),
            search: self
                .search
                .map(|text| arguments::search(&of("search"), text))
                .transpose()?,
            statuses: self
                .statuses
                .map(|statuses| arguments::statuses(&of("statuses"), &statuses))
                .transpose()?,
            contact: self
                .contact_id
                .map(|id| arguments::id(&of("contactId"), &id))
                .transpose()?,
            sponsor: self
                .sponsor_id
                .map(|id| arguments::id(&of("sponsorId"), &id))
                .transpose()?,
            termination_codes: self
                .termination_code_ids
                .map(|ids| arguments::ids(&of("terminationCodeIds"), &ids))
                .transpose()?,
            handlers: self
                .handler_ids
                .map(|ids| arguments::ids(&of("handlerIds"), &ids))
                .transpose()?,
            creators: self
                .creator_ids
                .map(|ids| arguments::ids(&of("creatorIds"), &ids))
                .transpose()?,
            due_from: self.due_from.map(DateTime::timestamp),
            due_to: self.due_to.map(DateTime::timestamp),
            created_from: self.created_from.map(DateTime::timestamp),
            created_to: self.created_to.map(DateTime::timestamp),
        })
    }
}
