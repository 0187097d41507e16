//! Bangwo8 帮我吧: remote-assistance records, their chats, and agents.
