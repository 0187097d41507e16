//! Bangwo8's remote-assistance records, field by field.

use deskgraph::sandbox::{Fault, FaultRule, SandboxOptions, credentials};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const DAY: &str = "2026-03-09";

/// A desk whose vendors have only the service records that the test inserts.
async fn empty_desk(options: DeskOptions) -> Desk {
    Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            service_records: 0,
            now: Some("2026-03-10T07:30:00Z".parse().expect("it is a timestamp")),
            ..SandboxOptions::default()
        },
        ..options
    })
    .await
}

/// Inserts a record and returns the selection of it.
async fn read_record(desk: &Desk, mut fields: Value, selection: &str) -> Value {
    if fields.get("csBTime").is_none() {
        fields["csBTime"] = json!("2026-3-9 10:21:10");
    }
    let number = desk.sandbox.bangwo8_insert_record(fields);
    let id = format!("bangwo8:ServiceRecord:{number}@{DAY}");
    let query = format!("query($id: ID!) {{ serviceRecord(id: $id) {{ {selection} }} }}");
    let mut data = desk.data(&query, json!({ "id": id })).await;
    data["serviceRecord"].take()
}

#[tokio::test]
async fn every_status_code_is_mapped_and_an_unknown_code_is_kept() {
    let desk = empty_desk(DeskOptions::default()).await;
    for (code, status) in [
        (json!(0), "INVALID"),
        (json!(1), "IN_SERVICE"),
        (json!("2"), "WAITING"),
        (json!(3), "EXTENDED"),
        (json!("4"), "ON_HOLD"),
        (json!(5), "COMPLETED"),
        (json!(6), "UNKNOWN"),
        (json!(-1), "UNKNOWN"),
    ] {
        let record = read_record(&desk, json!({ "csStat": code }), "status channel").await;
        let expected = json!({ "status": status, "channel": "REMOTE_ASSISTANCE" });
        assert_eq!(record, expected, "{code}");
    }
}

#[tokio::test]
async fn times_are_read_in_the_vendors_zone_and_an_ended_record_has_a_duration() {
    let desk = empty_desk(DeskOptions::default()).await;
    let times = "createdAt startedAt queuedAt endedAt durationSeconds";

    let ended = read_record(
        &desk,
        json!({ "csBTime": "2026-3-9 9:05:07", "csETime": "2026-03-09 10:00:00", "csStat": 5 }),
        times,
    )
    .await;
    assert_eq!(
        ended,
        json!({
            "createdAt": "2026-03-09T09:05:07+08:00", "startedAt": "2026-03-09T09:05:07+08:00",
            "queuedAt": null, "endedAt": "2026-03-09T10:00:00+08:00", "durationSeconds": 3293,
        })
    );

    for nothing in [json!(""), json!("0000-00-00 00:00:00"), json!(null)] {
        let fields = json!({ "csETime": nothing, "csStat": 1 });
        let in_flight = read_record(&desk, fields, times).await;
        assert_eq!(in_flight["endedAt"], Value::Null, "{nothing}");
        assert_eq!(in_flight["durationSeconds"], Value::Null);
        assert_eq!(in_flight["startedAt"], "2026-03-09T10:21:10+08:00");
    }

    let at_once = read_record(
        &desk,
        json!({ "csETime": "2026-03-09 10:21:10", "csStat": 5 }),
        times,
    )
    .await;
    assert_eq!(at_once["durationSeconds"], 0);
}

