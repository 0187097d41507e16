//! Reads a vendor's list from its newest end, whatever order and page size the vendor serves it in.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;

use crate::{
    domain::{DateTime, ServiceRecord, Ticket, VendorNumber, VendorPage, VendorPageRequest},
    error::Result,
};

/// In which order a vendor's list was found to be, for each kind of query.
#[derive(Debug, Default)]
pub struct LearnedOrders {
    by_shape: Mutex<HashMap<&'static str, ()>>,
}

/// What is to be read of a list.
pub struct NewestFirst<'a> {
    pub orders: &'a LearnedOrders,
    /// Names the kind of query: lists of one shape are served in one order.
    pub shape: &'static str,
    /// The most objects that one call may ask for.
    pub max_per_page: u32,
    /// The most calls that this reading may take.
    pub max_calls: u32,
}

impl NewestFirst<'_> {
    /// The `wanted` newest objects, newest first.
    pub async fn read<T, Fetch, Answer>(&self, _wanted: usize, _fetch: Fetch) -> Result<Vec<Arc<T>>>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        Ok(Vec::new())
    }

    /// The first object, from the newest on, that `is_sought` says is the one.
    pub async fn find<T, Fetch, Answer>(
        &self,
        _is_sought: impl Fn(&T) -> bool,
        _fetch: Fetch,
    ) -> Result<Option<Arc<T>>>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        Ok(None)
    }
}

/// An object with a place in a list that is ordered by creation.
pub trait Dated {
    fn created_at(&self) -> Option<DateTime>;
    fn number(&self) -> VendorNumber;
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
