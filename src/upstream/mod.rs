//! Outbound calls: the vendors, behind one trait in domain types. No peculiarity of a vendor is visible above this module.

// The vendors.
pub mod bangwo8;
pub mod firstline;

// The HTTP policy that they share, in the order of a call.
mod attempt;
mod attempt_metric;
mod background;
mod breaker;
mod call;
mod call_context;
pub mod client;
mod directory;
mod in_flight;
pub mod join;
mod local_fault;
mod pace;
mod response;
mod session;
mod turn;
mod wire;

// What their rows show of their filters.
mod applied_filters;

// Their health.
mod health;
pub mod recovery;
pub mod start_check;

#[cfg(test)]
mod test_support;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;

pub use background::Background;

use crate::{
    context::RequestScope,
    domain::{
        Capabilities, Category, ChatMessage, Employee, Image, NamedRecord, ServiceRecord,
        ServiceRecordChanges, ServiceRecordFilter, ServiceRecordId, ServiceRecordUpdate,
        ServiceSummary, Sponsor, TerminationCode, Ticket, TicketChanges, TicketFilter, TicketId,
        Vendor, VendorFailure, VendorPage, VendorPageRequest, VendorStatus, VendorZone,
    },
    error::{Error, ErrorKind, Result},
};

/// One result for each requested object, so that one bad key fails only itself.
pub type EachById<I, T> = Vec<(I, Result<Option<T>>)>;

/// A vendor that is known to be down: whoever has its data, of whatever age, need not wait for it.
#[derive(Debug)]
pub struct Outage {
    pub failure: VendorFailure,
    /// For the one caller whose read may probe the vendor in the background.
    pub probe: Option<ProbePermit>,
}

/// The right to probe a vendor that is down. One at a time has it, until it is dropped.
#[derive(Debug)]
pub struct ProbePermit(
    #[expect(dead_code, reason = "it is held, and released when it is dropped")]
    OwnedSemaphorePermit,
);

/// A change of a running vendor.
pub type PreparedChange = Box<dyn FnOnce() + Send>;

/// A vendor. Lists are read page by page, in the vendor's own order; reading an object that does not exist returns none. A list
/// of objects that a vendor does not have is empty, and a write of one fails as unsupported.
#[async_trait]
pub trait VendorApi: Send + Sync + 'static {
    fn vendor(&self) -> Vendor;

    fn zone(&self) -> &VendorZone;

    /// As seen in real traffic.
    fn status(&self) -> VendorStatus;

    /// None unless the vendor is known to be down.
    fn outage(&self) -> Option<Outage>;

    /// The right to probe the vendor; none while another call does.
    fn begin_probe(&self) -> Option<ProbePermit>;

    /// Whether the vendor refused the gateway's credentials, and has returned no data since.
    fn refuses_credentials(&self) -> bool;

    /// Resolves when the vendor is down, a probe is due, and no caller has probed it.
    async fn probe_due(&self);

    /// What the vendor can do, as far as it is known now. Only the filters that it applies may change.
    fn capabilities(&self) -> Capabilities;

    /// One cheap call that needs the credentials.
    async fn check(&self, scope: &RequestScope) -> Result<()>;

    // Service records

    /// Each row is checked against the filter. Where the vendor turns out not to apply a parameter, the page fails as unreadable,
    /// and `capabilities` leave the parameter to the gateway from then on.
    async fn service_record_page(
        &self,
        scope: &RequestScope,
        filter: &ServiceRecordFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>>;

    /// One record, where the vendor finds records by id.
    async fn service_record(
        &self,
        _scope: &RequestScope,
        _id: ServiceRecordId,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        Ok(None)
    }

    /// A page of the list with the names of the categories of the records on the same page of `service_record_page`.
    async fn named_record_page(
        &self,
        _scope: &RequestScope,
        _filter: &ServiceRecordFilter,
        _page: VendorPageRequest,
    ) -> Result<VendorPage<NamedRecord>> {
        Ok(VendorPage::empty())
    }

    /// One page of the messages of a record that does not embed its transcript.
    async fn chat_page(
        &self,
        _scope: &RequestScope,
        _record: &ServiceRecord,
        _page: VendorPageRequest,
    ) -> Result<VendorPage<ChatMessage>> {
        Ok(VendorPage::empty())
    }

    async fn service_summary(
        &self,
        _scope: &RequestScope,
        _id: ServiceRecordId,
    ) -> Result<Option<ServiceSummary>> {
        Ok(None)
    }

    /// Returns what the vendor's response says of the record after the update.
    async fn update_service_record(
        &self,
        _scope: &RequestScope,
        _id: ServiceRecordId,
        _changes: &ServiceRecordChanges,
    ) -> Result<ServiceRecordUpdate> {
        Err(self.unsupported("update service records"))
    }

    // Directories, read whole

    async fn employees(
        &self,
        scope: &RequestScope,
        search: Option<&str>,
    ) -> Result<Vec<Arc<Employee>>>;

    /// A picture on the vendor's host, by the path that an employee's photo names. None where the vendor has no such picture.
    async fn photo(&self, _scope: &RequestScope, _path: &str) -> Result<Option<Image>> {
        Ok(None)
    }

    /// Of every level, a child after its parent.
    async fn categories(&self, _scope: &RequestScope) -> Result<Vec<Arc<Category>>> {
        Ok(Vec::new())
    }

    async fn sponsors(&self, _scope: &RequestScope) -> Result<Vec<Arc<Sponsor>>> {
        Ok(Vec::new())
    }

    async fn termination_codes(&self, _scope: &RequestScope) -> Result<Vec<Arc<TerminationCode>>> {
        Ok(Vec::new())
    }

    // Tickets

    /// Its rows are checked as those of `service_record_page`.
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

    /// Once it was sent, it goes on after the deadline, because nothing else tells what became of it.
    async fn create_ticket(
        &self,
        _scope: &RequestScope,
        _changes: &TicketChanges,
        _background: &Background,
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
