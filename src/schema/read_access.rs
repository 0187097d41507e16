//! What a caller may select of an object that it was given: everything, or, without the scope `read`, what it has written itself.

use std::sync::Arc;

use async_graphql::{Context, Guard};

use super::{error::FieldError, repository, selection::IDENTITY};
use crate::{
    domain::Scope,
    error::{Error, Result},
    repository::Repository,
};

/// A guard of all fields of an object that a mutation may return.
#[derive(Debug, Clone, Default)]
pub(super) enum ReadAccess {
    #[default]
    Everything,
    /// What the object's id says, and the fields that the caller's own write set.
    OwnWrite(Arc<[String]>),
}

impl ReadAccess {
    /// Of the caller, in the payload of a mutation that wrote these fields.
    pub(super) fn after_write(repository: &Repository, written: Vec<String>) -> Self {
        match repository.authorize(Scope::Read) {
            Ok(()) => Self::Everything,
            Err(_) => Self::OwnWrite(written.into()),
        }
    }

    pub(super) fn allows(&self, field: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::OwnWrite(written) => {
                IDENTITY.contains(&field) || written.iter().any(|written| written == field)
            }
        }
    }
}

impl Guard for &ReadAccess {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        if self.allows(ctx.field().name()) {
            return Ok(());
        }
        let refused: Result<(), Error> =
            repository(ctx).and_then(|repository| repository.authorize(Scope::Read));
        refused.map_err(|error| FieldError::from(error).into())
    }
}
