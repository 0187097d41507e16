//! The GraphQL schema.

// joined at the merge: as much of it as the front's own tests ask.

use async_graphql::{EmptySubscription, InputObject, Object, Schema, SimpleObject};

pub type GatewaySchema = Schema<Query, Mutation, EmptySubscription>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaSettings {
    pub introspection: Introspection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    Enabled,
    Disabled,
}

pub fn build(settings: SchemaSettings) -> GatewaySchema {
    let builder = Schema::build(Query, Mutation, EmptySubscription);
    match settings.introspection {
        Introspection::Enabled => builder.finish(),
        Introspection::Disabled => builder.disable_introspection().finish(),
    }
}

pub fn sdl() -> String {
    build(SchemaSettings {
        introspection: Introspection::Enabled,
    })
    .sdl()
}

pub struct Query;
pub struct Mutation;

#[derive(SimpleObject)]
struct VendorStatus {
    vendor: String,
}

#[derive(InputObject)]
struct DeleteTicketInput {
    id: async_graphql::ID,
}

#[derive(SimpleObject)]
struct DeleteTicketPayload {
    deleted_id: Option<async_graphql::ID>,
}

#[derive(SimpleObject)]
struct Ticket {
    id: async_graphql::ID,
}

#[Object]
impl Query {
    async fn vendors(&self) -> Vec<VendorStatus> {
        Vec::new()
    }

    async fn ticket(&self, _id: async_graphql::ID) -> Option<Ticket> {
        None
    }
}

#[Object]
impl Mutation {
    async fn delete_ticket(&self, input: DeleteTicketInput) -> DeleteTicketPayload {
        let _ = input.id;
        DeleteTicketPayload { deleted_id: None }
    }
}
