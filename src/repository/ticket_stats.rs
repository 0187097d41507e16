//! Counts of tickets by status, from the vendors' own totals while these agree, and from the rows where a filter is not applied.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    Lifetime, Repository, Shared, Topic,
    list::{TOTAL_ONLY, VendorList},
    stats::contradiction,
    weight::Weight,
};
use crate::{
    context::RequestScope,
    domain::{
        FilterParameter, FilterParameters, Scope, Ticket, TicketFilter, TicketStats, TicketStatus,
        VendorPageRequest,
    },
    error::Result,
    listing::Feed,
    upstream::{VendorApi, join},
};

const OPEN: [TicketStatus; 2] = [TicketStatus::Pending, TicketStatus::InProgress];

/// The counts of one filter rest on no more parameters than this.
const MOST_REFUTATIONS: usize = 12;

impl Repository {
    /// One reading: a call for each status, one for the total and one for what is overdue, side by side.
    pub async fn ticket_stats(&self, filter: TicketFilter) -> Result<TicketStats> {
        self.authorize(Scope::Read)?;
        for vendor in filter.vendors_of_ids() {
            self.vendor(vendor)?;
        }
        let counts = self.shared.vendors.iter().map(async |vendor| {
            let narrowed = filter.narrowed_to(vendor.vendor());
            match narrowed.filter(|_| vendor.capabilities().has_tickets) {
                Some(narrowed) => self.ticket_stats_of(vendor, narrowed).await,
                None => Ok(TicketStats::none()),
            }
        });
        let counts = join::join_all(counts).await?;
        Ok(counts.iter().fold(TicketStats::none(), TicketStats::plus))
    }

    async fn ticket_stats_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
        filter: TicketFilter,
    ) -> Result<TicketStats> {
        let cache = &self.shared.cache;
        let canonical = filter.canonical();
        let read = ("stats", canonical.as_str());
        let key = cache.key(vendor.vendor(), Topic::Tickets, Lifetime::List, read);
        let shared = &self.shared;
        let read = shared.read(&self.scope, vendor, key, |vendor, scope| {
            let (shared, filter) = (Arc::clone(shared), filter.clone());
            async move { shared.count_tickets(&vendor, &scope, &filter).await }
        });
        let stats = read.await?.value;
        Ok(TicketStats::clone(&stats))
    }
}

impl Shared {
    /// By the vendor's totals, or by its rows once it turns out that it does not apply a filter that the totals rest on.
    async fn count_tickets(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        filter: &TicketFilter,
    ) -> Result<TicketStats> {
        use FilterParameter::*;
        let rests_on = filter
            .parameters()
            .union(FilterParameters::from_iter([Statuses, DueTo]));
        for _ in 0..MOST_REFUTATIONS {
            let capabilities = vendor.capabilities();
            let left_over = capabilities.left_to_gateway(Topic::Tickets);
            let list = VendorList::<Ticket>::new(self, scope, vendor, filter.clone());
            let may_be_totals = left_over.intersection(rests_on).is_empty()
                && self
                    .totals_keep_to_time(&list, vendor, scope, filter)
                    .await?;
            let counted = match may_be_totals {
                true => self.count_by_totals(vendor, scope, filter).await,
                false => self.count_rows_of(list, vendor).await,
            };
            let known = capabilities.unapplied_filters.revision;
            if known == vendor.capabilities().unapplied_filters.revision {
                return counted;
            }
            self.drop_read(vendor.vendor(), Topic::Tickets);
        }
        Err(contradiction(vendor.vendor(), "the filtered tickets"))
    }

