//! How a contact passed through the vendor's channels.

use async_graphql::{Context, Enum, ID, Object};

use super::{
    error::{FieldResult, nullable},
    repository,
    scalars::DateTime,
};
use crate::domain;

pub(super) struct ServiceLog<'a> {
    pub(super) record: domain::ServiceRecordId,
    pub(super) log: &'a domain::ServiceLog,
}

/// One stay of a contact in one channel.
#[Object]
impl ServiceLog<'_> {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        self.log.id.into()
    }

    /// The channel.
    fn channel(&self) -> ServiceChannel {
        self.log.channel.into()
    }

    /// The vendor's own class name, for a channel that this gateway does not know.
    fn provider_type(&self) -> Option<&str> {
        self.log.provider_type.as_deref()
    }

    /// When the customer began to wait.
    fn queued_at(&self) -> Option<DateTime> {
        self.log.queued_at.map(DateTime)
    }

    /// When an agent began to serve the customer.
    fn started_at(&self) -> Option<DateTime> {
        self.log.started_at.map(DateTime)
    }

    /// When the stay ended.
    fn ended_at(&self) -> Option<DateTime> {
        self.log.ended_at.map(DateTime)
    }

    /// How long the customer was served, in seconds.
    fn service_seconds(&self) -> Option<i32> {
        self.log.service_seconds
    }

    /// The vendor's own status code of the log; its codes are not documented.
    fn status_code(&self) -> Option<i32> {
        self.log.status_code
    }

    /// The vendor's bound_type of the log; its codes are not documented.
    fn bound_type(&self) -> Option<i32> {
        self.log.bound_type
    }

    /// The account of the desk that the contact used (a chat widget, a page), where the vendor tells it. For Facebook and LINE it
    /// is inferred where the record names exactly one account of the log's channel. In a list, it may take a call for each record.
    async fn account(&self, ctx: &Context<'_>) -> Option<FieldResult<ChannelAccount>> {
        nullable(ctx, async {
            repository(ctx)?.log_account(self.record, self.log).await
        })
        .await
    }

    /// Whether the gateway's account may listen to a recording.
    fn can_listen(&self) -> Option<bool> {
        self.log.can_listen
    }
}

pub(super) struct ChannelAccount(domain::ChannelAccount);

impl From<domain::ChannelAccount> for ChannelAccount {
    fn from(account: domain::ChannelAccount) -> Self {
        Self(account)
    }
}

/// An account of the desk in a channel, such as a page or a chat widget.
#[Object]
impl ChannelAccount {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Its name.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
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
