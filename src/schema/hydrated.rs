//! A lazily hydrated object: it holds a copy from another response, and loads itself once, when a query selects a field that
//! the copy does not have.

use std::sync::{Arc, OnceLock};

use async_graphql::Context;
use futures_util::future::Either;
use tokio::sync::OnceCell;

use super::{
    error::{AtHandOr, FieldError, FieldResult, Found, at_hand, nullable_at},
    stale::Place,
};
use crate::{domain::Loaded, error::Result};

pub(super) struct Hydrated<T> {
    embedded: Arc<T>,
    /// Allocated on demand: most objects are never hydrated.
    hydrated: OnceLock<Box<HydratedCell<T>>>,
}

type HydratedCell<T> = OnceCell<Option<FieldResult<Arc<T>>>>;

/// An object that can be loaded in full.
pub(super) trait Hydrate: Send + Sync + Sized {
    /// None where the object has no more fields than this copy.
    fn hydrate(
        self: &Arc<Self>,
        ctx: &Context<'_>,
    ) -> impl Future<Output = Result<Found<Arc<Self>>>> + Send;
}

impl<T> From<Arc<T>> for Hydrated<T> {
    fn from(embedded: Arc<T>) -> Self {
        Self {
            embedded,
            hydrated: OnceLock::new(),
        }
    }
}

impl<T: Hydrate> Hydrated<T> {
    /// The copy that came with another object or list.
    pub(super) fn embedded(&self) -> &Arc<T> {
        &self.embedded
    }

    /// A field of the embedded copy, or of the hydrated object where the copy does not have it.
    pub(super) fn field<'a: 'b, 'b, U: Sync>(
        &'a self,
        ctx: &'b Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> AtHandOr<'b, &'a U> {
        match field(&self.embedded) {
            Loaded::Loaded(value) => at_hand(value.as_ref().map(Ok)),
            Loaded::NotLoaded => Either::Right(Box::pin(async move {
                let hydrated = self.hydrate(ctx).await?;
                hydrated.map(|object| field(object).value()).transpose()
            })),
        }
    }

    /// The same field, converted to a GraphQL type.
    pub(super) async fn field_as<U: Copy + Sync, V: From<U>>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> Option<FieldResult<V>> {
        let loaded = self.field(ctx, field).await?;
        Some(loaded.map(|value| V::from(*value)))
    }

    /// The copy that has the field: the embedded one, or the hydrated object.
    pub(super) async fn copy_with<U>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> Option<FieldResult<&Arc<T>>> {
        match field(&self.embedded) {
            Loaded::Loaded(_) => Some(Ok(&self.embedded)),
            Loaded::NotLoaded => Box::pin(self.hydrate(ctx)).await,
        }
    }

    /// The hydrated object, which all fields share.
    pub(super) async fn hydrate(&self, ctx: &Context<'_>) -> Option<FieldResult<&Arc<T>>> {
        let load = || nullable_at(ctx, Place::Parent, self.embedded.hydrate(ctx));
        let cell = self.hydrated.get_or_init(Box::default);
        let hydrated = cell.get_or_init(load).await.as_ref()?;
        Some(hydrated.as_ref().map_err(FieldError::clone))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Schema, value};

    use super::{Hydrate, Hydrated};
    use crate::{
        domain::{Loaded, Vendor, VendorErrorCode},
        error::{Error, Result},
        schema::error::{FieldResult, Found},
    };

    struct Person {
        name: Loaded<String>,
        email: Loaded<String>,
        mobile: Loaded<String>,
    }

    /// The result of a load, and how many loads there were.
    struct Directory {
        result: Result<Found<Arc<Person>>>,
        calls: AtomicUsize,
    }

    impl Hydrate for Person {
        async fn hydrate(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
            let directory = ctx.data_unchecked::<Arc<Directory>>();
            directory.calls.fetch_add(1, Ordering::Relaxed);
            directory.result.clone()
        }
    }

    struct Shown(Hydrated<Person>);

    #[Object]
    impl Shown {
        async fn name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.field(ctx, |person| &person.name).await
        }

        async fn email(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.field(ctx, |person| &person.email).await
        }

        async fn mobile(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.field(ctx, |person| &person.mobile).await
        }
    }

    struct Query;

    #[Object]
    impl Query {
        /// A copy with a name and a null e-mail address, and without a mobile number.
        async fn person(&self) -> Shown {
            let copy = Person {
                name: Loaded::some("Ann".to_owned()),
                email: Loaded::none(),
                mobile: Loaded::NotLoaded,
            };
            Shown(Arc::new(copy).into())
        }
    }

    async fn execute(
        query: &str,
        result: Result<Found<Arc<Person>>>,
    ) -> (async_graphql::Response, usize) {
        let directory = Arc::new(Directory {
            result,
            calls: AtomicUsize::new(0),
        });
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .data(directory.clone())
            .finish();
        let response = schema.execute(query).await;
        (response, directory.calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn fields_of_the_embedded_copy_take_no_call() {
        let (response, calls) = execute("{ person { name email } }", Ok(None)).await;

        assert_eq!(
            response.data,
            value!({"person": {"name": "Ann", "email": null}})
        );
        assert_eq!(calls, 0);
    }

    #[tokio::test]
    async fn fields_that_are_not_loaded_hydrate_the_object_once() {
        let hydrated = Person {
            name: Loaded::some("Ann Lee".to_owned()),
            email: Loaded::some("ann@example.com".to_owned()),
            mobile: Loaded::some("0900".to_owned()),
        };

        let (response, calls) = execute(
            "{ person { name email mobile again: mobile } }",
            Ok(Some(Arc::new(hydrated))),
        )
        .await;

        assert_eq!(
            response.data,
            value!({"person": {"name": "Ann", "email": null, "mobile": "0900", "again": "0900"}})
        );
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn a_failed_hydration_nulls_only_the_fields_that_need_it() {
        let failure = Error::vendor(Vendor::FirstLine, VendorErrorCode::Timeout);

        let (response, _) = execute("{ person { name mobile } }", Err(failure)).await;

        assert_eq!(
            response.data,
            value!({"person": {"name": "Ann", "mobile": null}})
        );
        let extensions = response.errors[0].extensions.clone().unwrap_or_default();
        assert_eq!(extensions.get("code"), Some(&value!("UPSTREAM_TIMEOUT")));
        assert_eq!(
            extensions.get("vendorCode").map(ToString::to_string),
            Some("TIMEOUT".into())
        );
        assert_eq!(extensions.get("retryable"), Some(&value!(true)));
    }
}
