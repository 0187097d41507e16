//! Categories: each vendor's tree, from its directory.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Kept, Repository, flight, source_of, tolerate};
use crate::{
    domain::{Category, CategoryId, Scope, SourceStatus, Vendor},
    error::Result,
    upstream::VendorApi,
};

impl Repository {
    pub async fn category(&self, id: CategoryId) -> Result<Option<Arc<Category>>> {
        self.authorize(Scope::Read)?;
        let tree = self.category_tree(self.vendor(id.vendor)?).await?;
        Ok(tree
            .value
            .iter()
            .find(|category| category.id == id)
            .cloned())
    }

    /// Top-level categories.
    pub async fn categories(
        &self,
        vendors: Option<Vec<Vendor>>,
    ) -> Result<(Vec<Arc<Category>>, Vec<SourceStatus>)> {
        self.authorize(Scope::Read)?;
        let is_asked = |vendor: &Arc<dyn VendorApi>| {
            vendors
                .as_ref()
                .is_none_or(|vendors| vendors.contains(&vendor.vendor()))
        };
        let asked = self.shared.vendors.iter().filter(|vendor| is_asked(vendor));
        let trees = join_all(asked.map(|vendor| self.category_tree(vendor))).await;
        tolerate(&trees)?;

        let mut trees = trees.into_iter();
        let mut nodes = Vec::new();
        let mut sources = Vec::new();
        for vendor in &self.shared.vendors {
            let Some(tree) = is_asked(vendor).then(|| trees.next()).flatten() else {
                sources.push(SourceStatus::skipped(vendor.vendor()));
                continue;
            };
            let top: Vec<_> = tree
                .iter()
                .flat_map(|tree| tree.value.iter())
                .filter(|category| category.id.level == 1)
                .cloned()
                .collect();
            sources.extend(source_of(&**vendor, tree.as_ref(), Some(top.len() as u64)));
            nodes.extend(top);
        }
        Ok((nodes, sources))
    }

    pub async fn category_children(&self, id: CategoryId) -> Result<Vec<Arc<Category>>> {
        self.authorize(Scope::Read)?;
        let tree = self.category_tree(self.vendor(id.vendor)?).await?;
        let is_child = |category: &&Arc<Category>| {
            category
                .parent
                .as_ref()
                .is_some_and(|parent| parent.id == id)
        };
        Ok(tree.value.iter().filter(is_child).cloned().collect())
    }

    async fn category_tree(&self, vendor: &Arc<dyn VendorApi>) -> Result<Kept<Vec<Arc<Category>>>> {
        let read = self.directory(vendor, |vendor, scope| {
            flight(async move { vendor.categories(&scope).await })
        });
        read.await
    }
}
