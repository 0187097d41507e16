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

#[derive(Debug, Clone)]
pub struct ServiceRecordStats {
    /// None where a vendor that was asked failed.
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
