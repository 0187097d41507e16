//! A vendor's controls for tests, while it serves: switches, faults and the log of requests.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::fault::{Fault, FaultRule};

/// One request as the vendor received it, in the order of arrival.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    pub vendor: &'static str,
    pub method: String,
    pub path: String,
    /// Decoded, in the order sent. A token in it is replaced.
    pub query: Vec<(String, String)>,
    /// The route's template, as in `/api/v1/ticket/{id}`; None where the vendor has no such path.
    pub route: Option<String>,
    /// Without Authorization and cookies; names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON, or a string where it is not; null without a body. Passwords, secrets and tokens in it are replaced.
    pub body: Value,
    /// The account, client or token's owner whose credentials were accepted; None where there were none.
    pub authorized_as: Option<String>,
    /// None while the request is in flight, and for good if no response was sent.
    pub status: Option<u16>,
    pub at: Timestamp,
}

impl LoggedRequest {
    /// The first value of a parameter.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// One vendor's controls. Changes take effect with the next request.
pub struct VendorControl<Switches> {
    switches: Mutex<Switches>,
    faults: Mutex<Vec<FaultRule>>,
    requests: Mutex<RequestLog>,
    in_flight: Mutex<InFlight>,
    /// When each call of the last minute was accepted, the oldest first.
    accepted_at: Mutex<VecDeque<Instant>>,
    /// Wakes the callers of `until`.
    changed: Notify,
    /// Counts the calls of `release`.
    releases: watch::Sender<u64>,
}

#[derive(Default)]
struct RequestLog {
    next_number: u64,
    entries: Vec<(u64, LoggedRequest)>,
}

#[derive(Default)]
struct InFlight {
    now: usize,
    peak: usize,
}

impl<Switches: Clone> VendorControl<Switches> {
    pub(super) fn new(switches: Switches) -> Self {
        Self {
            switches: Mutex::new(switches),
            faults: Mutex::default(),
            requests: Mutex::default(),
            in_flight: Mutex::default(),
            accepted_at: Mutex::default(),
            changed: Notify::new(),
            releases: watch::Sender::new(0),
        }
    }

    pub fn switches(&self) -> Switches {
        hold(&self.switches).clone()
    }

    pub fn change_switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut hold(&self.switches));
    }

    /// Rules are tried in the order in which they were added; the first match applies, but delays add up.
    pub fn add_fault(&self, rule: FaultRule) {
        hold(&self.faults).push(rule);
    }

    pub fn faults(&self) -> Vec<FaultRule> {
        hold(&self.faults).clone()
    }

    pub fn clear_faults(&self) {
        hold(&self.faults).clear();
    }

    pub fn requests(&self) -> Vec<LoggedRequest> {
        hold(&self.requests)
            .entries
            .iter()
            .map(|(_, entry)| entry.clone())
            .collect()
    }

    /// The requests to this route, by its template.
    pub fn requests_to(&self, route: &str) -> Vec<LoggedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.route.as_deref() == Some(route));
        requests
    }

    /// Also forgets the peak of requests in flight.
    pub fn clear_requests(&self) {
        hold(&self.requests).entries.clear();
        let mut in_flight = hold(&self.in_flight);
        in_flight.peak = in_flight.now;
    }

    /// The highest number of requests in flight at once since the start or the last `clear_requests`.
    pub fn in_flight_peak(&self) -> usize {
        hold(&self.in_flight).peak
    }

    /// The number of requests in flight.
    pub fn in_flight(&self) -> usize {
        hold(&self.in_flight).now
    }

    /// Waits until the condition is true of the requests received or in flight. The caller sets a timeout.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        loop {
            // Registered first, so that a change while the condition is evaluated wakes it too.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// Ends the wait of every request that `HeldWork` or `HeldResponse` holds.
    pub fn release(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }

    /// Resolves at the next release.
    pub(super) fn released(&self) -> impl Future<Output = ()> + Send + use<Switches> {
        let mut releases = self.releases.subscribe();
        async move {
            // A dropped sender means that the vendor has gone.
            let _ = releases.changed().await;
        }
    }

    /// The faults of one request: any delays, then at most one other.
    pub(super) fn take_faults(&self, request_line: &str) -> Vec<Fault> {
        let mut taken = Vec::new();
        for rule in hold(&self.faults).iter_mut() {
            if !rule.takes(request_line) {
                continue;
            }
            taken.push(rule.fault.clone());
            if !matches!(rule.fault, Fault::Delay { .. }) {
                break;
            }
        }
        taken
    }

    /// Accepts a call if there were fewer within the last minute; otherwise it returns how long to wait.
    pub(super) fn accept(&self, calls_per_minute: Option<usize>) -> Result<(), Duration> {
        const MINUTE: Duration = Duration::from_secs(60);

        let Some(most) = calls_per_minute else {
            return Ok(());
        };
        let now = Instant::now();
        let mut accepted_at = hold(&self.accepted_at);
        while accepted_at.front().is_some_and(|at| now - *at >= MINUTE) {
            accepted_at.pop_front();
        }
        if accepted_at.len() < most {
            accepted_at.push_back(now);
            return Ok(());
        }
        let oldest = accepted_at.front().copied().unwrap_or(now);
        Err(oldest + MINUTE - now)
    }

    /// Returns the number under which the response's status is logged later.
    pub(super) fn log(&self, entry: LoggedRequest) -> u64 {
        let mut requests = hold(&self.requests);
        let number = requests.next_number;
        requests.next_number += 1;
        requests.entries.push((number, entry));
        drop(requests);
        self.changed.notify_waiters();
        number
    }

    pub(super) fn log_status(&self, number: u64, status: u16) {
        let mut requests = hold(&self.requests);
        let entry = requests
            .entries
            .iter_mut()
            .rev()
            .find(|(logged, _)| *logged == number);
        if let Some((_, entry)) = entry {
            entry.status = Some(status);
        }
        drop(requests);
        self.changed.notify_waiters();
    }

    pub(super) fn enter(&self) {
        let mut in_flight = hold(&self.in_flight);
        in_flight.now += 1;
        in_flight.peak = in_flight.peak.max(in_flight.now);
        drop(in_flight);
        self.changed.notify_waiters();
    }

    pub(super) fn leave(&self) {
        hold(&self.in_flight).now -= 1;
        self.changed.notify_waiters();
    }
}

/// A poisoned lock still holds consistent values: each change under it is one assignment.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
