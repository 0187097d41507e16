//! A request of a customer that outlives one service.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Canonical, Category, CategoryId, Contact, ContactId, DateTime, Detail, Employee, EmployeeId,
    FilterParameter, FilterParameters, Loaded, ServiceRecord, Sponsor, SponsorId,
    TerminationCodeId, TicketId, Vendor,
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
    /// The filters that can't be checked on it, because the vendor's answer lacks the field.
    pub unjudged: FilterParameters,
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

impl TicketPriority {
    pub fn name(self) -> &'static str {
        match self {
            TicketPriority::Low => "LOW",
            TicketPriority::Medium => "MEDIUM",
            TicketPriority::High => "HIGH",
            TicketPriority::Urgent => "URGENT",
            TicketPriority::Unknown => "UNKNOWN",
        }
    }
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

    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(value) => Change::Set(map(value)),
        }
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

impl TicketChanges {
    pub fn canonical(&self) -> Canonical {
        let Self {
            subject,
            content,
            status,
            status_memo,
            priority,
            due_at,
            handler,
            contact,
            sponsor,
            category,
            termination_code,
        } = self;
        Canonical::new("ticketChanges")
            .change("subject", subject)
            .change("content", content)
            .change("status", &status.clone().map(TicketStatus::name))
            .change("statusMemo", status_memo)
            .change("priority", &priority.clone().map(TicketPriority::name))
            .change("dueAt", due_at)
            .change("handler", handler)
            .change("contact", contact)
            .change("sponsor", sponsor)
            .change("category", category)
            .change("terminationCode", termination_code)
    }
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

