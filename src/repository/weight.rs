//! How many bytes a cached answer takes, close enough for the cache's bound.

use std::{mem::size_of, sync::Arc};

use crate::domain::{
    Category, CategoryNames, ChatMessage, Contact, CustomField, Employee, EmployeeGroup, Loaded,
    Rating, RemoteSession, ServiceLog, ServiceRecord, ServiceResult, ServiceSummary, Sponsor,
    TerminationCode, Ticket, Transcript, VendorPage,
};

/// The whole size of a value, what it owns included.
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

macro_rules! owns {
    ($($name:ty: $($field:ident),*;)*) => {$(
        impl Weight for $name {
            fn owned_bytes(&self) -> usize {
                0 $(+ self.$field.owned_bytes())*
            }
        }
    )*};
}

owns! {
    ServiceRecord: handler, contact, problem, solution, memo, rating, category, custom_fields, transcript, logs, result, sponsor, remote_session;
    Ticket: subject, content, status_memo, contact, category, handler, creator, sponsor, termination_code, service_records;
    Employee: name, employee_no, email, mobile, photo_url, extension, job_title, department, groups;
    EmployeeGroup: name, supervisor;
    Rating: comment;
    ServiceLog: provider_type;
    ServiceResult: name, description;
    RemoteSession: client_id, host, service_card_id;
    Contact: name, company, membership_no, identity_no, birth_date, contact_method;
    Category: name, description, parent;
    Sponsor: name, description;
    TerminationCode: name, description;
    ChatMessage: text, raw_type;
    CustomField: key, values;
    ServiceSummary: template, fields;
}

impl Weight for String {
    fn owned_bytes(&self) -> usize {
        self.capacity() + ALLOCATION_BYTES
    }
}

impl Weight for CategoryNames {
    fn owned_bytes(&self) -> usize {
        self.0.owned_bytes()
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

impl<A, B: Weight> Weight for (A, B) {
    fn owned_bytes(&self) -> usize {
        self.1.owned_bytes()
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

impl<T: Weight> Weight for VendorPage<T> {
    fn owned_bytes(&self) -> usize {
        self.items.owned_bytes()
    }
}

#[cfg(test)]
mod tests;
