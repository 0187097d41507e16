//! The customers.

use std::sync::Arc;

use super::{Mapping, VENDOR, sponsor::sponsor_by, wire};
use crate::{
    domain::{Contact, ContactId, Loaded, VendorNumber},
    upstream::wire::PrintedTime,
};

impl Mapping<'_> {
    pub(super) fn contact(
        &self,
        id: Loaded<VendorNumber>,
        contact: Loaded<wire::Contact>,
    ) -> Option<Arc<Contact>> {
        let id = id.into_value();
        let contact = contact
            .into_value()
            .map(|contact| self.contact_of(contact, id))
            .filter(|contact| contact.id.is_some() || contact.name.is_some());
        let reference = |id| Contact {
            id: Some(ContactId::new(VENDOR, id)),
            ..Contact::default()
        };
        contact.or_else(|| id.map(reference)).map(Arc::new)
    }

    fn contact_of(&self, wire: wire::Contact, id: Option<VendorNumber>) -> Contact {
        let id = wire.id.into_value().or(id);
        Contact {
            id: id.map(|id| ContactId::new(VENDOR, id)),
            name: wire.name.into_value(),
            first_name: wire.first_name.into_value(),
            last_name: wire.last_name.into_value(),
            membership_no: wire.membership_no.into_value(),
            identity_no: wire.identity_no.into_value(),
            // A date here and a date-time there.
            birth_date: wire.birth_at.value().map(|printed| match printed {
                PrintedTime::Local(local) => local.date().to_string(),
                PrintedTime::Instant(timestamp) => self.zone.local(*timestamp).date().to_string(),
            }),
            company: None,
            contact_method: None,
            sponsor: sponsor_by(wire.sponsor_id, wire.sponsor)
                .into_value()
                .map(Arc::new),
        }
    }
}
