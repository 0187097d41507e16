//! User errors of writes, and how all faults of one input are collected.

use async_graphql::{Enum, ID, MaybeUndefined, SimpleObject};

use super::error::{FieldError, FieldResult};
use crate::{
    domain::{Capabilities, Change, GlobalId, MalformedId, Vendor, VendorCapabilities},
    error::{Error, ErrorKind, FieldFault, Result},
};

/// A fault that the client can fix. Failures of the vendor or of the gateway are GraphQL errors instead.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub(super) struct UserError {
    /// The kind of fault.
    pub(super) code: UserErrorCode,
    /// A sentence for people; its wording may change.
    message: String,
    /// The path of the input field, e.g. ["input", "subject"]; an element of a list by its index, from "0". Null where the
    /// fault concerns no single field.
    pub(super) field: Option<Vec<String>>,
}

/// The kind of a fault in a write.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UserErrorCode {
    /// The field can't have this value.
    Invalid,
    /// The vendor has no such object.
    NotFound,
    /// The object can't be changed any more.
    Locked,
    /// The object's vendor has no such operation.
    UnsupportedByVendor,
}

/// The result of a write: the object, or the user errors.
pub(super) type WriteResult<T> = std::result::Result<T, Vec<UserError>>;

/// Runs a write whose input has no faults. `object_id` is the input field with the id of the object; a new object has none.
pub(super) async fn run_write<C, T>(
    checked: WriteResult<C>,
    object_id: Option<&'static str>,
    write: impl AsyncFnOnce(C) -> Result<T>,
) -> FieldResult<WriteResult<T>> {
    let checked = match checked {
        Ok(checked) => checked,
        Err(user_errors) => return Ok(Err(user_errors)),
    };
    match write(checked).await {
        Ok(object) => Ok(Ok(object)),
        Err(error) => user_errors(error, object_id).map(Err),
    }
}

/// The object and the user errors, as payloads have them.
pub(super) fn parts<T>(run_write: WriteResult<T>) -> (Option<T>, Vec<UserError>) {
    match run_write {
        Ok(object) => (Some(object), Vec::new()),
        Err(user_errors) => (None, user_errors),
    }
}

pub(super) fn change<T>(value: MaybeUndefined<T>) -> Change<T> {
    match value {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => Change::Set(value),
    }
}

/// The user errors of a failure of the repository.
fn user_errors(error: Error, object_id: Option<&'static str>) -> FieldResult<Vec<UserError>> {
    let code = match &error.kind {
        ErrorKind::InvalidFields(faults) => {
            return Ok(faults.iter().map(UserError::from).collect());
        }
        ErrorKind::NotFound => UserErrorCode::NotFound,
        ErrorKind::Locked => UserErrorCode::Locked,
        ErrorKind::UnsupportedByVendor(_) => UserErrorCode::UnsupportedByVendor,
        // With a valid input, only an id whose vendor is not configured is bad user input.
        ErrorKind::BadUserInput if object_id.is_some() => UserErrorCode::Invalid,
        _ => return Err(FieldError::from(error)),
    };
    Ok(vec![UserError::of(code, object_id, error.to_string())])
}

impl UserError {
    /// The names lead from the input to the field.
    fn of<'a>(
        code: UserErrorCode,
        names: impl IntoIterator<Item = &'a str>,
        message: impl Into<String>,
    ) -> Self {
        let path = std::iter::once("input").chain(names);
        Self {
            code,
            message: message.into(),
            field: Some(path.map(str::to_owned).collect()),
        }
    }
}

impl From<&FieldFault> for UserError {
    fn from(fault: &FieldFault) -> Self {
        UserError::of(UserErrorCode::Invalid, fault.field, fault.message.as_str())
    }
}

/// The faults of one input, which are reported together.
#[derive(Default)]
pub(super) struct Faults(Vec<UserError>);

impl Faults {
    /// The value, if the input has no faults.
    pub(super) fn none_in<T>(self, read: Option<T>) -> WriteResult<T> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self.0),
        }
    }

    /// The names lead from the input to the field.
    pub(super) fn invalid(&mut self, names: &[&str], message: impl Into<String>) {
        self.add(UserErrorCode::Invalid, names, message);
    }

    /// The id of the object to change. Its vendor must support the write.
    pub(super) fn object_id<T: GlobalId>(
        &mut self,
        id: &ID,
        vendors: &VendorCapabilities,
        is_supported: impl Fn(&Capabilities) -> bool,
    ) -> Option<T> {
        let id: T = self.id("id", id)?;
        let vendor = id.vendor();
        // The repository refuses the id of a vendor that is not configured.
        if vendors.of(vendor).is_some_and(|known| !is_supported(known)) {
            let message = format!("{vendor} has no such operation");
            self.add(UserErrorCode::UnsupportedByVendor, &["id"], message);
            return None;
        }
        Some(id)
    }

    /// The id of an object that a field refers to. It must be of the same vendor as the object to change, where that is known.
    pub(super) fn reference<T: GlobalId>(
        &mut self,
        name: &str,
        id: MaybeUndefined<ID>,
        vendor: Option<Vendor>,
    ) -> Change<T> {
        let id = match change(id) {
            Change::Keep => return Change::Keep,
            Change::Clear => return Change::Clear,
            Change::Set(id) => id,
        };
        let Some(id) = self.id::<T>(name, &id) else {
            return Change::Keep;
        };
        match vendor {
            Some(vendor) if vendor != id.vendor() => {
                self.invalid(&[name], format!("it must be an id of {vendor}"));
                Change::Keep
            }
            _ => Change::Set(id),
        }
    }

    fn id<T: GlobalId>(&mut self, name: &str, id: &ID) -> Option<T> {
        match id.parse() {
            Ok(id) => Some(id),
            Err(malformed) => {
                self.invalid(&[name], MalformedId::to_string(&malformed));
                None
            }
        }
    }

    fn add(&mut self, code: UserErrorCode, names: &[&str], message: impl Into<String>) {
        self.0
            .push(UserError::of(code, names.iter().copied(), message));
    }
}
