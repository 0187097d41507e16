//! GraphQL over HTTP: negotiates, reads the request, has it executed within its limits, and answers.

mod coercion;
mod operation;
mod parameters;
mod positions;
mod validation;
mod variables;

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
use futures_util::future::join_all;
use tokio::time::timeout_at;

use super::{
    answer::{Answer, Fault, MediaType, batch_response, code, error},
    auth::Authenticator,
    limits::{DocumentLimits, SchemaShape},
    rate_limit::{Asker, RateLimit},
    request_log::{OperationFacts, RequestFacts},
};
use crate::{
    domain::{Caller, RequestScope, Tally},
    repository::Shared,
    schema::{GatewaySchema, Introspection},
};
use operation::Operation;
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
    pub(super) limits: DocumentLimits,
    pub(super) introspection: Introspection,
    pub(super) request_timeout: Duration,
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
        &self,
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

        let asked = timeout_at(scope.deadline.into(), self.asked(request))
            .await
            .map_err(|_| body_too_slow())??;
        if let (Some(rate_limit), Asked::Batch(batch)) = (&self.rate_limit, &asked) {
            rate_limit.count_batch(&asker, batch.len())?;
        }
        let answering = async {
            match asked {
                Asked::One(parameters) => {
                    let operation = self.prepare(parameters, facts);
                    if !may_write {
                        check_reads_only(&operation)?;
                    }
                    let answer = self.run(operation, &scope).await;
                    facts.count_errors(answer.errors.len());
                    Ok(answer.into_response(media_type))
                }
                Asked::Batch(batch) => {
                    let answers = self.run_batch(batch, facts, &scope).await;
                    facts.count_errors(answers.iter().map(|answer| answer.errors.len()).sum());
                    Ok(batch_response(&answers, media_type))
                }
            }
        };

        let backstop = scope.deadline + BACKSTOP;
        timeout_at(backstop.into(), answering)
            .await
            .unwrap_or_else(|_| {
                facts.count_errors(1);
                Ok(took_too_long().into_response(media_type))
            })
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

    fn scope(&self, facts: &RequestFacts, caller: Caller) -> RequestScope {
        RequestScope {
            id: facts.id.clone(),
            caller,
            deadline: Instant::now() + self.request_timeout,
            tally: Tally::default(),
        }
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

    fn prepare(&self, parameters: Parameters, facts: &RequestFacts) -> Result<Operation, Answer> {
        let operation =
            Operation::prepare(parameters, &self.limits, &self.shape, self.introspection)?;
        facts.tell_operation(OperationFacts {
            name: operation.name.clone(),
            operation_type: operation.operation_type.to_string(),
        });
        Ok(operation)
    }

    async fn run(&self, operation: Result<Operation, Answer>, scope: &Arc<RequestScope>) -> Answer {
        match operation {
            Ok(operation) => {
                let repository = Arc::new(self.shared.for_request(scope.clone()));
                operation.execute(&self.schema, repository).await
            }
            Err(answer) => answer,
        }
    }

    /// Queries run side by side. A batch that changes something runs in its order, so that each request sees what those before
    /// it did.
    async fn run_batch(
        &self,
        batch: Vec<Parameters>,
        facts: &RequestFacts,
        scope: &Arc<RequestScope>,
    ) -> Vec<Answer> {
        let operations: Vec<Result<Operation, Answer>> = batch
            .into_iter()
            .map(|parameters| self.prepare(parameters, facts))
            .collect();
        let writes = operations
            .iter()
            .flatten()
            .any(|operation| operation.operation_type == OperationType::Mutation);

        let running = operations
            .into_iter()
            .map(|operation| self.run(operation, scope));
        if !writes {
            return join_all(running).await;
        }
        let mut answers = Vec::new();
        for answer in running {
            answers.push(answer.await);
        }
        answers
    }
}

/// A GET may be repeated, prefetched and cached by anybody on the way, so it changes nothing.
fn check_reads_only(operation: &Result<Operation, Answer>) -> Result<(), Fault> {
    match operation {
        Ok(operation) if operation.operation_type != OperationType::Query => Err(Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            code::BAD_USER_INPUT,
            "A GET may hold a query only: send anything else by POST.",
        )
        .with_header(header::ALLOW, HeaderValue::from_static("POST"))),
        _ => Ok(()),
    }
}

fn not_acceptable() -> Fault {
    Fault::new(
        StatusCode::NOT_ACCEPTABLE,
        code::BAD_USER_INPUT,
        "Answers are application/graphql-response+json or application/json, in UTF-8.",
    )
}

fn body_too_slow() -> Fault {
    Fault::new(
        StatusCode::REQUEST_TIMEOUT,
        code::LIMIT_EXCEEDED,
        "The request body took longer to arrive than a request may take.",
    )
}

fn took_too_long() -> Answer {
    let message = "The request took longer than it may, and was given up; \
        what became of changes that it asked for is not known.";
    let error = error(code::INTERNAL, message);
    Answer::refused_with(StatusCode::GATEWAY_TIMEOUT, vec![error])
}
