//! An object as one answer tells of it, which reads the rest of itself once, when a field is asked for that the answer lacks.

use std::sync::{Arc, OnceLock};

use async_graphql::Context;
use futures_util::future::Either;
use tokio::sync::OnceCell;

use super::error::{AtHandOr, FieldError, FieldResult, Found, at_hand, nullable};
use crate::{domain::Loaded, error::Result};

pub(super) struct Partial<T> {
    seen: Arc<T>,
    /// Made when it is read: hardly any object is asked for more than is seen of it.
    whole: OnceLock<Box<Reading<T>>>,
}

type Reading<T> = OnceCell<Option<FieldResult<Arc<T>>>>;

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
            whole: OnceLock::new(),
        }
    }
}

impl<T: Whole> Partial<T> {
    /// The copy at hand.
    pub(super) fn seen(&self) -> &Arc<T> {
        &self.seen
    }

    /// A field: as the copy at hand tells it, or, where that leaves it untold, the whole object.
    pub(super) fn told<'a: 'b, 'b, U: Sync>(
        &'a self,
        ctx: &'b Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> AtHandOr<'b, &'a U> {
        match field(&self.seen) {
            Loaded::Loaded(value) => at_hand(value.as_ref().map(Ok)),
            Loaded::NotLoaded => Either::Right(Box::pin(async move {
                let whole = self.whole(ctx).await?;
                whole.map(|object| field(object).value()).transpose()
            })),
        }
    }

    /// The same for a small value that GraphQL has a type of its own for.
    pub(super) async fn converted<U: Copy + Sync, V: From<U>>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> Option<FieldResult<V>> {
        let told = self.told(ctx, field).await?;
        Some(told.map(|value| V::from(*value)))
    }

    /// The copy that tells the field.
    pub(super) async fn telling<U>(
        &self,
        ctx: &Context<'_>,
        field: fn(&T) -> &Loaded<U>,
    ) -> Option<FieldResult<&Arc<T>>> {
        match field(&self.seen) {
            Loaded::Loaded(_) => Some(Ok(&self.seen)),
            Loaded::NotLoaded => Box::pin(self.whole(ctx)).await,
        }
    }

    /// The whole object, which all of its fields share.
    pub(super) async fn whole(&self, ctx: &Context<'_>) -> Option<FieldResult<&Arc<T>>> {
        let load = || nullable(self.seen.whole(ctx));
        let reading = self.whole.get_or_init(Box::default);
        let whole = reading.get_or_init(load).await.as_ref()?;
        Some(whole.as_ref().map_err(FieldError::clone))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Schema, value};

    use super::{Partial, Whole};
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

    /// What the directory answers, and how often it was asked.
    struct Directory {
        answer: Result<Found<Arc<Person>>>,
        calls: AtomicUsize,
    }

    impl Whole for Person {
        async fn whole(self: &Arc<Self>, ctx: &Context<'_>) -> Result<Found<Arc<Self>>> {
            let directory = ctx.data_unchecked::<Arc<Directory>>();
            directory.calls.fetch_add(1, Ordering::Relaxed);
            directory.answer.clone()
        }
    }

    struct Shown(Partial<Person>);

    #[Object]
    impl Shown {
        async fn name(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.told(ctx, |person| &person.name).await
        }

        async fn email(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.told(ctx, |person| &person.email).await
        }

        async fn mobile(&self, ctx: &Context<'_>) -> Option<FieldResult<&String>> {
            self.0.told(ctx, |person| &person.mobile).await
        }
    }

    struct Query;

    #[Object]
    impl Query {
        /// A copy that tells a name, a null e-mail address, and nothing of a mobile number.
        async fn person(&self) -> Shown {
            let copy = Person {
                name: Loaded::some("Ann".to_owned()),
                email: Loaded::none(),
                mobile: Loaded::NotLoaded,
            };
            Shown(Arc::new(copy).into())
        }
    }

    async fn ask(
        query: &str,
        answer: Result<Found<Arc<Person>>>,
    ) -> (async_graphql::Response, usize) {
        let directory = Arc::new(Directory {
            answer,
            calls: AtomicUsize::new(0),
        });
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .data(directory.clone())
            .finish();
        let response = schema.execute(query).await;
        (response, directory.calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_the_copy_tells_is_not_asked_for_again() {
        let (response, calls) = ask("{ person { name email } }", Ok(None)).await;

        assert_eq!(
            response.data,
            value!({"person": {"name": "Ann", "email": null}})
        );
        assert_eq!(calls, 0);
    }

    #[tokio::test]
    async fn what_the_copy_leaves_untold_is_read_once() {
        let whole = Person {
            name: Loaded::some("Ann Lee".to_owned()),
            email: Loaded::some("ann@example.com".to_owned()),
            mobile: Loaded::some("0900".to_owned()),
        };

        let (response, calls) = ask(
            "{ person { name email mobile again: mobile } }",
            Ok(Some(Arc::new(whole))),
        )
        .await;

        assert_eq!(
            response.data,
            value!({"person": {"name": "Ann", "email": null, "mobile": "0900", "again": "0900"}})
        );
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn a_failed_reading_nulls_only_the_fields_that_needed_it() {
        let failure = Error::vendor(Vendor::FirstLine, VendorErrorCode::Timeout);

        let (response, _) = ask("{ person { name mobile } }", Err(failure)).await;

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
