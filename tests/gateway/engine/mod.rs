//! One GraphQL operation: what documents and variables may be, what they may cost, and how equal queries share an answer.

mod demand;
mod hostile;
mod known_documents;
mod persisted;
mod shared_answers;
mod values;
