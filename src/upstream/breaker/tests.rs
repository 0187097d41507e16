//! The breaker against a simple model of its policy, on a clock that stands still until it is moved.

use proptest::prelude::*;
use tokio::{runtime::Runtime, time};

use super::*;

/// What may happen to a breaker.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A call asks to be let through; it ends with a later step.
    Begin,
    /// One of the calls under way ends, or is given up.
    End(usize, Option<CallEnd>),
    /// So many calls begin and end at once, one after the other.
    Burst(u32, CallEnd),
    Pass(Duration),
}

fn end() -> impl Strategy<Value = CallEnd> {
    prop_oneof![
        4 => Just(CallEnd::Responded),
        4 => Just(CallEnd::Failed),
        1 => Just(CallEnd::TimedOut),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Begin),
        3 => (any::<usize>(), proptest::option::weighted(0.8, end()))
            .prop_map(|(which, end)| Step::End(which, end)),
        2 => (1..12_u32, end()).prop_map(|(count, end)| Step::Burst(count, end)),
        2 => prop_oneof![
            (0..6_000_u64).prop_map(Duration::from_millis),
            (0..70_000_u64).prop_map(Duration::from_millis),
            // To the very end of what the policy counts.
            Just(WINDOW),
            Just(FIRST_PAUSE),
            Just(MAX_PAUSE),
        ]
        .prop_map(Step::Pass),
    ]
}

/// The policy as the documentation states it: every ended call with its time, in one long list.
#[derive(Debug)]
struct Model {
    now: Duration,
    /// When each of them began, when it ended and how.
    since_closed: Vec<(Duration, Duration, CallEnd)>,
    phase: Phase,
    /// Grows when calls that are under way are heard no more.
    chapter: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Closed,
    Open { until: Duration, failed_trials: u32 },
    HalfOpen { since: Duration, failed_trials: u32 },
}

/// What the model knows of a call that it let through.
#[derive(Debug, Clone, Copy)]
struct Admitted {
    chapter: u32,
    began: Duration,
    is_trial: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            now: Duration::ZERO,
            since_closed: Vec::new(),
            phase: Phase::Closed,
            chapter: 0,
        }
    }

    fn begin(&mut self) -> Option<Admitted> {
        let is_trial = match self.phase {
            Phase::Closed => false,
            Phase::Open {
                until,
                failed_trials,
            } if self.now >= until => {
                self.phase = Phase::HalfOpen {
                    since: until,
                    failed_trials,
                };
                self.chapter += 1;
                true
            }
            _ => return None,
        };
        Some(Admitted {
            chapter: self.chapter,
            began: self.now,
            is_trial,
        })
    }

    fn end(&mut self, call: Admitted, end: Option<CallEnd>) {
        if call.chapter != self.chapter {
            return;
        }
        match (self.phase, end) {
            (Phase::Closed, Some(end)) => {
                self.since_closed.push((call.began, self.now, end));
                let young: Vec<CallEnd> = self
                    .since_closed
                    .iter()
                    .rev()
                    .take(20)
                    .filter(|(_, at, _)| self.now - *at <= Duration::from_secs(30))
                    .map(|(_, _, end)| *end)
                    .collect();
                let failed = young
                    .iter()
                    .filter(|end| **end != CallEnd::Responded)
                    .count();
                let is_half = 2 * failed >= young.len();
                let fails_often = young.len() >= 10 && is_half;
                let is_silent = end == CallEnd::TimedOut && self.timeouts_in_a_row() >= 3;
                if end != CallEnd::Responded && (fails_often || is_silent) {
                    self.open(0);
                }
            }
            (Phase::HalfOpen { .. }, Some(CallEnd::Responded)) => {
                self.phase = Phase::Closed;
                self.since_closed.clear();
                self.chapter += 1;
            }
            (Phase::HalfOpen { failed_trials, .. }, Some(_)) => {
                self.open(failed_trials + 1);
            }
            (
                Phase::HalfOpen {
                    since,
                    failed_trials,
                },
                None,
            ) => {
                self.phase = Phase::Open {
                    until: since,
                    failed_trials,
                };
                self.chapter += 1;
            }
            _ => {}
        }
    }

    /// Since the last call that ended otherwise, those during which no other call got a response.
    fn timeouts_in_a_row(&self) -> usize {
        let ended = self.since_closed.iter().enumerate().rev();
        let last = ended.take_while(|(_, (_, _, end))| *end == CallEnd::TimedOut);
        let is_counted = |(index, (began, _, _)): &(usize, &(Duration, Duration, CallEnd))| {
            let earlier = &self.since_closed[..*index];
            let responses = earlier
                .iter()
                .filter(|(_, _, end)| *end == CallEnd::Responded);
            responses.map(|(_, at, _)| at).all(|at| at <= began)
        };
        last.filter(is_counted).count()
    }

    fn open(&mut self, failed_trials: u32) {
        let pauses = [5, 10, 20, 40, 60];
        let pause = pauses[(failed_trials as usize).min(pauses.len() - 1)];
        self.phase = Phase::Open {
            until: self.now + Duration::from_secs(pause),
            failed_trials,
        };
        self.chapter += 1;
    }

    fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { .. } => CircuitState::Open,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}

