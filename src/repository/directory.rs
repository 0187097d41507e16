//! The directories that one request has read: each of them once, failures included, also without a cache.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Cached, weight::Weight};
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

type OfEachVendor<T> = [OnceCell<Result<Cached<Vec<Arc<T>>>>>; Vendor::ALL.len()];

/// An object that a vendor lists whole.
pub(super) trait DirectoryObject: Weight + Send + Sync + 'static {
    const TOPIC: Topic;

    fn of(directories: &Directories) -> &OfEachVendor<Self>
    where
        Self: Sized;
}

macro_rules! directories {
    ($($object:ident as $topic:ident in $directory:ident;)*) => {$(
        impl DirectoryObject for $object {
            const TOPIC: Topic = Topic::$topic;

            fn of(directories: &Directories) -> &OfEachVendor<Self> {
                &directories.$directory
            }
        }
    )*};
}

directories! {
    Employee as Employees in employees;
    Category as Categories in categories;
    Sponsor as Sponsors in sponsors;
    TerminationCode as TerminationCodes in termination_codes;
}
