//! The photos of employees, at the paths that their rows name.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::api_error::ApiError;
use super::{FirstLine, HandlerResult, find, hold};
use crate::switches::PhotoAnswer;

/// One grey pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
const MEBIBYTE: usize = 1024 * 1024;
const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;

pub(super) async fn show(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
) -> HandlerResult {
    let answer = firstline.control.switches().photo_answer;
    let data = hold(&firstline.data);
    let row = find(&data.employees, &id, "Employee")?;
    if row.get("photo_url").is_null() {
        return Err(ApiError::NoSuchPath);
    }
    Ok(match answer {
        PhotoAnswer::Png => picture(pixel()),
        PhotoAnswer::Svg => typed("image/svg+xml", SVG.into()),
        PhotoAnswer::Html => typed("text/html", "<html><body>Login</body></html>".into()),
        PhotoAnswer::TooLarge => {
            let mut bytes = pixel();
            bytes.resize(MEBIBYTE + 1, 0);
            picture(bytes)
        }
        PhotoAnswer::Redirect => {
            let elsewhere = [(header::LOCATION, "http://127.0.0.1:9/photo.png")];
            (StatusCode::FOUND, elsewhere).into_response()
        }
    })
}

fn pixel() -> Vec<u8> {
    STANDARD.decode(PIXEL).unwrap_or_default()
}

fn picture(bytes: Vec<u8>) -> Response {
    typed("image/png", bytes)
}

fn typed(media_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
