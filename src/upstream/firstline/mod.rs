//! FirstLine: service records and tickets by id, lists with filters, directories page by page.

mod auth;
mod filter_form;
mod filtered;
mod mapping;
mod page;
mod query;
mod wire;
mod write;

#[cfg(test)]
mod arbitrary_json_tests;
#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod tests;

use std::{hash::Hash, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Method, StatusCode};

use super::{
    Background, Outage, PreparedChange, ProbePermit, VendorApi,
    applied_filters::AppliedFilters,
    call::{Call, Repeat},
    client::{ClientSettings, VendorClient},
    directory::read_whole,
    join::join,
    session::VendorSession,
    wire::{HasId, Identified},
};
use crate::{
    context::RequestScope,
    domain::{
        Capabilities, Category, CategorySource, Detail, Employee, FilterPlan, GlobalId, Image,
        ImageType, ListCapabilities, ListOrder, ServiceRecord, ServiceRecordChanges,
        ServiceRecordFilter, ServiceRecordFilters, ServiceRecordId, ServiceRecordLookup,
        ServiceRecordUpdate, Sponsor, TerminationCode, Ticket, TicketChanges, TicketFilter,
        TicketId, TimeGranularity, Topic, Vendor, VendorNumber, VendorPage, VendorPageRequest,
        VendorStatus, VendorZone,
    },
    error::{Error, ErrorKind, Result},
    telemetry::metrics::VendorMetrics,
};
pub use auth::{FirstLineCredentials, UpdateMethod};
use auth::{Login, UpdateForm};
use filtered::{FilteredList, far_outside};
use mapping::Mapping;
use page::page_of;
pub use write::ClearedValue;
use write::{read_write, sent};

const VENDOR: Vendor = Vendor::FirstLine;

const RECORD_FILTERS: ServiceRecordFilters = ServiceRecordFilters {
    handler_group: true,
    contact: true,
    completed: true,
};

/// The setting that says in which form filters are sent.
const ARRAY_STYLE_SETTING: &str = "DESKGRAPH_FIRSTLINE__ARRAY_STYLE";

const RECORDS: &str = "/api/v1/interact-collection";
const RECORD: &str = "/api/v1/interact-collection/{id}";
const TICKETS: &str = "/api/v1/ticket";
const TICKET: &str = "/api/v1/ticket/{id}";
const EMPLOYEES: &str = "/api/v1/employee";
const SPONSORS: &str = "/api/v1/sponsor";
const TERMINATION_CODES: &str = "/api/v1/ticket-termination-code";
const CATEGORIES: &str = "/api/v1/category";
const SUBCATEGORIES: &str = "/api/v1/subcategory";
/// The path of a picture is one that a response names.
const PHOTO: &str = "/{photo_url}";

const MAX_PHOTO_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub struct FirstLineSettings {
    pub client: ClientSettings,
    pub credentials: FirstLineCredentials,
    pub zone: VendorZone,
    /// The order of its lists, which is not documented. It is a hint.
    pub list_order: Option<ListOrder>,
    pub update_method: UpdateMethod,
    pub array_style: ArrayStyle,
    /// After how long a filter that the vendor did not apply is tried again.
    pub filter_retry: Duration,
    pub created_end: EndBound,
    pub cleared_value: ClearedValue,
    /// The page size of directories and searches.
    pub list_page_size: u32,
}

/// How a list is encoded in a query; the vendor's documents have no example for tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayStyle {
    /// Brackets, and another form once the rows show that the vendor does not apply a list in brackets: see `FilterForm`.
    Auto,
    /// `statuses[]=0&statuses[]=1`
    Brackets,
    /// `statuses=0,1`
    Comma,
}

/// Whether the vendor's upper bounds of time include the second that they name, which is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBound {
    Inclusive,
    Exclusive,
}

pub struct FirstLine {
    session: VendorSession<Login>,
    zone: VendorZone,
    update_form: Arc<UpdateForm>,
    array_style: ArrayStyle,
    applied_filters: AppliedFilters,
    end_bound: EndBound,
    cleared_value: ClearedValue,
    list_page_size: u32,
    list_order: Option<ListOrder>,
}