    pub fn canonical(&self) -> Canonical {
        let Self {
            vendors,
            search,
            statuses,
            contact,
            sponsor,
            termination_codes,
            handlers,
            creators,
            due_from,
            due_to,
            created_from,
            created_to,
        } = self;
        let statuses = statuses.as_ref();
        let statuses = statuses.map(|statuses| statuses.iter().map(|status| status.name()));
        Canonical::new("tickets")
            .list("vendors", vendors.as_ref())
            .field("search", search.as_ref())
            .list("statuses", statuses)
            .field("contact", *contact)
            .field("sponsor", *sponsor)
            .list("terminationCodes", termination_codes.as_ref())
            .list("handlers", handlers.as_ref())
            .list("creators", creators.as_ref())
            .field("dueFrom", *due_from)
            .field("dueTo", *due_to)
            .field("createdFrom", *created_from)
            .field("createdTo", *created_to)
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

    /// The parameters that narrow the list.
    pub fn parameters(&self) -> FilterParameters {
        use FilterParameter::*;
        FilterParameters::from_iter([
            (Search, self.search.is_some()),
            (Statuses, self.statuses.is_some()),
            (Contact, self.contact.is_some()),
            (Sponsor, self.sponsor.is_some()),
            (TerminationCodes, self.termination_codes.is_some()),
            (Handler, self.handlers.is_some()),
            (Creator, self.creators.is_some()),
            (DueFrom, self.due_from.is_some()),
            (DueTo, self.due_to.is_some()),
            (
                Created,
                self.created_from.is_some() || self.created_to.is_some(),
            ),
        ])
    }

    /// The same filter without some parameters.
    pub fn without(&self, parameters: FilterParameters) -> Self {
        use FilterParameter::*;
        let whole = self.clone();
        let stays = |parameter| !parameters.contains(parameter);
        Self {
            vendors: whole.vendors,
            search: whole.search.filter(|_| stays(Search)),
            statuses: whole.statuses.filter(|_| stays(Statuses)),
            contact: whole.contact.filter(|_| stays(Contact)),
            sponsor: whole.sponsor.filter(|_| stays(Sponsor)),
            termination_codes: whole.termination_codes.filter(|_| stays(TerminationCodes)),
            handlers: whole.handlers.filter(|_| stays(Handler)),
            creators: whole.creators.filter(|_| stays(Creator)),
            due_from: whole.due_from.filter(|_| stays(DueFrom)),
            due_to: whole.due_to.filter(|_| stays(DueTo)),
            created_from: whole.created_from.filter(|_| stays(Created)),
            created_to: whole.created_to.filter(|_| stays(Created)),
        }
    }

    /// The parameters that the ticket does not match. A field that it lacks matches, and so does every text: which fields a
    /// vendor searches is not known. Lists check the creation time themselves.
    pub fn mismatches(&self, ticket: &Ticket) -> FilterParameters {
        use FilterParameter::*;
        let is_among = |ids: &Option<Vec<EmployeeId>>, employee: Option<&Arc<Employee>>| {
            let id = employee.map(|employee| employee.id);
            ids.as_ref()
                .is_none_or(|ids| id.is_some_and(|id| ids.contains(&id)))
        };
        let contact = ticket.contact.as_ref().and_then(|contact| contact.id);
        let sponsor = ticket.sponsor.as_ref().map(|sponsor| sponsor.id);
        let code = ticket.termination_code.as_ref().map(|code| code.id);
        let due = ticket.due_at.map(|due| due.timestamp);
        let matches = [
            (
                Statuses,
                self.statuses
                    .as_ref()
                    .is_none_or(|statuses| statuses.contains(&ticket.status)),
            ),
            (Contact, self.contact.is_none() || self.contact == contact),
            (Sponsor, self.sponsor.is_none() || self.sponsor == sponsor),
            (
                TerminationCodes,
                self.termination_codes
                    .as_ref()
                    .is_none_or(|codes| code.is_some_and(|code| codes.contains(&code))),
            ),
            (Handler, is_among(&self.handlers, ticket.handler.as_ref())),
            (Creator, is_among(&self.creators, ticket.creator.value())),
            (
                DueFrom,
                self.due_from
                    .is_none_or(|from| due.is_some_and(|due| from <= due)),
            ),
            (
                DueTo,
                self.due_to
                    .is_none_or(|to| due.is_some_and(|due| due <= to)),
            ),
        ];
        let differs = matches.map(|(parameter, matches)| (parameter, !matches));
        FilterParameters::from_iter(differs).minus(ticket.unjudged)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VendorNumber;

    fn number(number: u64) -> VendorNumber {
        VendorNumber::new(number).expect("the tests number from 1")
    }

    #[test]
    fn the_canonical_form_of_a_filter_names_each_of_its_fields() {
        let employee = |id| EmployeeId::new(Vendor::FirstLine, number(id));
        let second = |second| Timestamp::from_second(second).ok();
        let filter = TicketFilter {
            vendors: Some(vec![Vendor::FirstLine, Vendor::Bangwo8]),
            search: Some("a printer".to_owned()),
            statuses: Some(vec![TicketStatus::Pending]),
            contact: Some(ContactId::new(Vendor::FirstLine, number(1))),
            sponsor: Some(SponsorId::new(Vendor::FirstLine, number(2))),
            termination_codes: Some(vec![TerminationCodeId::new(Vendor::FirstLine, number(3))]),
            handlers: Some(vec![employee(4), employee(5)]),
            creators: Some(Vec::new()),
            due_from: second(1),
            due_to: second(2),
            created_from: second(3),
            created_to: second(4),
        };
        assert_eq!(
            filter.canonical().as_str(),
            "tickets vendors=24: =9:FirstLine =7:Bangwo8 search=9:a printer statuses=11: =7:PENDING \
             contact=19:firstline:Contact:1 sponsor=19:firstline:Sponsor:2 \
             terminationCodes=32: =27:firstline:TerminationCode:3 \
             handlers=50: =20:firstline:Employee:4 =20:firstline:Employee:5 creators=0: \
             dueFrom=20:1970-01-01T00:00:01Z dueTo=20:1970-01-01T00:00:02Z \
             createdFrom=20:1970-01-01T00:00:03Z createdTo=20:1970-01-01T00:00:04Z"
        );
        assert_eq!(TicketFilter::default().canonical().as_str(), "tickets");
    }

    #[test]
    fn the_canonical_form_of_changes_names_each_of_their_fields() {
        let changes = TicketChanges {
            subject: Change::Set("A printer".to_owned()),
            content: Change::Set(String::new()),
            status: Change::Set(TicketStatus::InProgress),
            status_memo: Change::Clear,
            priority: Change::Set(TicketPriority::Urgent),
            due_at: Change::Set(Timestamp::UNIX_EPOCH),
            handler: Change::Set(EmployeeId::new(Vendor::FirstLine, number(1))),
            contact: Change::Set(ContactId::new(Vendor::FirstLine, number(2))),
            sponsor: Change::Set(SponsorId::new(Vendor::FirstLine, number(3))),
            category: Change::Set(CategoryId {
                vendor: Vendor::FirstLine,
                level: 2,
                number: number(4),
            }),
            termination_code: Change::Set(TerminationCodeId::new(Vendor::FirstLine, number(5))),
        };
        assert_eq!(
            changes.canonical().as_str(),
            "ticketChanges subject=9:A printer content=0: status=11:IN_PROGRESS statusMemo=null \
             priority=6:URGENT dueAt=20:1970-01-01T00:00:00Z handler=20:firstline:Employee:1 \
             contact=19:firstline:Contact:2 sponsor=19:firstline:Sponsor:3 \
             category=22:firstline:Category:2-4 terminationCode=27:firstline:TerminationCode:5"
        );
        assert_eq!(
            TicketChanges::default().canonical().as_str(),
            "ticketChanges"
        );
    }
}
