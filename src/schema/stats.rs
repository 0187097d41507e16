//! Counts for a dashboard.

use async_graphql::{Object, SimpleObject};

use super::{
    error::FieldResult,
    scalars::{Date, int, whole},
    ticket::TicketStatus,
    vendor::{SourceStatus, Vendor},
};
use crate::domain;

pub(super) struct TicketStats(pub(super) domain::TicketStats);

/// Counts of tickets. Every status but UNKNOWN is listed, zeros included.
#[Object]
impl TicketStats {
    /// How many tickets the filter admits.
    fn total(&self) -> FieldResult<i32> {
        whole(self.0.total)
    }

    /// How many of them are past due and neither resolved nor closed.
    fn overdue(&self) -> FieldResult<i32> {
        whole(self.0.overdue)
    }

    /// How many of them are in each status.
    fn by_status(&self) -> Vec<TicketStatusCount> {
        let count = |&(status, count): &(domain::TicketStatus, u64)| TicketStatusCount {
            status: status.into(),
            count: whole(count),
        };
        self.0.by_status.iter().map(count).collect()
    }
}

/// How many tickets are in one status.
#[derive(SimpleObject)]
pub(super) struct TicketStatusCount {
    /// The status.
    status: TicketStatus,
    /// How many tickets are in it.
    count: FieldResult<i32>,
}

pub(super) struct ServiceRecordStats(pub(super) domain::ServiceRecordStats);

/// Counts of service records. Every day of every selected vendor is listed, zeros included; those of a failed vendor are
/// missing.
#[Object]
impl ServiceRecordStats {
    /// The total over all days and vendors. Null where a selected vendor failed, or where an Int can't be as large.
    fn total(&self) -> Option<i32> {
        self.0.total.and_then(int)
    }

    /// How many at each vendor, over all days.
    fn by_vendor(&self) -> Vec<VendorCount> {
        let count = |&(vendor, count): &(domain::Vendor, u64)| VendorCount {
            vendor: vendor.into(),
            count: whole(count),
        };
        self.0.by_vendor.iter().map(count).collect()
    }

    /// How many on each day at each vendor.
    fn daily(&self) -> Vec<DailyCount> {
        let count =
            |&(date, vendor, count): &(jiff::civil::Date, domain::Vendor, u64)| DailyCount {
                date: Date(date),
                vendor: vendor.into(),
                count: whole(count),
            };
        self.0.daily.iter().map(count).collect()
    }

    /// How each configured vendor took part.
    fn sources(&self) -> Vec<SourceStatus<'_>> {
        self.0.sources.iter().map(SourceStatus).collect()
    }
}

/// How many service records one vendor has.
#[derive(SimpleObject)]
pub(super) struct VendorCount {
    /// The vendor.
    vendor: Vendor,
    /// How many service records it has.
    count: FieldResult<i32>,
}

/// How many service records one vendor has on one day.
#[derive(SimpleObject)]
pub(super) struct DailyCount {
    /// The day, in the vendor's own zone.
    date: Date,
    /// The vendor.
    vendor: Vendor,
    /// How many service records it has on this day.
    count: FieldResult<i32>,
}
