//! Creates that the vendor answers late or never: one ticket for a key, whatever its requests were told on the way.

use std::{collections::HashSet, time::Duration};

use deskgraph::{
    repository::CreateSettings,
    sandbox::{Fault, FaultRule},
};
use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

use super::concurrent_writes::{CREATE, create, creates, found};
use crate::harness::{Desk, DeskOptions, in_time, until};

const LINE: &str = "POST /api/v1/ticket";

/// A gateway that gives a call this long, and waits so for creates.
async fn desk_with(timeout_ms: u64, creates: CreateSettings) -> Desk {
    let options = DeskOptions {
        creates,
        ..DeskOptions::default()
    };
    let desk = Desk::open_with(options.set("FIRSTLINE__TIMEOUT_MS", timeout_ms)).await;
    // Afterwards no call needs time for a login.
    desk.execute("{ sponsors { id } }").await;
    desk
}

/// Nothing that was not executed before its connection ended is executed later.
fn settled_at_once() -> CreateSettings {
    CreateSettings {
        settling: Duration::ZERO,
        ..CreateSettings::default()
    }
}

fn add_fault(desk: &Desk, fault: Fault) {
    let rule = FaultRule::new(LINE, fault).times(1);
    desk.sandbox.firstline().add_fault(rule);
}

fn of_key(key: &str) -> Value {
    json!({ "subject": "the same", "content": "c", "idempotencyKey": key })
}

/// The id of the created ticket, or the code of the error.
async fn outcome(desk: &Desk, input: &Value) -> Result<String, String> {
    let answer = desk.answer(CREATE, json!({ "input": input })).await;
    match answer["data"]["createTicket"]["ticket"]["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(answer["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("neither a ticket nor an error: {answer}"))
            .to_owned()),
    }
}

async fn assert_unknown(desk: &Desk, input: &Value) {
    assert_eq!(outcome(desk, input).await, Err("OUTCOME_UNKNOWN".into()));
}

/// Repeats a create until it returns a ticket; until then its outcome is unknown.
async fn repeat_until_created(desk: &Desk, input: &Value) -> String {
    let repeated = async {
        loop {
            match outcome(desk, input).await {
                Ok(id) => return id,
                Err(code) => assert_eq!(code, "OUTCOME_UNKNOWN"),
            }
        }
    };
    in_time("the ticket is created", repeated).await
}

#[tokio::test]
async fn a_key_repeated_while_the_vendor_is_slow_creates_one_ticket() {
    let desk = desk_with(500, CreateSettings::default()).await;
    add_fault(&desk, Fault::LateWork { ms: 1_800 });
    let input = of_key("k");

    assert_unknown(&desk, &input).await;
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        outcomes.push(outcome(&desk, &input).await);
    }
    let id = repeat_until_created(&desk, &input).await;
    for outcome in outcomes {
        assert!(
            outcome == Ok(id.clone()) || outcome == Err("OUTCOME_UNKNOWN".into()),
            "{outcome:?}"
        );
    }
    assert_eq!((creates(&desk), found(&desk, "the same").await), (1, 1));
}

#[tokio::test]
async fn a_repeated_key_waits_for_the_answer_within_its_own_deadline() {
    let options = DeskOptions::default()
        .set("FIRSTLINE__TIMEOUT_MS", 500)
        .set("LIMITS__REQUEST_TIMEOUT_MS", 3_000);
    let desk = Desk::open_with(options).await;
    desk.execute("{ sponsors { id } }").await;
    add_fault(&desk, Fault::HeldWork);
    let input = of_key("k");

    assert_unknown(&desk, &input).await;
    // It is open for longer than this request lasts.
    let (error, _) = desk
        .execute_failing(CREATE, json!({ "input": input }))
        .await;
    assert_eq!(error["extensions"]["code"], "OUTCOME_UNKNOWN");
    assert_eq!(error["extensions"]["vendorCode"], "TIMEOUT");
    assert_eq!(error["extensions"]["retryable"], false);

    // Other content is refused without a wait.
    let mut other = input.clone();
    other["content"] = json!("d");
    assert_eq!(
        create(&desk, &other).await["userErrors"],
        json!([{ "code": "INVALID", "field": ["input", "idempotencyKey"] }])
    );

    let repeats = join_all((0..5).map(|_| outcome(&desk, &input)));
    let release = async { desk.sandbox.firstline().release() };
    let (repeats, ()) = tokio::join!(repeats, release);
    let ids: HashSet<String> = repeats.into_iter().flatten().collect();
    assert_eq!(ids.len(), 1, "each of them has the ticket");
    assert!(ids.contains(&repeat_until_created(&desk, &input).await));
    assert_eq!((creates(&desk), found(&desk, "the same").await), (1, 1));
}

