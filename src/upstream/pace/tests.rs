//! The queue on a stopped clock: who goes first, what waits for what, and that nothing is lost.

use std::{
    collections::HashMap,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::{task::JoinSet, time};

use super::*;
use crate::context::CallPriority;

const SLOTS: usize = 4;
const CALL: Duration = Duration::from_millis(100);

fn pace() -> Pace {
    Pace::new(Vendor::FirstLine, SLOTS, None)
}

fn claim(caller: &str, nth_call: u64) -> Claim {
    Claim {
        priority: CallPriority::Caller,
        caller: caller.into(),
        nth_call,
    }
}

fn in_background() -> Claim {
    Claim {
        priority: CallPriority::Background,
        ..claim("gateway", 0)
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn soon() -> Instant {
    Instant::now() + seconds(3600)
}

/// Calls of equal length, and the order in which the vendor received them.
#[derive(Default)]
struct Calls {
    running: JoinSet<()>,
    sent: Arc<StdMutex<Vec<&'static str>>>,
}

impl Calls {
    async fn queue(&mut self, pace: &Arc<Pace>, name: &'static str, claim: Claim) {
        let (pace, sent) = (Arc::clone(pace), Arc::clone(&self.sent));
        self.running.spawn(async move {
            let _slot = pace.turn(&claim, soon()).await.expect("there is time");
            sent.lock().expect("no test panics with it").push(name);
            time::sleep(CALL).await;
        });
        // It is in the queue before the next one.
        tokio::task::yield_now().await;
    }

    async fn sent(mut self) -> Vec<&'static str> {
        while let Some(ended) = self.running.join_next().await {
            ended.expect("no call panics");
        }
        let sent = self.sent.lock().expect("no test panics with it");
        sent.clone()
    }
}

fn position(sent: &[&str], name: &str) -> usize {
    let found = sent.iter().position(|sent| *sent == name);
    found.expect("it was sent")
}

#[tokio::test(start_paused = true)]
async fn another_callers_call_is_sent_after_the_calls_in_flight_however_many_wait() {
    let (pace, mut calls) = (Arc::new(pace()), Calls::default());
    for nth_call in 0..1_500 {
        calls.queue(&pace, "first", claim("first", nth_call)).await;
    }
    calls.queue(&pace, "second", claim("second", 0)).await;

    let sent = calls.sent().await;
    assert_eq!(sent.len(), 1_501);
    assert_eq!(position(&sent, "second"), SLOTS);
}

#[tokio::test(start_paused = true)]
async fn of_one_caller_a_small_request_passes_a_large_one_which_still_goes_on() {
    let (pace, mut calls) = (Arc::new(pace()), Calls::default());
    for nth_call in 0..200 {
        calls.queue(&pace, "large", claim("bff", nth_call)).await;
    }
    for _ in 0..20 {
        calls.queue(&pace, "small", claim("bff", 0)).await;
    }

    let sent = calls.sent().await;
    let position = position(&sent, "small");
    assert!(position <= SLOTS + 1, "{position}");
    let while_both_wait = &sent[SLOTS..SLOTS + 40];
    let small = while_both_wait.iter().filter(|name| **name == "small");
    assert_eq!(small.count(), 20, "every other slot: {while_both_wait:?}");
}

#[tokio::test(start_paused = true)]
async fn callers_that_both_want_all_slots_get_half_of_them_each() {
    let (pace, mut calls) = (Arc::new(pace()), Calls::default());
    for nth_call in 0..100 {
        calls.queue(&pace, "first", claim("first", nth_call)).await;
    }
    for nth_call in 0..100 {
        calls
            .queue(&pace, "second", claim("second", nth_call))
            .await;
    }
    let sent = calls.sent().await;
    let while_both_wait = &sent[2 * SLOTS..2 * SLOTS + 100];
    let first = while_both_wait.iter().filter(|name| **name == "first");
    assert!((48..=52).contains(&first.count()), "{while_both_wait:?}");
}

#[tokio::test(start_paused = true)]
async fn background_calls_wait_as_long_as_callers_do() {
    let (pace, mut calls) = (Arc::new(pace()), Calls::default());
    for nth_call in 0..10 {
        calls.queue(&pace, "caller", claim("first", nth_call)).await;
    }
    for _ in 0..3 {
        calls.queue(&pace, "background", in_background()).await;
    }
    for nth_call in 0..10 {
        calls
            .queue(&pace, "caller", claim("second", nth_call))
            .await;
    }
    let sent = calls.sent().await;
    assert_eq!(position(&sent, "background"), 20);
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_the_wait_of_those_without_time_and_delays_the_others() {
    let pace = Arc::new(pace());
    let mut held = Vec::new();
    for _ in 0..SLOTS {
        held.push(pace.turn(&claim("a", 0), soon()).await.expect("it is free"));
    }
    let now = Instant::now();
    let turn = |deadline| {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            let slot = pace.turn(&claim("a", 1), deadline).await;
            (slot.map(drop), Instant::now())
        })
    };
    let (hurried, patient) = (turn(now + seconds(5)), turn(now + seconds(90)));
    tokio::task::yield_now().await;

    assert_eq!(held[0].pause_vendor(Some(seconds(60))), seconds(60));
    let until = now + seconds(60);
    let limited = Err(NoTurn::RateLimited { until });
    assert_eq!(hurried.await.expect("it ends"), (limited, now));
    // One that comes during the pause fails at once too.
    let late = pace.turn(&claim("b", 0), now + seconds(60)).await;
    assert_eq!(late.map(drop), limited);

    // A 429 of a call that was in flight prolongs the pause.
    time::advance(seconds(10)).await;
    assert_eq!(held[1].pause_vendor(Some(seconds(5))), seconds(50));
    assert_eq!(held[1].pause_vendor(Some(seconds(60))), seconds(60));
    drop(held);
    let (slot, at) = patient.await.expect("it ends");
    assert_eq!(slot, Ok(()));
    assert!(at >= now + seconds(70), "{:?}", at - now);
    assert_eq!(pace.opens_at(), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_the_queue_at_once() {
    let pace = pace();
    let mut held = Vec::new();
    for _ in 0..SLOTS {
        held.push(pace.turn(&claim("a", 0), soon()).await.expect("it is free"));
    }
    for claim in [claim("a", 1), claim("b", 0), in_background()] {
        let turn = pace.turn(&claim, soon());
        assert!(time::timeout(CALL, turn).await.is_err());
    }
    let late = pace.turn(&claim("a", 2), Instant::now() + CALL).await;
    assert_eq!(late.map(drop), Err(NoTurn::NoSlot));
    assert!(pace.shared.state().queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_slots_bound_the_calls_after_a_pause() {
    let pace = Arc::new(pace());
    let slot = pace.turn(&claim("a", 0), soon()).await.expect("it is free");
    slot.pause_vendor(Some(seconds(30)));
    drop(slot);

    let in_flight = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for nth_call in 0..100 {
        let (pace, in_flight) = (Arc::clone(&pace), Arc::clone(&in_flight));
        calls.spawn(async move {
            let _slot = pace.turn(&claim("a", nth_call), soon()).await;
            assert!(in_flight.fetch_add(1, Ordering::SeqCst) < SLOTS);
            time::sleep(CALL).await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let started_at = Instant::now();
    while let Some(ended) = calls.join_next().await {
        ended.expect("there are never more");
    }
    assert!(started_at.elapsed() >= seconds(30) + CALL * 25);
}

#[tokio::test(start_paused = true)]
async fn calls_above_the_ceiling_wait_for_it_or_learn_when_it_opens() {
    let ceiling = NonZeroU32::new(8);
    let pace = Pace::new(Vendor::FirstLine, SLOTS, ceiling);
    let now = Instant::now();
    let mut sent_at = Vec::new();
    for nth_call in 0..12 {
        let slot = pace.turn(&claim("a", nth_call), now + seconds(600)).await;
        assert!(slot.is_ok());
        sent_at.push(Instant::now());
    }
    for minute in sent_at.windows(9) {
        assert!(minute[8] - minute[0] > seconds(60));
    }
    let hurried = pace.turn(&claim("a", 12), Instant::now() + CALL).await;
    assert!(matches!(hurried, Err(NoTurn::RateLimited { .. })));
    assert!(pace.opens_at().is_some());
}

#[derive(Debug, Clone)]
enum Step {
    /// A call of this caller and number, in the background where there is no caller, which waits so long at most.
    Come(Option<u8>, u8, u16),
    /// The call that came at this place leaves, whether it waits or is in flight.
    Leave(u8),
    /// The call in flight at this place ends, maybe with a 429 and a pause.
    End(u8, Option<u8>),
    Pass(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (prop::option::weighted(0.9, 0_u8..4), 0_u8..20, 1_u16..20_000)
            .prop_map(|(caller, nth, wait)| Step::Come(caller, nth, wait)),
        2 => any::<u8>().prop_map(Step::Leave),
        4 => (any::<u8>(), prop::option::weighted(0.1, 0_u8..10))
            .prop_map(|(place, pause)| Step::End(place, pause)),
        2 => (0_u16..2_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..120)
}

/// What the test knows of one call.
type Turn = tokio::task::JoinHandle<Result<Slot, NoTurn>>;

async fn play(steps: Vec<Step>, per_minute: Option<NonZeroU32>) {
    let pace = Arc::new(Pace::new(Vendor::FirstLine, SLOTS, per_minute));
    let mut waiting: HashMap<usize, (Turn, Instant)> = HashMap::new();
    let mut in_flight: Vec<Slot> = Vec::new();
    let mut came = 0;
    for step in steps {
        match step {
            Step::Come(caller, nth, wait_ms) => {
                let claim = match caller {
                    Some(caller) => claim(&caller.to_string(), u64::from(nth)),
                    None => in_background(),
                };
                let deadline = Instant::now() + Duration::from_millis(wait_ms.into());
                let pace = Arc::clone(&pace);
                let turn = tokio::spawn(async move { pace.turn(&claim, deadline).await });
                waiting.insert(came, (turn, deadline));
                came += 1;
            }
            Step::Leave(place) if came > 0 => {
                if let Some((turn, _)) = waiting.remove(&(usize::from(place) % came)) {
                    turn.abort();
                }
            }
            Step::End(place, pause) if !in_flight.is_empty() => {
                let slot = in_flight.swap_remove(usize::from(place) % in_flight.len());
                match pause {
                    Some(seconds) => {
                        slot.pause_vendor(Some(Duration::from_secs(seconds.into())));
                    }
                    None => slot.note_success(),
                }
            }
            Step::Leave(_) | Step::End(..) => {}
            Step::Pass(wait_ms) => time::sleep(Duration::from_millis(wait_ms.into())).await,
        }
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let ended: Vec<usize> = waiting
            .iter()
            .filter_map(|(number, (turn, _))| turn.is_finished().then_some(*number))
            .collect();
        for number in ended {
            let (turn, deadline) = waiting.remove(&number).expect("it is there");
            match turn
                .now_or_never()
                .expect("it has ended")
                .expect("no panic")
            {
                Ok(slot) => in_flight.push(slot),
                Err(NoTurn::NoSlot) => assert!(Instant::now() >= deadline),
                Err(NoTurn::RateLimited { until }) => {
                    assert!(until >= deadline || Instant::now() >= deadline);
                }
            }
        }
        assert!(in_flight.len() <= SLOTS);
        // No slot is idle while a call could have it.
        if pace.opens_at().is_none() && in_flight.len() < SLOTS {
            assert!(waiting.is_empty(), "{waiting:?}");
        }
    }

    // Whatever happened, all slots come back and the queue is empty.
    for (turn, _) in waiting.into_values() {
        turn.abort();
        let _ = turn.await;
    }
    drop(in_flight);
    time::sleep(pause::MAX_PAUSE * 2).await;
    let state = pace.shared.state();
    assert_eq!(state.free_slots, SLOTS);
    assert!(state.queue.is_empty());
    assert_eq!(state.timer, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_slot_is_lost_or_idle_whatever_comes_leaves_or_pauses(
        steps in steps(),
        per_minute in prop::option::weighted(0.3, 1_u32..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O can be built");
        runtime.block_on(play(steps, per_minute.and_then(NonZeroU32::new)));
    }
}
