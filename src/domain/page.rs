//! Pages: how many objects a client asks for, and one page of a vendor's list.

use std::sync::Arc;

/// How many objects one page of a connection may have: 1 to the configured maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// None when `first` is below 1 or above `max`.
    pub fn new(first: i32, max: usize) -> Option<Self> {
        let first = usize::try_from(first).ok()?;
        (1..=max).contains(&first).then_some(Self(first))
    }

    pub fn get(self) -> usize {
        self.0
    }
}

/// Which page of a vendor's list, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VendorPageRequest {
    pub page: u32,
    pub per_page: u32,
}

/// One page of a vendor's list, in the vendor's own order.
#[derive(Debug, Clone)]
pub struct VendorPage<T> {
    pub items: Vec<Arc<T>>,
    /// Of the whole list, over all its pages.
    pub total: Option<u64>,
    /// The page size that the vendor reports, which may be smaller than requested.
    pub per_page: Option<u32>,
    pub last_page: Option<u32>,
    /// Whether the vendor reports another page.
    pub has_next: Option<bool>,
    /// Rows of the page that are left out, because they have no readable id.
    pub unreadable: u64,
}

impl<T> VendorPage<T> {
    /// The only page of an empty list.
    pub fn empty() -> Self {
        Self::whole(Vec::new())
    }

    /// The only page of a list that is completely known.
    pub fn whole(items: Vec<Arc<T>>) -> Self {
        Self {
            total: Some(items.len() as u64),
            per_page: None,
            last_page: Some(1),
            has_next: Some(false),
            unreadable: 0,
            items,
        }
    }
}

/// In which order a vendor lists, as a setting says. It helps to choose what is read first, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListOrder {
    NewestFirst,
    OldestFirst,
}

/// What a vendor's filter by creation time can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeGranularity {
    Second,
    Day,
}

/// The arguments of a connection: how many objects, and after which cursor.
#[derive(Debug, Clone)]
pub struct PageArguments {
    pub limit: Limit,
    pub after: Option<String>,
}
