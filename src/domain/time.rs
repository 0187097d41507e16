//! Instants with the offset that they are shown in, and the zone of a vendor's local times.

use std::cmp::Ordering;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
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

/// No clock is turned back by more.
const MOST_TURNED_BACK: SignedDuration = SignedDuration::from_hours(3);

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

    /// The latest local time that the clock has shown until an instant: a clock that was turned back has shown later ones.
    pub fn latest_local(&self, timestamp: Timestamp) -> civil::DateTime {
        let local = self.local(timestamp);
        let with_change_now = timestamp.checked_add(1.nanosecond()).unwrap_or(timestamp);
        let change = self.0.preceding(with_change_now).next();
        let change = change.map(|change| change.timestamp());
        let change = change.filter(|at| timestamp.duration_since(*at) < MOST_TURNED_BACK);
        let before = change.and_then(|at| at.checked_sub(1.second()).ok());
        before.map_or(local, |before| local.max(self.local(before)))
    }

    /// The earliest local time that the clock shows from an instant on.
    pub fn earliest_local(&self, timestamp: Timestamp) -> civil::DateTime {
        let local = self.local(timestamp);
        let change = self.0.following(timestamp).next();
        let change = change.map(|change| change.timestamp());
        let change = change.filter(|at| at.duration_since(timestamp) < MOST_TURNED_BACK);
        change.map_or(local, |at| local.min(self.local(at)))
    }

    pub fn today(&self) -> Date {
        self.local(Timestamp::now()).date()
    }
}