#[tokio::test]
async fn a_payment_is_exact_and_null_if_nothing_was_charged() {
    let desk = empty_desk(DeskOptions::default()).await;
    let selection = "payment { price { amount currency } status paidAt }";
    for (price, code, amount, status) in [
        (json!({ "$bare": "234.00" }), json!(1), "234.00", "PAID"),
        (json!("12.50"), json!("2"), "12.50", "FAILED"),
        (json!({ "$bare": "0.1" }), json!(3), "0.1", "PAGE_OPENED"),
        (json!({ "$bare": "0.00" }), json!(4), "0.00", "DEDUCTED"),
        (
            json!({ "$bare": "12345678901234567890.12" }),
            json!(0),
            "12345678901234567890.12",
            "UNPAID",
        ),
        (json!(19), json!(9), "19", "UNKNOWN"),
    ] {
        let fields =
            json!({ "csPrice": price, "payStat": code, "payDateTime": "2026-3-9 11:00:00" });
        let record = read_record(&desk, fields, selection).await;
        let expected = json!({
            "price": { "amount": amount, "currency": "CNY" },
            "status": status,
            "paidAt": "2026-03-09T11:00:00+08:00",
        });
        assert_eq!(record["payment"], expected);
    }

    for (price, code) in [
        (json!({ "$bare": "0.00" }), json!(0)),
        (json!("0"), json!("0")),
        (json!(0), json!(0)),
    ] {
        let fields = json!({ "csPrice": price, "payStat": code, "payDateTime": "" });
        let record = read_record(&desk, fields, selection).await;
        assert_eq!(record["payment"], Value::Null);
    }
    let lacking = json!({ "$absent": ["csPrice", "payStat", "payDateTime"] });
    assert_eq!(
        read_record(&desk, lacking, selection).await["payment"],
        Value::Null
    );

    let unpaid = json!({ "csPrice": "8.00", "payStat": 0, "payDateTime": "0000-00-00 00:00:00" });
    let unpaid = read_record(&desk, unpaid, selection).await;
    assert_eq!(unpaid["payment"]["paidAt"], Value::Null);
}

#[tokio::test]
async fn a_rating_is_mapped_from_five_to_one_and_zero_is_null() {
    let desk = empty_desk(DeskOptions::default()).await;
    for (score, name) in [
        (json!(5), "GOOD"),
        (json!("3"), "NEUTRAL"),
        (json!(1), "BAD"),
        (json!(2), "UNKNOWN"),
    ] {
        let fields = json!({ "commentScore": score, "comment": "这里是评价内容" });
        let record = read_record(&desk, fields, "rating { score comment }").await;
        let expected = json!({ "score": name, "comment": "这里是评价内容" });
        assert_eq!(record["rating"], expected);
    }
    for none in [
        json!({ "commentScore": 0, "comment": "" }),
        json!({ "commentScore": "0" }),
        json!({ "$absent": ["commentScore", "comment"] }),
    ] {
        let record = read_record(&desk, none, "rating { score comment }").await;
        assert_eq!(record["rating"], Value::Null);
    }
    let silent = json!({ "commentScore": 5, "comment": "" });
    let silent = read_record(&desk, silent, "rating { score comment }").await;
    assert_eq!(
        silent["rating"],
        json!({ "score": "GOOD", "comment": null })
    );
}

#[tokio::test]
async fn the_sample_record_of_the_vendors_documentation_is_read_completely() {
    let desk = empty_desk(DeskOptions::default()).await;
    let sample = json!({
        "csId": 123, "csStat": 5, "csServicerId": 223, "uniqueNumber": "028978980", "csSId": 31,
        "companyName": "金万维科技有限公司", "contactor": "张三", "contactMethod": "13240138478",
        "ComputerName": "这里是主机备注", "note": "这里是问题描述", "ProblemSolution": "这里是解决办法",
        "isFinish": 1, "ChatRecord": 1, "Remote": 1, "TransferFile": "1", "FileCount": "3",
        "custom_fields": [
            { "key": "field_1", "value": "4334" },
            { "key": "field_3", "value": ["北京", "海淀", "中关村"] },
            { "key": "field_2", "value": "" },
            { "key": "field_5", "value": 7 },
        ],
    });
    let record = read_record(
        &desk,
        sample,
        "id vendor vendorId problem solution memo isResolved customFields { key values }
         contact { id name company contactMethod membershipNo identityNo birthDate }
         remoteSession { clientId host serviceCardId hasChat hasRemoteControl hasFileTransfer fileCount }
         logs { id } wrapUpCompletedAt boundType result { id } sponsor { id }",
    )
    .await;
    assert_eq!(
        record,
        json!({
            "id": "bangwo8:ServiceRecord:123@2026-03-09", "vendor": "BANGWO8", "vendorId": "123",
            "problem": "这里是问题描述", "solution": "这里是解决办法", "memo": null, "isResolved": true,
            "customFields": [
                { "key": "field_1", "values": ["4334"] },
                { "key": "field_3", "values": ["北京", "海淀", "中关村"] },
                { "key": "field_2", "values": [] },
                { "key": "field_5", "values": ["7"] },
            ],
            "contact": {
                "id": null, "name": "张三", "company": "金万维科技有限公司", "contactMethod": "13240138478",
                "membershipNo": null, "identityNo": null, "birthDate": null,
            },
            "remoteSession": {
                "clientId": "028978980", "host": "这里是主机备注", "serviceCardId": "31", "hasChat": true,
                "hasRemoteControl": true, "hasFileTransfer": true, "fileCount": 3,
            },
            "logs": [], "wrapUpCompletedAt": null, "boundType": null, "result": null, "sponsor": null,
        })
    );
}

