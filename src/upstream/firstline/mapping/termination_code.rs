//! Why tickets are in their status.

use super::{VENDOR, detail_of_copy, identified, ticket::ticket_status, wire};
use crate::{
    domain::{Detail, Loaded, TerminationCode, TerminationCodeId, TicketStatus, VendorNumber},
    upstream::wire::Identified,
};

pub(in crate::upstream::firstline) fn termination_code(
    wire: Identified<wire::TerminationCode>,
) -> TerminationCode {
    TerminationCode {
        id: TerminationCodeId::new(VENDOR, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        status: ticket_status(wire.object.status.into_value()),
    }
}

pub(super) fn termination_code_by(
    id: Loaded<VendorNumber>,
    code: Loaded<wire::TerminationCode>,
) -> Option<TerminationCode> {
    let embedded = code.into_value().and_then(identified).map(|code| {
        let fields = [
            code.object.name.is_loaded(),
            code.object.description.is_loaded() && code.object.status.is_loaded(),
        ];
        TerminationCode {
            detail: detail_of_copy(fields),
            ..termination_code(code)
        }
    });
    let reference = |id| TerminationCode {
        id: TerminationCodeId::new(VENDOR, id),
        detail: Detail::Reference,
        name: None,
        description: None,
        status: TicketStatus::Unknown,
    };
    embedded.or_else(|| id.into_value().map(reference))
}
