//! Bangwo8.

// joined at the merge: the settings and the signatures alone.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    domain::{
        Category, ChatMessage, CircuitState, Employee, RequestScope, ServiceRecord,
        ServiceRecordFilter, ServiceRecordId, Vendor, VendorPage, VendorPageRequest, VendorState,
        VendorStatus, VendorZone,
    },
    error::{Error, Result},
    upstream::{
        EachById, FilterPlan, VendorApi, client::ClientSettings, paged_list::LearnedOrders,
        paged_list::ListOrder,
    },
};

pub struct Bangwo8Settings {
    pub client: ClientSettings,
    pub credentials: Bangwo8Credentials,
    pub zone: VendorZone,
    pub find_max_calls: u32,
    pub list_page_size: u32,
    pub newest_records_for_categories: u32,
    pub list_order: Option<ListOrder>,
}

pub enum Bangwo8Credentials {
    Basic {
        account: String,
        password: SecretString,
    },
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
}

pub struct Bangwo8 {
    zone: VendorZone,
    orders: LearnedOrders,
}

impl Bangwo8 {
    pub fn new(settings: Bangwo8Settings) -> Result<Self> {
        Ok(Self {
            orders: LearnedOrders::new(settings.list_order),
            zone: settings.zone,
        })
    }
}

fn not_joined<T>() -> Result<T> {
    Err(Error::internal("the vendor's client is not joined yet"))
}

#[async_trait]
impl VendorApi for Bangwo8 {
    fn vendor(&self) -> Vendor {
        Vendor::Bangwo8
    }

    fn zone(&self) -> &VendorZone {
        &self.zone
    }

    fn status(&self) -> VendorStatus {
        VendorStatus {
            vendor: Vendor::Bangwo8,
            state: VendorState::Unknown,
            circuit: CircuitState::Closed,
            last_success_at: None,
            last_failure: None,
        }
    }

    fn orders(&self) -> &LearnedOrders {
        &self.orders
    }

    async fn check(&self, _: &RequestScope) -> Result<()> {
        not_joined()
    }

    fn plan(&self, _: &ServiceRecordFilter) -> FilterPlan {
        FilterPlan::Nothing
    }

    async fn service_record_page(
        &self,
        _: &RequestScope,
        _: &ServiceRecordFilter,
        _: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>> {
        not_joined()
    }

    async fn service_records(
        &self,
        _: &RequestScope,
        _: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>> {
        Vec::new()
    }

    async fn chat_page(
        &self,
        _: &RequestScope,
        _: &ServiceRecord,
        _: VendorPageRequest,
    ) -> Result<VendorPage<ChatMessage>> {
        not_joined()
    }

    async fn employees(&self, _: &RequestScope, _: Option<&str>) -> Result<Vec<Arc<Employee>>> {
        not_joined()
    }

    async fn categories(&self, _: &RequestScope) -> Result<Vec<Arc<Category>>> {
        not_joined()
    }
}
