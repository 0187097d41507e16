//! Calls over a real connection to a vendor that plays a script.

use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

use reqwest::Method;

use super::*;
use tokio::time;

use crate::{
    domain::{CircuitState, VendorErrorCode, VendorState, VendorStatus, VendorZone},
    error::ErrorKind,
    telemetry::metrics::VendorMetrics,
    upstream::{
        call::Repeat,
        client::ClientSettings,
        test_support::scripted_vendor::{SILENCE, Script, ScriptedVendor, http_response, scope},
    },
};

fn session_on(scripted: &ScriptedVendor) -> VendorSession<Passwords> {
    session_with(scripted, |_| {})
}

fn session_with(
    scripted: &ScriptedVendor,
    change: fn(&mut ClientSettings),
) -> VendorSession<Passwords> {
    let mut settings = ClientSettings {
        vendor: Vendor::FirstLine,
        base_url: format!("http://{}/tenant/", scripted.address),
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(1),
        max_concurrency: 4,
        requests_per_minute: None,
        max_retries: 2,
        max_body_bytes: 1000,
        refused_login_pause: Duration::from_secs(60),
    };
    change(&mut settings);
    let client = VendorClient::new(settings, VendorMetrics::detached(Vendor::FirstLine))
        .expect("the settings are good");
    VendorSession::new(
        client,
        Authorization::by_token(Vendor::FirstLine, Passwords),
    )
}

struct Passwords;

#[async_trait]
impl TokenSource for Passwords {
    async fn sign_in(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Token> {
        let call = Call::sign_in(Method::POST, "/login", "/login", Repeat::Safe);
        let mut attempts = client.attempts();
        let response = client.send(context, &call, None, &mut attempts).await?;
        if response.status().is_client_error() {
            return Err(response.refuse_as(VendorErrorCode::Unauthenticated));
        }
        let text: String = response.read()?;
        Ok(Token {
            text: text.into(),
            life: None,
        })
    }
}

async fn get(session: &VendorSession<Passwords>, scope: &RequestScope) -> Result<i32> {
    let call = Call::get("/thing/{id}", "/thing/1").query(vec![("statuses[]", "a b".to_owned())]);
    session.send(scope, &call).await?.read()
}

async fn post(session: &VendorSession<Passwords>, scope: &RequestScope) -> Result<i32> {
    let call = Call::write(Method::POST, "/thing", "/thing", Repeat::Never).json(b"{}".to_vec());
    session.send(scope, &call).await?.read()
}

fn code<T>(result: Result<T>) -> Option<VendorErrorCode> {
    let failure = result.err().and_then(|err| err.vendor_failure());
    failure.map(|failure| failure.code)
}

fn is_login(request: &str) -> bool {
    request.starts_with("POST /tenant/login ")
}

/// Signs everybody in, and answers all else so.
macro_rules! after_login {
    ($request:expr, $response:expr) => {
        if is_login($request) {
            http_response("200 OK", "\"token\"")
        } else {
            $response
        }
    };
}

#[tokio::test]
async fn a_call_has_the_credentials_and_is_counted() {
    let scripted =
        ScriptedVendor::with(|request, _| after_login!(request, http_response("200 OK", "7")))
            .await;
    let (session, scope) = (session_on(&scripted), scope());

    assert_eq!(get(&session, &scope).await.ok(), Some(7));
    let requests = scripted.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].starts_with("GET /tenant/thing/1?statuses%5B%5D=a+b HTTP/1.1"));
    assert!(requests[1].contains("authorization: Bearer token"));
    assert!(requests[1].contains("accept: application/json"));
    assert!(requests[1].contains("x-request-id: request-1"));
    assert!(requests[1].contains("accept-encoding: gzip"));
    assert_eq!(scope.counters.vendor_calls(), 2);

    let zone = VendorZone::named("Asia/Taipei").expect("the zone is bundled");
    assert_eq!(session.client().status(&zone).state, VendorState::Up);
}

