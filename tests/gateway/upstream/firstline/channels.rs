//! The channel of a record and of its logs, from the words in the vendor's class names.

use serde_json::{Value, json};

use super::{log_of, record_id};
use crate::harness::Desk;

/// The channel for the last part of each class name.
const CLASSES: [(&str, &str); 46] = [
    ("App\\LivechatContentProvider", "LIVECHAT"),
    ("App\\LiveChatContentProvider", "LIVECHAT"),
    ("App\\Models\\Provider\\LivechatContentProvider", "LIVECHAT"),
    ("LivechatContentProvider", "LIVECHAT"),
    ("App\\LineContentProvider", "LINE"),
    ("App\\LINEContentProvider", "LINE"),
    ("App\\ContentProviderLine", "LINE"),
    ("App\\FbContentProvider", "FACEBOOK"),
    ("App\\FBContentProvider", "FACEBOOK"),
    ("App\\FacebookContentProvider", "FACEBOOK"),
    ("App\\FacebookMessengerContentProvider", "FACEBOOK"),
    ("App\\IgContentProvider", "INSTAGRAM"),
    ("App\\IGContentProvider", "INSTAGRAM"),
    ("App\\InstagramContentProvider", "INSTAGRAM"),
    ("App\\WhatsappContentProvider", "WHATSAPP"),
    ("App\\WhatsAppContentProvider", "WHATSAPP"),
    ("App\\TelegramContentProvider", "TELEGRAM"),
    ("App\\ViberContentProvider", "VIBER"),
    ("App\\WechatContentProvider", "WECHAT"),
    ("App\\WeChatContentProvider", "WECHAT"),
    ("App\\MailContentProvider", "EMAIL"),
    ("App\\EmailContentProvider", "EMAIL"),
    ("App\\EMailContentProvider", "EMAIL"),
    ("App\\SmsContentProvider", "SMS"),
    ("App\\SMSContentProvider", "SMS"),
    ("App\\PhoneContentProvider", "PHONE"),
    ("App\\CallContentProvider", "PHONE"),
    ("App\\PhoneCallContentProvider", "PHONE"),
    ("App\\VoiceContentProvider", "PHONE"),
    ("App\\Voice", "PHONE"),
    // Only whole words of the class name itself count.
    ("App\\OnlineConfigProvider", "UNKNOWN"),
    ("App\\OnlineContentProvider", "UNKNOWN"),
    ("App\\ConfigContentProvider", "UNKNOWN"),
    ("App\\DigitalContentProvider", "UNKNOWN"),
    ("App\\PipelineContentProvider", "UNKNOWN"),
    ("App\\SmsgatewayContentProvider", "UNKNOWN"),
    ("App\\CallbackContentProvider", "UNKNOWN"),
    ("App\\MailboxContentProvider", "UNKNOWN"),
    ("App\\LinesContentProvider", "UNKNOWN"),
    ("App\\MicrophoneContentProvider", "UNKNOWN"),
    ("App\\InvoiceContentProvider", "UNKNOWN"),
    ("App\\ChatContentProvider", "UNKNOWN"),
    ("App\\Line\\ContentProvider", "UNKNOWN"),
    ("App\\Fb\\RcsContentProvider", "UNKNOWN"),
    ("App\\TiktokContentProvider", "UNKNOWN"),
    ("\\", "UNKNOWN"),
];

const CHANNELS: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { channel logs { channel providerType } } } }";

#[tokio::test]
async fn a_channel_is_matched_as_a_whole_word_of_the_class_name() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    let mut expected = Vec::new();
    for (index, (class, channel)) in CLASSES.iter().enumerate() {
        let id = desk.sandbox.firstline_insert_record(json!({
            "id": 991_000 + index as i64, "logs": [log_of(1, json!("2024-03-01 10:00:00"), json!(class))],
        }));
        ids.push(record_id(id));
        let provider_type = (*channel == "UNKNOWN").then_some(*class);
        expected.push(json!({ "channel": channel, "logs": [{ "channel": channel, "providerType": provider_type }] }));
    }

    let data = desk.data(CHANNELS, json!({ "ids": ids })).await;
    for (index, (class, _)) in CLASSES.iter().enumerate() {
        assert_eq!(data["nodes"][index], expected[index], "{class}");
    }
}

