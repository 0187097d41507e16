//! The settings of Bangwo8.

use super::{
    layers::{ConfigError, Layers, Result},
    settings::variable,
    small,
    vendor_client::{Common, incomplete, one_kind_of_credentials},
};
use crate::{
    domain::Vendor,
    upstream::bangwo8::{Bangwo8Credentials, Bangwo8Settings},
};

/// A wrong setting is an error even when the vendor is not configured; a missing one only when it is.
pub(super) fn settings(layers: &Layers) -> Result<Option<Bangwo8Settings>> {
    let base_url = layers.url("bangwo8.base_url")?;
    let account = layers.text("bangwo8.account")?;
    let password = layers.secret("bangwo8.password")?;
    let client_id = layers.text("bangwo8.client_id")?;
    let client_secret = layers.secret("bangwo8.client_secret")?;
    let find_max_calls = small(layers, "bangwo8.find_max_calls")?;
    let newest_records_for_categories = small(layers, "bangwo8.category_records")?;
    let common = Common::read(layers, "bangwo8")?;

    let Some(base_url) = base_url else {
        return Ok(None);
    };
    let credentials = match (account, password, client_id, client_secret) {
        (Some(account), Some(password), None, None) => {
            Bangwo8Credentials::Basic { account, password }
        }
        (None, None, Some(client_id), Some(client_secret)) => {
            Bangwo8Credentials::ClientCredentials {
                client_id,
                client_secret,
            }
        }
        (Some(_), None, None, None) => {
            return Err(incomplete(layers, "bangwo8.account", "bangwo8.password"));
        }
        (None, Some(_), None, None) => {
            return Err(incomplete(layers, "bangwo8.password", "bangwo8.account"));
        }
        (None, None, Some(_), None) => {
            return Err(incomplete(
                layers,
                "bangwo8.client_id",
                "bangwo8.client_secret",
            ));
        }
        (None, None, None, Some(_)) => {
            return Err(incomplete(
                layers,
                "bangwo8.client_secret",
                "bangwo8.client_id",
            ));
        }
        (None, None, None, None) => {
            return Err(ConfigError::new(format!(
                "{} needs credentials: set {} and {}, or {} and {}",
                layers.name("bangwo8.base_url"),
                variable("bangwo8.account"),
                variable("bangwo8.password"),
                variable("bangwo8.client_id"),
                variable("bangwo8.client_secret")
            )));
        }
        _ => {
            return Err(one_kind_of_credentials(
                layers,
                "bangwo8.account",
                ["bangwo8.client_id", "bangwo8.client_secret"],
            ));
        }
    };

    Ok(Some(Bangwo8Settings {
        client: common.client(Vendor::Bangwo8, base_url),
        credentials,
        zone: common.zone,
        find_max_calls,
        filter_retry: common.filter_retry,
        list_page_size: common.list_page_size,
        newest_records_for_categories,
        list_order: common.list_order,
    }))
}
