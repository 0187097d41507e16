//! Who gets the next slot: callers share the slots, within a caller its requests do, and background work gives way to both.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::context::CallPriority;

/// Who waits for a slot.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct Claim {
    pub(in crate::upstream) priority: CallPriority,
    pub(in crate::upstream) caller: Arc<str>,
    /// The number of the call among those of its request.
    pub(in crate::upstream) nth_call: u64,
}

/// Calls that wait for a slot.
///
/// The next slot is for the caller that holds the fewest; among equals, for the one whose last slot was the longest ago. Of a
/// caller's calls, every other slot is for the request that has had the fewest calls, so that a small request is not delayed by
/// a large one. The slots between are for the call that has waited longest, so that a large request always goes on.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    /// Those that wait or hold a slot.
    callers: HashMap<Arc<str>, Line<T>>,
    background: Line<T>,
    arrivals: u64,
    grants: u64,
}

/// The place of a call in the queue.
#[derive(Debug)]
pub(super) struct Place {
    line: LineName,
    nth_call: u64,
    arrival: u64,
}

/// The line that a slot was granted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineName {
    Caller(Arc<str>),
    Background,
}

#[derive(Debug)]
struct Line<T> {
    waiting: BTreeMap<u64, Waiting<T>>,
    /// The number of the call in its request, then its arrival.
    by_nth_call: BTreeSet<(u64, u64)>,
    next: Next,
    slots_held: usize,
    last_grant: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    nth_call: u64,
    value: T,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    FewestCalls,
    LongestWait,
}

impl<T> FairQueue<T> {
    pub(super) fn new() -> Self {
        Self {
            callers: HashMap::new(),
            background: Line::new(),
            arrivals: 0,
            grants: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.background.waiting.is_empty() && self.callers.values().all(Line::is_empty)
    }

    pub(super) fn push(&mut self, claim: &Claim, value: T) -> Place {
        self.arrivals += 1;
        let place = Place {
            line: match claim.priority {
                CallPriority::Caller => LineName::Caller(Arc::clone(&claim.caller)),
                CallPriority::Background => LineName::Background,
            },
            nth_call: claim.nth_call,
            arrival: self.arrivals,
        };
        let line = match &place.line {
            LineName::Caller(caller) => self
                .callers
                .entry(Arc::clone(caller))
                .or_insert_with(Line::new),
            LineName::Background => &mut self.background,
        };
        line.push(place.arrival, place.nth_call, value);
        place
    }

    /// None where the call no longer waits.
    pub(super) fn remove(&mut self, place: &Place) -> Option<T> {
        let line = self.line(&place.line)?;
        let removed = line.take(place.nth_call, place.arrival);
        self.drop_if_idle(&place.line);
        removed
    }

    /// Removes every call that the condition is true of.
    pub(super) fn remove_where(&mut self, mut is_meant: impl FnMut(&T) -> bool) -> Vec<T> {
        let lines = self.callers.values_mut().chain([&mut self.background]);
        let removed = lines.flat_map(|line| line.remove_where(&mut is_meant));
        let removed = removed.collect();
        self.callers.retain(|_, line| !line.is_idle());
        removed
    }

    /// The call that gets the next slot, which its line holds until `release`.
    pub(super) fn pop(&mut self) -> Option<(LineName, T)> {
        let waiting = self.callers.iter().filter(|(_, line)| !line.is_empty());
        let next = waiting.min_by_key(|(_, line)| (line.slots_held, line.last_grant));
        let name = match next {
            Some((caller, _)) => LineName::Caller(Arc::clone(caller)),
            None => LineName::Background,
        };
        self.grants += 1;
        let grant = self.grants;
        let line = self.line(&name)?;
        let value = line.pop()?;
        line.slots_held += 1;
        line.last_grant = grant;
        Some((name, value))
    }

    /// A slot of this line is free again.
    pub(super) fn release(&mut self, name: &LineName) {
        if let Some(line) = self.line(name) {
            line.slots_held = line.slots_held.saturating_sub(1);
        }
        self.drop_if_idle(name);
    }

    fn line(&mut self, name: &LineName) -> Option<&mut Line<T>> {
        match name {
            LineName::Caller(caller) => self.callers.get_mut(caller),
            LineName::Background => Some(&mut self.background),
        }
    }

    fn drop_if_idle(&mut self, name: &LineName) {
        if let LineName::Caller(caller) = name
            && self.callers.get(caller).is_some_and(Line::is_idle)
        {
            self.callers.remove(caller);
        }
    }
}

impl<T> Line<T> {
    fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            by_nth_call: BTreeSet::new(),
            next: Next::FewestCalls,
            slots_held: 0,
            last_grant: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn is_idle(&self) -> bool {
        self.is_empty() && self.slots_held == 0
    }

    fn push(&mut self, arrival: u64, nth_call: u64, value: T) {
        self.by_nth_call.insert((nth_call, arrival));
        self.waiting.insert(arrival, Waiting { nth_call, value });
    }

    fn take(&mut self, nth_call: u64, arrival: u64) -> Option<T> {
        self.by_nth_call.remove(&(nth_call, arrival));
        self.waiting.remove(&arrival).map(|waiting| waiting.value)
    }

    fn pop(&mut self) -> Option<T> {
        let (nth_call, arrival) = match self.next {
            Next::FewestCalls => *self.by_nth_call.first()?,
            Next::LongestWait => {
                let (arrival, waiting) = self.waiting.first_key_value()?;
                (waiting.nth_call, *arrival)
            }
        };
        self.next = match self.next {
            Next::FewestCalls => Next::LongestWait,
            Next::LongestWait => Next::FewestCalls,
        };
        self.take(nth_call, arrival)
    }

    fn remove_where(&mut self, is_meant: &mut impl FnMut(&T) -> bool) -> Vec<T> {
        let meant = self.waiting.iter();
        let meant = meant.filter(|(_, waiting)| is_meant(&waiting.value));
        let meant: Vec<(u64, u64)> = meant
            .map(|(arrival, waiting)| (waiting.nth_call, *arrival))
            .collect();
        let taken = meant.into_iter();
        taken
            .filter_map(|(nth_call, arrival)| self.take(nth_call, arrival))
            .collect()
    }
}
