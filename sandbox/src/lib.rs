//! Both vendors as real, stateful HTTP servers on loopback, written from the vendors' documents.

mod bangwo8;
mod connection;
mod control;
pub mod credentials;
mod fault;
mod firstline;
mod middleware;
mod random;
mod row;
mod server;
mod switches;
mod traffic;

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::Instant;

pub use control::{LoggedRequest, VendorControl};
pub use fault::{Fault, FaultRule};
pub use switches::{
    AnswerShape, ArrayEncoding, Bangwo8Switches, ChannelBody, CountForm, CustomFieldPlaces,
    DeleteAnswer, ExpiryUnit, FirstLineSwitches, IgnoredParameter, ListOrder, LoginAnswer,
    MethodSupport, ParameterPlace, PhotoAnswer, SupportAnswer, UnauthenticatedBody,
    UpdateSemantics,
};

use bangwo8::Bangwo8;
use firstline::FirstLine;
use middleware::Vendor;
use server::Server;

/// What a sandbox is made of. The same seed and the same `now` give the same data.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// 0 takes any free port.
    pub firstline_port: u16,
    /// 0 takes any free port.
    pub bangwo8_port: u16,
    pub seed: u64,
    /// The instant at which the sandbox starts; its clock runs on from there. None is the real time.
    pub now: Option<Timestamp>,
    /// How many service records each vendor has, spread over the last 60 days.
    pub service_records: usize,
    pub tickets: usize,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            firstline_port: 0,
            bangwo8_port: 0,
            seed: 20_260,
            now: None,
            service_records: 420,
            tickets: 320,
        }
    }
}

/// Both vendors while they serve. They stop when this is dropped.
pub struct Sandbox {
    firstline: Arc<FirstLine>,
    bangwo8: Arc<Bangwo8>,
    firstline_server: Server,
    bangwo8_server: Server,
}

impl Sandbox {
    /// Binds both vendors to 127.0.0.1 and serves them on the current runtime.
    pub async fn start(options: SandboxOptions) -> io::Result<Sandbox> {
        let clock = Clock::start(options.now.unwrap_or_else(Timestamp::now));
        let firstline = Arc::new(FirstLine::new(&options, clock));
        let bangwo8 = Arc::new(Bangwo8::new(&options, clock));

        let firstline_server = Server::start(options.firstline_port, |stopping| {
            firstline::router(firstline.clone(), stopping)
        })
        .await?;
        let bangwo8_server = Server::start(options.bangwo8_port, |stopping| {
            bangwo8::router(bangwo8.clone(), stopping)
        })
        .await?;

        Ok(Sandbox {
            firstline,
            bangwo8,
            firstline_server,
            bangwo8_server,
        })
    }

    /// The address without a path, as in `http://127.0.0.1:4010`.
    pub fn firstline_url(&self) -> String {
        self.firstline_server.url()
    }

    pub fn bangwo8_url(&self) -> String {
        self.bangwo8_server.url()
    }

    pub fn firstline(&self) -> &VendorControl<FirstLineSwitches> {
        &self.firstline.control
    }

    pub fn bangwo8(&self) -> &VendorControl<Bangwo8Switches> {
        &self.bangwo8.control
    }

    /// Inserts a service record, or replaces the one with the same id, and returns its id. What is given comes out as given,
    /// also where it contradicts the rest; what is not given gets a plausible value. A list of field names under `$absent`
    /// removes those fields from the responses.
    pub fn firstline_insert_record(&self, fields: Value) -> i64 {
        self.firstline.insert_record(fields)
    }

    /// As `firstline_insert_record`; the records of a ticket are named by `interact_collection_ids`, its creator by
    /// `creater_id`.
    pub fn firstline_insert_ticket(&self, fields: Value) -> i64 {
        self.firstline.insert_ticket(fields)
    }

    /// As `firstline_insert_record`; `"listed": false` makes an employee whom records name but the list lacks.
    pub fn firstline_insert_employee(&self, fields: Value) -> i64 {
        self.firstline.insert_employee(fields)
    }

    pub fn firstline_insert_contact(&self, fields: Value) -> i64 {
        self.firstline.insert_contact(fields)
    }

    pub fn firstline_remove_record(&self, id: i64) {
        self.firstline.remove_record(id);
    }

    /// Invalidates every token from a login or a refresh.
    pub fn firstline_expire_tokens(&self) {
        self.firstline.expire_tokens();
    }

    /// As `firstline_insert_record`. An amount that has to be a bare number with its own digits is given as
    /// `{"csPrice": {"$bare": "234.00"}}`.
    pub fn bangwo8_insert_record(&self, fields: Value) -> i64 {
        self.bangwo8.insert_record(fields)
    }

    pub fn bangwo8_insert_agent(&self, fields: Value) -> i64 {
        self.bangwo8.insert_agent(fields)
    }

    pub fn bangwo8_remove_record(&self, cs_id: i64) {
        self.bangwo8.remove_record(cs_id);
    }

    /// Replaces a record's whole chat, oldest message first.
    pub fn bangwo8_set_chat(&self, cs_id: i64, messages: Vec<Value>) {
        self.bangwo8.set_chat(cs_id, messages);
    }

    /// The whole response to a request for a record's service summary.
    pub fn bangwo8_set_summary(&self, cs_id: i64, answer: Value) {
        self.bangwo8.set_summary(cs_id, answer);
    }

    /// Invalidates every OAuth2 token.
    pub fn bangwo8_expire_tokens(&self) {
        self.bangwo8.expire_tokens();
    }

    /// Closes both servers and every connection.
    pub async fn stop(self) {
        self.firstline_server.stop().await;
        self.bangwo8_server.stop().await;
    }
}

/// The sandbox's own time: it starts where the options say and runs on with the real clock.
#[derive(Debug, Clone, Copy)]
struct Clock {
    started_as: Timestamp,
    started_at: Instant,
}

impl Clock {
    fn start(now: Timestamp) -> Self {
        Self {
            started_as: now,
            started_at: Instant::now(),
        }
    }

    fn now(&self) -> Timestamp {
        let elapsed = self.started_at.elapsed();
        self.started_as
            .checked_add(elapsed)
            .unwrap_or(self.started_as)
    }

    /// When the sandbox started, however long its data took to make.
    fn local_start(&self) -> DateTime {
        local(self.started_as)
    }

    /// The wall clock of both vendors: Taipei and Shanghai share UTC+8 and neither has daylight saving.
    fn local_now(&self) -> DateTime {
        local(self.now())
    }
}

fn local(timestamp: Timestamp) -> DateTime {
    timestamp
        .to_zoned(TimeZone::fixed(jiff::tz::offset(8)))
        .datetime()
}
