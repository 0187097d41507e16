//! Sponsors, from the vendors' directories.

use std::sync::Arc;

use super::{Cached, Repository};
use crate::{
    domain::{Scope, Sponsor, SponsorId},
    error::Result,
    upstream::{VendorApi, join},
};

impl Repository {
    pub async fn sponsor(&self, id: SponsorId) -> Result<Option<Arc<Sponsor>>> {
        self.authorize(Scope::Read)?;
        let sponsors = self.sponsors_of(self.vendor(id.vendor)?).await?;
        Ok(sponsors
            .value
            .iter()
            .find(|sponsor| sponsor.id == id)
            .cloned())
    }

    pub async fn sponsors(&self) -> Result<Vec<Arc<Sponsor>>> {
        self.authorize(Scope::Read)?;
        let vendors = self.shared.vendors.iter();
        let parts = join::join_all(vendors.map(|vendor| self.sponsors_of(vendor))).await?;
        Ok(parts
            .iter()
            .flat_map(|part| part.value.iter().cloned())
            .collect())
    }

    async fn sponsors_of(&self, vendor: &Arc<dyn VendorApi>) -> Result<Cached<Vec<Arc<Sponsor>>>> {
        self.directory(vendor, async |vendor, scope| vendor.sponsors(&scope).await)
            .await
    }
}
