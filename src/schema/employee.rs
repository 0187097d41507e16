//! An employee of the desk.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Enum, ID, Object};
use futures_util::future::Either;

use super::{
    arguments::{self, DEFAULT_FIRST},
    custom_field::{CustomField, custom_fields},
    error::{AtHandOr, FieldResult, Found, answered, at_hand, nullable},
    hydrated::{Hydrate, Hydrated},
    pagination::{ServiceRecordConnection, TicketConnection},
    repository,
    scalars::DateTime,
    selection::{IDENTITY, selects_only, totals_wanted},
    ticket::TicketStatus,
    vendor::Vendor,
};
use crate::{
    domain::{self, Detail, Loaded},
    error::Result,
    repository::ListField,
};

pub(super) struct Employee(Hydrated<domain::Employee>);

impl From<Arc<domain::Employee>> for Employee {
    fn from(employee: Arc<domain::Employee>) -> Self {
        Self(employee.into())
    }
}

impl Hydrate for domain::Employee {
    async fn hydrate(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
        match self.detail {
            Detail::Full => Ok(None),
            Detail::Reference | Detail::Excerpt => {
                repository(ctx)?.related_employee(self.id).await.map(Some)
            }
        }
    }
}

impl Employee {
    /// The employee to whom a field points that the embedded copy may not have.
    pub(super) fn of_field<'a: 'b, 'b, T: Hydrate>(
        ctx: &'b Context<'_>,
        object: &'a Hydrated<T>,
        field: fn(&T) -> &Loaded<Arc<domain::Employee>>,
    ) -> AtHandOr<'b, Self> {
        match field(object.embedded()) {
            Loaded::Loaded(Some(employee)) => Self::related(ctx, employee),
            Loaded::Loaded(None) => at_hand(None),
            Loaded::NotLoaded => Either::Right(Box::pin(async move {
                match object.field(ctx, field).await? {
                    Ok(employee) => Self::related(ctx, employee).await,
                    Err(error) => Some(Err(error)),
                }
            })),
        }
    }

    /// An employee to whom another object points. An employee of whom only the number is known is loaded here when the query
    /// selects more, so that a failure is one error of the relation and not one of each field.
    pub(super) fn related<'a>(
        ctx: &'a Context<'_>,
        employee: &'a Arc<domain::Employee>,
    ) -> AtHandOr<'a, Self> {
        if employee.detail > Detail::Reference || selects_only(ctx.field(), &IDENTITY) {
            return at_hand(Some(Ok(employee.clone().into())));
        }
        Either::Right(answered(ctx, async {
            let employee = repository(ctx)?.related_employee(employee.id).await?;
            Ok(employee.into())
        }))
    }
}

