//! One attempt at a call: how it failed, what that means for the vendor's health, and the delay before the next attempt.

use std::{
    fmt::Write as _,
    time::{Duration, Instant, SystemTime},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::{
    attempt_metric::AttemptMetric,
    breaker::CallEnd,
    call::{Call, Repeat},
    call_context::CallContext,
    local_fault::is_local,
    pace::MAX_PAUSE,
};
use crate::domain::VendorErrorCode;

/// The state of one call over all its attempts.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) made: usize,
    /// Whether the effect of an attempt is unknown.
    pub(super) are_in_doubt: bool,
    /// Whether the vendor may have executed an attempt, whatever it responded.
    pub(super) may_have_executed: bool,
    backoff: Backoff,
}

/// A response that was received completely.
#[derive(Debug)]
pub(super) struct ReceivedResponse {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    pub(super) trace: Trace,
    pub(super) metric: AttemptMetric,
}

/// The status line and the headers of a response, as far as they matter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
}

impl Head {
    pub(super) fn of(response: &reqwest::Response) -> Self {
        Self {
            status: response.status(),
            retry_after: retry_after(response.headers()),
        }
    }

    fn is_worth_repeating(self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
    }
}

/// The fields of an attempt's log line.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub(super) attempt: usize,
    pub(super) status: Option<StatusCode>,
    pub(super) duration: Duration,
    pub(super) bytes: usize,
    pub(super) error: Option<String>,
    /// The path of the first error in the body's JSON.
    pub(super) wrong_at: Option<String>,
}

/// How an exchange failed below HTTP.
pub(super) enum TransportError {
    Connect(reqwest::Error),
    BeforeResponse(reqwest::Error),
    WithinResponse(reqwest::Error),
    /// The gateway is at fault, and not the vendor.
    Local(reqwest::Error, Delivery),
    BodyTooLarge,
    TimedOut,
    /// The deadline passed so early that it says nothing about the vendor.
    Abandoned,
}

/// Whether the request reached the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Impossible,
    Possible,
    Certain,
}

impl TransportError {
    /// How an exchange without a response failed. The URL, whose query may contain personal data, is removed.
    pub(super) fn before_response(error: reqwest::Error) -> Self {
        let is_connect = error.is_connect();
        let is_local = is_local(&error);
        let never_left = is_connect || error.is_builder();
        let error = error.without_url();
        match (is_local, is_connect) {
            (true, _) if never_left => TransportError::Local(error, Delivery::Impossible),
            (true, _) => TransportError::Local(error, Delivery::Possible),
            (false, true) => TransportError::Connect(error),
            (false, false) => TransportError::BeforeResponse(error),
        }
    }

    /// How the body of a response ended early.
    pub(super) fn within_response(error: reqwest::Error) -> Self {
        match is_local(&error) {
            true => TransportError::Local(error.without_url(), Delivery::Possible),
            false => TransportError::WithinResponse(error.without_url()),
        }
    }

