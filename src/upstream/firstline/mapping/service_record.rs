//! Service records, their logs, messages and custom fields.

use std::sync::Arc;

use super::{
    Mapping, VENDOR,
    category::result_category,
    channel::{account_of, channel_of},
    chat::{Speakers, lacks_messages, visitor_name},
    detail_of_copy,
    sponsor::sponsor_by,
    wire,
};
use crate::{
    domain::{
        Contact, CustomField, DateTime, Detail, FilterParameter, FilterParameters, Loaded,
        ServiceChannel, ServiceLog, ServiceLogId, ServiceReason, ServiceReasonId, ServiceRecord,
        ServiceRecordId, ServiceRecordStatus, ServiceRecordUpdate, ServiceResult, ServiceResultId,
        Transcript, VendorNumber,
    },
    upstream::wire::{FieldValues, Identified},
};

impl Mapping<'_> {
    pub(in crate::upstream::firstline) fn service_record(
        &self,
        wire: Identified<wire::ServiceRecord>,
        detail: Detail,
    ) -> ServiceRecord {
        let Identified { id, object: wire } = wire;
        let id = ServiceRecordId {
            vendor: VENDOR,
            number: id,
            day: None,
        };
        let of_detail = FieldsOf { detail };
        let logs = wire.logs.value().map(|logs| self.oldest_first(logs));

        let status = status(&wire, detail);
        let unjudged = unjudged(&wire);
        let started_at = of_detail.loaded(self.time(&wire.first_start_service_at));
        let ended_at = of_detail.loaded(self.time(&wire.last_finished_at));
        let handler = of_detail.loaded(self.handler(wire.handler_id, wire.handler));
        let contact = self.record_contact(detail, wire.contact_id, wire.contact, logs.as_deref());
        let transcript = match &logs {
            Some(logs) => {
                let speakers = Speakers {
                    handler: handler.value(),
                    contact: contact.value(),
                };
                Loaded::some(self.transcript(id, logs, speakers))
            }
            None => of_detail.or_when_full(Transcript::Held(Vec::new())),
        };
        let log = |log: &&wire::Log| {
            let accounts = match channel_of(log) {
                ServiceChannel::Facebook => &wire.fb_accounts,
                ServiceChannel::Line => &wire.line_accounts,
                _ => &Loaded::NotLoaded,
            };
            self.log(log, accounts)
        };

        ServiceRecord {
            id,
            detail,
            channel: match &logs {
                Some(logs) => Loaded::some(newest_channel(logs)),
                None => of_detail.or_when_full(ServiceChannel::Unknown),
            },
            status,
            created_at: of_detail.loaded(self.time(&wire.created_at)),
            queued_at: of_detail.loaded(self.time(&wire.first_enter_queue_at)),
            duration_seconds: duration(&started_at, &ended_at),
            started_at,
            ended_at,
            handler,
            contact,
            memo: of_detail.loaded(wire.memo),
            custom_fields: wire.cz_cols.map(custom_fields),
            updated_at: self.time(&wire.updated_at),
            reasons: match reasons(wire.reasons, wire.reason_ids) {
                Loaded::Loaded(Some(reasons)) => Loaded::some(reasons),
                _ => of_detail.or_when_full(Vec::new()),
            },
            transcript,
            logs: match &logs {
                Some(logs) => Loaded::some(logs.iter().filter_map(log).collect()),
                None => of_detail.or_when_full(Vec::new()),
            },
            wrap_up_completed_at: of_detail.loaded(self.time(&wire.acw_at)),
            bound_type: of_detail.loaded(wire.bound_type),
            result: of_detail.loaded(result(wire.result_id, wire.result)),
            sponsor: of_detail.loaded(sponsor_by(wire.sponsor_id, wire.sponsor).map(Arc::new)),
            // The vendor has none of these.
            problem: Loaded::none(),
            solution: Loaded::none(),
            is_resolved: Loaded::none(),
            rating: Loaded::none(),
            category: Loaded::none(),
            payment: Loaded::none(),
            remote_session: Loaded::none(),
            may_have_summary: false,
            unjudged,
        }
    }

    fn record_contact(
        &self,
        detail: Detail,
        id: Loaded<VendorNumber>,
        contact: Loaded<wire::Contact>,
        logs: Option<&[&wire::Log]>,
    ) -> Loaded<Arc<Contact>> {
        // A copy inside a ticket has only the contact's number, while the record itself has more of it, or a visitor instead of
        // a contact. So the number is ignored there.
        if detail == Detail::Excerpt && !contact.is_loaded() {
            return Loaded::NotLoaded;
        }

        let known = self.contact(id, contact);
        let visitor = || {
            let logs = logs?;
            let name = logs.iter().rev().find_map(|log| visitor_name(log))?;
            Some(Arc::new(Contact {
                name: Some(name),
                ..Contact::default()
            }))
        };
        match known.or_else(visitor) {
            // The visitor's name is next to the messages, which only the list has.
            None if logs.is_some_and(|logs| logs.iter().any(lacks_messages)) => Loaded::NotLoaded,
            contact => Loaded::Loaded(contact),
        }
    }

    /// `accounts` are those of the record in the log's channel.
    fn log(&self, wire: &wire::Log, accounts: &Loaded<Vec<wire::Account>>) -> Option<ServiceLog> {
        let channel = channel_of(wire);
        Some(ServiceLog {
            id: ServiceLogId::new(VENDOR, *wire.id.value()?),
            channel,
            provider_type: match channel {
                ServiceChannel::Unknown => wire.provider_type.value().cloned(),
                _ => None,
            },
            queued_at: self.time(&wire.enter_queue_at).value().copied(),
            started_at: self.time(&wire.service_start_at).value().copied(),
            ended_at: self.time(&wire.service_end_at).value().copied(),
            service_seconds: wire.service_time.value().copied(),
            status_code: wire.status.value().copied(),
            bound_type: wire.bound_type.value().copied(),
            can_listen: wire.can_listen.value().copied(),
            account: account_of(wire, accounts),
        })
    }

    fn oldest_first<'a>(&self, logs: &'a [wire::Log]) -> Vec<&'a wire::Log> {
        let mut logs: Vec<_> = logs.iter().collect();
        logs.sort_by_key(|log| {
            let queued_at = self.time(&log.enter_queue_at).into_value();
            (queued_at, log.id.value().copied())
        });
        logs
    }
}

