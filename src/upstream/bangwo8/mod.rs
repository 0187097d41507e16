//! Bangwo8.

// joined at the merge: the settings alone.

use secrecy::SecretString;

use crate::{
    domain::VendorZone,
    upstream::{client::ClientSettings, paged_list::ListOrder},
};

pub struct Bangwo8Settings {
    pub client: ClientSettings,
    pub credentials: Bangwo8Credentials,
    pub zone: VendorZone,
    pub find_max_calls: u32,
    pub list_page_size: u32,
    pub newest_records_for_categories: usize,
    pub list_order: Option<ListOrder>,
}

pub enum Bangwo8Credentials {
    Basic {
        account: String,
        password: SecretString,
    },
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
}
