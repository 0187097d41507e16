//! Answers to queries, kept as bytes for as long as what they rest on is fresh and unwritten, and bounded by bytes.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{Value, Variables};

use crate::{
    domain::Caller,
    engine::encoded_response::Written,
    http::{graphql::parameters::Parameters, request_log::OperationFacts},
    repository::{Keeping, Shared},
};

#[derive(Debug, Clone)]
pub struct AnswerSettings {
    pub keeping: Keeping,
    pub max_bytes: u64,
}

/// Names a question and what its asker may see. It is a keyed hash, so that no personal data stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QuestionKey(u64, u64);

pub(crate) struct KeptAnswers {
    keeping: Keeping,
    answers: moka::sync::Cache<QuestionKey, Answered>,
    hashers: (RandomState, RandomState),
}

/// What a question was answered with, and what it was.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) written: Arc<Written>,
    pub(crate) operation: Arc<OperationFacts>,
    /// From when on what is missing in it may be there for somebody who has that much time; none where time is not what the
    /// request lacked that had it executed.
    pub(crate) better_from: Option<Instant>,
}

/// What an answer costs beside its bytes: its key, its place in the table, and what it rests on.
const ANSWER_BYTES: usize = 1024;

impl KeptAnswers {
    pub(crate) fn new(settings: &AnswerSettings) -> Self {
        let weight = |_: &QuestionKey, answered: &Answered| {
            u32::try_from(answered.written.bytes() + ANSWER_BYTES).unwrap_or(u32::MAX)
        };
        Self {
            keeping: settings.keeping,
            answers: moka::sync::Cache::builder()
                .max_capacity(settings.max_bytes)
                .weigher(weight)
                .expire_after(WhileFresh)
                .build(),
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// Everything goes into it that an answer depends on: the document, which of its operations, its variables, and the
    /// caller's rights, but never who the caller is.
    pub(crate) fn key(&self, parameters: &Parameters, caller: &Caller) -> QuestionKey {
        let hash = |state: &RandomState| {
            let mut hasher = state.build_hasher();
            parameters.query.hash(&mut hasher);
            parameters.operation_name.hash(&mut hasher);
            hash_variables(&parameters.variables, &mut hasher);
            caller.scopes().hash(&mut hasher);
            hasher.finish()
        };
        QuestionKey(hash(&self.hashers.0), hash(&self.hashers.1))
    }

    /// An answer that is as good as a new one.
    pub(crate) fn get(&self, key: QuestionKey, shared: &Shared) -> Option<Answered> {
        if self.keeping == Keeping::NotKept {
            return None;
        }
        let answered = self.answers.get(&key)?;
        let grounds = answered.written.grounds()?;
        let is_good = !answered.written.repeatable_for().is_zero() && shared.still_holds(grounds);
        is_good.then_some(answered)
    }

    pub(crate) fn keep(&self, key: QuestionKey, answered: &Answered) {
        if self.keeping == Keeping::Kept && !answered.written.repeatable_for().is_zero() {
            self.answers.insert(key, answered.clone());
        }
    }
}

/// The order in which an object's fields were sent makes no other question.
fn hash_variables(variables: &Variables, hasher: &mut impl Hasher) {
    variables.len().hash(hasher);
    for (name, value) in variables.iter() {
        name.hash(hasher);
        hash_value(value, hasher);
    }
}

fn hash_value(value: &Value, hasher: &mut impl Hasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Number(number) => number.hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::Boolean(truth) => truth.hash(hasher),
        Value::Binary(bytes) => bytes.hash(hasher),
        Value::Enum(name) => name.hash(hasher),
        Value::List(items) => {
            items.len().hash(hasher);
            for item in items {
                hash_value(item, hasher);
            }
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            fields.len().hash(hasher);
            for (name, field) in fields {
                name.hash(hasher);
                hash_value(field, hasher);
            }
        }
    }
}

/// Answers leave by themselves when they are not good any more.
struct WhileFresh;

impl moka::Expiry<QuestionKey, Answered> for WhileFresh {
    fn expire_after_create(
        &self,
        _key: &QuestionKey,
        answered: &Answered,
        _now: Instant,
    ) -> Option<Duration> {
        Some(answered.written.repeatable_for())
    }

    fn expire_after_update(
        &self,
        _key: &QuestionKey,
        answered: &Answered,
        _now: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(answered.written.repeatable_for())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::domain::Scope;

    fn key(kept: &KeptAnswers, query: &str, variables: Json, scopes: &[Scope]) -> QuestionKey {
        let parameters = Parameters {
            query: query.to_owned(),
            operation_name: None,
            variables: Variables::from_json(variables),
            document_id: None,
            refusal: None,
        };
        kept.key(&parameters, &Caller::new("anybody", scopes.to_vec()))
    }

    #[test]
    fn a_question_is_its_document_its_variables_and_the_rights_to_it() {
        let kept = KeptAnswers::new(&AnswerSettings {
            keeping: Keeping::Kept,
            max_bytes: 1024,
        });
        let read = [Scope::Read];
        let asked = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"});
        let first = key(&kept, "{ a }", asked, &read);

        let in_other_order = json!({"d": "x", "a": {"c": [1, 2], "b": 1}});
        assert_eq!(first, key(&kept, "{ a }", in_other_order, &read));
        for other in [
            key(
                &kept,
                "{ b }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"}),
                &read,
            ),
            key(
                &kept,
                "{ a }",
                json!({"a": {"b": 1, "c": [2, 1]}, "d": "x"}),
                &read,
            ),
            key(
                &kept,
                "{ a }",
                json!({"a": {"b": "1", "c": [1, 2]}, "d": "x"}),
                &read,
            ),
            key(
                &kept,
                "{ a }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": null}),
                &read,
            ),
            key(
                &kept,
                "{ a }",
                json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"}),
                &Scope::ALL,
            ),
        ] {
            assert_ne!(first, other);
        }
    }
}