    /// Whether the vendor applies the bounds of the creation time to its totals: then the tickets within and without them are no
    /// more than all. What a total selects has no rows that would show it.
    async fn totals_keep_to_time(
        &self,
        list: &VendorList<'_, Ticket>,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        filter: &TicketFilter,
    ) -> Result<bool> {
        if filter.created_from.is_none() && filter.created_to.is_none() {
            return Ok(true);
        }
        if !list.applies_time() {
            return Ok(false);
        }
        if let Some(known) = self.observations.totals_apply_time(list.kind()) {
            return Ok(known);
        }

        let created = |from: Option<Timestamp>, to: Option<Timestamp>| TicketFilter {
            statuses: None,
            created_from: from,
            created_to: to,
            ..filter.clone()
        };
        let second = SignedDuration::from_secs(1);
        let mut filters = vec![
            created(None, None),
            created(filter.created_from, filter.created_to),
        ];
        filters.extend(
            filter
                .created_from
                .map(|from| created(None, Some(from - second))),
        );
        filters.extend(filter.created_to.map(|to| created(Some(to + second), None)));
        let mut apply_time = false;
        // Tickets may be created while they are counted.
        for _ in 0..2 {
            let counts = filters
                .iter()
                .map(|filter| self.total_of(vendor, scope, filter));
            let counts = join::join_all(counts).await?;
            let parts = counts[1..].iter().copied().fold(0, u64::saturating_add);
            apply_time = parts <= counts[0];
            if apply_time {
                if counts[0] == 0 {
                    return Ok(true);
                }
                break;
            }
        }
        self.observations.note_totals(list.kind(), apply_time);
        if !apply_time {
            tracing::warn!(
                target: "deskgraph::upstream",
                vendor = vendor.vendor().slug(),
                filter.parameter = "creation time",
                "totals of tickets do not keep to the bounds of the creation time: for a while, rows are counted instead"
            );
        }
        Ok(apply_time)
    }