/// The state of a field that a response does not have: a full response may have a field that a copy lacks, but no response has
/// more than a full one.
#[derive(Clone, Copy)]
struct FieldsOf {
    detail: Detail,
}

impl FieldsOf {
    fn loaded<T>(self, field: Loaded<T>) -> Loaded<T> {
        match (self.detail, field) {
            (Detail::Full, Loaded::NotLoaded) => Loaded::none(),
            (_, field) => field,
        }
    }

    fn or_when_full<T>(self, otherwise: T) -> Loaded<T> {
        match self.detail {
            Detail::Full => Loaded::some(otherwise),
            Detail::Reference | Detail::Excerpt => Loaded::NotLoaded,
        }
    }
}

/// The filters on fields that the response lacks. A null is a value. Where the two fields of the after-call work contradict each
/// other, the filter may go by either.
fn unjudged(wire: &wire::ServiceRecord) -> FilterParameters {
    use FilterParameter::*;
    let has_handler = wire.handler_id.is_loaded() || wire.handler.is_loaded();
    let has_contact = wire.contact_id.is_loaded() || wire.contact.is_loaded();
    let says_completed = wire.is_acw_completed.value();
    let is_contradicted = says_completed == Some(&false) && wire.acw_at.value().is_some();
    let has_completed = says_completed.is_some() || wire.acw_at.is_loaded();
    FilterParameters::from_iter([
        (Handler, !has_handler),
        (HandlerGroup, !has_handler),
        (Contact, !has_contact),
        (Completed, is_contradicted || !has_completed),
    ])
}

