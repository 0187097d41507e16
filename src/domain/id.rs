//! Global ids: `<vendor>:<Type>:<key>`, unique over all types and vendors, opaque to clients, canonical in responses.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

use super::Vendor;

/// A vendor's own number of an object: 1 to 2^63-1, written without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VendorNumber(u64);

impl VendorNumber {
    pub const SMALLEST: Self = Self(1);
    pub const LARGEST: Self = Self(i64::MAX as u64);

    pub fn new(number: u64) -> Option<Self> {
        (Self::SMALLEST.0..=Self::LARGEST.0)
            .contains(&number)
            .then_some(Self(number))
    }

    pub fn get(self) -> u64 {
        self.0
    }

    /// Reads digits as they stand in an id; a vendor's own spelling is read more leniently in its folder.
    pub fn from_canonical(text: &str) -> Option<Self> {
        let is_canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        is_canonical
            .then(|| text.parse().ok())
            .flatten()
            .and_then(Self::new)
    }
}

impl fmt::Display for VendorNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The id can't be parsed. The message says what is expected and repeats nothing of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedId {
    pub expected: &'static str,
}

impl fmt::Display for MalformedId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "not an id of this gateway: it must be {}",
            self.expected
        )
    }
}

impl std::error::Error for MalformedId {}

/// Splits `<vendor>:<Type>:<key>`.
fn parts(text: &str) -> Option<(Vendor, &str, &str)> {
    let (vendor, rest) = text.split_once(':')?;
    let (type_name, key) = rest.split_once(':')?;
    let vendor = Vendor::ALL
        .into_iter()
        .find(|known| known.slug() == vendor)?;
    Some((vendor, type_name, key))
}

/// The key of an id of one type, or none where vendor, type or form are others.
fn key_of<'a>(text: &'a str, type_name: &str) -> Option<(Vendor, &'a str)> {
    let (vendor, found, key) = parts(text)?;
    (found == type_name).then_some((vendor, key))
}

macro_rules! numbered_ids {
    ($($(#[$doc:meta])* $name:ident = $type_name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            pub vendor: Vendor,
            pub number: VendorNumber,
        }

        impl $name {
            pub fn new(vendor: Vendor, number: VendorNumber) -> Self {
                Self { vendor, number }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!("{}:", $type_name, ":{}"), self.vendor.slug(), self.number)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                key_of(text, $type_name)
                    .and_then(|(vendor, key)| Some(Self::new(vendor, VendorNumber::from_canonical(key)?)))
                    .ok_or(MalformedId {
                        expected: concat!("<vendor>:", $type_name, ":<number>, as this gateway returns it"),
                    })
            }
        }
    )*};
}

numbered_ids! {
    TicketId = "Ticket";
    EmployeeId = "Employee";
    SponsorId = "Sponsor";
    TerminationCodeId = "TerminationCode";
    ContactId = "Contact";
    EmployeeGroupId = "EmployeeGroup";
    ServiceResultId = "ServiceResult";
    ServiceLogId = "ServiceLog";
    ServiceReasonId = "ServiceReason";
}

/// The id of an account of the desk in one channel: each channel numbers its accounts on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelAccountId {
    pub vendor: Vendor,
    pub channel: String,
    pub number: VendorNumber,
}

impl fmt::Display for ChannelAccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self.vendor.slug();
        write!(
            formatter,
            "{vendor}:ChannelAccount:{}-{}",
            self.channel, self.number
        )
    }
}

/// A service record's id. Bangwo8 has no call for one record, so its ids carry the day of the record's start, which names
/// the list that holds it; without the day such an id is accepted, and searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceRecordId {
    pub vendor: Vendor,
    pub number: VendorNumber,
    pub day: Option<Date>,
}

impl ServiceRecordId {
    /// The key alone, as it also stands in the ids of the record's chat messages.
    fn key(&self) -> String {
        match self.day {
            Some(day) => format!("{}@{day}", self.number),
            None => self.number.to_string(),
        }
    }

    fn from_key(vendor: Vendor, key: &str) -> Option<Self> {
        let (number, day) = match (vendor, key.split_once('@')) {
            (Vendor::Bangwo8, Some((number, day))) => (number, Some(canonical_day(day)?)),
            (_, Some(_)) => return None,
            (_, None) => (key, None),
        };
        Some(Self {
            vendor,
            number: VendorNumber::from_canonical(number)?,
            day,
        })
    }
}

/// `YYYY-MM-DD` and nothing else.
fn canonical_day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

impl fmt::Display for ServiceRecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:ServiceRecord:{}",
            self.vendor.slug(),
            self.key()
        )
    }
}

