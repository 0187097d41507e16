//! Tickets.

use std::sync::Arc;

use super::{
    Mapping, VENDOR, category::ticket_category, identified, sponsor::sponsor_by,
    termination_code::termination_code_by, wire,
};
use crate::{
    domain::{
        Detail, FilterParameter, FilterParameters, Ticket, TicketId, TicketPriority, TicketStatus,
    },
    upstream::wire::Identified,
};

impl Mapping<'_> {
    pub(in crate::upstream::firstline) fn ticket(&self, wire: Identified<wire::Ticket>) -> Ticket {
        let Identified { id, object: wire } = wire;
        let unjudged = unjudged(&wire);
        Ticket {
            id: TicketId::new(VENDOR, id),
            category: ticket_category(
                wire.sub_category_id,
                wire.sub_category,
                wire.category_id,
                wire.category,
            ),
            subject: wire.subject.into_value(),
            content: wire.content.into_value(),
            status: ticket_status(wire.status.into_value()),
            status_memo: wire.status_memo.into_value(),
            priority: match wire.priority.into_value() {
                Some(0) => TicketPriority::Low,
                Some(1) => TicketPriority::Medium,
                Some(2) => TicketPriority::High,
                Some(3) => TicketPriority::Urgent,
                _ => TicketPriority::Unknown,
            },
            due_at: self.time(&wire.due_at).into_value(),
            created_at: self.time(&wire.created_at).into_value(),
            updated_at: self.time(&wire.updated_at).into_value(),
            contact: self.contact(wire.contact_id, wire.contact),
            handler: self.handler(wire.handler_id, wire.handler).into_value(),
            // The list has these two, and the response for one ticket does not.
            creator: wire.creater.and_then(|creator| self.excerpt(creator)),
            service_records: wire.interact_collections.map(|records| {
                records
                    .into_iter()
                    .filter_map(identified)
                    .map(|record| Arc::new(self.service_record(record, Detail::Excerpt)))
                    .collect()
            }),
            sponsor: sponsor_by(wire.sponsor_id, wire.sponsor)
                .into_value()
                .map(Arc::new),
            termination_code: termination_code_by(wire.termination_code_id, wire.termination_code)
                .map(Arc::new),
            unjudged,
        }
    }
}

/// The filters on fields that the response lacks. A null is a value, but there is no ticket without a status.
fn unjudged(wire: &wire::Ticket) -> FilterParameters {
    use FilterParameter::*;
    let has_handler = wire.handler_id.is_loaded() || wire.handler.is_loaded();
    let has_contact = wire.contact_id.is_loaded() || wire.contact.is_loaded();
    let has_sponsor = wire.sponsor_id.is_loaded() || wire.sponsor.is_loaded();
    let has_code = wire.termination_code_id.is_loaded() || wire.termination_code.is_loaded();
    FilterParameters::from_iter([
        (Statuses, wire.status.value().is_none()),
        (Contact, !has_contact),
        (Sponsor, !has_sponsor),
        (TerminationCodes, !has_code),
        (Handler, !has_handler),
        (Creator, !wire.creater.is_loaded()),
        (DueFrom, !wire.due_at.is_loaded()),
        (DueTo, !wire.due_at.is_loaded()),
    ])
}

pub(super) fn ticket_status(code: Option<i32>) -> TicketStatus {
    match code {
        Some(0) => TicketStatus::Pending,
        Some(1) => TicketStatus::InProgress,
        Some(2) => TicketStatus::Resolved,
        Some(3) => TicketStatus::Closed,
        _ => TicketStatus::Unknown,
    }
}

/// None for a status that no ticket can be given.
pub(in crate::upstream::firstline) fn ticket_status_code(status: TicketStatus) -> Option<u8> {
    match status {
        TicketStatus::Pending => Some(0),
        TicketStatus::InProgress => Some(1),
        TicketStatus::Resolved => Some(2),
        TicketStatus::Closed => Some(3),
        TicketStatus::Unknown => None,
    }
}

pub(in crate::upstream::firstline) fn ticket_priority_code(priority: TicketPriority) -> Option<u8> {
    match priority {
        TicketPriority::Low => Some(0),
        TicketPriority::Medium => Some(1),
        TicketPriority::High => Some(2),
        TicketPriority::Urgent => Some(3),
        TicketPriority::Unknown => None,
    }
}
