//! The chat messages of a service record.

use std::sync::Arc;

use super::{ChatMessageId, DateTime, Employee};

#[derive(Debug, Clone)]
pub struct ChatMessage {
    pub id: ChatMessageId,
    pub sent_at: Option<DateTime>,
    pub kind: ChatMessageKind,
    pub text: Option<String>,
    /// What is no text, as JSON text.
    pub payload: Option<String>,
    pub sender: ChatSender,
    pub is_survey: bool,
    pub raw_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatMessageKind {
    Text,
    Image,
    File,
    Other,
}

#[derive(Debug, Clone)]
pub struct ChatSender {
    pub role: ChatRole,
    /// Where the response has it. An agent's may be found by the number.
    pub name: Option<String>,
    /// The vendor's own id of the sender.
    pub vendor_id: Option<String>,
    /// The agent, where the record says who it is.
    pub employee: Option<Arc<Employee>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatRole {
    Agent,
    Customer,
    System,
    Bot,
    Unknown,
}

/// Where a record's messages are.
#[derive(Debug, Clone)]
pub enum Transcript {
    /// In the record's own answer, oldest first.
    Held(Vec<Arc<ChatMessage>>),
    /// In the list's answer for this record, which has more than the record's own.
    Listed,
    /// Behind a call of their own, page by page; their ids count from the oldest.
    Elsewhere,
}
