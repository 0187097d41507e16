//! FirstLine.

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

pub struct FirstLineSettings {
    pub client: ClientSettings,
    pub credentials: FirstLineCredentials,
    pub zone: VendorZone,
    pub update_method: UpdateMethod,
    pub array_style: ArrayStyle,
    pub created_end: EndBound,
    pub list_page_size: u32,
    pub list_order: Option<ListOrder>,
}

pub enum FirstLineCredentials {
    Token(SecretString),
    Login {
        username: String,
        password: SecretString,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    Auto,
    Put,
    PostOverride,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayStyle {
    Brackets,
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBound {
    Inclusive,
    Exclusive,
}

pub struct FirstLine {
    zone: VendorZone,
    orders: LearnedOrders,
}

impl FirstLine {
    pub fn new(settings: FirstLineSettings) -> Result<Self> {
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
impl VendorApi for FirstLine {
    fn vendor(&self) -> Vendor {
        Vendor::FirstLine
    }

    fn zone(&self) -> &VendorZone {
        &self.zone
    }

    fn status(&self) -> VendorStatus {
        VendorStatus {
            vendor: Vendor::FirstLine,
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
