//! The one error: its kind says what the caller can do, its context what the gateway was doing, its source why. And the one table
//! of the codes under which clients see errors.

use std::{borrow::Cow, fmt, sync::Arc};

use crate::domain::{MalformedId, Vendor, VendorErrorCode, VendorFailure};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Cheap to clone, because callers that share one vendor call share its failure too.
#[derive(Debug, Clone)]
pub struct Error {
    pub kind: ErrorKind,
    /// One sentence, safe to show: no address, body, secret or personal data.
    context: Cow<'static, str>,
    /// For the log alone.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone)]
pub enum ErrorKind {
    /// The client must change the request.
    BadUserInput,
    Forbidden,
    /// The request would take more vendor calls than a limit allows.
    LimitExceeded,
    /// A vendor failed.
    Vendor(VendorFailure),
    /// A write was sent, and its outcome is unknown.
    OutcomeUnknown(VendorFailure),
    /// A write names an object that the vendor does not have.
    NotFound,
    /// The object can no longer be changed.
    Locked,
    /// The vendor reported which fields of a write are invalid.
    InvalidFields(Arc<[FieldFault]>),
    /// The object's vendor has no such operation.
    UnsupportedByVendor(Vendor),
    Internal,
}

/// The code of an error as clients see it, in `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    ParseFailed,
    ValidationFailed,
    BadUserInput,
    LimitExceeded,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    DocumentNotTrusted,
    Unauthenticated,
    Forbidden,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamContract,
    UpstreamRejected,
    OutcomeUnknown,
    Internal,
}

impl ErrorCode {
    pub const ALL: [ErrorCode; 15] = [
        ErrorCode::ParseFailed,
        ErrorCode::ValidationFailed,
        ErrorCode::BadUserInput,
        ErrorCode::LimitExceeded,
        ErrorCode::PersistedQueryNotFound,
        ErrorCode::PersistedQueryNotSupported,
        ErrorCode::DocumentNotTrusted,
        ErrorCode::Unauthenticated,
        ErrorCode::Forbidden,
        ErrorCode::UpstreamTimeout,
        ErrorCode::UpstreamUnavailable,
        ErrorCode::UpstreamContract,
        ErrorCode::UpstreamRejected,
        ErrorCode::OutcomeUnknown,
        ErrorCode::Internal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::ParseFailed => "GRAPHQL_PARSE_FAILED",
            ErrorCode::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            ErrorCode::BadUserInput => "BAD_USER_INPUT",
            ErrorCode::LimitExceeded => "LIMIT_EXCEEDED",
            ErrorCode::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            ErrorCode::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            ErrorCode::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            ErrorCode::Unauthenticated => "UNAUTHENTICATED",
            ErrorCode::Forbidden => "FORBIDDEN",
            ErrorCode::UpstreamTimeout => "UPSTREAM_TIMEOUT",
            ErrorCode::UpstreamUnavailable => "UPSTREAM_UNAVAILABLE",
            ErrorCode::UpstreamContract => "UPSTREAM_CONTRACT",
            ErrorCode::UpstreamRejected => "UPSTREAM_REJECTED",
            ErrorCode::OutcomeUnknown => "OUTCOME_UNKNOWN",
            ErrorCode::Internal => "INTERNAL",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl ErrorKind {
    pub fn code(&self) -> ErrorCode {
        match self {
            ErrorKind::Forbidden => ErrorCode::Forbidden,
            ErrorKind::LimitExceeded => ErrorCode::LimitExceeded,
            ErrorKind::Vendor(failure) => failure.code.into(),
            ErrorKind::OutcomeUnknown(_) => ErrorCode::OutcomeUnknown,
            ErrorKind::Internal => ErrorCode::Internal,
            // Mutations return the last four as user errors. The client can correct all of them.
            ErrorKind::BadUserInput
            | ErrorKind::NotFound
            | ErrorKind::Locked
            | ErrorKind::InvalidFields(_)
            | ErrorKind::UnsupportedByVendor(_) => ErrorCode::BadUserInput,
        }
    }
}

impl From<VendorErrorCode> for ErrorCode {
    fn from(code: VendorErrorCode) -> Self {
        use VendorErrorCode::*;
        match code {
            Timeout => ErrorCode::UpstreamTimeout,
            Unreachable | RateLimited | ServerError | CircuitOpen => ErrorCode::UpstreamUnavailable,
            BadResponse => ErrorCode::UpstreamContract,
            Unauthenticated | Forbidden | NotFound | Rejected => ErrorCode::UpstreamRejected,
            GatewayError => ErrorCode::Internal,
        }
    }
}

/// One field of a write that a vendor rejected, by its name in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// None where the vendor reports a field that the input does not have.
    pub field: Option<&'static str>,
    pub message: String,
}

impl Error {
    pub fn new(kind: ErrorKind, context: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    pub fn bad_user_input(context: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::BadUserInput, context)
    }

    pub fn internal(context: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, context)
    }

    /// A request caused all the vendor calls that it may cause.
    pub fn too_many_vendor_calls(allowed: u32) -> Self {
        Self::new(
            ErrorKind::LimitExceeded,
            format!(
                "the request needs more than {allowed} calls to the vendors: request fewer objects at once"
            ),
        )
    }

    pub fn is_limit_exceeded(&self) -> bool {
        matches!(self.kind, ErrorKind::LimitExceeded)
    }

    /// A vendor's failure with its code alone.
    pub fn vendor(vendor: Vendor, code: VendorErrorCode) -> Self {
        let failure = VendorFailure {
            vendor,
            code,
            retry_after: None,
        };
        Self::from(failure)
    }

    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The vendor's failure behind this error, where it is one.
    pub fn vendor_failure(&self) -> Option<VendorFailure> {
        match self.kind {
            ErrorKind::Vendor(failure) | ErrorKind::OutcomeUnknown(failure) => Some(failure),
            _ => None,
        }
    }
}

impl From<VendorFailure> for Error {
    fn from(failure: VendorFailure) -> Self {
        Self::new(ErrorKind::Vendor(failure), failure.to_string())
    }
}

impl From<MalformedId> for Error {
    fn from(malformed: MalformedId) -> Self {
        Self::bad_user_input(malformed.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
