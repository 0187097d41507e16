//! An object as one answer tells of it, which reads the rest of itself once, when a field is asked for that the answer lacks.

use std::sync::Arc;

use async_graphql::Context;
use tokio::sync::OnceCell;

use super::error::{FieldError, FieldResult, Found, nullable};
use crate::{domain::Told, error::Result};

pub(super) struct Partial<T> {
    seen: Arc<T>,
    whole: OnceCell<Option<FieldResult<Arc<T>>>>,
}

/// An object of which a richer answer may exist.
pub(super) trait Whole: Send + Sync + Sized {
    /// None where there is no richer answer.
    fn whole(
        self: &Arc<Self>,
        ctx: &Context<'_>,
    ) -> impl Future<Output = Result<Found<Arc<Self>>>> + Send;
}

impl<T> From<Arc<T>> for Partial<T> {
    fn from(seen: Arc<T>) -> Self {
        Self {
            seen,
            whole: OnceCell::new(),
        }
    }
}

impl<T: Whole> Partial<T> {
    /// The copy at hand.
    pub(super) fn seen(&self) -> &Arc<T> {
        &self.seen
    }

    /// A field: as the copy at hand tells it, or, where that leaves it untold, the whole object.
    pub(super) async fn told<'a, U: 'a>(
        &'a self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Told<U>,
    ) -> Option<FieldResult<&'a U>> {
        let teller = self.telling(ctx, field).await?;
        teller.map(|object| field(object).value()).transpose()
    }

    /// The same for a small value that GraphQL has a type of its own for.
    pub(super) async fn converted<U: Copy, V: From<U>>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Told<U>,
    ) -> Option<FieldResult<V>> {
        let told = self.told(ctx, field).await?;
        Some(told.map(|value| V::from(*value)))
    }

    /// The copy that tells the field.
    pub(super) async fn telling<U>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Told<U>,
    ) -> Option<FieldResult<&Arc<T>>> {
        match field(&self.seen) {
            Told::As(_) => Some(Ok(&self.seen)),
            Told::Untold => self.whole(ctx).await,
        }
    }

    /// The whole object, which all of its fields share.
    pub(super) async fn whole(&self, ctx: &Context<'_>) -> Option<FieldResult<&Arc<T>>> {
        let load = || nullable(self.seen.whole(ctx));
        let whole = self.whole.get_or_init(load).await.as_ref()?;
        Some(whole.as_ref().map_err(FieldError::clone))
    }
}
