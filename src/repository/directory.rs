//! The directories that one request has read: each of them once, whatever the cache keeps, and with how that went.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Kept, weight::Weight};
use crate::{
    domain::{Category, Employee, Sponsor, TerminationCode, Topic, Vendor},
    error::Result,
};

#[derive(Default)]
pub(super) struct Directories {
    employees: OfEachVendor<Employee>,
    categories: OfEachVendor<Category>,
    sponsors: OfEachVendor<Sponsor>,
    termination_codes: OfEachVendor<TerminationCode>,
}

type OfEachVendor<T> = [OnceCell<Result<Kept<Vec<Arc<T>>>>>; Vendor::ALL.len()];

/// What a vendor lists whole.
pub(super) trait Listed: Weight + Send + Sync + 'static {
    const TOPIC: Topic;

    fn of(directories: &Directories) -> &OfEachVendor<Self>
    where
        Self: Sized;
}

macro_rules! listed {
    ($($object:ident as $topic:ident in $directory:ident;)*) => {$(
        impl Listed for $object {
            const TOPIC: Topic = Topic::$topic;

            fn of(directories: &Directories) -> &OfEachVendor<Self> {
                &directories.$directory
            }
        }
    )*};
}

listed! {
    Employee as Employees in employees;
    Category as Categories in categories;
    Sponsor as Sponsors in sponsors;
    TerminationCode as TerminationCodes in termination_codes;
}
