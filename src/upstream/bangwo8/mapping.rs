//! Maps Bangwo8's responses to domain objects. No peculiarity of the vendor is visible outside.

use std::{cmp::Ordering, sync::Arc};

use super::{VENDOR, wire};
use crate::{
    domain::{
        Category, CategoryId, CategoryNames, ChatMessage, ChatMessageId, ChatMessageKind, ChatRole,
        ChatSender, Contact, CustomField, DateTime, Detail, Employee, EmployeeGroup,
        EmployeeGroupId, EmployeeId, FilterParameter, FilterParameters, Gender, ListOrder, Loaded,
        Money, NamedRecord, Payment, PaymentStatus, Rating, RatingScore, RemoteSession,
        ServiceChannel, ServiceRecord, ServiceRecordId, ServiceRecordStatus, ServiceSummary,
        Transcript, VendorNumber, VendorPageRequest, VendorZone,
    },
    upstream::{
        response::VendorResponse,
        wire::{FieldValues, Identified, PrintedTime},
    },
};

/// The settings that mapping a response needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping<'a> {
    pub zone: &'a VendorZone,
}

// Service records

impl Mapping<'_> {
    pub(super) fn service_record(&self, wire: Identified<wire::RemoteRecord>) -> ServiceRecord {
        let Identified {
            id: number,
            object: wire,
        } = wire;
        let began_at = self.time(&wire.csBTime);
        let ended_at = self.time(&wire.csETime);
        let status = wire.csStat.value().map(|code| status(*code));
        let has_handler = wire.csServicerId.is_loaded();
        let has_ended = status.is_none_or(ServiceRecordStatus::has_ended);
        let duration = began_at
            .zip(ended_at)
            .filter(|_| has_ended)
            .and_then(|(began_at, ended_at)| ended_at.seconds_since(began_at));

        ServiceRecord {
            id: self.record_id(number, &wire.csBTime),
            detail: Detail::Full,
            channel: Loaded::some(ServiceChannel::RemoteAssistance),
            status: Loaded::Loaded(status),
            // The vendor knows one beginning: it filters by it as the creation.
            created_at: Loaded::Loaded(began_at),
            started_at: Loaded::Loaded(began_at),
            ended_at: Loaded::Loaded(ended_at),
            duration_seconds: Loaded::Loaded(duration),
            handler: Loaded::Loaded(
                wire.csServicerId
                    .value()
                    .map(|id| Arc::new(Employee::reference(EmployeeId::new(VENDOR, *id)))),
            ),
            category: Loaded::Loaded(category(&wire)),
            payment: Loaded::Loaded(self.payment(&wire)),
            remote_session: Loaded::some(RemoteSession {
                client_id: wire.uniqueNumber.into_value(),
                host: wire.ComputerName.into_value(),
                service_card_id: wire.csSId.into_value().filter(|id| id != "0"),
                has_chat: wire.ChatRecord.value() == Some(&true),
                has_remote_control: wire.Remote.value() == Some(&true),
                has_file_transfer: wire.TransferFile.value() == Some(&true),
                file_count: wire.FileCount.into_value(),
            }),
            contact: Loaded::Loaded(contact(
                wire.contactor,
                wire.companyName,
                wire.contactMethod,
            )),
            problem: Loaded::Loaded(wire.note.into_value()),
            solution: Loaded::Loaded(wire.ProblemSolution.into_value()),
            is_resolved: Loaded::Loaded(wire.isFinish.into_value()),
            rating: Loaded::Loaded(rating(
                wire.commentScore.into_value(),
                wire.comment.into_value(),
            )),
            custom_fields: Loaded::Loaded(wire.custom_fields.into_value().map(custom_fields)),
            transcript: Loaded::some(match wire.ChatRecord.into_value() {
                Some(false) => Transcript::Held(Vec::new()),
                _ => Transcript::Elsewhere,
            }),
            may_have_summary: true,
            unjudged: match has_handler {
                true => FilterParameters::NONE,
                false => FilterParameter::Handler.into(),
            },
            // The vendor has none of these.
            queued_at: Loaded::none(),
            updated_at: Loaded::none(),
            reasons: Loaded::some(Vec::new()),
            memo: Loaded::none(),
            logs: Loaded::some(Vec::new()),
            wrap_up_completed_at: Loaded::none(),
            bound_type: Loaded::none(),
            result: Loaded::none(),
            sponsor: Loaded::none(),
        }
    }

    pub(super) fn named_record(&self, wire: Identified<wire::NamedRecord>) -> NamedRecord {
        let Identified {
            id: number,
            object: wire,
        } = wire;
        let id = self.record_id(number, &wire.csBTime);
        // Where no option was chosen, this is the id too.
        let name = |name: Loaded<String>| name.into_value().filter(|name| name != "0");
        let names = vec![name(wire.ptId), name(wire.ptChildId), name(wire.ptThird)];
        NamedRecord {
            id,
            created_at: self.time(&wire.csBTime),
            names: CategoryNames(names),
        }
    }

    /// The list is filtered by the day that the vendor prints, so the day is not converted to another zone.
    fn record_id(&self, number: VendorNumber, began_at: &Loaded<PrintedTime>) -> ServiceRecordId {
        ServiceRecordId {
            vendor: VENDOR,
            number,
            day: began_at.value().map(|printed| match printed {
                PrintedTime::Local(local) => local.date(),
                PrintedTime::Instant(timestamp) => self.zone.local(*timestamp).date(),
            }),
        }
    }

    fn payment(&self, wire: &wire::RemoteRecord) -> Option<Payment> {
        let price = wire.csPrice.value();
        let is_free = price.is_none_or(|price| price.is_zero());
        let code = wire.payStat.value().copied();
        if is_free && code.is_none_or(|code| code == 0) {
            return None;
        }
        Some(Payment {
            price: price.map(|amount| Money {
                amount: *amount,
                currency: "CNY",
            }),
            status: match code {
                Some(0) => PaymentStatus::Unpaid,
                Some(1) => PaymentStatus::Paid,
                Some(2) => PaymentStatus::Failed,
                Some(3) => PaymentStatus::PageOpened,
                Some(4) => PaymentStatus::Deducted,
                _ => PaymentStatus::Unknown,
            },
            paid_at: self.time(&wire.payDateTime),
        })
    }

    fn time(&self, printed: &Loaded<PrintedTime>) -> Option<DateTime> {
        match printed.value()? {
            PrintedTime::Local(local) => self.zone.instant(*local),
            PrintedTime::Instant(timestamp) => Some(self.zone.at(*timestamp)),
        }
    }
}

