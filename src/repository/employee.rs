//! Employees: the vendors' directories, merged.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join;

use super::{
    Cached, Cursors, Lifetime, ListField, Page, Repository, Topic, list::total_of, source_of,
};
use crate::{
    domain::{
        Canonical, Employee, EmployeeId, PageArguments, Scope, SourceStatus, Vendor,
        VendorErrorCode,
    },
    error::Result,
    listing::{Resume, decode},
    upstream::VendorApi,
};

impl Repository {
    /// The employee of the directory, none where it has no such employee. Where the vendor refuses the directory, the id alone.
    pub async fn employee(&self, id: EmployeeId) -> Result<Option<Arc<Employee>>> {
        self.authorize(Scope::Read)?;
        let Some(directory) = self.employee_directory(self.vendor(id.vendor)?).await? else {
            return Ok(Some(Arc::new(Employee::unlisted(id))));
        };
        Ok(find(&directory.value, id))
    }

    /// The employee that a relation names by id: the employee of the directory, or the id alone where the directory does not have
    /// them or the vendor refuses it.
    pub async fn related_employee(&self, id: EmployeeId) -> Result<Arc<Employee>> {
        let employee = self.employee(id).await?;
        Ok(employee.unwrap_or_else(|| Arc::new(Employee::unlisted(id))))
    }

    /// By vendor, then by number.
    pub async fn employees(
        &self,
        page: PageArguments,
        vendors: Option<Vec<Vendor>>,
        search: Option<String>,
    ) -> Result<Page<Employee>> {
        self.authorize(Scope::Read)?;
        let search = search.filter(|search| !search.is_empty());
        let arguments = Canonical::new("employees")
            .list("vendors", vendors.clone())
            .field("search", search.as_deref());
        let fingerprint = ListField::Employees.fingerprint(&arguments);
        let after = match decode(fingerprint, page.after.as_deref())? {
            Some(Resume::Numbered { vendor, number }) => Some((vendor, number)),
            _ => None,
        };

        let search = search.as_deref();
        let parts = self.read_selected(vendors.as_deref(), |vendor| {
            self.employees_of(vendor, search)
        });
        let mut sources = Vec::new();
        let mut employees: Vec<Arc<Employee>> = Vec::new();
        for (vendor, part) in parts.await? {
            let Some(part) = part else {
                sources.push(SourceStatus::skipped(vendor.vendor()));
                continue;
            };
            let total = part.as_ref().ok().and_then(|part| part.total);
            let directory = part.as_ref().map(|part| &part.directory);
            sources.extend(source_of(&**vendor, directory, total));
            employees.extend(part.into_iter().flat_map(|part| part.employees));
        }
        let total_count = total_of(&sources);

        let is_given = |employee: &Arc<Employee>| {
            let id = employee.id;
            after.is_some_and(|after| (id.vendor, id.number.get()) <= after)
        };
        employees.retain(|employee| !is_given(employee));
        employees.sort_by_key(|employee| employee.id);
        let has_next_page = employees.len() > page.limit.get();
        employees.truncate(page.limit.get());
        let edges = employees.iter().map(|employee| Resume::Numbered {
            vendor: employee.id.vendor,
            number: employee.id.number.get(),
        });
        let cursors = Cursors::new(fingerprint, edges.collect(), None);
        Ok(Page {
            has_next_page,
            has_previous_page: after.is_some(),
            nodes: employees,
            cursors,
            total_count,
            sources,
        })
    }

    /// The whole directory.
    async fn whole_directory(
        &self,
        vendor: &Arc<dyn VendorApi>,
    ) -> Result<Cached<Vec<Arc<Employee>>>> {
        self.directory(vendor, async |vendor, scope| {
            vendor.employees(&scope, None).await
        })
        .await
    }

    /// The same; none where the vendor refuses the directory to the gateway's account.
    pub(super) async fn employee_directory(
        &self,
        vendor: &Arc<dyn VendorApi>,
    ) -> Result<Option<Cached<Vec<Arc<Employee>>>>> {
        match self.whole_directory(vendor).await {
            Ok(directory) => Ok(Some(directory)),
            Err(error)
                if vendor.capabilities().may_refuse_directory
                    && error
                        .vendor_failure()
                        .is_some_and(|failure| is_refusal(failure.code)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn employees_of(
        &self,
        vendor: &Arc<dyn VendorApi>,
        search: Option<&str>,
    ) -> Result<VendorEmployees> {
        let Some(search) = search else {
            return Ok(VendorEmployees::whole(self.whole_directory(vendor).await?));
        };
        if !vendor.capabilities().has_employee_search {
            let directory = self.whole_directory(vendor).await?;
            return Ok(VendorEmployees::filtered(directory, search));
        }

        let key = (Topic::Employees, Lifetime::List, ("search", search));
        let found = self.read(vendor, key, |vendor, scope| {
            let search = search.to_owned();
            async move { vendor.employees(&scope, Some(&search)).await }
        });
        let (found, directory) = join(found, self.whole_directory(vendor)).await;
        // The vendor matches national identity numbers too: a caller that may not see personal data may not search by it.
        let found = match self.scope.caller.may(Scope::Pii) {
            true => VendorEmployees::whole(found?),
            false => VendorEmployees::filtered(found?, search),
        };
        // It does not match e-mail addresses.
        let in_directory = VendorEmployees::filtered(directory?, search);
        Ok(found.with(in_directory.employees))
    }
}

/// The employees of one vendor in a list.
struct VendorEmployees {
    directory: Cached<Vec<Arc<Employee>>>,
    employees: Vec<Arc<Employee>>,
    total: Option<u64>,
}

impl VendorEmployees {
    fn whole(directory: Cached<Vec<Arc<Employee>>>) -> Self {
        Self {
            employees: directory.value.to_vec(),
            total: Some(directory.value.len() as u64),
            directory,
        }
    }

    /// The same and these. The gateway found what is new, so then there is no total.
    fn with(mut self, others: Vec<Arc<Employee>>) -> Self {
        let known: HashSet<_> = self.employees.iter().map(|employee| employee.id).collect();
        for other in others {
            if !known.contains(&other.id) {
                self.employees.push(other);
                self.total = None;
            }
        }
        self
    }

    /// Those whose name, number or e-mail address contains the text in any case. The gateway filtered, so only an empty list has
    /// a total.
    fn filtered(directory: Cached<Vec<Arc<Employee>>>, search: &str) -> Self {
        let wanted = search.to_lowercase();
        let contains =
            |text: Option<&String>| text.is_some_and(|text| text.to_lowercase().contains(&wanted));
        let employees: Vec<_> = directory
            .value
            .iter()
            .filter(|employee| {
                contains(employee.name.value())
                    || contains(employee.employee_no.value())
                    || contains(employee.email.value())
            })
            .cloned()
            .collect();
        Self {
            total: employees.is_empty().then_some(0),
            employees,
            directory,
        }
    }
}

fn find(directory: &[Arc<Employee>], id: EmployeeId) -> Option<Arc<Employee>> {
    directory.iter().find(|employee| employee.id == id).cloned()
}

fn is_refusal(code: VendorErrorCode) -> bool {
    use VendorErrorCode::*;
    matches!(code, Forbidden | Rejected)
}
