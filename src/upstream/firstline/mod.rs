//! FirstLine: service records and tickets by id, lists with filters, directories page by page.

mod auth;
mod mapping;
mod wire;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

use std::{hash::Hash, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp, civil};
use reqwest::{Method, StatusCode};

use super::{
    EachById, FilterPlan, VendorApi,
    answer::Answer,
    call::{Call, Repeat},
    client::{ClientSettings, VendorClient},
    directory::read_whole,
    paged_list::{LearnedOrders, ListOrder},
    session::VendorSession,
    siblings::both_of,
    wire::{HasId, Identified, Readable, decode_root},
};
use crate::{
    domain::{
        Category, CategoryId, Change, CustomField, CustomFieldValue, Detail, Employee, GlobalId,
        RequestScope, ServiceRecord, ServiceRecordChanges, ServiceRecordFilter, ServiceRecordId,
        Sponsor, TerminationCode, Ticket, TicketChanges, TicketFilter, TicketId, Vendor,
        VendorNumber, VendorPage, VendorPageRequest, VendorStatus, VendorZone,
    },
    error::{Error, ErrorKind, FieldFault, Result},
};
pub use auth::{FirstLineCredentials, UpdateMethod};
use auth::{Login, UpdateForm};
use mapping::Mapping;

const VENDOR: Vendor = Vendor::FirstLine;
/// The longest way through a list to one object whose creation time is known.
const MOST_PAGES_TO_A_LISTED_OBJECT: u32 = 10;

const RECORDS: &str = "/api/v1/interact-collection";
const RECORD: &str = "/api/v1/interact-collection/{id}";
const TICKETS: &str = "/api/v1/ticket";
const TICKET: &str = "/api/v1/ticket/{id}";
const EMPLOYEES: &str = "/api/v1/employee";
const SPONSORS: &str = "/api/v1/sponsor";
const TERMINATION_CODES: &str = "/api/v1/ticket-termination-code";
const CATEGORIES: &str = "/api/v1/category";
const SUBCATEGORIES: &str = "/api/v1/subcategory";

#[derive(Debug, Clone)]
pub struct FirstLineSettings {
    pub client: ClientSettings,
    pub credentials: FirstLineCredentials,
    pub zone: VendorZone,
    /// The order of its lists, which is not documented; none finds it out.
    pub list_order: Option<ListOrder>,
    pub update_method: UpdateMethod,
    pub array_style: ArrayStyle,
    pub created_end: EndBound,
    /// What directories and searches ask of one page.
    pub list_page_size: u32,
}

/// How a list stands in a query; the vendor's pages show none for tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayStyle {
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
    end_bound: EndBound,
    list_page_size: u32,
    orders: LearnedOrders,
}

