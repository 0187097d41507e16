//! The vendor's own samples, and damaged ones, through the wire and the mapping.

use serde_json::Value;

use super::{
    mapping::{self, Mapping},
    wire,
};
use crate::{
    domain::{
        ChatMessage, ChatRole, Detail, Employee, Loaded, PaymentStatus, RatingScore,
        ServiceChannel, ServiceRecord, ServiceRecordStatus, Transcript, VendorPageRequest,
        VendorZone,
    },
    upstream::wire::{Identified, Readable, WrongShape, decode, decode_root, with_unreadable},
};

const HISTORIES: &str = include_str!("../../../tests/fixtures/bangwo8/histories.json");
const HISTORIES_V2: &str = include_str!("../../../tests/fixtures/bangwo8/histories_v2.json");
const CHAT_RECORDS: &str = include_str!("../../../tests/fixtures/bangwo8/chatrecords.json");
const SUMMARY: &str = include_str!("../../../tests/fixtures/bangwo8/servicesummary.json");
const NO_TEMPLATE: &str = include_str!("../../../tests/fixtures/bangwo8/no_summary_120001.json");
const NO_SUMMARY: &str = include_str!("../../../tests/fixtures/bangwo8/no_summary_120002.json");
const SUPPORTS: &str = include_str!("../../../tests/fixtures/bangwo8/supports.json");