#[tokio::test]
async fn a_record_with_only_an_id_is_returned() {
    let desk = empty_desk(DeskOptions::default()).await;
    let absent = [
        "csIdS",
        "csETime",
        "csStat",
        "csServicerId",
        "csServicerAgentId",
        "uniqueNumber",
        "csPrice",
        "payStat",
        "payDateTime",
        "companyName",
        "contactor",
        "contactMethod",
        "ComputerName",
        "ptId",
        "ptChildId",
        "ptThird",
        "note",
        "ProblemSolution",
        "commentScore",
        "comment",
        "isFinish",
        "ChatRecord",
        "Remote",
        "TransferFile",
        "FileCount",
        "custom_fields",
        "contents",
    ];
    let selection =
        "status handler { id } contact { name } problem solution isResolved rating { score }
        category { id } customFields { key } payment { status } endedAt durationSeconds
        remoteSession { clientId hasChat fileCount }";
    let record = read_record(&desk, json!({ "$absent": absent }), selection).await;
    assert_eq!(
        record,
        json!({
            "status": null, "handler": null, "contact": null, "problem": null, "solution": null, "isResolved": null,
            "rating": null, "category": null, "customFields": null, "payment": null, "endedAt": null,
            "durationSeconds": null, "remoteSession": { "clientId": null, "hasChat": false, "fileCount": null },
        })
    );

    let blank = json!({
        "contactor": "", "companyName": "", "contactMethod": "", "isFinish": 0, "custom_fields": [], "note": "",
    });
    let record = read_record(
        &desk,
        blank,
        "contact { name } isResolved customFields { key } problem",
    )
    .await;
    let expected =
        json!({ "contact": null, "isResolved": false, "customFields": [], "problem": null });
    assert_eq!(record, expected);
}

#[tokio::test]
async fn a_handler_comes_from_the_directory_and_is_only_an_id_if_it_is_missing_there() {
    let selection =
        "handler { id vendor vendorId name employeeNo email isActive groups { id name } }";
    let desk = empty_desk(DeskOptions::default()).await;
    let handled = read_record(&desk, json!({ "csServicerId": 207 }), selection).await;
    assert_eq!(handled["handler"]["id"], "bangwo8:Employee:207");
    assert_eq!(handled["handler"]["name"], "张伟");
    assert_eq!(handled["handler"]["isActive"], true);

    let id_alone = |number: &str| {
        json!({
            "id": format!("bangwo8:Employee:{number}"), "vendor": "BANGWO8", "vendorId": number,
            "name": null, "employeeNo": null, "email": null, "isActive": null, "groups": null,
        })
    };
    let left = read_record(&desk, json!({ "csServicerId": "299" }), selection).await;
    assert_eq!(left["handler"], id_alone("299"));
    for none in [json!(0), json!("0"), json!(""), json!(null)] {
        let unhandled = read_record(&desk, json!({ "csServicerId": none }), selection).await;
        assert_eq!(unhandled["handler"], Value::Null);
    }

    let desk = empty_desk(DeskOptions::default()).await;
    let bangwo8 = desk.sandbox.bangwo8();
    bangwo8.change_switches(|switches| switches.supports_are_forbidden = true);
    let without_directory = read_record(&desk, json!({ "csServicerId": 207 }), selection).await;
    assert_eq!(without_directory["handler"], id_alone("207"));

    // An outage is different from a missing agent: it nulls the relation, with one error.
    let desk = empty_desk(DeskOptions::default()).await;
    let outage = FaultRule::new("/supports", Fault::HtmlError { code: 500 });
    desk.sandbox.bangwo8().add_fault(outage);
    let number = desk
        .sandbox
        .bangwo8_insert_record(json!({ "csBTime": "2026-3-9 10:00:00" }));
    let query = format!(
        "{{ serviceRecord(id: \"bangwo8:ServiceRecord:{number}@{DAY}\") {{ status handler {{ name employeeNo }} }} }}"
    );
    let (error, data) = desk.execute_failing(&query, json!({})).await;
    assert_eq!(error["path"], json!(["serviceRecord", "handler"]));
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(
        data["serviceRecord"],
        json!({ "status": "COMPLETED", "handler": null })
    );
}

