//! Every way in which a vendor may fail: what its callers are answered, how soon, and how often the vendor is called for it.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use futures_util::{StreamExt, future::join_all, stream};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::harness::{Desk, Wishes};

/// One logical call takes this long at most.
const TIMEOUT: Duration = Duration::from_secs(6);
/// What the machine may add to that while it does other things.
const A_LITTLE: Duration = Duration::from_secs(4);
const RETRIES: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Failing {
    FirstLine,
    Bangwo8,
}

const VENDORS: [Failing; 2] = [Failing::FirstLine, Failing::Bangwo8];

/// What is asked while the vendor fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Question {
    /// A list over both vendors.
    List,
    /// One object of the vendor.
    Object,
}

/// One way to fail, and what comes of it.
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
    /// The answer comes in the end, after so many calls more than without a fault, and not before this.
    Answered { more_calls: usize, after: Duration },
    /// The vendor's part fails with this code after so many calls.
    Fails { code: &'static str, calls: usize },
    /// As it fails, with the seconds that the vendor asks to be left alone.
    FailsFor { seconds: i64 },
    /// As it fails, but not before the deadline.
    FailsAtTheDeadline,
    /// There is no such object; as a list it fails with REJECTED.
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
    // FirstLine knows no errcode: there it is a body of another shape.
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
                // A record is read from the list of its day, which is always there.
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

/// The contract's code for a vendor's failure, and whether it may pass.
fn told_as(vendor_code: &str) -> (&'static str, bool) {
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

/// A gateway whose one vendor is about to fail.
struct Scene {
    desk: Desk,
    vendor: Failing,
    /// The vendor's object that is asked for.
    object: String,
}

impl Scene {
    async fn open(vendor: Failing) -> Self {
        let wishes = Wishes {
            sandbox: SandboxOptions {
                service_records: 12,
                tickets: 2,
                ..SandboxOptions::default()
            },
            ..Wishes::default()
        };
        let desk = Desk::open_with(
            wishes
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

    /// Hits the calls of both questions, and no login.
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

    /// How often the gateway signed in.
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

    async fn ask(&self, question: Question) -> Value {
        match question {
            Question::List => {
                let query = "{ serviceRecords(first: 3) { nodes { vendor } totalCount sources {
                    vendor state totalCount error { code message retryable retryAfterSeconds } } } }";
                self.desk.answer(query, json!({})).await
            }
            Question::Object => {
                let query = "query ($id: ID!) { asked: node(id: $id) { id } vendors { vendor } }";
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

    /// The failure that an answer tells of the vendor, checked against the contract; none where it answered.
    fn failure_in(&self, question: Question, answer: &Value) -> Option<Loaded> {
        match question {
            Question::List => {
                // One vendor's failure is no error of the list: the other's half is data.
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
                assert_eq!(error["retryable"], told_as(&code).1, "{answer}");
                Some(Loaded {
                    code,
                    retry_after: error["retryAfterSeconds"].as_i64(),
                })
            }
            Question::Object => {
                assert!(answer["data"]["vendors"].is_array(), "{answer}");
                let errors = answer["errors"].as_array();
                let Some([error]) = errors.map(Vec::as_slice) else {
                    assert_eq!(errors, None, "{answer}");
                    return None;
                };
                assert!(answer["data"]["asked"].is_null(), "{answer}");
                assert_eq!(error["path"], json!(["asked"]));
                let extensions = &error["extensions"];
                let code = extensions["vendorCode"].as_str().expect("it has a code");
                let (told_code, is_retryable) = told_as(code);
                assert_eq!(extensions["code"], told_code, "{answer}");
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

/// A vendor's failure as an answer tells it.
struct Loaded {
    code: String,
    retry_after: Option<i64>,
}

async fn play(vendor: Failing, question: Question, case: &Case) {
    let calm = Scene::open(vendor).await;
    let answer = calm.ask(question).await;
    assert!(calm.failure_in(question, &answer).is_none());
    let calls_of_the_calm = calm.calls();

    let scene = Scene::open(vendor).await;
    scene.fail(case.fault.clone(), case.lasts);
    let started = Instant::now();
    let answer = scene.ask(question).await;
    let took = started.elapsed();

    let context = format!("{vendor:?}, {question:?}, {}: {answer}", case.name);
    let told = scene.failure_in(question, &answer);
    let code = told.as_ref().map(|told| told.code.as_str());
    let calls = scene.calls();
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
            let wait = told.and_then(|told| told.retry_after).unwrap_or(0);
            assert!((seconds - 60..=seconds).contains(&wait), "{context}");
            assert_eq!(calls, 1, "{context}");
        }
        Outcome::FailsAtTheDeadline => {
            assert_eq!(code, Some("TIMEOUT"), "{context}");
            assert_eq!(calls, 1, "{context}");
            assert!(took >= TIMEOUT, "{context}: {took:?}");
        }
        Outcome::NoSuchObject => match question {
            Question::Object => {
                assert_eq!(code, None, "{context}");
                assert!(answer["data"]["asked"].is_null(), "{context}");
                assert_eq!(calls, 1, "{context}");
            }
            Question::List => {
                assert_eq!(code, Some("REJECTED"), "{context}");
                assert_eq!(calls, 1, "{context}");
            }
        },
    }
    let longest = match case.outcome {
        Outcome::FailsAtTheDeadline => TIMEOUT + A_LITTLE,
        // Whatever is not waited for is over well before.
        _ => TIMEOUT,
    };
    assert!(took < longest, "{context}: {took:?}");
    // A token that is refused is replaced, once; no other failure is a reason to sign in again.
    let logins = match case.fault {
        Fault::Status { code: 401, .. } => 2,
        _ => 1,
    };
    assert_eq!(scene.logins(), logins, "{context}");

    // Nothing of what the vendor sent along, nor where it is.
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

async fn play_all(vendor: Failing, question: Question) {
    // A few at once, because some take their whole time.
    stream::iter(cases(vendor))
        .for_each_concurrent(6, async |case| play(vendor, question, &case).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_misses_the_half_of_a_vendor_that_fails_and_nothing_else() {
    for vendor in VENDORS {
        play_all(vendor, Question::List).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_a_vendor_that_fails_is_null_with_the_failure_at_its_path() {
    for vendor in VENDORS {
        play_all(vendor, Question::Object).await;
    }
}

#[tokio::test]
async fn a_date_to_come_back_at_is_waited_for_where_there_is_time() {
    for vendor in VENDORS {
        let scene = Scene::open(vendor).await;
        // It tells whole seconds, so that at least two are left of three.
        let soon = (Timestamp::now() + 3.seconds())
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let asked_to_wait = status(429, &[("retry-after", &soon)]);
        scene.fail(asked_to_wait, Lasts::Once);
        let started = Instant::now();
        let answer = scene.ask(Question::Object).await;
        assert_eq!(
            scene
                .failure_in(Question::Object, &answer)
                .map(|told| told.code),
            None,
            "{answer}"
        );
        assert_eq!(scene.calls(), 2, "{answer}");
        assert!(started.elapsed() >= Duration::from_millis(500), "{answer}");
    }
}

#[tokio::test]
async fn who_gets_no_place_among_the_calls_at_once_in_time_is_told_so_and_the_vendor_not_blamed() {
    const PLACES: usize = 2;
    const ASKED: usize = 5;

    let desk = Desk::open_with(
        Wishes::default()
            .set("FIRSTLINE__MAX_CONCURRENCY", PLACES)
            .set("FIRSTLINE__TIMEOUT_MS", TIMEOUT.as_millis()),
    )
    .await;
    desk.ask("{ sponsors { id } }").await;
    desk.forget_calls();
    let firstline = desk.sandbox.firstline();
    firstline.add_fault(FaultRule::new("GET /api/v1/ticket", Fault::HangBeforeHead));

    let asked = (0..ASKED).map(async |_| {
        let id = desk.sandbox.firstline_insert_ticket(json!({}));
        let variables = json!({ "id": format!("firstline:Ticket:{id}") });
        let query = "query ($id: ID!) { node(id: $id) { id } }";
        desk.fault(query, variables).await.0
    });
    for error in join_all(asked).await {
        assert_eq!(error["extensions"]["vendorCode"], "TIMEOUT", "{error}");
    }
    // Those that were sent had all their time; those in line were never sent, and are no failures of the vendor.
    assert_eq!(desk.calls().0, PLACES);
    let told = desk.ask("{ vendors { vendor state } }").await;
    assert_eq!(
        told["vendors"][0],
        json!({ "vendor": "FIRSTLINE", "state": "DEGRADED" })
    );
}
