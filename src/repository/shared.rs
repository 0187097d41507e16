//! What all requests share.

// joined at the merge: the settings and the signatures alone.

use std::{sync::Arc, time::Duration};

use super::Repository;
use crate::{
    domain::{RequestScope, VendorStatus},
    upstream::VendorApi,
};

pub struct Shared {
    vendors: Vec<Arc<dyn VendorApi>>,
}

#[derive(Debug, Clone)]
pub struct CacheSettings {
    pub enabled: Caching,
    pub list_ttl: Duration,
    pub entity_ttl: Duration,
    pub directory_ttl: Duration,
    pub stale: Duration,
    pub max_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    Kept,
    NotKept,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max_page_size: usize,
    pub max_vendor_pages: u32,
}

impl Shared {
    pub fn new(
        vendors: Vec<Arc<dyn VendorApi>>,
        _cache: CacheSettings,
        _limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self { vendors })
    }

    pub fn for_request(self: &Arc<Self>, scope: Arc<RequestScope>) -> Repository {
        Repository { scope }
    }

    /// Each configured vendor, as the gateway sees it now.
    pub fn statuses(&self) -> Vec<VendorStatus> {
        self.vendors.iter().map(|vendor| vendor.status()).collect()
    }
}
