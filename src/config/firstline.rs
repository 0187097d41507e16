//! The settings of FirstLine.

use super::{
    layers::{ConfigError, Layers, Result},
    settings::variable,
    vendor_client::{Common, incomplete, one_kind_of_credentials},
};
use crate::{
    domain::Vendor,
    upstream::firstline::{
        ArrayStyle, ClearedValue, EndBound, FirstLineCredentials, FirstLineSettings, UpdateMethod,
    },
};

/// A wrong setting is an error even when the vendor is not configured; a missing one only when it is.
pub(super) fn settings(layers: &Layers) -> Result<Option<FirstLineSettings>> {
    let base_url = layers.url("firstline.base_url")?;
    let token = layers.secret("firstline.token")?;
    let username = layers.text("firstline.username")?;
    let password = layers.secret("firstline.password")?;
    let update_method = match layers.choice("firstline.update_method")? {
        "put" => UpdateMethod::Put,
        "post_override" => UpdateMethod::PostOverride,
        _ => UpdateMethod::Auto,
    };
    let array_style = match layers.choice("firstline.array_style")? {
        "brackets" => ArrayStyle::Brackets,
        "comma" => ArrayStyle::Comma,
        _ => ArrayStyle::Auto,
    };
    let created_end = match layers.choice("firstline.created_end")? {
        "exclusive" => EndBound::Exclusive,
        _ => EndBound::Inclusive,
    };
    let cleared_value = match layers.choice("firstline.cleared_value")? {
        "null" => ClearedValue::Null,
        _ => ClearedValue::EmptyText,
    };
    let common = Common::read(layers, "firstline")?;

    let Some(base_url) = base_url else {
        return Ok(None);
    };
    let credentials = match (token, username, password) {
        (Some(token), None, None) => FirstLineCredentials::Token(token),
        (None, Some(username), Some(password)) => {
            FirstLineCredentials::Login { username, password }
        }
        (Some(_), ..) => {
            return Err(one_kind_of_credentials(
                layers,
                "firstline.token",
                ["firstline.username", "firstline.password"],
            ));
        }
        (None, Some(_), None) => {
            return Err(incomplete(
                layers,
                "firstline.username",
                "firstline.password",
            ));
        }
        (None, None, Some(_)) => {
            return Err(incomplete(
                layers,
                "firstline.password",
                "firstline.username",
            ));
        }
        (None, None, None) => {
            return Err(ConfigError::new(format!(
                "{} needs credentials: set {}, or {} and {}",
                layers.name("firstline.base_url"),
                variable("firstline.token"),
                variable("firstline.username"),
                variable("firstline.password")
            )));
        }
    };

    Ok(Some(FirstLineSettings {
        client: common.client(Vendor::FirstLine, base_url),
        credentials,
        zone: common.zone,
        update_method,
        array_style,
        created_end,
        filter_retry: common.filter_retry,
        cleared_value,
        list_page_size: common.list_page_size,
        list_order: common.list_order,
    }))
}