#[tokio::test]
async fn a_missing_summary_is_null_without_an_error_for_either_http_status() {
    let selection = "summary { template fields { key values } }";
    for (status, as_number) in [(200, false), (404, false), (200, true)] {
        let desk = empty_desk(DeskOptions::default()).await;
        desk.sandbox.bangwo8().change_switches(|switches| {
            switches.absent_summary_status = status;
            switches.summary_status_is_number = as_number;
        });
        let insert = || {
            let fields = json!({ "csBTime": "2026-3-9 10:00:00" });
            desk.sandbox.bangwo8_insert_record(fields)
        };
        let (filled, blank, none) = (insert(), insert(), insert());
        desk.sandbox.bangwo8_set_summary(
            filled,
            json!({ "status": "200", "message": "Successful", "data": { "serviceSummary": {
                "ticketTemplateName": "服务总结模板名称",
                "custom_fields": [
                    { "key": "field_1", "value": "4334" },
                    { "key": "field_4", "value": ["甲", "乙"] },
                ],
            } } }),
        );
        desk.sandbox.bangwo8_set_summary(
            blank,
            json!({ "status": "120002", "message": "No service summary information" }),
        );

        let record = |number| {
            format!("serviceRecord(id: \"bangwo8:ServiceRecord:{number}@{DAY}\") {{ {selection} }}")
        };
        let query = format!(
            "{{ filled: {} blank: {} none: {} }}",
            record(filled),
            record(blank),
            record(none)
        );
        let data = desk.execute(&query).await;
        assert_eq!(
            data["filled"]["summary"],
            json!({ "template": "服务总结模板名称", "fields": [
                { "key": "field_1", "values": ["4334"] },
                { "key": "field_4", "values": ["甲", "乙"] },
            ] })
        );
        assert_eq!(data["blank"], json!({ "summary": null }), "{status}");
        assert_eq!(data["none"], json!({ "summary": null }), "{status}");

        let requests = desk
            .sandbox
            .bangwo8()
            .requests_to("/api/v1/servicesummary/{id_json}");
        assert_eq!(requests.len(), 3);
        assert!(
            requests
                .iter()
                .all(|call| call.query_value("servicesummary_type") == Some("3"))
        );
    }
}

#[tokio::test]
async fn client_credentials_are_exchanged_once_and_again_after_the_token_is_rejected() {
    let desk = empty_desk(
        DeskOptions::default()
            .set("BANGWO8__ACCOUNT", "")
            .set("BANGWO8__PASSWORD", "")
            .set("BANGWO8__CLIENT_ID", credentials::BANGWO8_CLIENT_ID)
            .set("BANGWO8__CLIENT_SECRET", credentials::BANGWO8_CLIENT_SECRET)
            .set("CACHE__ENABLED", false),
    )
    .await;
    let logins = || desk.sandbox.bangwo8().requests_to("/api/token.php").len();
    let query = "{ a: serviceRecords { totalCount } b: employees(filter: { vendors: [BANGWO8] }) { totalCount } }";
    for _ in 0..3 {
        desk.execute(query).await;
    }
    assert_eq!(logins(), 1);
    let requests = desk.sandbox.bangwo8().requests();
    let of_lists = requests
        .iter()
        .filter(|request| request.path.ends_with("s.json"));
    assert!(of_lists.clone().count() >= 6);
    for request in of_lists {
        assert_eq!(
            request.authorized_as.as_deref(),
            Some(credentials::BANGWO8_CLIENT_ID)
        );
    }

    desk.sandbox.bangwo8_expire_tokens();
    let data = desk.execute(query).await;
    assert_eq!(data["b"]["totalCount"], 40);
    assert_eq!(logins(), 2);
}
