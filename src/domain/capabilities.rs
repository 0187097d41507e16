//! What a vendor can do, in the gateway's own terms. Everything above the vendors decides by this, never by a vendor's name.

use super::{
    FilterParameter, FilterParameters, ListOrder, ServiceRecordFilter, TimeGranularity, Topic,
    Vendor,
};

/// What one vendor can do. Of this, `unapplied_filters` alone changes while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the vendor has tickets. Where it has, they can also be written.
    pub has_tickets: bool,
    pub has_editable_service_records: bool,
    pub service_record_filters: ServiceRecordFilters,
    pub unapplied_filters: UnappliedFilters,
    pub service_record_lookup: ServiceRecordLookup,
    pub lists: ListCapabilities,
    /// The level of the most specific categories. The top level is 1.
    pub deepest_category_level: u8,
    pub category_source: CategorySource,
    /// Whether the vendor filters its employees by a text. The gateway does so for one that does not.
    pub has_employee_search: bool,
    /// Whether the gateway's account may lack the permission to read the directory, and still get an employee by id.
    pub may_refuse_directory: bool,
}

/// The filters of service records that the vendor knows. Every vendor filters by time and by handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceRecordFilters {
    pub handler_group: bool,
    pub contact: bool,
    /// The gateway itself filters the list of a vendor that does not.
    pub completed: bool,
}

/// The filters that the vendor accepts and lately did not apply, as the rows of its lists showed. The gateway applies them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnappliedFilters {
    pub service_records: FilterParameters,
    pub tickets: FilterParameters,
    /// How often it was learned that a filter is not applied as it was sent. What was read before the last time may not have been
    /// filtered.
    pub revision: u64,
}

impl Capabilities {
    /// The parameters that the gateway has to apply to a list.
    pub fn left_to_gateway(&self, list: Topic) -> FilterParameters {
        match list {
            Topic::ServiceRecords if self.service_record_filters.completed => {
                self.unapplied_filters.service_records
            }
            Topic::ServiceRecords => self
                .unapplied_filters
                .service_records
                .union(FilterParameter::Completed.into()),
            Topic::Tickets => self.unapplied_filters.tickets,
            _ => FilterParameters::NONE,
        }
    }
}

/// How a service record is found by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceRecordLookup {
    ById,
    /// In the list of its day. Where the day is not known, the newest pages of the list are searched, up to this many.
    ByDay {
        max_pages: u32,
    },
}

/// How a vendor's lists by creation time are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListCapabilities {
    /// The finest difference that the vendor's filter by creation time makes.
    pub granularity: TimeGranularity,
    /// The order that is configured for the vendor's lists. It is a hint.
    pub order: Option<ListOrder>,
    /// How many rows the gateway requests with a page.
    pub page_size: u32,
}

/// Where a vendor's categories come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategorySource {
    Directory,
    /// The vendor lists its categories nowhere: they are collected from its newest service records.
    NewestServiceRecords {
        count: u32,
    },
}

/// How one vendor takes part in a list of service records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterPlan {
    /// No record of this vendor can match.
    Nothing,
    /// The vendor's list is read.
    Read,
}

impl ServiceRecordFilters {
    pub fn plan(&self, vendor: Vendor, filter: &ServiceRecordFilter) -> FilterPlan {
        let is_foreign = |named: Option<Vendor>| named.is_some_and(|named| named != vendor);
        let is_left_out = filter
            .vendors
            .as_ref()
            .is_some_and(|vendors| !vendors.contains(&vendor));

        if is_left_out
            || is_foreign(filter.handler.map(|id| id.vendor))
            || is_foreign(filter.handler_group.map(|id| id.vendor))
            || is_foreign(filter.contact.map(|id| id.vendor))
            || (filter.handler_group.is_some() && !self.handler_group)
            || (filter.contact.is_some() && !self.contact)
        {
            return FilterPlan::Nothing;
        }
        FilterPlan::Read
    }
}

/// What each configured vendor can do.
#[derive(Debug, Clone, Default)]
pub struct VendorCapabilities(Vec<(Vendor, Capabilities)>);

impl VendorCapabilities {
    /// None where the vendor is not configured.
    pub fn of(&self, vendor: Vendor) -> Option<&Capabilities> {
        let known = self.0.iter().find(|(known, _)| *known == vendor);
        known.map(|(_, capabilities)| capabilities)
    }

    /// The vendor that gets a new ticket: the first one with tickets.
    pub fn ticket_vendor(&self) -> Option<Vendor> {
        let with_tickets = self
            .0
            .iter()
            .find(|(_, capabilities)| capabilities.has_tickets);
        with_tickets.map(|(vendor, _)| *vendor)
    }
}

impl FromIterator<(Vendor, Capabilities)> for VendorCapabilities {
    fn from_iter<I: IntoIterator<Item = (Vendor, Capabilities)>>(vendors: I) -> Self {
        Self(vendors.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContactId, EmployeeGroupId, EmployeeId, VendorNumber};

    const NUMBER: VendorNumber = VendorNumber::SMALLEST;
    const NONE: ServiceRecordFilters = ServiceRecordFilters {
        handler_group: false,
        contact: false,
        completed: false,
    };
    const ALL: ServiceRecordFilters = ServiceRecordFilters {
        handler_group: true,
        contact: true,
        completed: true,
    };

    #[test]
    fn a_vendor_without_a_filter_takes_no_part_or_leaves_it_to_the_gateway() {
        let vendor = Vendor::Bangwo8;
        let any = ServiceRecordFilter::default;
        for (filter, with_none) in [
            (any(), FilterPlan::Read),
            (
                ServiceRecordFilter {
                    handler: Some(EmployeeId::new(vendor, NUMBER)),
                    ..any()
                },
                FilterPlan::Read,
            ),
            (
                ServiceRecordFilter {
                    completed: Some(false),
                    ..any()
                },
                FilterPlan::Read,
            ),
            (
                ServiceRecordFilter {
                    handler_group: Some(EmployeeGroupId::new(vendor, NUMBER)),
                    ..any()
                },
                FilterPlan::Nothing,
            ),
            (
                ServiceRecordFilter {
                    contact: Some(ContactId::new(vendor, NUMBER)),
                    ..any()
                },
                FilterPlan::Nothing,
            ),
        ] {
            assert_eq!(NONE.plan(vendor, &filter), with_none, "{filter:?}");
            assert_eq!(ALL.plan(vendor, &filter), FilterPlan::Read, "{filter:?}");
        }
    }

    #[test]
    fn a_vendor_takes_no_part_in_a_list_by_the_ids_of_another() {
        let other = Vendor::FirstLine;
        for filter in [
            ServiceRecordFilter {
                vendors: Some(vec![other]),
                ..ServiceRecordFilter::default()
            },
            ServiceRecordFilter {
                handler: Some(EmployeeId::new(other, NUMBER)),
                ..ServiceRecordFilter::default()
            },
            ServiceRecordFilter {
                handler_group: Some(EmployeeGroupId::new(other, NUMBER)),
                ..ServiceRecordFilter::default()
            },
            ServiceRecordFilter {
                contact: Some(ContactId::new(other, NUMBER)),
                ..ServiceRecordFilter::default()
            },
        ] {
            assert_eq!(
                ALL.plan(Vendor::Bangwo8, &filter),
                FilterPlan::Nothing,
                "{filter:?}"
            );
        }
    }
}
