//! What becomes known of a request while the engine works on it. The request's log line needs it even when the client disconnects.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use crate::telemetry::metrics::OperationKind;

#[derive(Debug, Default)]
pub(crate) struct Progress {
    operation: OnceLock<Arc<OperationInfo>>,
    response_source: OnceLock<ResponseSource>,
    mutation_started: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct OperationInfo {
    pub(crate) name: Option<String>,
    pub(crate) kind: OperationKind,
    /// Whether its document is one of the manifest's.
    pub(crate) is_of_manifest: bool,
}

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseSource {
    /// The operation was executed for this request.
    Executed,
    /// An equal request in flight executed it.
    Coalesced,
    /// The response cache had it.
    Cached,
}

impl ResponseSource {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ResponseSource::Executed => "executed",
            ResponseSource::Coalesced => "coalesced",
            ResponseSource::Cached => "cached",
        }
    }
}

impl Progress {
    /// Of a batch, the first operation counts.
    pub(super) fn set_operation(&self, operation: &Arc<OperationInfo>) {
        self.operation.get_or_init(|| Arc::clone(operation));
    }

    /// Of a batch, the first response counts.
    pub(super) fn set_response_source(&self, source: ResponseSource) {
        self.response_source.get_or_init(|| source);
    }

    /// From here on the outcome of the request is unknown until the mutation ends.
    pub(crate) fn start_mutation(&self) {
        self.mutation_started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn operation(&self) -> Option<&OperationInfo> {
        self.operation.get().map(|operation| &**operation)
    }

    pub(crate) fn response_source(&self) -> Option<ResponseSource> {
        self.response_source.get().copied()
    }

    pub(crate) fn mutation_started(&self) -> bool {
        self.mutation_started.load(Ordering::Relaxed)
    }
}
