//! The inputs and payloads of the ticket mutations.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::{
    read_access::{ReadAccess, Written},
    scalars::DateTime,
    ticket::{Ticket, TicketPriority, TicketStatus},
    user_error::{Faults, UserError, WriteResult, change, parts},
};
use crate::domain::{
    self, CategoryId, Change, TicketChanges, TicketId, Vendor, VendorCapabilities,
};

const MAX_IDEMPOTENCY_KEY_CHARACTERS: usize = 200;

/// A new ticket. The vendor sets a field that is omitted or null.
#[derive(InputObject)]
pub(super) struct CreateTicketInput {
    /// The subject, in one line. Not blank.
    subject: String,
    /// The customer's request. Not blank.
    content: String,
    /// The status. UNKNOWN is INVALID.
    status: Option<TicketStatus>,
    /// A note on the status.
    status_memo: Option<String>,
    /// How urgent it is. UNKNOWN is INVALID.
    priority: Option<TicketPriority>,
    /// When it is due.
    due_at: Option<DateTime>,
    /// The id of the employee who is responsible for it.
    handler_id: Option<ID>,
    /// The customer's id.
    contact_id: Option<ID>,
    /// The sponsor's id.
    sponsor_id: Option<ID>,
    /// The category's id; a top-level category is INVALID.
    category_id: Option<ID>,
    /// The id of the reason for its status.
    termination_code_id: Option<ID>,
    /// A second request with the same key returns the ticket that the first one created, and waits for it while the vendor has
    /// not answered. 1 to 200 characters.
    idempotency_key: Option<String>,
}

/// Changes to a ticket, at least one. Omitted fields stay as they are; null clears, where a field can be empty.
#[derive(InputObject)]
pub(super) struct UpdateTicketInput {
    /// The ticket's id.
    id: ID,
    /// The subject, in one line. Neither blank nor null.
    subject: MaybeUndefined<String>,
    /// The customer's request. Neither blank nor null.
    content: MaybeUndefined<String>,
    /// The status. Neither UNKNOWN nor null.
    status: MaybeUndefined<TicketStatus>,
    /// A note on the status.
    status_memo: MaybeUndefined<String>,
    /// How urgent it is. Neither UNKNOWN nor null.
    priority: MaybeUndefined<TicketPriority>,
    /// When it is due.
    due_at: MaybeUndefined<DateTime>,
    /// The id of the employee who is responsible for it.
    handler_id: MaybeUndefined<ID>,
    /// The customer's id.
    contact_id: MaybeUndefined<ID>,
    /// The sponsor's id.
    sponsor_id: MaybeUndefined<ID>,
    /// The category's id; a top-level category is INVALID.
    category_id: MaybeUndefined<ID>,
    /// The id of the reason for its status.
    termination_code_id: MaybeUndefined<ID>,
}

/// The ticket to delete.
#[derive(InputObject)]
pub(super) struct DeleteTicketInput {
    /// The ticket's id.
    id: ID,
}

/// The result of creating a ticket.
#[derive(SimpleObject)]
pub(super) struct CreateTicketPayload {
    /// The new ticket. Null where there are user errors.
    ticket: Option<Written<Ticket>>,
    /// Faults that the client can fix. Empty if the ticket was created.
    user_errors: Vec<UserError>,
}

/// The result of updating a ticket.
#[derive(SimpleObject)]
pub(super) struct UpdateTicketPayload {
    /// The ticket as it is now. Null where there are user errors.
    ticket: Option<Written<Ticket>>,
    /// Faults that the client can fix. Empty if the ticket was updated.
    user_errors: Vec<UserError>,
}

/// The result of deleting a ticket.
#[derive(SimpleObject)]
pub(super) struct DeleteTicketPayload {
    /// The id of the deleted ticket. Null where there are user errors.
    deleted_id: Option<ID>,
    /// Faults that the client can fix. Empty if the ticket was deleted.
    user_errors: Vec<UserError>,
}

