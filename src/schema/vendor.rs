//! The vendors, how each took part in a response, and their state.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};

use super::{
    error::FieldResult,
    repository,
    scalars::{DateTime, int},
};
use crate::domain::{self, VendorFailure};

/// A customer-service vendor behind the gateway.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::Vendor")]
pub(super) enum Vendor {
    /// FirstLine: interact-collections, tickets, employees and their directories.
    #[graphql(name = "FIRSTLINE")]
    FirstLine,
    /// Bangwo8: remote-assistance sessions, support agents and problem types.
    #[graphql(name = "BANGWO8")]
    Bangwo8,
}

pub(super) struct SourceStatus<'a>(pub(super) &'a domain::SourceStatus);

/// How one vendor took part in a federated response.
#[Object]
impl SourceStatus<'_> {
    /// The vendor.
    fn vendor(&self) -> Vendor {
        self.0.vendor.into()
    }

    /// Where its part of the response came from.
    fn state(&self, ctx: &Context<'_>) -> FieldResult<SourceState> {
        repository(ctx)?.forbid_replay_of_fresh(self.0.state);
        Ok(self.0.state.into())
    }

    /// When the data was read from the vendor. Null where there is none.
    fn fetched_at(&self) -> Option<DateTime> {
        self.0.fetched_at.map(DateTime)
    }

    /// How many objects this vendor has in the list. Null where it failed or the gateway filtered its list.
    fn total_count(&self) -> Option<i32> {
        self.0.total_count.and_then(int)
    }

    /// What went wrong, when the state is STALE or FAILED.
    fn error(&self) -> Option<VendorError> {
        Some(VendorError {
            failure: self.0.failure?,
            detail: self.0.detail.clone(),
        })
    }
}

/// Where a vendor's part of a response came from.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::SourceState")]
pub(super) enum SourceState {
    /// Read from the vendor for this response.
    Fresh,
    /// Read from the vendor a short while ago.
    Cached,
    /// The vendor failed; its last response is served instead.
    Stale,
    /// The vendor failed and nothing is cached: its part is missing.
    Failed,
    /// The request did not include this vendor.
    Skipped,
}

pub(super) struct VendorError {
    failure: VendorFailure,
    /// What the failure is about, where that is more than its code says.
    detail: Option<Arc<str>>,
}

/// A vendor's failure, as far as a client can act on it.
#[Object]
impl VendorError {
    /// The kind of failure.
    fn code(&self) -> VendorErrorCode {
        shown_code(self.failure).into()
    }

    /// A sentence for people; its wording may change.
    fn message(&self) -> String {
        match &self.detail {
            Some(detail) => detail.to_string(),
            None => self.failure.to_string(),
        }
    }

    /// Whether the same request may succeed later.
    fn retryable(&self) -> bool {
        self.failure.code.is_retryable()
    }

    /// After how many seconds the vendor accepts another call. Null where it does not say.
    fn retry_after_seconds(&self) -> Option<i32> {
        retry_after_seconds(self.failure)
    }
}

/// The kind of a vendor's failure.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::VendorErrorCode")]
pub(super) enum VendorErrorCode {
    /// No response before the deadline. Retryable.
    Timeout,
    /// No connection, or it broke off. Retryable.
    Unreachable,
    /// The vendor's rate limit is exceeded. Retryable.
    RateLimited,
    /// The vendor does not accept the gateway's credentials.
    Unauthenticated,
    /// The vendor does not let the gateway's account do this.
    Forbidden,
    /// The vendor has no such object. Not in use: such an object is null, and where it can't be, the code is REJECTED.
    NotFound,
    /// A response of a shape that the gateway does not know.
    BadResponse,
    /// The vendor failed with a server error. Retryable.
    ServerError,
    /// The vendor failed too often; the gateway makes no calls to it for a while. Retryable.
    CircuitOpen,
    /// The vendor rejected the call.
    Rejected,
    /// The gateway itself could not send the call, so nothing is known of the vendor. Retryable.
    GatewayError,
}

/// A vendor's failure has no "not found" of its own for clients: it is one of the vendor's refusals.
pub(super) fn shown_code(failure: VendorFailure) -> domain::VendorErrorCode {
    match failure.code {
        domain::VendorErrorCode::NotFound => domain::VendorErrorCode::Rejected,
        code => code,
    }
}

/// Rounded up, so that a client that waits as long is not early.
pub(super) fn retry_after_seconds(failure: VendorFailure) -> Option<i32> {
    let wait = failure.retry_after?;
    let started_second = u64::from(wait.subsec_nanos() > 0);
    int(wait.as_secs().saturating_add(started_second))
}

pub(super) struct VendorStatus(pub(super) domain::VendorStatus);

/// One vendor as the gateway sees it now, from real traffic.
#[Object]
impl VendorStatus {
    /// The vendor.
    fn vendor(&self) -> Vendor {
        self.0.vendor.into()
    }

    /// Whether its calls have been succeeding.
    fn state(&self) -> VendorState {
        self.0.state.into()
    }

    /// Whether the gateway calls it at all.
    fn circuit(&self) -> CircuitState {
        self.0.circuit.into()
    }

    /// When a call to it succeeded last. Null when none has since the gateway started.
    fn last_success_at(&self) -> Option<DateTime> {
        self.0.last_success_at.map(DateTime)
    }

    /// Its last failure. Null when it has not failed since the gateway started.
    fn last_error(&self) -> Option<VendorError> {
        Some(VendorError {
            failure: self.0.last_failure?,
            detail: None,
        })
    }
}

/// Whether a vendor's calls have been succeeding.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::VendorState")]
pub(super) enum VendorState {
    /// Its calls succeed.
    Up,
    /// Some of its calls fail.
    Degraded,
    /// Its calls fail.
    Down,
    /// It has not been called yet.
    Unknown,
}

/// The circuit breaker of a vendor.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::CircuitState")]
pub(super) enum CircuitState {
    /// Calls go through.
    Closed,
    /// Too many calls failed: the gateway makes none for a while.
    Open,
    /// A trial call decides whether calls go through again.
    HalfOpen,
}
