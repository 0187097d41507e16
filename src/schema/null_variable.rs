//! A field that fails because a variable is null where it stands, without other fields.
//!
//! By the specification an argument that is null although its type forbids it is an error of its field alone. The library reads
//! arguments outside of the field, so that such an error costs everything around the field. It has the same defect with guards:
//! <https://github.com/async-graphql/async-graphql/issues/1532>. So each field at which a nullable variable stands by virtue of a
//! default is marked by a directive, which fails in the field's place when the variable is null.

use std::borrow::Cow;

use async_graphql::{
    Context, ContextDirective, CustomDirective, CustomDirectiveFactory, Name, Pos, Positioned,
    ResolveFut, ServerError, ServerResult, Value,
    parser::types::{Directive, Field},
    registry::Registry,
};
use async_graphql_value::Value as DocumentValue;

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
const MESSAGE: &str = "message";
const IS_NULLABLE: &str = "isNullable";

/// Marks a field at which this variable stands.
pub fn fail_for_null(
    field: &mut Field,
    variable: Name,
    message: &str,
    at: Pos,
    nullability: Nullability,
) {
    let is_nullable = nullability == Nullability::Nullable;
    let argument = |name, value| {
        let name = Positioned::new(Name::new(name), at);
        (name, Positioned::new(value, at))
    };
    let mark = Directive {
        name: Positioned::new(Name::new(NAME), at),
        arguments: vec![
            argument(VARIABLE, DocumentValue::String(variable.to_string())),
            argument(MESSAGE, DocumentValue::String(message.to_owned())),
            argument(IS_NULLABLE, DocumentValue::Boolean(is_nullable)),
        ],
    };
    field.directives.push(Positioned::new(mark, at));
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
        let text = |name| match mark.get_argument(name).map(|value| &value.node) {
            Some(DocumentValue::String(text)) => text.as_str(),
            _ => "",
        };
        let value = ctx.query_env.variables.get(text(VARIABLE));
        if value != Some(&Value::Null) {
            return Ok(Box::new(Guard::Passes));
        }

        let is_nullable = mark.get_argument(IS_NULLABLE).map(|value| &value.node);
        let error = FieldError::from(Error::bad_user_input(text(MESSAGE).to_owned()));
        Ok(Box::new(Guard::Fails {
            error: async_graphql::Error::from(error).into_server_error(ctx.item.pos),
            nullability: match is_nullable {
                Some(DocumentValue::Boolean(true)) => Nullability::Nullable,
                _ => Nullability::NonNull,
            },
        }))
    }
}

/// What a directive returns in the place of its field; none for null.
type Resolved = Option<Value>;

enum Guard {
    Passes,
    Fails {
        error: ServerError,
        nullability: Nullability,
    },
}

#[async_trait::async_trait]
impl CustomDirective for Guard {
    async fn resolve_field(
        &self,
        ctx: &Context<'_>,
        field: ResolveFut<'_>,
    ) -> ServerResult<Resolved> {
        let Guard::Fails { error, nullability } = self else {
            return field.await;
        };
        let error = ctx.set_error_path(error.clone());
        match nullability {
            Nullability::Nullable => {
                ctx.add_error(error);
                Ok(None)
            }
            Nullability::NonNull => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, value};
    use async_graphql::{Value, Variables};

    struct Query;

    #[Object]
    impl Query {
        async fn one(&self) -> i32 {
            1
        }

        async fn same(&self, number: i32) -> Option<i32> {
            Some(number)
        }
    }

    /// When it fails, the library lets such a field fail by itself, and this module may go.
    #[tokio::test]
    async fn the_library_still_fails_all_that_is_around_an_argument_that_is_null() {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let request = Request::new("query($n: Int = 1) { one same(number: $n) }");
        let variables = Variables::from_value(value!({ "n": null }));
        let response = schema.execute(request.variables(variables)).await;
        assert_eq!(response.data, Value::Null);
        assert_eq!(response.errors.len(), 1);
    }
}
