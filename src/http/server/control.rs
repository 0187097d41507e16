//! What the server serves, and how that is replaced while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use axum::Router;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ServerSettings, tls::TlsSettings, unsent::Connections};

pub struct Served {
    pub router: Router,
    pub settings: ServerSettings,
    /// None where it is served without TLS.
    pub tls: Option<TlsSettings>,
}

pub struct ServerControl {
    served: ArcSwap<Served>,
    pub(super) connections: Arc<Connections>,
    slots: Arc<Semaphore>,
    /// How many slots there are, or will be once enough connections have ended.
    slot_count: Mutex<usize>,
}

impl ServerControl {
    pub fn new(served: Served) -> Arc<Self> {
        let settings = served.settings;
        Arc::new(Self {
            served: ArcSwap::from_pointee(served),
            connections: Connections::new(settings.unsent),
            slots: Arc::new(Semaphore::new(settings.max_connections)),
            slot_count: Mutex::new(settings.max_connections),
        })
    }

    /// The next request is served by this, also on a connection that is open. Requests in flight are not affected.
    pub fn replace(&self, served: Served) {
        self.connections.set_limits(served.settings.unsent);
        self.set_slots(served.settings.max_connections);
        self.served.store(Arc::new(served));
    }

    pub(super) fn served(&self) -> Guard<Arc<Served>> {
        self.served.load()
    }

    /// Waits for a connection to end where there are as many as there may be.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.slots.clone().acquire_owned().await.ok()
    }

    fn set_slots(&self, new: usize) {
        let mut count = self
            .slot_count
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::replace(&mut *count, new);
        self.slots.add_permits(new.saturating_sub(known));
        let excess = u32::try_from(known.saturating_sub(new)).unwrap_or(u32::MAX);
        if excess == 0 {
            return;
        }
        let slots = self.slots.clone();
        // They wait in line with new connections for others to end.
        tokio::spawn(async move {
            if let Ok(slots) = slots.acquire_many_owned(excess).await {
                slots.forget();
            }
        });
    }
}
