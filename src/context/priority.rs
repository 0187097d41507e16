//! Whether a caller waits for a vendor call.

use std::sync::Arc;

use tokio::sync::watch;

/// The order in which calls get slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPriority {
    /// A caller waits for it.
    Caller,
    /// Work of the gateway's own, which gives way to callers: refreshes ahead of time, probes, polls.
    Background,
}

/// The priority of a request's calls. Background work that a caller begins to wait for becomes the caller's.
#[derive(Debug, Clone)]
pub(super) struct SharedPriority(Arc<watch::Sender<CallPriority>>);

impl SharedPriority {
    pub(super) fn new(priority: CallPriority) -> Self {
        Self(Arc::new(watch::Sender::new(priority)))
    }

    pub(super) fn get(&self) -> CallPriority {
        *self.0.borrow()
    }

    pub(super) fn raise(&self) {
        self.0.send_if_modified(|priority| {
            let was_background = *priority == CallPriority::Background;
            *priority = CallPriority::Caller;
            was_background
        });
    }

    /// Resolves once a caller waits.
    pub(super) async fn raised(&self) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as this borrow of it.
        let _ = changes
            .wait_for(|priority| *priority == CallPriority::Caller)
            .await;
    }
}
