//! A call that goes on after the deadline of its caller, because its answer still matters.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::VendorFailure;

/// What the caller of such a call shares with it.
#[derive(Debug, Clone)]
pub struct Background {
    /// How long it goes on after its caller's deadline.
    limit: Duration,
    begun: watch::Sender<Option<VendorFailure>>,
}

impl Background {
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            begun: watch::Sender::new(None),
        }
    }

    /// Resolves when the caller's deadline has passed and the call goes on, with the failure that the caller gets.
    pub async fn begins(&self) -> VendorFailure {
        let mut begun = self.begun.subscribe();
        loop {
            if let Some(failure) = *begun.borrow_and_update() {
                return failure;
            }
            if begun.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    pub fn has_begun(&self) -> bool {
        self.begun.borrow().is_some()
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn begin(&self, failure: VendorFailure) {
        self.begun.send_replace(Some(failure));
    }
}
