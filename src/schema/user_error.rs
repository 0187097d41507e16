//! What a caller can put right in a write, and how the faults of one input are gathered.

use async_graphql::{Enum, ID, MaybeUndefined, SimpleObject};

use super::error::{FieldError, FieldResult};
use crate::{
    domain::{Capabilities, Change, GlobalId, MalformedId, Vendor, VendorCapabilities},
    error::{Error, ErrorKind, FieldFault, Result},
};

/// Something that the caller can put right. Failures of the vendor or of the gateway are GraphQL errors instead.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub(super) struct UserError {
    /// The kind of fault.
    pub(super) code: UserErrorCode,
    /// One sentence for people; it may change.
    message: String,
    /// The path of the input field, e.g. ["input", "subject"]; an element of a list by its index, from "0". Null where the
    /// fault is of no one field.
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

/// What a write came to: the object, or what the caller can put right.
pub(super) type Written<T> = std::result::Result<T, Vec<UserError>>;

/// Sends a write whose input is free of faults. The input names the object to change by `object_id`; a new one has none.
pub(super) async fn written<C, T>(
    checked: Written<C>,
    object_id: Option<&'static str>,
    write: impl AsyncFnOnce(C) -> Result<T>,
) -> FieldResult<Written<T>> {
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
pub(super) fn parts<T>(written: Written<T>) -> (Option<T>, Vec<UserError>) {
    match written {
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

/// What the repository refused, where the caller can put it right.
fn user_errors(error: Error, object_id: Option<&'static str>) -> FieldResult<Vec<UserError>> {
    let code = match &error.kind {
        ErrorKind::InvalidFields(faults) => {
            return Ok(faults.iter().map(UserError::from).collect());
        }
        ErrorKind::NotFound => UserErrorCode::NotFound,
        ErrorKind::Locked => UserErrorCode::Locked,
        ErrorKind::UnsupportedByVendor(_) => UserErrorCode::UnsupportedByVendor,
        // Of an input without faults, the repository can refuse no more than the id: its vendor is not configured.
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

/// The faults of one input: all of them are told at once.
#[derive(Default)]
pub(super) struct Faults(Vec<UserError>);

impl Faults {
    /// What was read, when nothing was wrong with it.
    pub(super) fn none_in<T>(self, read: Option<T>) -> Written<T> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self.0),
        }
    }

    /// The names lead from the input to the field.
    pub(super) fn invalid(&mut self, names: &[&str], message: impl Into<String>) {
        self.add(UserErrorCode::Invalid, names, message);
    }

    /// The id of the object to change, whose vendor must be able to.
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

    /// The id of an object that a field is to point to: one of the vendor that holds the object to change, where that is known.
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
