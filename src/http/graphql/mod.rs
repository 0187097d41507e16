//! GraphQL over HTTP: authenticates, negotiates, reads the request, and sends the engine's response.

mod parameters;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use tokio::time::{timeout, timeout_at};

use super::{
    auth::{Authenticator, network_of},
    error::HttpError,
    negotiation::MediaType,
    rate_limit::{Network, RateLimit, RateLimitKey},
    request_log::RequestRecord,
    response::{Negotiated, respond, respond_to_batch},
};
use crate::{
    context::RequestScope,
    domain::Caller,
    engine::{AllowedOperations, Engine, Excess, GRACE, milliseconds},
    error::ErrorCode,
};
use parameters::Requests;

/// What the handler needs. It lives for the process.
pub(super) struct Graphql {
    pub(super) engine: Arc<Engine>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) rate_limit: Option<Arc<RateLimit>>,
    pub(super) body_timeout: Duration,
    pub(super) max_body_bytes: usize,
    pub(super) max_batch: usize,
}

pub(super) async fn handle(
    State(graphql): State<Arc<Graphql>>,
    Extension(record): Extension<Arc<RequestRecord>>,
    request: Request,
) -> Response {
    let accepted = MediaType::accepted(request.headers());
    let result = graphql.respond(accepted, &record, request).await;

    result.unwrap_or_else(|error| {
        record.count_errors(1);
        error.into_response_as(accepted.unwrap_or(MediaType::Json))
    })
}

impl Graphql {
    async fn respond(
        &self,
        accepted: Option<MediaType>,
        record: &RequestRecord,
        request: Request,
    ) -> Result<Response, HttpError> {
        let network = network_of(request.extensions());
        let caller = self
            .authenticator
            .caller(request.headers(), network)
            .await
            .inspect_err(|error| record.set_auth_error(error.reason()))?;
        let rate_limit_key = self.rate_limit_key(&caller, network);
        if let Some(rate_limit) = &self.rate_limit {
            rate_limit.count(&rate_limit_key)?;
        }
        let media_type = accepted.ok_or_else(not_acceptable)?;
        let scope = record.start(self.scope(record, caller));
        let is_post = request.method() == Method::POST;
        let conditions = (!is_post).then(|| request.headers().clone());

        let body_timeout = self.body_timeout.min(self.engine.request_timeout());
        let requests = timeout(body_timeout, self.read(request))
            .await
            .map_err(|_| body_too_slow(body_timeout))??;
        if let (Some(rate_limit), Requests::Batch(batch)) = (&self.rate_limit, &requests) {
            rate_limit.count_batch(&rate_limit_key, batch.len())?;
        }
        let cache_scope = self.authenticator.cache_scope();
        let negotiated = Negotiated {
            media_type,
            cache_scope,
            conditions: conditions.as_ref(),
        };
        let allowed = match is_post {
            true => AllowedOperations::All,
            false => AllowedOperations::Queries,
        };
        let responding = async {
            match requests {
                Requests::One(request) => {
                    let encoded = self
                        .engine
                        .respond(request, allowed, &scope, &record.progress)
                        .await?;
                    record.count_errors(encoded.error_count());
                    Ok(respond(&encoded, &negotiated))
                }
                Requests::Batch(batch) => {
                    let batch = self
                        .engine
                        .respond_to_batch(batch, &scope, &record.progress);
                    let responses = Box::pin(batch).await?;
                    record.count_errors(responses.iter().map(|one| one.error_count()).sum());
                    Ok(respond_to_batch(&responses, media_type, cache_scope))
                }
            }
        };

        let last_moment = scope.deadline + GRACE;
        timeout_at(last_moment.into(), responding)
            .await
            .unwrap_or_else(|_| Err(timed_out(record, self.engine.request_timeout())))
    }

    /// Where all clients are one caller, their networks tell them apart.
    fn rate_limit_key(&self, caller: &Caller, network: Option<Network>) -> RateLimitKey {
        match network {
            Some(network) if !self.authenticator.knows_callers() => RateLimitKey::Network(network),
            _ => RateLimitKey::of(caller),
        }
    }

    fn scope(&self, record: &RequestRecord, caller: Caller) -> RequestScope {
        RequestScope::new(
            record.id.clone(),
            caller,
            Instant::now() + self.engine.request_timeout(),
        )
        .with_vendor_calls(self.engine.max_vendor_calls())
    }

    async fn read(&self, request: Request) -> Result<Requests, HttpError> {
        if request.method() != Method::POST {
            return parameters::from_url(request.uri()).map(Requests::One);
        }

        let (head, body) = request.into_parts();
        parameters::check_content_type(&head.headers)?;
        parameters::check_content_encoding(&head.headers)?;
        let body = parameters::read_body(&head.headers, body, self.max_body_bytes).await?;
        parameters::from_body(&body, self.max_batch)
    }
}

fn not_acceptable() -> HttpError {
    HttpError::new(
        StatusCode::NOT_ACCEPTABLE,
        ErrorCode::BadUserInput,
        "Accept must allow application/graphql-response+json or application/json, in UTF-8.",
    )
}

fn body_too_slow(timeout: Duration) -> HttpError {
    let allowed = milliseconds(timeout);
    HttpError::over_limit(
        StatusCode::REQUEST_TIMEOUT,
        Excess {
            cost: None,
            allowed,
        },
        format!("The request body did not arrive within {allowed} ms."),
    )
}

/// The request was stopped with all that was in flight.
fn timed_out(record: &RequestRecord, timeout: Duration) -> HttpError {
    let (took, allowed) = (milliseconds(record.age()), milliseconds(timeout));
    if record.progress.mutation_started() {
        let message = format!(
            "The request timed out after {took} ms; at most {allowed} ms are allowed. \
            The outcome of its mutation is unknown."
        );
        return HttpError::new(
            StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::OutcomeUnknown,
            message,
        );
    }

    HttpError::over_limit(
        StatusCode::GATEWAY_TIMEOUT,
        Excess {
            cost: Some(took),
            allowed,
        },
        format!("The request timed out after {took} ms; at most {allowed} ms are allowed."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(error: HttpError) -> serde_json::Value {
        let body = error.body().expect("an error is JSON");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        body["errors"][0].clone()
    }

    #[test]
    fn a_timeout_says_how_long_the_request_took_and_whether_a_mutation_had_started() {
        let record = RequestRecord::new("a".to_owned());
        let query = error_of(timed_out(&record, Duration::from_millis(700)));
        assert_eq!(query["extensions"]["code"], "LIMIT_EXCEEDED");
        assert_eq!(query["extensions"]["allowed"], 700);
        assert!(query["extensions"]["cost"].is_u64(), "{query}");

        record.progress.start_mutation();
        let mutation = error_of(timed_out(&record, Duration::from_millis(700)));
        assert_eq!(mutation["extensions"]["code"], "OUTCOME_UNKNOWN");
        assert!(
            mutation["message"]
                .as_str()
                .is_some_and(|message| message.contains("700")),
            "{mutation}"
        );
    }
}
