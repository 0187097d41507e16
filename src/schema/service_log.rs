//! How a contact passed through the vendor's channels.

use async_graphql::{Enum, ID, Object};

use super::scalars::DateTime;
use crate::domain;

pub(super) struct ServiceLog<'a>(pub(super) &'a domain::ServiceLog);

/// One stay of a contact in one channel.
#[Object]
impl ServiceLog<'_> {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The channel.
    fn channel(&self) -> ServiceChannel {
        self.0.channel.into()
    }

    /// The vendor's own class name, for a channel that this gateway does not know.
    fn provider_type(&self) -> Option<&str> {
        self.0.provider_type.as_deref()
    }

    /// When the customer began to wait.
    fn queued_at(&self) -> Option<DateTime> {
        self.0.queued_at.map(DateTime)
    }

    /// When an agent began to serve the customer.
    fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When the stay ended.
    fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }

    /// How long the customer was served, in seconds.
    fn service_seconds(&self) -> Option<i32> {
        self.0.service_seconds
    }

    /// The vendor's own status code of the log; its codes are not documented.
    fn status_code(&self) -> Option<i32> {
        self.0.status_code
    }

    /// Whether the gateway's account may listen to a recording.
    fn can_listen(&self) -> Option<bool> {
        self.0.can_listen
    }
}

/// How a customer and an agent talk.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ServiceChannel")]
pub(super) enum ServiceChannel {
    /// Chat on a web page.
    Livechat,
    /// LINE.
    Line,
    /// Facebook Messenger.
    Facebook,
    /// Instagram.
    Instagram,
    /// WhatsApp.
    Whatsapp,
    /// Telegram.
    Telegram,
    /// Viber.
    Viber,
    /// WeChat.
    Wechat,
    /// E-mail.
    Email,
    /// Text messages.
    Sms,
    /// Telephone.
    Phone,
    /// The agent looks at the customer's computer, or controls it.
    RemoteAssistance,
    /// A vendor code that this gateway does not know.
    Unknown,
}
