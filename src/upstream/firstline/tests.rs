//! The vendor's own samples, and damaged ones, through the wire and the mapping.

use reqwest::Url;
use serde_json::Value;

use super::{
    mapping::{self, Mapping},
    wire,
};
use crate::{
    domain::{
        ChatMessageKind, ChatRole, Detail, Employee, Loaded, Photo, ServiceChannel, ServiceRecord,
        ServiceRecordStatus, Ticket, TicketPriority, TicketStatus, Transcript, VendorZone,
    },
    error::FieldFault,
    upstream::wire::{HasId, Identified, Readable, WrongShape, decode, with_unreadable},
};

const SERVICE_RECORDS: &str =
    include_str!("../../../tests/fixtures/firstline/service_records.json");
const SERVICE_RECORD: &str = include_str!("../../../tests/fixtures/firstline/service_record.json");
const SERVICE_RECORD_2021: &str =
    include_str!("../../../tests/fixtures/firstline/service_record_2021.json");
const UPDATED_SERVICE_RECORD: &str =
    include_str!("../../../tests/fixtures/firstline/updated_service_record.json");
const WRAP_UP_LOCK: &str = include_str!("../../../tests/fixtures/firstline/wrap_up_lock.json");
const TICKETS: &str = include_str!("../../../tests/fixtures/firstline/tickets.json");
const TICKET: &str = include_str!("../../../tests/fixtures/firstline/ticket.json");
const CREATED_TICKET: &str = include_str!("../../../tests/fixtures/firstline/created_ticket.json");
const UPDATED_TICKET: &str = include_str!("../../../tests/fixtures/firstline/updated_ticket.json");
const EMPLOYEES: &str = include_str!("../../../tests/fixtures/firstline/employees.json");
const SPONSORS: &str = include_str!("../../../tests/fixtures/firstline/sponsors.json");
const TERMINATION_CODES: &str =
    include_str!("../../../tests/fixtures/firstline/termination_codes.json");
const CATEGORIES: &str = include_str!("../../../tests/fixtures/firstline/categories.json");
const SUBCATEGORIES: &str = include_str!("../../../tests/fixtures/firstline/subcategories.json");

