//! Termination codes, from the vendors' directories.

use std::sync::Arc;

use super::{Cached, Repository};
use crate::{
    domain::{Scope, TerminationCode, TerminationCodeId, TicketStatus},
    error::Result,
    upstream::{VendorApi, join},
};

impl Repository {
    pub async fn termination_code(
        &self,
        id: TerminationCodeId,
    ) -> Result<Option<Arc<TerminationCode>>> {
        self.authorize(Scope::Read)?;
        let codes = self.termination_codes_of(self.vendor(id.vendor)?).await?;
        Ok(codes.value.iter().find(|code| code.id == id).cloned())
    }

    pub async fn termination_codes(
        &self,
        status: Option<TicketStatus>,
    ) -> Result<Vec<Arc<TerminationCode>>> {
        self.authorize(Scope::Read)?;
        let vendors = self.shared.vendors.iter();
        let parts = join::join_all(vendors.map(|vendor| self.termination_codes_of(vendor))).await?;
        let is_wanted =
            |code: &&Arc<TerminationCode>| status.is_none_or(|status| code.status == status);
        let codes = parts.iter().flat_map(|part| part.value.iter());
        Ok(codes.filter(is_wanted).cloned().collect())
    }

    async fn termination_codes_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
    ) -> Result<Cached<Vec<Arc<TerminationCode>>>> {
        self.directory(vendor, async |vendor, scope| {
            vendor.termination_codes(&scope).await
        })
        .await
    }
}
