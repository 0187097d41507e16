//! What was said in a service record.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Enum, ID, Object};

use super::{
    employee::Employee,
    error::{FieldResult, nullable},
    repository,
    scalars::DateTime,
    service_record::ServiceRecord,
};
use crate::domain;

pub(super) struct ChatMessage(Arc<domain::ChatMessage>);

impl From<Arc<domain::ChatMessage>> for ChatMessage {
    fn from(message: Arc<domain::ChatMessage>) -> Self {
        Self(message)
    }
}

/// One message of a service record.
#[Object]
impl ChatMessage {
    /// Unique over all types and vendors.
    pub(super) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// When it was sent. Null where the vendor does not provide it.
    fn sent_at(&self) -> Option<DateTime> {
        self.0.sent_at.map(DateTime)
    }

    /// The kind of content.
    fn kind(&self) -> ChatMessageKind {
        self.0.kind.into()
    }

    /// The text, without markup; for a picture or file, the vendor's description of it.
    fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// What is not text (a card, a carousel), as the vendor's JSON text without its secrets: at most 64 KiB. Null for plain text.
    fn payload(&self) -> Option<&str> {
        self.0.payload.as_deref()
    }

    /// Who sent it.
    fn sender(&self) -> ChatSender<'_> {
        ChatSender(&self.0)
    }

    /// Whether it is part of a survey on the service.
    fn is_survey(&self) -> bool {
        self.0.is_survey
    }

    /// The vendor's own type of message.
    fn raw_type(&self) -> Option<&str> {
        self.0.raw_type.as_deref()
    }

    /// The service record that it belongs to. Null when that no longer exists.
    async fn service_record(&self, ctx: &Context<'_>) -> Option<FieldResult<ServiceRecord>> {
        nullable(ctx, async {
            repository(ctx)?.service_record(self.0.id.record).await
        })
        .await
    }
}

/// The kind of a message's content.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ChatMessageKind")]
pub(super) enum ChatMessageKind {
    /// Text.
    Text,
    /// A picture.
    Image,
    /// A file of another kind.
    File,
    /// Something else: `rawType` has the vendor's name for it.
    Other,
}

/// The message, because a sender is known through it alone.
pub(super) struct ChatSender<'a>(&'a domain::ChatMessage);

/// Who sent a message.
#[Object]
impl ChatSender<'_> {
    /// The sender's role.
    fn role(&self) -> ChatRole {
        self.0.sender.role.into()
    }

    /// The sender's name. FirstLine: a customer's is the visitor's, and an agent's that of `employee`. Null where nobody tells it.
    async fn name(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        let sender = &self.0.sender;
        if let Some(name) = &sender.name {
            return Some(Ok(name.into()));
        }
        let vendor = self.0.id.record.vendor;
        match sender.role {
            domain::ChatRole::Agent => {
                nullable(ctx, async {
                    repository(ctx)?.sender_name(vendor, sender).await
                })
                .await
            }
            _ => None,
        }
    }

    /// The agent, which is inferred, because the vendors do not define whose number a sender has. FirstLine: the record's handler
    /// if `vendorId` is their number, or else the only employee whose number or `employeeNo` it is. Bangwo8: the only employee
    /// with the sender's name or number. Null for any other sender.
    async fn employee(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        let sender = &self.0.sender;
        if let Some(handler) = &sender.employee {
            return Employee::related(ctx, handler).await;
        }
        let vendor = self.0.id.record.vendor;
        match sender.role {
            domain::ChatRole::Agent => {
                nullable(ctx, async {
                    repository(ctx)?.sending_agent(vendor, sender).await
                })
                .await
            }
            _ => None,
        }
    }

    /// The vendor's own id of the sender. FirstLine does not define whose number it is; Bangwo8 has the client id of a customer.
    fn vendor_id(&self) -> Option<&str> {
        self.0.sender.vendor_id.as_deref()
    }
}

/// The role of a participant of a chat.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ChatRole")]
pub(super) enum ChatRole {
    /// An employee of the desk.
    Agent,
    /// The customer.
    Customer,
    /// The vendor's system.
    System,
    /// A program that answers customers.
    Bot,
    /// A vendor code that this gateway does not know.
    Unknown,
}
