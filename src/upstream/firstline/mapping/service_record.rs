//! Service records, their logs, messages and custom fields.

use std::sync::Arc;

use super::{Mapping, VENDOR, detail_of_copy, sponsor::sponsor_by, wire};
use crate::{
    domain::{
        ChatMessage, ChatMessageId, ChatMessageKind, ChatRole, ChatSender, Contact, CustomField,
        DateTime, Detail, FilterParameter, FilterParameters, Loaded, ServiceChannel, ServiceLog,
        ServiceLogId, ServiceRecord, ServiceRecordId, ServiceRecordStatus, ServiceResult,
        ServiceResultId, Transcript, VendorNumber,
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
            handler: of_detail.loaded(self.handler(wire.handler_id, wire.handler)),
            contact: self.record_contact(detail, wire.contact_id, wire.contact, logs.as_deref()),
            memo: of_detail.loaded(wire.memo),
            // A record that is read by id has no custom fields; only the response to an update has them.
            custom_fields: wire.cz_cols.map(custom_fields),
            transcript: match &logs {
                Some(logs) => Loaded::some(self.transcript(id, logs)),
                None => of_detail.or_when_full(Transcript::Held(Vec::new())),
            },
            logs: match &logs {
                Some(logs) => Loaded::some(logs.iter().filter_map(|log| self.log(log)).collect()),
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

    /// The messages are in the logs, but a response may omit them, and then the list has them. A phone call has none.
    fn transcript(&self, record: ServiceRecordId, logs: &[&wire::Log]) -> Transcript {
        if logs.iter().any(lacks_messages) {
            return Transcript::Listed;
        }

        let mut messages: Vec<_> = logs
            .iter()
            .filter_map(|log| log.provider.value()?.message.value())
            .flatten()
            .filter_map(|message| self.message(record, message))
            .collect();
        messages.sort_by_key(|message| (message.sent_at, message.id.number));
        // Logs of one chat may repeat its messages.
        messages.dedup_by_key(|message| (message.sent_at, message.id));
        Transcript::Held(messages.into_iter().map(Arc::new).collect())
    }

    fn message(&self, record: ServiceRecordId, wire: &wire::Message) -> Option<ChatMessage> {
        let number = *wire.id.value()?;
        let raw_type = wire.r#type.value().cloned();
        Some(ChatMessage {
            id: ChatMessageId { record, number },
            sent_at: self.time(&wire.at).value().copied(),
            kind: match raw_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
                Some("text") => ChatMessageKind::Text,
                Some("image") => ChatMessageKind::Image,
                Some("file") => ChatMessageKind::File,
                _ => ChatMessageKind::Other,
            },
            text: wire.content.value().map(|content| content.0.clone()),
            sender: ChatSender {
                role: role(wire),
                name: None,
            },
            is_survey: wire.is_csat.value() == Some(&true),
            raw_type,
        })
    }

    fn log(&self, wire: &wire::Log) -> Option<ServiceLog> {
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
            can_listen: wire.can_listen.value().copied(),
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

/// The channel is a word of the class name: `App\LivechatContentProvider`. Names of other channels are documented nowhere,
/// so what has no such word stays unknown.
fn channel_of(log: &wire::Log) -> ServiceChannel {
    let Some(class) = log.provider_type.value() else {
        return ServiceChannel::Unknown;
    };
    let class = class.rsplit('\\').next().unwrap_or(class);
    let words = camel_case_words(class);

    let single = words.iter().cloned();
    // `WhatsApp` and `WeChat` are one name and two words.
    let pairs = words.windows(2).map(|pair| pair.concat()).filter(|pair| {
        matches!(
            pair.as_str(),
            "livechat" | "facebook" | "whatsapp" | "wechat"
        )
    });
    single
        .chain(pairs)
        .find_map(|word| channel_by_word(&word))
        .unwrap_or(ServiceChannel::Unknown)
}

fn channel_by_word(word: &str) -> Option<ServiceChannel> {
    Some(match word {
        "livechat" => ServiceChannel::Livechat,
        "line" => ServiceChannel::Line,
        "fb" | "facebook" => ServiceChannel::Facebook,
        "ig" | "instagram" => ServiceChannel::Instagram,
        "whatsapp" => ServiceChannel::Whatsapp,
        "telegram" => ServiceChannel::Telegram,
        "viber" => ServiceChannel::Viber,
        "wechat" => ServiceChannel::Wechat,
        "mail" | "email" => ServiceChannel::Email,
        "sms" => ServiceChannel::Sms,
        "phone" | "call" | "voice" => ServiceChannel::Phone,
        _ => return None,
    })
}

/// The words of a class name in lower case: `SMSContentProvider` is `sms`, `content`, `provider`.
fn camel_case_words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();

    for (index, letter) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| letters.get(before));
        let next = letters.get(index + 1);
        let begins_a_word = letter.is_uppercase()
            && previous.is_some_and(|previous| {
                !previous.is_uppercase() || next.is_some_and(|next| next.is_lowercase())
            });
        if begins_a_word || !letter.is_alphabetic() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn role(wire: &wire::Message) -> ChatRole {
    let is = |flag: &Loaded<bool>| flag.value() == Some(&true);
    let flags = [&wire.is_system, &wire.is_contact, &wire.is_kb];

    if is(&wire.is_system) {
        ChatRole::System
    } else if is(&wire.is_contact) {
        ChatRole::Customer
    } else if is(&wire.is_kb) {
        ChatRole::Bot
    } else if flags.into_iter().all(|flag| flag.value().is_none()) {
        ChatRole::Unknown
    } else {
        ChatRole::Agent
    }
}

/// Whether the response omits a log's messages. A phone call has none.
fn lacks_messages(log: &&wire::Log) -> bool {
    !log.provider.is_loaded() && channel_of(log) != ServiceChannel::Phone
}

/// A visitor who is no contact has only the sender's name in the chat.
fn visitor_name(log: &wire::Log) -> Option<String> {
    let media_contact = log.provider.value()?.media_contact.value()?;
    media_contact.name.value().cloned()
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
        })
    });
    let reference = |id: VendorNumber| ServiceResult {
        id: ServiceResultId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
    };
    Loaded::Loaded(embedded.or_else(|| id.into_value().map(reference)))
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
