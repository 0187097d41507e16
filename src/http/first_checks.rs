//! The first call to each vendor, which readiness waits for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{domain::Vendor, error::Result};

/// What is known of each vendor since the start of the process.
#[derive(Debug, Default)]
pub struct FirstChecks(Mutex<Vec<(Vendor, State)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Failed,
    Succeeded,
}

impl FirstChecks {
    /// Each of these vendors has yet to be checked. The others count as checked.
    pub fn pending(vendors: impl IntoIterator<Item = Vendor>) -> Self {
        let states = vendors.into_iter().map(|vendor| (vendor, State::Pending));
        Self(Mutex::new(states.collect()))
    }

    pub fn record(&self, vendor: Vendor, result: &Result<()>) {
        let mut states = self.states();
        if let Some((_, state)) = states.iter_mut().find(|(known, _)| *known == vendor) {
            *state = match result {
                Ok(()) => State::Succeeded,
                Err(_) => State::Failed,
            };
        }
    }

    /// Whether a vendor has neither worked nor failed yet.
    pub(super) fn are_pending(&self) -> bool {
        let states = self.states();
        states.iter().any(|(_, state)| *state == State::Pending)
    }

    /// Whether a vendor has failed at the start, and in each check since.
    pub(super) fn has_failed(&self, vendor: Vendor) -> bool {
        self.states().contains(&(vendor, State::Failed))
    }

    fn states(&self) -> MutexGuard<'_, Vec<(Vendor, State)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
