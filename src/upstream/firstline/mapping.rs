//! FirstLine's answers as the gateway's own objects. Every oddity of the vendor ends here.

use std::sync::Arc;

use reqwest::Url;

use super::{VENDOR, wire};
use crate::{
    domain::{
        Category, CategoryId, ChatMessage, ChatMessageId, ChatMessageKind, ChatRole, ChatSender,
        Contact, ContactId, CustomField, DateTime, Detail, Employee, EmployeeGroup,
        EmployeeGroupId, EmployeeId, ServiceChannel, ServiceLog, ServiceLogId, ServiceRecord,
        ServiceRecordId, ServiceRecordStatus, ServiceResult, ServiceResultId, Sponsor, SponsorId,
        TerminationCode, TerminationCodeId, Ticket, TicketId, TicketPriority, TicketStatus, Told,
        Transcript, VendorNumber, VendorZone,
    },
    error::FieldFault,
    upstream::wire::{FieldValues, Identified, PrintedTime},
};

const CATEGORY_LEVEL: u8 = 1;
pub(super) const SUBCATEGORY_LEVEL: u8 = 2;

/// What it takes to understand an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping<'a> {
    pub zone: &'a VendorZone,
    pub base_url: &'a Url,
}

// Service records

impl Mapping<'_> {
    pub(super) fn service_record(
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
        let started_at = of_detail.told(self.time(&wire.first_start_service_at));
        let ended_at = of_detail.told(self.time(&wire.last_finished_at));

        ServiceRecord {
            id,
            detail,
            channel: match &logs {
                Some(logs) => Told::some(newest_channel(logs)),
                None => of_detail.or_when_full(ServiceChannel::Unknown),
            },
            status,
            created_at: of_detail.told(self.time(&wire.created_at)),
            queued_at: of_detail.told(self.time(&wire.first_enter_queue_at)),
            duration_seconds: duration(&started_at, &ended_at),
            started_at,
            ended_at,
            handler: of_detail.told(self.handler(wire.handler_id, wire.handler)),
            contact: self.record_contact(detail, wire.contact_id, wire.contact, logs.as_deref()),
            memo: of_detail.told(wire.memo),
            // A record that was read on its own does not tell its custom fields; only an update's answer does.
            custom_fields: wire.cz_cols.map(custom_fields),
            transcript: match &logs {
                Some(logs) => Told::some(self.transcript(id, logs)),
                None => of_detail.or_when_full(Transcript::Held(Vec::new())),
            },
            logs: match &logs {
                Some(logs) => Told::some(logs.iter().filter_map(|log| self.log(log)).collect()),
                None => of_detail.or_when_full(Vec::new()),
            },
            wrap_up_completed_at: of_detail.told(self.time(&wire.acw_at)),
            bound_type: of_detail.told(wire.bound_type),
            result: of_detail.told(result(wire.result_id, wire.result)),
            sponsor: of_detail.told(sponsor_by(wire.sponsor_id, wire.sponsor).map(Arc::new)),
            // The vendor has none of these.
            problem: Told::none(),
            solution: Told::none(),
            is_resolved: Told::none(),
            rating: Told::none(),
            category: Told::none(),
            payment: Told::none(),
            remote_session: Told::none(),
            may_have_summary: false,
        }
    }

    fn record_contact(
        &self,
        detail: Detail,
        id: Told<VendorNumber>,
        contact: Told<wire::Contact>,
        logs: Option<&[&wire::Log]>,
    ) -> Told<Arc<Contact>> {
        // A copy inside a ticket names the contact by number alone, while the record itself tells more of it, or tells the
        // visitor in the place of a contact. So the number counts for nothing there.
        if detail == Detail::Excerpt && !contact.is_told() {
            return Told::Untold;
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
            // The visitor's name is where the messages are, which this answer leaves to the list.
            None if logs.is_some_and(|logs| logs.iter().any(lacks_messages)) => Told::Untold,
            contact => Told::As(contact),
        }
    }

    /// The messages are in the logs, but an answer may leave them out, and then the list tells them. A phone call has none.
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

    fn time(&self, printed: &Told<PrintedTime>) -> Told<DateTime> {
        match printed {
            Told::Untold => Told::Untold,
            Told::As(printed) => Told::As(printed.and_then(|printed| match printed {
                PrintedTime::Local(local) => self.zone.instant(local),
                PrintedTime::Instant(timestamp) => Some(self.zone.at(timestamp)),
            })),
        }
    }
}

