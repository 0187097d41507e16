//! Objects that can be fetched again by their id, whatever their type.

use async_graphql::{Context, ID, Interface};

use super::{
    arguments,
    category::Category,
    chat_message::ChatMessage,
    employee::Employee,
    error::{FieldResult, nullable_at},
    repository,
    service_record::ServiceRecord,
    sponsor::Sponsor,
    stale::Place,
    termination_code::TerminationCode,
    ticket::Ticket,
};
use crate::domain::NodeId;

/// An object that can be fetched again by its globally unique id. Ids are `<vendor>:<Type>:<key>` and opaque to clients.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Unique over all types and vendors, and always written the same way."
))]
pub(super) enum Node {
    ServiceRecord(ServiceRecord),
    Ticket(Ticket),
    Employee(Employee),
    Category(Category),
    ChatMessage(ChatMessage),
    Sponsor(Sponsor),
    TerminationCode(TerminationCode),
}

impl Node {
    /// The argument's path is for the message about a malformed id.
    pub(super) async fn load(
        ctx: &Context<'_>,
        place: Place,
        argument: &str,
        id: &ID,
    ) -> Option<FieldResult<Self>> {
        nullable_at(ctx, place, async {
            let id = arguments::id(argument, id)?;
            let repository = repository(ctx)?;
            Ok(match id {
                NodeId::ServiceRecord(id) => {
                    let record = repository.service_record(id).await?;
                    record.map(|record| Node::ServiceRecord(record.into()))
                }
                NodeId::Ticket(id) => {
                    let ticket = repository.ticket(id).await?;
                    ticket.map(|ticket| Node::Ticket(ticket.into()))
                }
                NodeId::Employee(id) => {
                    let employee = repository.employee(id).await?;
                    employee.map(|employee| Node::Employee(employee.into()))
                }
                NodeId::Category(id) => {
                    let category = repository.category(id).await?;
                    category.map(|category| Node::Category(category.into()))
                }
                NodeId::ChatMessage(id) => {
                    let message = repository.chat_message(id).await?;
                    message.map(|message| Node::ChatMessage(message.into()))
                }
                NodeId::Sponsor(id) => {
                    let sponsor = repository.sponsor(id).await?;
                    sponsor.map(|sponsor| Node::Sponsor(sponsor.into()))
                }
                NodeId::TerminationCode(id) => {
                    let termination_code = repository.termination_code(id).await?;
                    termination_code.map(|code| Node::TerminationCode(code.into()))
                }
            })
        })
        .await
    }
}
