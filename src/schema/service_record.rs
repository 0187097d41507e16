//! One service to one customer, and the filter of its lists.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{
    arguments::{self, DEFAULT_FIRST_MESSAGES},
    category::Category,
    contact::Contact,
    custom_field::{CustomField, custom_fields, own_custom_fields},
    employee::Employee,
    error::{FieldResult, Found, answered, nullable},
    hydrated::{Hydrate, Hydrated},
    pagination::ChatMessageConnection,
    repository,
    scalars::{DateTime, Decimal, int},
    selection::{selects_category_names, selects_only},
    service_log::{ServiceChannel, ServiceLog},
    service_result::{ServiceReason, ServiceResult},
    sponsor::Sponsor,
    vendor::Vendor,
};
use crate::{
    domain::{self, Detail, Loaded, ServiceRecordFilters, VendorCapabilities},
    error::{Error, Result},
};

pub(super) struct ServiceRecord(Hydrated<domain::ServiceRecord>);

impl From<Arc<domain::ServiceRecord>> for ServiceRecord {
    fn from(record: Arc<domain::ServiceRecord>) -> Self {
        Self(record.into())
    }
}

impl Hydrate for domain::ServiceRecord {
    async fn hydrate(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
        match self.detail {
            Detail::Full => Ok(None),
            Detail::Reference | Detail::Excerpt => repository(ctx)?.service_record(self.id).await,
        }
    }
}

