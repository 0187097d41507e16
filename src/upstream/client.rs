//! The one HTTP policy towards every vendor: deadline, circuit, retries, pace, response size, log, health.

use std::{
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{
    Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    multipart, redirect, retry,
};
use tokio::{
    sync::Semaphore,
    time::{self, timeout_at},
};
use tower::retry::budget::{Budget, TpsBudget};

use super::{
    Outage, ProbePermit,
    attempt::{Attempts, FailedAttempt, Head, ReceivedResponse, Trace, TransportError, code_of},
    attempt_metric::AttemptMetric,
    background::Background,
    breaker::{Breaker, CallEnd, Permit},
    call::{Call, CallBody, Purpose},
    call_context::CallContext,
    health::Health,
    in_flight::InFlight,
    pace::Pace,
    response::{VendorResponse, failure_of},
};
use crate::{
    context::{RequestScope, ReservedCall},
    domain::{
        CircuitState, Vendor, VendorErrorCode, VendorFailure, VendorStatus, VendorZone, is_loopback,
    },
    error::{Error, Result},
    telemetry::metrics::VendorMetrics,
};

/// How much memory is reserved for a body by its Content-Length.
const MAX_RESERVED_BYTES: u64 = 1024 * 1024;

/// The retry budget: within this window, retries are at most a fifth of the calls,
const RETRY_BUDGET_WINDOW: Duration = Duration::from_secs(10);
const RETRIES_PER_CALL: f32 = 0.2;
/// plus this many a second, so that a vendor with few calls gets retries too.
const RESERVED_RETRIES_PER_SECOND: u32 = 1;
/// A caller's request probes a vendor that is down, if there is one within this time.
const CALLER_HEAD_START: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub vendor: Vendor,
    /// May have a path, with or without a slash at its end.
    pub base_url: String,
    /// For one call, its retries included. The wait until it may be sent does not count.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// The maximum number of calls in flight.
    pub max_concurrency: usize,
    /// The maximum number of calls in any minute, logins, probes and retries included; none is no maximum.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Of a call that is safe to repeat.
    pub max_retries: usize,
    /// The maximum size of a response, decompressed.
    pub max_body_bytes: usize,
    /// How long no login is attempted after one was refused: a vendor may lock an account after too many attempts.
    pub refused_login_pause: Duration,
}

/// Calls one vendor's host, and no other.
#[derive(Debug)]
pub(super) struct VendorClient {
    vendor: Vendor,
    http: reqwest::Client,
    base_url: Url,
    timeout: Duration,
    pace: Pace,
    /// The right to probe the vendor while it is down.
    probe: Arc<Semaphore>,
    max_retries: usize,
    retry_budget: TpsBudget,
    max_body_bytes: usize,
    refused_login_pause: Duration,
    breaker: Breaker,
    health: Mutex<Health>,
    metrics: Arc<VendorMetrics>,
}

impl VendorClient {
    pub(super) fn new(settings: ClientSettings, metrics: VendorMetrics) -> Result<Self> {
        let vendor = settings.vendor;
        let base_url = base_url(vendor, &settings.base_url)?;
        // A process has one provider. If one is installed already, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            // Every attempt is decided, counted and logged here, so none is made below.
            .retry(retry::never())
            .gzip(true)
            .user_agent(concat!("deskgraph/", env!("CARGO_PKG_VERSION")));
        // A host on this machine is never behind a proxy.
        if base_url.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|err| {
            Error::internal(format!("no HTTP client for {vendor} can be set up")).with_source(err)
        })?;

