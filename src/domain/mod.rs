//! What the gateway is about: plain data that knows nothing of HTTP, GraphQL or a vendor's JSON.

mod caller;
mod canonical;
mod category;
mod chat_message;
mod contact;
mod employee;
mod freshness;
mod host;
mod id;
mod loaded;
mod page;
mod request;
mod service_record;
mod stats;
mod ticket;
mod time;
mod vendor;

pub use caller::{Caller, Scope};
pub use canonical::Canonical;
pub use category::{Category, CategoryNames, NamedRecord};
pub use chat_message::{ChatMessage, ChatMessageKind, ChatRole, ChatSender, Transcript};
pub use contact::{Contact, Sponsor};
pub use employee::{Employee, EmployeeGroup};
pub use freshness::{Freshness, Grounds, Part, Topic};
pub use host::{ip_address, is_loopback};
pub use id::{
    CategoryId, ChatMessageId, ContactId, EmployeeGroupId, EmployeeId, GlobalId, MalformedId,
    NodeId, ServiceLogId, ServiceRecordId, ServiceResultId, SponsorId, TerminationCodeId, TicketId,
    VendorNumber,
};
pub use loaded::Loaded;
pub use page::{Limit, ListOrder, PageArguments, TimeGranularity, VendorPage, VendorPageRequest};
pub use request::{Patience, RequestScope, Tally};
pub use service_record::{
    CustomField, CustomFieldValue, Money, Payment, PaymentStatus, Rating, RatingScore,
    RemoteSession, ServiceChannel, ServiceLog, ServiceRecord, ServiceRecordChanges,
    ServiceRecordFilter, ServiceRecordStatus, ServiceResult, ServiceSummary,
};
pub use stats::{CountedRange, ServiceRecordStats, TicketStats};
pub use ticket::{
    Change, TerminationCode, Ticket, TicketChanges, TicketFilter, TicketPriority, TicketStatus,
};
pub use time::{DateTime, VendorZone};
pub use vendor::{
    CircuitState, SourceState, SourceStatus, Vendor, VendorErrorCode, VendorFailure, VendorState,
    VendorStatus,
};

/// How much of an object the answer that it was read from holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// No more than the id.
    Reference,
    /// A copy inside another object's answer: what it lacks is loaded by id when asked for.
    Excerpt,
    /// All that the vendor tells of it.
    Full,
}
