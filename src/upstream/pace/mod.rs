//! When a call may be sent: one owner for a vendor's slots, for the pause that it asks for, and for the calls that it gets in a
//! minute. Calls wait in one queue, and hold no slot until all three allow it.

mod ceiling;
mod pause;
mod queue;

#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, sleep_until, timeout_at},
};

use crate::domain::Vendor;
use ceiling::Ceiling;
pub(super) use pause::MAX_PAUSE;
use pause::Pause;
pub(super) use queue::Claim;
use queue::{FairQueue, LineName, Place};

/// The pace of one vendor.
#[derive(Debug)]
pub(super) struct Pace {
    shared: Arc<Shared>,
}

/// The right to send one call now. It lasts until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    shared: Arc<Shared>,
    /// None once it was given back.
    line: Option<LineName>,
    granted_at: Instant,
}

/// Why a call may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// No slot was free by the deadline.
    NoSlot,
    /// The vendor gets no calls until then, and the deadline is earlier.
    RateLimited { until: Instant },
}

#[derive(Debug)]
struct Shared {
    vendor: Vendor,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free_slots: usize,
    queue: FairQueue<Waiter>,
    pause: Pause,
    ceiling: Option<Ceiling>,
    /// When the ceiling admits the next call, as far as it is known.
    ceiling_opens_at: Option<Instant>,
    /// When the queue is looked at again without a slot that becomes free.
    timer: Option<Instant>,
    /// Calls that can't wait until then have failed.
    failed_until: Option<Instant>,
}

#[derive(Debug)]
struct Waiter {
    deadline: Instant,
    answer: oneshot::Sender<Result<Slot, NoTurn>>,
}

/// What a look at the queue decided.
#[derive(Default)]
struct Decided {
    granted: Vec<(Waiter, LineName)>,
    hopeless: Vec<(Waiter, Instant)>,
    /// When to look again.
    timer: Option<Instant>,
}

impl Pace {
    /// Without a ceiling, the vendor gets as many calls as its slots allow.
    pub(super) fn new(vendor: Vendor, slots: usize, per_minute: Option<NonZeroU32>) -> Self {
        Self {
            shared: Arc::new(Shared {
                vendor,
                state: Mutex::new(State {
                    free_slots: slots.max(1),
                    queue: FairQueue::new(),
                    pause: Pause::default(),
                    ceiling: per_minute.map(Ceiling::new),
                    ceiling_opens_at: None,
                    timer: None,
                    failed_until: None,
                }),
            }),
        }
    }

    /// Waits until a call may be sent. It fails by the deadline, and at once where the vendor gets no calls until then. A call
    /// that is dropped leaves the queue.
    pub(super) async fn turn(&self, claim: &Claim, deadline: Instant) -> Result<Slot, NoTurn> {
        let (answer, answered) = oneshot::channel();
        let _in_queue = {
            let mut state = self.shared.state();
            if let Some(until) = state.opens_at(Instant::now())
                && until >= deadline
            {
                return Err(NoTurn::RateLimited { until });
            }
            let place = state.queue.push(claim, Waiter { deadline, answer });
            let shared = Arc::clone(&self.shared);
            InQueue { shared, place }
        };
        self.shared.look();

        match timeout_at(deadline, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(NoTurn::NoSlot),
            Err(_) => Err(match self.shared.state().opens_at(Instant::now()) {
                Some(until) => NoTurn::RateLimited { until },
                None => NoTurn::NoSlot,
            }),
        }
    }

    /// When the vendor gets its next call; none where a call needs no more than a slot.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        self.shared.state().opens_at(Instant::now())
    }
}