#[tokio::test]
async fn twenty_equal_creates_at_once_cause_one_create() {
    let desk = desk_with(500, CreateSettings::default()).await;
    add_fault(&desk, Fault::HeldWork);
    let input = of_key("k");
    let requests = join_all((0..20).map(async |_| {
        let outcome = outcome(&desk, &input).await;
        // The one that sent it is told that its outcome is unknown. The others wait for the answer.
        if outcome.is_err() {
            desk.sandbox.firstline().release();
        }
        outcome
    }));
    let (ids, unknown): (Vec<_>, Vec<_>) = requests.await.into_iter().partition(Result::is_ok);
    assert_eq!(unknown, [Err("OUTCOME_UNKNOWN".to_owned())]);
    let ids: HashSet<_> = ids.into_iter().flatten().collect();
    assert_eq!(ids.len(), 1);
    assert_eq!((creates(&desk), found(&desk, "the same").await), (1, 1));
}

#[tokio::test]
async fn the_late_answer_of_a_create_drops_cached_lists_and_counts() {
    let options = DeskOptions::default()
        .set("FIRSTLINE__TIMEOUT_MS", 1_500)
        .set("CACHE__LIST_TTL_MS", 600_000);
    let desk = Desk::open_with(options).await;
    let totals = async || {
        let data = desk
            .execute("{ tickets(first: 1) { totalCount } ticketStats { total } }")
            .await;
        [
            data["tickets"]["totalCount"].as_u64(),
            data["ticketStats"]["total"].as_u64(),
        ]
    };
    for input in [of_key("k"), json!({ "subject": "s", "content": "c" })] {
        add_fault(&desk, Fault::HeldWork);
        assert_unknown(&desk, &input).await;
        let before = totals().await;
        assert_eq!(totals().await, before, "they are cached");
        desk.sandbox.firstline().release();
        let one_more = before.map(|total| total.map(|total| total + 1));
        until("the ticket is counted", async || totals().await == one_more).await;
    }
}

#[tokio::test]
async fn a_late_refusal_is_the_answer_of_the_key_and_frees_it() {
    let options = DeskOptions::default()
        .set("FIRSTLINE__TIMEOUT_MS", 1_500)
        .set("CACHE__LIST_TTL_MS", 600_000);
    let desk = Desk::open_with(options).await;
    let list = "{ tickets(first: 1) { nodes { id } } }";
    // The outcome of a create drops the lists.
    let release = async || {
        desk.execute(list).await;
        desk.sandbox.firstline().release();
        until("the vendor's answer is there", async || {
            let before = desk.calls();
            desk.execute(list).await;
            desk.calls() != before
        })
        .await;
    };
    add_fault(&desk, Fault::HeldWork);
    let input = json!({
        "subject": "s", "content": "c", "handlerId": "firstline:Employee:900", "idempotencyKey": "k",
    });
    assert_unknown(&desk, &input).await;
    release().await;
    let refused = create(&desk, &input).await;
    assert_eq!(refused["ticket"], Value::Null);
    assert_eq!(
        refused["userErrors"],
        json!([{ "code": "INVALID", "field": ["input", "handlerId"] }])
    );
    assert_eq!(creates(&desk), 1);

    desk.sandbox.firstline_insert_employee(json!({ "id": 900 }));
    assert!(outcome(&desk, &input).await.is_ok());
    assert_eq!(creates(&desk), 2);

    // After a refusal, other content may follow too.
    add_fault(&desk, Fault::HeldWork);
    let mut input = json!({
        "subject": "s", "content": "c", "handlerId": "firstline:Employee:901", "idempotencyKey": "l",
    });
    assert_unknown(&desk, &input).await;
    release().await;
    input["handlerId"] = Value::Null;
    assert!(outcome(&desk, &input).await.is_ok());
}

