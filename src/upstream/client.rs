//! The one HTTP policy towards every vendor: deadline, retries, concurrency, size of an answer, decoding, log, health.

use std::{
    fmt::Write as _,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Method, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    multipart, redirect, retry,
};
use tokio::{sync::Semaphore, time::timeout_at};

use super::{
    health::Health,
    wire::{self, Readable},
};
use crate::{
    domain::{RequestScope, Vendor, VendorErrorCode, VendorFailure, VendorStatus, VendorZone},
    error::{Error, ErrorKind, Result},
};

#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub vendor: Vendor,
    /// May have a path, with or without a slash at its end.
    pub base_url: String,
    /// For one call, its retries and the wait for a slot included.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Calls under way at once.
    pub max_concurrency: usize,
    /// Of a call that is safe to repeat.
    pub max_retries: usize,
    /// Of one answer, unpacked.
    pub max_body_bytes: usize,
}

/// Calls one vendor's host, and no other.
#[derive(Debug)]
pub(super) struct VendorClient {
    vendor: Vendor,
    http: reqwest::Client,
    base_url: Url,
    timeout: Duration,
    slots: Semaphore,
    max_retries: usize,
    max_body_bytes: usize,
    health: Mutex<Health>,
}

/// One call as the vendor's documents describe it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    /// The path with names in the place of values, for the log.
    route: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<CallBody>,
    purpose: Purpose,
    repeat: Repeat,
    recognizes: fn(&[u8]) -> bool,
}

#[derive(Debug, Clone)]
enum CallBody {
    Json(Vec<u8>),
    Form(&'static [(&'static str, &'static str)]),
}

/// What is lost when the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Nothing but the answer.
    Read,
    /// Whether the vendor did what it was told to.
    Write,
}

/// Whether the vendor may get the same call twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    Safe,
    /// It is sent again only when it certainly did not reach the vendor.
    Never,
}

impl Call {
    pub(super) fn get(route: &'static str, path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            route,
            path: path.into(),
            query: Vec::new(),
            body: None,
            purpose: Purpose::Read,
            repeat: Repeat::Safe,
            recognizes: |_| false,
        }
    }

    pub(super) fn write(
        method: Method,
        route: &'static str,
        path: impl Into<String>,
        repeat: Repeat,
    ) -> Self {
        Self {
            method,
            purpose: Purpose::Write,
            repeat,
            ..Self::get(route, path)
        }
    }

    /// A call for a token: it changes nothing that anybody would miss when its answer is lost.
    pub(super) fn sign_in(
        method: Method,
        route: &'static str,
        path: impl Into<String>,
        repeat: Repeat,
    ) -> Self {
        Self {
            method,
            repeat,
            ..Self::get(route, path)
        }
    }

    pub(super) fn query(mut self, query: Vec<(&'static str, String)>) -> Self {
        self.query = query;
        self
    }

    pub(super) fn json(mut self, body: Vec<u8>) -> Self {
        self.body = Some(CallBody::Json(body));
        self
    }

    pub(super) fn form(mut self, fields: &'static [(&'static str, &'static str)]) -> Self {
        self.body = Some(CallBody::Form(fields));
        self
    }

    /// An answer that `recognizes` knows by its body is final, whatever its status.
    pub(super) fn recognizing(mut self, recognizes: fn(&[u8]) -> bool) -> Self {
        self.recognizes = recognizes;
        self
    }
}

/// A call's place in a request: whose it is, and when nobody waits for it any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand<'a> {
    pub scope: &'a RequestScope,
    pub deadline: Instant,
}

/// What is spent and known over all the attempts of one call.
#[derive(Debug)]
pub(super) struct Attempts {
    made: usize,
    /// Whether an attempt went out whose effect nobody knows.
    are_in_doubt: bool,
    backoff: Backoff,
}