fn status(code: i32) -> ServiceRecordStatus {
    match code {
        0 => ServiceRecordStatus::Invalid,
        1 => ServiceRecordStatus::InService,
        2 => ServiceRecordStatus::Waiting,
        3 => ServiceRecordStatus::Extended,
        4 => ServiceRecordStatus::OnHold,
        5 => ServiceRecordStatus::Completed,
        _ => ServiceRecordStatus::Unknown,
    }
}

/// The scale runs from 5, good, down to 1, bad; the vendor's other scales run the other way.
fn rating(score: Option<i32>, comment: Option<String>) -> Option<Rating> {
    let score = match score? {
        0 => return None,
        1 => RatingScore::Bad,
        3 => RatingScore::Neutral,
        5 => RatingScore::Good,
        _ => RatingScore::Unknown,
    };
    Some(Rating { score, comment })
}

/// The customer is only text, without an id.
fn contact(
    name: Loaded<String>,
    company: Loaded<String>,
    contact_method: Loaded<String>,
) -> Option<Arc<Contact>> {
    let contact = Contact {
        name: name.into_value(),
        company: company.into_value(),
        contact_method: contact_method.into_value(),
        ..Contact::default()
    };
    let is_known =
        contact.name.is_some() || contact.company.is_some() || contact.contact_method.is_some();
    is_known.then(|| Arc::new(contact))
}

/// The deepest problem type that was chosen, with its ancestors. Another list has the names.
fn category(wire: &wire::RemoteRecord) -> Option<Arc<Category>> {
    let levels = [(1, &wire.ptId), (2, &wire.ptChildId), (3, &wire.ptThird)];
    levels.into_iter().fold(None, |parent, (level, number)| {
        let Some(number) = number.value() else {
            return parent;
        };
        Some(Arc::new(Category {
            id: CategoryId {
                vendor: VENDOR,
                level,
                number: *number,
            },
            detail: Detail::Reference,
            name: None,
            description: None,
            parent,
        }))
    })
}

fn custom_fields(fields: Vec<wire::CustomField>) -> Vec<CustomField> {
    fields
        .into_iter()
        .filter_map(|field| {
            Some(CustomField {
                key: field.key.into_value()?,
                values: field
                    .value
                    .into_value()
                    .map(|FieldValues(values)| values)
                    .unwrap_or_default(),
            })
        })
        .collect()
}

