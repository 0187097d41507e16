//! The mutations. Faults that the client can fix are `userErrors`; only failures of a vendor or of the gateway are errors.

use async_graphql::{Context, Object};

use super::{
    error::FieldResult,
    read_access::ReadAccess,
    repository,
    service_record_input::{
        UpdateServiceRecordInput, UpdateServiceRecordPayload, WrittenRecord, written_fields,
    },
    ticket_input::{
        self, CreateTicketInput, CreateTicketPayload, DeleteTicketInput, DeleteTicketPayload,
        UpdateTicketInput, UpdateTicketPayload,
    },
    user_error::run_write,
};
use crate::repository::Creation;

pub struct Mutation;

/// The mutations. A fault that the client can fix is a user error, with null instead of the object; all faults of one input are
/// returned together. OUTCOME_UNKNOWN means that the vendor's response to a write was lost: check whether it was applied before
/// you send it again. Without the scope `read`, a payload's object has its ids and the fields that the input set; the others are
/// null, with FORBIDDEN.
#[Object]
impl Mutation {
    /// Creates a ticket.
    async fn create_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's fields.")] input: CreateTicketInput,
    ) -> FieldResult<CreateTicketPayload> {
        let repository = repository(ctx)?;
        let ticket = run_write(
            input.read(repository.capabilities()),
            None,
            async |(changes, idempotency_key)| {
                let written = ticket_input::written_fields(&changes);
                let (ticket, creation) = repository.create_ticket(changes, idempotency_key).await?;
                let written = match creation {
                    Creation::New => written,
                    // Others may have changed it since.
                    Creation::Earlier => Vec::new(),
                };
                Ok((ticket, ReadAccess::after_write(repository, written)))
            },
        );
        Ok(ticket.await?.into())
    }

    /// Updates a ticket. Omitted fields stay as they are; null clears.
    async fn update_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's id and the fields to change, at least one.")]
        input: UpdateTicketInput,
    ) -> FieldResult<UpdateTicketPayload> {
        let repository = repository(ctx)?;
        let ticket = run_write(
            input.read(repository.capabilities()),
            Some("id"),
            async |(id, changes)| {
                let written = ticket_input::written_fields(&changes);
                let ticket = repository.update_ticket(id, changes).await?;
                Ok((ticket, ReadAccess::after_write(repository, written)))
            },
        );
        Ok(ticket.await?.into())
    }

    /// Deletes a ticket.
    async fn delete_ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket's id.")] input: DeleteTicketInput,
    ) -> FieldResult<DeleteTicketPayload> {
        let repository = repository(ctx)?;
        let deleted = run_write(
            input.read(repository.capabilities()),
            Some("id"),
            async |id| repository.delete_ticket(id).await.map(|()| id),
        );
        Ok(deleted.await?.into())
    }

    /// Updates a service record. FirstLine only, and only until its after-call work is completed. Omitted fields stay as they
    /// are.
    async fn update_service_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The record's id and the fields to change, at least one.")]
        input: UpdateServiceRecordInput,
    ) -> FieldResult<UpdateServiceRecordPayload> {
        let repository = repository(ctx)?;
        let record = run_write(
            input.read(repository.capabilities()),
            Some("id"),
            async |(id, changes)| {
                let access = ReadAccess::after_write(repository, written_fields(&changes));
                let custom_fields = changes.custom_fields.iter().flatten();
                Ok(WrittenRecord {
                    access,
                    custom_fields: custom_fields.map(|(key, _)| *key).collect(),
                    reread: repository.update_service_record(id, changes).await?,
                })
            },
        );
        Ok(record.await?.into())
    }
}