fn with_mapping<T>(use_it: impl FnOnce(Mapping<'_>) -> T) -> T {
    let zone = VendorZone::named("Asia/Taipei").expect("the zone is bundled");
    let base_url = Url::parse("https://desk.example/tenant/").expect("it is an address");
    use_it(Mapping {
        zone: &zone,
        base_url: &base_url,
    })
}

fn read<T: Readable>(json: &str) -> T {
    decode(json.as_bytes()).expect("the sample has the right shape")
}

fn list<T: HasId>(json: &str) -> Vec<Identified<T>> {
    let list: wire::List<T> = read(json);
    list.data.items
}

fn service_record(json: &str) -> ServiceRecord {
    let wire = read(json);
    with_mapping(|mapping| mapping.service_record(wire, Detail::Full))
}

fn excerpt(json: &str) -> ServiceRecord {
    let wire = read(json);
    with_mapping(|mapping| mapping.service_record(wire, Detail::Excerpt))
}

fn ticket(json: &str) -> Ticket {
    let wire = read(json);
    with_mapping(|mapping| mapping.ticket(wire))
}

fn tickets() -> Vec<Ticket> {
    let wire = list(TICKETS);
    with_mapping(|mapping| wire.into_iter().map(|wire| mapping.ticket(wire)).collect())
}

fn employee(json: &str, detail: Detail) -> Employee {
    let wire = read(json);
    with_mapping(|mapping| mapping.employee(wire, detail))
}

fn printed<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn messages(record: &ServiceRecord) -> Option<usize> {
    match record.transcript.value()? {
        Transcript::Held(messages) => Some(messages.len()),
        Transcript::Listed | Transcript::Elsewhere => None,
    }
}

#[test]
fn a_listed_record_has_all_that_the_page_shows() {
    let records = list(SERVICE_RECORDS);
    let record = records.into_iter().next().expect("the list has a record");
    let record = with_mapping(|mapping| mapping.service_record(record, Detail::Full));

    assert_eq!(record.id.to_string(), "firstline:ServiceRecord:491");
    assert_eq!(record.channel, Loaded::some(ServiceChannel::Livechat));
    assert_eq!(record.status, Loaded::some(ServiceRecordStatus::InService));
    assert_eq!(
        printed(record.created_at.value()).as_deref(),
        Some("2021-05-06T12:23:25+08:00")
    );
    assert_eq!(
        printed(record.queued_at.value()).as_deref(),
        Some("2021-04-14T13:36:35+08:00")
    );
    assert_eq!(record.ended_at, Loaded::none());
    assert_eq!(record.duration_seconds, Loaded::none());
    assert_eq!(record.bound_type, Loaded::some(1));
    assert!(record.result.is_loaded() && record.result.value().is_none());
    assert!(record.sponsor.is_loaded() && record.sponsor.value().is_none());
    assert_eq!(record.wrap_up_completed_at, Loaded::none());

    let contact = record
        .contact
        .value()
        .expect("the visitor stands for a contact");
    assert_eq!(contact.id, None);
    assert_eq!(
        contact.name.as_deref(),
        Some("00000000-0000-4000-8000-000000000001")
    );

    let logs = record.logs.value().expect("the logs are loaded");
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].channel, ServiceChannel::Livechat);
    assert_eq!(logs[0].provider_type, None);
    assert_eq!(logs[0].can_listen, Some(true));

    let Some(Transcript::Held(messages)) = record.transcript.value() else {
        panic!("the messages are in the record");
    };
    assert_eq!(messages[0].id.to_string(), "firstline:ChatMessage:491/2675");
    assert_eq!(messages[0].text.as_deref(), Some("哈囉"));
    assert_eq!(messages[0].kind, ChatMessageKind::Text);
    assert_eq!(messages[0].sender.role, ChatRole::Customer);
    assert!(!messages[0].is_survey);
}

#[test]
fn the_handler_of_a_record_is_a_copy_that_hides_nothing_of_the_directory() {
    let record = service_record(SERVICE_RECORD);
    let handler = record.handler.value().expect("it has a handler");

    assert_eq!(handler.detail, Detail::Excerpt);
    assert_eq!(handler.name, Loaded::some("Alex Chen".to_owned()));
    assert_eq!(handler.extension, Loaded::some("8002".to_owned()));
    assert_eq!(handler.job_title, Loaded::none());
    assert_eq!(handler.department, Loaded::none());
    assert_eq!(handler.photo, Loaded::none());
    assert_eq!(handler.email, Loaded::NotLoaded);
    assert_eq!(handler.mobile, Loaded::NotLoaded);
    assert_eq!(handler.is_admin, Loaded::NotLoaded);
    assert_eq!(handler.is_active, Loaded::NotLoaded);

    let groups = handler.groups.value().expect("the group is loaded");
    assert_eq!(groups[0].id.to_string(), "firstline:EmployeeGroup:1");
    assert_eq!(groups[0].name.as_deref(), Some("客服小組"));
    let supervisor = groups[0].supervisor.as_ref().expect("it has a supervisor");
    assert_eq!(supervisor.id.to_string(), "firstline:Employee:4");
    assert_eq!(supervisor.detail, Detail::Reference);
}

