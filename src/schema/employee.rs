//! Somebody who serves customers.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, ID, Object};
use futures_util::future::Either;

use super::{
    arguments::{self, DEFAULT_FIRST},
    error::{AtHandOr, FieldResult, Found, answered, at_hand},
    pagination::{ServiceRecordConnection, TicketConnection},
    partial::{Partial, Whole},
    repository,
    scalars::DateTime,
    selection::{IDENTITY, asks_only_for, category_names_wanted},
    ticket::TicketStatus,
    vendor::Vendor,
};
use crate::{
    domain::{self, Detail, Loaded},
    error::Result,
    repository::ListField,
};

pub(super) struct Employee(Partial<domain::Employee>);

impl From<Arc<domain::Employee>> for Employee {
    fn from(employee: Arc<domain::Employee>) -> Self {
        Self(employee.into())
    }
}

impl Whole for domain::Employee {
    async fn whole(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
        match self.detail {
            Detail::Full => Ok(None),
            Detail::Reference | Detail::Excerpt => {
                repository(ctx)?.related_employee(self.id).await.map(Some)
            }
        }
    }
}

impl Employee {
    /// The employee to whom a field of an object points that may leave it untold.
    pub(super) fn told_by<'a: 'b, 'b, T: Whole>(
        ctx: &'b Context<'_>,
        object: &'a Partial<T>,
        field: fn(&T) -> &Loaded<Arc<domain::Employee>>,
    ) -> AtHandOr<'b, Self> {
        match field(object.seen()) {
            Loaded::Loaded(Some(employee)) => Self::related(ctx, employee),
            Loaded::Loaded(None) => at_hand(None),
            Loaded::NotLoaded => Either::Right(Box::pin(async move {
                match object.told(ctx, field).await? {
                    Ok(employee) => Self::related(ctx, employee).await,
                    Err(error) => Some(Err(error)),
                }
            })),
        }
    }

    /// An employee to whom another object points. One who is named by number alone is read at once when more is asked for, so
    /// that a failure is one error of the relation and not one of each field.
    pub(super) fn related<'a>(
        ctx: &'a Context<'_>,
        employee: &'a Arc<domain::Employee>,
    ) -> AtHandOr<'a, Self> {
        if employee.detail > Detail::Reference || asks_only_for(ctx.field(), &IDENTITY) {
            return at_hand(Some(Ok(employee.clone().into())));
        }
        Either::Right(answered(async {
            let employee = repository(ctx)?.related_employee(employee.id).await?;
            Ok(employee.into())
        }))
    }
}

/// Somebody who serves customers: a FirstLine employee or a Bangwo8 support agent. One whom the vendor's directory does not list
/// any more has an id alone.
#[Object]
impl Employee {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.seen().id.into()
    }

    /// The vendor whose directory lists them.
    fn vendor(&self) -> Vendor {
        self.0.seen().id.vendor.into()
    }

    /// The vendor's own id.
    fn vendor_id(&self) -> String {
        self.0.seen().id.number.to_string()
    }

    /// The name that customers see.
    async fn name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.name).await
    }

    /// The number that their employer gave them.
    async fn employee_no(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.employee_no).await
    }

    /// Their e-mail address at work.
    async fn email(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.email).await
    }

    /// PII: their mobile number, masked unless the caller may read personal data.
    async fn mobile(&self, ctx: &Context<'_>) -> Option<FieldResult<Cow<'_, str>>> {
        let mobile = match self.0.told(ctx, |employee| &employee.mobile).await? {
            Ok(mobile) => mobile,
            Err(error) => return Some(Err(error)),
        };
        arguments::personal(ctx, Some(mobile))
    }

    /// Whether they administrate the desk.
    async fn is_admin(&self, ctx: &Context<'_>) -> Option<FieldResult<bool>> {
        self.0.converted(ctx, |employee| &employee.is_admin).await
    }

    /// Whether their account is in use.
    async fn is_active(&self, ctx: &Context<'_>) -> Option<FieldResult<bool>> {
        self.0.converted(ctx, |employee| &employee.is_active).await
    }

    /// The address of their picture.
    async fn photo_url(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.photo_url).await
    }

    /// Their telephone extension.
    async fn extension(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.extension).await
    }

    /// What they are, in their employer's words.
    async fn job_title(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.job_title).await
    }

    /// Their department.
    async fn department(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
        self.0.told(ctx, |employee| &employee.department).await
    }

    /// The groups that they belong to.
    async fn groups(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<EmployeeGroup<'_>>>> {
        let groups = self.0.told(ctx, |employee| &employee.groups).await?;
        Some(groups.map(|groups| groups.iter().map(EmployeeGroup).collect()))
    }

    /// When their account was made.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.converted(ctx, |employee| &employee.created_at).await
    }

    /// When their account was changed last.
    async fn updated_at(&self, ctx: &Context<'_>) -> Option<FieldResult<DateTime>> {
        self.0.converted(ctx, |employee| &employee.updated_at).await
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
        answered(async move {
            arguments::check_range(("from", from), ("to", to))?;
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = domain::ServiceRecordFilter {
                handler: Some(self.0.seen().id),
                from: from.map(DateTime::timestamp),
                to: to.map(DateTime::timestamp),
                ..Default::default()
            };
            let names = category_names_wanted(ctx);
            let records = repository(ctx)?
                .service_records(ListField::EmployeeServiceRecords, page, filter, names)
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
        answered(async move {
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = domain::TicketFilter {
                handlers: Some(vec![self.0.seen().id]),
                statuses: statuses
                    .map(|statuses| arguments::statuses("statuses", &statuses))
                    .transpose()?,
                ..Default::default()
            };
            let tickets = repository(ctx)?
                .tickets(ListField::EmployeeTickets, page, filter)
                .await?;
            Ok(tickets.into())
        })
        .await
    }
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
