//! The organisations that the desk serves.

use super::{VENDOR, detail_of_copy, identified, wire};
use crate::{
    domain::{Detail, Loaded, Sponsor, SponsorId, VendorNumber},
    upstream::wire::Identified,
};

pub(in crate::upstream::firstline) fn sponsor(wire: Identified<wire::Sponsor>) -> Sponsor {
    Sponsor {
        id: SponsorId::new(VENDOR, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
    }
}

pub(super) fn sponsor_by(
    id: Loaded<VendorNumber>,
    sponsor_copy: Loaded<wire::Sponsor>,
) -> Loaded<Sponsor> {
    if !id.is_loaded() && !sponsor_copy.is_loaded() {
        return Loaded::NotLoaded;
    }

    let embedded = sponsor_copy.into_value().and_then(identified).map(|copy| {
        let fields = [
            copy.object.name.is_loaded(),
            copy.object.description.is_loaded(),
        ];
        Sponsor {
            detail: detail_of_copy(fields),
            ..sponsor(copy)
        }
    });
    let reference = |id| Sponsor {
        id: SponsorId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
    };
    Loaded::Loaded(embedded.or_else(|| id.into_value().map(reference)))
}
