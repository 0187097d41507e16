//! The vendors' lists by creation time: read in windows through the cache, and merged.

mod merged;
mod reading;
mod vendor_list;
mod window_index;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{Topic, weight::Weight};
use crate::{
    context::RequestScope,
    domain::{
        Canonical, FilterParameters, ServiceRecord, ServiceRecordFilter, ServiceRecordId, Ticket,
        TicketFilter, TicketId, TimeGranularity, Vendor, VendorPage, VendorPageRequest, VendorZone,
    },
    error::Result,
    listing::{Dated, Granularity, ListKind, Range, Second},
    upstream::VendorApi,
};
pub(in crate::repository) use merged::{Participation, Provenance, total_of};
pub(in crate::repository) use reading::total_within;
pub(in crate::repository) use vendor_list::VendorList;
pub(in crate::repository) use window_index::WindowIndex;

/// The smallest page that reports a list's total.
pub(in crate::repository) const TOTAL_ONLY: VendorPageRequest = VendorPageRequest {
    page: 1,
    per_page: 1,
};

/// A noun that the vendors list by creation time.
pub(in crate::repository) trait Listed:
    Dated + Weight + Send + Sync + Sized + 'static
{
    const TOPIC: Topic;
    const NAME: &'static str;
    type Filter: Clone + Send + Sync + 'static;
    type Id: std::hash::Hash;

    fn id(&self) -> Self::Id;

    fn page<'a>(
        vendor: &'a Arc<dyn VendorApi>,
        scope: &'a RequestScope,
        filter: &'a Self::Filter,
        page: VendorPageRequest,
    ) -> BoxFuture<'a, Result<VendorPage<Self>>>;

    /// The same filter with other bounds of the creation time.
    fn within(filter: &Self::Filter, range: Range) -> Self::Filter;
    fn range(filter: &Self::Filter) -> Range;
    fn canonical(filter: &Self::Filter) -> Canonical;
    fn kind(filter: &Self::Filter) -> u32;

    fn parameters(filter: &Self::Filter) -> FilterParameters;
    fn without(filter: &Self::Filter, parameters: FilterParameters) -> Self::Filter;
    /// The parameters that the object does not match.
    fn mismatches(&self, filter: &Self::Filter) -> FilterParameters;
}

impl Listed for ServiceRecord {
    const TOPIC: Topic = Topic::ServiceRecords;
    const NAME: &'static str = "service records";
    type Filter = ServiceRecordFilter;
    type Id = ServiceRecordId;

    fn id(&self) -> Self::Id {
        self.id
    }

    fn page<'a>(
        vendor: &'a Arc<dyn VendorApi>,
        scope: &'a RequestScope,
        filter: &'a Self::Filter,
        page: VendorPageRequest,
    ) -> BoxFuture<'a, Result<VendorPage<Self>>> {
        Box::pin(async move { vendor.service_record_page(scope, filter, page).await })
    }

    fn within(filter: &Self::Filter, range: Range) -> Self::Filter {
        ServiceRecordFilter {
            from: range.from,
            to: range.to,
            ..filter.clone()
        }
    }

    fn range(filter: &Self::Filter) -> Range {
        Range {
            from: filter.from,
            to: filter.to,
        }
    }

    fn canonical(filter: &Self::Filter) -> Canonical {
        filter.canonical()
    }

    fn kind(filter: &Self::Filter) -> u32 {
        filter.kind()
    }

    fn parameters(filter: &Self::Filter) -> FilterParameters {
        filter.parameters()
    }

    fn without(filter: &Self::Filter, parameters: FilterParameters) -> Self::Filter {
        filter.without(parameters)
    }

    fn mismatches(&self, filter: &Self::Filter) -> FilterParameters {
        filter.mismatches(self)
    }
}

impl Listed for Ticket {
    const TOPIC: Topic = Topic::Tickets;
    const NAME: &'static str = "tickets";
    type Filter = TicketFilter;
    type Id = TicketId;

    fn id(&self) -> Self::Id {
        self.id
    }

    fn page<'a>(
        vendor: &'a Arc<dyn VendorApi>,
        scope: &'a RequestScope,
        filter: &'a Self::Filter,
        page: VendorPageRequest,
    ) -> BoxFuture<'a, Result<VendorPage<Self>>> {
        Box::pin(async move { vendor.ticket_page(scope, filter, page).await })
    }

    fn within(filter: &Self::Filter, range: Range) -> Self::Filter {
        TicketFilter {
            created_from: range.from,
            created_to: range.to,
            ..filter.clone()
        }
    }

    fn range(filter: &Self::Filter) -> Range {
        Range {
            from: filter.created_from,
            to: filter.created_to,
        }
    }

    fn canonical(filter: &Self::Filter) -> Canonical {
        filter.canonical()
    }

    fn kind(filter: &Self::Filter) -> u32 {
        filter.kind()
    }

    fn parameters(filter: &Self::Filter) -> FilterParameters {
        filter.parameters()
    }

    fn without(filter: &Self::Filter, parameters: FilterParameters) -> Self::Filter {
        filter.without(parameters)
    }

    fn mismatches(&self, filter: &Self::Filter) -> FilterParameters {
        filter.mismatches(self)
    }
}

pub(in crate::repository) fn kind_of<T: Listed>(vendor: Vendor, filter: &T::Filter) -> ListKind {
    (vendor, T::NAME, T::kind(filter))
}

pub(super) fn instant(second: Option<Second>) -> Option<Timestamp> {
    let bounds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    let second = second?.clamp(*bounds.start(), *bounds.end());
    Timestamp::from_second(second).ok()
}

pub(in crate::repository) fn granularity<'a>(
    granularity: &TimeGranularity,
    zone: &'a VendorZone,
) -> Granularity<'a> {
    match granularity {
        TimeGranularity::Second => Granularity::Second,
        TimeGranularity::Day => Granularity::Day(zone),
    }
}

/// What a panic may have left behind is whole: each change under these locks is one call.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
