//! Pictures of employees, for pages that show them: a browser sends no key with an image, so the address itself authorizes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{error::HttpError, request_log::RequestRecord};
use crate::{
    context::RequestScope,
    domain::{Caller, Scope, VendorErrorCode},
    error::{Error, ErrorCode},
    repository::{PhotoError, ServedPhoto, Shared},
};

/// So that pages of other sites can show a picture whose address they were given.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[derive(Clone)]
pub(super) struct Photos {
    pub(super) shared: Arc<Shared>,
    pub(super) request_timeout: Duration,
}

pub(super) async fn photo(
    State(photos): State<Photos>,
    Extension(record): Extension<Arc<RequestRecord>>,
    Path(token): Path<String>,
) -> Result<Response, HttpError> {
    let caller = Caller::new("photo", vec![Scope::Read]);
    let deadline = Instant::now() + photos.request_timeout;
    let scope = record.start(RequestScope::new(record.id.clone(), caller, deadline));
    match photos.shared.photo(&scope, &token).await {
        Ok(photo) => Ok(picture(&photo)),
        Err(error) => {
            record.count_errors(1);
            Err(error.into())
        }
    }
}

fn picture(photo: &ServedPhoto) -> Response {
    let seconds = photo.good_for.as_secs();
    let cache_control = HeaderValue::from_str(&format!("private, max-age={seconds}"));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(photo.image.image_type.media_type()),
        ),
        (
            header::CACHE_CONTROL,
            cache_control.unwrap_or(HeaderValue::from_static("no-store")),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'"),
        ),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
    ];
    (headers, photo.image.bytes.clone()).into_response()
}

impl From<PhotoError> for HttpError {
    fn from(error: PhotoError) -> Self {
        match error {
            PhotoError::Forged => Self::new(
                StatusCode::FORBIDDEN,
                ErrorCode::Forbidden,
                "The address is not one of this gateway's photos: it must be a `photoUrl` as a query returned it.",
            ),
            PhotoError::Expired => Self::new(
                StatusCode::FORBIDDEN,
                ErrorCode::Forbidden,
                "The photo's address has expired: query `photoUrl` again.",
            ),
            PhotoError::Missing => Self::new(
                StatusCode::NOT_FOUND,
                ErrorCode::BadUserInput,
                "The vendor has no photo at this address.",
            ),
            PhotoError::Failed(error) => failed(&error),
        }
    }
}

fn failed(error: &Error) -> HttpError {
    let Some(failure) = error.vendor_failure() else {
        return HttpError::internal();
    };
    let status = match failure.code {
        VendorErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    let message = match failure.code {
        VendorErrorCode::BadResponse => format!(
            "{} returned no picture: it must be a PNG, JPEG, GIF or WebP of at most 1 MiB.",
            failure.vendor
        ),
        _ => format!("{} did not return the photo: retry later.", failure.vendor),
    };
    HttpError::new(status, error.kind.code(), message)
}
