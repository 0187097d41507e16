//! GraphQL over HTTP: negotiates, reads the request, has it executed within its limits, and answers.

pub(crate) mod parameters;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::parser::types::OperationType;
use axum::{
    Extension,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use futures_util::future::try_join_all;
use tokio::time::{sleep_until, timeout, timeout_at};

use super::{
    answer::{Answer, Excess, Fault, MediaType, code},
    auth::Authenticator,
    rate_limit::{Asker, RateLimit},
    request_log::{AnsweredBy, RequestFacts},
};
use crate::{
    context::RequestScope,
    domain::Caller,
    engine::{
        cost::DocumentLimits,
        document::{
            document_cache::Documents,
            operation::{Operation, check},
            persisted::PersistedDocuments,
        },
        encoded_response::{Manner, Written, respond_to_batch},
        response_cache::{Answered, KeptAnswers, QuestionKey},
        schema_shape::SchemaShape,
        single_flight::{Part, Sharing},
    },
    repository::Shared,
    schema::{GatewaySchema, Introspection},
};
use parameters::{Asked, Parameters};

/// What is under way at the deadline has failed by then, field by field. This cuts off what did not keep to it.
const BACKSTOP: Duration = Duration::from_millis(500);

/// All that the handler needs.
pub(super) struct Graphql {
    pub(super) schema: GatewaySchema,
    pub(super) shape: SchemaShape,
    pub(super) shared: Arc<Shared>,
    pub(super) authenticator: Authenticator,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) known_documents: Documents,
    pub(super) kept: KeptAnswers,
    pub(super) sharing: Arc<Sharing<(QuestionKey, u64), Result<Answered, Fault>>>,
    pub(super) limits: DocumentLimits,
    pub(super) introspection: Introspection,
    pub(super) documents: PersistedDocuments,
    pub(super) request_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) max_body_bytes: usize,
    pub(super) max_batch: usize,
}

pub(super) async fn handle(
    State(graphql): State<Arc<Graphql>>,
    Extension(facts): Extension<Arc<RequestFacts>>,
    request: Request,
) -> Response {
    let accepted = MediaType::accepted(request.headers());
    let result = graphql.answer(accepted, &facts, request).await;

    result.unwrap_or_else(|fault| {
        facts.count_errors(1);
        fault.into_response_as(accepted.unwrap_or(MediaType::Json))
    })
}

impl Graphql {
    async fn answer(
        self: &Arc<Self>,
        accepted: Option<MediaType>,
        facts: &RequestFacts,
        request: Request,
    ) -> Result<Response, Fault> {
        let caller = self
            .authenticator
            .caller(request.headers())
            .await
            .inspect_err(|refusal| facts.tell_refusal(refusal.reason()))?;
        let asker = self.asker(&caller, &request);
        if let Some(rate_limit) = &self.rate_limit {
            rate_limit.count(&asker)?;
        }
        let media_type = accepted.ok_or_else(not_acceptable)?;
        let scope = facts.start(self.scope(facts, caller));
        let may_write = request.method() == Method::POST;
        let conditions = (!may_write).then(|| request.headers().clone());

        let body_timeout = self.body_timeout.min(self.request_timeout);
        let asked = timeout(body_timeout, self.asked(request))
            .await
            .map_err(|_| body_too_slow(body_timeout))??;
        if let (Some(rate_limit), Asked::Batch(batch)) = (&self.rate_limit, &asked) {
            rate_limit.count_batch(&asker, batch.len())?;
        }
        let asked = asked.try_map(|parameters| {
            self.documents
                .resolve(parameters, |text| self.may_run(text))
        })?;
        let audience = self.authenticator.audience();
        let manner = Manner {
            media_type,
            audience,
            conditions: conditions.as_ref(),
        };
        let answering = async {
            match asked {
                Asked::One(parameters) => {
                    let written = self
                        .answer_one(parameters, facts, &scope, may_write)
                        .await?;
                    facts.count_errors(written.error_count());
                    Ok(written.respond(&manner))
                }
                Asked::Batch(batch) => {
                    let answers = Box::pin(self.answer_batch(batch, facts, &scope)).await?;
                    facts.count_errors(answers.iter().map(|answer| answer.error_count()).sum());
                    Ok(respond_to_batch(&answers, media_type, audience))
                }
            }
        };

        let backstop = scope.deadline + BACKSTOP;
        timeout_at(backstop.into(), answering)
            .await
            .unwrap_or_else(|_| Err(took_too_long(facts, self.request_timeout)))
    }

