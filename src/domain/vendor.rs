//! The vendors: their state, their part in a response, and their failures.

use std::{sync::Arc, time::Duration};

use super::DateTime;

/// The order is the public enum's: it breaks ties between records of the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    FirstLine,
    Bangwo8,
}

impl Vendor {
    pub const ALL: [Vendor; 2] = [Vendor::FirstLine, Vendor::Bangwo8];

    /// The first part of every global id of this vendor, and its name in logs and settings.
    pub fn slug(self) -> &'static str {
        match self {
            Vendor::FirstLine => "firstline",
            Vendor::Bangwo8 => "bangwo8",
        }
    }
}

impl std::fmt::Display for Vendor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Vendor::FirstLine => "FirstLine",
            Vendor::Bangwo8 => "Bangwo8",
        })
    }
}

/// The kind of a vendor's failure, as the public contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VendorErrorCode {
    Timeout,
    Unreachable,
    RateLimited,
    Unauthenticated,
    Forbidden,
    NotFound,
    BadResponse,
    ServerError,
    CircuitOpen,
    Rejected,
    /// The gateway could not send the call. The vendor was not reached, and is not at fault.
    GatewayError,
}

impl VendorErrorCode {
    /// Whether the same call may succeed when it is sent again later.
    pub fn is_retryable(self) -> bool {
        use VendorErrorCode::*;
        matches!(
            self,
            Timeout | Unreachable | RateLimited | ServerError | CircuitOpen | GatewayError
        )
    }
}

/// One vendor's failure, safe to show: it holds no address, body or header of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorFailure {
    pub vendor: Vendor,
    pub code: VendorErrorCode,
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for VendorFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let vendor = self.vendor;
        match self.code {
            VendorErrorCode::Timeout => write!(formatter, "{vendor} did not respond in time"),
            VendorErrorCode::Unreachable => write!(formatter, "{vendor} can't be reached"),
            VendorErrorCode::RateLimited => {
                write!(
                    formatter,
                    "{vendor} limits the rate of calls: try again later"
                )
            }
            VendorErrorCode::Unauthenticated => {
                write!(
                    formatter,
                    "{vendor} does not accept the gateway's credentials"
                )
            }
            VendorErrorCode::Forbidden => {
                write!(
                    formatter,
                    "{vendor} does not let the gateway's account do this"
                )
            }
            VendorErrorCode::NotFound => write!(formatter, "{vendor} has no such object"),
            VendorErrorCode::BadResponse => {
                write!(formatter, "{vendor} returned a response that can't be read")
            }
            VendorErrorCode::ServerError => {
                write!(formatter, "{vendor} failed with a server error")
            }
            VendorErrorCode::CircuitOpen => write!(
                formatter,
                "{vendor} failed too often and is not called for a while"
            ),
            VendorErrorCode::Rejected => write!(formatter, "{vendor} rejected the call"),
            VendorErrorCode::GatewayError => write!(
                formatter,
                "the gateway could not send a call to {vendor}; its log says why"
            ),
        }
    }
}

/// The part of one vendor in a merged response.
#[derive(Debug, Clone)]
pub struct SourceStatus {
    pub vendor: Vendor,
    pub state: SourceState,
    pub fetched_at: Option<DateTime>,
    pub total_count: Option<u64>,
    pub failure: Option<VendorFailure>,
    /// What the failure is about, where that is more than its code says.
    pub detail: Option<Arc<str>>,
}

impl SourceStatus {
    pub fn skipped(vendor: Vendor) -> Self {
        Self {
            vendor,
            state: SourceState::Skipped,
            fetched_at: None,
            total_count: None,
            failure: None,
            detail: None,
        }
    }

    pub fn failed(failure: VendorFailure) -> Self {
        Self {
            vendor: failure.vendor,
            state: SourceState::Failed,
            fetched_at: None,
            total_count: None,
            failure: Some(failure),
            detail: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceState {
    Fresh,
    Cached,
    Stale,
    Failed,
    Skipped,
}

/// One vendor as the gateway sees it now, from real traffic.
#[derive(Debug, Clone)]
pub struct VendorStatus {
    pub vendor: Vendor,
    pub state: VendorState,
    pub circuit: CircuitState,
    pub last_success_at: Option<DateTime>,
    pub last_failure: Option<VendorFailure>,
    pub last_failure_at: Option<DateTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorState {
    Up,
    Degraded,
    Down,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    Closed,
    Open,
    HalfOpen,
}