#[tokio::test]
async fn the_channel_of_a_record_comes_from_its_newest_log() {
    let desk = Desk::open().await;
    let at = |time: &str| json!(format!("2024-03-01 {time}"));
    let class = |word: &str| json!(format!("App\\{word}ContentProvider"));
    // The logs as the vendor lists them, the channel of the record, and the ids of the logs, oldest first.
    let cases = [
        (
            json!([
                log_of(3, at("10:00:00"), class("Line")),
                log_of(2, at("10:00:01"), class("Fb")),
                log_of(1, at("09:59:59"), class("Sms"))
            ]),
            "FACEBOOK",
            json!([1, 3, 2]),
        ),
        // At the same time, the larger id is the newer one.
        (
            json!([
                log_of(12, at("10:00:00"), class("Line")),
                log_of(9, at("10:00:00"), class("Fb"))
            ]),
            "LINE",
            json!([9, 12]),
        ),
        // A log without a time counts as older than one with a time.
        (
            json!([
                log_of(9, Value::Null, class("Line")),
                log_of(1, at("10:00:00"), class("Fb"))
            ]),
            "FACEBOOK",
            json!([9, 1]),
        ),
        // The newest log decides, even if its channel is unknown.
        (
            json!([
                log_of(1, at("10:00:00"), class("Line")),
                log_of(2, at("10:00:01"), class("Rcs"))
            ]),
            "UNKNOWN",
            json!([1, 2]),
        ),
        (
            json!([
                log_of(1, at("10:00:00"), class("Line")),
                log_of(2, at("10:00:01"), Value::Null)
            ]),
            "UNKNOWN",
            json!([1, 2]),
        ),
        (json!([]), "UNKNOWN", json!([])),
        (Value::Null, "UNKNOWN", json!([])),
    ];
    let mut ids = Vec::new();
    for (index, (logs, ..)) in cases.iter().enumerate() {
        let record = json!({ "id": 991_100 + index as i64, "logs": logs });
        ids.push(record_id(desk.sandbox.firstline_insert_record(record)));
    }
    let without_logs = json!({ "id": 991_190, "$absent": ["logs"] });
    ids.push(record_id(
        desk.sandbox.firstline_insert_record(without_logs),
    ));
    let mut expected: Vec<_> = cases
        .iter()
        .map(|(_, channel, order)| {
            let logs: Vec<_> = order
                .as_array()
                .into_iter()
                .flatten()
                .map(|id| json!({ "id": format!("firstline:ServiceLog:{id}") }))
                .collect();
            json!({ "channel": channel, "logs": logs })
        })
        .collect();
    expected.push(json!({ "channel": "UNKNOWN", "logs": [] }));

    let query =
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceRecord { channel logs { id } } } }";
    let data = desk.data(query, json!({ "ids": ids })).await;
    assert_eq!(data["nodes"], json!(expected));
}

#[tokio::test]
async fn a_service_log_has_its_own_timestamps() {
    let desk = Desk::open().await;
    let id = desk.sandbox.firstline_insert_record(json!({ "id": 991_200, "logs": [{
        "id": "77", "enter_queue_at": "2024-03-01 10:00:00", "service_start_at": "2024-03-01 10:01:00",
        "service_end_at": "2024-03-01 10:03:20", "service_time": "140", "status": 5, "bound_type": 2,
        "provider_type": "App\\KioskProvider", "provider": null, "interact_collection_id": 1, "can_listen": 0,
    }] }));
    let query = "query($id: ID!) { serviceRecord(id: $id) { logs {
        id channel providerType queuedAt startedAt endedAt serviceSeconds statusCode canListen } } }";
    let data = desk.data(query, json!({ "id": record_id(id) })).await;
    assert_eq!(
        data["serviceRecord"]["logs"],
        json!([{
            "id": "firstline:ServiceLog:77", "channel": "UNKNOWN", "providerType": "App\\KioskProvider",
            "queuedAt": "2024-03-01T10:00:00+08:00", "startedAt": "2024-03-01T10:01:00+08:00",
            "endedAt": "2024-03-01T10:03:20+08:00", "serviceSeconds": 140, "statusCode": 5, "canListen": false,
        }])
    );
}
