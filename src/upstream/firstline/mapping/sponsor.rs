//! The organisations that the desk serves.

use super::{VENDOR, detail_of_copy, identified, wire};
use crate::{
    domain::{Detail, Sponsor, SponsorId, Told, VendorNumber},
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
    id: Told<VendorNumber>,
    sponsor_copy: Told<wire::Sponsor>,
) -> Told<Sponsor> {
    if !id.is_told() && !sponsor_copy.is_told() {
        return Told::Untold;
    }

    let embedded = sponsor_copy.into_value().and_then(identified).map(|copy| {
        let told = [
            copy.object.name.is_told(),
            copy.object.description.is_told(),
        ];
        Sponsor {
            detail: detail_of_copy(told),
            ..sponsor(copy)
        }
    });
    let reference = |id| Sponsor {
        id: SponsorId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
    };
    Told::As(embedded.or_else(|| id.into_value().map(reference)))
}
