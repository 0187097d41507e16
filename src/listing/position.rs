//! An object's position in the merged order: newest first, then by vendor, then the largest number first.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::span::{Second, second_of};
use crate::domain::{DateTime, ServiceRecord, Ticket, Vendor, VendorNumber};

/// An object of a list that is ordered by creation.
pub trait Dated {
    fn created_at(&self) -> Option<DateTime>;
    fn number(&self) -> VendorNumber;

    fn created_second(&self) -> Option<Second> {
        Some(second_of(self.created_at()?.timestamp))
    }

    fn position(&self, vendor: Vendor) -> Position {
        Position {
            created_at: self.created_at().map(|at| at.timestamp),
            vendor,
            number: self.number().get(),
        }
    }
}

/// A position in the merged list. An object without a creation time comes after all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    pub created_at: Option<Timestamp>,
    pub vendor: Vendor,
    /// The vendor's number of the object; 0 comes after every object of that time and vendor.
    pub number: u64,
}

impl Position {
    /// Behind every object that was created at or after that second.
    pub(super) fn behind(second: Second) -> Option<Self> {
        Some(Self {
            created_at: Some(Timestamp::from_second(second).ok()?),
            vendor: *Vendor::ALL.last()?,
            number: 0,
        })
    }

    /// Whether the whole second of the position is behind it.
    pub(super) fn is_behind_its_second(&self) -> bool {
        self.number == 0 && Vendor::ALL.last() == Some(&self.vendor)
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .created_at
            .cmp(&self.created_at)
            .then(self.vendor.cmp(&other.vendor))
            .then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Dated for ServiceRecord {
    fn created_at(&self) -> Option<DateTime> {
        self.created_at.value().copied()
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}

impl Dated for Ticket {
    fn created_at(&self) -> Option<DateTime> {
        self.created_at
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}
