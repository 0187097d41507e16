//! Chats: the messages of a record's logs, and who sent them.

use std::sync::Arc;

use super::{Mapping, channel::channel_of, wire};
use crate::{
    domain::{
        ChatMessage, ChatMessageId, ChatMessageKind, ChatRole, ChatSender, Contact, Employee,
        Loaded, ServiceChannel, ServiceRecordId, Transcript,
    },
    upstream::wire::MessageContent,
};

/// Whom a record names.
#[derive(Clone, Copy)]
pub(super) struct Speakers<'a> {
    pub handler: Option<&'a Arc<Employee>>,
    pub contact: Option<&'a Arc<Contact>>,
}

impl Speakers<'_> {
    /// A customer is the visitor of the log. The vendor does not say whose number an agent's messages have: where it is the
    /// handler's, the handler is taken to be the sender.
    fn sender(&self, log: &wire::Log, message: &wire::Message) -> ChatSender {
        let role = role(message);
        let vendor_id = message.sender_id.value().cloned();
        let vendor_id = vendor_id.filter(|id| id != "0" && id != "-1");
        let is_sender =
            |handler: &&Arc<Employee>| vendor_id.as_deref() == Some(&handler.id.number.to_string());
        let employee = match role {
            ChatRole::Agent => self.handler.filter(is_sender).cloned(),
            _ => None,
        };
        let name = match role {
            ChatRole::Customer => {
                let contact = || self.contact.and_then(|contact| contact.name.clone());
                visitor_name(log).or_else(contact)
            }
            _ => employee
                .as_ref()
                .and_then(|employee| employee.name.value().cloned()),
        };
        ChatSender {
            role,
            name,
            vendor_id,
            employee,
        }
    }
}

impl Mapping<'_> {
    /// The messages are in the logs, but a response may omit them, and then the list has them. A phone call has none.
    pub(super) fn transcript(
        &self,
        record: ServiceRecordId,
        logs: &[&wire::Log],
        speakers: Speakers<'_>,
    ) -> Transcript {
        if logs.iter().any(lacks_messages) {
            return Transcript::Listed;
        }

        let mut messages: Vec<_> = logs
            .iter()
            .flat_map(|log| {
                let messages = log
                    .provider
                    .value()
                    .and_then(|provider| provider.message.value());
                let sender = |message| speakers.sender(log, message);
                let messages = messages.into_iter().flatten();
                messages.filter_map(move |message| self.message(record, message, sender(message)))
            })
            .collect();
        messages.sort_by_key(|message| (message.sent_at, message.id.number));
        // Logs of one chat may repeat its messages.
        messages.dedup_by_key(|message| (message.sent_at, message.id));
        Transcript::Held(messages.into_iter().map(Arc::new).collect())
    }

    fn message(
        &self,
        record: ServiceRecordId,
        wire: &wire::Message,
        sender: ChatSender,
    ) -> Option<ChatMessage> {
        let number = *wire.id.value()?;
        let raw_type = wire.r#type.value().cloned();
        let kind = match raw_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("text") => ChatMessageKind::Text,
            Some("image") => ChatMessageKind::Image,
            Some("file") => ChatMessageKind::File,
            _ => ChatMessageKind::Other,
        };
        let content = wire.content.value().cloned();
        // Who writes JSON as a text means a text.
        let content = match kind {
            ChatMessageKind::Text => content,
            _ => content.map(MessageContent::unquoted),
        };
        let (text, payload) = match content {
            Some(MessageContent::Text(text)) => (Some(text), None),
            Some(MessageContent::Structured(payload)) => (None, payload),
            None => (None, None),
        };
        Some(ChatMessage {
            id: ChatMessageId { record, number },
            sent_at: self.time(&wire.at).value().copied(),
            kind,
            text,
            payload,
            sender,
            is_survey: wire.is_csat.value() == Some(&true),
            raw_type,
        })
    }
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
pub(super) fn lacks_messages(log: &&wire::Log) -> bool {
    !log.provider.is_loaded() && channel_of(log) != ServiceChannel::Phone
}

/// A visitor who is no contact has only the sender's name in the chat.
pub(super) fn visitor_name(log: &wire::Log) -> Option<String> {
    let media_contact = log.provider.value()?.media_contact.value()?;
    media_contact.name.value().cloned()
}