/// One service to one customer: a FirstLine interact-collection or a Bangwo8 remote-assistance session. Fields that the vendor
/// does not have are null or empty.
#[Object]
impl ServiceRecord {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.embedded().id.into()
    }

    /// The vendor that it belongs to.
    fn vendor(&self) -> Vendor {
        self.0.embedded().id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.embedded().id.number.to_string()
    }

    /// How the customer came.
    async fn channel(&self, ctx: &Context<'_>) -> Option<FieldResult<ServiceChannel>> {
        self.0.field_as(ctx, |record| &record.channel).await
    }

    /// How far the service has come.
    async fn status(&self, ctx: &Context<'_>) -> Option<FieldResult<ServiceRecordStatus>> {
        self.0.field_as(ctx, |record| &record.status).await
    }

    /// When the vendor opened the record: lists are in its order.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |record| &record.created_at).await
    }

    /// When the customer began to wait.
    async fn queued_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |record| &record.queued_at).await
    }

    /// When an agent began to serve the customer.
    async fn started_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |record| &record.started_at).await
    }

    /// When the service ended.
    async fn ended_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |record| &record.ended_at).await
    }

    /// How long the service took, in seconds. Null until it has ended.
    async fn duration_seconds(&self, ctx: &Context<'_>) -> Option<FieldResult<i32>> {
        match self.0.field(ctx, |record| &record.duration_seconds).await? {
            Ok(seconds) => int(*seconds).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    /// Who served the customer.
    async fn handler(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::of_field(ctx, &self.0, |record| &record.handler).await
    }

    /// The customer. For an anonymous visitor, a Contact with the visitor's name alone.
    async fn contact(&self, ctx: &Context<'_>) -> Option<FieldResult<Contact>> {
        let record = match self.0.embedded().detail {
            Detail::Full => self.0.embedded(),
            _ => match self.0.copy_with(ctx, |record| &record.contact).await? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            },
        };
        nullable(ctx, async { repository(ctx)?.record_contact(record).await }).await
    }

    /// Bangwo8: the described problem.
    async fn problem(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |record| &record.problem).await
    }

    /// Bangwo8: the described solution.
    async fn solution(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |record| &record.solution).await
    }

    /// FirstLine: the agent's memo.
    async fn memo(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |record| &record.memo).await
    }

    /// Whether the customer's problem was solved. Null where this is not recorded.
    async fn is_resolved(&self, ctx: &Context<'_>) -> Option<FieldResult<bool>> {
        self.0.field_as(ctx, |record| &record.is_resolved).await
    }

    /// The customer's rating of the service. Null until there is one.
    async fn rating(&self, ctx: &Context<'_>) -> Option<FieldResult<Rating<'_>>> {
        let rating = self.0.field(ctx, |record| &record.rating).await?;
        Some(rating.map(Rating))
    }

    /// The most specific problem type, with its ancestors through `parent`.
    async fn category(&self, ctx: &Context<'_>) -> Option<FieldResult<Category>> {
        match self.0.copy_with(ctx, |record| &record.category).await? {
            Ok(record) => category_of(ctx, record).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// The desk's own fields, as the agent filled them in: the same in a list, by id and after an update. Empty where there are
    /// none, null where the vendor does not tell them. FirstLine: where only its responses to updates have them, they are those
    /// of the last update through this gateway, for a day. In a list, they may take a call for each record.
    async fn custom_fields(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<CustomField<'_>>>> {
        let record = match self.row_with(ctx, |record| &record.custom_fields).await? {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        if let Loaded::Loaded(Some(fields)) = &record.custom_fields {
            return Some(Ok(custom_fields(fields)));
        }
        let fields: Option<FieldResult<Arc<_>>> =
            nullable(ctx, async { repository(ctx)?.custom_fields(record).await }).await;
        Some(fields?.map(own_custom_fields))
    }

    /// When the vendor last changed it. FirstLine: its documents have it in the response to an update alone. In a list, it may take
    /// a call for each record.
    async fn updated_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        let record = match self.row_with(ctx, |record| &record.updated_at).await? {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        match record.updated_at {
            Loaded::Loaded(at) => at.map(|at| Ok(DateTime(at))),
            Loaded::NotLoaded => {
                nullable(ctx, async {
                    Ok(repository(ctx)?.updated_at(record).await?.map(DateTime))
                })
                .await
            }
        }
    }

    /// Why the customer came, of the desk's own list of reasons. Empty where none is set.
    async fn reasons(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<ServiceReason<'_>>>> {
        let reasons = self.0.field(ctx, |record| &record.reasons).await?;
        Some(reasons.map(|reasons| reasons.iter().map(ServiceReason).collect()))
    }

    /// The chat, oldest message first. Empty for a record that cannot have a chat.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many, from 1 to the configured maximum; null means 50.",
            default_with = "Some(DEFAULT_FIRST_MESSAGES)"
        )]
        first: Option<i32>,
        #[graphql(desc = "A cursor of this record's messages: the page starts after it.")]
        after: Option<String>,
    ) -> Option<FieldResult<ChatMessageConnection>> {
        let record = match self.0.embedded().detail {
            Detail::Full => Ok(self.0.embedded()),
            _ => self.0.copy_with(ctx, |record| &record.transcript).await?,
        };
        match record {
            Ok(record) => messages_of(ctx, record, first, after).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// The summary of the service. Null where the vendor has none.
    async fn summary(&self, ctx: &Context<'_>) -> Option<FieldResult<ServiceSummary>> {
        let record = self.0.embedded();
        if !record.may_have_summary {
            return None;
        }
        nullable(ctx, async {
            repository(ctx)?.service_summary(record).await
        })
        .await
    }

    /// How the contact passed through the vendor's channels, oldest first.
    async fn logs(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<ServiceLog<'_>>>> {
        let record = self.0.embedded().id;
        let logs = self.0.field(ctx, |record| &record.logs).await?;
        let log = |log| ServiceLog { record, log };
        Some(logs.map(|logs| logs.iter().map(log).collect()))
    }

    /// When the agent's after-call work was completed; from then on the record can't be changed.
    async fn wrap_up_completed_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0
            .field_as(ctx, |record| &record.wrap_up_completed_at)
            .await
    }

    /// The vendor's bound_type; its codes are not documented.
    async fn bound_type(&self, ctx: &Context<'_>) -> Option<FieldResult<i32>> {
        self.0.field_as(ctx, |record| &record.bound_type).await
    }

    /// The result of the service, from the desk's own list of results.
    async fn result(&self, ctx: &Context<'_>) -> Option<FieldResult<ServiceResult<'_>>> {
        let result = match self.0.field(ctx, |record| &record.result).await? {
            Ok(result) => result,
            Err(error) => return Some(Err(error)),
        };
        if result.detail > Detail::Reference || selects_only(ctx.field(), &["id", "__typename"]) {
            return Some(Ok(ServiceResult(result)));
        }
        self.named_result(ctx, result).await
    }

    /// The organisation that the desk serves.
    async fn sponsor(&self, ctx: &Context<'_>) -> Option<FieldResult<Sponsor>> {
        match self.0.field(ctx, |record| &record.sponsor).await? {
            Ok(sponsor) => Sponsor::related(ctx, sponsor).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// What the customer paid for the service. Null where it costs nothing.
    async fn payment(&self, ctx: &Context<'_>) -> Option<FieldResult<Payment<'_>>> {
        let payment = self.0.field(ctx, |record| &record.payment).await?;
        Some(payment.map(Payment))
    }

    /// How the customer's computer was reached. Null unless this was a remote-assistance session.
    async fn remote_session(&self, ctx: &Context<'_>) -> Option<FieldResult<RemoteSession<'_>>> {
        let session = self.0.field(ctx, |record| &record.remote_session).await?;
        Some(session.map(RemoteSession))
    }
}

impl ServiceRecord {
    /// The copy that has the field, or the whole row, which may lack it and which the repository completes. None for an excerpt of a
    /// record that no longer exists.
    async fn row_with<U>(
        &self,
        ctx: &Context<'_>,
        field: fn(&domain::ServiceRecord) -> &Loaded<U>,
    ) -> Option<FieldResult<&Arc<domain::ServiceRecord>>> {
        match self.0.embedded().detail {
            Detail::Full => Some(Ok(self.0.embedded())),
            Detail::Reference | Detail::Excerpt => self.0.copy_with(ctx, field).await,
        }
    }

    /// A result of which the copy has only the number, from the hydrated record.
    async fn named_result<'a>(
        &'a self,
        ctx: &Context<'_>,
        reference: &'a domain::ServiceResult,
    ) -> Option<FieldResult<ServiceResult<'a>>> {
        let named = match self.0.hydrate(ctx).await {
            Some(Ok(record)) => record.result.value(),
            Some(Err(error)) => return Some(Err(error)),
            None => None,
        };
        Some(Ok(ServiceResult(named.unwrap_or(reference))))
    }
}

/// A category of which only the number is known is loaded when the query selects its name.
async fn category_of(
    ctx: &Context<'_>,
    record: &domain::ServiceRecord,
) -> Option<FieldResult<Category>> {
    let known = record.category.value()?;
    if known.detail > Detail::Reference || !selects_category_names(ctx.field()) {
        return Some(Ok(known.clone().into()));
    }
    answered(ctx, async {
        let named = repository(ctx)?.named_category(record).await?;
        Ok(named.unwrap_or_else(|| known.clone()).into())
    })
    .await
}

async fn messages_of(
    ctx: &Context<'_>,
    record: &Arc<domain::ServiceRecord>,
    first: Option<i32>,
    after: Option<String>,
) -> Option<FieldResult<ChatMessageConnection>> {
    answered(ctx, async {
        let page = arguments::page(ctx, first, after, DEFAULT_FIRST_MESSAGES)?;
        Ok(repository(ctx)?.messages(record, page).await?.into())
    })
    .await
}

/// The status of a service.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::ServiceRecordStatus")]
pub(super) enum ServiceRecordStatus {
    /// The customer waits for an agent.
    Waiting,
    /// The customer is being served.
    InService,
    /// The service goes on longer than was planned.
    Extended,
    /// The service is paused.
    OnHold,
    /// Service has ended, the agent's after-call work has not (FirstLine).
    WrapUp,
    /// Everything is completed.
    Completed,
    /// The vendor counts it as no service.
    Invalid,
    /// A vendor code that this gateway does not know.
    Unknown,
}

pub(super) struct Rating<'a>(&'a domain::Rating);

/// What the customer thought of the service.
#[Object]
impl Rating<'_> {
    /// The vendor's scale, reduced to three steps.
    fn score(&self) -> RatingScore {
        self.0.score.into()
    }

    /// In the customer's words. Null where they wrote none.
    fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }
}

/// A rating in three steps.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::RatingScore")]
pub(super) enum RatingScore {
    /// The customer is content.
    Good,
    /// Neither good nor bad.
    Neutral,
    /// The customer is not content.
    Bad,
    /// A vendor code that this gateway does not know.
    Unknown,
}

pub(super) struct ServiceSummary(Arc<domain::ServiceSummary>);

impl From<Arc<domain::ServiceSummary>> for ServiceSummary {
    fn from(summary: Arc<domain::ServiceSummary>) -> Self {
        Self(summary)
    }
}

/// A service summed up by a template of the desk's.
#[Object]
impl ServiceSummary {
    /// The template's name.
    fn template(&self) -> Option<&str> {
        self.0.template.as_deref()
    }

    /// The template's fields, in its order.
    fn fields(&self) -> Vec<CustomField<'_>> {
        custom_fields(&self.0.fields)
    }
}

