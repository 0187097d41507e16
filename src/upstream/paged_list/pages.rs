//! A list's pages: which of them hold a window of it, and where the objects of one stand.

use std::ops::Range;

use super::learned::PageSize;
use crate::domain::{VendorPage, VendorPageRequest};

/// The pages that hold all of `wanted`: one page of the smallest size that does, or several of the largest.
pub(super) fn pages_covering(
    wanted: Range<u64>,
    page_size: PageSize,
    max_per_page: u32,
) -> Vec<VendorPageRequest> {
    let Some(last) = wanted
        .end
        .checked_sub(1)
        .filter(|last| *last >= wanted.start)
    else {
        return Vec::new();
    };
    let largest = page_size.largest(max_per_page);
    let length = wanted.end - wanted.start;

    let one_page = match page_size {
        PageSize::Always(_) => None,
        _ => (length..=largest).find(|size| wanted.start / size == last / size),
    };
    let size = one_page.unwrap_or(largest);
    (wanted.start / size..=last / size)
        .filter_map(|page| {
            Some(VendorPageRequest {
                page: u32::try_from(page + 1).ok()?,
                per_page: u32::try_from(size).ok()?,
            })
        })
        .collect()
}

/// Where a page's objects stand in the list, and how many a full page holds.
pub(super) struct Placed {
    pub(super) start: u64,
    pub(super) served_per_page: u32,
}

/// A vendor may serve fewer on a page than were asked for. The answer is believed, never the request.
pub(super) fn placed<T>(
    request: VendorPageRequest,
    answer: &VendorPage<T>,
    page_size: PageSize,
) -> Placed {
    let len = u32::try_from(answer.items.len()).unwrap_or(u32::MAX);
    let pages_before = u64::from(request.page.saturating_sub(1));
    let full = |served_per_page: u32| Placed {
        start: pages_before * u64::from(served_per_page),
        served_per_page,
    };
    if let Some(told) = answer.per_page.filter(|told| *told > 0) {
        return full(told.max(len));
    }
    if len == 0 || len >= request.per_page {
        return full(request.per_page.max(len));
    }

    let end_if_full = pages_before * u64::from(request.per_page) + u64::from(len);
    match (answer.total, answer.has_next) {
        (_, Some(true)) => full(len),
        // The end of the list lies before the page that was asked for: the pages are smaller, and this is the last.
        (Some(total), Some(false)) if end_if_full != total => Placed {
            start: total.saturating_sub(u64::from(len)),
            served_per_page: request.per_page,
        },
        (_, Some(false)) => full(request.per_page),
        (Some(total), None) if end_if_full < total => full(len),
        // With nothing told, a first page that is short may be all that there is, or all that the vendor gives at once.
        (None, None) if request.page == 1 && page_size == PageSize::AsAsked => full(len),
        (_, None) => full(request.per_page),
    }
}