type Query = Vec<(&'static str, String)>;

impl FirstLine {
    pub fn new(settings: FirstLineSettings, metrics: VendorMetrics) -> Result<Self> {
        let update_form = Arc::new(UpdateForm::new(settings.update_method));
        let authorization = auth::authorization(settings.credentials, update_form.clone())?;
        let client = VendorClient::new(settings.client, metrics)?;
        Ok(Self {
            session: VendorSession::new(client, authorization),
            zone: settings.zone,
            update_form,
            array_style: settings.array_style,
            applied_filters: AppliedFilters::new(
                VENDOR,
                Some(ARRAY_STYLE_SETTING),
                settings.filter_retry,
            ),
            end_bound: settings.created_end,
            cleared_value: settings.cleared_value,
            list_page_size: settings.list_page_size.max(1),
            list_order: settings.list_order,
        })
    }

    /// The change to other credentials. It can't fail once it is returned.
    pub fn prepare_credentials(
        self: &Arc<Self>,
        credentials: FirstLineCredentials,
    ) -> Result<PreparedChange> {
        let authorization = auth::authorization(credentials, self.update_form.clone())?;
        let vendor = Arc::clone(self);
        Ok(Box::new(move || {
            vendor.session.set_authorization(authorization);
        }))
    }
}

#[async_trait]
impl VendorApi for FirstLine {
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
            has_tickets: true,
            has_editable_service_records: true,
            service_record_filters: RECORD_FILTERS,
            unapplied_filters: self.applied_filters.unapplied(),
            service_record_lookup: ServiceRecordLookup::ById,
            lists: ListCapabilities {
                granularity: TimeGranularity::Second,
                order: self.list_order,
                page_size: self.list_page_size,
            },
            deepest_category_level: 2,
            category_source: CategorySource::Directory,
            has_employee_search: true,
            may_refuse_directory: false,
        }
    }

    async fn check(&self, scope: &RequestScope) -> Result<()> {
        let page = VendorPageRequest {
            page: 1,
            per_page: 1,
        };
        self.list::<wire::Employee>(scope, EMPLOYEES, Vec::new(), page)
            .await
            .map(drop)
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

        let list = FilteredList {
            topic: Topic::ServiceRecords,
            route: RECORDS,
            sent: self.record_query(filter),
            page,
            map: &|record| self.mapping().service_record(record, Detail::Full),
            mismatches: &|record: &ServiceRecord| {
                let created = record.created_at.value().copied();
                let created = far_outside(created, filter.from, filter.to);
                filter.mismatches(record).union(created)
            },
        };
        self.filtered_page(scope, list).await
    }

    async fn service_record(
        &self,
        scope: &RequestScope,
        id: ServiceRecordId,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        let Ok(number) = own_number(id, id.number) else {
            return Ok(None);
        };

        let call = Call::get(RECORD, format!("{RECORDS}/{number}"));
        let record = self.session.send(scope, &call).await?.read_optional()?;
        Ok(record.map(|record| {
            let record = self.mapping().service_record(record, Detail::Full);
            Arc::new(record.read_by_id())
        }))
    }

    async fn update_service_record(
        &self,
        scope: &RequestScope,
        id: ServiceRecordId,
        changes: &ServiceRecordChanges,
    ) -> Result<ServiceRecordUpdate> {
        let number = own_number(id, id.number)?;
        let body = wire::ServiceRecordBody {
            memo: sent(&changes.memo, String::clone),
            cz_cols: changes.custom_fields.as_ref().map(|fields| {
                let fields = fields.iter();
                fields
                    .map(|(id, value)| wire::CustomFieldBody {
                        id: id.get(),
                        value: self.custom_field_value(value),
                    })
                    .collect()
            }),
        };

        self.update(
            scope,
            RECORD,
            format!("{RECORDS}/{number}"),
            &body,
            |response| {
                // The lock is recognized only by its message, whatever the status.
                let refusal: Option<wire::ErrorBody> = response.try_decode();
                if refusal.is_some_and(|refusal| mapping::is_wrap_up_lock(&refusal)) {
                    return Err(response.settle(Error::new(
                    ErrorKind::Locked,
                    "the record's after-call work is completed, so it can't be changed any more",
                )));
                }
                if response.status().is_success() && response.is_empty() {
                    return response.accept().map(|()| ServiceRecordUpdate::default());
                }
                Ok(self.mapping().update(read_write(response)?))
            },
        )
        .await
    }

    async fn employees(
        &self,
        scope: &RequestScope,
        search: Option<&str>,
    ) -> Result<Vec<Arc<Employee>>> {
        let query = search.map(|search| ("search", search.to_owned()));
        let query: Query = query.into_iter().collect();
        self.directory(
            scope,
            EMPLOYEES,
            query,
            |employee: &Employee| employee.id,
            |employee| self.mapping().employee(employee, Detail::Full),
        )
        .await
    }

    async fn photo(&self, scope: &RequestScope, path: &str) -> Result<Option<Image>> {
        let call = Call::image(PHOTO, path, MAX_PHOTO_BYTES);
        let response = self.session.send(scope, &call).await?;
        response.read_bytes(|bytes| {
            let image_type = ImageType::of(&bytes).filter(|_| bytes.len() <= MAX_PHOTO_BYTES)?;
            let bytes = bytes.into();
            Some(Image { image_type, bytes })
        })
    }

    async fn categories(&self, scope: &RequestScope) -> Result<Vec<Arc<Category>>> {
        let (categories, subcategories) = join(
            self.directory(
                scope,
                CATEGORIES,
                Vec::new(),
                id_of::<wire::Category>,
                |wire| wire,
            ),
            self.directory(
                scope,
                SUBCATEGORIES,
                Vec::new(),
                id_of::<wire::Subcategory>,
                |wire| wire,
            ),
        )
        .await?;
        Ok(mapping::category_tree(
            categories.into_iter().filter_map(Arc::into_inner).collect(),
            subcategories
                .into_iter()
                .filter_map(Arc::into_inner)
                .collect(),
        ))
    }

    async fn sponsors(&self, scope: &RequestScope) -> Result<Vec<Arc<Sponsor>>> {
        self.directory(
            scope,
            SPONSORS,
            Vec::new(),
            |sponsor: &Sponsor| sponsor.id,
            mapping::sponsor,
        )
        .await
    }

    async fn termination_codes(&self, scope: &RequestScope) -> Result<Vec<Arc<TerminationCode>>> {
        self.directory(
            scope,
            TERMINATION_CODES,
            Vec::new(),
            |code: &TerminationCode| code.id,
            mapping::termination_code,
        )
        .await
    }

    async fn ticket_page(
        &self,
        scope: &RequestScope,
        filter: &TicketFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<Ticket>> {
        let Some(sent) = self.ticket_query(filter) else {
            return Ok(VendorPage::empty());
        };

        let list = FilteredList {
            topic: Topic::Tickets,
            route: TICKETS,
            sent,
            page,
            map: &|ticket| self.mapping().ticket(ticket),
            mismatches: &|ticket: &Ticket| {
                let (from, to) = (filter.created_from, filter.created_to);
                let created = far_outside(ticket.created_at, from, to);
                filter.mismatches(ticket).union(created)
            },
        };
        self.filtered_page(scope, list).await
    }

    async fn ticket(&self, scope: &RequestScope, id: TicketId) -> Result<Option<Arc<Ticket>>> {
        let Ok(number) = own_number(id, id.number) else {
            return Ok(None);
        };

        let call = Call::get(TICKET, format!("{TICKETS}/{number}"));
        let ticket = self.session.send(scope, &call).await?.read_optional()?;
        Ok(ticket.map(|ticket| Arc::new(self.mapping().ticket(ticket))))
    }

    async fn create_ticket(
        &self,
        scope: &RequestScope,
        changes: &TicketChanges,
        background: &Background,
    ) -> Result<Arc<Ticket>> {
        let body = wire::encode(&self.ticket_body(changes)?);
        let call = Call::write(Method::POST, TICKETS, TICKETS, Repeat::Never)
            .json(body)
            .going_on(background);
        let response = self.session.send(scope, &call).await?;
        read_write(response).map(|ticket| Arc::new(self.mapping().ticket(ticket)))
    }

    async fn update_ticket(
        &self,
        scope: &RequestScope,
        id: TicketId,
        changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        let number = own_number(id, id.number)?;
        let body = self.ticket_body(changes)?;
        self.update(
            scope,
            TICKET,
            format!("{TICKETS}/{number}"),
            &body,
            |response| read_write(response).map(|ticket| Arc::new(self.mapping().ticket(ticket))),
        )
        .await
    }

    async fn delete_ticket(&self, scope: &RequestScope, id: TicketId) -> Result<()> {
        let number = own_number(id, id.number)?;
        let path = format!("{TICKETS}/{number}");
        let call = Call::write(Method::DELETE, TICKET, path.clone(), Repeat::Safe);
        let overriding;
        let mut response = self.session.send(scope, &call).await?;

        // A vendor that accepts no PUT may accept no DELETE either. A refused method has no effect.
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            response.settle(());
            let body = wire::encode(&wire::Overridden {
                method: "delete",
                body: &wire::Nothing {},
            });
            overriding = Call::write(Method::POST, TICKET, path, Repeat::Safe).json(body);
            response = self.session.send(scope, &overriding).await?;
        }

        // If an earlier attempt may have been executed, a later one that finds no ticket proves that it was.
        if response.status() == StatusCode::NOT_FOUND && response.may_have_executed_before() {
            return response.settle(Ok(()));
        }
        response.accept()
    }
}