fn on_a_still_clock<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime: Runtime = runtime.expect("a runtime with a clock alone can be built");
    runtime.block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_breaker_does_as_its_policy_says(steps in proptest::collection::vec(step(), 1..120)) {
        on_a_still_clock(async move {
            let breaker = Breaker::new(Vendor::FirstLine);
            let started_at = Instant::now();
            let mut model = Model::new();
            let mut in_flight: Vec<(Permit<'_>, Admitted)> = Vec::new();

            for step in steps {
                match step {
                    Step::Begin => {
                        let (permit, admitted) = (breaker.admit(), model.begin());
                        prop_assert_eq!(permit.is_some(), admitted.is_some());
                        in_flight.extend(permit.zip(admitted));
                    }
                    Step::End(which, end) if !in_flight.is_empty() => {
                        let (permit, admitted) = in_flight.swap_remove(which % in_flight.len());
                        prop_assert_eq!(permit.is_trial(), admitted.is_trial);
                        prop_assert_eq!(permit.holds(), admitted.chapter == model.chapter);
                        match end {
                            Some(end) => permit.settle(end),
                            None => drop(permit),
                        }
                        model.end(admitted, end);
                    }
                    Step::End(..) => {}
                    Step::Burst(count, end) => {
                        for _ in 0..count {
                            let (permit, admitted) = (breaker.admit(), model.begin());
                            prop_assert_eq!(permit.is_some(), admitted.is_some());
                            if let Some((permit, admitted)) = permit.zip(admitted) {
                                permit.settle(end);
                                model.end(admitted, Some(end));
                            }
                        }
                    }
                    Step::Pass(time) => {
                        time::advance(time).await;
                        model.now += time;
                    }
                }
                prop_assert_eq!(breaker.state(), model.state());
                if let Phase::Open { until, .. } = model.phase {
                    prop_assert_eq!(breaker.wait(), until.saturating_sub(model.now));
                    let due_in = breaker.trial_due_at().map(|at| at - started_at);
                    prop_assert_eq!(due_in, Some(until));
                }
            }
            Ok(())
        })?;
    }
}

fn ended(breaker: &Breaker, end: CallEnd) {
    breaker
        .admit()
        .expect("the call is let through")
        .settle(end);
}

