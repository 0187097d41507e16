//! The only way to data: authorizes, batches, caches, and merges the vendors. A `Repository` lives for one request.

mod cursor;

use std::sync::Arc;

use jiff::civil::Date;

use crate::{
    domain::{
        Category, CategoryId, ChatMessage, ChatMessageId, Employee, EmployeeId, Limit,
        PageArguments, RequestScope, ServiceRecord, ServiceRecordChanges, ServiceRecordFilter,
        ServiceRecordId, ServiceRecordStats, ServiceSummary, SourceStatus, Sponsor, SponsorId,
        TerminationCode, TerminationCodeId, Ticket, TicketChanges, TicketFilter, TicketId,
        TicketStats, TicketStatus, Vendor, VendorStatus,
    },
    error::{Error, Result},
};
pub use cursor::Cursors;

/// One page of a list over all vendors.
pub struct Page<T> {
    pub nodes: Vec<Arc<T>>,
    pub cursors: Cursors,
    pub has_next_page: bool,
    pub has_previous_page: bool,
    pub total_count: Option<u64>,
    /// How each configured vendor took part.
    pub sources: Vec<SourceStatus>,
}

/// Whether the query asks for the names of the records' categories, which may cost calls of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategoryNamesWanted {
    Yes,
    No,
}

/// Which field of the schema a list stands in: its cursors are good there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListField {
    ServiceRecords,
    Tickets,
    Employees,
    EmployeeServiceRecords,
    EmployeeTickets,
    Messages,
}

pub struct Repository {
    #[allow(dead_code)]
    scope: Arc<RequestScope>,
}

#[allow(unused_variables, clippy::todo)]
impl Repository {
    /// Checks `first` against the configured maximum; none means the field's default.
    pub fn limit(&self, first: Option<i32>, default: usize) -> Result<Limit> {
        todo!()
    }

    /// At most MAX_PAGE_SIZE ids may be asked for at once.
    pub fn check_id_count(&self, count: usize) -> Result<()> {
        todo!()
    }

    /// Personal data as this caller may see it.
    pub fn personal<'a>(&self, value: Option<&'a str>) -> Option<std::borrow::Cow<'a, str>> {
        todo!()
    }

    /// Each configured vendor, as the gateway sees it now.
    pub fn vendors(&self) -> Result<Vec<VendorStatus>> {
        todo!()
    }

    // Service records

    pub async fn service_record(&self, id: ServiceRecordId) -> Result<Option<Arc<ServiceRecord>>> {
        todo!()
    }

    pub async fn service_records(
        &self,
        field: ListField,
        page: PageArguments,
        filter: ServiceRecordFilter,
        names: CategoryNamesWanted,
    ) -> Result<Page<ServiceRecord>> {
        todo!()
    }

    /// The record's category with its name and its ancestors', where the record's own answer has ids alone.
    pub async fn named_category(&self, record: &ServiceRecord) -> Result<Option<Arc<Category>>> {
        todo!()
    }

    pub async fn service_summary(
        &self,
        record: &ServiceRecord,
    ) -> Result<Option<Arc<ServiceSummary>>> {
        todo!()
    }

    pub async fn messages(
        &self,
        record: &Arc<ServiceRecord>,
        page: PageArguments,
    ) -> Result<Page<ChatMessage>> {
        todo!()
    }

    pub async fn chat_message(&self, id: ChatMessageId) -> Result<Option<Arc<ChatMessage>>> {
        todo!()
    }

    /// The one agent of the vendor who bears the name; none where several do or nobody does.
    pub async fn employee_named(
        &self,
        vendor: Vendor,
        name: &str,
    ) -> Result<Option<Arc<Employee>>> {
        todo!()
    }

    /// Checked by the schema: at least one change, the memo's length, custom field keys.
    pub async fn update_service_record(
        &self,
        id: ServiceRecordId,
        changes: ServiceRecordChanges,
    ) -> Result<Arc<ServiceRecord>> {
        todo!()
    }

    // Tickets

    pub async fn ticket(&self, id: TicketId) -> Result<Option<Arc<Ticket>>> {
        todo!()
    }

    pub async fn tickets(
        &self,
        field: ListField,
        page: PageArguments,
        filter: TicketFilter,
    ) -> Result<Page<Ticket>> {
        todo!()
    }

    /// The same ticket with its creator and service records, which the answer for one ticket leaves out.
    pub async fn listed_ticket(&self, ticket: &Arc<Ticket>) -> Result<Option<Arc<Ticket>>> {
        todo!()
    }

    pub async fn create_ticket(
        &self,
        changes: TicketChanges,
        idempotency_key: Option<String>,
    ) -> Result<Arc<Ticket>> {
        todo!()
    }

    pub async fn update_ticket(&self, id: TicketId, changes: TicketChanges) -> Result<Arc<Ticket>> {
        todo!()
    }

    pub async fn delete_ticket(&self, id: TicketId) -> Result<()> {
        todo!()
    }

    // People

    /// As the directory lists them; none where it does not.
    pub async fn employee(&self, id: EmployeeId) -> Result<Option<Arc<Employee>>> {
        todo!()
    }

    /// For a relation that names an employee by id alone: as the directory lists them, or, where it does not list them or
    /// is refused to the gateway, the id alone.
    pub async fn related_employee(&self, id: EmployeeId) -> Result<Arc<Employee>> {
        todo!()
    }

    pub async fn employees(
        &self,
        page: PageArguments,
        vendors: Option<Vec<Vendor>>,
        search: Option<String>,
    ) -> Result<Page<Employee>> {
        todo!()
    }

    // Directories

    pub async fn category(&self, id: CategoryId) -> Result<Option<Arc<Category>>> {
        todo!()
    }

    /// Top-level categories.
    pub async fn categories(
        &self,
        vendors: Option<Vec<Vendor>>,
    ) -> Result<(Vec<Arc<Category>>, Vec<SourceStatus>)> {
        todo!()
    }

    pub async fn category_children(&self, id: CategoryId) -> Result<Vec<Arc<Category>>> {
        todo!()
    }

    pub async fn sponsor(&self, id: SponsorId) -> Result<Option<Arc<Sponsor>>> {
        todo!()
    }

    pub async fn sponsors(&self) -> Result<Vec<Arc<Sponsor>>> {
        todo!()
    }

    pub async fn termination_code(
        &self,
        id: TerminationCodeId,
    ) -> Result<Option<Arc<TerminationCode>>> {
        todo!()
    }

    pub async fn termination_codes(
        &self,
        status: Option<TicketStatus>,
    ) -> Result<Vec<Arc<TerminationCode>>> {
        todo!()
    }

    // Counts

    pub async fn ticket_stats(&self, filter: TicketFilter) -> Result<TicketStats> {
        todo!()
    }

    /// At most 92 days.
    pub async fn service_record_stats(
        &self,
        from: Date,
        to: Date,
        vendors: Option<Vec<Vendor>>,
    ) -> Result<ServiceRecordStats> {
        todo!()
    }
}

#[allow(dead_code)]
fn unused() -> Error {
    Error::internal("")
}
