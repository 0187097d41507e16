//! A page of tickets as the vendor sends it, read by serde alone, with most of the fields of the gateway's own types.

#![expect(dead_code, reason = "most fields are here for what reading them costs")]

use jiff::civil::DateTime;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) data: Vec<Ticket>,
    meta: Meta,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Meta {
    current_page: u32,
    last_page: u32,
    total: u64,
}

#[derive(Deserialize)]
struct Links {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) subject: Option<String>,
    pub(crate) content: Option<String>,
    due_at: Option<DateTime>,
    pub(crate) status: Option<i32>,
    pub(crate) status_memo: Option<String>,
    priority: Option<i32>,
    contact_id: Option<i64>,
    contact: Option<Contact>,
    sub_category_id: Option<i64>,
    pub(crate) sub_category: Option<Subcategory>,
    category_id: Option<i64>,
    category: Option<Category>,
    creater: Option<Employee>,
    handler_id: Option<i64>,
    pub(crate) handler: Option<Employee>,
    interact_collections: Option<Vec<ServiceRecord>>,
    sponsor_id: Option<i64>,
    sponsor: Option<Named>,
    termination_code_id: Option<i64>,
    termination_code: Option<TerminationCode>,
    created_at: Option<DateTime>,
    updated_at: Option<DateTime>,
}

#[derive(Deserialize)]
struct Contact {
    id: Option<i64>,
    name: Option<String>,
    membership_no: Option<String>,
    identity_no: Option<String>,
    birth_at: Option<DateTime>,
}

#[derive(Deserialize)]
pub(crate) struct Subcategory {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<Category>,
    category_id: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Category {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Employee {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) employee_no: Option<String>,
    photo_url: Option<String>,
    job_title_id: Option<i64>,
    job_title: Option<Named>,
    department_id: Option<i64>,
    department: Option<Named>,
    extension_id: Option<i64>,
    extension: Option<Extension>,
    is_active: Option<bool>,
    role: Option<String>,
    pub(crate) email: Option<String>,
    created_at: Option<DateTime>,
    updated_at: Option<DateTime>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<i64>,
    name: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Extension {
    extension: Option<String>,
}

#[derive(Deserialize)]
struct TerminationCode {
    id: Option<i64>,
    name: Option<String>,
    description: Option<String>,
    status: Option<i32>,
}

#[derive(Deserialize)]
struct ServiceRecord {
    id: u64,
    handler_id: Option<i64>,
    handler: Option<Employee>,
    contact_id: Option<i64>,
    memo: Option<String>,
    bound_type: Option<i32>,
    sponsor_id: Option<i64>,
    result_id: Option<i64>,
}
