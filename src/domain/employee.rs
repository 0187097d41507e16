//! An employee, who serves customers.

use std::sync::Arc;

use super::{DateTime, Detail, EmployeeGroupId, EmployeeId, Told};

/// An employee as one answer of the vendor has it. A copy inside another object has fewer fields than the directory, and the
/// missing ones are read from the directory, so that no copy hides what the directory has.
#[derive(Debug, Clone)]
pub struct Employee {
    pub id: EmployeeId,
    pub detail: Detail,
    pub name: Told<String>,
    pub employee_no: Told<String>,
    pub email: Told<String>,
    pub mobile: Told<String>,
    pub is_admin: Told<bool>,
    pub is_active: Told<bool>,
    pub photo_url: Told<String>,
    pub extension: Told<String>,
    pub job_title: Told<String>,
    pub department: Told<String>,
    pub groups: Told<Vec<EmployeeGroup>>,
    pub created_at: Told<DateTime>,
    pub updated_at: Told<DateTime>,
}

impl Employee {
    /// The reference, where an answer has the employee's number alone.
    pub fn reference(id: EmployeeId) -> Self {
        Self {
            id,
            detail: Detail::Reference,
            name: Told::Untold,
            employee_no: Told::Untold,
            email: Told::Untold,
            mobile: Told::Untold,
            is_admin: Told::Untold,
            is_active: Told::Untold,
            photo_url: Told::Untold,
            extension: Told::Untold,
            job_title: Told::Untold,
            department: Told::Untold,
            groups: Told::Untold,
            created_at: Told::Untold,
            updated_at: Told::Untold,
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

#[derive(Debug, Clone)]
pub struct EmployeeGroup {
    pub id: EmployeeGroupId,
    pub name: Option<String>,
    /// By number alone: the vendors embed no more of a supervisor.
    pub supervisor: Option<Arc<Employee>>,
}