/// A person who serves customers: a FirstLine employee or a Bangwo8 support agent. One whom the vendor's directory no longer
/// lists has only an id.
#[Object]
impl Employee {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.embedded().id.into()
    }

    /// The vendor whose directory lists them.
    fn vendor(&self) -> Vendor {
        self.0.embedded().id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.embedded().id.number.to_string()
    }

    /// The name that customers see.
    async fn name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.name).await
    }

    /// The vendor's first name. FirstLine only, which does not say whether it is the given name or the family name.
    async fn first_name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.first_name).await
    }

    /// The vendor's last name. FirstLine only.
    async fn last_name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.last_name).await
    }

    /// Their gender. Null where the vendor does not tell it.
    async fn gender(&self, ctx: &Context<'_>) -> Option<FieldResult<Gender>> {
        self.0.field_as(ctx, |employee| &employee.gender).await
    }

    /// The number that their employer gave them.
    async fn employee_no(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.employee_no).await
    }

    /// Their e-mail address at work.
    async fn email(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.email).await
    }

    /// PII: their mobile number, masked unless the caller may read personal data. FirstLine: the first number of any kind where
    /// none is of a mobile phone.
    async fn mobile(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        self.personal(ctx, |employee| &employee.mobile).await
    }

    /// PII: a landline number, masked unless the caller may read personal data.
    async fn phone(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        self.personal(ctx, |employee| &employee.phone).await
    }

    /// Whether they administrate the desk.
    async fn is_admin(&self, ctx: &Context<'_>) -> Option<FieldResult<bool>> {
        self.0.field_as(ctx, |employee| &employee.is_admin).await
    }

    /// Whether their account is in use.
    async fn is_active(&self, ctx: &Context<'_>) -> Option<FieldResult<bool>> {
        self.0.field_as(ctx, |employee| &employee.is_active).await
    }

    /// The address of their picture, for an `<img>`: one of the gateway, which loads the picture from the vendor and is good for
    /// some minutes, so that it needs no key. It begins with a slash unless the gateway knows its public URL. A picture at a
    /// public https address of another host keeps its address.
    async fn photo_url(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        match self.0.field(ctx, |employee| &employee.photo).await? {
            Ok(photo) => {
                let vendor = self.0.embedded().id.vendor;
                nullable(ctx, async {
                    Ok(Some(repository(ctx)?.photo_url(vendor, photo)))
                })
                .await
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Their telephone extension.
    async fn extension(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.extension).await
    }

    /// Their job title.
    async fn job_title(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.job_title).await
    }

    /// Their department.
    async fn department(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.field(ctx, |employee| &employee.department).await
    }

    /// The groups that they belong to.
    async fn groups(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<EmployeeGroup<'_>>>> {
        let groups = self.0.field(ctx, |employee| &employee.groups).await?;
        Some(groups.map(|groups| groups.iter().map(EmployeeGroup).collect()))
    }

    /// The desk's own fields of its employees. Null where the vendor does not tell them.
    async fn custom_fields(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<CustomField<'_>>>> {
        let fields = self
            .0
            .field(ctx, |employee| &employee.custom_fields)
            .await?;
        Some(fields.map(|fields| custom_fields(fields)))
    }

    /// When their account was created.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |employee| &employee.created_at).await
    }

    /// When their account was last updated.
    async fn updated_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.field_as(ctx, |employee| &employee.updated_at).await
    }

    /// The service records that they handled, newest first.
    async fn service_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many, from 1 to the configured maximum; null means 20.",
            default_with = "Some(DEFAULT_FIRST)"
        )]
        first: Option<i32>,
        #[graphql(desc = "A cursor of this field and filter: the page starts after it.")]
        after: Option<String>,
        #[graphql(desc = "Only records created at this instant or later.")] from: Option<DateTime>,
        #[graphql(desc = "Only records created at this instant or earlier.")] to: Option<DateTime>,
    ) -> Option<FieldResult<ServiceRecordConnection>> {
        answered(ctx, async move {
            arguments::check_range(("from", from), ("to", to))?;
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = domain::ServiceRecordFilter {
                handler: Some(self.0.embedded().id),
                from: from.map(DateTime::timestamp),
                to: to.map(DateTime::timestamp),
                ..Default::default()
            };
            let totals = totals_wanted(ctx);
            let records = repository(ctx)?
                .service_records(ListField::EmployeeServiceRecords, page, filter, totals)
                .await?;
            Ok(records.into())
        })
        .await
    }

    /// The tickets that they handle, newest first.
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many, from 1 to the configured maximum; null means 20.",
            default_with = "Some(DEFAULT_FIRST)"
        )]
        first: Option<i32>,
        #[graphql(desc = "A cursor of this field and filter: the page starts after it.")]
        after: Option<String>,
        #[graphql(
            desc = "Only tickets in these statuses; null means every status, an empty list matches nothing."
        )]
        statuses: Option<Vec<TicketStatus>>,
    ) -> Option<FieldResult<TicketConnection>> {
        answered(ctx, async move {
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = domain::TicketFilter {
                handlers: Some(vec![self.0.embedded().id]),
                statuses: statuses
                    .map(|statuses| arguments::statuses("statuses", &statuses))
                    .transpose()?,
                ..Default::default()
            };
            let tickets = repository(ctx)?
                .tickets(ListField::EmployeeTickets, page, filter, totals_wanted(ctx))
                .await?;
            Ok(tickets.into())
        })
        .await
    }
}

impl Employee {
    /// Personal data, as the caller may see it.
    async fn personal<'a>(
        &'a self,
        ctx: &Context<'_>,
        field: fn(&domain::Employee) -> &Loaded<String>,
    ) -> Option<FieldResult<Cow<'a, str>>> {
        match self.0.field(ctx, field).await? {
            Ok(value) => arguments::personal(ctx, Some(value)),
            Err(error) => Some(Err(error)),
        }
    }
}

/// A gender, as a vendor's directory has it.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Gender")]
pub(super) enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// A vendor code that this gateway does not know.
    Unknown,
}

pub(super) struct EmployeeGroup<'a>(&'a domain::EmployeeGroup);

/// A group of employees.
#[Object]
impl EmployeeGroup<'_> {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Its name.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Who leads it.
    async fn supervisor(&self, ctx: &Context<'_>) -> Option<FieldResult<Employee>> {
        Employee::related(ctx, self.0.supervisor.as_ref()?).await
    }
}
