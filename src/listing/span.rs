//! Spans of time in whole seconds, and what a vendor's filter can tell apart.

use jiff::{Timestamp, ToSpan};

use crate::domain::VendorZone;

/// A whole second since the epoch: the finest time that a vendor filters by.
pub type Second = i64;

pub(super) fn second_of(timestamp: Timestamp) -> Second {
    let seconds = timestamp.as_nanosecond().div_euclid(1_000_000_000);
    // A timestamp's range is far within that of its type.
    Second::try_from(seconds).unwrap_or_default()
}

/// From one second to another, both included. An open side has no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub from: Option<Second>,
    pub to: Option<Second>,
}

impl Span {
    pub const EVERYTHING: Span = Span {
        from: None,
        to: None,
    };

    /// Everything that has a creation time, for a vendor that compares it with a bound.
    pub const ALL_TIME: Span = Span {
        from: Some(0),
        to: None,
    };

    /// How far outside the second is; 0 inside.
    pub(super) fn distance(&self, second: Second) -> i64 {
        let before = self.from.map_or(0, |from| from.saturating_sub(second));
        let after = self.to.map_or(0, |to| second.saturating_sub(to));
        before.max(after).max(0)
    }

    pub fn contains(&self, second: Second) -> bool {
        self.from.is_none_or(|from| from <= second) && self.to.is_none_or(|to| second <= to)
    }
}

/// The bounds that a client set, both included and exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Range {
    pub fn contains(&self, timestamp: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= timestamp) && self.to.is_none_or(|to| timestamp <= to)
    }

    pub fn span(&self) -> Span {
        Span {
            from: self.from.map(second_of),
            to: self.to.map(second_of),
        }
    }
}

/// What a vendor's filter by creation can tell apart.
#[derive(Debug, Clone, Copy)]
pub enum Granularity<'a> {
    Second,
    /// Days of this zone.
    Day(&'a VendorZone),
}

impl Granularity<'_> {
    /// The first second of the unit that holds the second.
    pub(super) fn start_of(&self, second: Second) -> Second {
        match self {
            Granularity::Second => second,
            Granularity::Day(zone) => midnight(zone, second, 0).unwrap_or(second),
        }
    }

    /// The last second of the unit that holds the second.
    pub(super) fn end_of(&self, second: Second) -> Second {
        match self {
            Granularity::Second => second,
            Granularity::Day(zone) => midnight(zone, second, 1).map_or(second, |next| next - 1),
        }
    }

    /// The whole units that the span touches.
    pub(super) fn aligned(&self, span: Span) -> Span {
        Span {
            from: span.from.map(|from| self.start_of(from)),
            to: span.to.map(|to| self.end_of(to)),
        }
    }

    /// The time range to request. Whether a bound of seconds includes its own second is not documented, so a second is added on
    /// both sides.
    pub(super) fn requested(&self, span: Span) -> Span {
        match self {
            Granularity::Second => Span {
                from: span.from.map(|from| from.saturating_sub(1)),
                to: span.to.map(|to| to.saturating_add(1)),
            },
            Granularity::Day(_) => self.aligned(span),
        }
    }

    /// Whether no shorter window can be requested.
    pub(super) fn is_smallest(&self, from: Second, to: Second) -> bool {
        self.start_of(to) <= from
    }
}

/// The first second of the local day that holds the second, or of a later one.
fn midnight(zone: &VendorZone, second: Second, days_later: i32) -> Option<Second> {
    let local = zone.local(Timestamp::from_second(second).ok()?);
    let day = local.date().checked_add(days_later.days()).ok()?;
    let start = zone.instant(day.at(0, 0, 0, 0))?;
    Some(start.timestamp.as_second())
}
