//! Filters as FirstLine names them.

use jiff::{SignedDuration, Timestamp, civil};

use super::{
    EndBound, FirstLine, VENDOR, filter_form::SentFilter, mapping, own_number, wire::FilterValue,
};
use crate::domain::{FilterParameter, GlobalId, ServiceRecordFilter, TicketFilter, VendorNumber};

impl FirstLine {
    pub(super) fn record_query(&self, filter: &ServiceRecordFilter) -> Vec<SentFilter> {
        use FilterParameter::*;
        let mut sent = Vec::new();
        let mut narrow = |parameter, name, number: Option<VendorNumber>| {
            sent.extend(number.map(|number| SentFilter::number(parameter, name, number)));
        };
        narrow(Handler, "handler_id", filter.handler.map(|id| id.number));
        let group = filter.handler_group.map(|id| id.number);
        narrow(HandlerGroup, "handler_group_id", group);
        narrow(Contact, "contact_id", filter.contact.map(|id| id.number));

        self.bound_created(&mut sent, filter.from, filter.to);
        sent.extend(filter.completed.map(|completed| SentFilter {
            parameter: Completed,
            name: "is_acw_completed",
            bracketed: None,
            value: FilterValue::Flag(completed),
        }));
        sent
    }

    /// None when no ticket of this vendor can match.
    pub(super) fn ticket_query(&self, filter: &TicketFilter) -> Option<Vec<SentFilter>> {
        use FilterParameter::*;
        if let Some(vendors) = &filter.vendors
            && !vendors.contains(&VENDOR)
        {
            return None;
        }

        let mut sent = Vec::new();
        let search = filter.search.as_ref();
        sent.extend(search.map(|text| SentFilter::text(Search, "search", text.clone())));
        if let Some(contact) = filter.contact {
            let number = own_number(contact, contact.number).ok()?;
            sent.push(SentFilter::number(Contact, "contact_id", number));
        }
        if let Some(sponsor) = filter.sponsor {
            let number = own_number(sponsor, sponsor.number).ok()?;
            sent.push(SentFilter::number(Sponsor, "sponsor_id", number));
        }
        if let Some(statuses) = &filter.statuses {
            let codes = statuses.iter().copied();
            let codes = codes.filter_map(mapping::ticket_status_code).map(u64::from);
            sent.push(list(Statuses, ["statuses", "statuses[]"], codes)?);
        }
        if let Some(ids) = &filter.termination_codes {
            let ids = ids.iter().map(|id| (*id, id.number));
            let names = ["termination_code_ids", "termination_code_ids[]"];
            sent.push(list(TerminationCodes, names, own_numbers(ids))?);
        }
        if let Some(ids) = &filter.handlers {
            let ids = ids.iter().map(|id| (*id, id.number));
            let names = ["handler_ids", "handler_ids[]"];
            sent.push(list(Handler, names, own_numbers(ids))?);
        }
        if let Some(ids) = &filter.creators {
            let ids = ids.iter().map(|id| (*id, id.number));
            let names = ["creater_ids", "creater_ids[]"];
            sent.push(list(Creator, names, own_numbers(ids))?);
        }

        sent.extend(
            filter
                .due_from
                .map(|from| SentFilter::text(DueFrom, "due_at__start", self.lower_bound(from))),
        );
        sent.extend(
            filter
                .due_to
                .map(|to| SentFilter::text(DueTo, "due_at__end", self.upper_bound(to))),
        );
        self.bound_created(&mut sent, filter.created_from, filter.created_to);
        Some(sent)
    }

    fn bound_created(
        &self,
        sent: &mut Vec<SentFilter>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) {
        let bound = |name, value| SentFilter::text(FilterParameter::Created, name, value);
        sent.extend(from.map(|from| bound("created_at__start", self.lower_bound(from))));
        sent.extend(to.map(|to| bound("created_at__end", self.upper_bound(to))));
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

/// None when nothing is left to match: an empty list must not be sent, or it would narrow nothing.
fn list(
    parameter: FilterParameter,
    [name, bracketed]: [&'static str; 2],
    numbers: impl Iterator<Item = u64>,
) -> Option<SentFilter> {
    let numbers: Vec<u64> = numbers.collect();
    (!numbers.is_empty()).then_some(SentFilter {
        parameter,
        name,
        bracketed: Some(bracketed),
        value: FilterValue::Numbers(numbers),
    })
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
) -> impl Iterator<Item = u64> {
    ids.filter_map(|(id, number)| own_number(id, number).ok())
        .map(VendorNumber::get)
}
