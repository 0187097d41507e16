//! FirstLine's JSON. What is not a field here never enters the gateway: its responses contain passwords and tokens.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    domain::{Loaded, VendorNumber},
    upstream::wire::{FieldValues, HasId, MessageContent, PrintedTime, Rows, lenient_objects},
};

// Responses

#[derive(Debug, Deserialize)]
#[serde(bound = "T: HasId")]
pub(super) struct List<T> {
    pub data: Rows<T>,
    #[serde(default)]
    pub meta: Loaded<Meta>,
    #[serde(default)]
    pub links: Loaded<Links>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub current_page: Loaded<u32>,
    pub last_page: Loaded<u32>,
    /// Text where the caller sent one, a number otherwise.
    pub per_page: Loaded<u32>,
    pub total: Loaded<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    /// Never followed.
    pub next: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceRecord {
    pub id: Loaded<VendorNumber>,
    pub is_acw_completed: Loaded<bool>,
    pub first_enter_queue_at: Loaded<PrintedTime>,
    pub first_start_service_at: Loaded<PrintedTime>,
    pub acw_at: Loaded<PrintedTime>,
    pub last_finished_at: Loaded<PrintedTime>,
    pub handler_id: Loaded<VendorNumber>,
    pub handler: Loaded<Employee>,
    pub contact_id: Loaded<VendorNumber>,
    pub contact: Loaded<Contact>,
    pub memo: Loaded<String>,
    pub bound_type: Loaded<i32>,
    pub logs: Loaded<Vec<Log>>,
    pub sponsor_id: Loaded<VendorNumber>,
    pub sponsor: Loaded<Sponsor>,
    pub result_id: Loaded<VendorNumber>,
    pub result: Loaded<ServiceResult>,
    pub reasons: Loaded<Vec<Reason>>,
    pub reason_ids: Loaded<Vec<VendorNumber>>,
    /// The desk's accounts in these channels. Only a single record has them.
    pub fb_accounts: Loaded<Vec<Account>>,
    pub line_accounts: Loaded<Vec<Account>>,
    pub created_at: Loaded<PrintedTime>,
    /// The documents show these two in the response to an update alone.
    pub updated_at: Loaded<PrintedTime>,
    pub cz_cols: Loaded<Vec<CustomField>>,
}

/// The response to an update has a part of the record, under `data`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UpdatedServiceRecord {
    pub cz_cols: Loaded<Vec<CustomField>>,
    pub updated_at: Loaded<PrintedTime>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomField {
    pub id: Loaded<String>,
    pub value: Loaded<FieldValues>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceResult {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
    pub category_id: Loaded<VendorNumber>,
    pub category: Loaded<Category>,
}

/// Not in the vendor's documents, whose samples have none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    pub id: Loaded<VendorNumber>,
    pub enter_queue_at: Loaded<PrintedTime>,
    pub service_start_at: Loaded<PrintedTime>,
    pub service_end_at: Loaded<PrintedTime>,
    pub service_time: Loaded<i32>,
    pub status: Loaded<i32>,
    pub bound_type: Loaded<i32>,
    pub provider_type: Loaded<String>,
    pub provider: Loaded<Provider>,
    pub can_listen: Loaded<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Provider {
    /// A list, its singular name notwithstanding.
    pub message: Loaded<Vec<Message>>,
    pub media_contact: Loaded<MediaContact>,
    /// The documents have it for a live chat in a single record.
    pub account: Loaded<Account>,
    /// The documents have no provider of these channels: what is like the above is taken for it.
    pub line_account: Loaded<Account>,
    pub fb_account: Loaded<Account>,
    pub ig_account: Loaded<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MediaContact {
    pub name: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub id: Loaded<VendorNumber>,
    pub r#type: Loaded<String>,
    pub content: Loaded<MessageContent>,
    pub is_contact: Loaded<bool>,
    pub is_system: Loaded<bool>,
    pub is_csat: Loaded<bool>,
    pub is_kb: Loaded<bool>,
    /// Whose number this is depends on the sender, and is not documented.
    pub sender_id: Loaded<String>,
    pub at: Loaded<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Employee {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub first_name: Loaded<String>,
    pub last_name: Loaded<String>,
    pub gender: Loaded<i32>,
    pub employee_no: Loaded<String>,
    pub photo_url: Loaded<String>,
    pub job_title_id: Loaded<VendorNumber>,
    pub job_title: Loaded<Named>,
    pub department_id: Loaded<VendorNumber>,
    pub department: Loaded<Named>,
    pub extension_id: Loaded<VendorNumber>,
    pub extension: Loaded<Extension>,
    pub profile: Loaded<Profile>,
    pub group_id: Loaded<VendorNumber>,
    pub group: Loaded<Group>,
    pub is_active: Loaded<bool>,
    pub role: Loaded<String>,
    pub email: Loaded<String>,
    pub cz_cols: Loaded<Vec<CustomField>>,
    pub created_at: Loaded<PrintedTime>,
    pub updated_at: Loaded<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub name: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    pub extension: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub phones: Loaded<Vec<Phone>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Phone {
    pub r#type: Loaded<i32>,
    pub number: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Group {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub supervisor_id: Loaded<VendorNumber>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Contact {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub first_name: Loaded<String>,
    pub last_name: Loaded<String>,
    pub membership_no: Loaded<String>,
    pub identity_no: Loaded<String>,
    pub birth_at: Loaded<PrintedTime>,
    pub sponsor_id: Loaded<VendorNumber>,
    pub sponsor: Loaded<Sponsor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sponsor {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TerminationCode {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
    pub status: Loaded<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Category {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
    pub children: Loaded<Vec<Subcategory>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subcategory {
    pub id: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub description: Loaded<String>,
    pub category: Loaded<Box<Category>>,
    pub category_id: Loaded<VendorNumber>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ticket {
    pub id: Loaded<VendorNumber>,
    pub subject: Loaded<String>,
    pub content: Loaded<String>,
    pub due_at: Loaded<PrintedTime>,
    pub status: Loaded<i32>,
    pub status_memo: Loaded<String>,
    pub priority: Loaded<i32>,
    pub contact_id: Loaded<VendorNumber>,
    pub contact: Loaded<Contact>,
    pub sub_category_id: Loaded<VendorNumber>,
    pub sub_category: Loaded<Subcategory>,
    pub category_id: Loaded<VendorNumber>,
    pub category: Loaded<Category>,
    pub creater: Loaded<Employee>,
    pub handler_id: Loaded<VendorNumber>,
    pub handler: Loaded<Employee>,
    pub interact_collections: Loaded<Vec<ServiceRecord>>,
    pub sponsor_id: Loaded<VendorNumber>,
    pub sponsor: Loaded<Sponsor>,
    pub termination_code_id: Loaded<VendorNumber>,
    pub termination_code: Loaded<TerminationCode>,
    pub created_at: Loaded<PrintedTime>,
    pub updated_at: Loaded<PrintedTime>,
}

lenient_objects!(
    Meta,
    Links,
    ServiceRecord,
    CustomField,
    ServiceResult,
    Reason,
    Log,
    Provider,
    Account,
    MediaContact,
    Message,
    Employee,
    Named,
    Extension,
    Profile,
    Phone,
    Group,
    Contact,
    Sponsor,
    TerminationCode,
    Category,
    Subcategory,
    Ticket,
);

macro_rules! has_id {
    ($($name:ident),*) => {$(
        impl HasId for $name {
            fn id(&self) -> Option<VendorNumber> {
                self.id.value().copied()
            }
        }
    )*};
}

has_id!(
    ServiceRecord,
    Employee,
    Sponsor,
    TerminationCode,
    Category,
    Subcategory,
    Ticket
);

// Rejections

/// A message and, for a 422, what is wrong with which field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub message: Loaded<String>,
    pub errors: Loaded<FieldErrors>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct FieldErrors(pub BTreeMap<String, Loaded<FieldValues>>);

lenient_objects!(FieldErrors);

// Login

#[derive(Serialize)]
pub(super) struct SignIn<'a> {
    pub name: &'a str,
    pub password: &'a str,
}

/// The documents name the token at the top; it is also seen under `data`, which is unwrapped before, and by another name.
pub(super) struct SignedIn {
    pub access_token: SecretString,
    pub expires_in_seconds: Option<u64>,
    pub expires_at: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for SignedIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            access_token: Loaded<String>,
            token: Loaded<String>,
            expires_in: Loaded<u64>,
        }

        let body = Body::deserialize(deserializer)?;
        let token = body.access_token.value().or(body.token.value());
        let token = token.ok_or_else(|| D::Error::custom("no token"))?;
        Ok(SignedIn {
            expires_at: expiry_claim(token),
            access_token: SecretString::from(token.as_str()),
            expires_in_seconds: body.expires_in.value().copied(),
        })
    }
}

/// When a token says that it ends; none when it is no JWT or says nothing.
fn expiry_claim(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }

    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims.exp as i64).ok()
}

// Writes

/// A body with `_method`, which replaces the HTTP method where the vendor accepts no PUT. Without it, a POST would create, and
/// at the address of the sign-in it would sign in.
#[derive(Serialize)]
pub(super) struct Overridden<'a, T> {
    #[serde(rename = "_method")]
    pub method: &'static str,
    #[serde(flatten)]
    pub body: &'a T,
}

#[derive(Serialize)]
pub(super) struct Nothing {}

/// What is none is not sent; what is `Some(None)` is sent as null.
#[derive(Debug, Default, Serialize)]
pub(super) struct TicketBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Option<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_memo: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Option<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler_id: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sponsor_id: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_category_id: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_code_id: Option<Option<u64>>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct ServiceRecordBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cz_cols: Option<Vec<CustomFieldBody>>,
}

#[derive(Debug, Serialize)]
pub(super) struct CustomFieldBody {
    pub id: u64,
    pub value: CustomFieldValueBody,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum CustomFieldValueBody {
    None,
    One(String),
    Many(Vec<String>),
}

/// A value of a filter in the JSON body of a GET.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum FilterValue {
    Text(String),
    Number(u64),
    Flag(bool),
    Numbers(Vec<u64>),
}

/// A body that can be sent.
pub(super) trait Sendable: Serialize + Sync {}

impl<T: Serialize + Sync> Sendable for T {}

pub(super) fn encode<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("structs of texts and numbers can always be written as JSON")
}
