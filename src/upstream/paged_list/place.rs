//! An object's place in a list that is ordered by creation.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::domain::{ChatMessage, DateTime, ServiceRecord, Ticket, VendorNumber};

/// An object with a place in a list that is ordered by creation.
pub trait Dated {
    fn created_at(&self) -> Option<DateTime>;
    fn number(&self) -> VendorNumber;

    fn place(&self) -> Place {
        Place {
            created_at: self.created_at().map(|at| at.timestamp),
            number: self.number(),
        }
    }
}

/// A place in a list, newest first: by creation, then by number; what has no creation comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub created_at: Option<Timestamp>,
    pub number: VendorNumber,
}

impl Place {
    /// The same place in another list that it is merged with, whose objects of one instant come all before or all after.
    pub fn seen_by(self, other: Ordering) -> Self {
        let number = match other {
            Ordering::Less => VendorNumber::SMALLEST,
            Ordering::Equal => self.number,
            Ordering::Greater => VendorNumber::LARGEST,
        };
        Self { number, ..self }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.created_at, other.number).cmp(&(self.created_at, self.number))
    }
}

impl PartialOrd for Place {
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

impl Dated for ChatMessage {
    fn created_at(&self) -> Option<DateTime> {
        self.sent_at
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}
