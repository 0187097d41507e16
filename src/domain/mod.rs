//! What the gateway is about: plain data that knows nothing of HTTP, GraphQL or a vendor's JSON.

mod caller;
mod category;
mod chat_message;
mod contact;
mod employee;
mod host;
mod id;
mod page;
mod service_record;
mod stats;
mod ticket;
mod time;
mod told;
mod topic;
mod vendor;

pub use caller::{Caller, Scope};
pub use category::{Category, CategoryNames};
pub use chat_message::{ChatMessage, ChatMessageKind, ChatRole, ChatSender, Transcript};
pub use contact::{Contact, Sponsor};
pub use employee::{Employee, EmployeeGroup};
pub use host::{ip_address, is_loopback};
pub use id::{
    CategoryId, ChatMessageId, ContactId, EmployeeGroupId, EmployeeId, GlobalId, MalformedId,
    NodeId, ServiceLogId, ServiceRecordId, ServiceResultId, SponsorId, TerminationCodeId, TicketId,
    VendorNumber,
};
pub use page::{Limit, PageArguments, VendorPage, VendorPageRequest};
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
pub use told::Told;
pub use topic::Topic;
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
