//! A vendor's health, from its real traffic.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    breaker::{CallEnd, pause},
    call::Purpose,
};
use crate::domain::{
    CircuitState, Vendor, VendorErrorCode, VendorFailure, VendorState, VendorStatus, VendorZone,
};

/// How many of the last calls decide the state.
const RECENT_CALLS: usize = 20;
/// A vendor is down after this many consecutive failures.
const FAILURES_UNTIL_DOWN: usize = 5;
/// A vendor that has never responded is down after this many failures.
const FAILURES_UNTIL_DOWN_AT_START: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Health {
    /// The newest last.
    recent: VecDeque<Outcome>,
    /// Set while the vendor is down.
    next_probe: Option<NextProbe>,
    last_success_at: Option<Timestamp>,
    last_failure: Option<(VendorFailure, Timestamp)>,
    /// Whether the vendor refused the credentials, and has returned no data since.
    refuses_credentials: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Success,
    /// The vendor responded, but without the requested data.
    Rejection,
    Failure,
}

/// The next probe of a vendor that is down. Each failed probe doubles the delay. Other failed calls do not: their number
/// depends on the traffic, and not on how long the vendor is down.
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
    pub(super) fn record_success(&mut self, purpose: Purpose) {
        if purpose != Purpose::SignIn {
            self.refuses_credentials = false;
        }
        self.note_success();
    }

    fn note_success(&mut self) {
        self.last_success_at = Some(Timestamp::now());
        self.note(Outcome::Success);
    }

    /// What is no failure for the circuit is none here, except rejected credentials: the vendor responds, but is unusable.
    pub(super) fn record_failure(&mut self, failure: VendorFailure, end: CallEnd) {
        use VendorErrorCode::*;

        let outcome = match failure.code {
            // The vendor is healthy: the fault is in the call.
            Rejected | NotFound => return self.note_success(),
            // No call was made, so there is nothing new.
            CircuitOpen | GatewayError => return,
            Unauthenticated => {
                self.refuses_credentials = true;
                Outcome::Failure
            }
            Timeout | Unreachable | RateLimited | Forbidden | BadResponse | ServerError => {
                match end {
                    CallEnd::Responded => Outcome::Rejection,
                    CallEnd::Failed | CallEnd::TimedOut => Outcome::Failure,
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
            // The gateway does not call it, whatever the last results were.
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

    /// When the next probe is due; none unless the vendor is down. The delay grows with each failed probe.
    pub(super) fn probe_due_at(&self) -> Option<Instant> {
        self.next_probe.map(|next| next.due_at)
    }

    /// Why the vendor is down; none unless it is.
    pub(super) fn failure_while_down(&self) -> Option<VendorFailure> {
        let (failure, _) = self.last_failure?;
        (self.state() == VendorState::Down).then_some(failure)
    }

    pub(super) fn refuses_credentials(&self) -> bool {
        self.refuses_credentials
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
                '+' => health.record_success(Purpose::Read),
                'r' => fail(&mut health, RateLimited, CallEnd::Responded),
                'f' => fail(&mut health, Forbidden, CallEnd::Responded),
                's' => fail(&mut health, BadResponse, CallEnd::Responded),
                'x' => fail(&mut health, Rejected, CallEnd::Responded),
                'u' => fail(&mut health, Unauthenticated, CallEnd::Responded),
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
            // A vendor that was down and responds again is not down.
            assert_eq!(after(&format!("-----{refusal}")), VendorState::Degraded);
        }
        assert_eq!(after(&"x".repeat(20)), VendorState::Up);
        // An HTML page is not from the vendor's API, and a vendor that rejects the credentials is unusable.
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
                .probe_due_at()
                .map(|at| (at - Instant::now()).as_secs())
        };
        assert_eq!(due_after(2), None);
        assert_eq!(due_after(1), Some(5));
        assert_eq!(due_after(30), Some(5));
        for (passed, due_in) in [(5, 10), (10, 20), (20, 40), (40, 60), (60, 60)] {
            time::advance(Duration::from_secs(passed)).await;
            assert_eq!(due_after(7), Some(due_in));
        }
        health.record_success(Purpose::Read);
        assert_eq!(health.probe_due_at(), None);
    }

    #[test]
    fn refused_credentials_are_accepted_again_with_the_next_data_and_not_with_a_login() {
        let mut health = Health::default();
        assert!(!health.refuses_credentials());
        fail(
            &mut health,
            VendorErrorCode::Unauthenticated,
            CallEnd::Responded,
        );
        fail(&mut health, VendorErrorCode::Timeout, CallEnd::TimedOut);
        health.record_success(Purpose::SignIn);
        assert!(health.refuses_credentials());
        health.record_success(Purpose::Read);
        assert!(!health.refuses_credentials());
    }

    #[test]
    fn a_fault_of_the_gateway_changes_nothing() {
        let mut health = Health::default();
        health.record_success(Purpose::Read);
        for _ in 0..20 {
            fail(
                &mut health,
                VendorErrorCode::GatewayError,
                CallEnd::Responded,
            );
        }
        assert_eq!(health.state(), VendorState::Up);
        assert!(health.last_failure.is_none());
    }
}
