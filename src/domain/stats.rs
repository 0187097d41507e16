//! Counts for a dashboard.

use jiff::civil::Date;

use super::{SourceStatus, TicketStatus, Vendor};

#[derive(Debug, Clone)]
pub struct TicketStats {
    pub total: u64,
    pub overdue: u64,
    /// Every known status once, zeros included.
    pub by_status: Vec<(TicketStatus, u64)>,
}

impl TicketStats {
    pub fn none() -> Self {
        Self {
            total: 0,
            overdue: 0,
            by_status: TicketStatus::KNOWN.map(|status| (status, 0)).to_vec(),
        }
    }

    /// Those of two vendors together.
    pub fn plus(mut self, other: &TicketStats) -> Self {
        self.total = self.total.saturating_add(other.total);
        self.overdue = self.overdue.saturating_add(other.overdue);
        for ((_, count), (_, more)) in self.by_status.iter_mut().zip(&other.by_status) {
            *count = count.saturating_add(*more);
        }
        self
    }

    pub fn with_a_status(&self) -> u64 {
        let counts = self.by_status.iter().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
    }
}

#[derive(Debug, Clone)]
pub struct ServiceRecordStats {
    /// None where a requested vendor failed.
    pub total: Option<u64>,
    pub by_vendor: Vec<(Vendor, u64)>,
    pub daily: Vec<(Date, Vendor, u64)>,
    pub sources: Vec<SourceStatus>,
}

/// The days that are counted, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountedRange {
    pub from: Date,
    pub to: Date,
}
