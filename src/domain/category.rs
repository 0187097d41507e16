//! A kind of problem, in a tree of levels.

use std::sync::Arc;

use super::{CategoryId, DateTime, Detail, ServiceRecordId};

#[derive(Debug, Clone)]
pub struct Category {
    pub id: CategoryId,
    /// A reference has no name: the vendor returns the names elsewhere.
    pub detail: Detail,
    pub name: Option<String>,
    pub description: Option<String>,
    pub parent: Option<Arc<Category>>,
}

/// The names of a record's categories, the top level first, where a vendor returns them apart from the ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryNames(pub Vec<Option<String>>);

/// One row of a list that names the categories of records.
#[derive(Debug, Clone)]
pub struct NamedRecord {
    pub id: ServiceRecordId,
    pub created_at: Option<DateTime>,
    pub names: CategoryNames,
}

impl Category {
    /// Whether it and its ancestors have all fields of the vendor's tree.
    pub fn is_fully_loaded(&self) -> bool {
        let ancestors = self.parent.as_ref();
        self.detail == Detail::Full && ancestors.is_none_or(|parent| parent.is_fully_loaded())
    }

    /// The same category and ancestors with their names.
    pub fn named(&self, names: &CategoryNames) -> Category {
        let level = usize::from(self.id.level);
        Category {
            id: self.id,
            detail: Detail::Full,
            name: names.0.get(level - 1).cloned().flatten(),
            description: self.description.clone(),
            parent: self
                .parent
                .as_ref()
                .map(|parent| Arc::new(parent.named(names))),
        }
    }
}