type Query = Vec<(&'static str, String)>;

impl FirstLine {
    pub fn new(settings: FirstLineSettings) -> Result<Self> {
        let update_form = Arc::new(UpdateForm::new(settings.update_method));
        let authorization = auth::authorization(settings.credentials, update_form.clone())?;
        let client = VendorClient::new(settings.client)?;
        Ok(Self {
            session: VendorSession::new(client, authorization),
            zone: settings.zone,
            update_form,
            array_style: settings.array_style,
            end_bound: settings.created_end,
            list_page_size: settings.list_page_size.max(1),
            orders: LearnedOrders::new(settings.list_order),
        })
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

    async fn is_due_for_a_try(&self) {
        self.session.client().is_due_for_a_try().await;
    }

    fn orders(&self) -> &LearnedOrders {
        &self.orders
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

    fn plan(&self, filter: &ServiceRecordFilter) -> FilterPlan {
        let is_foreign = |vendor: Option<Vendor>| vendor.is_some_and(|vendor| vendor != VENDOR);
        let leaves_this_vendor_out = filter
            .vendors
            .as_ref()
            .is_some_and(|vendors| !vendors.contains(&VENDOR));

        if leaves_this_vendor_out
            || is_foreign(filter.handler.map(|id| id.vendor))
            || is_foreign(filter.handler_group.map(|id| id.vendor))
            || is_foreign(filter.contact.map(|id| id.vendor))
        {
            return FilterPlan::Nothing;
        }
        FilterPlan::Ask { left_over: None }
    }

    async fn service_record_page(
        &self,
        scope: &RequestScope,
        filter: &ServiceRecordFilter,
        page: VendorPageRequest,
    ) -> Result<VendorPage<ServiceRecord>> {
        if self.plan(filter) == FilterPlan::Nothing {
            return Ok(VendorPage::empty());
        }

        let query = self.record_query(filter);
        let list = self.list(scope, RECORDS, query, page).await?;
        Ok(page_of(list, page, |record| {
            self.mapping().service_record(record, Detail::Full)
        }))
    }

    /// The vendor has no call for many, so each is read by its id, side by side.
    async fn service_records(
        &self,
        scope: &RequestScope,
        ids: &[ServiceRecordId],
    ) -> EachById<ServiceRecordId, Arc<ServiceRecord>> {
        let read = ids.iter().map(async |id| {
            let record = self.service_record(scope, *id).await;
            (*id, record)
        });
        join_all(read).await
    }

    async fn listed_service_record(
        &self,
        scope: &RequestScope,
        record: &ServiceRecord,
    ) -> Result<Option<Arc<ServiceRecord>>> {
        let Some(created_at) = record.created_at.value() else {
            return Ok(None);
        };

        let query = self.around(created_at.timestamp);
        let listed = self
            .find_listed(scope, RECORDS, query, record.id.number)
            .await?;
        Ok(listed.map(|listed| Arc::new(self.mapping().service_record(listed, Detail::Full))))
    }

    async fn update_service_record(
        &self,
        scope: &RequestScope,
        id: ServiceRecordId,
        changes: &ServiceRecordChanges,
    ) -> Result<Option<Vec<CustomField>>> {
        let number = own_number(id, id.number)?;
        let body = wire::ServiceRecordBody {
            memo: sent(&changes.memo, String::clone),
            cz_cols: changes.custom_fields.as_ref().map(|fields| {
                let fields = fields.iter();
                fields
                    .map(|(id, value)| wire::CustomFieldBody {
                        id: id.get(),
                        value: match value {
                            CustomFieldValue::One(value) => {
                                wire::CustomFieldValueBody::One(value.clone())
                            }
                            CustomFieldValue::Many(values) => {
                                wire::CustomFieldValueBody::Many(values.clone())
                            }
                        },
                    })
                    .collect()
            }),
        };

        self.update(
            scope,
            RECORD,
            format!("{RECORDS}/{number}"),
            &body,
            |answer| {
                // The lock is known by its words alone, whatever status they come with.
                let refusal: Option<wire::Refusal> = answer.glimpse();
                if refusal.is_some_and(|refusal| mapping::is_wrap_up_lock(&refusal)) {
                    return Err(answer.settle(Error::new(
                    ErrorKind::Locked,
                    "the record's after-call work is completed, so it can't be changed any more",
                )));
                }
                if answer.status().is_success() && answer.is_empty() {
                    return answer.accept().map(|()| None);
                }
                let updated: wire::UpdatedServiceRecord = read_write(answer)?;
                Ok(updated.cz_cols.into_value().map(mapping::custom_fields))
            },
        )
        .await
    }

    fn searches_employees(&self) -> bool {
        true
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

    async fn categories(&self, scope: &RequestScope) -> Result<Vec<Arc<Category>>> {
        let (categories, subcategories) = both_of(
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
        let Some(query) = self.ticket_query(filter) else {
            return Ok(VendorPage::empty());
        };

        let list = self.list(scope, TICKETS, query, page).await?;
        Ok(page_of(list, page, |ticket| self.mapping().ticket(ticket)))
    }

    async fn ticket(&self, scope: &RequestScope, id: TicketId) -> Result<Option<Arc<Ticket>>> {
        let Ok(number) = own_number(id, id.number) else {
            return Ok(None);
        };

        let call = Call::get(TICKET, format!("{TICKETS}/{number}"));
        let ticket = self.session.send(scope, &call).await?.read_optional()?;
        Ok(ticket.map(|ticket| Arc::new(self.mapping().ticket(ticket))))
    }

    async fn listed_ticket(
        &self,
        scope: &RequestScope,
        ticket: &Ticket,
    ) -> Result<Option<Arc<Ticket>>> {
        let Some(created_at) = ticket.created_at else {
            return Ok(None);
        };

        let query = self.around(created_at.timestamp);
        let listed = self
            .find_listed(scope, TICKETS, query, ticket.id.number)
            .await?;
        Ok(listed.map(|listed| Arc::new(self.mapping().ticket(listed))))
    }

    async fn create_ticket(
        &self,
        scope: &RequestScope,
        changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        let body = wire::encode(&self.ticket_body(changes)?);
        let call = Call::write(Method::POST, TICKETS, TICKETS, Repeat::Never).json(body);
        let answer = self.session.send(scope, &call).await?;
        read_write(answer).map(|ticket| Arc::new(self.mapping().ticket(ticket)))
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
            |answer| read_write(answer).map(|ticket| Arc::new(self.mapping().ticket(ticket))),
        )
        .await
    }

    async fn delete_ticket(&self, scope: &RequestScope, id: TicketId) -> Result<()> {
        let number = own_number(id, id.number)?;
        let path = format!("{TICKETS}/{number}");
        let call = Call::write(Method::DELETE, TICKET, path.clone(), Repeat::Safe);
        let overriding;
        let mut answer = self.session.send(scope, &call).await?;

        // A vendor that takes no PUT may take no DELETE either; one that refuses a method has done nothing.
        if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            answer.settle(());
            let body = wire::encode(&wire::Overridden {
                method: "delete",
                body: &wire::Nothing {},
            });
            overriding = Call::write(Method::POST, TICKET, path, Repeat::Safe).json(body);
            answer = self.session.send(scope, &overriding).await?;
        }

        // When an attempt went out that may have done its work, a later one that finds no ticket shows that it did.
        if answer.status() == StatusCode::NOT_FOUND && answer.may_have_worked_before() {
            return answer.settle(Ok(()));
        }
        answer.accept()
    }
}

// Reading

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
        self.session.send(scope, &call).await?.read()
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
        Ok(record.map(|record| Arc::new(self.mapping().service_record(record, Detail::Full))))
    }

    async fn find_listed<T: HasId>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        query: Query,
        number: VendorNumber,
    ) -> Result<Option<Identified<T>>> {
        for page in 1..=MOST_PAGES_TO_A_LISTED_OBJECT {
            let page = VendorPageRequest {
                page,
                per_page: self.list_page_size,
            };
            let list: wire::List<T> = self.list(scope, route, query.clone(), page).await?;
            let has_next = has_next(&list, page).unwrap_or(!list.data.is_empty());

            let found = list.data.into_iter().find(|item| item.id == number);
            if found.is_some() || !has_next {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The list of what was created at an instant, with a second on either side: whether the bounds belong to the range is
    /// not documented. The seconds are counted on the vendor's own clock, which may be turned back within them.
    fn around(&self, created_at: Timestamp) -> Query {
        let second = SignedDuration::from_secs(1);
        let local = self.zone.local(created_at);
        vec![
            (
                "created_at__start",
                printed_local(local.saturating_sub(second)),
            ),
            (
                "created_at__end",
                printed_local(local.saturating_add(second)),
            ),
        ]
    }
}

fn id_of<T>(wire: &Identified<T>) -> VendorNumber {
    wire.id
}

fn page_of<T, U>(
    list: wire::List<T>,
    page: VendorPageRequest,
    map: impl Fn(Identified<T>) -> U,
) -> VendorPage<U>
where
    T: HasId,
{
    let has_next = has_next(&list, page);
    let meta = list.meta.into_value().unwrap_or_default();
    VendorPage {
        items: list
            .data
            .into_iter()
            .map(|item| Arc::new(map(item)))
            .collect(),
        total: meta.total.into_value(),
        per_page: meta.per_page.into_value(),
        last_page: meta.last_page.into_value(),
        has_next,
    }
}

/// None where the vendor tells neither a last page nor a next one.
fn has_next<T: HasId>(list: &wire::List<T>, page: VendorPageRequest) -> Option<bool> {
    let last_page = list.meta.value().and_then(|meta| meta.last_page.value());
    let next_link = list.links.value().filter(|links| links.next.is_told());
    match (last_page, next_link) {
        (Some(last_page), _) => Some(page.page < *last_page),
        (None, Some(links)) => Some(links.next.value().is_some()),
        (None, None) => None,
    }
}

// Filters

impl FirstLine {
    fn record_query(&self, filter: &ServiceRecordFilter) -> Query {
        let mut query = Query::new();
        let mut narrow = |name, number: Option<VendorNumber>| {
            query.extend(number.map(|number| (name, number.to_string())));
        };
        narrow("handler_id", filter.handler.map(|id| id.number));
        narrow("handler_group_id", filter.handler_group.map(|id| id.number));
        narrow("contact_id", filter.contact.map(|id| id.number));

        self.bound_created(&mut query, filter.from, filter.to);
        // The words true and false are no booleans to the vendor's framework.
        query.extend(filter.completed.map(|completed| {
            let flag = if completed { "1" } else { "0" };
            ("is_acw_completed", flag.to_owned())
        }));
        query
    }

    /// None when no ticket of this vendor can match.
    fn ticket_query(&self, filter: &TicketFilter) -> Option<Query> {
        if let Some(vendors) = &filter.vendors
            && !vendors.contains(&VENDOR)
        {
            return None;
        }

        let mut query = Query::new();
        query.extend(filter.search.as_ref().map(|text| ("search", text.clone())));
        if let Some(contact) = filter.contact {
            query.push((
                "contact_id",
                own_number(contact, contact.number).ok()?.to_string(),
            ));
        }
        if let Some(sponsor) = filter.sponsor {
            query.push((
                "sponsor_id",
                own_number(sponsor, sponsor.number).ok()?.to_string(),
            ));
        }
        if let Some(statuses) = &filter.statuses {
            let codes = statuses.iter().copied();
            let codes = codes
                .filter_map(mapping::ticket_status_code)
                .map(|code| code.to_string());
            self.push_list(&mut query, ["statuses", "statuses[]"], codes)?;
        }
        if let Some(ids) = &filter.termination_codes {
            let ids = ids.iter().map(|id| (*id, id.number));
            let names = ["termination_code_ids", "termination_code_ids[]"];
            self.push_list(&mut query, names, own_numbers(ids))?;
        }
        if let Some(ids) = &filter.handlers {
            let ids = ids.iter().map(|id| (*id, id.number));
            self.push_list(
                &mut query,
                ["handler_ids", "handler_ids[]"],
                own_numbers(ids),
            )?;
        }
        if let Some(ids) = &filter.creators {
            let ids = ids.iter().map(|id| (*id, id.number));
            self.push_list(
                &mut query,
                ["creater_ids", "creater_ids[]"],
                own_numbers(ids),
            )?;
        }

        query.extend(
            filter
                .due_from
                .map(|from| ("due_at__start", self.lower_bound(from))),
        );
        query.extend(
            filter
                .due_to
                .map(|to| ("due_at__end", self.upper_bound(to))),
        );
        self.bound_created(&mut query, filter.created_from, filter.created_to);
        Some(query)
    }

    /// None when nothing is left to match: an empty list must not be sent, or it would narrow nothing.
    fn push_list(
        &self,
        query: &mut Query,
        [name, name_with_brackets]: [&'static str; 2],
        values: impl Iterator<Item = String>,
    ) -> Option<()> {
        let values: Vec<String> = values.collect();
        if values.is_empty() {
            return None;
        }
        match self.array_style {
            ArrayStyle::Brackets => {
                query.extend(values.into_iter().map(|value| (name_with_brackets, value)));
            }
            ArrayStyle::Comma => query.push((name, values.join(","))),
        }
        Some(())
    }

    fn bound_created(&self, query: &mut Query, from: Option<Timestamp>, to: Option<Timestamp>) {
        query.extend(from.map(|from| ("created_at__start", self.lower_bound(from))));
        query.extend(to.map(|to| ("created_at__end", self.upper_bound(to))));
    }

    /// The vendor knows whole seconds, so the first one that is not before the bound.
    fn lower_bound(&self, from: Timestamp) -> String {
        let whole = whole_second(from);
        let second = SignedDuration::from_secs(1);
        let bound = if whole < from {
            whole.saturating_add(second).unwrap_or(whole)
        } else {
            whole
        };
        self.printed(bound)
    }

    /// The last whole second that is not after the bound.
    fn upper_bound(&self, to: Timestamp) -> String {
        let whole = whole_second(to);
        let bound = match self.end_bound {
            EndBound::Inclusive => whole,
            EndBound::Exclusive => {
                let second = SignedDuration::from_secs(1);
                whole.saturating_add(second).unwrap_or(whole)
            }
        };
        self.printed(bound)
    }

    fn printed(&self, timestamp: Timestamp) -> String {
        printed_local(self.zone.local(timestamp))
    }
}

/// In the years that a database can hold.
fn printed_local(local: civil::DateTime) -> String {
    let first = civil::date(1000, 1, 1).at(0, 0, 0, 0);
    let last = civil::date(9999, 12, 31).at(23, 59, 59, 0);
    let local = local.clamp(first, last);
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn whole_second(timestamp: Timestamp) -> Timestamp {
    let seconds = timestamp.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(timestamp)
}

// Writing

impl FirstLine {
    /// Sends a change in the form that the vendor takes, and lets `finish` read what it answers.
    async fn update<T, Body: wire::Sendable>(
        &self,
        scope: &RequestScope,
        route: &'static str,
        path: String,
        body: &Body,
        finish: impl Fn(Answer<'_>) -> Result<T> + Sync,
    ) -> Result<T> {
        if !self.update_form.is_overridden() {
            let call = Call::write(Method::PUT, route, path.clone(), Repeat::Safe)
                .json(wire::encode(body))
                .recognizing(is_wrap_up_lock);
            let answer = self.session.send(scope, &call).await?;
            let is_refused = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
            if !is_refused || !self.update_form.gives_up_put() {
                return finish(answer);
            }
            answer.settle(());
        }

        let body = wire::encode(&wire::Overridden {
            method: "put",
            body,
        });
        let call = Call::write(Method::POST, route, path, Repeat::Safe)
            .json(body)
            .recognizing(is_wrap_up_lock);
        finish(self.session.send(scope, &call).await?)
    }

    /// What is to be sent, or every field that can't be.
    fn ticket_body(&self, changes: &TicketChanges) -> Result<wire::TicketBody> {
        let mut faults = Faults::default();
        let body = wire::TicketBody {
            subject: sent(&changes.subject, String::clone),
            content: sent(&changes.content, String::clone),
            status: sent(&changes.status, |status| *status).map(|status| {
                status.and_then(|status| {
                    faults.unless(
                        mapping::ticket_status_code(status),
                        "status",
                        NO_SUCH_STATUS,
                    )
                })
            }),
            status_memo: sent(&changes.status_memo, String::clone),
            priority: sent(&changes.priority, |priority| *priority).map(|priority| {
                priority.and_then(|priority| {
                    let code = mapping::ticket_priority_code(priority);
                    faults.unless(code, "priority", NO_SUCH_PRIORITY)
                })
            }),
            due_at: sent(&changes.due_at, |due_at| self.printed(*due_at)),
            handler_id: faults.own(&changes.handler, "handlerId", |id| id.number),
            contact_id: faults.own(&changes.contact, "contactId", |id| id.number),
            sponsor_id: faults.own(&changes.sponsor, "sponsorId", |id| id.number),
            sub_category_id: sent(&changes.category, |id| *id).map(|id| {
                id.and_then(|id| {
                    faults.unless(subcategory_number(id), "categoryId", NO_SUBCATEGORY)
                })
            }),
            termination_code_id: faults.own(&changes.termination_code, "terminationCodeId", |id| {
                id.number
            }),
        };
        faults.none_or_error().map(|()| body)
    }
}

const NO_SUCH_STATUS: &str = "a ticket can't be given this status";
const NO_SUCH_PRIORITY: &str = "a ticket can't be given this priority";
const OF_ANOTHER_VENDOR: &str = "the id is of another vendor than the ticket";
const NO_SUBCATEGORY: &str = "a ticket takes a category of the second level of its own vendor";

/// Fields of an input that can't be sent.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn unless<T>(&mut self, value: Option<T>, field: &'static str, message: &str) -> Option<T> {
        if value.is_none() {
            self.0.push(FieldFault {
                field: Some(field),
                message: message.to_owned(),
            });
        }
        value
    }

    /// The number of an id, which has to be one of this vendor.
    fn own<Id: GlobalId>(
        &mut self,
        change: &Change<Id>,
        field: &'static str,
        number_of: impl Fn(&Id) -> VendorNumber,
    ) -> Option<Option<u64>> {
        sent(change, |id| *id).map(|id| {
            let id = id?;
            let number = own_number(id, number_of(&id)).ok();
            self.unless(number.map(VendorNumber::get), field, OF_ANOTHER_VENDOR)
        })
    }

    fn none_or_error(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(invalid_fields(self.0))
    }
}

fn subcategory_number(id: CategoryId) -> Option<u64> {
    let is_subcategory = id.vendor == VENDOR && id.level == mapping::SUBCATEGORY_LEVEL;
    is_subcategory.then(|| id.number.get())
}

/// What a change sends: nothing, null or a value.
fn sent<T, U>(change: &Change<T>, value_of: impl FnOnce(&T) -> U) -> Option<Option<U>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value_of(value))),
    }
}

/// What the answer to a write holds, or which fields the vendor refused.
fn read_write<T: Readable>(answer: Answer<'_>) -> Result<T> {
    if answer.status() == StatusCode::UNPROCESSABLE_ENTITY {
        let refusal = answer.glimpse().unwrap_or_default();
        return Err(answer.settle(invalid_fields(mapping::field_faults(refusal))));
    }
    answer.read()
}

fn invalid_fields(faults: Vec<FieldFault>) -> Error {
    Error::new(
        ErrorKind::InvalidFields(faults.into()),
        format!("{VENDOR} does not accept the values of some fields"),
    )
}

fn is_wrap_up_lock(body: &[u8]) -> bool {
    decode_root(body).is_ok_and(|refusal| mapping::is_wrap_up_lock(&refusal))
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

fn own_numbers<Id: GlobalId>(
    ids: impl Iterator<Item = (Id, VendorNumber)>,
) -> impl Iterator<Item = String> {
    ids.filter_map(|(id, number)| own_number(id, number).ok())
        .map(|number| number.to_string())
}
