//! Maps FirstLine's responses to domain objects. No peculiarity of the vendor is visible outside.

mod category;
mod channel;
mod chat;
mod contact;
mod employee;
mod photo;
mod refusal;
mod service_record;
mod sponsor;
mod termination_code;
mod ticket;

use reqwest::Url;

use super::{VENDOR, wire};
use crate::{
    domain::{DateTime, Detail, Loaded, VendorZone},
    upstream::wire::{HasId, Identified, PrintedTime},
};
pub(super) use category::{SUBCATEGORY_LEVEL, category_tree};
pub(super) use refusal::{field_faults, is_wrap_up_lock};
pub(super) use sponsor::sponsor;
pub(super) use termination_code::termination_code;
pub(super) use ticket::{ticket_priority_code, ticket_status_code};

/// The settings that mapping a response needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping<'a> {
    pub zone: &'a VendorZone,
    pub base_url: &'a Url,
}

impl Mapping<'_> {
    fn time(&self, printed: &Loaded<PrintedTime>) -> Loaded<DateTime> {
        match printed {
            Loaded::NotLoaded => Loaded::NotLoaded,
            Loaded::Loaded(printed) => Loaded::Loaded(printed.and_then(|printed| match printed {
                PrintedTime::Local(local) => self.zone.instant(local),
                PrintedTime::Instant(timestamp) => Some(self.zone.at(timestamp)),
            })),
        }
    }
}

/// A copy with all that the directory has is as good as the directory's.
fn detail_of_copy(fields_are_loaded: [bool; 2]) -> Detail {
    if fields_are_loaded == [true, true] {
        Detail::Full
    } else {
        Detail::Excerpt
    }
}

/// An embedded object with its id; none where it has no readable one, which in a copy is no reason to fail.
fn identified<T: HasId>(object: T) -> Option<Identified<T>> {
    let id = object.id()?;
    Some(Identified { id, object })
}
