//! FirstLine's JSON. What is not a field here never enters the gateway: its answers hold passwords and tokens.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    domain::{Told, VendorNumber},
    upstream::wire::{FieldValues, HasId, PlainText, PrintedTime, Rows, lenient_objects},
};

// Answers

#[derive(Debug, Deserialize)]
#[serde(bound = "T: HasId")]
pub(super) struct List<T> {
    pub data: Rows<T>,
    #[serde(default)]
    pub meta: Told<Meta>,
    #[serde(default)]
    pub links: Told<Links>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub current_page: Told<u32>,
    pub last_page: Told<u32>,
    /// Text where the caller sent one, a number otherwise.
    pub per_page: Told<u32>,
    pub total: Told<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    /// Never followed.
    pub next: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceRecord {
    pub id: Told<VendorNumber>,
    pub is_acw_completed: Told<bool>,
    pub first_enter_queue_at: Told<PrintedTime>,
    pub first_start_service_at: Told<PrintedTime>,
    pub acw_at: Told<PrintedTime>,
    pub last_finished_at: Told<PrintedTime>,
    pub handler_id: Told<VendorNumber>,
    pub handler: Told<Employee>,
    pub contact_id: Told<VendorNumber>,
    pub contact: Told<Contact>,
    pub memo: Told<String>,
    pub bound_type: Told<i32>,
    pub logs: Told<Vec<Log>>,
    pub sponsor_id: Told<VendorNumber>,
    pub sponsor: Told<Sponsor>,
    pub result_id: Told<VendorNumber>,
    pub result: Told<ServiceResult>,
    pub created_at: Told<PrintedTime>,
    pub cz_cols: Told<Vec<CustomField>>,
}

/// The answer to an update tells a part of the record, and names it under `data`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UpdatedServiceRecord {
    pub cz_cols: Told<Vec<CustomField>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomField {
    pub id: Told<String>,
    pub value: Told<FieldValues>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceResult {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub description: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    pub id: Told<VendorNumber>,
    pub enter_queue_at: Told<PrintedTime>,
    pub service_start_at: Told<PrintedTime>,
    pub service_end_at: Told<PrintedTime>,
    pub service_time: Told<i32>,
    pub status: Told<i32>,
    pub provider_type: Told<String>,
    pub provider: Told<Provider>,
    pub can_listen: Told<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Provider {
    /// A list, its singular name notwithstanding.
    pub message: Told<Vec<Message>>,
    pub media_contact: Told<MediaContact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MediaContact {
    pub name: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub id: Told<VendorNumber>,
    pub r#type: Told<String>,
    pub content: Told<PlainText>,
    pub is_contact: Told<bool>,
    pub is_system: Told<bool>,
    pub is_csat: Told<bool>,
    pub is_kb: Told<bool>,
    pub at: Told<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Employee {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub employee_no: Told<String>,
    pub photo_url: Told<String>,
    pub job_title_id: Told<VendorNumber>,
    pub job_title: Told<Named>,
    pub department_id: Told<VendorNumber>,
    pub department: Told<Named>,
    pub extension_id: Told<VendorNumber>,
    pub extension: Told<Extension>,
    pub profile: Told<Profile>,
    pub group_id: Told<VendorNumber>,
    pub group: Told<Group>,
    pub is_active: Told<bool>,
    pub role: Told<String>,
    pub email: Told<String>,
    pub created_at: Told<PrintedTime>,
    pub updated_at: Told<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub name: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    pub extension: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub phones: Told<Vec<Phone>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Phone {
    pub r#type: Told<i32>,
    pub number: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Group {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub supervisor_id: Told<VendorNumber>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Contact {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub membership_no: Told<String>,
    pub identity_no: Told<String>,
    pub birth_at: Told<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sponsor {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub description: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TerminationCode {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub description: Told<String>,
    pub status: Told<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Category {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub description: Told<String>,
    pub children: Told<Vec<Subcategory>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subcategory {
    pub id: Told<VendorNumber>,
    pub name: Told<String>,
    pub description: Told<String>,
    pub category: Told<Box<Category>>,
    pub category_id: Told<VendorNumber>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ticket {
    pub id: Told<VendorNumber>,
    pub subject: Told<String>,
    pub content: Told<String>,
    pub due_at: Told<PrintedTime>,
    pub status: Told<i32>,
    pub status_memo: Told<String>,
    pub priority: Told<i32>,
    pub contact_id: Told<VendorNumber>,
    pub contact: Told<Contact>,
    pub sub_category_id: Told<VendorNumber>,
    pub sub_category: Told<Subcategory>,
    pub category_id: Told<VendorNumber>,
    pub category: Told<Category>,
    pub creater: Told<Employee>,
    pub handler_id: Told<VendorNumber>,
    pub handler: Told<Employee>,
    pub interact_collections: Told<Vec<ServiceRecord>>,
    pub sponsor_id: Told<VendorNumber>,
    pub sponsor: Told<Sponsor>,
    pub termination_code_id: Told<VendorNumber>,
    pub termination_code: Told<TerminationCode>,
    pub created_at: Told<PrintedTime>,
    pub updated_at: Told<PrintedTime>,
}

lenient_objects!(
    Meta,
    Links,
    ServiceRecord,
    CustomField,
    ServiceResult,
    Log,
    Provider,
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

// Refusals

/// A message and, for a 422, what is wrong with which field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub message: Told<String>,
    pub errors: Told<FieldErrors>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct FieldErrors(pub BTreeMap<String, Told<FieldValues>>);

lenient_objects!(FieldErrors);

// Signing in

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
            access_token: Told<String>,
            token: Told<String>,
            expires_in: Told<u64>,
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

/// A body with `_method`, which stands for the method where the vendor takes no PUT. Without it, a POST would create, and
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
    One(String),
    Many(Vec<String>),
}

/// A body that can be sent.
pub(super) trait Sendable: Serialize + Sync {}

impl<T: Serialize + Sync> Sendable for T {}

pub(super) fn encode<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("structs of texts and numbers can always be written as JSON")
}