        Ok(Self {
            vendor,
            http,
            base_url,
            timeout: settings.timeout,
            pace: Pace::new(
                vendor,
                settings.max_concurrency,
                settings.requests_per_minute,
            ),
            probe: Arc::new(Semaphore::new(1)),
            max_retries: settings.max_retries,
            retry_budget: TpsBudget::new(
                RETRY_BUDGET_WINDOW,
                RESERVED_RETRIES_PER_SECOND,
                RETRIES_PER_CALL,
            ),
            max_body_bytes: settings.max_body_bytes,
            refused_login_pause: settings.refused_login_pause,
            breaker: Breaker::new(vendor),
            health: Mutex::default(),
            metrics: Arc::new(metrics),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(super) fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// How long one call may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn metrics(&self) -> &VendorMetrics {
        &self.metrics
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(super) fn refused_login_pause(&self) -> Duration {
        self.refused_login_pause
    }

    pub(super) fn status(&self, zone: &VendorZone) -> VendorStatus {
        let circuit = self.breaker.state();
        self.health().status(self.vendor, circuit, zone)
    }

    /// Resolves when the vendor is down, a probe is due, and no caller has probed it.
    pub(super) async fn probe_due(&self) {
        loop {
            // Registered before the state is read, so that no change in between is missed.
            let call_ends = self.breaker.call_ends();
            match self.probe_due_at() {
                None => call_ends.await,
                Some(due_at) => {
                    let due_at = due_at + CALLER_HEAD_START;
                    if timeout_at(due_at, call_ends).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn probe_due_at(&self) -> Option<time::Instant> {
        match self.breaker.state() {
            CircuitState::Closed => self.health().probe_due_at(),
            CircuitState::Open => self.breaker.trial_due_at(),
            CircuitState::HalfOpen => None,
        }
    }

    /// None unless the vendor is known to be down. While it refuses the credentials, that is what callers have to hear.
    pub(super) fn outage(&self) -> Option<Outage> {
        let circuit = self.breaker.state();
        let health = self.health();
        if health.refuses_credentials() {
            return None;
        }
        let failure = match circuit {
            CircuitState::Closed => health.failure_while_down()?,
            CircuitState::Open | CircuitState::HalfOpen => self.open_circuit_failure(),
        };
        Some(Outage {
            failure,
            probe: self.begin_probe(),
        })
    }

    /// The right to probe the vendor now; none while another call does, or while a probe is not due.
    pub(super) fn begin_probe(&self) -> Option<ProbePermit> {
        let is_due = match self.breaker.state() {
            CircuitState::Closed => true,
            CircuitState::Open => self.breaker.wait().is_zero(),
            CircuitState::HalfOpen => false,
        };
        let permit = is_due.then(|| Arc::clone(&self.probe).try_acquire_owned().ok())?;
        permit.map(ProbePermit)
    }

    pub(super) fn refuses_credentials(&self) -> bool {
        self.health().refuses_credentials()
    }

    pub(super) fn context<'a>(&self, scope: &'a RequestScope) -> CallContext<'a> {
        CallContext::new(scope, self.timeout)
    }

    /// The context of a call that goes on for so long, whatever its request's deadline is.
    pub(super) fn context_until<'a>(
        &self,
        scope: &'a RequestScope,
        limit: Duration,
    ) -> CallContext<'a> {
        CallContext::ending_at(scope, Instant::now() + limit)
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts::new(self.max_retries)
    }

    /// Sends a call, and retries it as long as that is useful. Returns any response that does not warrant a retry, also a
    /// refusal.
    pub(super) async fn send<'a>(
        &'a self,
        context: &CallContext<'_>,
        call: &'a Call,
        authorization: Option<&HeaderValue>,
        attempts: &mut Attempts,
    ) -> Result<VendorResponse<'a>> {
        let Some(mut permit) = self.breaker.admit() else {
            return Err(failure_of(call, self.circuit_open(call), attempts));
        };
        let Some(mut reserved) = context.reserve(call) else {
            let allowed = context.scope.vendor_calls.allowed();
            return Err(Error::too_many_vendor_calls(allowed));
        };
        self.retry_budget.deposit();
        let mut end = None;
        let mut earlier = None;
        loop {
            attempts.made += 1;

            let number = attempts.made;
            let attempt = self.attempt(context, call, authorization, &mut permit, number, reserved);
            let failed = match attempt.await {
                Ok(received) => match self.retryable_failure(call, &received) {
                    None => {
                        return Ok(VendorResponse {
                            client: self,
                            call,
                            received,
                            may_have_executed_before: attempts.may_have_executed,
                            permit: Some(permit),
                        });
                    }
                    Some(failed) => failed,
                },
                Err(failed) => failed,
            };
            attempts.note(&failed, call);
            end = failed.end.or(end);

            let wait = attempts.wait_before_next(&failed, call, context);
            let next = wait
                .filter(|_| self.may_retry(&permit))
                .and_then(|wait| Some((wait, context.reserve(call)?)));
            match next {
                Some((wait, reserved_next)) => {
                    time::sleep(wait).await;
                    self.metrics.retries.inc();
                    earlier = Some(failed);
                    reserved = reserved_next;
                }
                None => {
                    if failed.code == VendorErrorCode::GatewayError {
                        self.log_local_fault(call, &failed.trace);
                    }
                    // An attempt that never left the gateway says less than the one before it.
                    let reported = match earlier {
                        Some(earlier) if failed.never_left_the_gateway() => FailedAttempt {
                            retry_after: failed.retry_after.or(earlier.retry_after),
                            ..earlier
                        },
                        _ => failed,
                    };
                    if reported.code == VendorErrorCode::GatewayError {
                        return Err(failure_of(call, self.failure(reported.code), attempts));
                    }
                    if reported.code == VendorErrorCode::CircuitOpen {
                        return Err(failure_of(call, self.circuit_open(call), attempts));
                    }
                    if reported.is_prevented() {
                        let until = Instant::now() + reported.retry_after.unwrap_or_default();
                        let failure = self.rate_limited(context, call, until);
                        return Err(failure_of(call, failure, attempts));
                    }
                    let failure = VendorFailure {
                        vendor: self.vendor,
                        code: reported.code,
                        retry_after: reported.retry_after,
                    };
                    self.record_failure(call, &reported.trace, failure, end);
                    if let Some(end) = end {
                        permit.settle(end);
                    }
                    return Err(failure_of(call, failure, attempts));
                }
            }
        }
    }