#[tokio::test]
async fn a_token_is_fetched_once_however_many_wait() {
    let scripted =
        ScriptedVendor::with(|request, _| after_login!(request, http_response("200 OK", "7")))
            .await;
    let (session, scope) = (session_on(&scripted), scope());

    let calls = futures_util::future::join_all((0..8).map(|_| get(&session, &scope))).await;
    assert!(calls.iter().all(Result::is_ok));
    let requests = scripted.requests();
    let logins = requests.iter().filter(|request| is_login(request));
    assert_eq!(logins.count(), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let scripted = ScriptedVendor::with(|request, number| match number {
        0 => http_response("200 OK", "\"first\""),
        _ if is_login(request) => http_response("200 OK", "\"second\""),
        _ if request.contains("Bearer second") => http_response("200 OK", "7"),
        _ => http_response("401 Unauthorized", "<html>"),
    })
    .await;
    let (session, scope) = (session_on(&scripted), scope());

    let calls = futures_util::future::join_all((0..3).map(|_| get(&session, &scope))).await;
    assert!(calls.iter().all(Result::is_ok));
    let requests = scripted.requests();
    let logins = requests.iter().filter(|request| is_login(request));
    assert_eq!(logins.count(), 2);
}

#[tokio::test]
async fn two_processes_do_not_evict_each_other_for_ever() {
    let scripted = ScriptedVendor::with(|request, _| {
        after_login!(request, http_response("401 Unauthorized", ""))
    })
    .await;
    let (session, scope) = (session_on(&scripted), scope());

    for _ in 0..3 {
        assert_eq!(
            code(get(&session, &scope).await),
            Some(VendorErrorCode::Unauthenticated)
        );
    }
    let requests = scripted.requests();
    let logins = requests.iter().filter(|request| is_login(request));
    assert_eq!(logins.count(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let scripted =
        ScriptedVendor::with(|_, _| http_response("422 Unprocessable Entity", "{}")).await;
    let (session, scope) = (session_on(&scripted), scope());

    for _ in 0..3 {
        assert_eq!(
            code(get(&session, &scope).await),
            Some(VendorErrorCode::Unauthenticated)
        );
    }
    assert_eq!(scripted.requests().len(), 1);
}

#[tokio::test]
async fn a_login_that_fails_for_other_reasons_may_be_tried_again() {
    let scripted = ScriptedVendor::with(|request, number| match number {
        0..=2 => http_response("503 Service Unavailable", ""),
        _ => after_login!(request, http_response("200 OK", "7")),
    })
    .await;
    let (session, scope) = (session_on(&scripted), scope());

    assert_eq!(
        code(get(&session, &scope).await),
        Some(VendorErrorCode::ServerError)
    );
    assert_eq!(get(&session, &scope).await.ok(), Some(7));
}

#[tokio::test]
async fn a_read_is_sent_again_until_it_is_answered() {
    let scripted = ScriptedVendor::with(|request, number| match number {
        1 => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n7".to_owned(),
        2 => http_response("503 Service Unavailable", "<html>"),
        _ => after_login!(request, http_response("200 OK", "7")),
    })
    .await;
    let (session, scope) = (session_on(&scripted), scope());

    assert_eq!(get(&session, &scope).await.ok(), Some(7));
    assert_eq!(scope.counters.vendor_calls(), 4);
}

#[tokio::test]
async fn every_fault_has_its_code() {
    use VendorErrorCode::*;

    let faults: [(Script, VendorErrorCode); 9] = [
        (|_, _| http_response("200 OK", "<html>"), BadResponse),
        (|_, _| http_response("200 OK", "{\"a\":1}"), BadResponse),
        (
            |_, _| http_response("200 OK", &"1".repeat(2000)),
            BadResponse,
        ),
        (
            |_, _| http_response("302 Found\r\nlocation: http://127.0.0.1:1/", ""),
            BadResponse,
        ),
        (|_, _| http_response("403 Forbidden", ""), Forbidden),
        (|_, _| http_response("404 Not Found", ""), Rejected),
        (
            |_, _| http_response("429 Too Many Requests\r\nretry-after: 100", ""),
            RateLimited,
        ),
        (
            |_, _| http_response("500 Internal Server Error", "7"),
            ServerError,
        ),
        (|_, _| String::new(), Unreachable),
    ];
    for (script, expected) in faults {
        let scripted = ScriptedVendor::with(script).await;
        let (client, scope) = (session_on(&scripted), scope());
        let (call, context) = (Call::get("/x", "/x"), client.client().context(&scope));
        let mut attempts = client.client().attempts();
        let sent = client.client().send(&context, &call, None, &mut attempts);
        let read: Result<i32> = match sent.await {
            Ok(response) => response.read(),
            Err(err) => Err(err),
        };
        let failure = read.expect_err("it is a fault").vendor_failure();
        let failure = failure.expect("the vendor failed");
        assert_eq!(failure.code, expected);
        if expected == RateLimited {
            assert_eq!(failure.retry_after, Some(Duration::from_secs(100)));
            assert_eq!(scope.counters.vendor_calls(), 1);
        }
    }
}

#[tokio::test]
async fn a_silent_vendor_is_left_at_the_deadline() {
    let scripted =
        ScriptedVendor::with(|request, _| after_login!(request, SILENCE.to_owned())).await;
    let session = session_with(&scripted, |settings| {
        settings.timeout = Duration::from_millis(200)
    });
    let started_at = Instant::now();

    assert_eq!(
        code(get(&session, &scope()).await),
        Some(VendorErrorCode::Timeout)
    );
    assert!(started_at.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_vendor_that_is_not_there_is_unreachable() {
    let scripted = ScriptedVendor::with(|_, _| String::new()).await;
    let session = session_with(&scripted, |settings| {
        settings.base_url = "http://127.0.0.1:1".into()
    });
    assert_eq!(
        code(get(&session, &scope()).await),
        Some(VendorErrorCode::Unreachable)
    );
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_has_an_unknown_outcome_and_is_sent_once() {
    let scripts: [Script; 4] = [
        |request, _| after_login!(request, String::new()),
        |request, _| after_login!(request, http_response("500 Internal Server Error", "")),
        |request, _| after_login!(request, http_response("201 Created", "<html>")),
        |request, _| after_login!(request, http_response("302 Found\r\nlocation: /", "")),
    ];
    for script in scripts {
        let scripted = ScriptedVendor::with(script).await;
        let outcome = post(&session_on(&scripted), &scope()).await;
        let err = outcome.expect_err("nobody knows");
        assert!(matches!(err.kind, ErrorKind::OutcomeUnknown(_)), "{err:?}");
        assert_eq!(scripted.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_write_that_was_refused_has_a_known_outcome() {
    let scripted = ScriptedVendor::with(|request, _| {
        after_login!(request, http_response("429 Too Many Requests", ""))
    })
    .await;
    let err = post(&session_on(&scripted), &scope())
        .await
        .expect_err("refused");
    assert!(matches!(err.kind, ErrorKind::Vendor(_)), "{err:?}");

    let scripted = ScriptedVendor::with(|request, _| {
        after_login!(request, http_response("404 Not Found", ""))
    })
    .await;
    let err = post(&session_on(&scripted), &scope())
        .await
        .expect_err("refused");
    assert!(matches!(err.kind, ErrorKind::NotFound), "{err:?}");
}

fn status(session: &VendorSession<Passwords>) -> VendorStatus {
    let zone = VendorZone::named("Asia/Taipei").expect("the zone is bundled");
    session.client().status(&zone)
}

fn scope_for(time_left: Duration) -> RequestScope {
    let mut scope = scope();
    scope.deadline = Instant::now() + time_left;
    scope
}

/// Fewer calls open no circuit.
const CALLS_THAT_OPEN: usize = 10;

#[tokio::test]
async fn a_call_that_had_too_little_time_says_nothing_of_the_vendor() {
    let scripted = ScriptedVendor::with(|request, number| match number {
        1 => http_response("200 OK", "7"),
        _ => after_login!(request, SILENCE.to_owned()),
    })
    .await;
    let session = session_with(&scripted, |settings| {
        settings.timeout = Duration::from_secs(60);
        settings.max_concurrency = 1;
    });
    assert_eq!(get(&session, &scope()).await.ok(), Some(7));

    // One has the only slot for the little time it has; the others stand in line for it.
    for _ in 0..CALLS_THAT_OPEN {
        let hurried = scope_for(Duration::from_millis(20));
        let (one, other) =
            futures_util::future::join(get(&session, &hurried), get(&session, &hurried)).await;
        assert_eq!(code(one), Some(VendorErrorCode::Timeout));
        assert_eq!(code(other), Some(VendorErrorCode::Timeout));
    }
    let status = status(&session);
    assert_eq!(
        (status.state, status.circuit),
        (VendorState::Up, CircuitState::Closed)
    );
}

#[tokio::test]
async fn a_call_that_had_its_time_and_no_answer_counts_also_where_its_caller_went_away() {
    for is_given_up in [false, true] {
        let scripted =
            ScriptedVendor::with(|request, _| after_login!(request, SILENCE.to_owned())).await;
        let session = session_with(&scripted, |settings| {
            settings.timeout = Duration::from_millis(200);
            settings.max_concurrency = CALLS_THAT_OPEN;
        });
        let patience = Duration::from_millis(if is_given_up { 150 } else { 60_000 });
        let scope = scope_for(Duration::from_secs(60));
        let calls = (0..CALLS_THAT_OPEN).map(|_| time::timeout(patience, get(&session, &scope)));
        let ended = futures_util::future::join_all(calls).await;
        assert_eq!(ended.iter().all(|ended| ended.is_err()), is_given_up);
        assert_eq!(status(&session).circuit, CircuitState::Open);
    }
}

#[tokio::test]
async fn a_trial_whose_token_ran_out_lets_its_own_login_through() {
    let scripted = ScriptedVendor::with(|request, number| match number {
        1..=9 => http_response("500 Internal Server Error", ""),
        10 => http_response("401 Unauthorized", ""),
        _ => after_login!(request, http_response("200 OK", "7")),
    })
    .await;
    let session = session_with(&scripted, |settings| {
        settings.timeout = Duration::from_secs(60);
        settings.max_retries = 0;
    });
    let scope = scope_for(Duration::from_secs(60));
    for _ in 1..CALLS_THAT_OPEN {
        assert_eq!(
            code(get(&session, &scope).await),
            Some(VendorErrorCode::ServerError)
        );
    }
    assert_eq!(
        code(get(&session, &scope).await),
        Some(VendorErrorCode::CircuitOpen)
    );

    // The pause passes at once; the connection needs a clock that goes on.
    time::pause();
    time::advance(Duration::from_secs(5)).await;
    time::resume();
    assert_eq!(get(&session, &scope).await.ok(), Some(7));
    assert_eq!(status(&session).circuit, CircuitState::Closed);
}

#[tokio::test]
async fn the_head_of_a_server_error_says_all_whatever_becomes_of_its_body() {
    let scripts: [Script; 2] = [
        |request, _| {
            after_login!(
                request,
                http_response("500 Internal Server Error", &"x".repeat(2000))
            )
        },
        |request, _| {
            let cut_off = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nx";
            after_login!(request, cut_off.to_owned())
        },
    ];
    for script in scripts {
        let scripted = ScriptedVendor::with(script).await;
        let session = session_on(&scripted);
        assert_eq!(
            code(get(&session, &scope()).await),
            Some(VendorErrorCode::ServerError)
        );
        assert_eq!(scripted.requests().len(), 1 + 3, "it is tried again");
    }
}

static ARRIVED: Barrier = Barrier::new(2);
static REPLACED: Barrier = Barrier::new(2);

async fn wait_at(barrier: &'static Barrier) {
    let waiting = tokio::task::spawn_blocking(|| barrier.wait());
    waiting.await.expect("the other side comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_with_replaced_credentials_is_sent_again() {
    let scripted = ScriptedVendor::with(|request, _| {
        if request.contains("Bearer old") {
            ARRIVED.wait();
            REPLACED.wait();
            return http_response("401 Unauthorized", "{}");
        }
        after_login!(request, http_response("200 OK", "7"))
    })
    .await;
    let session = Arc::new(session_on(&scripted));
    let old = bearer(&"old".into()).expect("it fits into a header");
    session.set_authorization(Authorization::Permanent(old));
    let in_flight = tokio::spawn({
        let session = session.clone();
        async move { get(&session, &scope()).await }
    });

    wait_at(&ARRIVED).await;
    session.set_authorization(Authorization::by_token(Vendor::FirstLine, Passwords));
    wait_at(&REPLACED).await;

    let result = in_flight.await.expect("it ends");
    assert_eq!(result.ok(), Some(7));
    let requests = scripted.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[2].contains("authorization: Bearer token"));
}
