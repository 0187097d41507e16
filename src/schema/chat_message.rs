//! What was said in a service record.

use std::sync::Arc;

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

    /// The sender's name. Null where the vendor does not provide it.
    fn name(&self) -> Option<&str> {
        self.0.sender.name.as_deref()
    }

    /// The agent. Null unless exactly one employee of the vendor has the sender's name.
    async fn employee(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        let name = match self.0.sender.role {
            domain::ChatRole::Agent => self.0.sender.name.as_deref()?,
            _ => return None,
        };
        let vendor = self.0.id.record.vendor;
        nullable(ctx, async {
            repository(ctx)?.employee_named(vendor, name).await
        })
        .await
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
