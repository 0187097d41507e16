//! Chat messages: a record's transcript, oldest first.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;

use super::{Cursors, Lifetime, ListField, Page, Repository, Topic};
use crate::{
    domain::{
        Canonical, ChatMessage, ChatMessageId, ChatRole, ChatSender, Employee, Loaded,
        PageArguments, Scope, ServiceRecord, Transcript, Vendor, VendorPage, VendorPageRequest,
    },
    error::Result,
    listing::{Resume, decode},
};

/// The most messages of one vendor call, and the most calls for one page of messages.
const MAX_PER_PAGE: u32 = 100;
const MAX_CALLS: u32 = 10;

impl Repository {
    /// A page of the record's messages. A cursor counts messages from the oldest, so that it stays valid when messages are added.
    pub async fn messages(
        &self,
        record: &Arc<ServiceRecord>,
        page: PageArguments,
    ) -> Result<Page<ChatMessage>> {
        self.authorize(Scope::Read)?;
        let vendor = record.id.vendor;
        let arguments = Canonical::new("messages").field("record", Some(record.id));
        let fingerprint = ListField::Messages.fingerprint(&arguments);
        let given = match decode(fingerprint, page.after.as_deref())? {
            Some(Resume::Numbered { number, .. }) => number,
            _ => 0,
        };
        let last = given.saturating_add(page.limit.get() as u64);

        let (messages, total) = match self.embedded_messages(record).await? {
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
        let edges = (given + 1..=until).map(|number| Resume::Numbered { vendor, number });
        let cursors = Cursors::new(fingerprint, edges.collect(), None);
        let has_more = total.map_or(until == last, |total| until < total);
        Ok(Page {
            // Messages that the vendor counts and does not return never come.
            has_next_page: has_more && !messages.is_empty(),
            has_previous_page: given > 0,
            nodes: messages,
            cursors,
            total_count: total,
            sources: Vec::new(),
        })
    }

    pub async fn chat_message(&self, id: ChatMessageId) -> Result<Option<Arc<ChatMessage>>> {
        let Some(record) = self.service_record(id.record).await? else {
            return Ok(None);
        };
        let messages = match self.embedded_messages(&record).await? {
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

    /// The agent who sent a message: the one whom the record names, or else the only employee of the vendor with the number, or
    /// where there is none with the name, that the sender has.
    pub async fn sending_agent(
        &self,
        vendor: Vendor,
        sender: &ChatSender,
    ) -> Result<Option<Arc<Employee>>> {
        self.authorize(Scope::Read)?;
        let is_sender: &(dyn Fn(&Employee) -> bool + Sync) = match sender {
            ChatSender { role, .. } if *role != ChatRole::Agent => return Ok(None),
            ChatSender {
                employee: Some(employee),
                ..
            } => return Ok(Some(Arc::clone(employee))),
            ChatSender {
                vendor_id: Some(id),
                ..
            } => &|employee| {
                employee.id.number.to_string() == *id || employee.employee_no.value() == Some(id)
            },
            ChatSender {
                name: Some(name), ..
            } => &|employee| employee.name.value() == Some(name),
            _ => return Ok(None),
        };

        let Some(directory) = self.employee_directory(self.vendor(vendor)?).await? else {
            return Ok(None);
        };
        let mut senders = directory
            .value
            .iter()
            .filter(|employee| is_sender(employee));
        match (senders.next(), senders.next()) {
            (Some(only), None) => Ok(Some(Arc::clone(only))),
            _ => Ok(None),
        }
    }

    /// The name of a message's sender: what the message or its record says, or else the name of the agent.
    pub async fn sender_name(&self, vendor: Vendor, sender: &ChatSender) -> Result<Option<String>> {
        let Some(agent) = self.sending_agent(vendor, sender).await? else {
            return Ok(None);
        };
        if let Loaded::Loaded(name) = &agent.name {
            return Ok(name.clone());
        }
        let listed = self.related_employee(agent.id).await?;
        Ok(listed.name.value().cloned())
    }

    /// All of the record's messages, where the record contains them; none where they are read page by page.
    async fn embedded_messages(
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
            loaded => loaded,
        };
        Ok(Some(match transcript {
            Some(Transcript::Held(messages)) => messages.clone(),
            _ => Vec::new(),
        }))
    }

    /// The messages from one ordinal to another, and how many there are. The vendor's pages contain consecutive messages, in either
    /// order and with a page size of the vendor's choice; the first page shows both.
    async fn messages_elsewhere(
        &self,
        record: &Arc<ServiceRecord>,
        first: u64,
        last: u64,
    ) -> Result<(Vec<Arc<ChatMessage>>, Option<u64>)> {
        let mut chat = Chat::default();
        let mut requested = HashSet::new();
        for _ in 0..MAX_CALLS {
            let requests = chat.pages_of(first, last).into_iter();
            let requests: Vec<_> = requests
                .filter(|request| requested.insert(*request))
                .collect();
            if requests.is_empty() {
                break;
            }
            let pages = requests
                .iter()
                .map(|request| self.chat_page(record, *request));
            for (request, page) in requests.iter().zip(join_all(pages).await) {
                let page: Arc<VendorPage<ChatMessage>> = page?;
                chat.take(*request, &page);
            }
            let end = chat.total.map_or(last, |total| total.min(last));
            if (first..=end).all(|ordinal| chat.messages.contains_key(&ordinal)) {
                break;
            }
        }
        let messages = chat.messages.range(first..=last);
        let messages = messages.map(|(_, message)| Arc::clone(message)).collect();
        Ok((messages, chat.total))
    }

    async fn chat_page(
        &self,
        record: &Arc<ServiceRecord>,
        request: VendorPageRequest,
    ) -> Result<Arc<VendorPage<ChatMessage>>> {
        let vendor = self.vendor(record.id.vendor)?;
        let key = (Topic::ChatMessages, Lifetime::List, (record.id, request));
        let page = self.read(vendor, key, |vendor, scope| {
            let record = Arc::clone(record);
            async move { vendor.chat_page(&scope, &record, request).await }
        });
        Ok(page.await?.value)
    }
}

/// What the pages of one chat have shown.
#[derive(Default)]
struct Chat {
    messages: BTreeMap<u64, Arc<ChatMessage>>,
    total: Option<u64>,
    /// How many messages a page had where more followed.
    granted: Option<u32>,
    is_newest_first: bool,
}

impl Chat {
    /// The pages with the messages from one ordinal to another: one page of the smallest size that has them all, or several of the
    /// largest.
    fn pages_of(&self, first: u64, last: u64) -> Vec<VendorPageRequest> {
        let wanted = match self.total {
            Some(total) if self.is_newest_first => {
                total.saturating_sub(last)..total.saturating_sub(first - 1)
            }
            total => first - 1..total.map_or(last, |total| last.min(total)),
        };
        if wanted.is_empty() {
            return Vec::new();
        }
        let largest = u64::from(self.granted.unwrap_or(MAX_PER_PAGE));
        let length = wanted.end - wanted.start;
        let has_all = |size: &u64| wanted.start / size == (wanted.end - 1) / size;
        let size = (length..=largest).find(has_all).unwrap_or(largest);
        let pages = wanted.start / size..=(wanted.end - 1) / size;
        let pages = pages.filter_map(|page| {
            Some(VendorPageRequest {
                page: u32::try_from(page + 1).ok()?,
                per_page: u32::try_from(size).ok()?,
            })
        });
        pages.collect()
    }

    fn take(&mut self, request: VendorPageRequest, page: &VendorPage<ChatMessage>) {
        self.total = page.total.or(self.total);
        let served = page.items.len() as u32;
        let has_more = page.has_next == Some(true)
            || page.total.is_some_and(|total| {
                u64::from(request.page - 1) * u64::from(request.per_page) + u64::from(served)
                    < total
            });
        if has_more && served > 0 && served < request.per_page {
            self.granted = Some(served);
        }
        let before = u64::from(request.page - 1) * u64::from(request.per_page);
        let first = page.items.first().map(|message| message.id.number.get());
        let last = page.items.last().map(|message| message.id.number.get());
        let is_counted_from_end =
            first.is_some_and(|first| first != before + 1 && page.total == Some(first + before));
        self.is_newest_first |= first > last || is_counted_from_end;
        if page.total.is_none() && page.has_next == Some(false) {
            self.total = page
                .items
                .iter()
                .map(|message| message.id.number.get())
                .max();
        }
        let numbered = page.items.iter();
        self.messages
            .extend(numbered.map(|message| (message.id.number.get(), Arc::clone(message))));
    }
}