    /// Where everybody has one name, their addresses tell them apart.
    fn asker(&self, caller: &Caller, request: &Request) -> Asker {
        match request.extensions().get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(peer)) if !self.authenticator.knows_callers() => {
                Asker::Peer(peer.ip())
            }
            _ => Asker::of(caller),
        }
    }

    /// Whether the document is within the limits and valid.
    fn may_run(&self, document: &str) -> bool {
        let checked = check(
            document,
            &self.schema,
            &self.limits,
            &self.shape,
            self.introspection,
        );
        checked.is_ok()
    }

    fn scope(&self, facts: &RequestFacts, caller: Caller) -> RequestScope {
        RequestScope::new(
            facts.id.clone(),
            caller,
            Instant::now() + self.request_timeout,
        )
    }

    async fn asked(&self, request: Request) -> Result<Asked, Fault> {
        if request.method() != Method::POST {
            return parameters::from_url(request.uri()).map(Asked::One);
        }

        let (head, body) = request.into_parts();
        parameters::check_content_type(&head.headers)?;
        let body = parameters::read_body(&head.headers, body, self.max_body_bytes).await?;
        parameters::from_body(&body, self.max_batch)
    }

    fn prepare(&self, parameters: Parameters) -> Result<Operation, Answer> {
        Operation::prepare(
            parameters,
            &self.known_documents,
            &self.limits,
            &self.shape,
            self.introspection,
        )
    }

    /// What is kept was checked when it was asked for first.
    async fn answer_one(
        self: &Arc<Self>,
        parameters: Parameters,
        facts: &RequestFacts,
        scope: &RequestScope,
        may_write: bool,
    ) -> Result<Arc<Written>, Fault> {
        let key = self.kept.key(&parameters, &scope.caller);
        let may_be_kept = parameters.refusal.is_none();
        if may_be_kept && let Some(kept) = self.kept(key, scope) {
            facts.tell_operation(&kept.operation);
            facts.tell_answered_by(AnsweredBy::Keeping);
            return Ok(kept.written);
        }

        let operation = self.prepare(parameters);
        if let Ok(operation) = &operation {
            facts.tell_operation(&operation.facts);
            if !may_write {
                check_reads_only(operation)?;
            }
        }
        // Not to be carried along by those that need no execution.
        Box::pin(self.run(operation, key, facts, scope)).await
    }

    /// Queries run side by side. A batch that changes something runs in its order, so that each request sees what those before
    /// it did.
    async fn answer_batch(
        self: &Arc<Self>,
        batch: Vec<Parameters>,
        facts: &RequestFacts,
        scope: &RequestScope,
    ) -> Result<Vec<Arc<Written>>, Fault> {
        let operations: Vec<_> = batch
            .into_iter()
            .map(|parameters| {
                let key = self.kept.key(&parameters, &scope.caller);
                let operation = self.prepare(parameters);
                (key, operation)
            })
            .collect();
        let prepared = || operations.iter().flat_map(|(_, operation)| operation);
        if let Some(first) = prepared().next() {
            facts.tell_operation(&first.facts);
        }
        let writes = prepared().any(|operation| operation.is(OperationType::Mutation));

        let running = operations.into_iter().map(async |(key, operation)| {
            if operation.is_ok()
                && let Some(kept) = self.kept(key, scope)
            {
                return Ok(kept.written);
            }
            match self.run(operation, key, facts, scope).await {
                Ok(written) => Ok(written),
                // The others have their answers all the same.
                Err(fault) => Written::once(&fault.into_answer()).map(Arc::new),
            }
        });
        if !writes {
            return try_join_all(running).await;
        }
        let mut answers = Vec::new();
        for answer in running {
            answers.push(answer.await?);
        }
        Ok(answers)
    }

    /// As good as a new one, and for the log one answer out of the cache.
    fn kept(&self, key: QuestionKey, scope: &RequestScope) -> Option<Answered> {
        let kept = self.kept.get(key, &self.shared)?;
        scope.tally.count_cache_hit();
        Some(kept)
    }

    async fn run(
        self: &Arc<Self>,
        operation: Result<Operation, Answer>,
        key: QuestionKey,
        facts: &RequestFacts,
        scope: &RequestScope,
    ) -> Result<Arc<Written>, Fault> {
        let operation = match operation {
            Ok(operation) => Arc::new(operation),
            Err(refusal) => return Written::once(&refusal).map(Arc::new),
        };
        if operation.is(OperationType::Query) {
            return self.share(&operation, key, facts, scope).await;
        }

        facts.tell_answered_by(AnsweredBy::Execution);
        facts.tell_change();
        let repository = self.shared.for_request(Arc::new(scope.for_operation()));
        let answer = operation.execute(&self.schema, Arc::new(repository)).await;
        Written::once(&answer).map(Arc::new)
    }

    /// The answer of an equal query that is under way, or of this one. Whoever has it executed lends it their deadline; where
    /// that cut it short, those who came later and still have time ask again.
    async fn share(
        self: &Arc<Self>,
        operation: &Arc<Operation>,
        key: QuestionKey,
        facts: &RequestFacts,
        scope: &RequestScope,
    ) -> Result<Arc<Written>, Fault> {
        loop {
            // What began before a write is no answer to who asks after it.
            let question = (key, self.shared.writes());
            let (execution, part) = self.sharing.join(question, || {
                let scope = Arc::new(scope.for_operation());
                Arc::clone(self).execute(Arc::clone(operation), key, scope)
            });
            facts.tell_answered_by(match part {
                Part::Started => AnsweredBy::Execution,
                Part::Joined => AnsweredBy::Sharing,
            });

            let answered = execution.await.ok_or_else(Fault::internal)??;
            match answered.better_from {
                Some(better_from) if better_from < scope.deadline => {
                    sleep_until(better_from.into()).await;
                }
                _ => return Ok(answered.written),
            }
        }
    }

    async fn execute(
        self: Arc<Self>,
        operation: Arc<Operation>,
        key: QuestionKey,
        scope: Arc<RequestScope>,
    ) -> Result<Answered, Fault> {
        let repository = self.shared.for_request(Arc::clone(&scope));
        let executing = operation.execute(&self.schema, Arc::new(repository));
        let backstop = scope.deadline + BACKSTOP;
        let written = match timeout_at(backstop.into(), executing).await {
            Ok(answer) => Written::query(&answer, scope.freshness.grounds())?,
            // Nobody may wait for it on and on; who has more time left asks again.
            Err(_) => {
                let refusal = given_up(self.request_timeout + BACKSTOP, self.request_timeout);
                Written::once(&refusal.into_answer())?
            }
        };

        let now = Instant::now();
        let better_from = if now >= scope.deadline {
            Some(now)
        } else if written.is_of_this_moment() {
            scope.patience.lacking_until()
        } else {
            None
        };
        let answered = Answered {
            written: Arc::new(written),
            operation: Arc::clone(&operation.facts),
            better_from,
        };
        self.kept.keep(key, &answered);
        Ok(answered)
    }
}

