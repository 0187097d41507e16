//! Categories: each vendor's tree, from its directory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Cached, Repository, Shared, list::VendorList, source_of};
use crate::{
    context::RequestScope,
    domain::{
        Category, CategoryId, CategoryNames, CategorySource, Scope, ServiceRecord,
        ServiceRecordFilter, SourceStatus, Vendor, VendorNumber,
    },
    error::{Error, Result},
    listing::{Dated, Span},
    upstream::VendorApi,
};

impl Repository {
    pub async fn category(&self, id: CategoryId) -> Result<Option<Arc<Category>>> {
        self.authorize(Scope::Read)?;
        let vendor = self.vendor(id.vendor)?;
        let deepest_level = vendor.capabilities().deepest_category_level;
        if id.level > deepest_level {
            return Err(Error::bad_user_input(format!(
                "not an id of this gateway: it must be of a category of {}, whose levels are 1 to {deepest_level}",
                id.vendor
            )));
        }

        let tree = self.category_tree(vendor).await?;
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
        let selected = vendors.as_deref();
        let trees = self.read_selected(selected, |vendor| self.category_tree(vendor));
        let mut nodes = Vec::new();
        let mut sources = Vec::new();
        for (vendor, tree) in trees.await? {
            let Some(tree) = tree else {
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
        let vendor = self.vendor(id.vendor)?;
        if id.level >= vendor.capabilities().deepest_category_level {
            return Ok(Vec::new());
        }

        let tree = self.category_tree(vendor).await?;
        let is_child = |category: &&Arc<Category>| {
            category
                .parent
                .as_ref()
                .is_some_and(|parent| parent.id == id)
        };
        Ok(tree.value.iter().filter(is_child).cloned().collect())
    }

    async fn category_tree(
        &self,
        vendor: &Arc<dyn VendorApi>,
    ) -> Result<Cached<Vec<Arc<Category>>>> {
        self.directory(vendor, |vendor, scope| {
            let shared = Arc::clone(&self.shared);
            async move {
                match vendor.capabilities().category_source {
                    CategorySource::Directory => vendor.categories(&scope).await,
                    CategorySource::NewestServiceRecords { count } => {
                        shared.shown_categories(&vendor, &scope, count).await
                    }
                }
            }
        })
        .await
    }
}

impl Shared {
    /// The categories of a vendor's newest records, for a vendor without a list of categories.
    async fn shown_categories(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        records: u32,
    ) -> Result<Vec<Arc<Category>>> {
        // The tree is cached for longer than the lists that it is read from.
        let scope = &Arc::new(scope.for_operation());
        let wanted = records as usize;
        let list = VendorList::new(self, scope, vendor, ServiceRecordFilter::default());
        let list = list.limited_to(scope.vendor_calls.allowed());
        let records: Vec<Arc<ServiceRecord>> = list.about(wanted).await?;
        let seconds = || records.iter().filter_map(|record| record.created_second());
        let span = Span {
            from: seconds().min(),
            to: None,
        };
        let named = match span.from {
            Some(_) => self.named_records(vendor, scope, span).await?,
            None => Vec::new(),
        };
        let names = named.iter().map(|record| (record.id.number, &record.names));
        Ok(tree_of(&records, &names.collect()))
    }
}

/// Every category of the records, once and after its parent, with its name where one of the records has it.
fn tree_of(
    records: &[Arc<ServiceRecord>],
    names: &HashMap<VendorNumber, &CategoryNames>,
) -> Vec<Arc<Category>> {
    let mut seen: BTreeMap<CategoryId, Arc<Category>> = BTreeMap::new();
    for record in records {
        let Some(deepest) = record.category.value() else {
            continue;
        };
        let unnamed = CategoryNames::default();
        let named = deepest.named(names.get(&record.id.number).copied().unwrap_or(&unnamed));

        let mut next = Some(Arc::new(named));
        while let Some(category) = next {
            next = category.parent.clone();
            let known = seen.entry(category.id).or_insert_with(|| category.clone());
            if known.name.is_none() && category.name.is_some() {
                *known = category;
            }
        }
    }

    // Ids sort by level, so a parent precedes its children, and each child gets the parent of the tree.
    let mut tree: BTreeMap<CategoryId, Arc<Category>> = BTreeMap::new();
    let mut whole = Vec::with_capacity(seen.len());
    for (id, category) in seen {
        let parent = category.parent.as_ref();
        let category = Arc::new(Category {
            parent: parent.map(|parent| tree.get(&parent.id).unwrap_or(parent).clone()),
            ..category.as_ref().clone()
        });
        tree.insert(id, category.clone());
        whole.push(category);
    }
    whole
}
