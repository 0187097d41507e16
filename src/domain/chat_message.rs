//! The chat messages of a service record.

use std::sync::Arc;

use super::{ChatMessageId, DateTime};

#[derive(Debug, Clone)]
pub struct ChatMessage {
    pub id: ChatMessageId,
    pub sent_at: Option<DateTime>,
    pub kind: ChatMessageKind,
    pub text: Option<String>,
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
    /// An agent's name, where the vendor returns it.
    pub name: Option<String>,
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