#[tokio::test]
async fn after_a_broken_connection_no_second_create_is_sent_for_a_minute() {
    for fault in [
        Fault::CloseBeforeHead,
        Fault::ResetConnection,
        Fault::HtmlError { code: 502 },
    ] {
        let desk = desk_with(10_000, CreateSettings::default()).await;
        add_fault(&desk, fault.clone());
        let input = of_key("k");
        for _ in 0..4 {
            assert_unknown(&desk, &input).await;
        }
        assert_eq!(creates(&desk), 1, "{fault:?}");

        // The vendor executes it after all.
        let late = desk
            .sandbox
            .firstline_insert_ticket(json!({ "subject": "the same", "content": "c" }));
        let id = format!("firstline:Ticket:{late}");
        assert_eq!(outcome(&desk, &input).await, Ok(id.clone()));
        assert_eq!(outcome(&desk, &input).await, Ok(id));
        assert_eq!(creates(&desk), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_second_create_is_sent_when_the_time_is_over_and_nothing_is_found() {
    let settling = Duration::from_millis(1_500);
    let creates_settings = CreateSettings {
        settling,
        ..CreateSettings::default()
    };
    let desk = desk_with(10_000, creates_settings).await;
    add_fault(&desk, Fault::CloseBeforeHead);
    let input = of_key("k");
    assert_unknown(&desk, &input).await;
    repeat_until_created(&desk, &input).await;

    let posts = desk.sandbox.firstline().requests_to("/api/v1/ticket");
    let sent_at: Vec<Timestamp> = posts
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.at)
        .collect();
    assert_eq!(sent_at.len(), 2);
    let pause = Duration::try_from(sent_at[1].duration_since(sent_at[0]));
    assert!(pause.expect("they are in order") >= settling);
    assert_eq!(found(&desk, "the same").await, 1);
}

#[tokio::test]
async fn a_create_that_is_never_answered_is_given_up_in_the_background() {
    let creates_settings = CreateSettings {
        background: Duration::from_millis(200),
        ..settled_at_once()
    };
    for (fault, sent) in [(Fault::HangAfterWork, 1), (Fault::HangBeforeHead, 2)] {
        let desk = desk_with(1_500, creates_settings).await;
        add_fault(&desk, fault.clone());
        let input = of_key("k");
        assert_unknown(&desk, &input).await;
        repeat_until_created(&desk, &input).await;
        assert_eq!(creates(&desk), sent, "{fault:?}");
        assert_eq!(found(&desk, "the same").await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_search_takes_no_ticket_of_another_key_or_of_a_call_without_a_key() {
    let desk = desk_with(10_000, settled_at_once()).await;
    let keyless = json!({ "subject": "the same", "content": "c" });
    let before = [
        outcome(&desk, &of_key("before")).await,
        outcome(&desk, &keyless).await,
    ];
    add_fault(&desk, Fault::CloseBeforeHead);
    assert_unknown(&desk, &of_key("lost")).await;
    let after = [
        outcome(&desk, &of_key("after")).await,
        outcome(&desk, &keyless).await,
    ];

    let lost = outcome(&desk, &of_key("lost")).await;
    let all: HashSet<_> = before.into_iter().chain(after).chain([lost]).collect();
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(all.len(), 5, "each has a ticket of its own");
    assert_eq!((creates(&desk), found(&desk, "the same").await), (6, 5));
}

#[tokio::test]
async fn a_ticket_that_an_open_create_may_have_created_is_not_taken() {
    for open in [
        json!({ "subject": "the same", "content": "c" }),
        of_key("open"),
    ] {
        let desk = desk_with(1_500, settled_at_once()).await;
        add_fault(&desk, Fault::HeldWork);
        assert_unknown(&desk, &open).await;
        add_fault(&desk, Fault::CloseAfterWork);
        assert_unknown(&desk, &of_key("lost")).await;
        assert_eq!(creates(&desk), 2);

        // The one ticket could be that of either.
        assert_unknown(&desk, &of_key("lost")).await;
        desk.sandbox.firstline().release();
        let lost = repeat_until_created(&desk, &of_key("lost")).await;
        assert_eq!((creates(&desk), found(&desk, "the same").await), (2, 2));
        let all = desk
            .execute("{ tickets(filter: { search: \"the same\" }) { nodes { id } } }")
            .await;
        // The held one was executed last, and the newest is the first.
        assert_eq!(all["tickets"]["nodes"][1]["id"], lost);
    }
}

#[tokio::test]
async fn a_ticket_of_a_lost_create_without_a_key_is_not_taken() {
    let desk = desk_with(10_000, settled_at_once()).await;
    add_fault(&desk, Fault::CloseAfterWork);
    assert_unknown(&desk, &json!({ "subject": "the same", "content": "c" })).await;
    add_fault(&desk, Fault::CloseBeforeHead);
    assert_unknown(&desk, &of_key("lost")).await;
    assert_unknown(&desk, &of_key("lost")).await;
    assert_eq!(creates(&desk), 2);
}

#[tokio::test]
async fn among_several_tickets_that_look_alike_none_is_taken() {
    let desk = desk_with(10_000, settled_at_once()).await;
    add_fault(&desk, Fault::CloseAfterWork);
    assert_unknown(&desk, &of_key("k")).await;
    desk.sandbox
        .firstline_insert_ticket(json!({ "subject": "the same", "content": "c" }));
    assert_unknown(&desk, &of_key("k")).await;
    assert_eq!(creates(&desk), 1);
}

#[tokio::test]
async fn a_ticket_of_another_time_subject_or_content_is_not_taken() {
    let desk = desk_with(10_000, settled_at_once()).await;
    let taipei = TimeZone::get("Asia/Taipei").expect("the zone is bundled");
    let earlier = Timestamp::now() - 5.minutes();
    let earlier = earlier.to_zoned(taipei).strftime("%Y-%m-%d %H:%M:%S");
    for fields in [
        json!({ "subject": "the same", "content": "c", "created_at": earlier.to_string() }),
        json!({ "subject": "another", "content": "c" }),
        json!({ "subject": "the same", "content": "another" }),
        json!({ "subject": "the same", "content": null }),
    ] {
        desk.sandbox.firstline_insert_ticket(fields);
    }
    add_fault(&desk, Fault::CloseBeforeHead);
    assert_unknown(&desk, &of_key("k")).await;
    assert!(outcome(&desk, &of_key("k")).await.is_ok());
    assert_eq!(creates(&desk), 2);
}

#[tokio::test]
async fn a_ticket_is_found_however_the_vendor_rewrote_it_and_wherever_it_is_listed() {
    let desk = desk_with(10_000, settled_at_once()).await;
    let control = desk.sandbox.firstline();
    for (number, (sent, stored)) in [
        ("  a < b & \"c\" ", "a &lt; b &amp; &quot;c&quot;"),
        ("it's\r\nso", "it&#039;s\nso"),
        ("already &amp; escaped", "already &amp;amp; escaped"),
    ]
    .into_iter()
    .enumerate()
    {
        let input =
            json!({ "subject": sent, "content": sent, "idempotencyKey": number.to_string() });
        add_fault(&desk, Fault::CloseBeforeHead);
        assert_unknown(&desk, &input).await;
        let created = desk
            .sandbox
            .firstline_insert_ticket(json!({ "subject": stored, "content": stored }));
        // It is on a later page, and the vendor takes no notice of the time.
        for _ in 0..30 {
            desk.sandbox.firstline_insert_ticket(json!({}));
        }
        control.change_switches(|switches| {
            switches.per_page_cap = 10;
            switches.ignores_created_at = number == 2;
        });
        assert_eq!(
            outcome(&desk, &input).await,
            Ok(format!("firstline:Ticket:{created}"))
        );
    }
    assert_eq!(creates(&desk), 3);
}

#[tokio::test]
async fn a_search_that_the_vendor_rejects_leaves_the_outcome_unknown() {
    let desk = desk_with(10_000, settled_at_once()).await;
    let control = desk.sandbox.firstline();
    add_fault(&desk, Fault::CloseAfterWork);
    assert_unknown(&desk, &of_key("k")).await;
    for fault in [Fault::NotJson, Fault::HtmlError { code: 403 }] {
        control.add_fault(FaultRule::new("GET /api/v1/ticket", fault).times(1));
        assert_unknown(&desk, &of_key("k")).await;
    }
    assert!(outcome(&desk, &of_key("k")).await.is_ok());
    assert_eq!(creates(&desk), 1);
}

#[tokio::test]
async fn a_create_in_the_background_leaves_its_slot_to_reads() {
    let options = DeskOptions::default()
        .set("FIRSTLINE__TIMEOUT_MS", 1_500)
        .set("FIRSTLINE__MAX_CONCURRENCY", 1);
    let desk = Desk::open_with(options).await;
    desk.execute("{ sponsors { id } }").await;
    add_fault(&desk, Fault::HeldWork);
    assert_unknown(&desk, &of_key("k")).await;
    let read = desk.execute("{ terminationCodes { id } }").await;
    assert!(read["terminationCodes"].is_array());
    desk.sandbox.firstline().release();
    repeat_until_created(&desk, &of_key("k")).await;
    assert_eq!(creates(&desk), 1);
}

#[tokio::test]
async fn creates_that_are_answered_after_the_circuit_opened_settle_their_keys() {
    let desk = desk_with(500, CreateSettings::default()).await;
    let keys: Vec<Value> = (0..12).map(|number| of_key(&number.to_string())).collect();
    let held = FaultRule::new(LINE, Fault::HeldWork).times(12);
    desk.sandbox.firstline().add_fault(held);
    for outcome in join_all(keys.iter().map(|input| outcome(&desk, input))).await {
        assert_eq!(outcome, Err("OUTCOME_UNKNOWN".into()));
    }
    let vendors = desk.execute("{ vendors { vendor circuit } }").await;
    assert_eq!(vendors["vendors"][0]["circuit"], "OPEN");

    let repeats = join_all(keys.iter().map(|input| outcome(&desk, input)));
    let release = async { desk.sandbox.firstline().release() };
    let (repeats, ()) = tokio::join!(repeats, release);
    let ids: HashSet<String> = repeats.into_iter().flatten().collect();
    assert_eq!(ids.len(), 12, "each key has a ticket of its own");
    assert_eq!(creates(&desk), 12);
}

#[tokio::test]
async fn a_create_in_the_background_is_repeated_when_its_token_was_replaced() {
    let desk = desk_with(1_500, CreateSettings::default()).await;
    add_fault(&desk, Fault::HeldWork);
    let input = of_key("k");
    assert_unknown(&desk, &input).await;
    desk.sandbox.firstline_expire_tokens();
    desk.execute("{ categories { nodes { id } } }").await;

    let repeat = outcome(&desk, &input);
    let release = async { desk.sandbox.firstline().release() };
    let (repeat, ()) = tokio::join!(repeat, release);
    assert!(repeat.is_ok(), "{repeat:?}");
    assert_eq!((creates(&desk), found(&desk, "the same").await), (2, 1));
    let requests = desk.sandbox.firstline().requests_to("/api/v1/auth");
    assert_eq!(requests.len(), 2, "a login, and one in place of its token");
}
