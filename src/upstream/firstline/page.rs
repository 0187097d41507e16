//! One page of a list, as the vendor reports it.

use std::sync::Arc;

use super::wire;
use crate::{
    domain::{VendorPage, VendorPageRequest},
    upstream::wire::{HasId, Identified},
};

pub(super) fn page_of<T, U>(
    list: wire::List<T>,
    page: VendorPageRequest,
    map: impl Fn(Identified<T>) -> U,
) -> VendorPage<U>
where
    T: HasId,
{
    let has_next = has_next(&list, page);
    let meta = list.meta.into_value().unwrap_or_default();
    VendorPage {
        unreadable: list.data.unreadable,
        items: list
            .data
            .items
            .into_iter()
            .map(|item| Arc::new(map(item)))
            .collect(),
        total: meta.total.into_value(),
        per_page: meta.per_page.into_value(),
        last_page: meta.last_page.into_value(),
        has_next,
    }
}

/// None where the vendor reports neither a last page nor a next one.
fn has_next<T: HasId>(list: &wire::List<T>, page: VendorPageRequest) -> Option<bool> {
    let last_page = list.meta.value().and_then(|meta| meta.last_page.value());
    let next_link = list.links.value().filter(|links| links.next.is_loaded());
    match (last_page, next_link) {
        (Some(last_page), _) => Some(page.page < *last_page),
        (None, Some(links)) => Some(links.next.value().is_some()),
        (None, None) => None,
    }
}
