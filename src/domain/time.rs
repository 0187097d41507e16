//! Instants with the offset that they are shown in, and the zone of a vendor's local times.

use std::cmp::Ordering;

use jiff::{
    Timestamp,
    civil::{self, Date},
    tz::{Offset, TimeZone},
};

/// An instant and the offset from UTC that it is shown with. Two are equal when the instants are.
#[derive(Debug, Clone, Copy)]
pub struct DateTime {
    pub timestamp: Timestamp,
    pub offset: Offset,
}

impl DateTime {
    pub fn now_utc() -> Self {
        Self {
            timestamp: Timestamp::now(),
            offset: Offset::UTC,
        }
    }

    /// Whole seconds from `earlier` to this instant; none when it lies before `earlier`.
    pub fn seconds_since(self, earlier: DateTime) -> Option<u64> {
        u64::try_from(self.timestamp.as_second() - earlier.timestamp.as_second()).ok()
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.timestamp == other.timestamp
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.timestamp.cmp(&other.timestamp)
    }
}

impl std::fmt::Display for DateTime {
    /// RFC 3339 with an offset, and with a fraction only where there is one.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}",
            self.timestamp.display_with_offset(self.offset)
        )
    }
}

/// The zone of a vendor's local times: the vendors print them without one.
#[derive(Debug, Clone)]
pub struct VendorZone(TimeZone);

impl VendorZone {
    /// None when the bundled zone data has no zone of that name.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// A local time as an instant. A time that a clock change skips or repeats is read as RFC 5545 does.
    pub fn instant(&self, local: civil::DateTime) -> Option<DateTime> {
        let timestamp = self.0.to_timestamp(local).ok()?;
        Some(self.at(timestamp))
    }

    pub fn at(&self, timestamp: Timestamp) -> DateTime {
        DateTime {
            timestamp,
            offset: self.0.to_offset(timestamp),
        }
    }

    pub fn local(&self, timestamp: Timestamp) -> civil::DateTime {
        self.0.to_datetime(timestamp)
    }

    pub fn today(&self) -> Date {
        self.local(Timestamp::now()).date()
    }
}
