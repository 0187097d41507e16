//! The customer, and the organisation that a desk serves.

use std::sync::Arc;

use super::{ContactId, Detail, SponsorId};

/// A customer. Membership, identity and birth date, and ways to reach them, are personal data.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    pub id: Option<ContactId>,
    pub name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub membership_no: Option<String>,
    pub identity_no: Option<String>,
    pub birth_date: Option<String>,
    pub contact_method: Option<String>,
    pub sponsor: Option<Arc<Sponsor>>,
}

#[derive(Debug, Clone)]
pub struct Sponsor {
    pub id: SponsorId,
    pub detail: Detail,
    pub name: Option<String>,
    pub description: Option<String>,
}
