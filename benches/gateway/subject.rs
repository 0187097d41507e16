//! A server under the load of one scenario, measured in rounds. Each response must equal the first one.

use std::{fs, time::Duration};

use crate::{
    canned::CannedVendors,
    load::{self, load},
    process::{Answer, Server},
};

pub(crate) struct Subject {
    pub(crate) server: Server,
    pub(crate) answer: Answer,
    /// With placeholders for the parts that differ.
    body: String,
    calls: Calls,
}

/// The vendor calls that a scenario must make. Otherwise it is not the scenario of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    OneForEach,
    /// Expired data is read again, less than once a second, whatever the number of clients.
    NowAndThen,
    AsManyAsItTakes,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) a_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) calls_a_request: f64,
    pub(crate) microseconds_a_request: f64,
    pub(crate) peak_mb: f64,
}

/// How far the bytes or calls of a run may deviate from those of its requests.
const TOLERANCE: f64 = 0.01;

impl Subject {
    pub(crate) fn new(server: Server, body: &str, calls: Calls) -> Self {
        let answer = server.request(&load::once(body));
        assert!(!answer.body.contains("\"errors\""), "{}", answer.body);
        Self {
            server,
            answer,
            body: body.to_owned(),
            calls,
        }
    }

    /// A server that returns the same response from memory.
    pub(crate) fn baseline_of(gateway: &Self) -> Self {
        let file = crate::scratch("baseline.json");
        fs::write(&file, &gateway.answer.body).expect("the build's folder can be written to");
        let server = Server::baseline(&file);
        Self::new(server, &gateway.body, Calls::AsManyAsItTakes)
    }

    /// One request's body.
    pub(crate) fn request_body(&self) -> String {
        load::once(&self.body)
    }

    pub(crate) fn warm_up(&self, clients: usize, duration: Duration) {
        load(&self.server, &self.body, clients, duration);
    }

    pub(crate) fn run(
        &self,
        vendors: &CannedVendors,
        clients: usize,
        duration: Duration,
    ) -> Measured {
        let (calls, time) = (vendors.calls(), self.server.processor_time());
        let load = load(&self.server, &self.body, clients, duration);
        let calls = (vendors.calls() - calls) as f64;
        let time = self.server.processor_time().since(&time);
        assert!(load.requests > 0.0, "no request was answered");

        // Requests in flight at the end do not count.
        let most = load.requests + clients as f64;
        let length = self.answer.bytes as f64;
        assert_between(load.bytes / length, load.requests, most, "answers' lengths");
        match self.calls {
            Calls::OneForEach => assert_between(calls, load.requests, most, "vendor calls"),
            Calls::NowAndThen => assert!(calls <= duration.as_secs_f64(), "{calls} vendor calls"),
            Calls::AsManyAsItTakes => {}
        }
        Measured {
            a_second: load.a_second,
            p50_ms: load.p50_ms,
            p99_ms: load.p99_ms,
            calls_a_request: calls / load.requests,
            microseconds_a_request: time.as_secs_f64() * 1e6 / load.requests,
            peak_mb: self.server.peak_memory_mb(),
        }
    }

    /// After the last run.
    pub(crate) fn assert_unharmed(&self) {
        let answer = self.server.request(&self.request_body());
        assert_eq!(answer.body, self.answer.body, "it answers as at first");
        self.server.assert_no_complaint();
    }
}

fn assert_between(measured: f64, least: f64, most: f64, what: &str) {
    let is_between = least * (1.0 - TOLERANCE) <= measured && measured <= most * (1.0 + TOLERANCE);
    assert!(
        is_between,
        "{measured:.1} {what} where {least} to {most} are right"
    );
}