    pub(super) fn code(&self) -> VendorErrorCode {
        match self {
            TransportError::Connect(_)
            | TransportError::BeforeResponse(_)
            | TransportError::WithinResponse(_) => VendorErrorCode::Unreachable,
            TransportError::Local(..) => VendorErrorCode::GatewayError,
            TransportError::BodyTooLarge => VendorErrorCode::BadResponse,
            TransportError::TimedOut | TransportError::Abandoned => VendorErrorCode::Timeout,
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        match self {
            TransportError::Connect(_) => Delivery::Impossible,
            TransportError::Local(_, delivery) => *delivery,
            _ => Delivery::Possible,
        }
    }

    /// What it means for the circuit.
    fn end(&self) -> Option<CallEnd> {
        match self {
            TransportError::Abandoned | TransportError::Local(..) => None,
            TransportError::TimedOut => Some(CallEnd::TimedOut),
            TransportError::Connect(err) if err.is_timeout() => Some(CallEnd::TimedOut),
            _ => Some(CallEnd::Failed),
        }
    }

    /// The messages of the error and its causes. The URL, whose query may contain personal data, has been removed.
    pub(super) fn chain(&self) -> Option<String> {
        match self {
            TransportError::Connect(err)
            | TransportError::BeforeResponse(err)
            | TransportError::WithinResponse(err)
            | TransportError::Local(err, _) => Some(chain_of(err)),
            TransportError::BodyTooLarge | TransportError::TimedOut | TransportError::Abandoned => {
                None
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct FailedAttempt {
    pub(super) code: VendorErrorCode,
    pub(super) delivery: Delivery,
    pub(super) retry_after: Option<Duration>,
    pub(super) is_worth_repeating: bool,
    /// What it means for the circuit; none where nothing was sent.
    pub(super) end: Option<CallEnd>,
    pub(super) trace: Trace,
}

impl FailedAttempt {
    pub(super) fn unsent(code: VendorErrorCode, attempt: usize) -> Self {
        Self {
            code,
            delivery: Delivery::Impossible,
            retry_after: None,
            is_worth_repeating: false,
            end: None,
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

    /// A call that the gateway could not build.
    pub(super) fn unbuilt(error: &reqwest::Error, attempt: usize) -> Self {
        let mut failed = Self::unsent(VendorErrorCode::GatewayError, attempt);
        failed.trace.error = Some(chain_of(error));
        failed
    }

    /// Whether the attempt says nothing about the vendor.
    pub(super) fn never_left_the_gateway(&self) -> bool {
        self.code == VendorErrorCode::GatewayError || self.is_prevented()
    }

    /// Whether the circuit or the pace prevented it.
    pub(super) fn is_prevented(&self) -> bool {
        use VendorErrorCode::*;
        self.delivery == Delivery::Impossible && matches!(self.code, CircuitOpen | RateLimited)
    }

    /// A failed exchange. The head of a 5xx decides the failure, whatever happens to the body.
    pub(super) fn transport_error(
        transport_error: &TransportError,
        head: Option<Head>,
        trace: Trace,
    ) -> Self {
        if let Some(head) = head.filter(|head| head.status.is_server_error()) {
            return Self::refused(head, VendorErrorCode::ServerError, trace);
        }
        Self {
            code: transport_error.code(),
            delivery: transport_error.delivery(),
            retry_after: None,
            is_worth_repeating: transport_error.code() == VendorErrorCode::Unreachable,
            end: transport_error.end(),
            trace,
        }
    }

    /// A response that warrants a retry, or that no caller can use.
    pub(super) fn of(received: &ReceivedResponse) -> Option<Self> {
        let head = received.head;
        (head.is_worth_repeating() || head.status.is_server_error()).then(|| {
            let code = code_of(head.status).unwrap_or(VendorErrorCode::BadResponse);
            Self::refused(head, code, received.trace.clone())
        })
    }

    fn refused(head: Head, code: VendorErrorCode, trace: Trace) -> Self {
        Self {
            code,
            delivery: Delivery::Certain,
            retry_after: head.retry_after,
            is_worth_repeating: head.is_worth_repeating(),
            end: Some(call_end(code)),
            trace,
        }
    }

    /// Whether the effect of the attempt is unknown. A 5xx leaves a call in doubt only if it must not be repeated: a caller can
    /// send any other call again.
    fn leaves_doubt(&self, call: &Call) -> bool {
        match self.delivery {
            Delivery::Impossible => false,
            Delivery::Possible => true,
            Delivery::Certain => {
                call.repeat == Repeat::Never && self.code == VendorErrorCode::ServerError
            }
        }
    }

    /// Whether the vendor may have executed the call. A proxy in front of the vendor may fail after the vendor succeeded.
    fn may_have_executed(&self) -> bool {
        match self.delivery {
            Delivery::Impossible => false,
            Delivery::Possible => true,
            Delivery::Certain => self.code != VendorErrorCode::RateLimited,
        }
    }
}

impl Attempts {
    pub(super) fn new(max_retries: usize) -> Self {
        Self {
            made: 0,
            are_in_doubt: false,
            may_have_executed: false,
            backoff: Backoff::new(max_retries),
        }
    }

    pub(super) fn note(&mut self, failed: &FailedAttempt, call: &Call) {
        self.are_in_doubt |= failed.leaves_doubt(call);
        self.may_have_executed |= failed.may_have_executed();
    }

    /// The delay before the next attempt; none where there is none. A delay past the request's deadline is recorded in the
    /// request, so that a caller with a later deadline can retry.
    pub(super) fn wait_before_next(
        &mut self,
        failed: &FailedAttempt,
        call: &Call,
        context: &CallContext<'_>,
    ) -> Option<Duration> {
        let may_repeat = call.repeat == Repeat::Safe || failed.delivery == Delivery::Impossible;
        if !failed.is_worth_repeating || !may_repeat {
            return None;
        }

        let backoff = self.backoff.next()?;
        let wait = failed.retry_after.unwrap_or_default().max(backoff);
        let next_at = Instant::now().checked_add(wait)?;
        let of_request = context.last_moment();
        // All calls to the vendor wait for the end of its pause, and then take turns.
        let (wait, deadline) = match failed.code {
            VendorErrorCode::RateLimited => (Duration::ZERO, of_request),
            _ => (wait, context.deadline()),
        };
        if next_at < deadline {
            return Some(wait);
        }
        if deadline == of_request {
            context.scope.deadline_miss.record(next_at);
        }
        None
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

    /// The builder adds a jitter of up to the whole delay to the delay. The jitter without the delay is full jitter.
    fn next(&mut self) -> Option<Duration> {
        let plain = self.plain.next()?;
        let jittered = self.jittered.next()?;
        Some(jittered.saturating_sub(plain))
    }
}

/// The error code of a status; none for a success.
pub(super) fn code_of(status: StatusCode) -> Option<VendorErrorCode> {
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

/// What a failure means for the circuit. A vendor that responds is healthy, whatever the response: also when it refuses the
/// call, limits the rate, or rejects the gateway's credentials, which an operator has to fix and a circuit can't.
pub(super) fn call_end(code: VendorErrorCode) -> CallEnd {
    use VendorErrorCode::*;
    match code {
        Timeout => CallEnd::TimedOut,
        Unreachable | BadResponse | ServerError => CallEnd::Failed,
        RateLimited | Unauthenticated | Forbidden | NotFound | CircuitOpen | Rejected
        | GatewayError => CallEnd::Responded,
    }
}

/// `Retry-After` in seconds or as a date, an hour at most.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // More digits than a number has.
        Err(_) if is_number => MAX_PAUSE,
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            until.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_PAUSE))
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

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn waits(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).ok()?);
        retry_after(&headers)
    }

    #[test]
    fn retry_after_may_be_seconds_or_a_date() {
        assert_eq!(waits("7"), Some(Duration::from_secs(7)));
        for past in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(waits(past), Some(Duration::ZERO), "{past}");
        }
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("-1"), None);
        assert_eq!(waits(""), None);
    }

    #[test]
    fn an_absurd_retry_after_is_an_hour() {
        for absurd in [
            "31536000",
            "99999999999999999999999",
            "Fri, 01 Jan 2100 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(waits(absurd), Some(Duration::from_secs(3600)), "{absurd}");
        }
    }

    #[test]
    fn the_delays_are_bounded_and_as_many_as_the_retries() {
        let delays: Vec<_> = Backoff::new(8).collect();
        assert_eq!(delays.len(), 8);
        assert!(delays[0] <= Duration::from_millis(100));
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(5)));
    }
}