impl VendorClient {
    pub(super) fn new(settings: ClientSettings) -> Result<Self> {
        let vendor = settings.vendor;
        let base_url = base_url(vendor, &settings.base_url)?;
        // Whoever installed one first is right: there can be one for a process.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            // Every attempt is decided, counted and logged here, so none is made below.
            .retry(retry::never())
            .gzip(true)
            .user_agent(concat!("deskgraph/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base_url) {
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
            slots: Semaphore::new(settings.max_concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            max_retries: settings.max_retries,
            max_body_bytes: settings.max_body_bytes,
            health: Mutex::default(),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(super) fn status(&self, zone: &VendorZone) -> VendorStatus {
        self.health().status(self.vendor, zone)
    }

    pub(super) fn errand<'a>(&self, scope: &'a RequestScope) -> Errand<'a> {
        let now = Instant::now();
        let own_deadline = now.checked_add(self.timeout).unwrap_or(scope.deadline);
        Errand {
            scope,
            deadline: scope.deadline.min(own_deadline),
        }
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts {
            made: 0,
            are_in_doubt: false,
            backoff: Backoff::new(self.max_retries),
        }
    }

    /// Sends a call until it is answered or there is no sense in sending it again. An answer here is whatever does not ask
    /// for another attempt, so also a refusal.
    pub(super) async fn send<'a>(
        &'a self,
        errand: &Errand<'a>,
        call: &'a Call,
        authorization: Option<&HeaderValue>,
        attempts: &mut Attempts,
    ) -> Result<Answer<'a>> {
        // A circuit breaker belongs here: it would refuse the call before the first attempt, and learn from `health`.
        loop {
            attempts.made += 1;

            let failed = match self
                .attempt(errand, call, authorization, attempts.made)
                .await
            {
                Ok(answered) => match self.fault_of(call, &answered) {
                    None => return Ok(self.answer(errand, call, answered, attempts)),
                    Some(failed) => failed,
                },
                Err(failed) => failed,
            };
            attempts.are_in_doubt |= failed.leaves_doubt(call);

            match attempts.wait_before_next(&failed, call, errand.deadline) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    let failure = VendorFailure {
                        vendor: self.vendor,
                        code: failed.code,
                        retry_after: failed.retry_after,
                    };
                    self.note_failure(errand, call, &failed.trace, failure);
                    return Err(failure_of(call, failure, attempts));
                }
            }
        }
    }

    /// One attempt, from the wait for a slot to the end of the body.
    async fn attempt(
        &self,
        errand: &Errand<'_>,
        call: &Call,
        authorization: Option<&HeaderValue>,
        number: usize,
    ) -> Result<Answered, FailedAttempt> {
        if errand.deadline <= Instant::now() {
            return Err(FailedAttempt::unsent(VendorErrorCode::Timeout, number));
        }
        let deadline = errand.deadline.into();
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return Err(FailedAttempt::unsent(VendorErrorCode::Timeout, number));
        };

        let request = self.request(errand, call, authorization).map_err(|err| {
            tracing::error!(
                target: "deskgraph::upstream",
                vendor = self.vendor.slug(),
                http.route = call.route,
                request.id = errand.scope.id,
                error = chain_of(&err.without_url()),
                "a call can't be built"
            );
            FailedAttempt::unsent(VendorErrorCode::Rejected, number)
        })?;
        errand.scope.tally.count_vendor_call();
        let started_at = Instant::now();

        let outcome = timeout_at(deadline, self.exchange(request)).await;
        let outcome = outcome.unwrap_or(Err(Broken::TooLate));
        let trace = Trace {
            attempt: number,
            status: match &outcome {
                Ok(exchanged) => Some(exchanged.status),
                Err(broken) => broken.status(),
            },
            duration: started_at.elapsed(),
            bytes: outcome.as_ref().map_or(0, |exchanged| exchanged.body.len()),
            error: outcome.as_ref().err().and_then(Broken::chain),
            wrong_at: None,
        };
        self.log_attempt(errand, call, &trace);

        match outcome {
            Ok(Exchanged {
                status,
                headers,
                body,
            }) => Ok(Answered {
                status,
                retry_after: retry_after(&headers),
                body,
                trace,
            }),
            Err(broken) => Err(FailedAttempt {
                code: broken.code(),
                arrival: broken.arrival(),
                retry_after: None,
                is_worth_repeating: broken.code() == VendorErrorCode::Unreachable,
                trace,
            }),
        }
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Exchanged, Broken> {
        let mut response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(err) if err.is_connect() => return Err(Broken::NoConnection(err.without_url())),
            Err(err) => return Err(Broken::BeforeTheAnswer(err.without_url())),
        };

        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.max_body_bytes => {
                    return Err(Broken::TooLong(status));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(err) => return Err(Broken::WithinTheAnswer(status, err.without_url())),
            }
        }
        Ok(Exchanged {
            status,
            headers,
            body,
        })
    }

    fn request(
        &self,
        errand: &Errand<'_>,
        call: &Call,
        authorization: Option<&HeaderValue>,
    ) -> reqwest::Result<reqwest::Request> {
        let mut url = self.base_url.clone();
        let prefix = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}{}", call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }

        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header(ACCEPT, "application/json");
        if let Ok(id) = HeaderValue::from_str(&errand.scope.id) {
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

    /// An answer that asks for another attempt, or that no caller has any use for.
    fn fault_of(&self, call: &Call, answered: &Answered) -> Option<FailedAttempt> {
        if (call.recognizes)(&answered.body) {
            return None;
        }

        let status = answered.status;
        let is_worth_repeating = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        (is_worth_repeating || status.is_server_error()).then(|| FailedAttempt {
            code: code_of(status).unwrap_or(VendorErrorCode::BadResponse),
            arrival: Arrival::Certain,
            retry_after: answered.retry_after,
            is_worth_repeating,
            trace: answered.trace.clone(),
        })
    }

    fn answer<'a>(
        &'a self,
        errand: &Errand<'a>,
        call: &'a Call,
        answered: Answered,
        attempts: &Attempts,
    ) -> Answer<'a> {
        Answer {
            client: self,
            errand: *errand,
            call,
            answered,
            was_in_doubt: attempts.are_in_doubt,
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_attempt(&self, errand: &Errand<'_>, call: &Call, trace: &Trace) {
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
            request.id = errand.scope.id,
            "vendor call"
        );
    }

    fn note_failure(
        &self,
        errand: &Errand<'_>,
        call: &Call,
        trace: &Trace,
        failure: VendorFailure,
    ) {
        self.health().note_failure(failure);
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
            request.id = errand.scope.id,
            error.code = ?failure.code,
            json.path = trace.wrong_at,
            "vendor call failed"
        );
    }
}

