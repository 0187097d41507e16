//! How failures are shown: each with its code, a vendor's with what a client needs to decide whether to try again.

use std::error::Error as _;

use async_graphql::{Context, Value};
use futures_util::future::{BoxFuture, Either, Ready, ready};

use super::{
    stale::{self, Place},
    vendor::{Vendor, VendorErrorCode, retry_after_seconds, shown_code},
};
use crate::{
    domain,
    error::{Error, ErrorKind, Result},
};

/// The result of a resolver. A nullable field is an `Option` of it, so that a failure nulls that field alone.
pub(super) type FieldResult<T> = std::result::Result<T, FieldError>;

/// An object that may not exist: none becomes null, without an error.
pub(super) type Found<T> = Option<T>;

/// An error as clients see it. It does not implement Display on purpose: async-graphql turns whatever does into an error
/// without a code.
#[derive(Debug, Clone)]
pub(super) struct FieldError(Box<async_graphql::Error>);

/// The future of a field that calls the repository. It is boxed: the library sizes every field future of an object by the
/// largest one.
type Answering<'a, T> = BoxFuture<'a, Option<FieldResult<T>>>;

/// A field that is ready in most cases, and small in all.
pub(super) type AtHandOr<'a, T> = Either<Ready<Option<FieldResult<T>>>, Answering<'a, T>>;

pub(super) fn at_hand<'a, T>(field: Option<FieldResult<T>>) -> AtHandOr<'a, T> {
    Either::Left(ready(field))
}

/// A nullable field: null where there is no such object, null with an error where loading it failed.
pub(super) fn nullable<'a, T: Send + 'a, U: From<T> + 'a>(
    ctx: &'a Context<'_>,
    answer: impl Future<Output = Result<Found<T>>> + Send + 'a,
) -> Answering<'a, U> {
    nullable_at(ctx, Place::Field, answer)
}

/// The same for another place than the field itself.
pub(super) fn nullable_at<'a, T: Send + 'a, U: From<T> + 'a>(
    ctx: &'a Context<'_>,
    place: Place,
    answer: impl Future<Output = Result<Found<T>>> + Send + 'a,
) -> Answering<'a, U> {
    Box::pin(async move {
        match stale::reported(ctx, place, answer).await {
            Ok(found) => found.map(|object| Ok(object.into())),
            Err(error) => Some(Err(error.into())),
        }
    })
}

/// A nullable field that is null only with an error.
pub(super) fn answered<'a, T: Send + 'a>(
    ctx: &'a Context<'_>,
    answer: impl Future<Output = Result<T>> + Send + 'a,
) -> Answering<'a, T> {
    Box::pin(async move {
        let answered = stale::reported(ctx, Place::Field, answer).await;
        Some(answered.map_err(FieldError::from))
    })
}

impl From<Error> for FieldError {
    fn from(error: Error) -> Self {
        let mut shown = async_graphql::Error::new(message(&error));
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        extensions.set("code", error.kind.code().name());

        if let Some(failure) = error.vendor_failure() {
            // A failure of the gateway's own is not the vendor's.
            if failure.code != domain::VendorErrorCode::GatewayError {
                extensions.set("vendor", Vendor::from(failure.vendor));
                extensions.set("vendorCode", VendorErrorCode::from(shown_code(failure)));
            }
            extensions.set("retryable", is_retryable(&error.kind));
            if let Some(seconds) = retry_after_seconds(failure) {
                extensions.set("retryAfterSeconds", Value::from(seconds));
            }
        }

        shown.extensions = Some(extensions);
        FieldError(Box::new(shown))
    }
}

impl From<FieldError> for async_graphql::Error {
    fn from(error: FieldError) -> Self {
        *error.0
    }
}

/// Internal errors are logged; the client gets a fixed message.
fn message(error: &Error) -> String {
    match error.kind {
        ErrorKind::Internal => {
            let causes = causes(error);
            tracing::error!(error.message = %error, error.causes = causes, "internal error");
            "the gateway failed; its log says why".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The chain of causes, from the nearest to the root.
fn causes(error: &Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.join(": ")
}

/// A write whose outcome is not known must not be sent again blindly, whatever the cause.
fn is_retryable(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Vendor(failure) if failure.code.is_retryable())
}
