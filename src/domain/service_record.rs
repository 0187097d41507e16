//! One service to one customer.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{
    Canonical, Category, ChannelAccountId, Contact, ContactId, DateTime, Detail, Employee,
    EmployeeGroupId, EmployeeId, FilterParameter, FilterParameters, Loaded, ServiceLogId,
    ServiceReasonId, ServiceRecordId, ServiceResultId, Sponsor, Transcript, Vendor, VendorNumber,
};

/// A service record as one answer of the vendor has it. The copy inside a ticket is an excerpt; a field that is not loaded is read
/// from the record itself.
#[derive(Debug, Clone)]
pub struct ServiceRecord {
    pub id: ServiceRecordId,
    pub detail: Detail,
    pub channel: Loaded<ServiceChannel>,
    /// Not loaded in an excerpt that lacks the fields it is derived from.
    pub status: Loaded<ServiceRecordStatus>,
    pub created_at: Loaded<DateTime>,
    pub queued_at: Loaded<DateTime>,
    pub started_at: Loaded<DateTime>,
    pub ended_at: Loaded<DateTime>,
    pub duration_seconds: Loaded<u64>,
    pub handler: Loaded<Arc<Employee>>,
    pub contact: Loaded<Arc<Contact>>,
    pub problem: Loaded<String>,
    pub solution: Loaded<String>,
    pub memo: Loaded<String>,
    pub is_resolved: Loaded<bool>,
    pub rating: Loaded<Rating>,
    pub category: Loaded<Arc<Category>>,
    /// Not loaded in a list whose rows lack them: the read by id has them, if any response has.
    pub custom_fields: Loaded<Vec<CustomField>>,
    /// The same.
    pub updated_at: Loaded<DateTime>,
    pub reasons: Loaded<Vec<ServiceReason>>,
    pub transcript: Loaded<Transcript>,
    pub logs: Loaded<Vec<ServiceLog>>,
    pub wrap_up_completed_at: Loaded<DateTime>,
    pub bound_type: Loaded<i32>,
    pub result: Loaded<ServiceResult>,
    pub sponsor: Loaded<Arc<Sponsor>>,
    pub payment: Loaded<Payment>,
    pub remote_session: Loaded<RemoteSession>,
    /// Whether the vendor may hold a summary of it.
    pub may_have_summary: bool,
    /// The filters that can't be checked on it, because the vendor's answer lacks the field.
    pub unjudged: FilterParameters,
}

