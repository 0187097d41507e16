//! How many bytes a cached value takes, close enough for the cache's bound.

use std::{mem::size_of, sync::Arc};

use crate::domain::{
    Category, CategoryNames, ChannelAccount, ChatMessage, ChatSender, Contact, CustomField,
    Employee, EmployeeGroup, Image, Loaded, Photo, Rating, RemoteSession, ServiceLog,
    ServiceReason, ServiceRecord, ServiceResult, ServiceSummary, Sponsor, TerminationCode, Ticket,
    Transcript, VendorPage,
};
use crate::listing::Window;

/// The whole size of a value, with what it owns.
pub(super) trait Weight {
    fn bytes(&self) -> usize {
        size_of_val(self) + self.owned_bytes()
    }

    /// What it owns beyond itself.
    fn owned_bytes(&self) -> usize;
}

/// An allocation's own overhead, and an Arc's two counters.
const ALLOCATION_BYTES: usize = 16;
const ARC_BYTES: usize = 16 + ALLOCATION_BYTES;

/// Weighs structs by all of their fields, so that a struct with a new field does not compile before the field is weighed. The
/// fields after `plain` own nothing: they are `Copy`.
macro_rules! weighed {
    ($($name:ident { $($field:ident),*; plain $($plain:ident),* })*) => {$(
        impl Weight for $name {
            fn owned_bytes(&self) -> usize {
                let $name { $($field,)* $($plain,)* } = self;
                0 $(+ $field.owned_bytes())* $(+ owned_bytes_of_copy($plain))*
            }
        }
    )*};
}

fn owned_bytes_of_copy<T: Copy>(_: &T) -> usize {
    0
}

weighed! {
    ServiceRecord {
        handler, contact, problem, solution, memo, rating, category, custom_fields, reasons, transcript, logs, result,
        sponsor, remote_session;
        plain id, updated_at, detail, channel, status, created_at, queued_at, started_at, ended_at, duration_seconds, is_resolved,
        wrap_up_completed_at, bound_type, payment, may_have_summary, unjudged
    }
    Ticket {
        subject, content, status_memo, contact, category, handler, creator, sponsor, termination_code, service_records;
        plain id, status, priority, due_at, created_at, updated_at, unjudged
    }
    Employee {
        name, first_name, last_name, employee_no, email, mobile, phone, photo, extension, job_title, department, groups,
        custom_fields;
        plain id, detail, gender, is_admin, is_active, created_at, updated_at
    }
    EmployeeGroup { name, supervisor; plain id }
    Rating { comment; plain score }
    ServiceLog {
        provider_type, account;
        plain id, channel, queued_at, started_at, ended_at, service_seconds, status_code, bound_type, can_listen
    }
    ServiceResult { name, description, category; plain id, detail }
    ServiceReason { name, description; plain id }
    RemoteSession {
        client_id, host, service_card_id;
        plain has_chat, has_remote_control, has_file_transfer, file_count
    }
    Contact {
        name, first_name, last_name, company, membership_no, identity_no, birth_date, contact_method, sponsor;
        plain id
    }
    Category { name, description, parent; plain id, detail }
    Sponsor { name, description; plain id, detail }
    TerminationCode { name, description; plain id, detail, status }
    ChatMessage { text, payload, sender, raw_type; plain id, sent_at, kind, is_survey }
    CustomField { key, values; plain }
    ServiceSummary { template, fields; plain }
}

impl<T: Weight> Weight for Window<T> {
    fn owned_bytes(&self) -> usize {
        let Window {
            rows,
            undated,
            span: _,
            older: _,
            list_total: _,
            is_too_large: _,
            calls: _,
        } = self;
        rows.owned_bytes() + undated.owned_bytes()
    }
}

impl<T: Weight> Weight for VendorPage<T> {
    fn owned_bytes(&self) -> usize {
        let VendorPage {
            items,
            total: _,
            per_page: _,
            last_page: _,
            has_next: _,
            unreadable: _,
        } = self;
        items.owned_bytes()
    }
}

impl Weight for Transcript {
    fn owned_bytes(&self) -> usize {
        match self {
            Transcript::Held(messages) => messages.owned_bytes(),
            Transcript::Listed | Transcript::Elsewhere => 0,
        }
    }
}

impl Weight for ChatSender {
    fn owned_bytes(&self) -> usize {
        let ChatSender {
            role: _,
            name,
            vendor_id,
            // The record's handler, which the record owns.
            employee: _,
        } = self;
        name.owned_bytes() + vendor_id.owned_bytes()
    }
}

impl Weight for ChannelAccount {
    fn owned_bytes(&self) -> usize {
        let ChannelAccount { id, name } = self;
        id.channel.owned_bytes() + name.owned_bytes()
    }
}

impl Weight for Photo {
    fn owned_bytes(&self) -> usize {
        match self {
            Photo::OfVendor(text) | Photo::Public(text) => text.owned_bytes(),
        }
    }
}

impl Weight for Image {
    fn owned_bytes(&self) -> usize {
        let Image {
            image_type: _,
            bytes,
        } = self;
        bytes.len() + ALLOCATION_BYTES
    }
}

impl Weight for CategoryNames {
    fn owned_bytes(&self) -> usize {
        let CategoryNames(names) = self;
        names.owned_bytes()
    }
}

impl Weight for String {
    fn owned_bytes(&self) -> usize {
        self.capacity() + ALLOCATION_BYTES
    }
}

impl Weight for u64 {
    fn owned_bytes(&self) -> usize {
        0
    }
}

impl<T: Weight> Weight for Option<T> {
    fn owned_bytes(&self) -> usize {
        self.as_ref().map_or(0, Weight::owned_bytes)
    }
}

impl<T: Weight> Weight for Loaded<T> {
    fn owned_bytes(&self) -> usize {
        self.value().map_or(0, Weight::owned_bytes)
    }
}

impl<T: Weight> Weight for Arc<T> {
    fn owned_bytes(&self) -> usize {
        ARC_BYTES + (**self).bytes()
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn owned_bytes(&self) -> usize {
        let spare = (self.capacity() - self.len()) * size_of::<T>();
        ALLOCATION_BYTES + spare + self.iter().map(Weight::bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
