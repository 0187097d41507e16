//! A kind of problem, in a tree of levels.

use std::sync::Arc;

use super::{CategoryId, Detail};

#[derive(Debug, Clone)]
pub struct Category {
    pub id: CategoryId,
    /// A reference has no name: the vendor tells the names elsewhere.
    pub detail: Detail,
    pub name: Option<String>,
    pub description: Option<String>,
    pub parent: Option<Arc<Category>>,
}
