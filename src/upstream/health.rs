//! How a vendor does, as its real traffic shows it.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::time::Instant;

use super::breaker::{CallEnd, pause};
use crate::domain::{
    CircuitState, Vendor, VendorErrorCode, VendorFailure, VendorState, VendorStatus, VendorZone,
};

/// How many calls back the state looks.
const RECENT_CALLS: usize = 20;
/// From so many failures in a row on a vendor is down.
const FAILURES_UNTIL_DOWN: usize = 5;
/// A vendor that never answered is down from so many failures on.
const FAILURES_UNTIL_DOWN_AT_START: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Health {
    /// The newest last.
    recent: VecDeque<Outcome>,
    /// Set while the vendor is down.
    next_probe: Option<NextProbe>,
    last_success_at: Option<Timestamp>,
    last_failure: Option<(VendorFailure, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Success,
    /// The vendor answered, but not what was asked.
    Refusal,
    Failure,
}

/// The next try of a vendor that is down. Each that fails puts the next one off for longer, and only those count: how many
/// other calls fail meanwhile shows how much is asked, and not for how long the vendor is gone.
#[derive(Debug, Clone, Copy)]
struct NextProbe {
    number: u32,
    due_at: Instant,
}

impl NextProbe {
    fn numbered(number: u32) -> Self {
        Self {
            number,
            due_at: Instant::now() + pause(number),
        }
    }
}

impl Health {
    pub(super) fn record_success(&mut self) {
        self.last_success_at = Some(Timestamp::now());
        self.note(Outcome::Success);
    }

    /// What is no failure to the circuit is none here, but for credentials that are not accepted: the vendor answers, and is
    /// of no use.
    pub(super) fn record_failure(&mut self, failure: VendorFailure, end: CallEnd) {
        use VendorErrorCode::*;

        let outcome = match failure.code {
            // The vendor is well, and answered what the call deserved.
            Rejected | NotFound => return self.record_success(),
            // No call was made, so nothing is known that was not known before.
            CircuitOpen => return,
            Unauthenticated => Outcome::Failure,
            Timeout | Unreachable | RateLimited | Forbidden | BadResponse | ServerError => {
                match end {
                    CallEnd::ReceivedResponse => Outcome::Refusal,
                    CallEnd::Failed => Outcome::Failure,
                }
            }
        };
        self.last_failure = Some((failure, Timestamp::now()));
        self.note(outcome);
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
        self.next_probe.map(|next| next.due_at)
    }

    fn state(&self) -> VendorState {
        let is_a_success = |outcome: &Outcome| *outcome == Outcome::Success;
        let failures_in_a_row = self.failures_in_a_row();
        let never_came_up = failures_in_a_row == self.recent.len()
            && failures_in_a_row >= FAILURES_UNTIL_DOWN_AT_START;

        if self.recent.is_empty() {
            VendorState::Unknown
        } else if never_came_up || failures_in_a_row >= FAILURES_UNTIL_DOWN {
            VendorState::Down
        } else if self.recent.iter().all(is_a_success) {
            VendorState::Up
        } else {
            VendorState::Degraded
        }
    }

    fn failures_in_a_row(&self) -> usize {
        let failed = |outcome: &&Outcome| **outcome == Outcome::Failure;
        self.recent.iter().rev().take_while(failed).count()
    }

    fn note(&mut self, outcome: Outcome) {
        if self.recent.len() == RECENT_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back(outcome);
        self.next_probe = match self.next_probe {
            _ if self.state() != VendorState::Down => None,
            None => Some(NextProbe::numbered(1)),
            Some(tried) if tried.due_at <= Instant::now() => {
                Some(NextProbe::numbered(tried.number.saturating_add(1)))
            }
            Some(to_come) => Some(to_come),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time;

    use super::*;

    fn fail(health: &mut Health, code: VendorErrorCode, end: CallEnd) {
        let failure = VendorFailure {
            vendor: Vendor::FirstLine,
            code,
            retry_after: None,
        };
        health.record_failure(failure, end);
    }

    fn after(outcomes: &str) -> VendorState {
        use VendorErrorCode::*;

        let mut health = Health::default();
        for outcome in outcomes.chars() {
            match outcome {
                '+' => health.record_success(),
                'r' => fail(&mut health, RateLimited, CallEnd::ReceivedResponse),
                'f' => fail(&mut health, Forbidden, CallEnd::ReceivedResponse),
                's' => fail(&mut health, BadResponse, CallEnd::ReceivedResponse),
                'x' => fail(&mut health, Rejected, CallEnd::ReceivedResponse),
                'u' => fail(&mut health, Unauthenticated, CallEnd::ReceivedResponse),
                'h' => fail(&mut health, BadResponse, CallEnd::Failed),
                _ => fail(&mut health, ServerError, CallEnd::Failed),
            }
        }
        health.state()
    }

    #[test]
    fn the_state_follows_the_last_calls() {
        assert_eq!(after(""), VendorState::Unknown);
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

    #[test]
    fn a_vendor_that_answers_is_not_down_whatever_it_answers() {
        for refusal in ["r", "f", "s"] {
            assert_eq!(after(&refusal.repeat(20)), VendorState::Degraded);
            // Nor is one that was down and answers again.
            assert_eq!(after(&format!("-----{refusal}")), VendorState::Degraded);
        }
        assert_eq!(after(&"x".repeat(20)), VendorState::Up);
        // A page for people is not the vendor's, and one that takes no credentials is of no use.
        assert_eq!(after("hhh"), VendorState::Down);
        assert_eq!(after("uuu"), VendorState::Down);
    }

    #[tokio::test(start_paused = true)]
    async fn the_tries_grow_rarer_with_those_that_failed_however_many_calls_fail_at_once() {
        let mut health = Health::default();
        let mut due_after = |failures: usize| {
            for _ in 0..failures {
                fail(&mut health, VendorErrorCode::ServerError, CallEnd::Failed);
            }
            health
                .try_due_at()
                .map(|at| (at - Instant::now()).as_secs())
        };
        assert_eq!(due_after(2), None);
        assert_eq!(due_after(1), Some(5));
        assert_eq!(due_after(30), Some(5));
        for (passed, due_in) in [(5, 10), (10, 20), (20, 40), (40, 60), (60, 60)] {
            time::advance(Duration::from_secs(passed)).await;
            assert_eq!(due_after(7), Some(due_in));
        }
        health.record_success();
        assert_eq!(health.try_due_at(), None);
    }
}
