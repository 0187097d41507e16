//! Writes to FirstLine, and its responses to them.

use reqwest::{Method, StatusCode};

use super::{FirstLine, VENDOR, mapping, own_number, wire};
use crate::{
    context::RequestScope,
    domain::{CategoryId, Change, CustomFieldValue, GlobalId, TicketChanges, VendorNumber},
    error::{Error, ErrorKind, FieldFault, Result},
    upstream::{
        call::{Call, Repeat},
        response::VendorResponse,
        wire::{Readable, decode_root},
    },
};

/// What clears a custom field with one value, which is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearedValue {
    /// `""`: the documents require a text or a list.
    EmptyText,
    Null,
}

impl FirstLine {
    /// Sends an update in the form that the vendor accepts, and lets `finish` read the response.
    pub(super) async fn update<T, Body: wire::Sendable>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        path: String,
        body: &Body,
        finish: impl Fn(VendorResponse<'_>) -> Result<T> + Sync,
    ) -> Result<T> {
        if !self.update_form.is_overridden() {
            let call = Call::write(Method::PUT, route, path.clone(), Repeat::Safe)
                .json(wire::encode(body))
                .recognizing(is_wrap_up_lock);
            let response = self.session.send(scope, &call).await?;
            let is_refused = response.status() == StatusCode::METHOD_NOT_ALLOWED;
            if !is_refused || !self.update_form.gives_up_put() {
                return finish(response);
            }
            response.settle(());
        }

        let body = wire::encode(&wire::Overridden {
            method: "put",
            body,
        });
        let call = Call::write(Method::POST, route, path, Repeat::Safe)
            .json(body)
            .recognizing(is_wrap_up_lock);
        finish(self.session.send(scope, &call).await?)
    }

    pub(super) fn custom_field_value(
        &self,
        value: &CustomFieldValue,
    ) -> wire::CustomFieldValueBody {
        match value {
            CustomFieldValue::One(Some(value)) => wire::CustomFieldValueBody::One(value.clone()),
            CustomFieldValue::One(None) => match self.cleared_value {
                ClearedValue::EmptyText => wire::CustomFieldValueBody::One(String::new()),
                ClearedValue::Null => wire::CustomFieldValueBody::None,
            },
            CustomFieldValue::Many(values) => wire::CustomFieldValueBody::Many(values.clone()),
        }
    }

    /// What is to be sent, or every field that can't be.
    pub(super) fn ticket_body(&self, changes: &TicketChanges) -> Result<wire::TicketBody> {
        let mut faults = Faults::default();
        let body = wire::TicketBody {
            subject: sent(&changes.subject, String::clone),
            content: sent(&changes.content, String::clone),
            status: sent(&changes.status, |status| *status).map(|status| {
                status.and_then(|status| {
                    faults.unless(
                        mapping::ticket_status_code(status),
                        "status",
                        NO_SUCH_STATUS,
                    )
                })
            }),
            status_memo: sent(&changes.status_memo, String::clone),
            priority: sent(&changes.priority, |priority| *priority).map(|priority| {
                priority.and_then(|priority| {
                    let code = mapping::ticket_priority_code(priority);
                    faults.unless(code, "priority", NO_SUCH_PRIORITY)
                })
            }),
            due_at: sent(&changes.due_at, |due_at| self.printed(*due_at)),
            handler_id: faults.own(&changes.handler, "handlerId", |id| id.number),
            contact_id: faults.own(&changes.contact, "contactId", |id| id.number),
            sponsor_id: faults.own(&changes.sponsor, "sponsorId", |id| id.number),
            sub_category_id: sent(&changes.category, |id| *id).map(|id| {
                id.and_then(|id| {
                    faults.unless(subcategory_number(id), "categoryId", NO_SUBCATEGORY)
                })
            }),
            termination_code_id: faults.own(&changes.termination_code, "terminationCodeId", |id| {
                id.number
            }),
        };
        faults.none_or_error().map(|()| body)
    }
}

const NO_SUCH_STATUS: &str = "a ticket can't be given this status";
const NO_SUCH_PRIORITY: &str = "a ticket can't be given this priority";
const OF_ANOTHER_VENDOR: &str = "the id is of another vendor than the ticket";
const NO_SUBCATEGORY: &str = "a ticket takes a category of the second level of its own vendor";

/// Fields of an input that can't be sent.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn unless<T>(&mut self, value: Option<T>, field: &'static str, message: &str) -> Option<T> {
        if value.is_none() {
            self.0.push(FieldFault {
                field: Some(field),
                message: message.to_owned(),
            });
        }
        value
    }

    /// The number of an id, which has to be one of this vendor.
    fn own<Id: GlobalId>(
        &mut self,
        change: &Change<Id>,
        field: &'static str,
        number_of: impl Fn(&Id) -> VendorNumber,
    ) -> Option<Option<u64>> {
        sent(change, |id| *id).map(|id| {
            let id = id?;
            let number = own_number(id, number_of(&id)).ok();
            self.unless(number.map(VendorNumber::get), field, OF_ANOTHER_VENDOR)
        })
    }

    fn none_or_error(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(invalid_fields(self.0))
    }
}

fn subcategory_number(id: CategoryId) -> Option<u64> {
    let is_subcategory = id.vendor == VENDOR && id.level == mapping::SUBCATEGORY_LEVEL;
    is_subcategory.then(|| id.number.get())
}

/// What a change sends: nothing, null or a value.
pub(super) fn sent<T, U>(change: &Change<T>, value_of: impl FnOnce(&T) -> U) -> Option<Option<U>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value_of(value))),
    }
}

/// The body of the response to a write, or the fields that the vendor refused.
pub(super) fn read_write<T: Readable>(response: VendorResponse<'_>) -> Result<T> {
    if response.status() == StatusCode::UNPROCESSABLE_ENTITY {
        let refusal = response.try_decode().unwrap_or_default();
        return Err(response.settle(invalid_fields(mapping::field_faults(refusal))));
    }
    response.read()
}

fn invalid_fields(faults: Vec<FieldFault>) -> Error {
    Error::new(
        ErrorKind::InvalidFields(faults.into()),
        format!("{VENDOR} does not accept the values of some fields"),
    )
}

pub(super) fn is_wrap_up_lock(body: &[u8]) -> bool {
    decode_root(body).is_ok_and(|refusal| mapping::is_wrap_up_lock(&refusal))
}
