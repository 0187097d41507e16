//! Bangwo8: remote-assistance records by day and by agent, their chats and summaries, and the agents.

mod auth;
mod mapping;
mod wire;

#[cfg(test)]
mod arbitrary_json_tests;
#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Outage, PreparedChange, ProbePermit, VendorApi,
    applied_filters::{AppliedFilters, Sending},
    call::Call,
    client::{ClientSettings, VendorClient},
    directory::read_whole,
    response::VendorResponse,
    session::VendorSession,
    wire::{HasId, Identified, Readable},
};
use crate::{
    context::RequestScope,
    domain::{
        Capabilities, CategorySource, ChatMessage, Employee, FilterParameter, FilterPlan,
        ListCapabilities, ListOrder, NamedRecord, ServiceRecord, ServiceRecordFilter,
        ServiceRecordFilters, ServiceRecordId, ServiceRecordLookup, ServiceSummary,
        TimeGranularity, Topic, Vendor, VendorErrorCode, VendorPage, VendorPageRequest,
        VendorStatus, VendorZone,
    },
    error::{Error, Result},
    telemetry::metrics::VendorMetrics,
};
pub use auth::Bangwo8Credentials;
use auth::ClientCredentials;
use mapping::Mapping;

const VENDOR: Vendor = Vendor::Bangwo8;

/// A record has neither a group nor a contact that the vendor could filter by.
const RECORD_FILTERS: ServiceRecordFilters = ServiceRecordFilters {
    handler_group: false,
    contact: false,
    completed: false,
};

const HISTORIES: &str = "/api/v1/remoterecord/histories.json";
const HISTORIES_OF_AGENT: &str = "/api/v1/remoterecord/histories/{id}.json";
const NAMED_HISTORIES: &str = "/api/v1/remoterecord/histories_v2.json";
const CHAT: &str = "/api/v1/remoterecord/chatrecords/{id}.json";
const SUMMARY: &str = "/api/v1/servicesummary/{csId}.json";
const SUPPORTS: &str = "/api/v1/supports.json";

#[derive(Debug, Clone)]
pub struct Bangwo8Settings {
    pub client: ClientSettings,
    pub credentials: Bangwo8Credentials,
    pub zone: VendorZone,
    /// The order of its lists, which is not documented. It is a hint.
    pub list_order: Option<ListOrder>,
    /// How many pages, from the newest, are read to find a record whose id comes without its day.
    pub find_max_calls: u32,
    /// The page size of directories and searches.
    pub list_page_size: u32,
    /// After how long a filter that the vendor did not apply is tried again.
    pub filter_retry: Duration,
    /// How many of the newest records are read for the categories that they show.
    pub newest_records_for_categories: u32,
}

pub struct Bangwo8 {
    session: VendorSession<ClientCredentials>,
    zone: VendorZone,
    find_max_calls: u32,
    list_page_size: u32,
    newest_records_for_categories: u32,
    list_order: Option<ListOrder>,
    applied_filters: AppliedFilters,
    /// Whether the last chat that showed an order was listed newest first.
    lists_chats_newest_first: AtomicBool,
}