impl Slot {
    /// The call of this slot came back with a 429: the vendor gets no calls for a while. Returns for how long.
    pub(super) fn pause_vendor(&self, retry_after: Option<Duration>) -> Duration {
        let now = Instant::now();
        let (was_paused, until) = {
            let mut state = self.shared.state();
            let was_paused = state.pause.ends_at(now).is_some();
            state.pause.begin(self.granted_at, retry_after, now);
            (was_paused, state.pause.ends_at(now).unwrap_or(now))
        };
        let pause = until - now;
        if !was_paused {
            tracing::warn!(
                target: "deskgraph::upstream",
                vendor = self.shared.vendor.slug(),
                pause_ms = pause.as_millis() as u64,
                "the vendor limits the rate of calls, and gets none for a while"
            );
        }
        self.shared.look();
        pause
    }

    /// Gives the slot back before the call ends.
    pub(super) fn free(&mut self) {
        if let Some(line) = self.line.take() {
            self.shared.state().release(&line);
            self.shared.look();
        }
    }

    /// The call of this slot succeeded.
    pub(super) fn note_success(&self) {
        self.shared.state().pause.note_success(self.granted_at);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free();
    }
}

/// A call in the queue, which leaves it when it is dropped.
struct InQueue {
    shared: Arc<Shared>,
    place: Place,
}

impl Drop for InQueue {
    fn drop(&mut self) {
        self.shared.state().queue.remove(&self.place);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants what can be granted. It is called whenever something changed: a call came, a slot is free, a pause began or ended.
    fn look(self: &Arc<Self>) {
        loop {
            let decided = self.state().decide(Instant::now());
            for (waiter, until) in decided.hopeless {
                // A call that left needs no answer.
                let _ = waiter.answer.send(Err(NoTurn::RateLimited { until }));
            }
            if let Some(at) = decided.timer {
                self.look_again_at(at);
            }
            let mut is_any_slot_back = false;
            for (waiter, line) in decided.granted {
                let slot = Slot {
                    shared: Arc::clone(self),
                    line: Some(line),
                    granted_at: Instant::now(),
                };
                // A call that has just left: its slot is for the next one.
                if let Err(Ok(mut slot)) = waiter.answer.send(Ok(slot))
                    && let Some(line) = slot.line.take()
                {
                    self.state().release(&line);
                    is_any_slot_back = true;
                }
            }
            if !is_any_slot_back {
                return;
            }
        }
    }

    fn look_again_at(self: &Arc<Self>, at: Instant) {
        // Without a runtime the process ends, and nothing waits any more.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let shared = Arc::downgrade(self);
        runtime.spawn(async move {
            sleep_until(at).await;
            if let Some(shared) = shared.upgrade() {
                shared.state().timer.take_if(|timer| *timer == at);
                shared.look();
            }
        });
    }
}

impl State {
    fn opens_at(&self, now: Instant) -> Option<Instant> {
        let ceiling = self.ceiling_opens_at.filter(|at| *at > now);
        self.pause.ends_at(now).max(ceiling)
    }

    fn decide(&mut self, now: Instant) -> Decided {
        let mut decided = Decided::default();
        while self.free_slots > 0 && self.opens_at(now).is_none() && !self.queue.is_empty() {
            if let Some(Err(opens_at)) = self.ceiling.as_ref().map(Ceiling::take) {
                self.ceiling_opens_at = Some(opens_at);
                break;
            }
            let Some((line, waiter)) = self.queue.pop() else {
                break;
            };
            self.free_slots -= 1;
            decided.granted.push((waiter, line));
        }

        let Some(until) = self.opens_at(now) else {
            return decided;
        };
        if self.failed_until < Some(until) {
            self.failed_until = Some(until);
            let hopeless = self.queue.remove_where(|waiter| waiter.deadline <= until);
            decided.hopeless = hopeless.into_iter().map(|waiter| (waiter, until)).collect();
        }
        if !self.queue.is_empty() && self.timer.is_none_or(|timer| timer > until) {
            self.timer = Some(until);
            decided.timer = Some(until);
        }
        decided
    }

    fn release(&mut self, line: &LineName) {
        self.free_slots += 1;
        self.queue.release(line);
    }
}