pub(super) struct Payment<'a>(&'a domain::Payment);

/// What a customer paid for a service.
#[Object]
impl Payment<'_> {
    /// The price. Null where the vendor provides none.
    fn price(&self) -> Option<Money<'_>> {
        self.0.price.as_ref().map(Money)
    }

    /// The status of the payment.
    fn status(&self) -> PaymentStatus {
        self.0.status.into()
    }

    /// When it was paid. Null until it is.
    fn paid_at(&self) -> Option<DateTime> {
        self.0.paid_at.map(DateTime)
    }
}

/// The status of a payment.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::PaymentStatus")]
pub(super) enum PaymentStatus {
    /// Not paid yet.
    Unpaid,
    /// Paid by the customer.
    Paid,
    /// The payment failed.
    Failed,
    /// The customer opened the page on which to pay.
    PageOpened,
    /// Taken from what the customer had paid before.
    Deducted,
    /// A vendor code that this gateway does not know.
    Unknown,
}

pub(super) struct Money<'a>(&'a domain::Money);

/// An amount of money.
#[Object]
impl Money<'_> {
    /// The exact amount, in the vendor's number of decimals.
    fn amount(&self) -> Decimal {
        Decimal(self.0.amount)
    }

    /// The currency, ISO 4217: CNY.
    fn currency(&self) -> &str {
        self.0.currency
    }
}