/// What a vendor answered. Its methods decide what the answer means, note it in the vendor's health and log what is wrong.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    client: &'a VendorClient,
    errand: Errand<'a>,
    call: &'a Call,
    answered: Answered,
    /// Whether an attempt before this one may have been carried out.
    was_in_doubt: bool,
}

impl Answer<'_> {
    pub(super) fn status(&self) -> StatusCode {
        self.answered.status
    }

    pub(super) fn was_in_doubt(&self) -> bool {
        self.was_in_doubt
    }

    pub(super) fn is_empty(&self) -> bool {
        self.answered.body.is_empty()
    }

    /// The body as a `T` where it is one; nothing is decided by it.
    pub(super) fn glimpse<T: Readable>(&self) -> Option<T> {
        wire::decode_root(&self.answered.body).ok()
    }

    /// The body of a success.
    pub(super) fn read<T: Readable>(self) -> Result<T> {
        if !self.status().is_success() {
            return Err(self.refuse());
        }

        match wire::decode(&self.answered.body) {
            Ok(value) => {
                self.client.health().note_success();
                Ok(value)
            }
            Err(wrong_shape) => {
                let failure = self.failure(VendorErrorCode::BadResponse);
                let trace = Trace {
                    wrong_at: Some(wrong_shape.path),
                    ..self.answered.trace.clone()
                };
                self.client
                    .note_failure(&self.errand, self.call, &trace, failure);
                Err(self.unreadable(failure))
            }
        }
    }

    /// The body of a success, or none where the vendor has no such object.
    pub(super) fn read_optional<T: Readable>(self) -> Result<Option<T>> {
        if self.status() == StatusCode::NOT_FOUND {
            self.client.health().note_success();
            return Ok(None);
        }
        self.read().map(Some)
    }

    /// A success whose body does not matter.
    pub(super) fn accept(self) -> Result<()> {
        if !self.status().is_success() {
            return Err(self.refuse());
        }
        self.client.health().note_success();
        Ok(())
    }

    /// The answer was understood, though it was no success: the vendor is well.
    pub(super) fn settle<T>(self, outcome: T) -> T {
        self.client.health().note_success();
        outcome
    }

    /// A refusal, as its status tells it.
    pub(super) fn refuse(self) -> Error {
        if self.call.purpose == Purpose::Write && self.status() == StatusCode::NOT_FOUND {
            self.client.health().note_success();
            let vendor = self.client.vendor;
            return Error::new(ErrorKind::NotFound, format!("{vendor} has no such object"));
        }
        let code = code_of(self.status()).unwrap_or(VendorErrorCode::BadResponse);
        self.refuse_as(code)
    }

    /// A refusal that the answer tells otherwise than by its status.
    pub(super) fn refuse_as(self, code: VendorErrorCode) -> Error {
        let failure = self.failure(code);
        self.client
            .note_failure(&self.errand, self.call, &self.answered.trace, failure);
        match code {
            VendorErrorCode::BadResponse => self.unreadable(failure),
            _ => failure.into(),
        }
    }

    fn failure(&self, code: VendorErrorCode) -> VendorFailure {
        VendorFailure {
            vendor: self.client.vendor,
            code,
            retry_after: self.answered.retry_after,
        }
    }

    fn unreadable(&self, failure: VendorFailure) -> Error {
        match self.call.purpose {
            Purpose::Read => failure.into(),
            Purpose::Write => outcome_unknown(failure),
        }
    }
}

