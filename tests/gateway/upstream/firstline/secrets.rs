//! Passwords and tokens in FirstLine's responses never appear in the gateway's responses.

use deskgraph::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use super::{exact_employee, record_id, ticket_id};
use crate::harness::{Desk, DeskOptions};

const EMPLOYEE: &str = "id vendor vendorId name employeeNo email mobile isAdmin isActive photoUrl extension jobTitle department
    groups { id name supervisor { id name } } createdAt updatedAt";
const CONTACT: &str = "id name company membershipNo identityNo birthDate contactMethod";
const CATEGORY: &str = "id name description level parent { id name } children { id name }";

fn record_fields() -> String {
    format!("id vendor vendorId channel status createdAt queuedAt startedAt endedAt durationSeconds handler {{ {EMPLOYEE} }}
        contact {{ {CONTACT} }} problem solution memo isResolved rating {{ score comment }} category {{ {CATEGORY} }}
        customFields {{ key values }} messages {{ totalCount nodes {{ id sentAt kind text sender {{ role name employee {{ id }} }}
        isSurvey rawType }} }} summary {{ template fields {{ key values }} }} logs {{ id channel providerType queuedAt startedAt
        endedAt serviceSeconds statusCode canListen }} wrapUpCompletedAt boundType result {{ id name description }}
        sponsor {{ id name description }} payment {{ status }} remoteSession {{ host }}")
}

fn ticket_fields() -> String {
    format!("id subject content status statusMemo priority dueAt isOverdue createdAt updatedAt contact {{ {CONTACT} }}
        category {{ {CATEGORY} }} handler {{ {EMPLOYEE} }} creator {{ {EMPLOYEE} }} sponsor {{ id name description }}
        terminationCode {{ id name description status }} serviceRecords {{ {} }}", record_fields())
}

/// Every place in FirstLine's responses that holds a secret, each with its own text.
async fn desk_of_secrets() -> Desk {
    let desk =
        Desk::open_with(DeskOptions::default().set("LIMITS__MAX_COMPLEXITY", "1000000")).await;
    let mut employee = exact_employee(908, "eve");
    employee["extension"]["webrtc_password"] = json!("SECRET-webrtc");
    employee["password"] = json!("SECRET-password");
    employee["bi_token"] = json!("SECRET-bi");
    employee["cti_agent"]["password"] = json!("SECRET-cti");
    desk.sandbox.firstline_insert_employee(employee.clone());
    desk.sandbox.firstline_insert_contact(
        json!({ "id": 804, "name": "visitor", "access_token": "SECRET-contact" }),
    );
    desk.sandbox.firstline_insert_record(json!({
        "id": 996_001, "handler_id": 908, "handler": employee, "contact_id": 804, "created_at": "2024-06-01 10:00:00",
        "api_key": "SECRET-record", "fb_accounts": [{ "id": 2, "name": "SECRET-fb", "token": "SECRET-fb-token" }],
        "logs": [{
            "id": 1, "enter_queue_at": "2024-06-01 10:00:00", "provider_type": "App\\LivechatContentProvider", "can_listen": true,
            "provider": {
                "id": 61, "media_contact_id": 109,
                "account": { "id": 1, "query_request_secret": "SECRET-query", "restrict_query_request_ips": "SECRET-ips", "name": "SECRET-account" },
                "message": [{ "id": 1, "type": "text", "content": "hello", "is_contact": true, "at": "2024-06-01 10:00:00", "token": "SECRET-message" }],
                "media_contact": { "id": 109, "name": "visitor", "uuid": "SECRET-uuid", "token": "SECRET-token", "channel": "SECRET-channel" },
            },
        }],
    }));
    desk.sandbox.firstline_insert_ticket(json!({
        "id": 776_001, "created_at": "2024-06-01 11:00:00", "handler_id": 908, "creater_id": 908, "handler": employee,
        "contact_id": 804, "interact_collection_ids": [996_001], "sub_category_id": 31, "secret": "SECRET-ticket",
    }));
    desk
}

#[tokio::test]
async fn no_response_contains_a_secret() {
    for has_provider in [true, false] {
        let desk = desk_of_secrets().await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.single_record_has_provider = has_provider);
        let variables = json!({ "record": record_id(996_001), "ticket": ticket_id(776_001), "employee": "firstline:Employee:908" });
        let filter = "from: \"2024-06-01T00:00:00+08:00\", to: \"2024-06-02T00:00:00+08:00\", vendors: [FIRSTLINE]";
        let created =
            "createdFrom: \"2024-06-01T00:00:00+08:00\", createdTo: \"2024-06-02T00:00:00+08:00\"";
        for query in [
            format!(
                "query($record: ID!) {{ serviceRecord(id: $record) {{ {} }} }}",
                record_fields()
            ),
            format!(
                "{{ serviceRecords(filter: {{ {filter} }}) {{ nodes {{ {} }} sources {{ vendor state }} }} }}",
                record_fields()
            ),
            format!(
                "query($ticket: ID!) {{ ticket(id: $ticket) {{ {} }} }}",
                ticket_fields()
            ),
            format!(
                "{{ tickets(filter: {{ {created} }}) {{ nodes {{ {} }} }} }}",
                ticket_fields()
            ),
            format!("query($employee: ID!) {{ employee(id: $employee) {{ {EMPLOYEE} }} }}"),
            format!(
                "{{ employees(first: 100, filter: {{ vendors: [FIRSTLINE] }}) {{ nodes {{ {EMPLOYEE} }} }} }}"
            ),
            "{ vendors { vendor state lastError { code message } } sponsors { id name } }"
                .to_owned(),
        ] {
            let text = desk.data(&query, variables.clone()).await.to_string();
            assert!(!text.contains("SECRET"), "{query}: {text}");
            assert!(!text.contains("password"), "{query}: {text}");
        }
        // The selected fields did arrive.
        let text = desk.data("query($record: ID!) { serviceRecord(id: $record) { handler { name extension } messages { nodes { text } } } }", variables).await.to_string();
        for returned in ["eve", "8002", "hello"] {
            assert!(text.contains(returned), "{text}");
        }
    }
}

#[tokio::test]
async fn a_vendor_error_contains_nothing_of_the_vendors_body() {
    let desk = Desk::open_with(DeskOptions::default().set("FIRSTLINE__MAX_RETRIES", "0")).await;
    for code in [200, 400, 403, 404, 422, 429, 500, 503] {
        desk.sandbox.firstline().clear_faults();
        let body = "{\"message\":\"SECRET-body at /var/www/SECRET.php\",\"exception\":\"SECRET\",\"id\":{}}";
        let fault = Fault::Status {
            code,
            body: body.into(),
            headers: Default::default(),
        };
        desk.sandbox
            .firstline()
            .add_fault(FaultRule::new("GET /api/v1/interact-collection/", fault));
        let answer = desk
            .answer(
                "query($id: ID!) { serviceRecord(id: $id) { id } }",
                json!({ "id": record_id(245_000 + i64::from(code)) }),
            )
            .await;
        assert_eq!(answer["data"]["serviceRecord"], Value::Null, "{code}");
        assert_eq!(
            answer.get("errors").is_none(),
            code == 404,
            "{code}: {answer}"
        );
        assert!(!answer.to_string().contains("SECRET"), "{code}: {answer}");
        assert!(
            !answer.to_string().contains("127.0.0.1"),
            "{code}: {answer}"
        );
    }
    let text = desk
        .execute("{ vendors { vendor state circuit lastError { code message retryable } } }")
        .await
        .to_string();
    assert!(!text.contains("SECRET"), "{text}");
}

#[tokio::test]
async fn the_schema_has_no_field_for_a_secret() {
    let desk = Desk::open().await;
    let response = desk
        .client()
        .get(desk.url("/schema.graphql"))
        .send()
        .await
        .expect("the gateway responds");
    let sdl = response
        .text()
        .await
        .expect("the schema is whole")
        .to_lowercase();
    assert!(sdl.contains("type servicerecord"), "{sdl}");
    let fields = sdl
        .lines()
        .filter_map(|line| line.trim().split_once([':', '(']));
    for (name, _) in fields.filter(|(name, _)| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }) {
        for word in ["password", "token", "secret", "webrtc", "uuid"] {
            assert!(!name.contains(word), "{name}");
        }
    }
}
