//! The public schema: GraphQL names, nullability, descriptions and errors over the repository.

// The roots.
mod mutation;
mod query;

// The types, a file each.
mod category;
mod chat_message;
mod contact;
mod custom_field;
mod employee;
mod node;
mod pagination;
mod scalars;
mod service_log;
mod service_record;
mod service_record_input;
mod service_result;
mod sponsor;
mod stats;
mod termination_code;
mod ticket;
mod ticket_input;
mod user_error;
mod vendor;

// What the resolvers share.
mod arguments;
mod error;
mod hydrated;
mod null_variable;
mod read_access;
mod selection;
mod stale;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql::{
    Context, EmptySubscription, Request, Response, SDLExportOptions, Schema, SchemaBuilder,
    ValidationMode,
};

use crate::{
    error::{Error, Result},
    repository::Repository,
};
pub use mutation::Mutation;
use null_variable::FailsForNull;
pub use null_variable::{Nullability, fail_for_null};
pub use query::Query;
pub use scalars::coercion_error;
pub use stale::stale_extensions;

/// The schema, which lives for the process. A request carries its `Arc<Repository>` in its data.
///
/// Documents must be validated and variables coerced before.
pub struct GatewaySchema(Schema<Query, Mutation, EmptySubscription>);

impl GatewaySchema {
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        self.0.execute(request).await
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaSettings {
    pub introspection: Introspection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    Enabled,
    /// Errors do not suggest names of the schema either.
    Disabled,
}

pub fn build(settings: SchemaSettings) -> GatewaySchema {
    let builder = match settings.introspection {
        Introspection::Enabled => builder(),
        Introspection::Disabled => builder().disable_introspection(),
    };
    let builder = builder
        .validation_mode(ValidationMode::Fast)
        .directive(FailsForNull);
    GatewaySchema(builder.finish())
}

/// The schema in GraphQL's own language, the same on every run.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .prefer_single_line_descriptions()
        .include_specified_by()
        .use_space_ident();
    let printed = builder().finish().sdl_with_options(options);

    without_directive_definitions(&printed)
}

/// The library also prints, below their descriptions, the directives that every GraphQL server has.
fn without_directive_definitions(sdl: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in sdl.lines() {
        if line.starts_with("directive @") {
            lines.pop_if(|description| description.starts_with('"'));
        } else {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
}

/// The repository of this request.
fn repository<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Repository>> {
    ctx.data_opt()
        .ok_or_else(|| Error::internal("the request carries no repository"))
}
