//! What a caller may select of an object that it wrote: everything, or, without the scope `read`, what it has written itself.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry, resolver_utils::resolve_container,
};

use super::{error::FieldError, repository, selection::IDENTITY};
use crate::{domain::Scope, repository::Repository};

#[derive(Debug, Clone)]
pub(super) enum ReadAccess {
    Everything,
    /// What the object's id says, and the fields that the caller's own write set.
    OwnWrite(Vec<&'static str>),
}

impl ReadAccess {
    /// Of the caller, in the payload of a mutation that wrote these fields.
    pub(super) fn after_write(repository: &Repository, written: Vec<&'static str>) -> Self {
        match repository.authorize(Scope::Read) {
            Ok(()) => Self::Everything,
            Err(_) => Self::OwnWrite(written),
        }
    }

    fn allows(&self, field: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::OwnWrite(written) => IDENTITY.contains(&field) || written.contains(&field),
        }
    }
}

/// An object in the payload of a mutation that wrote it. A field that the caller may not read is null, with FORBIDDEN; one that
/// can't be null takes the object with it.
pub(super) struct Written<T> {
    pub(super) object: T,
    pub(super) access: ReadAccess,
}

/// None where the object has no such field.
type Resolved = Option<Value>;

impl<T: ContainerType + Send + Sync> ContainerType for Written<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Resolved> {
        let name = ctx.field().name();
        let refusal = match self.access.allows(name) {
            true => None,
            false => repository(ctx)
                .and_then(|repository| repository.authorize(Scope::Read))
                .err(),
        };
        let Some(refusal) = refusal else {
            return self.object.resolve_field(ctx).await;
        };
        let error: async_graphql::Error = FieldError::from(refusal).into();
        let error = ctx.set_error_path(error.into_server_error(ctx.item.pos));
        if is_never_null::<T>(ctx, name) {
            return Err(error);
        }
        ctx.add_error(error);
        Ok(Some(Value::Null))
    }
}

impl<T: ContainerType + Send + Sync> OutputType for Written<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

fn is_never_null<T: OutputType>(ctx: &Context<'_>, field: &str) -> bool {
    let types = &ctx.schema_env.registry.types;
    let known = types.get(&*T::type_name());
    let known = known.and_then(|known| known.field_by_name(field));
    known.is_none_or(|field| field.ty.ends_with('!'))
}