/// How a field stands that an answer does not have: in a copy a richer answer may have it, in a full answer nobody has.
#[derive(Clone, Copy)]
struct FieldsOf {
    detail: Detail,
}

impl FieldsOf {
    fn told<T>(self, field: Told<T>) -> Told<T> {
        match (self.detail, field) {
            (Detail::Full, Told::Untold) => Told::none(),
            (_, field) => field,
        }
    }

    fn or_when_full<T>(self, otherwise: T) -> Told<T> {
        match self.detail {
            Detail::Full => Told::some(otherwise),
            Detail::Reference | Detail::Excerpt => Told::Untold,
        }
    }
}

/// What the vendor tells of a record are only the times of its steps.
fn status(wire: &wire::ServiceRecord, detail: Detail) -> Told<ServiceRecordStatus> {
    let is_completed = wire.is_acw_completed.value() == Some(&true);
    let lacks = |is_told: bool| detail == Detail::Excerpt && !is_told;

    if is_completed || wire.acw_at.value().is_some() {
        Told::some(ServiceRecordStatus::Completed)
    } else if lacks(wire.is_acw_completed.is_told() || wire.acw_at.is_told()) {
        Told::Untold
    } else if wire.last_finished_at.value().is_some() {
        Told::some(ServiceRecordStatus::WrapUp)
    } else if lacks(wire.last_finished_at.is_told() && wire.first_start_service_at.is_told()) {
        Told::Untold
    } else if wire.first_start_service_at.value().is_some() {
        Told::some(ServiceRecordStatus::InService)
    } else {
        Told::some(ServiceRecordStatus::Waiting)
    }
}