/// A GET may be repeated, prefetched and cached by anybody on the way, so it changes nothing.
fn check_reads_only(operation: &Operation) -> Result<(), Fault> {
    if operation.is(OperationType::Query) {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::METHOD_NOT_ALLOWED,
        code::BAD_USER_INPUT,
        "A GET may hold a query only: send anything else by POST.",
    )
    .with_header(header::ALLOW, HeaderValue::from_static("POST")))
}

fn not_acceptable() -> Fault {
    Fault::new(
        StatusCode::NOT_ACCEPTABLE,
        code::BAD_USER_INPUT,
        "Answers are application/graphql-response+json or application/json, in UTF-8.",
    )
}

fn body_too_slow(timeout: Duration) -> Fault {
    let allowed = milliseconds(timeout);
    Fault::over_limit(
        StatusCode::REQUEST_TIMEOUT,
        Excess {
            cost: None,
            allowed,
        },
        format!("The request body must arrive within {allowed} ms, and did not."),
    )
}

/// Cut off with all that was under way.
fn took_too_long(facts: &RequestFacts, timeout: Duration) -> Fault {
    if !facts.began_change() {
        return given_up(facts.age(), timeout);
    }

    let (took, allowed) = (milliseconds(facts.age()), milliseconds(timeout));
    let message = format!(
        "The request was given up after {took} ms, at most {allowed} are allowed; \
        what became of the changes that it asked for is not known."
    );
    Fault::new(StatusCode::GATEWAY_TIMEOUT, code::OUTCOME_UNKNOWN, message)
}

fn given_up(after: Duration, allowed: Duration) -> Fault {
    let (took, allowed) = (milliseconds(after), milliseconds(allowed));
    Fault::over_limit(
        StatusCode::GATEWAY_TIMEOUT,
        Excess {
            cost: Some(took),
            allowed,
        },
        format!("The request was given up after {took} ms; at most {allowed} are allowed."),
    )
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(fault: Fault) -> serde_json::Value {
        let answer = serde_json::to_value(fault.into_answer()).expect("an answer is JSON");
        answer["errors"][0].clone()
    }

    #[test]
    fn a_request_that_is_cut_off_tells_its_time_and_whether_it_may_have_changed_something() {
        let facts = RequestFacts::new("a".to_owned());
        let query = error_of(took_too_long(&facts, Duration::from_millis(700)));
        assert_eq!(query["extensions"]["code"], "LIMIT_EXCEEDED");
        assert_eq!(query["extensions"]["allowed"], 700);
        assert!(query["extensions"]["cost"].is_u64(), "{query}");

        facts.tell_change();
        let mutation = error_of(took_too_long(&facts, Duration::from_millis(700)));
        assert_eq!(mutation["extensions"]["code"], "OUTCOME_UNKNOWN");
        assert!(
            mutation["message"]
                .as_str()
                .is_some_and(|message| message.contains("700")),
            "{mutation}"
        );
    }
}
