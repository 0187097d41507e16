//! Reading a vendor's list past the cache, and what a page's total is worth.

use std::sync::Arc;

use jiff::Timestamp;

use super::{super::Shared, Listed, granularity, instant, kind_of};
use crate::{
    context::RequestScope,
    domain::VendorPage,
    error::Result,
    listing::{Budget, ListReader, Range, Second, Span, Want, Window},
    upstream::VendorApi,
};

/// What is read at once, and kept under one key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    Window {
        upper: Option<Second>,
        want: Want,
        most_calls: u32,
    },
    Exactly {
        span: Span,
        most_pages: u32,
    },
}

/// Reads a part of a vendor's list, past the cache.
pub(super) async fn read_list<T: Listed>(
    shared: &Shared,
    vendor: &Arc<dyn VendorApi>,
    scope: &RequestScope,
    filter: &T::Filter,
    reading: Reading,
) -> Result<Window<T>> {
    let lists = vendor.capabilities().lists;
    let fetch = |span: Span, page| {
        let range = Range {
            from: instant(span.from),
            to: instant(span.to),
        };
        let filter = T::within(filter, range);
        async move { T::page(vendor, scope, &filter, page).await }
    };
    let reader = ListReader {
        kind: kind_of::<T>(vendor.vendor(), filter),
        observations: &shared.observations,
        granularity: granularity(&lists.granularity, vendor.zone()),
        zone: vendor.zone(),
        range: T::range(filter),
        page_size: lists.page_size,
        order: lists.order,
        now: Timestamp::now().as_second(),
        fetch,
    };
    let calls = &scope.vendor_calls;
    let budget = |most: u32| Budget::new(most).of_request(calls.left(), calls.allowed());
    match reading {
        Reading::Window {
            upper,
            want,
            most_calls,
        } => reader.window(&budget(most_calls), upper, want).await,
        Reading::Exactly { span, most_pages } => reader.exactly(&budget(most_pages), span).await,
    }
}

/// The total of a page, unless its rows show that the vendor counts what is outside the bounds.
pub(in crate::repository) fn total_within<T: Listed>(
    page: &VendorPage<T>,
    range: Range,
) -> Option<u64> {
    let is_outside = |row: &Arc<T>| {
        let created_at = row.created_at();
        created_at.is_some_and(|created_at| !range.contains(created_at.timestamp))
    };
    page.total.filter(|_| !page.items.iter().any(is_outside))
}
