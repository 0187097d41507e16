//! A request of a customer that outlives one service.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Canonical, Category, CategoryId, Contact, ContactId, DateTime, Detail, Employee, EmployeeId,
    Loaded, ServiceRecord, Sponsor, SponsorId, TerminationCodeId, TicketId, Vendor,
};

/// A ticket as one answer of the vendor has it. The answer for a single ticket lacks creator and service records; the list has
/// them.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: TicketId,
    pub subject: Option<String>,
    pub content: Option<String>,
    pub status: TicketStatus,
    pub status_memo: Option<String>,
    pub priority: TicketPriority,
    pub due_at: Option<DateTime>,
    pub created_at: Option<DateTime>,
    pub updated_at: Option<DateTime>,
    pub contact: Option<Arc<Contact>>,
    pub category: Option<Arc<Category>>,
    pub handler: Option<Arc<Employee>>,
    pub creator: Loaded<Arc<Employee>>,
    pub sponsor: Option<Arc<Sponsor>>,
    pub termination_code: Option<Arc<TerminationCode>>,
    pub service_records: Loaded<Vec<Arc<ServiceRecord>>>,
}

impl Ticket {
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let is_open = !matches!(self.status, TicketStatus::Resolved | TicketStatus::Closed);
        is_open && self.due_at.is_some_and(|due| due.timestamp < now)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketStatus {
    Pending,
    InProgress,
    Resolved,
    Closed,
    Unknown,
}

impl TicketStatus {
    pub fn name(self) -> &'static str {
        match self {
            TicketStatus::Pending => "PENDING",
            TicketStatus::InProgress => "IN_PROGRESS",
            TicketStatus::Resolved => "RESOLVED",
            TicketStatus::Closed => "CLOSED",
            TicketStatus::Unknown => "UNKNOWN",
        }
    }

    pub const KNOWN: [TicketStatus; 4] = [
        TicketStatus::Pending,
        TicketStatus::InProgress,
        TicketStatus::Resolved,
        TicketStatus::Closed,
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketPriority {
    Low,
    Medium,
    High,
    Urgent,
    Unknown,
}

/// Why a ticket is in the status that it is in.
#[derive(Debug, Clone)]
pub struct TerminationCode {
    pub id: TerminationCodeId,
    pub detail: Detail,
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: TicketStatus,
}

/// The filter of a list of tickets. None does not filter; an empty list matches nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    pub vendors: Option<Vec<Vendor>>,
    pub search: Option<String>,
    pub statuses: Option<Vec<TicketStatus>>,
    pub contact: Option<ContactId>,
    pub sponsor: Option<SponsorId>,
    pub termination_codes: Option<Vec<TerminationCodeId>>,
    pub handlers: Option<Vec<EmployeeId>>,
    pub creators: Option<Vec<EmployeeId>>,
    /// Inclusive bounds.
    pub due_from: Option<Timestamp>,
    pub due_to: Option<Timestamp>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
}

/// What a write does to one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    pub fn is_keep(&self) -> bool {
        matches!(self, Change::Keep)
    }
}

/// The fields of a ticket that a client may write; a new ticket keeps what it does not set at the vendor's default.
#[derive(Debug, Clone, Default)]
pub struct TicketChanges {
    pub subject: Change<String>,
    pub content: Change<String>,
    pub status: Change<TicketStatus>,
    pub status_memo: Change<String>,
    pub priority: Change<TicketPriority>,
    pub due_at: Change<Timestamp>,
    pub handler: Change<EmployeeId>,
    pub contact: Change<ContactId>,
    pub sponsor: Change<SponsorId>,
    pub category: Change<CategoryId>,
    pub termination_code: Change<TerminationCodeId>,
}

impl TicketFilter {
    /// The vendors of the objects that the filter names.
    pub fn vendors_of_ids(&self) -> impl Iterator<Item = Vendor> {
        let codes = self.termination_codes.iter().flatten();
        let employees = self.handlers.iter().chain(&self.creators).flatten();
        let contact = self.contact.map(|id| id.vendor);
        contact
            .into_iter()
            .chain(self.sponsor.map(|id| id.vendor))
            .chain(codes.map(|id| id.vendor))
            .chain(employees.map(|id| id.vendor))
    }

    /// The same filter without bounds of the creation time.
    pub fn at_any_time(&self) -> Self {
        Self {
            created_from: None,
            created_to: None,
            ..self.clone()
        }
    }

    pub fn canonical(&self) -> Canonical {
        let statuses = self.statuses.as_ref();
        let statuses = statuses.map(|statuses| statuses.iter().map(|status| status.name()));
        Canonical::new("tickets")
            .list("vendors", self.vendors.clone())
            .field("search", self.search.as_deref())
            .list("statuses", statuses)
            .field("contact", self.contact)
            .field("sponsor", self.sponsor)
            .list("terminationCodes", self.termination_codes.clone())
            .list("handlers", self.handlers.clone())
            .list("creators", self.creators.clone())
            .field("dueFrom", self.due_from)
            .field("dueTo", self.due_to)
            .field("createdFrom", self.created_from)
            .field("createdTo", self.created_to)
    }

    /// Which parameters narrow the list, whatever their values.
    pub fn kind(&self) -> u32 {
        let narrows = [
            self.search.is_some(),
            self.contact.is_some(),
            self.sponsor.is_some(),
            self.termination_codes.is_some(),
            self.handlers.is_some(),
            self.creators.is_some(),
            self.due_from.is_some() || self.due_to.is_some(),
        ];
        let statuses = self.statuses.iter().flatten();
        let statuses = statuses.fold(0, |kind, status| kind | 1 << (*status as u32));
        let flags = narrows.into_iter().enumerate();
        let flags = flags.fold(0, |kind, (bit, narrows)| kind | u32::from(narrows) << bit);
        statuses << 8 | flags
    }

    /// The filter for one vendor, without the ids of other vendors. None where no ticket of the vendor can match.
    pub fn narrowed_to(&self, vendor: Vendor) -> Option<TicketFilter> {
        let is_left_out = self
            .vendors
            .as_ref()
            .is_some_and(|vendors| !vendors.contains(&vendor));
        let is_foreign = self.contact.is_some_and(|id| id.vendor != vendor)
            || self.sponsor.is_some_and(|id| id.vendor != vendor);
        if is_left_out || is_foreign || self.statuses.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }

        Some(TicketFilter {
            vendors: None,
            termination_codes: own(&self.termination_codes, |id| id.vendor == vendor)?,
            handlers: own(&self.handlers, |id| id.vendor == vendor)?,
            creators: own(&self.creators, |id| id.vendor == vendor)?,
            ..self.clone()
        })
    }
}

/// The vendor's ids of a list; none where no id is left to match.
fn own<Id: Copy>(ids: &Option<Vec<Id>>, is_own: impl Fn(&Id) -> bool) -> Option<Option<Vec<Id>>> {
    let Some(ids) = ids else {
        return Some(None);
    };
    let own: Vec<Id> = ids.iter().copied().filter(is_own).collect();
    (!own.is_empty()).then_some(Some(own))
}
