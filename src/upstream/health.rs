//! How a vendor does, as its real traffic shows it.

use std::collections::VecDeque;

use jiff::Timestamp;

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
    last_success_at: Option<Timestamp>,
    last_failure: Option<VendorFailure>,
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
            RateLimited => self.last_failure = Some(failure),
            Timeout | Unreachable | Unauthenticated | Forbidden | BadResponse | ServerError
            | CircuitOpen => {
                self.last_failure = Some(failure);
                self.note(Outcome::Failure);
            }
        }
    }

    pub(super) fn status(&self, vendor: Vendor, zone: &VendorZone) -> VendorStatus {
        VendorStatus {
            vendor,
            state: self.state(),
            circuit: CircuitState::Closed,
            last_success_at: self.last_success_at.map(|at| zone.at(at)),
            last_failure: self.last_failure,
        }
    }

    fn state(&self) -> VendorState {
        let failed = |outcome: &&Outcome| **outcome == Outcome::Failure;
        let failures = self.recent.iter().filter(failed).count();
        let failures_in_a_row = self.recent.iter().rev().take_while(failed).count();
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

    fn note(&mut self, outcome: Outcome) {
        if self.recent.len() == REMEMBERED_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(outcome);
    }
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
