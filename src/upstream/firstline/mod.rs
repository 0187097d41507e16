//! FirstLine.

// joined at the merge: the settings alone.

use secrecy::SecretString;

use crate::{
    domain::VendorZone,
    upstream::{client::ClientSettings, paged_list::ListOrder},
};

pub struct FirstLineSettings {
    pub client: ClientSettings,
    pub credentials: FirstLineCredentials,
    pub zone: VendorZone,
    pub update_method: UpdateMethod,
    pub array_style: ArrayStyle,
    pub created_end: EndBound,
    pub list_page_size: u32,
    pub list_order: Option<ListOrder>,
}

pub enum FirstLineCredentials {
    Token(SecretString),
    Login {
        username: String,
        password: SecretString,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    Auto,
    Put,
    PostOverride,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayStyle {
    Brackets,
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBound {
    Inclusive,
    Exclusive,
}
