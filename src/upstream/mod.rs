//! Outbound: the two vendors, behind one trait in domain types. Everything that is odd about a vendor ends here.

mod answer;
mod attempt;
mod breaker;
mod call;
pub mod client;
mod health;
pub mod recovery;
mod session;
pub mod siblings;
mod under_way;
mod wire;

mod directory;
pub mod paged_list;

pub mod bangwo8;
pub mod firstline;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod stage;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    context::RequestScope,
    domain::{
        Category, CategoryNames, ChatMessage, CustomField, Employee, ServiceRecord,
        ServiceRecordChanges, ServiceRecordFilter, ServiceRecordId, ServiceSummary, Sponsor,
        TerminationCode, Ticket, TicketChanges, TicketFilter, TicketId, Vendor, VendorPage,
        VendorPageRequest, VendorStatus, VendorZone,
    },
    error::{Error, ErrorKind, Result},
};
use paged_list::LearnedOrders;

/// What the vendor can do with a filter of service records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterPlan {
    /// No record of this vendor can match.
    Nothing,
    /// The vendor is asked; what it can't apply itself is left to the gateway.
    Ask {
        left_over: Option<ServiceRecordFilter>,
    },
}

/// One result for each object that was asked for, so that one bad key fails alone.
pub type EachById<I, T> = Vec<(I, Result<Option<T>>)>;

/// A vendor. Lists come a page at a time, in the vendor's own order; a by-id read of an object that the vendor does not have
/// is none. What a vendor has no notion of is empty here, and a write to it is refused.
#[async_trait]
pub trait VendorApi: Send + Sync + 'static {
    fn vendor(&self) -> Vendor;

    fn zone(&self) -> &VendorZone;

    /// As seen in real traffic.
    fn status(&self) -> VendorStatus;

    /// Done when the vendor is down, may be tried, and nobody else tries it.
    async fn is_due_for_a_try(&self);

    /// In which order the vendor's lists were found to be.
    fn orders(&self) -> &LearnedOrders;

    /// One cheap call that needs the credentials.
    async fn check(&self, scope: &RequestScope) -> Result<()>;

    // Service records

    fn plan(&self, filter: &ServiceRecordFilter) -> FilterPlan;

    async fn service_record_page(
        &self,
        scope: &RequestScope,
        filter: &ServiceRecordFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>>;

    /// Many records by id in the fewest calls. Records that came along unasked are returned too.
    async fn service_records(
        &self,
        scope: &RequestScope,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>>;

    /// Whether the names of a record's categories have to be asked for apart from the record.
    fn tells_category_names_apart(&self) -> bool {
        false
    }

    /// The names that go with one page of `service_record_page`; none where the vendor has them not by this page.
    async fn category_names_page(
        &self,
        _scope: &RequestScope,
        _filter: &ServiceRecordFilter,
        _page: VendorPageRequest,
    ) -> Result<Option<Vec<(ServiceRecordId, CategoryNames)>>> {
        Ok(None)
    }

    /// The names for records that were read by themselves.
    async fn category_names(
        &self,
        _scope: &RequestScope,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, CategoryNames> {
        ids.iter().map(|id| (*id, Ok(None))).collect()
    }

    /// One page of the messages of a record whose transcript is elsewhere.
    async fn chat_page(
        &self,
        _scope: &RequestScope,
        _record: &ServiceRecord,
        _page: VendorPageRequest,
    ) -> Result<VendorPage<ChatMessage>> {
        Ok(VendorPage::empty())
    }

    /// The same record as the list tells it, found by its creation time, where the list tells more than the answer for one.
    async fn listed_service_record(
        &self,
        _scope: &RequestScope,
        _record: &ServiceRecord,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        Ok(None)
    }

    async fn service_summary(
        &self,
        _scope: &RequestScope,
        _id: ServiceRecordId,
    ) -> Result<Option<ServiceSummary>> {
        Ok(None)
    }

    /// Answers with the custom fields as the vendor now has them, where it tells them.
    async fn update_service_record(
        &self,
        _scope: &RequestScope,
        _id: ServiceRecordId,
        _changes: &ServiceRecordChanges,
    ) -> Result<Option<Vec<CustomField>>> {
        Err(self.unsupported("update service records"))
    }

    // Directories, read whole

    /// Whether `employees` can narrow by a search; where not, the gateway does.
    fn searches_employees(&self) -> bool {
        false
    }

    /// Whether the gateway's account may lack the right to read the directory, and still name employees by number.
    fn may_refuse_directory(&self) -> bool {
        false
    }

    async fn employees(
        &self,
        scope: &RequestScope,
        search: Option<&str>,
    ) -> Result<Vec<Arc<Employee>>>;

    /// Of every level, a child after its parent.
    async fn categories(&self, scope: &RequestScope) -> Result<Vec<Arc<Category>>>;

    async fn sponsors(&self, _scope: &RequestScope) -> Result<Vec<Arc<Sponsor>>> {
        Ok(Vec::new())
    }

    async fn termination_codes(&self, _scope: &RequestScope) -> Result<Vec<Arc<TerminationCode>>> {
        Ok(Vec::new())
    }

    // Tickets

    fn has_tickets(&self) -> bool {
        self.vendor().has_tickets()
    }

    async fn ticket_page(
        &self,
        _scope: &RequestScope,
        _filter: &TicketFilter,
        _page: VendorPageRequest,
    ) -> Result<VendorPage<Ticket>> {
        Ok(VendorPage::empty())
    }

    async fn ticket(&self, _scope: &RequestScope, _id: TicketId) -> Result<Option<Arc<Ticket>>> {
        Ok(None)
    }

    /// The same ticket as the list tells it, found by its creation time: the list tells what the answer for one leaves out.
    async fn listed_ticket(
        &self,
        _scope: &RequestScope,
        _ticket: &Ticket,
    ) -> Result<Option<Arc<Ticket>>> {
        Ok(None)
    }

    async fn create_ticket(
        &self,
        _scope: &RequestScope,
        _changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        Err(self.unsupported("create tickets"))
    }

    async fn update_ticket(
        &self,
        _scope: &RequestScope,
        _id: TicketId,
        _changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        Err(self.unsupported("update tickets"))
    }

    async fn delete_ticket(&self, _scope: &RequestScope, _id: TicketId) -> Result<()> {
        Err(self.unsupported("delete tickets"))
    }

    fn unsupported(&self, what: &str) -> Error {
        let vendor = self.vendor();
        Error::new(
            ErrorKind::UnsupportedByVendor(vendor),
            format!("{vendor} can't {what}"),
        )
    }
}