pub(super) fn summary(wire: wire::SummaryAnswer) -> Option<ServiceSummary> {
    let summary = wire.serviceSummary.into_value()?;
    Some(ServiceSummary {
        template: summary.ticketTemplateName.into_value(),
        fields: custom_fields(summary.custom_fields.into_value().unwrap_or_default()),
    })
}

// Chat

impl Mapping<'_> {
    /// The messages of one page, in the order of the page. They have no ids, so each is identified by its ordinal from the
    /// oldest, which is stable because messages are only added.
    pub(super) fn chat_messages(
        &self,
        record: ServiceRecordId,
        wire: Vec<Loaded<wire::ChatMessage>>,
        paging: &wire::Paging,
        page: VendorPageRequest,
        was_newest_first: bool,
    ) -> (Vec<ChatMessage>, Option<ListOrder>) {
        let (places, order) = Places::of(&wire, paging, page, was_newest_first, |message| {
            self.time(&message.time)
        });

        let messages = wire
            .into_iter()
            .enumerate()
            .filter_map(|(index, message)| {
                let message = message.into_value().unwrap_or_default();
                let ordinal = places.ordinal(index)?;
                Some(self.chat_message(
                    ChatMessageId {
                        record,
                        number: ordinal,
                    },
                    message,
                ))
            })
            .collect();
        (messages, order)
    }

    fn chat_message(&self, id: ChatMessageId, wire: wire::ChatMessage) -> ChatMessage {
        let role = match wire.spokesman_identity.into_value() {
            Some(1) => ChatRole::Agent,
            Some(2) => ChatRole::Customer,
            Some(3) => ChatRole::Bot,
            _ => ChatRole::Unknown,
        };
        // The vendor's documents have an agent's name here, and their samples a number.
        let is_number = |spokesman: &String| spokesman.bytes().all(|byte| byte.is_ascii_digit());
        let (vendor_id, name) = match (role, wire.spokesman.into_value()) {
            (ChatRole::Agent, Some(number)) if is_number(&number) => {
                (Some(number.clone()), Some(number))
            }
            (ChatRole::Agent, name) => (None, name),
            // A customer's name is their client id, which is no name.
            (ChatRole::Customer, client_id) => (client_id, None),
            _ => (None, None),
        };
        ChatMessage {
            id,
            sent_at: self.time(&wire.time),
            // The vendor stores only text.
            kind: ChatMessageKind::Text,
            text: wire.msg.into_value(),
            payload: None,
            sender: ChatSender {
                role,
                name,
                vendor_id,
                employee: None,
            },
            is_survey: false,
            raw_type: None,
        }
    }
}

/// The position of a page's messages in the whole chat.
struct Places {
    /// How many messages the pages before this one have.
    before: u64,
    /// Of a list from the newest to the oldest, whose ordinals are counted from its end.
    total_of_descending: Option<u64>,
}

impl Places {
    fn of(
        messages: &[Loaded<wire::ChatMessage>],
        paging: &wire::Paging,
        page: VendorPageRequest,
        was_newest_first: bool,
        time_of: impl Fn(&wire::ChatMessage) -> Option<DateTime>,
    ) -> (Self, Option<ListOrder>) {
        let count = messages.len() as u64;
        let pages_before = u64::from(page.page.saturating_sub(1));
        let asked = u64::from(page.per_page);

        // A vendor that serves fewer rows than requested, though there are more, has pages of that size. The last page does not
        // show the size, but it ends where the chat ends.
        let has_more = match paging.next_page {
            Loaded::Loaded(ref address) => address.is_some(),
            Loaded::NotLoaded => paging
                .count
                .is_some_and(|total| pages_before * asked + count < total),
        };
        let by_total = paging
            .count
            .filter(|_| !has_more && pages_before > 0)
            .and_then(|total| total.checked_sub(count))
            .filter(|before| *before >= pages_before);
        let page_size = if has_more && count < asked {
            count
        } else {
            asked
        };

        let mut times = messages
            .iter()
            .filter_map(|message| time_of(message.value()?));
        let first = times.next();
        let last = times.last().or(first);
        // A single message, or those of one second, show no order of their own: other pages did.
        let order = match last.cmp(&first) {
            Ordering::Less => Some(ListOrder::NewestFirst),
            Ordering::Equal => None,
            Ordering::Greater => Some(ListOrder::OldestFirst),
        };
        let is_descending = match order {
            Some(order) => order == ListOrder::NewestFirst,
            None => was_newest_first,
        };

        let places = Self {
            before: by_total.unwrap_or(pages_before * page_size),
            total_of_descending: paging.count.filter(|_| is_descending),
        };
        (places, order)
    }

