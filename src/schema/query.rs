//! The root fields of queries.

use async_graphql::{Context, ID, InputObject, Object};
use futures_util::future::join_all;

use super::{
    arguments::{self, DEFAULT_FIRST},
    category::{Category, CategoryList},
    employee::Employee,
    error::{FieldResult, answered, nullable},
    node::Node,
    pagination::{EmployeeConnection, ServiceRecordConnection, TicketConnection},
    repository,
    scalars::Date,
    selection::totals_wanted,
    service_record::{ServiceRecord, ServiceRecordFilter},
    sponsor::Sponsor,
    stale::Place,
    stats::{ServiceRecordStats, TicketStats},
    termination_code::TerminationCode,
    ticket::{Ticket, TicketFilter, TicketStatus},
    vendor::{Vendor, VendorStatus},
};
use crate::repository::ListField;

pub struct Query;

/// The queries. A field whose vendor fails is null, with an entry in `errors`. A list over all vendors has data as long as one
/// of them responds; `sources` has the state of each.
#[Object]
impl Query {
    /// Any object by its id. Null where there is no such object; a malformed id is BAD_USER_INPUT.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of an object whose type implements Node.")] id: ID,
    ) -> Option<FieldResult<Node>> {
        Node::load(ctx, Place::Field, "id", &id).await
    }

    /// Many objects by their ids, in the order of the ids; null where there is no such object. An id that is malformed, or
    /// whose object can't be loaded, nulls only its own item.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most as many ids as the maximum page size.")] ids: Vec<ID>,
    ) -> FieldResult<Vec<Option<FieldResult<Node>>>> {
        repository(ctx)?.check_id_count(ids.len())?;

        let load = async |(index, id)| {
            Node::load(ctx, Place::Item(index), &format!("ids[{index}]"), id).await
        };
        Ok(join_all(ids.iter().enumerate().map(load)).await)
    }

    /// One service record. Null where there is none of this id.
    async fn service_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "A service record's id. A Bangwo8 id without its day is accepted; the gateway then searches for the record."
        )]
        id: ID,
    ) -> Option<FieldResult<ServiceRecord>> {
        nullable(ctx, async {
            let id = arguments::id("id", &id)?;
            repository(ctx)?.service_record(id).await
        })
        .await
    }

    /// Service records of every vendor, newest first. Stable while records arrive: no page repeats or skips one.
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
        #[graphql(desc = "Narrows the list; null narrows nothing.")] filter: Option<
            ServiceRecordFilter,
        >,
    ) -> Option<FieldResult<ServiceRecordConnection>> {
        answered(ctx, async {
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let repository = repository(ctx)?;
            let filter = filter
                .unwrap_or_default()
                .read("filter", repository.capabilities())?;
            let totals = totals_wanted(ctx);
            let records = repository
                .service_records(ListField::ServiceRecords, page, filter, totals)
                .await?;
            Ok(records.into())
        })
        .await
    }

    /// One ticket. Null where there is none of this id.
    async fn ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A ticket's id.")] id: ID,
    ) -> Option<FieldResult<Ticket>> {
        nullable(ctx, async {
            let id = arguments::id("id", &id)?;
            repository(ctx)?.ticket(id).await
        })
        .await
    }

    /// Tickets, newest first.
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
        #[graphql(desc = "Narrows the list; null narrows nothing.")] filter: Option<TicketFilter>,
    ) -> Option<FieldResult<TicketConnection>> {
        answered(ctx, async {
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = filter.unwrap_or_default().read("filter")?;
            let totals = totals_wanted(ctx);
            let tickets = repository(ctx)?
                .tickets(ListField::Tickets, page, filter, totals)
                .await?;
            Ok(tickets.into())
        })
        .await
    }

    /// One employee of the vendor's directory. Null where the directory does not list them.
    async fn employee(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An employee's id.")] id: ID,
    ) -> Option<FieldResult<Employee>> {
        nullable(ctx, async {
            let id = arguments::id("id", &id)?;
            repository(ctx)?.employee(id).await
        })
        .await
    }

    /// The vendors' directories of employees: by vendor, then by number, the smallest first.
    async fn employees(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many, from 1 to the configured maximum; null means 20.",
            default_with = "Some(DEFAULT_FIRST)"
        )]
        first: Option<i32>,
        #[graphql(desc = "A cursor of this field and filter: the page starts after it.")]
        after: Option<String>,
        #[graphql(desc = "Narrows the list; null narrows nothing.")] filter: Option<EmployeeFilter>,
    ) -> Option<FieldResult<EmployeeConnection>> {
        answered(ctx, async {
            let page = arguments::page(ctx, first, after, DEFAULT_FIRST)?;
            let filter = filter.unwrap_or_default();
            let search = filter.search;
            let search = search.map(|text| arguments::search("filter.search", text));
            let employees = repository(ctx)?
                .employees(
                    page,
                    arguments::vendors(filter.vendors),
                    search.transpose()?,
                )
                .await?;
            Ok(employees.into())
        })
        .await
    }

    /// One category of any level. Null where there is none of this id.
    async fn category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A category's id.")] id: ID,
    ) -> Option<FieldResult<Category>> {
        nullable(ctx, async {
            let id = arguments::id("id", &id)?;
            repository(ctx)?.category(id).await
        })
        .await
    }

    /// Top-level categories; their children are reached through `children`.
    async fn categories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The vendors whose categories are listed; null means all.")]
        vendors: Option<Vec<Vendor>>,
    ) -> Option<FieldResult<CategoryList>> {
        answered(ctx, async {
            let (categories, sources) = repository(ctx)?
                .categories(arguments::vendors(vendors))
                .await?;
            Ok(CategoryList {
                categories,
                sources,
            })
        })
        .await
    }

    /// The organisations that the desks serve.
    async fn sponsors(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<Sponsor>>> {
        answered(ctx, async {
            let sponsors = repository(ctx)?.sponsors().await?;
            Ok(sponsors.into_iter().map(Sponsor::from).collect())
        })
        .await
    }

    /// The reasons that a ticket's status can be given.
    async fn termination_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The status that the reasons are for; null means every status.")]
        status: Option<TicketStatus>,
    ) -> Option<FieldResult<Vec<TerminationCode>>> {
        answered(ctx, async {
            let status = status
                .map(|status| arguments::status("status", status))
                .transpose()?;
            let codes = repository(ctx)?.termination_codes(status).await?;
            Ok(codes.into_iter().map(TerminationCode::from).collect())
        })
        .await
    }

    /// Counts of tickets for a dashboard, taken from the vendors' own totals, never by reading whole lists where a total
    /// serves.
    async fn ticket_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tickets are counted; null means all.")] filter: Option<
            TicketFilter,
        >,
    ) -> Option<FieldResult<TicketStats>> {
        answered(ctx, async {
            let filter = filter.unwrap_or_default().read("filter")?;
            let stats = repository(ctx)?.ticket_stats(filter).await?;
            Ok(TicketStats(stats))
        })
        .await
    }

    /// Counts of service records by day and vendor for a dashboard, taken from the vendors' own totals.
    async fn service_record_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day, in each vendor's own zone.")] from: Date,
        #[graphql(desc = "The last day, included; 92 days may be counted at once.")] to: Date,
        #[graphql(desc = "The vendors that are counted; null means all.")] vendors: Option<
            Vec<Vendor>,
        >,
    ) -> Option<FieldResult<ServiceRecordStats>> {
        answered(ctx, async {
            arguments::check_order(("from", from.0), ("to", to.0))?;
            let stats = repository(ctx)?
                .service_record_stats(from.0, to.0, arguments::vendors(vendors))
                .await?;
            Ok(ServiceRecordStats(stats))
        })
        .await
    }

    /// Each configured vendor, as the gateway sees it now. No vendor is called for it.
    async fn vendors(&self, ctx: &Context<'_>) -> FieldResult<Vec<VendorStatus>> {
        let vendors = repository(ctx)?.vendors()?;
        Ok(vendors.into_iter().map(VendorStatus).collect())
    }
}

/// Narrows a list of employees. Null filters nothing, an empty list matches nothing.
#[derive(InputObject, Default)]
pub(super) struct EmployeeFilter {
    /// Only employees of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only employees whose name, number or e-mail address contains this text, of at most 500 characters.
    search: Option<String>,
}