impl FirstLine {
    fn mapping(&self) -> Mapping<'_> {
        Mapping {
            zone: &self.zone,
            base_url: self.session.client().base_url(),
        }
    }

    async fn list<T: HasId>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        mut query: Query,
        page: VendorPageRequest,
    ) -> Result<wire::List<T>> {
        query.push(("page", page.page.to_string()));
        query.push(("per_page", page.per_page.to_string()));
        let call = Call::get(route, route).query(query);
        self.session.send(scope, &call).await?.read_page()
    }

    async fn directory<T: HasId, U, Key: Eq + Hash>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        query: Query,
        key_of: impl Fn(&U) -> Key,
        map: impl Fn(Identified<T>) -> U,
    ) -> Result<Vec<Arc<U>>> {
        let (query, map) = (&query, &map);
        read_whole(VENDOR, key_of, |number| async move {
            let page = VendorPageRequest {
                page: number,
                per_page: self.list_page_size,
            };
            let list = self.list(scope, route, query.clone(), page).await?;
            Ok(page_of(list, page, map))
        })
        .await
    }
}

fn id_of<T>(wire: &Identified<T>) -> VendorNumber {
    wire.id
}

/// The number of an id of this vendor; of another's there is no such object here.
fn own_number(id: impl GlobalId, number: VendorNumber) -> Result<VendorNumber> {
    if id.vendor() == VENDOR {
        return Ok(number);
    }
    Err(Error::new(
        ErrorKind::NotFound,
        format!("{VENDOR} has no such object"),
    ))
}
