//! A field that fails because a variable is null where it stands, and takes no other field along.
//!
//! The library reads a field's arguments too late for that: what is wrong with them costs all that is around the field. So such
//! a field is marked by a directive that only the gateway can write, and which fails in the field's place.

use std::borrow::Cow;

use async_graphql_value::Value as DocumentValue;

use async_graphql::{
    Context, ContextDirective, CustomDirective, CustomDirectiveFactory, Name, Pos, Positioned,
    ResolveFut, ServerError, ServerResult, Value,
    parser::types::{Directive, Field},
    registry::Registry,
};

use super::error::FieldError;
use crate::error::Error;

/// What a field may answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nullability {
    Nullable,
    NonNull,
}

/// The schema does not have it, so that no client's document with it is valid.
const NAME: &str = "_failsForNull";
const VARIABLE: &str = "variable";
const IS_NULLABLE: &str = "isNullable";

/// Marks a field at which this variable stands.
pub fn fail_for_null(field: &mut Field, variable: &Name, at: Pos, nullability: Nullability) {
    let is_nullable = nullability == Nullability::Nullable;
    let argument = |name, value| {
        let name = Positioned::new(Name::new(name), at);
        (name, Positioned::new(value, at))
    };
    let mark = Directive {
        name: Positioned::new(Name::new(NAME), at),
        arguments: vec![
            argument(VARIABLE, DocumentValue::String(variable.to_string())),
            argument(IS_NULLABLE, DocumentValue::Boolean(is_nullable)),
        ],
    };
    field.directives.push(Positioned::new(mark, at));
}

/// What is said of it.
pub fn null_where_it_stands(variable: &str) -> String {
    format!("The variable ${variable} must not be null where it stands.")
}

pub(super) struct FailsForNull;

impl CustomDirectiveFactory for FailsForNull {
    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }

    fn register(&self, _: &mut Registry) {}

    fn create(
        &self,
        ctx: &ContextDirective<'_>,
        mark: &Directive,
    ) -> ServerResult<Box<dyn CustomDirective>> {
        let argument = |name| mark.get_argument(name).map(|value| &value.node);
        let variable = match argument(VARIABLE) {
            Some(DocumentValue::String(name)) => name.as_str(),
            _ => "",
        };
        let nullability = match argument(IS_NULLABLE) {
            Some(DocumentValue::Boolean(true)) => Nullability::Nullable,
            _ => Nullability::NonNull,
        };
        let error = FieldError::from(Error::bad_user_input(null_where_it_stands(variable)));
        Ok(Box::new(Failure {
            error: async_graphql::Error::from(error).into_server_error(ctx.item.pos),
            nullability,
        }))
    }
}

/// What a directive hands over in the place of its field; none for null.
type Resolved = Option<Value>;

struct Failure {
    error: ServerError,
    nullability: Nullability,
}

#[async_trait::async_trait]
impl CustomDirective for Failure {
    async fn resolve_field(&self, ctx: &Context<'_>, _: ResolveFut<'_>) -> ServerResult<Resolved> {
        let error = ctx.set_error_path(self.error.clone());
        match self.nullability {
            Nullability::Nullable => {
                ctx.add_error(error);
                Ok(None)
            }
            Nullability::NonNull => Err(error),
        }
    }
}
