//! Chat messages: a record's transcript, oldest first.

use std::sync::Arc;

use super::{
    Cursors, Lifetime, ListField, Page, Repository, Topic,
    cursor::{Cursor, Origin, Position},
    flight,
};
use crate::{
    domain::{
        ChatMessage, ChatMessageId, Employee, PageArguments, Scope, ServiceRecord, Transcript,
        Vendor, VendorPage,
    },
    error::Result,
    upstream::paged_list::{CHAT_MESSAGES, PagedList},
};

/// The most messages that one call asks a vendor for, and the most calls that one page of messages takes.
const MAX_PER_PAGE: u32 = 100;
const MAX_CALLS: u32 = 10;

impl Repository {
    /// A page of the record's messages. A cursor counts messages from the oldest, so that it holds while more are written.
    pub async fn messages(
        &self,
        record: &Arc<ServiceRecord>,
        page: PageArguments,
    ) -> Result<Page<ChatMessage>> {
        self.authorize(Scope::Read)?;
        let vendor = record.id.vendor;
        let cursor = Cursor::decode(
            Origin::new(ListField::Messages, &record.id),
            page.after.as_deref(),
        )?;
        let given = cursor.number(vendor).unwrap_or(0);
        let last = given.saturating_add(page.limit.get() as u64);

        let (messages, total) = match self.held_messages(record).await? {
            Some(messages) => {
                let slice = messages
                    .iter()
                    .skip(usize::try_from(given).unwrap_or(usize::MAX));
                let slice = slice.take(page.limit.get()).cloned().collect();
                (slice, Some(messages.len() as u64))
            }
            None => self.messages_elsewhere(record, given + 1, last).await?,
        };

        let until = given + messages.len() as u64;
        let steps = (given + 1..=until)
            .map(|ordinal| (vendor, Position::Numbered(ordinal)))
            .collect();
        Ok(Page {
            has_next_page: total.map_or(until == last, |total| until < total),
            has_previous_page: given > 0,
            nodes: messages,
            cursors: Cursors::new(cursor, steps),
            total_count: total,
            sources: Vec::new(),
        })
    }

    pub async fn chat_message(&self, id: ChatMessageId) -> Result<Option<Arc<ChatMessage>>> {
        let Some(record) = self.service_record(id.record).await? else {
            return Ok(None);
        };
        let messages = match self.held_messages(&record).await? {
            Some(messages) => messages,
            None => {
                let number = id.number.get();
                let (messages, _) = self.messages_elsewhere(&record, number, number).await?;
                messages
            }
        };
        Ok(messages
            .into_iter()
            .find(|message| message.id.number == id.number))
    }

    /// The one agent of the vendor who bears the name; none where several do or nobody does.
    pub async fn employee_named(
        &self,
        vendor: Vendor,
        name: &str,
    ) -> Result<Option<Arc<Employee>>> {
        self.authorize(Scope::Read)?;
        let Some(directory) = self.employee_directory(self.vendor(vendor)?).await? else {
            return Ok(None);
        };
        let mut bearers = directory
            .value
            .iter()
            .filter(|employee| employee.name.value().is_some_and(|known| known == name));
        match (bearers.next(), bearers.next()) {
            (Some(only), None) => Ok(Some(Arc::clone(only))),
            _ => Ok(None),
        }
    }

    /// All of the record's messages, where an answer about the record holds them; none where they are asked for by the page.
    async fn held_messages(
        &self,
        record: &Arc<ServiceRecord>,
    ) -> Result<Option<Vec<Arc<ChatMessage>>>> {
        let listed;
        let transcript = match record.transcript.value() {
            Some(Transcript::Elsewhere) => return Ok(None),
            Some(Transcript::Listed) => {
                listed = self.listed_service_record(record).await?;
                listed.as_ref().and_then(|listed| listed.transcript.value())
            }
            told => told,
        };
        Ok(Some(match transcript {
            Some(Transcript::Held(messages)) => messages.clone(),
            _ => Vec::new(),
        }))
    }

    /// The messages from one ordinal to another, and how many there are.
    async fn messages_elsewhere(
        &self,
        record: &Arc<ServiceRecord>,
        first: u64,
        last: u64,
    ) -> Result<(Vec<Arc<ChatMessage>>, Option<u64>)> {
        let vendor = self.vendor(record.id.vendor)?;
        let list = PagedList {
            orders: vendor.orders(),
            shape: CHAT_MESSAGES,
            fingerprint: record.id.number.get(),
            max_per_page: MAX_PER_PAGE,
            max_calls: MAX_CALLS,
        };
        let fetch = async |request| {
            let id = record.id;
            let topic = Topic::ChatMessages;
            let key = self
                .shared
                .cache
                .key(id.vendor, topic, Lifetime::List, (id, request));
            let read = self.shared.read(&self.scope, vendor, key, |vendor, scope| {
                let record = Arc::clone(record);
                flight(async move { vendor.chat_page(&scope, &record, request).await })
            });
            Ok(VendorPage::clone(&read.await?.value))
        };
        list.ordinals(first, last, fetch).await
    }
}