type Query = Vec<(&'static str, String)>;

impl Bangwo8 {
    pub fn new(settings: Bangwo8Settings, metrics: VendorMetrics) -> Result<Self> {
        let authorization = auth::authorization(settings.credentials)?;
        let client = VendorClient::new(settings.client, metrics)?;
        Ok(Self {
            session: VendorSession::new(client, authorization),
            zone: settings.zone,
            find_max_calls: settings.find_max_calls,
            list_page_size: settings.list_page_size.max(1),
            newest_records_for_categories: settings.newest_records_for_categories,
            list_order: settings.list_order,
            // An agent's records have an address of their own, and no setting changes it.
            applied_filters: AppliedFilters::new(VENDOR, None, settings.filter_retry),
            lists_chats_newest_first: AtomicBool::new(false),
        })
    }

    /// The change to other credentials. It can't fail once it is returned.
    pub fn prepare_credentials(
        self: &Arc<Self>,
        credentials: Bangwo8Credentials,
    ) -> Result<PreparedChange> {
        let authorization = auth::authorization(credentials)?;
        let vendor = Arc::clone(self);
        Ok(Box::new(move || {
            vendor.session.set_authorization(authorization);
        }))
    }
}

#[async_trait]
impl VendorApi for Bangwo8 {
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn zone(&self) -> &VendorZone {
        &self.zone
    }

    fn status(&self) -> VendorStatus {
        self.session.client().status(&self.zone)
    }

    fn outage(&self) -> Option<Outage> {
        self.session.client().outage()
    }

    fn begin_probe(&self) -> Option<ProbePermit> {
        self.session.client().begin_probe()
    }

    fn refuses_credentials(&self) -> bool {
        self.session.client().refuses_credentials()
    }

    async fn probe_due(&self) {
        self.session.client().probe_due().await;
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            has_tickets: false,
            has_editable_service_records: false,
            service_record_filters: RECORD_FILTERS,
            unapplied_filters: self.applied_filters.unapplied(),
            service_record_lookup: ServiceRecordLookup::ByDay {
                max_pages: self.find_max_calls,
            },
            lists: ListCapabilities {
                granularity: TimeGranularity::Day,
                order: self.list_order,
                page_size: self.list_page_size,
            },
            deepest_category_level: 3,
            category_source: CategorySource::NewestServiceRecords {
                count: self.newest_records_for_categories,
            },
            has_employee_search: false,
            // The vendor lists its agents for administrators only.
            may_refuse_directory: true,
        }
    }

    /// Reads the list that nearly everything else needs. Calls that every agent may make would also succeed for an account that
    /// can't read records.
    async fn check(&self, scope: &RequestScope) -> Result<()> {
        let page = VendorPageRequest {
            page: 1,
            per_page: 1,
        };
        self.records(scope, Query::new(), page).await.map(drop)
    }

    async fn service_record_page(
        &self,
        scope: &RequestScope,
        filter: &ServiceRecordFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>> {
        if RECORD_FILTERS.plan(VENDOR, filter) == FilterPlan::Nothing {
            return Ok(VendorPage::empty());
        }

        let query = self.days_of(filter);
        match filter.handler {
            None => self.records(scope, query, page).await,
            Some(agent) => {
                let path = format!("/api/v1/remoterecord/histories/{}.json", agent.number);
                let list = self
                    .histories(scope, HISTORIES_OF_AGENT, path, query, page)
                    .await?;
                let page = page_of(list, |record| self.mapping().service_record(record));
                self.check_agent(filter, &page)?;
                Ok(page)
            }
        }
    }

    async fn named_record_page(
        &self,
        scope: &RequestScope,
        filter: &ServiceRecordFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<NamedRecord>> {
        let (route, query) = (NAMED_HISTORIES, self.days_of(filter));
        let list = self.histories(scope, route, route.to_owned(), query, page);
        Ok(page_of(list.await?, |record| {
            self.mapping().named_record(record)
        }))
    }

    async fn chat_page(
        &self,
        scope: &RequestScope,
        record: &ServiceRecord,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ChatMessage>> {
        let path = format!("/api/v1/remoterecord/chatrecords/{}.json", record.id.number);
        let call = Call::get(CHAT, path).query(paged(Query::new(), page));
        let response = self.session.send(scope, &call).await?;
        let chat: wire::ChatRecords = read_page(response)?;

        let paging = wire::Paging {
            count: chat.count.into_value(),
            next_page: chat.next_page,
        };
        let contents = chat.remote_chatrecords.contents;
        let was_newest_first = self.lists_chats_newest_first.load(Ordering::Relaxed);
        let (messages, order) =
            self.mapping()
                .chat_messages(record.id, contents, &paging, page, was_newest_first);
        if let Some(order) = order {
            let is_newest_first = order == ListOrder::NewestFirst;
            self.lists_chats_newest_first
                .store(is_newest_first, Ordering::Relaxed);
        }
        Ok(VendorPage {
            items: messages.into_iter().map(Arc::new).collect(),
            total: paging.count,
            per_page: None,
            last_page: None,
            has_next: mapping::has_next(&paging.next_page),
            unreadable: 0,
        })
    }

    async fn service_summary(
        &self,
        scope: &RequestScope,
        id: ServiceRecordId,
    ) -> Result<Option<ServiceSummary>> {
        /// Of a remote-assistance record; chats and calls have others.
        const REMOTE_ASSISTANCE: &str = "3";

        if id.vendor != VENDOR {
            return Ok(None);
        }
        let path = format!("/api/v1/servicesummary/{}.json", id.number);
        let query = vec![("servicesummary_type", REMOTE_ASSISTANCE.to_owned())];
        let call = Call::get(SUMMARY, path).query(query);
        let response = self.session.send(scope, &call).await?;

        // The HTTP status of this response is not documented.
        if mapping::says_there_is_no_summary(&response) {
            return Ok(response.settle(None));
        }
        let summary = read_optional(response)?;
        Ok(summary.and_then(mapping::summary))
    }

    async fn employees(
        &self,
        scope: &RequestScope,
        _search: Option<&str>,
    ) -> Result<Vec<Arc<Employee>>> {
        let key_of = |employee: &Employee| employee.id;
        read_whole(VENDOR, key_of, |number| async move {
            let page = VendorPageRequest {
                page: number,
                per_page: self.list_page_size,
            };
            let call = Call::get(SUPPORTS, SUPPORTS).query(paged(Query::new(), page));
            let list: wire::Supports = read_page(self.session.send(scope, &call).await?)?;

            let unreadable = list.supports.unreadable;
            let employees = list.supports.items.into_iter();
            Ok(VendorPage {
                unreadable,
                items: employees
                    .map(|support| Arc::new(self.mapping().employee(support)))
                    .collect(),
                total: list.count.into_value(),
                per_page: None,
                last_page: None,
                has_next: mapping::has_next(&list.next_page),
            })
        })
        .await
    }
}

// Lists

impl Bangwo8 {
    fn mapping(&self) -> Mapping<'_> {
        Mapping { zone: &self.zone }
    }

    async fn records(
        &self,
        scope: &RequestScope,
        query: Query,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>> {
        let list = self
            .histories(scope, HISTORIES, HISTORIES.to_owned(), query, page)
            .await?;
        Ok(page_of(list, |record| {
            self.mapping().service_record(record)
        }))
    }

    /// Fails where the list of one agent has the records of others.
    fn check_agent(
        &self,
        filter: &ServiceRecordFilter,
        page: &VendorPage<ServiceRecord>,
    ) -> Result<()> {
        let parameter = FilterParameter::Handler;
        let is_of_other =
            |record: &Arc<ServiceRecord>| filter.mismatches(record).contains(parameter);
        if !page.items.iter().any(is_of_other) {
            return Ok(());
        }
        let sending = Sending {
            parameter,
            name: "id",
            form: 0,
            forms: 1,
        };
        self.applied_filters
            .note_failure(Topic::ServiceRecords, sending);
        Err(Error::vendor(VENDOR, VendorErrorCode::BadResponse))
    }

    async fn histories<T: HasId>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        path: String,
        query: Query,
        page: VendorPageRequest,
    ) -> Result<wire::Histories<T>> {
        let call = Call::get(route, path).query(paged(query, page));
        read_page(self.session.send(scope, &call).await?)
    }

    /// The vendor filters by whole days, both of them included.
    fn days_of(&self, filter: &ServiceRecordFilter) -> Query {
        let mut query = Query::new();
        let day = |timestamp| self.zone.local(timestamp).date().to_string();
        query.extend(filter.from.map(|from| ("starttime", day(from))));
        query.extend(filter.to.map(|to| ("endtime", day(to))));
        query
    }
}

fn paged(mut query: Query, page: VendorPageRequest) -> Query {
    query.push(("page", page.page.to_string()));
    query.push(("per_page", page.per_page.to_string()));
    query
}

fn page_of<T: HasId, U>(
    list: wire::Histories<T>,
    map: impl Fn(Identified<T>) -> U,
) -> VendorPage<U> {
    VendorPage {
        unreadable: list.remoterecords.unreadable,
        items: list
            .remoterecords
            .items
            .into_iter()
            .map(|record| Arc::new(map(record)))
            .collect(),
        total: list.count.into_value(),
        per_page: None,
        last_page: None,
        has_next: mapping::has_next(&list.next_page),
    }
}

// Responses

fn read_page<T: Readable>(response: VendorResponse<'_>) -> Result<T> {
    refused(response)?.read_page()
}

fn read_optional<T: Readable>(response: VendorResponse<'_>) -> Result<Option<T>> {
    refused(response)?.read_optional()
}

/// Turns a refusal with a success status into an error.
fn refused(response: VendorResponse<'_>) -> Result<VendorResponse<'_>, Error> {
    if !response.status().is_success() {
        return Ok(response);
    }
    match mapping::failure_code_of(&response) {
        None => Ok(response),
        Some(code) => {
            tracing::warn!(
                target: "deskgraph::upstream",
                vendor = VENDOR.slug(),
                vendor.code = code.number(),
                "the vendor rejected a call with a status of success"
            );
            Err(response.refuse_as(VendorErrorCode::Rejected))
        }
    }
}