impl FromStr for ServiceRecordId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        key_of(text, "ServiceRecord")
            .and_then(|(vendor, key)| Self::from_key(vendor, key))
            .ok_or(MalformedId {
                expected: "<vendor>:ServiceRecord:<number>, for Bangwo8 followed by @YYYY-MM-DD",
            })
    }
}

/// A category's id: the level stands before the number, because levels are numbered on their own. How many levels there are is
/// one of the vendor's capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId {
    pub vendor: Vendor,
    pub level: u8,
    pub number: VendorNumber,
}

impl fmt::Display for CategoryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:Category:{}-{}",
            self.vendor.slug(),
            self.level,
            self.number
        )
    }
}

impl FromStr for CategoryId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let read = || {
            let (vendor, key) = key_of(text, "Category")?;
            let (level, number) = key.split_once('-')?;
            let level = VendorNumber::from_canonical(level)?.get();
            Some(Self {
                vendor,
                level: u8::try_from(level).ok()?,
                number: VendorNumber::from_canonical(number)?,
            })
        };
        read().ok_or(MalformedId {
            expected: "<vendor>:Category:<level>-<number>, as this gateway returns it",
        })
    }
}

/// A chat message's id: its record's key and the vendor's number of the message, or its ordinal from the oldest where the
/// vendor numbers none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatMessageId {
    pub record: ServiceRecordId,
    pub number: VendorNumber,
}

impl fmt::Display for ChatMessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self.record.vendor.slug();
        write!(
            formatter,
            "{vendor}:ChatMessage:{}/{}",
            self.record.key(),
            self.number
        )
    }
}

impl FromStr for ChatMessageId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let read = || {
            let (vendor, key) = key_of(text, "ChatMessage")?;
            let (record, number) = key.split_once('/')?;
            Some(Self {
                record: ServiceRecordId::from_key(vendor, record)?,
                number: VendorNumber::from_canonical(number)?,
            })
        };
        read().ok_or(MalformedId {
            expected: "<vendor>:ChatMessage:<record>/<number>, as this gateway returns it",
        })
    }
}

/// The id of an object that can be fetched again by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeId {
    ServiceRecord(ServiceRecordId),
    Ticket(TicketId),
    Employee(EmployeeId),
    Category(CategoryId),
    ChatMessage(ChatMessageId),
    Sponsor(SponsorId),
    TerminationCode(TerminationCodeId),
}

impl NodeId {
    pub fn vendor(&self) -> Vendor {
        match self {
            NodeId::ServiceRecord(id) => id.vendor,
            NodeId::Ticket(id) => id.vendor,
            NodeId::Employee(id) => id.vendor,
            NodeId::Category(id) => id.vendor,
            NodeId::ChatMessage(id) => id.record.vendor,
            NodeId::Sponsor(id) => id.vendor,
            NodeId::TerminationCode(id) => id.vendor,
        }
    }
}

impl FromStr for NodeId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let type_name = parts(text).map(|(_, type_name, _)| type_name);
        match type_name {
            Some("ServiceRecord") => text.parse().map(NodeId::ServiceRecord),
            Some("Ticket") => text.parse().map(NodeId::Ticket),
            Some("Employee") => text.parse().map(NodeId::Employee),
            Some("Category") => text.parse().map(NodeId::Category),
            Some("ChatMessage") => text.parse().map(NodeId::ChatMessage),
            Some("Sponsor") => text.parse().map(NodeId::Sponsor),
            Some("TerminationCode") => text.parse().map(NodeId::TerminationCode),
            _ => Err(MalformedId {
                expected: "<vendor>:<Type>:<key> of a type that implements Node, as this gateway returns it",
            }),
        }
    }
}

/// What every kind of id can do, so that one function parses them all.
pub trait GlobalId: FromStr<Err = MalformedId> + fmt::Display + Copy {
    fn vendor(&self) -> Vendor;
}

macro_rules! global_ids {
    ($($name:ident: $id:ident => $vendor:expr;)*) => {$(
        impl GlobalId for $name {
            fn vendor(&self) -> Vendor {
                let $id = self;
                $vendor
            }
        }
    )*};
}

global_ids! {
    TicketId: id => id.vendor;
    EmployeeId: id => id.vendor;
    SponsorId: id => id.vendor;
    TerminationCodeId: id => id.vendor;
    ContactId: id => id.vendor;
    EmployeeGroupId: id => id.vendor;
    ServiceResultId: id => id.vendor;
    ServiceLogId: id => id.vendor;
    ServiceReasonId: id => id.vendor;
    ServiceRecordId: id => id.vendor;
    CategoryId: id => id.vendor;
    ChatMessageId: id => id.record.vendor;
}
