//! Reads all pages of a vendor's directory.

use std::{collections::HashSet, future::Future, hash::Hash, sync::Arc};

use super::join::join_all;
use crate::{
    domain::{Vendor, VendorErrorCode, VendorPage},
    error::{Error, Result},
};

/// A page count above this is an error of the vendor.
const MAX_PAGES: u32 = 1000;
/// How many pages to read where the vendor reports no total.
const MAX_PAGES_WITHOUT_TOTAL: u32 = 100;

/// All objects, each once, in the vendor's order. Pages after the first are read side by side where their number is known. The
/// number follows from what the vendor served, because a vendor may serve smaller pages than requested.
pub(super) async fn read_whole<T, Key, Fetch, PageFuture>(
    vendor: Vendor,
    key_of: impl Fn(&T) -> Key,
    fetch: Fetch,
) -> Result<Vec<Arc<T>>>
where
    Key: Eq + Hash,
    Fetch: Fn(u32) -> PageFuture,
    PageFuture: Future<Output = Result<VendorPage<T>>>,
{
    let first = fetch(1).await?;
    let page_count = page_count(&first);
    let page_size = served(&first);

    let mut seen = HashSet::new();
    let mut whole = Vec::new();
    let mut take = |page: VendorPage<T>| {
        let count_before = whole.len();
        whole.extend(
            page.items
                .into_iter()
                .filter(|item| seen.insert(key_of(item))),
        );
        whole.len() - count_before
    };
    take(first);

    match page_count {
        Some(count) if count > MAX_PAGES => {
            return Err(Error::vendor(vendor, VendorErrorCode::BadResponse));
        }
        Some(count) => {
            for page in join_all((2..=count).map(&fetch)).await? {
                take(page);
            }
        }
        None => {
            for number in 2..=MAX_PAGES_WITHOUT_TOTAL {
                let page = fetch(number).await?;
                let is_short = served(&page) < page_size;
                let says_it_is_the_last = page.has_next == Some(false);
                let new_items = take(page);
                if new_items == 0 || is_short || says_it_is_the_last {
                    break;
                }
            }
        }
    }
    Ok(whole)
}

/// How many rows the vendor served, unreadable ones included.
fn served<T>(page: &VendorPage<T>) -> u64 {
    page.items.len() as u64 + page.unreadable
}

/// The number of pages; none where the first page does not have it.
fn page_count<T>(first: &VendorPage<T>) -> Option<u32> {
    let served = served(first);
    if served == 0 {
        return Some(1);
    }

    let page_size = first
        .per_page
        .map(u64::from)
        .filter(|size| (1..=served).contains(size))
        .unwrap_or(served);
    let by_total = first
        .total
        .map(|total| u32::try_from(total.div_ceil(page_size)).unwrap_or(u32::MAX));
    match (by_total, first.last_page, first.has_next) {
        // A total that the next page contradicts is the page's own count.
        (Some(1), None, Some(true)) => None,
        // A last page that assumes another page size than the vendor serves is wrong, so the total takes precedence.
        (Some(count), _, _) | (None, Some(count), _) => Some(count),
        (None, None, Some(false)) => Some(1),
        (None, None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn page(items: std::ops::Range<u32>) -> VendorPage<u32> {
        VendorPage {
            items: items.map(Arc::new).collect(),
            total: None,
            per_page: None,
            last_page: None,
            has_next: None,
            unreadable: 0,
        }
    }

    async fn read(
        pages: impl Fn(u32) -> VendorPage<u32>,
        calls: &AtomicU32,
    ) -> Result<Vec<Arc<u32>>> {
        read_whole(
            Vendor::FirstLine,
            |item| *item,
            |number| {
                calls.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Ok(pages(number)))
            },
        )
        .await
    }

    #[tokio::test]
    async fn the_page_size_is_what_was_served() {
        let calls = AtomicU32::new(0);
        let whole = read(
            |number| VendorPage {
                total: Some(25),
                ..page((number - 1) * 10..(number * 10).min(25))
            },
            &calls,
        )
        .await
        .expect("every page is there");
        assert_eq!(whole.len(), 25);
        assert_eq!(calls.into_inner(), 3);
    }

    #[tokio::test]
    async fn without_a_count_it_reads_until_a_page_is_short() {
        let calls = AtomicU32::new(0);
        let whole = read(
            |number| page((number - 1) * 10..(number * 10).min(25)),
            &calls,
        )
        .await
        .expect("every page is there");
        assert_eq!(whole.len(), 25);
        assert_eq!(calls.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_vendor_that_repeats_its_page_is_asked_once_more() {
        let calls = AtomicU32::new(0);
        let whole = read(|_| page(0..10), &calls)
            .await
            .expect("every page is there");
        assert_eq!(whole.len(), 10);
        assert_eq!(calls.into_inner(), 2);
    }

    #[tokio::test]
    async fn an_absurd_count_is_an_error_and_not_a_flood() {
        let calls = AtomicU32::new(0);
        let whole = read(
            |_| VendorPage {
                total: Some(u64::MAX),
                ..page(0..1)
            },
            &calls,
        )
        .await;
        assert!(whole.is_err());
        assert_eq!(calls.into_inner(), 1);
    }
}
