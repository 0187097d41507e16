//! The objects that the gateway serves: plain data, without HTTP, GraphQL or a vendor's JSON.

// What identifies an object, and what limits and narrows a list.
mod filter_parameter;
mod id;
mod page;
mod vendor;

// What each vendor can do.
mod capabilities;

// The objects, a file each.
mod category;
mod chat_message;
mod contact;
mod employee;
mod photo;
mod service_record;
mod stats;
mod ticket;

// What they are made of.
mod loaded;
mod time;
mod topic;

// What identifies a question.
mod canonical;

// Who may see them, and where they come from.
mod caller;
mod host;

pub use caller::{Caller, Scope};
pub use canonical::Canonical;
pub use capabilities::{
    Capabilities, CategorySource, FilterPlan, ListCapabilities, ServiceRecordFilters,
    ServiceRecordLookup, UnappliedFilters, VendorCapabilities,
};
pub use category::{Category, CategoryNames, NamedRecord};
pub use chat_message::{ChatMessage, ChatMessageKind, ChatRole, ChatSender, Transcript};
pub use contact::{Contact, Sponsor};
pub use employee::{Employee, EmployeeGroup, Gender};
pub use filter_parameter::{FilterParameter, FilterParameters};
pub use host::{ip_address, is_loopback};
pub use id::{
    CategoryId, ChannelAccountId, ChatMessageId, ContactId, EmployeeGroupId, EmployeeId, GlobalId,
    MalformedId, NodeId, ServiceLogId, ServiceReasonId, ServiceRecordId, ServiceResultId,
    SponsorId, TerminationCodeId, TicketId, VendorNumber,
};
pub use loaded::Loaded;
pub use page::{Limit, ListOrder, PageArguments, TimeGranularity, VendorPage, VendorPageRequest};
pub use photo::{Image, ImageType, Photo};
pub use service_record::{
    ChannelAccount, CustomField, CustomFieldValue, Money, Payment, PaymentStatus, Rating,
    RatingScore, RemoteSession, ServiceChannel, ServiceLog, ServiceReason, ServiceRecord,
    ServiceRecordChanges, ServiceRecordFilter, ServiceRecordStatus, ServiceRecordUpdate,
    ServiceResult, ServiceSummary,
};
pub use stats::{CountedRange, ServiceRecordStats, TicketStats};
pub use ticket::{
    Change, TerminationCode, Ticket, TicketChanges, TicketFilter, TicketPriority, TicketStatus,
};
pub use time::{DateTime, VendorZone};
pub use topic::Topic;
pub use vendor::{
    CircuitState, SourceState, SourceStatus, Vendor, VendorErrorCode, VendorFailure, VendorState,
    VendorStatus,
};

/// How much of an object the vendor's answer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The id alone.
    Reference,
    /// A copy inside another object: missing fields are loaded by id when a query selects them.
    Excerpt,
    /// Every field that the vendor returns.
    Full,
}