fn duration(started_at: &Told<DateTime>, ended_at: &Told<DateTime>) -> Told<u64> {
    match (started_at, ended_at) {
        (_, Told::As(None)) => Told::none(),
        (Told::Untold, _) | (_, Told::Untold) => Told::Untold,
        (Told::As(started), Told::As(Some(ended))) => {
            Told::As(started.and_then(|started| ended.seconds_since(started)))
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
    let is = |flag: &Told<bool>| flag.value() == Some(&true);
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

/// Whether the answer leaves a log's messages out. A phone call has none.
fn lacks_messages(log: &&wire::Log) -> bool {
    !log.provider.is_told() && channel_of(log) != ServiceChannel::Phone
}

/// A visitor who is no contact is known by the name of their end of the chat.
fn visitor_name(log: &wire::Log) -> Option<String> {
    let media_contact = log.provider.value()?.media_contact.value()?;
    media_contact.name.value().cloned()
}

/// A record without a result has a result whose every field is null.
fn result(id: Told<VendorNumber>, result: Told<wire::ServiceResult>) -> Told<ServiceResult> {
    if !id.is_told() && !result.is_told() {
        return Told::Untold;
    }

    let embedded = result.into_value().and_then(|result| {
        let id = *result.id.value()?;
        Some(ServiceResult {
            id: ServiceResultId::new(VENDOR, id),
            detail: detail_of_copy([result.name.is_told(), result.description.is_told()]),
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
    Told::As(embedded.or_else(|| id.into_value().map(reference)))
}

pub(super) fn custom_fields(fields: Vec<wire::CustomField>) -> Vec<CustomField> {
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

// People

impl Mapping<'_> {
    /// What each place tells of an employee differs, so every field counts by whether it is there.
    pub(super) fn employee(&self, wire: Identified<wire::Employee>, detail: Detail) -> Employee {
        let Identified { id, object: wire } = wire;
        Employee {
            id: EmployeeId::new(VENDOR, id),
            detail,
            name: wire.name,
            employee_no: wire.employee_no,
            email: wire.email,
            mobile: wire.profile.and_then(mobile),
            // An unset role is "".
            is_admin: wire.role.map(|role| {
                role.eq_ignore_ascii_case("admin") || role.eq_ignore_ascii_case("administrator")
            }),
            is_active: wire.is_active,
            photo_url: wire.photo_url.and_then(|photo| self.absolute(&photo)),
            extension: named_by(
                wire.extension_id,
                wire.extension
                    .and_then(|extension| extension.extension.into_value()),
            ),
            job_title: named_by(
                wire.job_title_id,
                wire.job_title.and_then(|title| title.name.into_value()),
            ),
            department: named_by(
                wire.department_id,
                wire.department
                    .and_then(|department| department.name.into_value()),
            ),
            groups: groups(wire.group_id, wire.group, detail),
            created_at: self.time(&wire.created_at),
            updated_at: self.time(&wire.updated_at),
        }
    }

    fn handler(
        &self,
        id: Told<VendorNumber>,
        handler: Told<wire::Employee>,
    ) -> Told<Arc<Employee>> {
        if !id.is_told() && !handler.is_told() {
            return Told::Untold;
        }

        let embedded = handler
            .into_value()
            .and_then(|handler| self.excerpt(handler));
        let reference =
            |id: VendorNumber| Arc::new(Employee::reference(EmployeeId::new(VENDOR, id)));
        Told::As(embedded.or_else(|| id.into_value().map(reference)))
    }

    fn excerpt(&self, wire: wire::Employee) -> Option<Arc<Employee>> {
        let wire = identified(wire)?;
        Some(Arc::new(self.employee(wire, Detail::Excerpt)))
    }

    /// Photos are named by a path on the vendor's host.
    fn absolute(&self, photo: &str) -> Option<String> {
        let mut root = self.base_url.clone();
        root.set_path("/");
        let url = root.join(photo).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.into())
    }

    fn contact(
        &self,
        id: Told<VendorNumber>,
        contact: Told<wire::Contact>,
    ) -> Option<Arc<Contact>> {
        let id = id.into_value();
        let contact = contact
            .into_value()
            .map(|contact| self.contact_of(contact, id))
            .filter(|contact| contact.id.is_some() || contact.name.is_some());
        let reference = |id| Contact {
            id: Some(ContactId::new(VENDOR, id)),
            ..Contact::default()
        };
        contact.or_else(|| id.map(reference)).map(Arc::new)
    }

    fn contact_of(&self, wire: wire::Contact, id: Option<VendorNumber>) -> Contact {
        let id = wire.id.into_value().or(id);
        Contact {
            id: id.map(|id| ContactId::new(VENDOR, id)),
            name: wire.name.into_value(),
            membership_no: wire.membership_no.into_value(),
            identity_no: wire.identity_no.into_value(),
            // A date here and a date-time there.
            birth_date: wire.birth_at.value().map(|printed| match printed {
                PrintedTime::Local(local) => local.date().to_string(),
                PrintedTime::Instant(timestamp) => self.zone.local(*timestamp).date().to_string(),
            }),
            company: None,
            contact_method: None,
        }
    }
}

/// The mobile phone, or else the first one.
fn mobile(profile: wire::Profile) -> Option<String> {
    const MOBILE: i32 = 2;

    let phones = profile.phones.into_value()?;
    let numbered = || phones.iter().filter(|phone| phone.number.value().is_some());
    numbered()
        .find(|phone| phone.r#type.value() == Some(&MOBILE))
        .or_else(|| numbered().next())
        .and_then(|phone| phone.number.value().cloned())
}

/// What a number and the object beside it tell together. -1 is none, whatever stands beside it; a number alone says that
/// there is one, and the directory says which.
fn named_by(id: Told<VendorNumber>, name: Told<String>) -> Told<String> {
    match (id, name) {
        (Told::As(None), _) => Told::none(),
        (Told::As(Some(_)), Told::As(None)) => Told::Untold,
        (_, name) => name,
    }
}

fn groups(
    id: Told<VendorNumber>,
    group: Told<wire::Group>,
    detail: Detail,
) -> Told<Vec<EmployeeGroup>> {
    let embedded = group.into_value().and_then(|group| {
        Some(EmployeeGroup {
            id: EmployeeGroupId::new(VENDOR, *group.id.value()?),
            name: group.name.into_value(),
            supervisor: group
                .supervisor_id
                .into_value()
                .map(|id| Arc::new(Employee::reference(EmployeeId::new(VENDOR, id)))),
        })
    });
    match (id, embedded) {
        (Told::As(None), _) => Told::some(Vec::new()),
        (_, Some(group)) => Told::some(vec![group]),
        (Told::As(Some(id)), None) if detail == Detail::Full => Told::some(vec![EmployeeGroup {
            id: EmployeeGroupId::new(VENDOR, id),
            name: None,
            supervisor: None,
        }]),
        _ => Told::Untold,
    }
}

// Tickets

impl Mapping<'_> {
    pub(super) fn ticket(&self, wire: Identified<wire::Ticket>) -> Ticket {
        let Identified { id, object: wire } = wire;
        Ticket {
            id: TicketId::new(VENDOR, id),
            category: ticket_category(
                wire.sub_category_id,
                wire.sub_category,
                wire.category_id,
                wire.category,
            ),
            subject: wire.subject.into_value(),
            content: wire.content.into_value(),
            status: ticket_status(wire.status.into_value()),
            status_memo: wire.status_memo.into_value(),
            priority: match wire.priority.into_value() {
                Some(0) => TicketPriority::Low,
                Some(1) => TicketPriority::Medium,
                Some(2) => TicketPriority::High,
                Some(3) => TicketPriority::Urgent,
                _ => TicketPriority::Unknown,
            },
            due_at: self.time(&wire.due_at).into_value(),
            created_at: self.time(&wire.created_at).into_value(),
            updated_at: self.time(&wire.updated_at).into_value(),
            contact: self.contact(wire.contact_id, wire.contact),
            handler: self.handler(wire.handler_id, wire.handler).into_value(),
            // The list tells these two, and the answer for one ticket does not.
            creator: wire.creater.and_then(|creator| self.excerpt(creator)),
            service_records: wire.interact_collections.map(|records| {
                records
                    .into_iter()
                    .filter_map(identified)
                    .map(|record| Arc::new(self.service_record(record, Detail::Excerpt)))
                    .collect()
            }),
            sponsor: sponsor_by(wire.sponsor_id, wire.sponsor)
                .into_value()
                .map(Arc::new),
            termination_code: termination_code_by(wire.termination_code_id, wire.termination_code)
                .map(Arc::new),
        }
    }
}

pub(super) fn ticket_status(code: Option<i32>) -> TicketStatus {
    match code {
        Some(0) => TicketStatus::Pending,
        Some(1) => TicketStatus::InProgress,
        Some(2) => TicketStatus::Resolved,
        Some(3) => TicketStatus::Closed,
        _ => TicketStatus::Unknown,
    }
}

/// None for a status that no ticket can be given.
pub(super) fn ticket_status_code(status: TicketStatus) -> Option<u8> {
    match status {
        TicketStatus::Pending => Some(0),
        TicketStatus::InProgress => Some(1),
        TicketStatus::Resolved => Some(2),
        TicketStatus::Closed => Some(3),
        TicketStatus::Unknown => None,
    }
}

pub(super) fn ticket_priority_code(priority: TicketPriority) -> Option<u8> {
    match priority {
        TicketPriority::Low => Some(0),
        TicketPriority::Medium => Some(1),
        TicketPriority::High => Some(2),
        TicketPriority::Urgent => Some(3),
        TicketPriority::Unknown => None,
    }
}

fn termination_code_by(
    id: Told<VendorNumber>,
    code: Told<wire::TerminationCode>,
) -> Option<TerminationCode> {
    let embedded = code.into_value().and_then(identified).map(|code| {
        let told = [
            code.object.name.is_told(),
            code.object.description.is_told() && code.object.status.is_told(),
        ];
        TerminationCode {
            detail: detail_of_copy(told),
            ..termination_code(code)
        }
    });
    let reference = |id| TerminationCode {
        id: TerminationCodeId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
        status: TicketStatus::Unknown,
    };
    embedded.or_else(|| id.into_value().map(reference))
}

fn sponsor_by(id: Told<VendorNumber>, sponsor_copy: Told<wire::Sponsor>) -> Told<Sponsor> {
    if !id.is_told() && !sponsor_copy.is_told() {
        return Told::Untold;
    }

    let embedded = sponsor_copy.into_value().and_then(identified).map(|copy| {
        let told = [
            copy.object.name.is_told(),
            copy.object.description.is_told(),
        ];
        Sponsor {
            detail: detail_of_copy(told),
            ..sponsor(copy)
        }
    });
    let reference = |id| Sponsor {
        id: SponsorId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
    };
    Told::As(embedded.or_else(|| id.into_value().map(reference)))
}

// Directories

pub(super) fn sponsor(wire: Identified<wire::Sponsor>) -> Sponsor {
    Sponsor {
        id: SponsorId::new(VENDOR, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
    }
}

pub(super) fn termination_code(wire: Identified<wire::TerminationCode>) -> TerminationCode {
    TerminationCode {
        id: TerminationCodeId::new(VENDOR, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        status: ticket_status(wire.object.status.into_value()),
    }
}

/// The tree of both lists: each category with the children that it names, and the subcategories that name their parent.
/// Neither list has to hold all of the other, and a subcategory may have no parent.
pub(super) fn category_tree(
    categories: Vec<Identified<wire::Category>>,
    subcategories: Vec<Identified<wire::Subcategory>>,
) -> Vec<Arc<Category>> {
    let mut tree = Tree::default();

    let mut children = Vec::new();
    for mut wire in categories {
        let own_children = std::mem::take(&mut wire.object.children);
        let parent = tree.parent(top_category(wire));
        for child in own_children.into_value().unwrap_or_default() {
            children.extend(identified(child).map(|child| (parent.clone(), child)));
        }
    }
    for mut wire in subcategories {
        let parent = std::mem::take(&mut wire.object.category).into_value();
        let parent = match parent.and_then(|parent| identified(*parent)) {
            Some(parent) => Some(tree.parent(top_category(parent))),
            None => wire
                .object
                .category_id
                .value()
                .and_then(|id| tree.known_parent(*id))
                .or_else(|| {
                    let (parent, _) = children.iter().find(|(_, child)| child.id == wire.id)?;
                    Some(parent.clone())
                }),
        };
        tree.child(subcategory(wire, parent));
    }
    for (parent, child) in children {
        tree.child(subcategory(child, Some(parent)));
    }

    tree.parents.append(&mut tree.children);
    tree.parents
}

/// Categories by level, each once.
#[derive(Default)]
struct Tree {
    parents: Vec<Arc<Category>>,
    children: Vec<Arc<Category>>,
}

impl Tree {
    fn parent(&mut self, category: Category) -> Arc<Category> {
        self.known_parent(category.id.number).unwrap_or_else(|| {
            let category = Arc::new(category);
            self.parents.push(category.clone());
            category
        })
    }

    fn known_parent(&self, number: VendorNumber) -> Option<Arc<Category>> {
        let mut known = self.parents.iter();
        known.find(|known| known.id.number == number).cloned()
    }

    fn child(&mut self, category: Category) {
        if self.children.iter().all(|known| known.id != category.id) {
            self.children.push(Arc::new(category));
        }
    }
}

fn top_category(wire: Identified<wire::Category>) -> Category {
    Category {
        id: category_id(CATEGORY_LEVEL, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        parent: None,
    }
}

fn subcategory(wire: Identified<wire::Subcategory>, parent: Option<Arc<Category>>) -> Category {
    Category {
        id: category_id(SUBCATEGORY_LEVEL, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        parent,
    }
}

/// A ticket has its category twice: in the subcategory, and beside it. Either may be null.
fn ticket_category(
    sub_category_id: Told<VendorNumber>,
    sub_category: Told<wire::Subcategory>,
    category_id_beside: Told<VendorNumber>,
    category: Told<wire::Category>,
) -> Option<Arc<Category>> {
    let beside = category_copy(category).or_else(|| {
        let id = category_id_beside.into_value()?;
        Some(category_reference(CATEGORY_LEVEL, id, None))
    });

    let Some(mut sub) = sub_category.into_value().and_then(identified) else {
        let id = sub_category_id.into_value();
        return match id {
            Some(id) => Some(category_reference(SUBCATEGORY_LEVEL, id, beside)),
            None => beside,
        };
    };

    let own_parent = std::mem::take(&mut sub.object.category);
    let parent = category_copy(own_parent.map(|parent| *parent)).or(match sub.object.category_id {
        Told::Untold => beside,
        Told::As(None) => None,
        Told::As(Some(id)) => beside
            .filter(|beside| beside.id.number == id)
            .or_else(|| Some(category_reference(CATEGORY_LEVEL, id, None))),
    });
    let detail = detail_of_copy([sub.object.name.is_told(), sub.object.description.is_told()]);
    Some(Arc::new(Category {
        detail,
        ..subcategory(sub, parent)
    }))
}

fn category_copy(category: Told<wire::Category>) -> Option<Arc<Category>> {
    let category = identified(category.into_value()?)?;
    let told = [
        category.object.name.is_told(),
        category.object.description.is_told(),
    ];
    Some(Arc::new(Category {
        detail: detail_of_copy(told),
        ..top_category(category)
    }))
}

fn category_reference(
    level: u8,
    number: VendorNumber,
    parent: Option<Arc<Category>>,
) -> Arc<Category> {
    Arc::new(Category {
        id: category_id(level, number),
        detail: Detail::Reference,
        name: None,
        description: None,
        parent,
    })
}

fn category_id(level: u8, number: VendorNumber) -> CategoryId {
    CategoryId {
        vendor: VENDOR,
        level,
        number,
    }
}

/// A copy with all that the directory has is as good as the directory's.
fn detail_of_copy(fields_are_told: [bool; 2]) -> Detail {
    if fields_are_told == [true, true] {
        Detail::Full
    } else {
        Detail::Excerpt
    }
}

// Refusals

/// The only refusal that the vendor documents, and only by its words.
pub(super) fn is_wrap_up_lock(refusal: &wire::Refusal) -> bool {
    refusal
        .message
        .value()
        .is_some_and(|message| message.to_ascii_lowercase().contains("already been acwed"))
}

/// What the vendor finds wrong with the fields of a write, by the names that the input gives them. What it says of the whole,
/// or of a field that the input does not have, is not passed on: it is about names that no caller knows.
pub(super) fn field_faults(refusal: wire::Refusal) -> Vec<FieldFault> {
    const MOST_FAULTS: usize = 50;
    const LONGEST_MESSAGE: usize = 500;

    let mut faults: Vec<FieldFault> = Vec::new();
    let errors = refusal.errors.into_value().unwrap_or_default();
    for (name, messages) in errors.0 {
        let Some(field) = input_field(&name) else {
            continue;
        };
        let FieldValues(messages) = messages.into_value().unwrap_or(FieldValues(Vec::new()));
        faults.extend(messages.iter().map(|message| {
            let message: String = message.chars().take(LONGEST_MESSAGE).collect();
            FieldFault {
                field: Some(field),
                message: with_field_named(message, &name, field),
            }
        }));
    }
    if faults.is_empty() {
        faults.push(FieldFault {
            field: None,
            message: format!("{VENDOR} does not accept the values"),
        });
    }
    faults.truncate(MOST_FAULTS);
    faults
}

/// The message with the input's name for the field in the place of the vendor's, which it spells with blanks: "The selected sub
/// category id is invalid."
fn with_field_named(mut message: String, theirs: &str, ours: &str) -> String {
    let (first, _) = theirs.split_once('.').unwrap_or((theirs, ""));
    for name in [theirs, first] {
        for spelling in [name.to_owned(), name.replace('_', " ")] {
            message = replaced_in_any_case(&message, &spelling.to_ascii_lowercase(), ours);
        }
    }
    message
}

fn replaced_in_any_case(text: &str, lowercase: &str, replacement: &str) -> String {
    // In ASCII no letter changes its length, so that the places are the same in both.
    let haystack = text.to_ascii_lowercase();
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, found) in haystack.match_indices(lowercase) {
        replaced.push_str(&text[copied..at]);
        replaced.push_str(replacement);
        copied = at + found.len();
    }
    replaced.push_str(&text[copied..]);
    replaced
}

fn input_field(name: &str) -> Option<&'static str> {
    let (name, _) = name.split_once('.').unwrap_or((name, ""));
    Some(match name {
        "subject" => "subject",
        "content" => "content",
        "status" => "status",
        "status_memo" => "statusMemo",
        "priority" => "priority",
        "due_at" => "dueAt",
        "handler_id" => "handlerId",
        "contact_id" => "contactId",
        "sponsor_id" => "sponsorId",
        "sub_category_id" | "category_id" => "categoryId",
        "termination_code_id" | "termination_code" => "terminationCodeId",
        "memo" => "memo",
        "cz_cols" => "customFields",
        _ => return None,
    })
}

/// An embedded object with its id; none where it has no readable one, which in a copy is no reason to fail.
fn identified<T: crate::upstream::wire::HasId>(object: T) -> Option<Identified<T>> {
    let id = object.id()?;
    Some(Identified { id, object })
}
