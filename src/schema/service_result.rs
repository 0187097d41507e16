//! Why a customer came, and how it ended, in the desk's own words.

use async_graphql::{Context, ID, Object};

use super::{category::Category, error::FieldResult};
use crate::domain;

pub(super) struct ServiceResult<'a>(pub(super) &'a domain::ServiceResult);

/// A result of a service, from the desk's own list of results.
#[Object]
impl ServiceResult<'_> {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Its name. Null where the vendor provides only the number.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The description.
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The category that the desk filed the result under. FirstLine does not say of which level its number is: it is inferred to
    /// be of the first.
    async fn category(&self, ctx: &Context<'_>) -> Option<FieldResult<Category>> {
        Category::related(ctx, self.0.category.as_ref()?).await
    }
}

pub(super) struct ServiceReason<'a>(pub(super) &'a domain::ServiceReason);

/// Why a customer came, from the desk's own list of reasons.
#[Object]
impl ServiceReason<'_> {
    /// Unique over all types and vendors.
    fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Its name. Null where the vendor provides only the number.
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The description.
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }
}