impl CreateTicketInput {
    pub(super) fn read(
        self,
        vendors: &VendorCapabilities,
    ) -> WriteResult<(TicketChanges, Option<String>)> {
        let mut faults = Faults::default();

        let fields = TicketFields {
            subject: MaybeUndefined::Value(self.subject),
            content: MaybeUndefined::Value(self.content),
            status: set_or_omitted(self.status),
            status_memo: set_or_omitted(self.status_memo),
            priority: set_or_omitted(self.priority),
            due_at: set_or_omitted(self.due_at),
            handler_id: set_or_omitted(self.handler_id),
            contact_id: set_or_omitted(self.contact_id),
            sponsor_id: set_or_omitted(self.sponsor_id),
            category_id: set_or_omitted(self.category_id),
            termination_code_id: set_or_omitted(self.termination_code_id),
        };
        let changes = fields.read(vendors, vendors.ticket_vendor(), &mut faults);

        if let Some(key) = &self.idempotency_key {
            check_idempotency_key(key, &mut faults);
        }
        faults.none_in(Some((changes, self.idempotency_key)))
    }
}

impl UpdateTicketInput {
    pub(super) fn read(
        self,
        vendors: &VendorCapabilities,
    ) -> WriteResult<(TicketId, TicketChanges)> {
        let mut faults = Faults::default();
        let id: Option<TicketId> = faults.object_id(&self.id, vendors, |vendor| vendor.has_tickets);

        let fields = TicketFields {
            subject: self.subject,
            content: self.content,
            status: self.status,
            status_memo: self.status_memo,
            priority: self.priority,
            due_at: self.due_at,
            handler_id: self.handler_id,
            contact_id: self.contact_id,
            sponsor_id: self.sponsor_id,
            category_id: self.category_id,
            termination_code_id: self.termination_code_id,
        };
        if fields.are_all_omitted() {
            faults.invalid(&[], "it must name at least one field to change");
        }
        let changes = fields.read(vendors, id.map(|id| id.vendor), &mut faults);

        faults.none_in(id.map(|id| (id, changes)))
    }
}

impl DeleteTicketInput {
    pub(super) fn read(self, vendors: &VendorCapabilities) -> WriteResult<TicketId> {
        let mut faults = Faults::default();
        let id = faults.object_id(&self.id, vendors, |vendor| vendor.has_tickets);
        faults.none_in(id)
    }
}

/// A ticket after a write, and what its caller may select of it.
type WrittenTicket = (Arc<domain::Ticket>, ReadAccess);

fn shown((ticket, access): WrittenTicket) -> Written<Ticket> {
    Written {
        object: ticket.into(),
        access,
    }
}

/// The fields of the ticket that these changes set. The objects that it refers to are not of this write.
pub(super) fn written_fields(changes: &TicketChanges) -> Vec<&'static str> {
    let TicketChanges {
        subject,
        content,
        status,
        status_memo,
        priority,
        due_at,
        handler: _,
        contact: _,
        sponsor: _,
        category: _,
        termination_code: _,
    } = changes;
    let written = [
        ("subject", !subject.is_keep()),
        ("content", !content.is_keep()),
        ("status", !status.is_keep()),
        ("statusMemo", !status_memo.is_keep()),
        ("priority", !priority.is_keep()),
        ("dueAt", !due_at.is_keep()),
    ];
    let written = written.into_iter().filter(|(_, is_written)| *is_written);
    written.map(|(name, _)| name).collect()
}

impl From<WriteResult<WrittenTicket>> for CreateTicketPayload {
    fn from(written: WriteResult<WrittenTicket>) -> Self {
        let (ticket, user_errors) = parts(written);
        Self {
            ticket: ticket.map(shown),
            user_errors,
        }
    }
}

impl From<WriteResult<WrittenTicket>> for UpdateTicketPayload {
    fn from(written: WriteResult<WrittenTicket>) -> Self {
        let (ticket, user_errors) = parts(written);
        Self {
            ticket: ticket.map(shown),
            user_errors,
        }
    }
}

impl From<WriteResult<TicketId>> for DeleteTicketPayload {
    fn from(written: WriteResult<TicketId>) -> Self {
        let (deleted, user_errors) = parts(written);
        Self {
            deleted_id: deleted.map(ID::from),
            user_errors,
        }
    }
}

