//! Every way in which a vendor may fail: what the client gets, how soon, and how many calls the vendor receives.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use futures_util::{StreamExt, stream};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

/// The timeout of one logical call.
const TIMEOUT: Duration = Duration::from_secs(6);
/// The time that a busy machine may add.
const A_LITTLE: Duration = Duration::from_secs(4);
const RETRIES: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Failing {
    FirstLine,
    Bangwo8,
}

const VENDORS: [Failing; 2] = [Failing::FirstLine, Failing::Bangwo8];

/// The query that is sent while the vendor fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Query {
    /// A list over both vendors.
    List,
    /// One object of the vendor.
    Object,
}

/// One way to fail, and its outcome.
struct Case {
    name: &'static str,
    fault: Fault,
    lasts: Lasts,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Lasts {
    Once,
    Always,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The response comes after this many additional calls, and not before this time.
    Answered { more_calls: usize, after: Duration },
    /// The vendor's part fails with this code after this many calls.
    Fails { code: &'static str, calls: usize },
    /// The same, with the seconds that the vendor asks the gateway to wait.
    FailsFor { seconds: i64 },
    /// The same, but not before the deadline.
    FailsAtTheDeadline,
    /// There is no such object; for a list the code is REJECTED.
    NoSuchObject,
}

fn status(code: u16, headers: &[(&str, &str)]) -> Fault {
    Fault::Status {
        code,
        body: r#"{"message":"Server Error in /var/www/desk/Kernel.php","password":"p4ssw0rd"}"#
            .to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn not_json() -> Fault {
    Fault::Status {
        code: 200,
        body: "Fatal error: out of memory".to_owned(),
        headers: Default::default(),
    }
}

const FAILS_ONCE_ASKED: fn(&'static str) -> Outcome = |code| Outcome::Fails { code, calls: 1 };
const FAILS_EACH_TIME: fn(&'static str) -> Outcome = |code| Outcome::Fails {
    code,
    calls: 1 + RETRIES,
};
const ANSWERED_THE_SECOND_TIME: Outcome = Outcome::Answered {
    more_calls: 1,
    after: Duration::ZERO,
};

fn cases(vendor: Failing) -> Vec<Case> {
    let always = |name, fault, outcome| Case {
        name,
        fault,
        lasts: Lasts::Always,
        outcome,
    };
    let once = |name, fault, outcome| Case {
        name,
        fault,
        lasts: Lasts::Once,
        outcome,
    };
    let late = Fault::Delay { ms: 60_000 };
    let in_an_hour = (Timestamp::now() + 1.hour())
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    // FirstLine has no errcode: there it is a body of an unknown shape.
    let errcode = match vendor {
        Failing::FirstLine => "BAD_RESPONSE",
        Failing::Bangwo8 => "REJECTED",
    };
    vec![
        always("delay past the deadline", late, Outcome::FailsAtTheDeadline),
        always(
            "hang before the head",
            Fault::HangBeforeHead,
            Outcome::FailsAtTheDeadline,
        ),
        always(
            "hang in the body",
            Fault::HangInBody,
            Outcome::FailsAtTheDeadline,
        ),
        once("a delay", Fault::Delay { ms: 300 }, {
            let after = Duration::from_millis(300);
            Outcome::Answered {
                more_calls: 0,
                after,
            }
        }),
        once(
            "reset once",
            Fault::ResetConnection,
            ANSWERED_THE_SECOND_TIME,
        ),
        always(
            "reset",
            Fault::ResetConnection,
            FAILS_EACH_TIME("UNREACHABLE"),
        ),
        always(
            "closed",
            Fault::CloseBeforeHead,
            FAILS_EACH_TIME("UNREACHABLE"),
        ),
        once(
            "truncated body once",
            Fault::TruncatedBody,
            ANSWERED_THE_SECOND_TIME,
        ),
        always(
            "truncated body",
            Fault::TruncatedBody,
            FAILS_EACH_TIME("UNREACHABLE"),
        ),
        always("not JSON", not_json(), FAILS_ONCE_ASKED("BAD_RESPONSE")),
        always(
            "a 200 with HTML",
            Fault::NotJson,
            FAILS_ONCE_ASKED("BAD_RESPONSE"),
        ),
        always(
            "wrong shape",
            Fault::WrongShape,
            FAILS_ONCE_ASKED("BAD_RESPONSE"),
        ),
        always(
            "HTML 502",
            Fault::HtmlError { code: 502 },
            FAILS_EACH_TIME("SERVER_ERROR"),
        ),
        once("401 once", status(401, &[]), ANSWERED_THE_SECOND_TIME),
        always("401 always", status(401, &[]), {
            let code = "UNAUTHENTICATED";
            Outcome::Fails { code, calls: 2 }
        }),
        always("403", status(403, &[]), FAILS_ONCE_ASKED("FORBIDDEN")),
        always(
            "404",
            status(404, &[]),
            match vendor {
                Failing::FirstLine => Outcome::NoSuchObject,
                // A record is read from the list of its day, which always exists.
                Failing::Bangwo8 => FAILS_ONCE_ASKED("REJECTED"),
            },
        ),
        always("422", status(422, &[]), FAILS_ONCE_ASKED("REJECTED")),
        once("408 once", status(408, &[]), ANSWERED_THE_SECOND_TIME),
        once("429 once", status(429, &[]), ANSWERED_THE_SECOND_TIME),
        once(
            "429 once with Retry-After",
            status(429, &[("retry-after", "1")]),
            Outcome::Answered {
                more_calls: 1,
                after: Duration::from_secs(1),
            },
        ),
        always("429", status(429, &[]), FAILS_EACH_TIME("RATE_LIMITED")),
        always(
            "429 with Retry-After past the deadline",
            status(429, &[("retry-after", "3600")]),
            Outcome::FailsFor { seconds: 3600 },
        ),
        always(
            "429 with Retry-After as a date",
            status(429, &[("retry-after", &in_an_hour)]),
            Outcome::FailsFor { seconds: 3600 },
        ),
        once("500 once", status(500, &[]), ANSWERED_THE_SECOND_TIME),
        always(
            "500 always",
            status(500, &[]),
            FAILS_EACH_TIME("SERVER_ERROR"),
        ),
        once("503 once", status(503, &[]), ANSWERED_THE_SECOND_TIME),
        once("504 once", status(504, &[]), ANSWERED_THE_SECOND_TIME),
        always("501", status(501, &[]), FAILS_ONCE_ASKED("SERVER_ERROR")),
        always(
            "a redirect",
            status(302, &[("location", "/api/v1/elsewhere")]),
            FAILS_ONCE_ASKED("BAD_RESPONSE"),
        ),
        always(
            "a 200 with an errcode",
            Fault::Errcode,
            FAILS_ONCE_ASKED(errcode),
        ),
        always(
            "an answer above the size cap",
            Fault::OversizedBody {
                bytes: (16 << 20) + 1,
            },
            FAILS_ONCE_ASKED("BAD_RESPONSE"),
        ),
    ]
}

/// The contract's code for a vendor's failure, and whether it is retryable.
fn expected_error(vendor_code: &str) -> (&'static str, bool) {
    match vendor_code {
        "TIMEOUT" => ("UPSTREAM_TIMEOUT", true),
        "UNREACHABLE" | "RATE_LIMITED" | "SERVER_ERROR" | "CIRCUIT_OPEN" => {
            ("UPSTREAM_UNAVAILABLE", true)
        }
        "BAD_RESPONSE" => ("UPSTREAM_CONTRACT", false),
        "UNAUTHENTICATED" | "FORBIDDEN" | "REJECTED" => ("UPSTREAM_REJECTED", false),
        other => panic!("{other} is not in the contract"),
    }
}

/// A gateway with one vendor that will fail.
struct FailingDesk {
    desk: Desk,
    vendor: Failing,
    /// The object of the vendor that the query selects.
    object: String,
}

impl FailingDesk {
    async fn open(vendor: Failing) -> Self {
        let options = DeskOptions {
            sandbox: SandboxOptions {
                service_records: 12,
                tickets: 2,
                ..SandboxOptions::default()
            },
            ..DeskOptions::default()
        };
        let desk = Desk::open_with(
            options
                .set("FIRSTLINE__TIMEOUT_MS", TIMEOUT.as_millis())
                .set("FIRSTLINE__MAX_RETRIES", RETRIES)
                .set("FIRSTLINE__LIST_ORDER", "newest_first")
                .set("BANGWO8__ACCOUNT", "")
                .set("BANGWO8__PASSWORD", "")
                .set("BANGWO8__CLIENT_ID", credentials::BANGWO8_CLIENT_ID)
                .set("BANGWO8__CLIENT_SECRET", credentials::BANGWO8_CLIENT_SECRET)
                .set("BANGWO8__TIMEOUT_MS", TIMEOUT.as_millis())
                .set("BANGWO8__MAX_RETRIES", RETRIES)
                .set("BANGWO8__LIST_ORDER", "newest_first"),
        )
        .await;
        let object = match vendor {
            Failing::FirstLine => {
                let id = desk.sandbox.firstline_insert_ticket(json!({}));
                format!("firstline:Ticket:{id}")
            }
            Failing::Bangwo8 => {
                let record = json!({ "csBTime": "2026-03-09 10:00:00" });
                let id = desk.sandbox.bangwo8_insert_record(record);
                format!("bangwo8:ServiceRecord:{id}@2026-03-09")
            }
        };
        Self {
            desk,
            vendor,
            object,
        }
    }

    /// Fails the calls of both queries, and no login.
    fn fail(&self, fault: Fault, lasts: Lasts) {
        let rule = |path| match lasts {
            Lasts::Once => FaultRule::new(path, fault.clone()).times(1),
            Lasts::Always => FaultRule::new(path, fault.clone()),
        };
        match self.vendor {
            Failing::FirstLine => {
                let firstline = self.desk.sandbox.firstline();
                firstline.add_fault(rule("GET /api/v1/interact-collection"));
                firstline.add_fault(rule("GET /api/v1/ticket"));
            }
            Failing::Bangwo8 => {
                let bangwo8 = self.desk.sandbox.bangwo8();
                bangwo8.add_fault(rule("GET /api/v1/remoterecord"));
            }
        }
    }

    /// The number of logins.
    fn logins(&self) -> usize {
        let (requests, path) = match self.vendor {
            Failing::FirstLine => (self.desk.sandbox.firstline().requests(), "/auth"),
            Failing::Bangwo8 => (self.desk.sandbox.bangwo8().requests(), "token.php"),
        };
        let is_login = |path_asked: &str| path_asked.contains(path);
        requests
            .iter()
            .filter(|request| is_login(&request.path))
            .count()
    }

    fn calls(&self) -> usize {
        let (firstline, bangwo8) = self.desk.calls();
        match self.vendor {
            Failing::FirstLine => firstline,
            Failing::Bangwo8 => bangwo8,
        }
    }

    async fn execute(&self, query_kind: Query) -> Value {
        match query_kind {
            Query::List => {
                let query = "{ serviceRecords(first: 3) { nodes { vendor } totalCount sources {
                    vendor state totalCount error { code message retryable retryAfterSeconds } } } }";
                self.desk.answer(query, json!({})).await
            }
            Query::Object => {
                let query =
                    "query ($id: ID!) { requested: node(id: $id) { id } vendors { vendor } }";
                self.desk.answer(query, json!({ "id": self.object })).await
            }
        }
    }

    fn name(&self) -> &'static str {
        match self.vendor {
            Failing::FirstLine => "FIRSTLINE",
            Failing::Bangwo8 => "BANGWO8",
        }
    }

    /// The vendor's failure in a response, checked against the contract; none if the vendor's part is there.
    fn failure_in(&self, query_kind: Query, answer: &Value) -> Option<Loaded> {
        match query_kind {
            Query::List => {
                // The failure of one vendor is no error of the list: the other vendor's part is data.
                assert_eq!(answer.get("errors"), None, "{answer}");
                let list = &answer["data"]["serviceRecords"];
                let sources = list["sources"].as_array().expect("it is a list");
                let (own, other): (Vec<_>, Vec<_>) = sources
                    .iter()
                    .partition(|source| source["vendor"] == self.name());
                assert_eq!(other[0]["state"], "FRESH", "{answer}");
                let nodes = list["nodes"].as_array().expect("it is a list");
                assert_eq!(nodes.len(), 3, "{answer}");

                let error = own[0]["error"].as_object();
                assert_eq!(own[0]["state"] == "FAILED", error.is_some(), "{answer}");
                assert_eq!(list["totalCount"].is_null(), error.is_some(), "{answer}");
                let Some(error) = error else {
                    assert_eq!(own[0]["state"], "FRESH", "{answer}");
                    return None;
                };
                assert!(nodes.iter().all(|node| node["vendor"] != self.name()));
                let code = error["code"].as_str().expect("it has a code").to_owned();
                assert_eq!(error["retryable"], expected_error(&code).1, "{answer}");
                Some(Loaded {
                    code,
                    retry_after: error["retryAfterSeconds"].as_i64(),
                })
            }
            Query::Object => {
                assert!(answer["data"]["vendors"].is_array(), "{answer}");
                let errors = answer["errors"].as_array();
                let Some([error]) = errors.map(Vec::as_slice) else {
                    assert_eq!(errors, None, "{answer}");
                    return None;
                };
                assert!(answer["data"]["requested"].is_null(), "{answer}");
                assert_eq!(error["path"], json!(["requested"]));
                let extensions = &error["extensions"];
                let code = extensions["vendorCode"].as_str().expect("it has a code");
                let (expected_code, is_retryable) = expected_error(code);
                assert_eq!(extensions["code"], expected_code, "{answer}");
                assert_eq!(extensions["retryable"], is_retryable, "{answer}");
                assert_eq!(extensions["vendor"], self.name(), "{answer}");
                Some(Loaded {
                    code: code.to_owned(),
                    retry_after: extensions["retryAfterSeconds"].as_i64(),
                })
            }
        }
    }
}

/// A vendor's failure in a response.
struct Loaded {
    code: String,
    retry_after: Option<i64>,
}

async fn check_case(vendor: Failing, query_kind: Query, case: &Case) {
    let calm = FailingDesk::open(vendor).await;
    let answer = calm.execute(query_kind).await;
    assert!(calm.failure_in(query_kind, &answer).is_none());
    let calls_of_the_calm = calm.calls();

    let failing = FailingDesk::open(vendor).await;
    failing.fail(case.fault.clone(), case.lasts);
    let started = Instant::now();
    let answer = failing.execute(query_kind).await;
    let took = started.elapsed();

    let context = format!("{vendor:?}, {query_kind:?}, {}: {answer}", case.name);
    let failure = failing.failure_in(query_kind, &answer);
    let code = failure.as_ref().map(|failure| failure.code.as_str());
    let calls = failing.calls();
    match case.outcome {
        Outcome::Answered { more_calls, after } => {
            assert_eq!(code, None, "{context}");
            assert_eq!(calls, calls_of_the_calm + more_calls, "{context}");
            assert!(took >= after, "{context}: {took:?}");
        }
        Outcome::Fails {
            code: expected,
            calls: expected_calls,
        } => {
            assert_eq!(code, Some(expected), "{context}");
            assert_eq!(calls, expected_calls, "{context}");
        }
        Outcome::FailsFor { seconds } => {
            assert_eq!(code, Some("RATE_LIMITED"), "{context}");
            let wait = failure.and_then(|failure| failure.retry_after).unwrap_or(0);
            assert!((seconds - 60..=seconds).contains(&wait), "{context}");
            assert_eq!(calls, 1, "{context}");
        }
        Outcome::FailsAtTheDeadline => {
            assert_eq!(code, Some("TIMEOUT"), "{context}");
            assert_eq!(calls, 1, "{context}");
            assert!(took >= TIMEOUT, "{context}: {took:?}");
        }
        Outcome::NoSuchObject => match query_kind {
            Query::Object => {
                assert_eq!(code, None, "{context}");
                assert!(answer["data"]["requested"].is_null(), "{context}");
                assert_eq!(calls, 1, "{context}");
            }
            Query::List => {
                assert_eq!(code, Some("REJECTED"), "{context}");
                assert_eq!(calls, 1, "{context}");
            }
        },
    }
    let longest = match case.outcome {
        Outcome::FailsAtTheDeadline => TIMEOUT + A_LITTLE,
        // A failure without a wait comes well before the deadline.
        _ => TIMEOUT,
    };
    assert!(took < longest, "{context}: {took:?}");
    // A rejected token is replaced once; no other failure causes a login.
    let logins = match case.fault {
        Fault::Status { code: 401, .. } => 2,
        _ => 1,
    };
    assert_eq!(failing.logins(), logins, "{context}");

    // The error contains neither the vendor's body nor its address.
    let text = answer.to_string();
    for secret in [
        "127.0.0.1",
        "nginx",
        "<",
        "Kernel.php",
        "p4ssw0rd",
        "memory",
        "errmsg",
    ] {
        assert!(!text.contains(secret), "{secret}: {context}");
    }
}

async fn check_all(vendor: Failing, query_kind: Query) {
    // Run a few cases concurrently, because some take their full time.
    stream::iter(cases(vendor))
        .for_each_concurrent(6, async |case| check_case(vendor, query_kind, &case).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_lacks_only_the_part_of_the_failing_vendor() {
    for vendor in VENDORS {
        check_all(vendor, Query::List).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_a_failing_vendor_is_null_with_an_error_at_its_path() {
    for vendor in VENDORS {
        check_all(vendor, Query::Object).await;
    }
}

#[tokio::test]
async fn a_retry_after_date_is_honoured_within_the_deadline() {
    for vendor in VENDORS {
        let failing = FailingDesk::open(vendor).await;
        // The header has whole seconds, so that at least two of three are left.
        let soon = (Timestamp::now() + 3.seconds())
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let asked_to_wait = status(429, &[("retry-after", &soon)]);
        failing.fail(asked_to_wait, Lasts::Once);
        let started = Instant::now();
        let answer = failing.execute(Query::Object).await;
        assert_eq!(
            failing
                .failure_in(Query::Object, &answer)
                .map(|failure| failure.code),
            None,
            "{answer}"
        );
        assert_eq!(failing.calls(), 2, "{answer}");
        assert!(started.elapsed() >= Duration::from_millis(500), "{answer}");
    }
}

#[tokio::test]
async fn a_call_without_a_slot_in_time_fails_with_timeout_and_does_not_count_against_the_vendor() {
    const PLACES: usize = 2;
    const REQUESTED: usize = 5;

    let desk = Desk::open_with(
        DeskOptions::default()
            .set("FIRSTLINE__MAX_CONCURRENCY", PLACES)
            .set("FIRSTLINE__TIMEOUT_MS", TIMEOUT.as_millis())
            // The wait for a slot ends with the request.
            .set("LIMITS__REQUEST_TIMEOUT_MS", TIMEOUT.as_millis()),
    )
    .await;
    desk.execute("{ sponsors { id } }").await;
    desk.forget_calls();
    let firstline = desk.sandbox.firstline();
    firstline.add_fault(FaultRule::new("GET /api/v1/ticket", Fault::HangBeforeHead));

    // In a batch, so that all have the same deadline.
    let requested = (0..REQUESTED).map(|_| {
        let id = desk.sandbox.firstline_insert_ticket(json!({}));
        let variables = json!({ "id": format!("firstline:Ticket:{id}") });
        let query = "query ($id: ID!) { node(id: $id) { id } }";
        json!({ "query": query, "variables": variables })
    });
    let (_, answers) = desk.post(&requested.collect()).await;
    for answer in answers.as_array().expect("a batch has a list of responses") {
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["vendorCode"], "TIMEOUT", "{error}");
    }
    // Calls that were sent used their whole time; queued calls were never sent and do not count as failures.
    assert_eq!(desk.calls().0, PLACES);
    let failure = desk.execute("{ vendors { vendor state } }").await;
    assert_eq!(
        failure["vendors"][0],
        json!({ "vendor": "FIRSTLINE", "state": "DEGRADED" })
    );
}
