//! The circuit breaker of one vendor: a vendor that fails too often gets no calls for a while, then one trial call.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use crate::domain::{CircuitState, Vendor};

/// Calls that ended earlier do not count.
const WINDOW: Duration = Duration::from_secs(30);
/// How many of the last calls decide whether the circuit opens.
const RECENT_CALLS: usize = 20;
/// The circuit opens only after at least this many calls.
const MIN_CALLS: usize = 10;
/// A vendor with little traffic has few calls: this many consecutive time-outs open the circuit, however far apart they are.
const MAX_TIMEOUTS_IN_A_ROW: u32 = 3;
/// The first pause of an open circuit. Each failed trial doubles it.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The `retryAfter` of calls during a trial, whose duration is unknown.
const TRIAL_RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Breaker {
    vendor: Vendor,
    circuit: Mutex<Circuit>,
    /// Notified whenever a call has ended.
    calls_ended: Notify,
}

#[derive(Debug)]
struct Circuit {
    state: State,
    /// The number of state changes. Results of calls from an earlier era are ignored.
    era: u64,
}

#[derive(Debug)]
enum State {
    Closed {
        /// When each of the last calls ended, and how. The newest last.
        recent: VecDeque<(Instant, CallEnd)>,
        timeouts: Timeouts,
    },
    Open {
        until: Instant,
        pauses: u32,
    },
    /// One trial call is in flight and decides.
    HalfOpen {
        /// Since when a trial is due.
        since: Instant,
        pauses: u32,
    },
}

/// The time-outs in a row. A call during which the vendor responded to another one is not counted: the vendor is there.
#[derive(Debug, Default)]
struct Timeouts {
    in_a_row: u32,
    responded_at: Option<Instant>,
}

/// What the end of a call says about the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallEnd {
    Responded,
    Failed,
    /// Failed without any response.
    TimedOut,
}

/// Permission for one call. A permit that is dropped unsettled proves nothing, and lets another call be the trial.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    era: u64,
    began_at: Instant,
    is_trial: bool,
    is_settled: bool,
}