/// The vendor provides only the times of a record's steps.
fn status(wire: &wire::ServiceRecord, detail: Detail) -> Loaded<ServiceRecordStatus> {
    let is_completed = wire.is_acw_completed.value() == Some(&true);
    let lacks = |is_loaded: bool| detail == Detail::Excerpt && !is_loaded;

    if is_completed || wire.acw_at.value().is_some() {
        Loaded::some(ServiceRecordStatus::Completed)
    } else if lacks(wire.is_acw_completed.is_loaded() || wire.acw_at.is_loaded()) {
        Loaded::NotLoaded
    } else if wire.last_finished_at.value().is_some() {
        Loaded::some(ServiceRecordStatus::WrapUp)
    } else if lacks(wire.last_finished_at.is_loaded() && wire.first_start_service_at.is_loaded()) {
        Loaded::NotLoaded
    } else if wire.first_start_service_at.value().is_some() {
        Loaded::some(ServiceRecordStatus::InService)
    } else {
        Loaded::some(ServiceRecordStatus::Waiting)
    }
}

fn duration(started_at: &Loaded<DateTime>, ended_at: &Loaded<DateTime>) -> Loaded<u64> {
    match (started_at, ended_at) {
        (_, Loaded::Loaded(None)) => Loaded::none(),
        (Loaded::NotLoaded, _) | (_, Loaded::NotLoaded) => Loaded::NotLoaded,
        (Loaded::Loaded(started), Loaded::Loaded(Some(ended))) => {
            Loaded::Loaded(started.and_then(|started| ended.seconds_since(started)))
        }
    }
}

fn newest_channel(logs: &[&wire::Log]) -> ServiceChannel {
    logs.last()
        .map_or(ServiceChannel::Unknown, |log| channel_of(log))
}

/// A record without a result has a result whose every field is null.
fn result(id: Loaded<VendorNumber>, result: Loaded<wire::ServiceResult>) -> Loaded<ServiceResult> {
    if !id.is_loaded() && !result.is_loaded() {
        return Loaded::NotLoaded;
    }

    let embedded = result.into_value().and_then(|result| {
        let id = *result.id.value()?;
        Some(ServiceResult {
            id: ServiceResultId::new(VENDOR, id),
            detail: detail_of_copy([result.name.is_loaded(), result.description.is_loaded()]),
            name: result.name.into_value(),
            description: result.description.into_value(),
            category: result_category(result.category_id, result.category),
        })
    });
    let reference = |id: VendorNumber| ServiceResult {
        id: ServiceResultId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
        category: None,
    };
    Loaded::Loaded(embedded.or_else(|| id.into_value().map(reference)))
}

/// The reasons, and those of which the record has only the number.
fn reasons(
    reasons: Loaded<Vec<wire::Reason>>,
    ids: Loaded<Vec<VendorNumber>>,
) -> Loaded<Vec<ServiceReason>> {
    if !reasons.is_loaded() && !ids.is_loaded() {
        return Loaded::NotLoaded;
    }

    let embedded = reasons.into_value().unwrap_or_default().into_iter();
    let mut known: Vec<ServiceReason> = embedded
        .filter_map(|reason| {
            Some(ServiceReason {
                id: ServiceReasonId::new(VENDOR, reason.id.into_value()?),
                name: reason.name.into_value(),
                description: reason.description.into_value(),
            })
        })
        .collect();
    for id in ids.into_value().unwrap_or_default() {
        let id = ServiceReasonId::new(VENDOR, id);
        if known.iter().all(|reason| reason.id != id) {
            known.push(ServiceReason {
                id,
                name: None,
                description: None,
            });
        }
    }
    Loaded::some(known)
}

pub(in crate::upstream::firstline) fn custom_fields(
    fields: Vec<wire::CustomField>,
) -> Vec<CustomField> {
    fields
        .into_iter()
        .filter_map(|field| {
            Some(CustomField {
                key: field.id.into_value()?,
                values: field
                    .value
                    .into_value()
                    .map(|FieldValues(values)| values)
                    .unwrap_or_default(),
            })
        })
        .collect()
}

impl Mapping<'_> {
    pub(in crate::upstream::firstline) fn update(
        &self,
        updated: wire::UpdatedServiceRecord,
    ) -> ServiceRecordUpdate {
        ServiceRecordUpdate {
            updated_at: self.time(&updated.updated_at),
            custom_fields: updated.cz_cols.map(custom_fields),
        }
    }
}
