//! Employees, in all the places where responses embed them.

use std::sync::Arc;

use super::{Mapping, VENDOR, identified, photo::photo, service_record::custom_fields, wire};
use crate::{
    domain::{
        Detail, Employee, EmployeeGroup, EmployeeGroupId, EmployeeId, Gender, Loaded, VendorNumber,
    },
    upstream::wire::Identified,
};

impl Mapping<'_> {
    /// Each kind of response has other fields of an employee, so every field is loaded only if it is present.
    pub(in crate::upstream::firstline) fn employee(
        &self,
        wire: Identified<wire::Employee>,
        detail: Detail,
    ) -> Employee {
        let Identified { id, object: wire } = wire;
        let phones = wire.profile.and_then(|profile| profile.phones.into_value());
        Employee {
            id: EmployeeId::new(VENDOR, id),
            detail,
            name: wire.name,
            first_name: wire.first_name,
            last_name: wire.last_name,
            // The codes of customers: the documents have none for employees.
            gender: wire.gender.map(|code| match code {
                0 => Gender::Female,
                1 => Gender::Male,
                _ => Gender::Unknown,
            }),
            employee_no: wire.employee_no,
            email: wire.email,
            phone: phones.as_ref().and_then(|phones| landline(phones)),
            mobile: phones.and_then(|phones| mobile(&phones)),
            // An unset role is "".
            is_admin: wire.role.map(|role| {
                role.eq_ignore_ascii_case("admin") || role.eq_ignore_ascii_case("administrator")
            }),
            is_active: wire.is_active,
            photo: wire
                .photo_url
                .and_then(|address| photo(self.base_url, &address)),
            extension: named_by(
                wire.extension_id,
                wire.extension
                    .and_then(|extension| extension.extension.into_value()),
            ),
            job_title: named_by(
                wire.job_title_id,
                wire.job_title.and_then(|title| title.name.into_value()),
            ),
            department: named_by(
                wire.department_id,
                wire.department
                    .and_then(|department| department.name.into_value()),
            ),
            groups: groups(wire.group_id, wire.group, detail),
            custom_fields: wire.cz_cols.map(custom_fields),
            created_at: self.time(&wire.created_at),
            updated_at: self.time(&wire.updated_at),
        }
    }

    pub(super) fn handler(
        &self,
        id: Loaded<VendorNumber>,
        handler: Loaded<wire::Employee>,
    ) -> Loaded<Arc<Employee>> {
        if !id.is_loaded() && !handler.is_loaded() {
            return Loaded::NotLoaded;
        }

        let embedded = handler
            .into_value()
            .and_then(|handler| self.excerpt(handler));
        let reference =
            |id: VendorNumber| Arc::new(Employee::reference(EmployeeId::new(VENDOR, id)));
        Loaded::Loaded(embedded.or_else(|| id.into_value().map(reference)))
    }

    pub(super) fn excerpt(&self, wire: wire::Employee) -> Option<Arc<Employee>> {
        let wire = identified(wire)?;
        Some(Arc::new(self.employee(wire, Detail::Excerpt)))
    }
}

/// The mobile phone, or else the first one.
fn mobile(phones: &[wire::Phone]) -> Option<String> {
    const MOBILE: i32 = 2;

    let numbers = || phones.iter().filter_map(|phone| phone.number.value());
    number_of(phones, MOBILE)
        .or_else(|| numbers().next())
        .cloned()
}

/// The phone at work, or else the one at home.
fn landline(phones: &[wire::Phone]) -> Option<String> {
    const HOME: i32 = 0;
    const COMPANY: i32 = 1;

    number_of(phones, COMPANY)
        .or_else(|| number_of(phones, HOME))
        .cloned()
}

fn number_of(phones: &[wire::Phone], phone_type: i32) -> Option<&String> {
    phones
        .iter()
        .filter(|phone| phone.r#type.value() == Some(&phone_type))
        .find_map(|phone| phone.number.value())
}

/// Combines a number and the object next to it. -1 means none, whatever the object is; for a number without an object, the
/// directory has the object.
fn named_by(id: Loaded<VendorNumber>, name: Loaded<String>) -> Loaded<String> {
    match (id, name) {
        (Loaded::Loaded(None), _) => Loaded::none(),
        (Loaded::Loaded(Some(_)), Loaded::Loaded(None)) => Loaded::NotLoaded,
        (_, name) => name,
    }
}

fn groups(
    id: Loaded<VendorNumber>,
    group: Loaded<wire::Group>,
    detail: Detail,
) -> Loaded<Vec<EmployeeGroup>> {
    let embedded = group.into_value().and_then(|group| {
        Some(EmployeeGroup {
            id: EmployeeGroupId::new(VENDOR, *group.id.value()?),
            name: group.name.into_value(),
            supervisor: group
                .supervisor_id
                .into_value()
                .map(|id| Arc::new(Employee::reference(EmployeeId::new(VENDOR, id)))),
        })
    });
    match (id, embedded) {
        (Loaded::Loaded(None), _) => Loaded::some(Vec::new()),
        (_, Some(group)) => Loaded::some(vec![group]),
        (Loaded::Loaded(Some(id)), None) if detail == Detail::Full => {
            Loaded::some(vec![EmployeeGroup {
                id: EmployeeGroupId::new(VENDOR, id),
                name: None,
                supervisor: None,
            }])
        }
        _ => Loaded::NotLoaded,
    }
}