    async fn total_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        filter: &TicketFilter,
    ) -> Result<u64> {
        let page = vendor.ticket_page(scope, filter, TOTAL_ONLY).await?;
        page.total
            .ok_or_else(|| contradiction(vendor.vendor(), "a total of tickets"))
    }

    async fn count_by_totals(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        filter: &TicketFilter,
    ) -> Result<TicketStats> {
        let first = self.read_totals(vendor, scope, filter).await?;
        if first.agreement == Agreement::Exact {
            return Ok(first.stats);
        }
        // Tickets changed while they were counted, or some have a status that the gateway does not know.
        let second = self.read_totals(vendor, scope, filter).await?;
        match second.agreement {
            Agreement::Contradiction => {
                Err(contradiction(vendor.vendor(), "the counts of tickets"))
            }
            _ => Ok(second.stats),
        }
    }

    async fn read_totals(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        filter: &TicketFilter,
    ) -> Result<Totals> {
        let is_included = |status: &TicketStatus| {
            let statuses = filter.statuses.as_ref();
            statuses.is_none_or(|statuses| statuses.contains(status))
        };
        let of_statuses = |statuses: Vec<TicketStatus>| TicketFilter {
            statuses: Some(statuses),
            ..filter.clone()
        };
        // A ticket is overdue once its due time lies before now; the bound of a filter is inclusive, in whole seconds.
        let last_second = last_whole_second_before(Timestamp::now());
        let open: Vec<_> = OPEN.into_iter().filter(is_included).collect();
        let overdue = TicketFilter {
            due_to: Some(filter.due_to.map_or(last_second, |to| to.min(last_second))),
            ..of_statuses(open.clone())
        };
        // Of every status: a total of the statuses alone would be their sum whether or not they are filtered by.
        let whole = TicketFilter {
            statuses: None,
            ..filter.clone()
        };

        let count = async |filter: &TicketFilter| {
            if filter.statuses.as_ref().is_some_and(Vec::is_empty) {
                return Ok(0);
            }
            self.total_of(vendor, scope, filter).await
        };
        let mut filters = vec![whole, overdue];
        let of_status = |status: TicketStatus| {
            of_statuses(Some(status).filter(is_included).into_iter().collect())
        };
        filters.extend(TicketStatus::KNOWN.map(of_status));
        let counts = join::join_all(filters.iter().map(&count)).await?;
        let by_status: Vec<_> = TicketStatus::KNOWN
            .into_iter()
            .zip(counts[2..].iter().copied())
            .collect();
        let mut stats = TicketStats {
            total: counts[0],
            overdue: counts[1],
            by_status,
        };

        let with_a_status = stats.with_a_status();
        let of_open = stats.by_status.iter();
        let of_open = of_open.filter(|(status, _)| OPEN.contains(status));
        let of_open: u64 = of_open.map(|(_, count)| count).sum();
        let mut agreement = match with_a_status.cmp(&stats.total) {
            _ if stats.overdue > of_open => Agreement::Contradiction,
            std::cmp::Ordering::Greater => Agreement::Contradiction,
            std::cmp::Ordering::Less if filter.statuses.is_none() => Agreement::Possible,
            _ => Agreement::Exact,
        };

        // A filter that selects everything may be one that is not applied: then what it leaves out is there too.
        let mut rest = Vec::new();
        let others = TicketStatus::KNOWN.into_iter();
        let others: Vec<_> = others.filter(|status| !is_included(status)).collect();
        if !others.is_empty() && with_a_status > 0 && with_a_status == stats.total {
            rest.push(of_statuses(others));
        }
        let are_all_overdue = filter.due_to.is_none() && stats.overdue == of_open;
        if are_all_overdue && stats.overdue > 0 {
            let next_second = last_second + SignedDuration::from_secs(1);
            let due_from = filter.due_from;
            rest.push(TicketFilter {
                due_from: Some(due_from.map_or(next_second, |from| from.max(next_second))),
                ..of_statuses(open)
            });
        }
        if agreement != Agreement::Contradiction {
            if are_all_overdue && stats.overdue > 0 {
                // Those without a due time are in neither count: the vendor's page is checked row by row.
                let page = VendorPageRequest {
                    per_page: vendor.capabilities().lists.page_size,
                    ..TOTAL_ONLY
                };
                vendor.ticket_page(scope, &filters[1], page).await?;
            }
            let counts = join::join_all(rest.iter().map(&count)).await?;
            if counts.iter().any(|count| *count > 0) {
                agreement = Agreement::Contradiction;
            }
        }
        if filter.statuses.is_some() {
            stats.total = with_a_status;
        }
        Ok(Totals { stats, agreement })
    }

    /// Reads the whole list, as far as it has no more pages than the gateway reads for a filter that it applies itself.
    async fn count_rows_of(
        &self,
        list: VendorList<'_, Ticket>,
        vendor: &Arc<dyn VendorApi>,
    ) -> Result<TicketStats> {
        let list = list.limited_to(self.limits().max_vendor_pages);
        let read = list.exactly(list.range().span()).await?;
        if let Some(failure) = read.failure {
            return Err(failure.into());
        }
        if read.value.is_too_large {
            return Err(contradiction(vendor.vendor(), "the filtered tickets"));
        }
        let now = Timestamp::now();
        let rows = read.value.rows.iter().chain(&read.value.undated);
        let mut stats = TicketStats::none();
        for ticket in rows.filter(|ticket| list.admits(ticket)) {
            stats.total += 1;
            if OPEN.contains(&ticket.status) && ticket.is_overdue(now) {
                stats.overdue += 1;
            }
            let counts = stats.by_status.iter_mut();
            for (_, count) in counts.filter(|(status, _)| *status == ticket.status) {
                *count += 1;
            }
        }
        Ok(stats)
    }
}

/// What one reading of the totals gave.
struct Totals {
    stats: TicketStats,
    agreement: Agreement,
}

/// Whether the totals can all be true at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Exact,
    /// Where some tickets have a status that the gateway does not know.
    Possible,
    Contradiction,
}

fn last_whole_second_before(now: Timestamp) -> Timestamp {
    let whole = now.as_second() - i64::from(now.subsec_nanosecond() == 0);
    Timestamp::from_second(whole).unwrap_or(now)
}

impl Weight for TicketStats {
    fn owned_bytes(&self) -> usize {
        size_of_val(self.by_status.as_slice())
    }
}
