//! A kind of problem, in a tree of levels.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::future::Either;

use super::{
    error::{AtHandOr, FieldResult, answered, at_hand},
    repository,
    selection::selects_category_names,
    vendor::{SourceStatus, Vendor},
};
use crate::domain;

pub(super) struct Category(Arc<domain::Category>);

impl From<Arc<domain::Category>> for Category {
    fn from(category: Arc<domain::Category>) -> Self {
        Self(category)
    }
}

impl Category {
    /// A category to which another object points: its names are loaded only where the object lacks some and the query selects
    /// them.
    pub(super) fn related<'a>(
        ctx: &'a Context<'_>,
        category: &'a Arc<domain::Category>,
    ) -> AtHandOr<'a, Self> {
        if category.is_fully_loaded() || !selects_category_names(ctx.field()) {
            return at_hand(Some(Ok(category.clone().into())));
        }
        Either::Right(answered(ctx, async {
            let named = repository(ctx)?.category(category.id).await?;
            Ok(named.unwrap_or_else(|| category.clone()).into())
        }))
    }
}

/// A kind of problem: a FirstLine category (level 1) or subcategory (level 2), or a Bangwo8 problem type (levels 1 to 3).
#[Object]
impl Category {
    /// Unique over all types and vendors, and always written the same way.
    pub(super) async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The vendor that it belongs to.
    fn vendor(&self) -> Vendor {
        self.0.id.vendor.into()
    }

    /// The vendor's own id, which is unique among the vendor's categories of the same level.
    fn vendor_id(&self) -> String {
        self.0.id.number.to_string()
    }

    /// Its name. Null where the vendor does not list it any more.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The description.
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// 1 for the top level.
    fn level(&self) -> i32 {
        self.0.id.level.into()
    }

    /// The category one level up. Null at the top.
    fn parent(&self) -> Option<Category> {
        self.0.parent.clone().map(Category)
    }

    /// The categories one level down. Empty where there are none.
    async fn children(&self, ctx: &Context<'_>) -> Option<FieldResult<Vec<Category>>> {
        answered(ctx, async {
            let children = repository(ctx)?.category_children(self.0.id).await?;
            Ok(children.into_iter().map(Category).collect())
        })
        .await
    }
}

pub(super) struct CategoryList {
    pub(super) categories: Vec<Arc<domain::Category>>,
    pub(super) sources: Vec<domain::SourceStatus>,
}

/// Categories of every selected vendor. The list is short, so it is not a connection.
#[Object]
impl CategoryList {
    /// The categories, in each vendor's own order.
    fn nodes(&self) -> Vec<Category> {
        self.categories.iter().cloned().map(Category).collect()
    }

    /// How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty.
    fn sources(&self) -> Vec<SourceStatus<'_>> {
        self.sources.iter().map(SourceStatus).collect()
    }
}
