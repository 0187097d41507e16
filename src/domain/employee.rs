//! An employee, who serves customers.

use std::sync::Arc;

use super::{CustomField, DateTime, Detail, EmployeeGroupId, EmployeeId, Loaded, Photo};

/// An employee as one answer of the vendor has it. A copy inside another object has fewer fields than the directory, and the
/// missing ones are read from the directory, so that no copy hides what the directory has.
#[derive(Debug, Clone)]
pub struct Employee {
    pub id: EmployeeId,
    pub detail: Detail,
    pub name: Loaded<String>,
    pub first_name: Loaded<String>,
    pub last_name: Loaded<String>,
    pub gender: Loaded<Gender>,
    pub employee_no: Loaded<String>,
    pub email: Loaded<String>,
    pub mobile: Loaded<String>,
    /// A landline.
    pub phone: Loaded<String>,
    pub is_admin: Loaded<bool>,
    pub is_active: Loaded<bool>,
    pub photo: Loaded<Photo>,
    pub extension: Loaded<String>,
    pub job_title: Loaded<String>,
    pub department: Loaded<String>,
    pub groups: Loaded<Vec<EmployeeGroup>>,
    pub custom_fields: Loaded<Vec<CustomField>>,
    pub created_at: Loaded<DateTime>,
    pub updated_at: Loaded<DateTime>,
}

impl Employee {
    /// The reference, where an answer has the employee's number alone.
    pub fn reference(id: EmployeeId) -> Self {
        Self {
            id,
            detail: Detail::Reference,
            name: Loaded::NotLoaded,
            first_name: Loaded::NotLoaded,
            last_name: Loaded::NotLoaded,
            gender: Loaded::NotLoaded,
            employee_no: Loaded::NotLoaded,
            email: Loaded::NotLoaded,
            mobile: Loaded::NotLoaded,
            phone: Loaded::NotLoaded,
            is_admin: Loaded::NotLoaded,
            is_active: Loaded::NotLoaded,
            photo: Loaded::NotLoaded,
            extension: Loaded::NotLoaded,
            job_title: Loaded::NotLoaded,
            department: Loaded::NotLoaded,
            groups: Loaded::NotLoaded,
            custom_fields: Loaded::NotLoaded,
            created_at: Loaded::NotLoaded,
            updated_at: Loaded::NotLoaded,
        }
    }

    /// An employee who is no longer in the directory, or whom the gateway may not look up: the id alone.
    pub fn unlisted(id: EmployeeId) -> Self {
        Self {
            detail: Detail::Full,
            ..Self::reference(id)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    Female,
    Male,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct EmployeeGroup {
    pub id: EmployeeGroupId,
    pub name: Option<String>,
    /// By number alone: the vendors embed no more of a supervisor.
    pub supervisor: Option<Arc<Employee>>,
}