impl Breaker {
    pub(super) fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            circuit: Mutex::new(Circuit {
                state: State::closed(),
                era: 0,
            }),
            calls_ended: Notify::new(),
        }
    }

    /// A permit for a call; none while the circuit is open.
    pub(super) fn admit(&self) -> Option<Permit<'_>> {
        let mut circuit = self.circuit();
        let is_trial = match circuit.state {
            State::Closed { .. } => false,
            State::Open { until, pauses } if until <= Instant::now() => {
                circuit.change(State::HalfOpen {
                    since: until,
                    pauses,
                });
                true
            }
            State::Open { .. } | State::HalfOpen { .. } => return None,
        };
        Some(Permit {
            breaker: self,
            era: circuit.era,
            began_at: Instant::now(),
            is_trial,
            is_settled: false,
        })
    }

    /// After how long another call is useful.
    pub(super) fn wait(&self) -> Duration {
        match self.circuit().state {
            State::Closed { .. } => Duration::ZERO,
            State::Open { until, .. } => until.saturating_duration_since(Instant::now()),
            State::HalfOpen { .. } => TRIAL_RETRY_AFTER,
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        match self.circuit().state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { .. } => CircuitState::Open,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// When a trial is due; none unless the circuit is open.
    pub(super) fn trial_due_at(&self) -> Option<Instant> {
        match self.circuit().state {
            State::Open { until, .. } => Some(until),
            State::Closed { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// Resolves when a call ends after this was called.
    pub(super) fn call_ends(&self) -> Notified<'_> {
        self.calls_ended.notified()
    }

    fn note(&self, permit: &Permit<'_>, end: CallEnd) {
        let mut circuit = self.circuit();
        if circuit.era != permit.era {
            return;
        }
        let now = Instant::now();
        let pauses = match &mut circuit.state {
            State::Closed { recent, timeouts } => {
                remember(recent, now, end);
                timeouts.count(permit.began_at, now, end);
                let is_silent = timeouts.in_a_row >= MAX_TIMEOUTS_IN_A_ROW;
                if !end.is_failure() || !(is_silent || fails_too_often(recent)) {
                    return;
                }
                1
            }
            State::HalfOpen { pauses, .. } if end.is_failure() => pauses.saturating_add(1),
            State::HalfOpen { .. } => {
                circuit.change(State::closed());
                drop(circuit);
                tracing::info!(
                    target: "deskgraph::upstream",
                    vendor = self.vendor.slug(),
                    "the circuit is closed: the vendor responds again"
                );
                return;
            }
            // Every permit is older than the opening of the circuit, so its era has passed.
            State::Open { .. } => return,
        };

        let pause = pause(pauses);
        circuit.change(State::Open {
            until: now + pause,
            pauses,
        });
        drop(circuit);
        tracing::warn!(
            target: "deskgraph::upstream",
            vendor = self.vendor.slug(),
            pause_ms = pause.as_millis() as u64,
            "the circuit is open: the vendor fails, and gets no calls for a while"
        );
    }

    /// A trial ended without a result: the next call becomes the trial, due since the same time.
    fn give_back(&self, era: u64) {
        let mut circuit = self.circuit();
        if let State::HalfOpen { since, pauses } = circuit.state
            && circuit.era == era
        {
            circuit.change(State::Open {
                until: since,
                pauses,
            });
        }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Whether this is the one call that decides whether the circuit closes.
    pub(super) fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Whether the permit is still valid.
    pub(super) fn holds(&self) -> bool {
        self.breaker.circuit().era == self.era
    }

    pub(super) fn settle(mut self, end: CallEnd) {
        if !self.is_settled {
            self.is_settled = true;
            self.breaker.note(&self, end);
        }
    }

    /// Settles the permit of a call that goes on: what comes of it later does not count. Without an end it proves nothing, and
    /// another call may be the trial.
    pub(super) fn end_early(&mut self, end: Option<CallEnd>) {
        self.is_settled = true;
        match end {
            Some(end) => self.breaker.note(self, end),
            None => self.breaker.give_back(self.era),
        }
        self.breaker.calls_ended.notify_waiters();
    }

    /// Counts a cancelled call as a failure: the vendor had enough time to respond.
    pub(super) fn count_unanswered(&self) {
        self.breaker.note(self, CallEnd::TimedOut);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.breaker.give_back(self.era);
        }
        self.breaker.calls_ended.notify_waiters();
    }
}

impl State {
    fn closed() -> Self {
        State::Closed {
            recent: VecDeque::with_capacity(RECENT_CALLS),
            timeouts: Timeouts::default(),
        }
    }
}

impl CallEnd {
    fn is_failure(self) -> bool {
        matches!(self, CallEnd::Failed | CallEnd::TimedOut)
    }
}

impl Timeouts {
    fn count(&mut self, began_at: Instant, ended_at: Instant, end: CallEnd) {
        match end {
            CallEnd::Responded => {
                *self = Self {
                    in_a_row: 0,
                    responded_at: Some(ended_at),
                };
            }
            CallEnd::Failed => self.in_a_row = 0,
            CallEnd::TimedOut if self.responded_at.is_none_or(|at| at <= began_at) => {
                self.in_a_row += 1;
            }
            CallEnd::TimedOut => {}
        }
    }
}

impl Circuit {
    fn change(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

fn remember(recent: &mut VecDeque<(Instant, CallEnd)>, now: Instant, end: CallEnd) {
    while recent.len() >= RECENT_CALLS
        || recent
            .front()
            .is_some_and(|(ended_at, _)| now.duration_since(*ended_at) > WINDOW)
    {
        recent.pop_front();
    }
    recent.push_back((now, end));
}

fn fails_too_often(recent: &VecDeque<(Instant, CallEnd)>) -> bool {
    let failures = recent.iter().filter(|(_, end)| end.is_failure()).count();
    recent.len() >= MIN_CALLS && failures * 2 >= recent.len()
}

/// The nth consecutive pause.
pub(super) fn pause(number: u32) -> Duration {
    let doublings = number.saturating_sub(1);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(factor).min(MAX_PAUSE)
}
