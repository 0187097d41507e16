//! How a vendor does, as its real traffic shows it.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::time::Instant;

use super::breaker::pause;
use crate::domain::{
    CircuitState, Vendor, VendorErrorCode, VendorFailure, VendorState, VendorStatus, VendorZone,
};

/// How many calls back the state looks.
const REMEMBERED_CALLS: usize = 20;
/// From so many failures in a row on a vendor is down.
const FAILURES_OF_A_VENDOR_THAT_IS_DOWN: usize = 5;
/// A vendor that never answered is down from so many failures on.
const FAILURES_OF_A_VENDOR_THAT_NEVER_CAME_UP: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Health {
    /// The newest last.
    recent: VecDeque<Outcome>,
    last_call_ended_at: Option<Instant>,
    last_success_at: Option<Timestamp>,
    last_failure: Option<(VendorFailure, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Success,
    Failure,
}

impl Health {
    pub(super) fn note_success(&mut self) {
        self.last_success_at = Some(Timestamp::now());
        self.note(Outcome::Success);
    }

    pub(super) fn note_failure(&mut self, failure: VendorFailure) {
        use VendorErrorCode::*;

        match failure.code {
            // The vendor is well, and answered what the call deserved.
            Rejected | NotFound => self.note_success(),
            // Nor does a vendor fail when it asks for fewer calls, but that is worth showing.
            RateLimited => self.last_failure = Some((failure, Timestamp::now())),
            Timeout | Unreachable | Unauthenticated | Forbidden | BadResponse | ServerError => {
                self.last_failure = Some((failure, Timestamp::now()));
                self.note(Outcome::Failure);
            }
            // No call was made, so nothing is known that was not known before.
            CircuitOpen => {}
        }
    }

    pub(super) fn status(
        &self,
        vendor: Vendor,
        circuit: CircuitState,
        zone: &VendorZone,
    ) -> VendorStatus {
        let state = match circuit {
            CircuitState::Closed => self.state(),
            // It is not called, whatever its last calls were.
            CircuitState::Open | CircuitState::HalfOpen => VendorState::Down,
        };
        VendorStatus {
            vendor,
            state,
            circuit,
            last_success_at: self.last_success_at.map(|at| zone.at(at)),
            last_failure: self.last_failure.map(|(failure, _)| failure),
            last_failure_at: self.last_failure.map(|(_, at)| zone.at(at)),
        }
    }

    /// From when on a vendor that is down may be tried; none where it is not down. The longer it fails, the later.
    pub(super) fn try_due_at(&self) -> Option<Instant> {
        if self.state() != VendorState::Down {
            return None;
        }
        let past_the_first = self
            .failures_in_a_row()
            .saturating_sub(FAILURES_OF_A_VENDOR_THAT_NEVER_CAME_UP);
        let number = u32::try_from(past_the_first)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Some(self.last_call_ended_at? + pause(number))
    }

    fn state(&self) -> VendorState {
        let failures = self.recent.iter().filter(failed).count();
        let failures_in_a_row = self.failures_in_a_row();
        let never_came_up = failures_in_a_row == self.recent.len()
            && failures_in_a_row >= FAILURES_OF_A_VENDOR_THAT_NEVER_CAME_UP;

        if self.recent.is_empty() {
            VendorState::Unknown
        } else if never_came_up || failures_in_a_row >= FAILURES_OF_A_VENDOR_THAT_IS_DOWN {
            VendorState::Down
        } else if failures > 0 {
            VendorState::Degraded
        } else {
            VendorState::Up
        }
    }

    fn failures_in_a_row(&self) -> usize {
        self.recent.iter().rev().take_while(failed).count()
    }

    fn note(&mut self, outcome: Outcome) {
        if self.recent.len() == REMEMBERED_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(outcome);
        self.last_call_ended_at = Some(Instant::now());
    }
}

fn failed(outcome: &&Outcome) -> bool {
    **outcome == Outcome::Failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(outcomes: &str) -> VendorState {
        let mut health = Health::default();
        for outcome in outcomes.chars() {
            let code = match outcome {
                '+' => {
                    health.note_success();
                    continue;
                }
                'r' => VendorErrorCode::RateLimited,
                'x' => VendorErrorCode::Rejected,
                _ => VendorErrorCode::ServerError,
            };
            health.note_failure(VendorFailure {
                vendor: Vendor::FirstLine,
                code,
                retry_after: None,
            });
        }
        health.state()
    }

    #[test]
    fn the_state_follows_the_last_calls() {
        assert_eq!(after(""), VendorState::Unknown);
        assert_eq!(after("r"), VendorState::Unknown);
        assert_eq!(after("+"), VendorState::Up);
        assert_eq!(after("x"), VendorState::Up);
        assert_eq!(after("-"), VendorState::Degraded);
        assert_eq!(after("--"), VendorState::Degraded);
        assert_eq!(after("---"), VendorState::Down);
        assert_eq!(after("+----"), VendorState::Degraded);
        assert_eq!(after("+-----"), VendorState::Down);
        assert_eq!(after("+-----+"), VendorState::Degraded);
        assert_eq!(after(&format!("-{}", "+".repeat(20))), VendorState::Up);
    }
}