#[test]
fn a_record_whose_log_leaves_out_the_provider_leaves_its_messages_to_the_list() {
    let newer = service_record(SERVICE_RECORD);
    assert!(matches!(newer.transcript.value(), Some(Transcript::Listed)));
    assert_eq!(messages(&service_record(SERVICE_RECORD_2021)), Some(1));

    let phone = r#"{"id":1,"logs":[{"id":1,"provider_type":"App\\PhoneContentProvider"}]}"#;
    assert_eq!(messages(&service_record(phone)), Some(0));
    let null =
        r#"{"id":1,"logs":[{"id":1,"provider_type":"App\\LineContentProvider","provider":null}]}"#;
    assert_eq!(messages(&service_record(null)), Some(0));
    assert_eq!(messages(&service_record(r#"{"id":1,"logs":[]}"#)), Some(0));
}

#[test]
fn no_secret_of_an_answer_enters_the_gateway() {
    let records: wire::List<wire::ServiceRecord> = read(SERVICE_RECORDS);
    let record: Identified<wire::ServiceRecord> = read(SERVICE_RECORD_2021);
    let shown = format!("{records:?} {record:?}");

    assert!(SERVICE_RECORDS.contains("do-not-show"));
    assert!(SERVICE_RECORD_2021.contains("do-not-show"));
    assert!(!shown.contains("do-not-show"));
}

#[test]
fn the_status_follows_the_steps_of_a_record() {
    let status = |fields: &str| service_record(&format!(r#"{{"id":1{fields}}}"#)).status;
    use ServiceRecordStatus::*;

    assert_eq!(status(""), Loaded::some(Waiting));
    assert_eq!(
        status(r#","first_start_service_at":"2021-05-06 12:23:25""#),
        Loaded::some(InService)
    );
    assert_eq!(
        status(r#","last_finished_at":"2021-05-06 12:23:25""#),
        Loaded::some(WrapUp)
    );
    assert_eq!(
        status(r#","acw_at":"2021-05-06 12:23:25""#),
        Loaded::some(Completed)
    );
    assert_eq!(
        status(r#","is_acw_completed":"1""#),
        Loaded::some(Completed)
    );
    assert_eq!(
        status(r#","is_acw_completed":0,"acw_at":"0000-00-00 00:00:00""#),
        Loaded::some(Waiting)
    );
}

#[test]
fn an_excerpt_without_the_start_of_service_does_not_load_the_status() {
    let open = r#"{"id":1,"is_acw_completed":false,"acw_at":null,"last_finished_at":null}"#;
    assert_eq!(excerpt(open).status, Loaded::NotLoaded);
    assert_eq!(
        excerpt(&open.replace("\"id\":1", "\"id\":1,\"first_start_service_at\":null")).status,
        Loaded::some(ServiceRecordStatus::Waiting)
    );
    assert_eq!(excerpt(r#"{"id":1}"#).status, Loaded::NotLoaded);
}

#[test]
fn a_record_inside_a_ticket_is_an_excerpt() {
    let tickets = tickets();
    let records = tickets[1]
        .service_records
        .value()
        .expect("the list has them");
    assert_eq!(records.len(), 2);

    let record = &records[1];
    assert_eq!(record.detail, Detail::Excerpt);
    assert_eq!(record.status, Loaded::some(ServiceRecordStatus::Completed));
    assert_eq!(record.created_at, Loaded::NotLoaded);
    assert_eq!(record.started_at, Loaded::NotLoaded);
    assert_eq!(record.duration_seconds, Loaded::NotLoaded);
    assert_eq!(record.channel, Loaded::NotLoaded);
    assert!(!record.contact.is_loaded());
    assert!(!record.logs.is_loaded());
    assert!(!record.transcript.is_loaded());
    assert!(!record.custom_fields.is_loaded());
    assert_eq!(record.memo, Loaded::some("這次不知道幹嘛".to_owned()));
    // What the vendor does not have at all is known without asking again.
    assert_eq!(record.problem, Loaded::none());

    let result = record.result.value().expect("its number is loaded");
    assert_eq!(result.detail, Detail::Reference);
    let sponsor = record.sponsor.value().expect("its number is loaded");
    assert_eq!(sponsor.detail, Detail::Reference);
}

#[test]
fn a_duration_is_never_negative() {
    let backwards = r#"{"id":1,"first_start_service_at":"2021-05-06 12:00:01","last_finished_at":"2021-05-06 12:00:00"}"#;
    assert_eq!(service_record(backwards).duration_seconds, Loaded::none());
    let forwards = r#"{"id":1,"first_start_service_at":"2021-05-06 12:00:00","last_finished_at":"2021-05-06 12:01:01"}"#;
    assert_eq!(service_record(forwards).duration_seconds, Loaded::some(61));
}

#[test]
fn the_channel_is_a_whole_word_of_the_class_name() {
    use ServiceChannel::*;

    for (class, channel) in [
        ("LivechatContentProvider", Livechat),
        ("LineContentProvider", Line),
        ("LINEContentProvider", Line),
        ("FbContentProvider", Facebook),
        ("FacebookContentProvider", Facebook),
        ("IgContentProvider", Instagram),
        ("InstagramContentProvider", Instagram),
        ("WhatsappContentProvider", Whatsapp),
        ("WhatsAppContentProvider", Whatsapp),
        ("TelegramContentProvider", Telegram),
        ("ViberContentProvider", Viber),
        ("WechatContentProvider", Wechat),
        ("EmailContentProvider", Email),
        ("MailContentProvider", Email),
        ("SMSContentProvider", Sms),
        ("SmsContentProvider", Sms),
        ("PhoneContentProvider", Phone),
        ("CallProvider", Phone),
        ("VoiceProvider", Phone),
        ("OnlineConfigProvider", Unknown),
        ("CallbackProvider", Unknown),
        ("ContentProvider", Unknown),
        ("提供者", Unknown),
    ] {
        let json = format!(
            r#"{{"id":1,"logs":[{{"id":1,"provider_type":"App\\{class}","provider":{{}}}}]}}"#
        );
        let record = service_record(&json);
        assert_eq!(record.channel, Loaded::some(channel), "{class}");

        let logs = record.logs.value().expect("the logs are loaded");
        let kept = logs[0].provider_type.as_deref();
        let expected = (channel == Unknown).then(|| format!("App\\{class}"));
        assert_eq!(kept, expected.as_deref(), "{class}");
    }
}

#[test]
fn the_newest_log_decides_the_channel_and_logs_are_oldest_first() {
    let record = service_record(
        r#"{"id":1,"logs":[
            {"id":3,"enter_queue_at":"2021-05-06 12:00:00","provider_type":"App\\LineContentProvider","provider":{}},
            {"id":2,"enter_queue_at":"2021-05-06 12:00:00","provider_type":"App\\FbContentProvider","provider":{}},
            {"id":9,"enter_queue_at":"2021-05-05 12:00:00","provider_type":"App\\SmsContentProvider","provider":{}}
        ]}"#,
    );
    assert_eq!(record.channel, Loaded::some(ServiceChannel::Line));
    let logs = record.logs.value().expect("the logs are loaded");
    let numbers: Vec<_> = logs.iter().map(|log| log.id.number.get()).collect();
    assert_eq!(numbers, [9, 2, 3]);
}

#[test]
fn flags_decide_the_role_of_a_sender() {
    for (flags, role) in [
        (r#""is_system":true,"is_contact":true"#, ChatRole::System),
        (r#""is_contact":1"#, ChatRole::Customer),
        (r#""is_kb":"1","is_contact":false"#, ChatRole::Bot),
        (
            r#""is_contact":false,"is_system":false,"is_kb":false"#,
            ChatRole::Agent,
        ),
        (r#""sender_id":5"#, ChatRole::Unknown),
    ] {
        let record = service_record(&format!(
            r#"{{"id":1,"logs":[{{"id":1,"provider":{{"message":[{{"id":7,"type":"IMAGE","content":{{"url":"x"}},{flags}}}]}}}}]}}"#
        ));
        let Some(Transcript::Held(messages)) = record.transcript.value() else {
            panic!("the messages are in the record");
        };
        assert_eq!(messages[0].sender.role, role, "{flags}");
        assert_eq!(messages[0].kind, ChatMessageKind::Image);
        assert_eq!(messages[0].text, None);
        assert_eq!(messages[0].raw_type.as_deref(), Some("IMAGE"));
    }
}

#[test]
fn a_contact_may_be_an_object_or_a_number() {
    let number = service_record(r#"{"id":1,"contact_id":5,"contact":null}"#);
    let contact = number.contact.value().expect("the number is a contact");
    assert_eq!(
        printed(contact.id.as_ref()).as_deref(),
        Some("firstline:Contact:5")
    );
    assert_eq!(contact.name, None);

    let tickets = tickets();
    let contact = tickets[1].contact.as_ref().expect("it has a contact");
    assert_eq!(contact.name.as_deref(), Some("王 小明"));
    assert_eq!(contact.identity_no.as_deref(), Some("X000000001"));
    assert_eq!(contact.birth_date.as_deref(), Some("1980-01-02"));
    assert_eq!(contact.membership_no, None);
    assert!(tickets[0].contact.is_none());
}

#[test]
fn a_listed_ticket_has_all_that_the_page_shows() {
    let tickets = tickets();
    assert_eq!(tickets.len(), 2);

    let ticket = &tickets[0];
    assert_eq!(ticket.id.to_string(), "firstline:Ticket:67");
    assert_eq!(ticket.status, TicketStatus::Pending);
    assert_eq!(ticket.priority, TicketPriority::Low);
    assert_eq!(ticket.due_at, None);
    assert_eq!(
        printed(ticket.created_at.as_ref()).as_deref(),
        Some("2019-04-16T14:45:12+08:00")
    );
    let creator = ticket.creator.value().expect("the list has the creator");
    assert_eq!(
        creator.photo,
        Loaded::some(Photo::OfVendor("/employee/7/photo".to_owned()))
    );

    let category = ticket.category.as_ref().expect("it has a category");
    assert_eq!(category.id.to_string(), "firstline:Category:2-26");
    assert_eq!(category.detail, Detail::Full);
    let parent = category.parent.as_ref().expect("it has a parent");
    assert_eq!(parent.id.to_string(), "firstline:Category:1-1");
    assert_eq!(parent.name.as_deref(), Some("電話功能"));

    let code = tickets[1].termination_code.as_ref().expect("it has one");
    assert_eq!(code.status, TicketStatus::Pending);
    assert_eq!(tickets[1].status, TicketStatus::Resolved);
}

#[test]
fn a_single_ticket_is_read_wrapped_or_bare_and_does_not_load_two_fields() {
    for json in [TICKET, UPDATED_TICKET, CREATED_TICKET] {
        let ticket = ticket(json);
        assert_eq!(ticket.id.to_string(), "firstline:Ticket:1");
        assert!(!ticket.creator.is_loaded());
        assert!(!ticket.service_records.is_loaded());
    }
}

#[test]
fn the_category_of_a_ticket_is_put_together_from_what_is_there() {
    let category = |fields: &str| {
        let ticket = ticket(&format!(r#"{{"id":1,{fields}}}"#));
        let category = ticket.category?;
        let parent = category.parent.as_ref().map(|parent| parent.id.to_string());
        Some((category.id.to_string(), category.detail, parent))
    };
    let named = |id: &str, detail, parent: Option<&str>| {
        Some((
            format!("firstline:Category:{id}"),
            detail,
            parent.map(|id| format!("firstline:Category:{id}")),
        ))
    };

    assert_eq!(category(r#""category_id":-1"#), None);
    assert_eq!(
        category(r#""category_id":4"#),
        named("1-4", Detail::Reference, None)
    );
    assert_eq!(
        category(r#""sub_category_id":7"#),
        named("2-7", Detail::Reference, None)
    );
    assert_eq!(
        category(r#""sub_category":{"id":7},"category":{"id":4}"#),
        named("2-7", Detail::Excerpt, Some("1-4"))
    );
    assert_eq!(
        category(r#""sub_category":{"id":7,"category_id":5},"category":{"id":4}"#),
        named("2-7", Detail::Excerpt, Some("1-5"))
    );
    assert_eq!(
        category(r#""sub_category":{"id":7,"category_id":null},"category":{"id":4}"#),
        named("2-7", Detail::Excerpt, None)
    );
}

#[test]
fn the_employees_list_has_them_in_full() {
    let wire = list(EMPLOYEES);
    let employees: Vec<_> = with_mapping(|mapping| {
        wire.into_iter()
            .map(|wire| mapping.employee(wire, Detail::Full))
            .collect()
    });
    assert_eq!(employees.len(), 3);

    let employee = &employees[0];
    assert_eq!(employee.job_title, Loaded::some("銷售專員".to_owned()));
    assert_eq!(employee.department, Loaded::none());
    assert_eq!(employee.extension, Loaded::none());
    assert_eq!(employee.mobile, Loaded::none());
    assert_eq!(employee.is_admin, Loaded::none());
    assert_eq!(employee.is_active, Loaded::some(true));
    assert_eq!(employee.email, Loaded::none());
}

#[test]
fn an_employee_is_read_field_by_field() {
    let read = |fields: &str| employee(&format!(r#"{{"id":1,{fields}}}"#), Detail::Excerpt);

    assert_eq!(read(r#""job_title_id":21"#).job_title, Loaded::NotLoaded);
    let none = read(r#""job_title_id":-1,"job_title":{"id":21,"name":"x"}"#);
    assert_eq!(none.job_title, Loaded::none());
    assert_eq!(read(r#""role":"admin""#).is_admin, Loaded::some(true));
    assert_eq!(
        read(r#""role":"Administrator""#).is_admin,
        Loaded::some(true)
    );
    assert_eq!(read(r#""role":"agent""#).is_admin, Loaded::some(false));
    assert_eq!(read(r#""role":"""#).is_admin, Loaded::none());
    let groups = read(r#""group_id":null"#).groups;
    assert_eq!(groups.value().map(Vec::len), Some(0));
    let phones = r#""profile":{"phones":[{"type":0,"number":"1"},{"type":"2","number":"2"}]}"#;
    assert_eq!(read(phones).mobile, Loaded::some("2".to_owned()));
    assert_eq!(
        read(r#""profile":{"phones":[{"number":3}]}"#).mobile,
        Loaded::some("3".to_owned())
    );
    let phones = r#""profile":{"phones":[{"type":2,"number":"1"},{"type":0,"number":"2"},{"type":"1","number":"3"}]}"#;
    assert_eq!(read(phones).phone, Loaded::some("3".to_owned()));
    for (photo, expected) in [
        (
            "https://cdn.example/a.png",
            Some(Photo::Public("https://cdn.example/a.png".to_owned())),
        ),
        ("a.png", Some(Photo::OfVendor("/a.png".to_owned()))),
        ("javascript:alert(1)", None),
    ] {
        let found = read(&format!(r#""photo_url":"{photo}""#)).photo;
        assert_eq!(found, Loaded::Loaded(expected), "{photo}");
    }
}

#[test]
fn the_category_lists_make_one_tree_with_parents_first() {
    let tree = mapping::category_tree(list(CATEGORIES), list(SUBCATEGORIES));
    let ids: Vec<_> = tree
        .iter()
        .map(|category| category.id.to_string())
        .collect();
    assert_eq!(tree.len(), 12, "{ids:?}");
    assert!(tree[..5].iter().all(|category| category.id.level == 1));

    let orphan = tree.iter().find(|category| category.id.number.get() == 24);
    assert!(orphan.is_some_and(|orphan| orphan.parent.is_none()));
    let child = tree.iter().find(|category| category.id.number.get() == 27);
    let parent = child.and_then(|child| child.parent.as_ref());
    assert_eq!(
        parent.map(|parent| parent.id.to_string()).as_deref(),
        Some("firstline:Category:1-5")
    );
}

#[test]
fn the_small_directories_are_read() {
    let sponsors = list(SPONSORS);
    assert_eq!(sponsors.len(), 1);
    let sponsors: Vec<_> = sponsors.into_iter().map(mapping::sponsor).collect();
    assert_eq!(sponsors[0].name.as_deref(), Some("default"));

    let codes = list(TERMINATION_CODES).into_iter();
    let codes: Vec<_> = codes.map(mapping::termination_code).collect();
    assert_eq!(codes.len(), 8);
    assert_eq!(codes[5].status, TicketStatus::Closed);
}

#[test]
fn a_page_size_may_be_text() {
    let tickets: wire::List<wire::Ticket> = read(TICKETS);
    let meta = tickets.meta.into_value().expect("it has a meta");
    assert_eq!(meta.per_page, Loaded::some(2));
    assert_eq!(meta.total, Loaded::some(16));
    assert_eq!(meta.last_page, Loaded::some(8));
}

#[test]
fn custom_fields_are_one_text_or_many_or_none() {
    let updated: wire::UpdatedServiceRecord = read(UPDATED_SERVICE_RECORD);
    let update = with_mapping(|mapping| mapping.update(updated));
    let fields = update.custom_fields.into_value().expect("they are loaded");
    let updated_at = update.updated_at.value().map(ToString::to_string);
    assert_eq!(updated_at.as_deref(), Some("2026-03-20T14:30:00+08:00"));
    assert_eq!(fields[0].key, "4");
    assert_eq!(fields[0].values, ["123456"]);
    assert_eq!(fields[2].values, ["A", "B", "C"]);

    let record = service_record(r#"{"id":1,"cz_cols":[{"id":"7","value":null},{"id":8}]}"#);
    let fields = record.custom_fields.value().expect("they are loaded");
    assert!(fields.iter().all(|field| field.values.is_empty()));
    assert!(!service_record(r#"{"id":1}"#).custom_fields.is_loaded());
}

#[test]
fn the_lock_is_known_by_its_words() {
    assert!(super::write::is_wrap_up_lock(WRAP_UP_LOCK.as_bytes()));
    assert!(!super::write::is_wrap_up_lock(
        b"{\"message\":\"Server Error\"}"
    ));
    assert!(!super::write::is_wrap_up_lock(
        UPDATED_SERVICE_RECORD.as_bytes()
    ));
    assert!(!super::write::is_wrap_up_lock(b"<html>"));
}

#[test]
fn field_faults_have_the_names_of_the_input() {
    let faults = |json: &str| mapping::field_faults(read(json));
    let fault = |field, message: &str| FieldFault {
        field,
        message: message.to_owned(),
    };

    let several = r#"{"message":"The given data was invalid.","errors":{"due_at":["not a date"],"cz_cols.0.value":"too long","other":[]}}"#;
    assert_eq!(
        faults(several),
        [
            fault(Some("customFields"), "too long"),
            fault(Some("dueAt"), "not a date")
        ]
    );
    // In the input's words, and never in names that it does not have.
    let named = r#"{"errors":{"sub_category_id":["The selected Sub Category ID is invalid.","所選 sub_category_id 無效。"],
        "cz_cols.0.value":["The cz cols.0.value field is required."]}}"#;
    assert_eq!(
        faults(named),
        [
            fault(Some("customFields"), "The customFields field is required."),
            fault(Some("categoryId"), "The selected categoryId is invalid."),
            fault(Some("categoryId"), "所選 categoryId 無效。"),
        ]
    );
    for whole in [
        r#"{"message":"SQLSTATE[23000] for ann@example.com","errors":[]}"#,
        r#"{"errors":{"tenant_secret":["The tenant secret of ann@example.com is used."]}}"#,
    ] {
        let sentence = "FirstLine does not accept the values";
        assert_eq!(faults(whole), [fault(None, sentence)]);
    }
    assert_eq!(faults("{}").len(), 1);
}

#[test]
fn every_field_but_the_id_may_be_missing_or_null_or_of_a_wrong_type() {
    let spoils: [fn(&Value) -> Option<Value>; 8] = [
        |_| None,
        |_| Some(Value::Null),
        |_| Some(Value::from("x")),
        |_| Some(Value::from("")),
        |_| Some(Value::from(-1)),
        |_| Some(Value::from(1e300)),
        |_| Some(serde_json::json!([])),
        |_| Some(serde_json::json!({ "id": {}, "x": [[]] })),
    ];
    for spoil in spoils {
        ticket(&spoilt(TICKET, spoil));
        service_record(&spoilt(SERVICE_RECORD_2021, spoil));
        excerpt(&spoilt(SERVICE_RECORD, spoil));
        let employees: Value = serde_json::from_str(EMPLOYEES).expect("the sample is JSON");
        employee(
            &spoilt(&employees["data"][0].to_string(), spoil),
            Detail::Full,
        );
    }
}

#[test]
fn spoilt_fields_deep_inside_spoil_nothing_around_them() {
    let spoils = [
        Value::Null,
        Value::from("x"),
        serde_json::json!([]),
        Value::from(true),
    ];
    for spoil in spoils {
        for sample in [SERVICE_RECORDS, TICKETS] {
            let mut json: Value = serde_json::from_str(sample).expect("the sample is JSON");
            for item in json["data"].as_array_mut().expect("the sample is a list") {
                for field in item
                    .as_object_mut()
                    .expect("an item is an object")
                    .values_mut()
                {
                    spoil_inside(field, &spoil);
                }
            }
            let json = json.to_string();
            if sample == TICKETS {
                let wire = list(&json);
                with_mapping(|mapping| {
                    wire.into_iter().for_each(|wire| drop(mapping.ticket(wire)))
                });
            } else {
                let wire = list(&json);
                with_mapping(|mapping| {
                    for wire in wire {
                        drop(mapping.service_record(wire, Detail::Full));
                    }
                });
            }
        }
    }
}

/// Replaces everything inside a field, but not the field.
fn spoil_inside(value: &mut Value, spoil: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| spoil_inside(item, spoil)),
        Value::Object(fields) => fields.values_mut().for_each(|field| *field = spoil.clone()),
        _ => {}
    }
}

/// The sample with every field but the id replaced, or taken out.
fn spoilt(sample: &str, spoil: fn(&Value) -> Option<Value>) -> String {
    let fields: serde_json::Map<String, Value> =
        serde_json::from_str(sample).expect("the sample is an object");
    let spoilt = fields.into_iter().filter_map(|(name, value)| {
        let value = if name == "id" {
            Some(value)
        } else {
            spoil(&value)
        };
        Some((name, value?))
    });
    Value::Object(spoilt.collect()).to_string()
}

#[test]
fn a_row_without_an_id_is_left_out_and_a_list_without_its_array_is_refused() {
    let refused = |json: &str| -> WrongShape {
        decode::<wire::List<wire::Ticket>>(json.as_bytes()).expect_err("it can't be read")
    };
    let (list, unreadable) = with_unreadable(
        br#"{"data":[{"id":1,"created_at":"soon"},{"subject":"x"}]}"#,
        decode::<wire::List<wire::Ticket>>,
    );
    let rows = list.expect("the other row can be read").data;
    assert_eq!((rows.items.len(), rows.unreadable), (1, 1));
    let unreadable = unreadable.expect("it is said where");
    assert_eq!(
        (&*unreadable.path, unreadable.count),
        ("data[0].created_at", 2)
    );
    refused(r#"{"data":[null]}"#);
    refused(r#"{"meta":{}}"#);
    refused(r#"{"data":"x"}"#);
    assert!(decode::<Identified<wire::Ticket>>(b"{}").is_err());
    assert!(decode::<Identified<wire::Ticket>>(br#"{"data":{"id":0}}"#).is_err());
}

#[test]
fn a_message_of_the_vendor_has_at_most_500_characters_after_its_fields_are_renamed() {
    let message = "cz_cols 字 ".repeat(300);
    let body = serde_json::json!({ "errors": { "cz_cols.0.value": [message] } });
    let faults = mapping::field_faults(read(&body.to_string()));

    assert_eq!(faults[0].field, Some("customFields"));
    assert_eq!(faults[0].message.chars().count(), 500);
    assert!(
        faults[0]
            .message
            .starts_with("customFields 字 customFields")
    );
}