    fn ordinal(&self, index: usize) -> Option<VendorNumber> {
        let place = self.before + index as u64;
        let ordinal = match self.total_of_descending {
            Some(total) => total.saturating_sub(place),
            None => place.saturating_add(1),
        };
        VendorNumber::new(ordinal.max(1))
    }
}

// Employees

impl Mapping<'_> {
    pub(super) fn employee(&self, wire: Identified<wire::Support>) -> Employee {
        const EMPLOYED: i32 = 1;

        let Identified { id, object: wire } = wire;
        Employee {
            id: EmployeeId::new(VENDOR, id),
            detail: Detail::Full,
            name: Loaded::Loaded(wire.name.into_value()),
            gender: Loaded::Loaded(wire.gnder.value().map(|code| match code {
                1 => Gender::Female,
                2 => Gender::Male,
                _ => Gender::Unknown,
            })),
            employee_no: Loaded::Loaded(wire.sNum.into_value()),
            email: Loaded::Loaded(wire.email.into_value()),
            mobile: Loaded::Loaded(wire.mobile.into_value()),
            phone: Loaded::Loaded(wire.fixnumber.into_value()),
            is_admin: Loaded::Loaded(wire.isAdmin.into_value()),
            is_active: Loaded::Loaded(wire.isStat.value().map(|state| *state == EMPLOYED)),
            groups: match wire.groupId {
                Loaded::NotLoaded => Loaded::none(),
                Loaded::Loaded(list) => Loaded::some(groups(list.as_deref().unwrap_or_default())),
            },
            created_at: Loaded::Loaded(self.time(&wire.createDT)),
            custom_fields: Loaded::Loaded(wire.custom_fields.into_value().map(custom_fields)),
            // The vendor has none of these.
            first_name: Loaded::none(),
            last_name: Loaded::none(),
            photo: Loaded::none(),
            extension: Loaded::none(),
            job_title: Loaded::none(),
            department: Loaded::none(),
            updated_at: Loaded::none(),
        }
    }
}

/// Only the numbers of groups are known: the vendor has no list of them.
fn groups(numbers: &str) -> Vec<EmployeeGroup> {
    let numbers = numbers.split(',');
    numbers
        .filter_map(|number| VendorNumber::new(number.trim().parse().ok()?))
        .map(|number| EmployeeGroup {
            id: EmployeeGroupId::new(VENDOR, number),
            name: None,
            supervisor: None,
        })
        .collect()
}

// Outcomes

const NO_SUMMARY_TEMPLATE: &str = "120001";
const NO_SUMMARY: &str = "120002";

pub(super) fn says_there_is_no_summary(response: &VendorResponse<'_>) -> bool {
    let outcome: wire::Outcome = response.try_decode().unwrap_or_default();
    let is_absence = |code: Option<&String>| {
        code.is_some_and(|code| code == NO_SUMMARY_TEMPLATE || code == NO_SUMMARY)
    };
    is_absence(outcome.status.value()) || is_absence(outcome.errcode.value())
}

/// The code of a failure that may come with the status of a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FailureCode(String);

impl FailureCode {
    /// For the log, which takes no text of the vendor.
    pub(super) fn number(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

pub(super) fn failure_code_of(response: &VendorResponse<'_>) -> Option<FailureCode> {
    failure_code(response.try_decode().unwrap_or_default())
}

/// Success is `errcode` 0, and `status` 0 from one half of the calls and 200 from the other; some say `state` for `status`.
pub(super) fn failure_code(outcome: wire::Outcome) -> Option<FailureCode> {
    let is_failure = |code: &String| {
        let is_number = code
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
        let words = ["error", "fail", "failed", "failure", "false"];
        is_number || words.iter().any(|word| code.eq_ignore_ascii_case(word))
    };

    let errcode = outcome.errcode.into_value().filter(|code| code != "0");
    let status = [outcome.status, outcome.state]
        .into_iter()
        .filter_map(Loaded::into_value)
        .filter(|code| code != "0" && code != "200")
        .find(is_failure);
    errcode.or(status).map(FailureCode)
}

pub(super) fn has_next(next_page: &Loaded<String>) -> Option<bool> {
    match next_page {
        Loaded::NotLoaded => None,
        Loaded::Loaded(address) => Some(address.is_some()),
    }
}
