//! Runs writes: those of one object one after the other, each to its end and logged once.

use std::{sync::Arc, time::Instant};

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    Repository,
    creates::{CreateSettings, Creates},
    idempotency::IdempotencyKeys,
    object_locks::ObjectLocks,
};
use crate::error::{Error, ErrorKind, Result};

/// What the process knows of its writes.
pub(super) struct Writes {
    pub(super) idempotency_keys: IdempotencyKeys,
    pub(super) creates: Creates,
    object_locks: ObjectLocks,
    in_flight: TaskTracker,
}

impl Writes {
    pub(super) fn new(creates: CreateSettings) -> Self {
        Self {
            idempotency_keys: IdempotencyKeys::new(),
            creates: Creates::new(creates),
            object_locks: ObjectLocks::default(),
            in_flight: TaskTracker::new(),
        }
    }

    /// Runs a part of a write that no caller waits for.
    pub(super) fn spawn(&self, part: impl Future<Output = ()> + Send + 'static) {
        self.in_flight.spawn(part);
    }

    /// Completes when no write is in flight.
    pub(super) async fn ended(&self) {
        self.in_flight.close();
        self.in_flight.wait().await;
    }
}

impl Repository {
    /// Runs a write to its end even when the caller disconnects, after the earlier writes of the same object. `write` returns the
    /// id of the object that it wrote, for the log.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        mutation: &'static str,
        object: Option<String>,
        write: impl Future<Output = Result<(String, T)>> + Send + 'static,
    ) -> Result<T> {
        let lock = object
            .as_deref()
            .map(|object| self.shared.writes.object_locks.of(object));
        let scope = Arc::clone(&self.scope);
        let run = async move {
            let _guard = match &lock {
                Some(lock) => Some(lock.lock().await),
                None => None,
            };
            let started = Instant::now();
            let result = write.await;
            let (outcome, object_id) = match &result {
                Ok((object, _)) => ("done", object.as_str()),
                Err(error) => (outcome_name(error), object.as_deref().unwrap_or("")),
            };
            tracing::info!(
                target: "deskgraph::write",
                caller = &*scope.caller.name,
                mutation = mutation,
                object.id = object_id,
                outcome = outcome,
                duration_ms = started.elapsed().as_millis() as u64,
                "a write ended"
            );
            result.map(|(_, value)| value)
        };
        let tasks = &self.shared.writes.in_flight;
        let result = tasks.spawn(run.in_current_span()).await;
        // Later fields of the document read what this one wrote.
        self.forget_reads();
        result.unwrap_or_else(|panic| Err(Error::internal("a write panicked").with_source(panic)))
    }
}

pub(super) fn outcome_name(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::OutcomeUnknown(_) => "unknown",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Locked => "locked",
        ErrorKind::InvalidFields(_) => "invalid",
        ErrorKind::UnsupportedByVendor(_) => "unsupported",
        _ => "failed",
    }
}
