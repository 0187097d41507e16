//! A request of a customer that outlives one service, and the filter of its lists.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    arguments,
    category::Category,
    contact::Contact,
    employee::Employee,
    error::{FieldResult, Found},
    partial::{Partial, Whole},
    repository,
    scalars::DateTime,
    service_record::ServiceRecord,
    sponsor::Sponsor,
    termination_code::TerminationCode,
    vendor::Vendor,
};
use crate::{domain, error::Result};

pub(super) struct Ticket(Partial<domain::Ticket>);

impl From<Arc<domain::Ticket>> for Ticket {
    fn from(ticket: Arc<domain::Ticket>) -> Self {
        Self(ticket.into())
    }
}

/// The list tells of a ticket what the answer for one leaves out.
impl Whole for domain::Ticket {
    async fn whole(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
        repository(ctx)?.listed_ticket(self).await
    }
}

/// A request of a customer that outlives one service.
#[Object]
impl Ticket {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.seen().id.into()
    }

    /// The vendor that holds it.
    fn vendor(&self) -> Vendor {
        self.0.seen().id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.seen().id.number.to_string()
    }

    /// What it is about, in a line.
    fn subject(&self) -> Option<&str> {
        self.0.seen().subject.as_deref()
    }

    /// What the customer asks for.
    fn content(&self) -> Option<&str> {
        self.0.seen().content.as_deref()
    }

    /// How far it has come.
    fn status(&self) -> TicketStatus {
        self.0.seen().status.into()
    }

    /// What an agent noted on the status.
    fn status_memo(&self) -> Option<&str> {
        self.0.seen().status_memo.as_deref()
    }

    /// How urgent it is.
    fn priority(&self) -> TicketPriority {
        self.0.seen().priority.into()
    }

    /// By when it is to be resolved.
    fn due_at(&self) -> Option<DateTime> {
        self.0.seen().due_at.map(DateTime)
    }

    /// Past due and neither resolved nor closed.
    fn is_overdue(&self, ctx: &Context<'_>) -> FieldResult<bool> {
        Ok(repository(ctx)?.is_overdue(self.0.seen()))
    }

    /// When it was made.
    fn created_at(&self) -> Option<DateTime> {
        self.0.seen().created_at.map(DateTime)
    }

    /// When it was changed last.
    fn updated_at(&self) -> Option<DateTime> {
        self.0.seen().updated_at.map(DateTime)
    }

    /// The customer.
    fn contact(&self) -> Option<Contact> {
        self.0.seen().contact.clone().map(Contact::from)
    }

    /// The most specific category: the subcategory where there is one.
    async fn category(&self, ctx: &Context<'_>) -> Option<FieldResult<Category>> {
        Category::related(ctx, self.0.seen().category.as_ref()?).await
    }

    /// Who is to resolve it.
    async fn handler(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::related(ctx, self.0.seen().handler.as_ref()?).await
    }

    /// Who made it. Null where the vendor does not tell.
    async fn creator(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::told_by(ctx, &self.0, |ticket| &ticket.creator).await
    }

    /// The organisation that the desk serves.
    async fn sponsor(&self, ctx: &Context<'_>) -> Option<FieldResult<Sponsor>> {
        Sponsor::related(ctx, self.0.seen().sponsor.as_ref()?).await
    }

    /// Why it is in its status, of the desk's own list of reasons.
    async fn termination_code(&self, ctx: &Context<'_>) -> Option<FieldResult<TerminationCode>> {
        TerminationCode::related(ctx, self.0.seen().termination_code.as_ref()?).await
    }

    /// The services to the customer that this ticket is about. Null where the vendor does not tell.
    async fn service_records(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<ServiceRecord>>> {
        let records = self.0.told(ctx, |ticket| &ticket.service_records).await?;
        Some(records.map(|records| records.iter().cloned().map(ServiceRecord::from).collect()))
    }
}

/// How far a ticket has come.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::TicketStatus")]
pub(super) enum TicketStatus {
    /// Nobody has begun with it.
    Pending,
    /// Somebody works on it.
    InProgress,
    /// The customer has what they asked for.
    Resolved,
    /// Nothing more will be done.
    Closed,
    /// A vendor code that this gateway does not know. Not good as an input.
    Unknown,
}

/// How urgent a ticket is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::TicketPriority")]
pub(super) enum TicketPriority {
    /// It can wait.
    Low,
    /// As usual.
    Medium,
    /// Before others.
    High,
    /// At once.
    Urgent,
    /// A vendor code that this gateway does not know. Not good as an input.
    Unknown,
}

/// Narrows a list of tickets. Null filters nothing, an empty list matches nothing.
#[derive(InputObject, Default)]
pub(super) struct TicketFilter {
    /// Only tickets of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only tickets that the vendor finds by this text.
    search: Option<String>,
    /// Only tickets in these statuses. UNKNOWN is BAD_USER_INPUT.
    statuses: Option<Vec<TicketStatus>>,
    /// Only tickets of this customer.
    contact_id: Option<ID>,
    /// Only tickets of this sponsor.
    sponsor_id: Option<ID>,
    /// Only tickets whose status has one of these reasons.
    termination_code_ids: Option<Vec<ID>>,
    /// Only tickets that one of these employees is to resolve.
    handler_ids: Option<Vec<ID>>,
    /// Only tickets that one of these employees made.
    creator_ids: Option<Vec<ID>>,
    /// Only tickets due at this instant or later.
    due_from: Option<DateTime>,
    /// Only tickets due at this instant or earlier.
    due_to: Option<DateTime>,
    /// Only tickets made at this instant or later.
    created_from: Option<DateTime>,
    /// Only tickets made at this instant or earlier.
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
            search: self.search,
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
