//! Filters as FirstLine's query strings have them.

use jiff::{SignedDuration, Timestamp, civil};

use super::{ArrayStyle, EndBound, FirstLine, Query, VENDOR, mapping, own_number};
use crate::domain::{GlobalId, ServiceRecordFilter, TicketFilter, VendorNumber};

impl FirstLine {
    pub(super) fn record_query(&self, filter: &ServiceRecordFilter) -> Query {
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
    pub(super) fn ticket_query(&self, filter: &TicketFilter) -> Option<Query> {
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
        printed_local(self.zone.earliest_local(bound))
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
        printed_local(self.zone.latest_local(bound))
    }

    pub(super) fn printed(&self, timestamp: Timestamp) -> String {
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

fn own_numbers<Id: GlobalId>(
    ids: impl Iterator<Item = (Id, VendorNumber)>,
) -> impl Iterator<Item = String> {
    ids.filter_map(|(id, number)| own_number(id, number).ok())
        .map(|number| number.to_string())
}