#[tokio::test(start_paused = true)]
async fn nine_failures_leave_it_closed_and_the_tenth_opens_it() {
    let breaker = Breaker::new(Vendor::Bangwo8);
    for _ in 0..9 {
        ended(&breaker, CallEnd::Failed);
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    ended(&breaker, CallEnd::Failed);
    assert_eq!(breaker.state(), CircuitState::Open);
    assert!(breaker.admit().is_none());
}

#[tokio::test(start_paused = true)]
async fn three_time_outs_in_a_row_open_it_however_far_apart_they_are() {
    let breaker = Breaker::new(Vendor::Bangwo8);
    for ends in [
        [CallEnd::TimedOut, CallEnd::TimedOut, CallEnd::Responded],
        [CallEnd::TimedOut, CallEnd::TimedOut, CallEnd::Failed],
    ] {
        for end in ends {
            ended(&breaker, end);
            time::advance(WINDOW * 4).await;
        }
    }
    for _ in 0..3 {
        assert_eq!(breaker.state(), CircuitState::Closed);
        ended(&breaker, CallEnd::TimedOut);
        time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn slow_calls_of_a_vendor_that_responds_meanwhile_leave_it_closed() {
    let breaker = Breaker::new(Vendor::Bangwo8);
    let slow: Vec<_> = (0..9).map(|_| breaker.admit()).collect();
    time::advance(Duration::from_secs(1)).await;
    for _ in 0..11 {
        ended(&breaker, CallEnd::Responded);
    }
    for permit in slow {
        permit
            .expect("the call is let through")
            .settle(CallEnd::TimedOut);
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn less_than_half_of_the_last_twenty_leave_it_closed() {
    let breaker = Breaker::new(Vendor::Bangwo8);
    for _ in 0..11 {
        ended(&breaker, CallEnd::Responded);
    }
    for _ in 0..9 {
        ended(&breaker, CallEnd::Failed);
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    // One of the answers is not among the last twenty any more.
    ended(&breaker, CallEnd::Failed);
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn failures_of_long_ago_do_not_count() {
    let breaker = Breaker::new(Vendor::Bangwo8);
    for _ in 0..9 {
        ended(&breaker, CallEnd::Failed);
    }
    time::advance(WINDOW + Duration::from_millis(1)).await;
    ended(&breaker, CallEnd::Failed);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn one_call_is_tried_after_waits_that_grow_to_a_minute() {
    let breaker = Breaker::new(Vendor::FirstLine);
    for _ in 0..10 {
        ended(&breaker, CallEnd::Failed);
    }
    for seconds in [5, 10, 20, 40, 60, 60] {
        time::advance(Duration::from_millis(seconds * 1000 - 1)).await;
        assert!(breaker.admit().is_none(), "{seconds}");
        time::advance(Duration::from_millis(1)).await;
        let trial = breaker.admit().expect("a trial is due");
        assert!(trial.is_trial());
        assert!(breaker.admit().is_none(), "one trial at a time");
        trial.settle(CallEnd::Failed);
    }

    time::advance(MAX_PAUSE).await;
    ended(&breaker, CallEnd::Responded);
    assert_eq!(breaker.state(), CircuitState::Closed);
    // What was before is forgotten, the growth of the waits too.
    for _ in 0..10 {
        ended(&breaker, CallEnd::Failed);
    }
    assert_eq!(breaker.wait(), FIRST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_is_given_up_leaves_its_place_to_the_next_call() {
    let breaker = Breaker::new(Vendor::FirstLine);
    for _ in 0..10 {
        ended(&breaker, CallEnd::Failed);
    }
    time::advance(FIRST_PAUSE).await;
    drop(breaker.admit());
    assert!(breaker.admit().is_some_and(|permit| permit.is_trial()));
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_the_circuit_opened_does_not_close_it() {
    let breaker = Breaker::new(Vendor::FirstLine);
    let slow = breaker.admit().expect("the call is let through");
    for _ in 0..10 {
        ended(&breaker, CallEnd::Failed);
    }
    slow.settle(CallEnd::Responded);
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_on_counts_once_when_its_time_is_over() {
    let breaker = Breaker::new(Vendor::FirstLine);
    let mut slow: Vec<_> = (0..10)
        .map(|_| breaker.admit().expect("the circuit is closed"))
        .collect();
    for permit in &mut slow[..9] {
        permit.end_early(Some(CallEnd::Failed));
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    for permit in slow.drain(..9) {
        permit.settle(CallEnd::Failed);
    }
    assert_eq!(breaker.state(), CircuitState::Closed, "nine calls failed");
    for permit in slow {
        permit.settle(CallEnd::Failed);
    }
    assert_eq!(breaker.state(), CircuitState::Open);

    for (end, expected) in [
        (None, CircuitState::HalfOpen),
        (Some(CallEnd::Failed), CircuitState::Open),
    ] {
        time::advance(MAX_PAUSE).await;
        let mut trial = breaker.admit().expect("a trial is due");
        trial.end_early(end);
        let next = breaker.admit();
        assert_eq!(
            breaker.state(),
            expected,
            "a trial that goes on blocks no other"
        );
        drop(next);
        trial.settle(CallEnd::Responded);
        assert_eq!(breaker.state(), CircuitState::Open);
    }
}