#[derive(Debug)]
struct Answered {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
    trace: Trace,
}

struct Exchanged {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What the log tells of an attempt.
#[derive(Debug, Clone)]
struct Trace {
    attempt: usize,
    status: Option<StatusCode>,
    duration: Duration,
    bytes: usize,
    error: Option<String>,
    /// The path of the fault in the body's JSON.
    wrong_at: Option<String>,
}

/// Where an exchange broke.
enum Broken {
    NoConnection(reqwest::Error),
    BeforeTheAnswer(reqwest::Error),
    WithinTheAnswer(StatusCode, reqwest::Error),
    TooLong(StatusCode),
    TooLate,
}

/// Whether the vendor got the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Impossible,
    Possible,
    Certain,
}

impl Broken {
    fn code(&self) -> VendorErrorCode {
        match self {
            Broken::NoConnection(_) | Broken::BeforeTheAnswer(_) | Broken::WithinTheAnswer(..) => {
                VendorErrorCode::Unreachable
            }
            Broken::TooLong(_) => VendorErrorCode::BadResponse,
            Broken::TooLate => VendorErrorCode::Timeout,
        }
    }

    fn arrival(&self) -> Arrival {
        match self {
            Broken::NoConnection(_) => Arrival::Impossible,
            _ => Arrival::Possible,
        }
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Broken::WithinTheAnswer(status, _) | Broken::TooLong(status) => Some(*status),
            _ => None,
        }
    }

    /// What the error says at each of its levels. The address, whose query may hold personal data, was taken off it.
    fn chain(&self) -> Option<String> {
        match self {
            Broken::NoConnection(err)
            | Broken::BeforeTheAnswer(err)
            | Broken::WithinTheAnswer(_, err) => Some(chain_of(err)),
            Broken::TooLong(_) | Broken::TooLate => None,
        }
    }
}

#[derive(Debug)]
struct FailedAttempt {
    code: VendorErrorCode,
    arrival: Arrival,
    retry_after: Option<Duration>,
    is_worth_repeating: bool,
    trace: Trace,
}

impl FailedAttempt {
    fn unsent(code: VendorErrorCode, attempt: usize) -> Self {
        Self {
            code,
            arrival: Arrival::Impossible,
            retry_after: None,
            is_worth_repeating: false,
            trace: Trace {
                attempt,
                status: None,
                duration: Duration::ZERO,
                bytes: 0,
                error: None,
                wrong_at: None,
            },
        }
    }