fn with_mapping<T>(use_it: impl FnOnce(Mapping<'_>) -> T) -> T {
    let zone = VendorZone::named("Asia/Shanghai").expect("the zone is bundled");
    use_it(Mapping { zone: &zone })
}

fn read<T: Readable>(json: &str) -> T {
    decode(json.as_bytes()).expect("the sample has the right shape")
}

fn records(json: &str) -> Vec<ServiceRecord> {
    let list: wire::Histories<wire::RemoteRecord> = read(json);
    let records = list.remoterecords.into_iter();
    with_mapping(|mapping| {
        records
            .map(|record| mapping.service_record(record))
            .collect()
    })
}

/// A record with these fields beside its id.
fn record(fields: &str) -> ServiceRecord {
    let wire: Identified<wire::RemoteRecord> = read(&format!(r#"{{"csId":"7"{fields}}}"#));
    with_mapping(|mapping| mapping.service_record(wire))
}

fn employees(json: &str) -> Vec<Employee> {
    let list: wire::Supports = read(json);
    let supports = list.supports.into_iter();
    with_mapping(|mapping| supports.map(|support| mapping.employee(support)).collect())
}

/// The ordinals of a page of messages with these times.
fn ordinals(times: &[&str], rest: &str, page: u32, per_page: u32) -> Vec<u64> {
    let contents: Vec<_> = times
        .iter()
        .map(|time| serde_json::json!({ "msg": "x", "time": time }))
        .collect();
    let contents = Value::from(contents);
    let json = format!(r#"{{"remote_chatrecords":{{"contents":{contents}}}{rest}}}"#);
    let messages = chat(&json, VendorPageRequest { page, per_page });
    let numbers = messages.iter().map(|message| message.id.number.get());
    numbers.collect()
}

fn chat(json: &str, page: VendorPageRequest) -> Vec<ChatMessage> {
    let chat: wire::ChatRecords = read(json);
    let paging = wire::Paging {
        count: chat.count.into_value(),
        next_page: chat.next_page,
    };
    let record = record(r#","csBTime":"2017-8-23 13:00:00""#);
    with_mapping(|mapping| {
        mapping.chat_messages(
            record.id,
            chat.remote_chatrecords.contents,
            &paging,
            page,
            false,
        )
    })
    .0
}

#[test]
fn a_listed_record_has_all_that_the_page_shows() {
    let records = records(HISTORIES);
    assert_eq!(records.len(), 2);

    let record = &records[0];
    assert_eq!(
        record.id.to_string(),
        "bangwo8:ServiceRecord:123@2017-08-27"
    );
    assert_eq!(record.detail, Detail::Full);
    assert_eq!(
        record.channel,
        Loaded::some(ServiceChannel::RemoteAssistance)
    );
    assert_eq!(record.status, Loaded::some(ServiceRecordStatus::Completed));
    let created_at = record.created_at.value().map(ToString::to_string);
    assert_eq!(created_at.as_deref(), Some("2017-08-27T10:21:10+08:00"));
    assert_eq!(record.started_at, record.created_at);
    assert_eq!(record.queued_at, Loaded::none());
    assert_eq!(record.duration_seconds, Loaded::some(0));
    assert_eq!(record.is_resolved, Loaded::some(true));
    assert_eq!(record.problem, Loaded::some("这里是问题描述".to_owned()));
    assert_eq!(record.solution, Loaded::some("这里是解决办法".to_owned()));
    assert_eq!(record.logs.value().map(Vec::len), Some(0));
    assert!(record.may_have_summary);
    assert!(matches!(
        record.transcript.value(),
        Some(Transcript::Elsewhere)
    ));

    let handler = record.handler.value().expect("it has a handler");
    assert_eq!(handler.id.to_string(), "bangwo8:Employee:223");
    assert_eq!(handler.detail, Detail::Reference);

    let contact = record.contact.value().expect("it has a contact");
    assert_eq!(contact.id, None);
    assert_eq!(contact.name.as_deref(), Some("张三"));
    assert_eq!(contact.company.as_deref(), Some("某某科技有限公司"));
    assert_eq!(contact.contact_method.as_deref(), Some("13800000000"));

    let rating = record.rating.value().expect("it was rated");
    assert_eq!(rating.score, RatingScore::Good);
    assert_eq!(rating.comment.as_deref(), Some("这里是评价内容"));

    let payment = record.payment.value().expect("it was paid");
    let price = payment.price.as_ref().expect("it has a price");
    assert_eq!(price.amount.to_string(), "234.00");
    assert_eq!(price.currency, "CNY");
    assert_eq!(payment.status, PaymentStatus::Paid);

    let session = record.remote_session.value().expect("it was one");
    assert_eq!(session.host.as_deref(), Some("这里是主机备注"));
    assert!(session.has_chat && session.has_remote_control && session.has_file_transfer);
    assert_eq!(session.file_count, Some(3));
    assert_eq!(session.service_card_id, None);

    let fields = record.custom_fields.value().expect("they are loaded");
    assert_eq!(fields[2].key, "field_2");
    assert_eq!(fields[2].values, ["下拉菜单的某一项"]);
}

#[test]
fn the_category_is_the_deepest_one_with_its_ancestors() {
    let ids = |fields: &str| {
        let record = record(fields);
        let mut next = record.category.value().cloned();
        let mut ids = Vec::new();
        while let Some(category) = next {
            assert_eq!(category.detail, Detail::Reference);
            ids.push(category.id.to_string());
            next = category.parent.clone();
        }
        ids
    };
    assert_eq!(
        ids(r#","ptId":223,"ptChildId":"453","ptThird":345"#),
        [
            "bangwo8:Category:3-345",
            "bangwo8:Category:2-453",
            "bangwo8:Category:1-223"
        ]
    );
    assert_eq!(
        ids(r#","ptId":223,"ptChildId":0,"ptThird":"""#),
        ["bangwo8:Category:1-223"]
    );
    assert!(ids(r#","ptId":0"#).is_empty());
}

#[test]
fn the_names_of_categories_come_from_the_other_list() {
    let list: wire::Histories<wire::NamedRecord> = read(HISTORIES_V2);
    let named: Vec<_> = with_mapping(|mapping| {
        let records = list.remoterecords.items.into_iter();
        records.map(|record| mapping.named_record(record)).collect()
    });
    assert_eq!(
        named[0].id.to_string(),
        "bangwo8:ServiceRecord:123@2017-08-27"
    );
    assert_eq!(named[0].names.0[2].as_deref(), Some("密码错误"));
    assert_eq!(named[1].names.0[2], None);
}

#[test]
fn codes_that_are_not_known_are_unknown_and_missing_ones_are_none() {
    use ServiceRecordStatus::*;

    for (code, status) in [
        ("0", Invalid),
        ("\"1\"", InService),
        ("2", Waiting),
        ("3", Extended),
        ("4", OnHold),
        ("5", Completed),
        ("6", Unknown),
        ("-1", Unknown),
    ] {
        let fields = format!(r#","csStat":{code}"#);
        assert_eq!(record(&fields).status, Loaded::some(status), "{code}");
    }
    assert_eq!(record("").status, Loaded::none());

    let score = |code: &str| {
        let record = record(&format!(r#","commentScore":{code}"#));
        record.rating.value().map(|rating| rating.score)
    };
    assert_eq!(score("0"), None);
    assert_eq!(score("1"), Some(RatingScore::Bad));
    assert_eq!(score("\"3\""), Some(RatingScore::Neutral));
    assert_eq!(score("4"), Some(RatingScore::Unknown));
    assert_eq!(score("null"), None);
}

#[test]
fn a_free_record_has_no_payment() {
    let payment = |fields: &str| {
        let record = record(fields);
        record.payment.value().map(|payment| {
            let amount = payment.price.as_ref().map(|price| price.amount.to_string());
            (amount, payment.status)
        })
    };
    let paid = |amount: &str, status| Some((Some(amount.to_owned()), status));

    assert_eq!(payment(""), None);
    assert_eq!(payment(r#","csPrice":0.00,"payStat":"0""#), None);
    assert_eq!(
        payment(r#","csPrice":"10.50","payStat":0"#),
        paid("10.50", PaymentStatus::Unpaid)
    );
    assert_eq!(
        payment(r#","csPrice":0.00,"payStat":4"#),
        paid("0.00", PaymentStatus::Deducted)
    );
    assert_eq!(
        payment(r#","csPrice":5,"payStat":9"#),
        paid("5", PaymentStatus::Unknown)
    );
}

#[test]
fn a_record_that_has_not_ended_has_no_duration() {
    let duration = |code: &str, end: &str| {
        let fields =
            format!(r#","csBTime":"2017-8-27 10:00:00","csETime":"{end}","csStat":{code}"#);
        record(&fields).duration_seconds
    };
    assert_eq!(duration("5", "2017-8-27 10:01:00"), Loaded::some(60));
    assert_eq!(duration("1", "2017-8-27 10:01:00"), Loaded::none());
    assert_eq!(duration("5", "2017-8-27 9:59:59"), Loaded::none());
    assert_eq!(duration("5", ""), Loaded::none());
    assert_eq!(duration("null", "2017-8-27 10:01:00"), Loaded::some(60));
}

#[test]
fn the_day_of_an_id_is_the_day_as_printed() {
    let id = |time: &str| record(&format!(r#","csBTime":"{time}""#)).id.to_string();
    assert_eq!(id("2017-8-7 0:0:0"), "bangwo8:ServiceRecord:7@2017-08-07");
    assert_eq!(
        id("2017-08-06T17:00:00Z"),
        "bangwo8:ServiceRecord:7@2017-08-07"
    );
    assert_eq!(id("0000-00-00 00:00:00"), "bangwo8:ServiceRecord:7");
}

#[test]
fn a_record_without_chat_holds_an_empty_transcript() {
    for fields in [r#","ChatRecord":0"#, r#","ChatRecord":"0""#] {
        let record = record(fields);
        let Some(Transcript::Held(messages)) = record.transcript.value() else {
            panic!("nothing is elsewhere");
        };
        assert!(messages.is_empty());
    }
    assert!(matches!(
        record("").transcript.value(),
        Some(Transcript::Elsewhere)
    ));
}

#[test]
fn a_chat_names_agents_and_not_customers() {
    let page = VendorPageRequest {
        page: 1,
        per_page: 40,
    };
    let messages = chat(CHAT_RECORDS, page);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].sender.role, ChatRole::Agent);
    assert_eq!(messages[0].sender.name.as_deref(), Some("213"));
    assert_eq!(
        messages[1].id.to_string(),
        "bangwo8:ChatMessage:7@2017-08-23/2"
    );

    let others = r#"{"remote_chatrecords":{"contents":[
        {"spokesman":"900000001","spokesman_identity":"2","msg":"kj","time":"2018-10-24 15:14:12"},
        {"spokesman":"x","spokesman_identity":3},
        {"spokesman":"x"},
        null
    ]}}"#;
    let messages = chat(others, page);
    let roles: Vec<_> = messages.iter().map(|message| message.sender.role).collect();
    use ChatRole::{Bot, Customer, Unknown};
    assert_eq!(roles, [Customer, Bot, Unknown, Unknown]);
    assert!(messages.iter().all(|message| message.sender.name.is_none()));
    assert_eq!(messages[0].text.as_deref(), Some("kj"));
}

#[test]
fn an_ordinal_counts_from_the_oldest_whatever_the_order_and_size_of_a_page() {
    let rising = ["2018-1-1 10:00:00", "2018-1-1 10:00:01"];
    let falling = ["2018-1-1 10:00:01", "2018-1-1 10:00:00"];
    let more = r#","count":5,"next_page":"x""#;
    let last = r#","count":5,"next_page":null"#;

    assert_eq!(ordinals(&rising, more, 1, 2), [1, 2]);
    assert_eq!(ordinals(&rising, more, 2, 2), [3, 4]);
    assert_eq!(ordinals(&rising[..1], last, 3, 2), [5]);
    // The vendor serves two a page, whatever is requested.
    assert_eq!(ordinals(&rising, more, 2, 100), [3, 4]);
    assert_eq!(ordinals(&rising[..1], last, 3, 100), [5]);

    assert_eq!(ordinals(&falling, more, 1, 2), [5, 4]);
    assert_eq!(ordinals(&falling, more, 2, 2), [3, 2]);
    assert_eq!(ordinals(&["", ""], "", 1, 2), [1, 2]);
    // A count that is too small must not make ids that are none.
    assert_eq!(ordinals(&falling, r#","count":1"#, 1, 2), [1, 1]);
}

#[test]
fn an_empty_chat_may_be_a_list() {
    let page = VendorPageRequest {
        page: 1,
        per_page: 40,
    };
    assert!(chat(r#"{"remote_chatrecords":[],"count":"0"}"#, page).is_empty());
    assert!(chat(r#"{"remote_chatrecords":{"contents":[]}}"#, page).is_empty());

    for json in [
        "{}",
        r#"{"remote_chatrecords":{}}"#,
        r#"{"remote_chatrecords":null}"#,
        r#"{"remote_chatrecords":{"contents":"x"}}"#,
    ] {
        assert!(
            decode::<wire::ChatRecords>(json.as_bytes()).is_err(),
            "{json}"
        );
    }
}

#[test]
fn a_summary_is_read_and_its_absence_is_a_code() {
    let summary = mapping::summary(read(SUMMARY)).expect("there is one");
    assert_eq!(summary.template.as_deref(), Some("服务总结模板名称"));
    assert_eq!(summary.fields.len(), 4);

    for (json, code) in [(NO_TEMPLATE, "120001"), (NO_SUMMARY, "120002")] {
        let outcome: wire::Outcome = read(json);
        assert_eq!(outcome.status, Loaded::some(code.to_owned()));
    }
}

#[test]
fn a_refusal_within_a_success_is_known_by_its_code() {
    let is_refused = |json: &str| {
        let outcome = decode_root(json.as_bytes()).expect("it is an object");
        mapping::failure_code(outcome).is_some()
    };
    for json in [
        r#"{"errcode":"100047","errmsg":"Invalid resource URI"}"#,
        r#"{"errcode":100047}"#,
        r#"{"state":"403","message":"user error"}"#,
        r#"{"status":500}"#,
        r#"{"status":"fail"}"#,
    ] {
        assert!(is_refused(json), "{json}");
    }
    for json in [
        r#"{"errcode":0,"errmsg":"ok"}"#,
        r#"{"errcode":"0"}"#,
        r#"{"status":"0","message":"Insert ok","data":false}"#,
        r#"{"status":200}"#,
        r#"{"status":"success"}"#,
        HISTORIES,
        SUMMARY,
        SUPPORTS,
        "{}",
    ] {
        assert!(!is_refused(json), "{json}");
    }
}

#[test]
fn the_agents_are_read_in_full_but_for_their_passwords() {
    let employees = employees(SUPPORTS);
    let first = &employees[0];
    assert_eq!(first.id.to_string(), "bangwo8:Employee:1");
    assert_eq!(first.detail, Detail::Full);
    assert_eq!(first.is_admin, Loaded::some(false));
    assert_eq!(first.is_active, Loaded::some(true));
    assert_eq!(first.mobile, Loaded::some("13800000001".to_owned()));
    let groups = first.groups.value().expect("they are loaded");
    assert_eq!(groups[1].id.to_string(), "bangwo8:EmployeeGroup:234");

    let second = &employees[1];
    assert_eq!(second.is_admin, Loaded::some(true));
    assert_eq!(second.is_active, Loaded::some(false));
    assert_eq!(second.email, Loaded::none());
    assert_eq!(second.groups.value().map(Vec::len), Some(0));
    assert_eq!(second.created_at, Loaded::none());

    let list: wire::Supports = read(SUPPORTS);
    assert!(SUPPORTS.contains("do-not-show"));
    assert!(!format!("{list:?}").contains("do-not-show"));
    assert_eq!(list.count, Loaded::some(2));
}

#[test]
fn every_field_but_the_id_may_be_missing_or_null_or_of_a_wrong_type() {
    let sample: Value = serde_json::from_str(HISTORIES).expect("the sample is JSON");
    let sample = &sample["remoterecords"][0];
    let fields = sample.as_object().expect("a record is an object");

    record("");
    for spoil in [
        "null",
        "\"x\"",
        "\"\"",
        "-1",
        "1e300",
        "1e999",
        "99999999999999999999",
        "[]",
        "{}",
        "[[{}]]",
        "true",
    ] {
        let spoilt: String = fields
            .keys()
            .filter(|name| *name != "csId")
            .map(|name| format!(r#","{name}":{spoil}"#))
            .collect();
        let record = record(&spoilt);
        assert_eq!(record.id.number.get(), 7, "{spoil}");
        assert!(record.created_at.value().is_none(), "{spoil}");

        employees(&format!(
            r#"{{"supports":[{{"sId":1,"groupId":{spoil},"isStat":{spoil},"name":{spoil},"createDT":{spoil}}}]}}"#
        ));
    }
}

#[test]
fn a_row_without_an_id_is_left_out_and_a_list_without_its_array_is_refused() {
    let refused = |json: &str| -> WrongShape {
        decode::<wire::Histories<wire::RemoteRecord>>(json.as_bytes())
            .expect_err("it can't be read")
    };
    let (list, unreadable) = with_unreadable(
        br#"{"remoterecords":[{"csId":1},{"csId":"x"},{"csId":2,"csStat":{}}]}"#,
        decode::<wire::Histories<wire::RemoteRecord>>,
    );
    let rows = list.expect("the other rows can be read").remoterecords;
    assert_eq!((rows.items.len(), rows.unreadable), (2, 1));
    let unreadable = unreadable.expect("it is said where");
    assert_eq!(unreadable.path, "remoterecords[1].csId");
    refused("{}");
    refused(r#"{"remoterecords":null}"#);
    refused(r#"{"remoterecords":"x"}"#);
    refused("503");
    assert!(decode::<wire::Supports>(br#"{"supports":[{"name":"x"}]}"#).is_err());
}