pub(super) struct RemoteSession<'a>(&'a domain::RemoteSession);

/// How a customer's computer was reached for remote assistance.
#[Object]
impl RemoteSession<'_> {
    /// The customer's nine-digit client id.
    fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// The name of the customer's computer.
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The id of the service card that the session was paid by.
    fn service_card_id(&self) -> Option<&str> {
        self.0.service_card_id.as_deref()
    }

    /// Whether the agent and the customer chatted.
    fn has_chat(&self) -> bool {
        self.0.has_chat
    }

    /// Whether the agent controlled the computer.
    fn has_remote_control(&self) -> bool {
        self.0.has_remote_control
    }

    /// Whether files were sent.
    fn has_file_transfer(&self) -> bool {
        self.0.has_file_transfer
    }

    /// How many files were sent.
    fn file_count(&self) -> Option<i32> {
        self.0.file_count
    }
}

/// Narrows a list of service records. Null filters nothing, an empty list matches nothing.
#[derive(InputObject, Default)]
pub(super) struct ServiceRecordFilter {
    /// Only records of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only records that this employee handled: an employee's global id, which selects that employee's vendor.
    handler_id: Option<ID>,
    /// Only records handled by an employee of this group. FirstLine only.
    handler_group_id: Option<ID>,
    /// Only records of this customer. FirstLine only.
    contact_id: Option<ID>,
    /// Only records created at this instant or later.
    from: Option<DateTime>,
    /// Only records created at this instant or earlier.
    to: Option<DateTime>,
    /// Only records whose status is COMPLETED, or, when false, is not.
    completed: Option<bool>,
}

impl ServiceRecordFilter {
    pub(super) fn read(
        self,
        path: &str,
        vendors: &VendorCapabilities,
    ) -> Result<domain::ServiceRecordFilter> {
        let of = |name| format!("{path}.{name}");
        arguments::check_range((&of("from"), self.from), (&of("to"), self.to))?;

        Ok(domain::ServiceRecordFilter {
            vendors: arguments::vendors(self.vendors),
            handler: self
                .handler_id
                .map(|id| arguments::id(&of("handlerId"), &id))
                .transpose()?,
            handler_group: self
                .handler_group_id
                .map(|id| {
                    let path = of("handlerGroupId");
                    id_for_filter(&path, &id, vendors, |filters| filters.handler_group)
                })
                .transpose()?,
            contact: self
                .contact_id
                .map(|id| {
                    let path = of("contactId");
                    id_for_filter(&path, &id, vendors, |filters| filters.contact)
                })
                .transpose()?,
            from: self.from.map(DateTime::timestamp),
            to: self.to.map(DateTime::timestamp),
            completed: self.completed,
        })
    }
}

/// An id for a filter that not every vendor knows. The repository refuses the id of a vendor that is not configured.
fn id_for_filter<T: domain::GlobalId>(
    path: &str,
    id: &ID,
    vendors: &VendorCapabilities,
    is_known: impl Fn(&ServiceRecordFilters) -> bool,
) -> Result<T> {
    let id: T = arguments::id(path, id)?;
    let vendor = id.vendor();
    match vendors.of(vendor) {
        Some(capabilities) if !is_known(&capabilities.service_record_filters) => {
            Err(Error::bad_user_input(format!(
                "{path}: it must be an id of a vendor with this filter, and {vendor} has none"
            )))
        }
        _ => Ok(id),
    }
}