    /// A trial is a single call, so that a failing vendor gets no extra load.
    fn may_retry(&self, permit: &Permit<'_>) -> bool {
        !permit.is_trial() && permit.holds() && self.retry_budget.withdraw()
    }

    /// One attempt, from the wait for its turn to the end of the body.
    async fn attempt<'a>(
        &'a self,
        context: &CallContext<'_>,
        call: &Call,
        authorization: Option<&HeaderValue>,
        permit: &mut Permit<'a>,
        number: usize,
        reserved: ReservedCall,
    ) -> Result<ReceivedResponse, FailedAttempt> {
        let mut slot = self.turn(context, number).await?;
        let deadline = context.deadline();
        if deadline <= Instant::now() {
            return Err(FailedAttempt::unsent(VendorErrorCode::Timeout, number));
        }
        let deadline = deadline.into();
        // While the call waited for a slot, the circuit may have opened, and closed again.
        if !permit.holds() {
            *permit = self
                .breaker
                .admit()
                .ok_or_else(|| FailedAttempt::unsent(VendorErrorCode::CircuitOpen, number))?;
        }

        let request = self
            .request(context, call, authorization)
            .map_err(|err| FailedAttempt::unbuilt(&err.without_url(), number))?;
        context.scope.counters.count_vendor_call();
        reserved.spend();

        let mut head = None;
        let started_at = Instant::now();
        let mut slot_in_use = Some(self.metrics.take_slot());
        let mut metric = AttemptMetric::begin(&self.metrics, call.route);
        let in_flight = InFlight::begin(self, call, permit, number);
        let mut went_on = false;
        let outcome = {
            let mut exchange = pin!(self.exchange(request, call.cut_after, &mut head));
            let outcome = timeout_at(deadline, exchange.as_mut()).await;
            let in_time = in_flight.end();
            match (outcome, &call.background) {
                (Err(_), Some(background)) => {
                    // Reads must not wait for the slot of a call that no caller waits for.
                    slot.free();
                    drop(slot_in_use.take());
                    went_on = true;
                    self.go_on(call, permit, background, (number, in_time));
                    timeout_at(deadline + background.limit(), exchange).await
                }
                (outcome, _) => outcome,
            }
        };
        let duration = started_at.elapsed();
        let outcome = outcome.unwrap_or_else(|_| {
            Err(match self.is_conclusive(duration) {
                true => TransportError::TimedOut,
                false => TransportError::Abandoned,
            })
        });
        let trace = Trace {
            attempt: number,
            status: head.map(|head| head.status),
            duration,
            bytes: outcome.as_ref().map_or(0, |(_, body)| body.len()),
            error: outcome.as_ref().err().and_then(TransportError::chain),
            wrong_at: None,
        };
        self.log_attempt(call, &trace);
        if let Some(head) = &mut head {
            self.keep_pace(&slot, head);
        }

        match outcome {
            Ok((received_head, body)) => {
                metric.end(code_of(received_head.status));
                Ok(ReceivedResponse {
                    head: head.unwrap_or(received_head),
                    body,
                    trace,
                    metric,
                })
            }
            Err(transport_error) => {
                let mut failed = FailedAttempt::transport_error(&transport_error, head, trace);
                metric.end(Some(failed.code));
                // It counted when its deadline passed.
                failed.end = failed.end.filter(|_| !went_on);
                Err(failed)
            }
        }
    }

    /// The deadline of a call has passed, and it goes on: its caller gets the failure, and it counts as a call without a response, as if
    /// it had ended here.
    fn go_on(
        &self,
        call: &Call,
        permit: &mut Permit<'_>,
        background: &Background,
        (attempt, duration): (usize, Duration),
    ) {
        let failure = VendorFailure {
            vendor: self.vendor,
            code: VendorErrorCode::Timeout,
            retry_after: None,
        };
        let end = self.is_conclusive(duration).then_some(CallEnd::TimedOut);
        permit.end_early(end);
        let trace = Trace {
            attempt,
            status: None,
            duration,
            bytes: 0,
            error: None,
            wrong_at: None,
        };
        self.record_failure(call, &trace, failure, end);
        background.begin(failure);
    }

    /// Whether a vendor without a response after this time is at fault. A late attempt has little time left, and proves
    /// nothing.
    pub(super) fn is_conclusive(&self, duration: Duration) -> bool {
        duration >= self.timeout / 2
    }

    /// The head is stored as soon as it arrives, because the body may fail.
    async fn exchange(
        &self,
        request: reqwest::Request,
        cut_after: Option<usize>,
        head_so_far: &mut Option<Head>,
    ) -> Result<(Head, Vec<u8>), TransportError> {
        let mut response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(err) => return Err(TransportError::before_response(err)),
        };

        let head = Head::of(&response);
        *head_so_far = Some(head);
        let declared_length = response.content_length().unwrap_or_default();
        if cut_after.is_none() && declared_length > self.max_body_bytes as u64 {
            return Err(TransportError::BodyTooLarge);
        }
        let max_bytes = cut_after.unwrap_or(self.max_body_bytes);
        let mut body = Vec::with_capacity(declared_length.min(MAX_RESERVED_BYTES) as usize);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > max_bytes => {
                    if cut_after.is_none() {
                        return Err(TransportError::BodyTooLarge);
                    }
                    body.extend_from_slice(&chunk);
                    break;
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(err) => return Err(TransportError::within_response(err)),
            }
        }
        Ok((head, body))
    }

    fn request(
        &self,
        context: &CallContext<'_>,
        call: &Call,
        authorization: Option<&HeaderValue>,
    ) -> reqwest::Result<reqwest::Request> {
        let mut url = self.base_url.clone();
        let prefix = self.base_url.path().trim_end_matches('/');
        let (path, query) = match call.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*call.path, None),
        };
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(query);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }

        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header(ACCEPT, call.accept);
        if let Ok(id) = HeaderValue::from_str(&context.scope.id) {
            request = request.header("x-request-id", id);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        request = match &call.body {
            None => request,
            Some(CallBody::Json(body)) => request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone()),
            Some(CallBody::Form(fields)) => {
                let form = fields
                    .iter()
                    .fold(multipart::Form::new(), |form, (name, value)| {
                        form.text(*name, *value)
                    });
                request.multipart(form)
            }
        };
        request.build()
    }

    fn retryable_failure(&self, call: &Call, received: &ReceivedResponse) -> Option<FailedAttempt> {
        match (call.recognizes)(&received.body) {
            true => None,
            false => FailedAttempt::of(received),
        }
    }

    /// The failure of a call that the open circuit prevents. The log has the reason from when the circuit opened.
    fn circuit_open(&self, call: &Call) -> VendorFailure {
        tracing::debug!(
            target: "deskgraph::upstream",
            vendor = self.vendor.slug(),
            http.route = call.route,
            "a call is not made: the circuit is open"
        );
        self.open_circuit_failure()
    }

    fn open_circuit_failure(&self) -> VendorFailure {
        VendorFailure {
            retry_after: Some(self.breaker.wait()),
            ..self.failure(VendorErrorCode::CircuitOpen)
        }
    }

    fn failure(&self, code: VendorErrorCode) -> VendorFailure {
        VendorFailure {
            vendor: self.vendor,
            code,
            retry_after: None,
        }
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_attempt(&self, call: &Call, trace: &Trace) {
        tracing::debug!(
            target: "deskgraph::upstream",
            vendor = self.vendor.slug(),
            http.method = call.method.as_str(),
            http.route = call.route,
            http.status = trace.status.map(|status| status.as_u16()),
            attempt = trace.attempt,
            duration_ms = trace.duration.as_millis() as u64,
            bytes = trace.bytes,
            error = trace.error,
            "vendor call"
        );
    }

    pub(super) fn record_success(&self, purpose: Purpose) {
        self.health().record_success(purpose);
    }

    /// The fault of the gateway is no failure of the vendor: neither its health nor its circuit hears of it.
    fn log_local_fault(&self, call: &Call, trace: &Trace) {
        tracing::error!(
            target: "deskgraph::upstream",
            vendor = self.vendor.slug(),
            http.route = call.route,
            error = trace.error,
            "a call could not be sent: the gateway could not build it, or lacks file descriptors, ports or memory"
        );
    }

    /// Without an end, the vendor had no chance to respond, and its health does not change.
    pub(super) fn record_failure(
        &self,
        call: &Call,
        trace: &Trace,
        failure: VendorFailure,
        end: Option<CallEnd>,
    ) {
        if let Some(end) = end {
            self.health().record_failure(failure, end);
        }
        tracing::warn!(
            target: "deskgraph::upstream",
            vendor = self.vendor.slug(),
            http.method = call.method.as_str(),
            http.route = call.route,
            http.status = trace.status.map(|status| status.as_u16()),
            attempt = trace.attempt,
            duration_ms = trace.duration.as_millis() as u64,
            bytes = trace.bytes,
            error = trace.error,
            error.code = ?failure.code,
            json.path = trace.wrong_at,
            "vendor call failed"
        );
    }
}

fn base_url(vendor: Vendor, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.ok_or_else(|| {
        Error::internal(format!(
            "the base URL of {vendor} must be http(s)://host with at most a path"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_a_host_with_at_most_a_path() {
        let is_good = |text| base_url(Vendor::Bangwo8, text).is_ok();
        assert!(is_good("https://desk.example"));
        assert!(is_good("http://127.0.0.1:8080/tenant/"));
        for text in [
            "desk.example",
            "ftp://desk.example",
            "https://robot:secret@desk.example",
            "https://desk.example/?a=b",
            "https://desk.example/#a",
        ] {
            assert!(!is_good(text), "{text}");
        }
    }
}