    /// Whether nobody can tell what the vendor did. After a 5xx a call that must not be repeated is in doubt; one that may
    /// be is not, because whoever wants it sends it again.
    fn leaves_doubt(&self, call: &Call) -> bool {
        match self.arrival {
            Arrival::Impossible => false,
            Arrival::Possible => true,
            Arrival::Certain => {
                call.repeat == Repeat::Never && self.code == VendorErrorCode::ServerError
            }
        }
    }
}

impl Attempts {
    /// How long to wait before the call is sent again; none when it is not.
    fn wait_before_next(
        &mut self,
        failed: &FailedAttempt,
        call: &Call,
        deadline: Instant,
    ) -> Option<Duration> {
        let may_repeat = call.repeat == Repeat::Safe || failed.arrival == Arrival::Impossible;
        if !failed.is_worth_repeating || !may_repeat {
            return None;
        }

        let backoff = self.backoff.next()?;
        let wait = failed.retry_after.unwrap_or(backoff);
        let time_left = deadline.saturating_duration_since(Instant::now());
        (wait < time_left).then_some(wait)
    }
}

/// Exponential delays with full jitter.
#[derive(Debug)]
struct Backoff {
    plain: ExponentialBackoff,
    jittered: ExponentialBackoff,
}

impl Backoff {
    fn new(max_retries: usize) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(max_retries);
        Self {
            plain: builder.build(),
            jittered: builder.with_jitter().build(),
        }
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    /// The builder adds its jitter, up to the whole delay, to the delay: the addition alone is full jitter.
    fn next(&mut self) -> Option<Duration> {
        let plain = self.plain.next()?;
        let jittered = self.jittered.next()?;
        Some(jittered.saturating_sub(plain))
    }
}

fn failure_of(call: &Call, failure: VendorFailure, attempts: &Attempts) -> Error {
    match call.purpose {
        Purpose::Write if attempts.are_in_doubt => outcome_unknown(failure),
        _ => failure.into(),
    }
}

fn outcome_unknown(failure: VendorFailure) -> Error {
    let vendor = failure.vendor;
    Error::new(
        ErrorKind::OutcomeUnknown(failure),
        format!("{vendor} was told to, but whether it did is not known: {failure}"),
    )
}

/// What is wrong with a status; none for a success.
fn code_of(status: StatusCode) -> Option<VendorErrorCode> {
    match status.as_u16() {
        200..=299 => None,
        401 => Some(VendorErrorCode::Unauthenticated),
        403 => Some(VendorErrorCode::Forbidden),
        429 => Some(VendorErrorCode::RateLimited),
        400..=499 => Some(VendorErrorCode::Rejected),
        500..=599 => Some(VendorErrorCode::ServerError),
        // Redirects are not followed: they could lead a token to another host.
        _ => Some(VendorErrorCode::BadResponse),
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let seconds = until.as_second() - Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn chain_of(err: &reqwest::Error) -> String {
    let mut text = err.to_string();
    let mut source = std::error::Error::source(err);
    while let Some(err) = source {
        // Writing to a string can't fail.
        let _ = write!(text, ": {err}");
        source = err.source();
    }
    text
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

/// A host on this machine is never behind a proxy.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).ok()?);
        retry_after(&headers)
    }

    #[test]
    fn retry_after_may_be_seconds_or_a_date() {
        assert_eq!(waits("7"), Some(Duration::from_secs(7)));
        assert_eq!(waits("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let later = waits("Fri, 31 Dec 9999 23:59:59 GMT").expect("it is a date");
        assert!(later > Duration::from_secs(3600));
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("-1"), None);
    }

    #[test]
    fn the_delays_are_bounded_and_as_many_as_the_retries() {
        let delays: Vec<_> = Backoff::new(8).collect();
        assert_eq!(delays.len(), 8);
        assert!(delays[0] <= Duration::from_millis(100));
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(5)));
    }

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