impl ServiceRecord {
    /// As the read by id returns it: what it lacks, no other read has.
    pub fn read_by_id(mut self) -> Self {
        fn final_answer<T>(field: &mut Loaded<T>) {
            if !field.is_loaded() {
                *field = Loaded::none();
            }
        }

        final_answer(&mut self.custom_fields);
        final_answer(&mut self.updated_at);
        if let Loaded::Loaded(Some(logs)) = &mut self.logs {
            logs.iter_mut()
                .for_each(|log| final_answer(&mut log.account));
        }
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceChannel {
    Livechat,
    Line,
    Facebook,
    Instagram,
    Whatsapp,
    Telegram,
    Viber,
    Wechat,
    Email,
    Sms,
    Phone,
    RemoteAssistance,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceRecordStatus {
    Waiting,
    InService,
    Extended,
    OnHold,
    WrapUp,
    Completed,
    Invalid,
    Unknown,
}

impl ServiceRecordStatus {
    /// Whether the service has ended, so that its duration is known.
    pub fn has_ended(self) -> bool {
        use ServiceRecordStatus::*;
        !matches!(self, Waiting | InService | Extended | OnHold)
    }
}

#[derive(Debug, Clone)]
pub struct Rating {
    pub score: RatingScore,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatingScore {
    Good,
    Neutral,
    Bad,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct CustomField {
    pub key: String,
    pub values: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ServiceSummary {
    pub template: Option<String>,
    pub fields: Vec<CustomField>,
}

#[derive(Debug, Clone)]
pub struct ServiceResult {
    pub id: ServiceResultId,
    /// A reference has the id alone.
    pub detail: Detail,
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<Arc<Category>>,
}

/// Why a customer came.
#[derive(Debug, Clone)]
pub struct ServiceReason {
    pub id: ServiceReasonId,
    pub name: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ServiceLog {
    pub id: ServiceLogId,
    pub channel: ServiceChannel,
    /// The vendor's class name, where it is not a known channel.
    pub provider_type: Option<String>,
    pub queued_at: Option<DateTime>,
    pub started_at: Option<DateTime>,
    pub ended_at: Option<DateTime>,
    pub service_seconds: Option<i32>,
    pub status_code: Option<i32>,
    pub bound_type: Option<i32>,
    pub can_listen: Option<bool>,
    /// Not loaded where only the read by id may have it.
    pub account: Loaded<ChannelAccount>,
}

/// An account of the desk in a channel, such as a page or a chat widget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelAccount {
    pub id: ChannelAccountId,
    pub name: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub struct Payment {
    pub price: Option<Money>,
    pub status: PaymentStatus,
    pub paid_at: Option<DateTime>,
}

/// An exact amount: its scale is the vendor's.
#[derive(Debug, Clone, Copy)]
pub struct Money {
    pub amount: Decimal,
    pub currency: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    Unpaid,
    Paid,
    Failed,
    PageOpened,
    Deducted,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct RemoteSession {
    pub client_id: Option<String>,
    pub host: Option<String>,
    pub service_card_id: Option<String>,
    pub has_chat: bool,
    pub has_remote_control: bool,
    pub has_file_transfer: bool,
    pub file_count: Option<i32>,
}

/// The filter of a list of service records. None does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceRecordFilter {
    pub vendors: Option<Vec<Vendor>>,
    pub handler: Option<EmployeeId>,
    pub handler_group: Option<EmployeeGroupId>,
    pub contact: Option<ContactId>,
    /// Inclusive bounds on the creation.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub completed: Option<bool>,
}

impl ServiceRecordFilter {
    /// The parameters that narrow the list.
    pub fn parameters(&self) -> FilterParameters {
        use FilterParameter::*;
        FilterParameters::from_iter([
            (Handler, self.handler.is_some()),
            (HandlerGroup, self.handler_group.is_some()),
            (Contact, self.contact.is_some()),
            (Created, self.from.is_some() || self.to.is_some()),
            (Completed, self.completed.is_some()),
        ])
    }

    /// The same filter without some parameters.
    pub fn without(&self, parameters: FilterParameters) -> Self {
        use FilterParameter::*;
        let stays = |parameter| !parameters.contains(parameter);
        Self {
            vendors: self.vendors.clone(),
            handler: self.handler.filter(|_| stays(Handler)),
            handler_group: self.handler_group.filter(|_| stays(HandlerGroup)),
            contact: self.contact.filter(|_| stays(Contact)),
            from: self.from.filter(|_| stays(Created)),
            to: self.to.filter(|_| stays(Created)),
            completed: self.completed.filter(|_| stays(Completed)),
        }
    }

    /// The parameters that the record does not match. A field that it lacks matches. Lists check the creation time themselves.
    pub fn mismatches(&self, record: &ServiceRecord) -> FilterParameters {
        use FilterParameter::*;
        let handler = record.handler.value();
        let contact = record.contact.value().and_then(|contact| contact.id);
        let is_in_group = |group: EmployeeGroupId| {
            handler.is_some_and(|handler| match &handler.groups {
                Loaded::NotLoaded => true,
                Loaded::Loaded(groups) => groups.iter().flatten().any(|known| known.id == group),
            })
        };
        let is_completed = record.status.value() == Some(&ServiceRecordStatus::Completed);
        let matches = [
            (
                Handler,
                self.handler
                    .is_none_or(|wanted| handler.is_some_and(|handler| handler.id == wanted)),
            ),
            (HandlerGroup, self.handler_group.is_none_or(is_in_group)),
            (Contact, self.contact.is_none() || self.contact == contact),
            (
                Completed,
                self.completed.is_none_or(|wanted| wanted == is_completed),
            ),
        ];
        let differs = matches.map(|(parameter, matches)| (parameter, !matches));
        FilterParameters::from_iter(differs).minus(record.unjudged)
    }

    pub fn canonical(&self) -> Canonical {
        let Self {
            vendors,
            handler,
            handler_group,
            contact,
            from,
            to,
            completed,
        } = self;
        Canonical::new("serviceRecords")
            .list("vendors", vendors.as_ref())
            .field("handler", *handler)
            .field("handlerGroup", *handler_group)
            .field("contact", *contact)
            .field("from", *from)
            .field("to", *to)
            .field("completed", *completed)
    }

    /// Which parameters narrow the list, whatever their values.
    pub fn kind(&self) -> u32 {
        u32::from(self.handler.is_some())
            | u32::from(self.handler_group.is_some()) << 1
            | u32::from(self.contact.is_some()) << 2
            | self
                .completed
                .map_or(0, |completed| 1 + u32::from(completed))
                << 3
    }
}

/// The fields of a service record that a client may write.
#[derive(Debug, Clone, Default)]
pub struct ServiceRecordChanges {
    pub memo: super::Change<String>,
    /// By the vendor's number of the custom field; none changes none of them.
    pub custom_fields: Option<Vec<(VendorNumber, CustomFieldValue)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomFieldValue {
    /// None clears a field that has one value.
    One(Option<String>),
    /// An empty list clears a field that may have many.
    Many(Vec<String>),
}

/// What the response to an update says of the record.
#[derive(Debug, Clone, Default)]
pub struct ServiceRecordUpdate {
    pub custom_fields: Loaded<Vec<CustomField>>,
    pub updated_at: Loaded<DateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_of_a_filter_names_each_of_its_fields() {
        let number = |number| VendorNumber::new(number).expect("the test numbers from 1");
        let filter = ServiceRecordFilter {
            vendors: Some(vec![Vendor::Bangwo8]),
            handler: Some(EmployeeId::new(Vendor::FirstLine, number(1))),
            handler_group: Some(EmployeeGroupId::new(Vendor::FirstLine, number(2))),
            contact: Some(ContactId::new(Vendor::Bangwo8, number(3))),
            from: Timestamp::from_second(1).ok(),
            to: Timestamp::from_second(2).ok(),
            completed: Some(true),
        };
        assert_eq!(
            filter.canonical().as_str(),
            "serviceRecords vendors=11: =7:Bangwo8 handler=20:firstline:Employee:1 \
             handlerGroup=25:firstline:EmployeeGroup:2 contact=17:bangwo8:Contact:3 \
             from=20:1970-01-01T00:00:01Z to=20:1970-01-01T00:00:02Z completed=4:true"
        );
        assert_eq!(
            ServiceRecordFilter::default().canonical().as_str(),
            "serviceRecords"
        );
    }
}