/// The fields that both inputs share. Null and omitted differ.
struct TicketFields {
    subject: MaybeUndefined<String>,
    content: MaybeUndefined<String>,
    status: MaybeUndefined<TicketStatus>,
    status_memo: MaybeUndefined<String>,
    priority: MaybeUndefined<TicketPriority>,
    due_at: MaybeUndefined<DateTime>,
    handler_id: MaybeUndefined<ID>,
    contact_id: MaybeUndefined<ID>,
    sponsor_id: MaybeUndefined<ID>,
    category_id: MaybeUndefined<ID>,
    termination_code_id: MaybeUndefined<ID>,
}

impl TicketFields {
    fn are_all_omitted(&self) -> bool {
        self.subject.is_undefined()
            && self.content.is_undefined()
            && self.status.is_undefined()
            && self.status_memo.is_undefined()
            && self.priority.is_undefined()
            && self.due_at.is_undefined()
            && self.handler_id.is_undefined()
            && self.contact_id.is_undefined()
            && self.sponsor_id.is_undefined()
            && self.category_id.is_undefined()
            && self.termination_code_id.is_undefined()
    }

    /// Checks every field, so that all faults are reported together. The vendor is the ticket's.
    fn read(
        self,
        vendors: &VendorCapabilities,
        vendor: Option<Vendor>,
        faults: &mut Faults,
    ) -> TicketChanges {
        let category = faults.reference("categoryId", self.category_id, vendor);
        check_category_level(&category, vendors, faults);

        TicketChanges {
            subject: written_text("subject", self.subject, faults),
            content: written_text("content", self.content, faults),
            status: known("status", self.status, domain::TicketStatus::Unknown, faults),
            status_memo: change(self.status_memo),
            priority: known(
                "priority",
                self.priority,
                domain::TicketPriority::Unknown,
                faults,
            ),
            due_at: change(self.due_at.map_value(DateTime::timestamp)),
            handler: faults.reference("handlerId", self.handler_id, vendor),
            contact: faults.reference("contactId", self.contact_id, vendor),
            sponsor: faults.reference("sponsorId", self.sponsor_id, vendor),
            category,
            termination_code: faults.reference(
                "terminationCodeId",
                self.termination_code_id,
                vendor,
            ),
        }
    }
}

/// For a new ticket, null is the same as omitted.
fn set_or_omitted<T>(value: Option<T>) -> MaybeUndefined<T> {
    value.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}

fn check_category_level(
    category: &Change<CategoryId>,
    vendors: &VendorCapabilities,
    faults: &mut Faults,
) {
    let Change::Set(category) = category else {
        return;
    };
    if category.level == 1 {
        faults.invalid(&["categoryId"], "it must be a category below the top level");
    }
    let deepest_level = vendors
        .of(category.vendor)
        .map(|vendor| vendor.deepest_category_level);
    if deepest_level.is_some_and(|deepest_level| category.level > deepest_level) {
        faults.invalid(
            &["categoryId"],
            "it must be a category of a level that the vendor has",
        );
    }
}

/// A text that every ticket has.
fn written_text(name: &str, text: MaybeUndefined<String>, faults: &mut Faults) -> Change<String> {
    let is_missing = match &text {
        MaybeUndefined::Undefined => false,
        MaybeUndefined::Null => true,
        MaybeUndefined::Value(text) => text.trim().is_empty(),
    };
    if is_missing {
        faults.invalid(&[name], "it must not be blank");
    }
    change(text)
}

/// A status or priority, which every ticket has.
fn known<T, U: From<T> + PartialEq>(
    name: &str,
    value: MaybeUndefined<T>,
    unknown: U,
    faults: &mut Faults,
) -> Change<U> {
    let value = change(value.map_value(U::from));
    match &value {
        Change::Clear => faults.invalid(&[name], "it must not be null"),
        Change::Set(value) if *value == unknown => {
            faults.invalid(&[name], "UNKNOWN is not valid as an input");
        }
        Change::Keep | Change::Set(_) => {}
    }
    value
}

fn check_idempotency_key(key: &str, faults: &mut Faults) {
    if !(1..=MAX_IDEMPOTENCY_KEY_CHARACTERS).contains(&key.chars().count()) {
        let message = format!("it must have 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} characters");
        faults.invalid(&["idempotencyKey"], message);
    }
}
