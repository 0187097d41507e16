//! The printed schema equals the file and describes itself; invalid inputs fail with a code, all faults at once.

use std::path::{Path, PathBuf};

use async_graphql::parser::{
    parse_schema,
    types::{
        FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind,
        TypeSystemDefinition,
    },
};

use async_graphql::{InputType, Request, Response, Value, Variables, value};

use super::{
    GatewaySchema, Introspection, SchemaSettings, build, sdl,
    service_record::ServiceRecordFilter,
    service_record_input::UpdateServiceRecordInput,
    ticket_input::{CreateTicketInput, DeleteTicketInput, UpdateTicketInput},
    user_error::{UserError, WriteResult},
};
use crate::domain::{
    Capabilities, CategorySource, Change, CustomFieldValue, ListCapabilities, ServiceRecordFilters,
    ServiceRecordLookup, TimeGranularity, UnappliedFilters, Vendor, VendorCapabilities,
};

fn in_the_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `UPDATE_SCHEMA=1 cargo test schema_graphql` writes the file anew.
#[test]
fn schema_graphql_is_what_the_program_prints() {
    let path = in_the_crate("schema.graphql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, sdl()).expect("the crate's own folder can be written");
    }

    let held = std::fs::read_to_string(&path).expect("schema.graphql stands in the crate's root");

    assert!(
        held == sdl(),
        "schema.graphql is not what the program prints; UPDATE_SCHEMA=1 cargo test writes it anew"
    );
}

#[test]
fn the_schema_is_printed_alike_every_time() {
    assert_eq!(sdl(), sdl());
}

#[test]
fn everything_in_the_schema_has_a_description() {
    let document: ServiceDocument = parse_schema(sdl()).expect("the program prints valid SDL");

    let mut bare = Vec::new();
    for definition in &document.definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            collect_bare(&definition.node, &mut bare);
        }
    }

    assert!(bare.is_empty(), "without a description: {bare:?}");
}

fn collect_bare(definition: &TypeDefinition, bare: &mut Vec<String>) {
    let name = definition.name.node.as_str();
    if definition.description.is_none() {
        bare.push(name.to_owned());
    }
    match &definition.kind {
        TypeKind::Object(object) => object
            .fields
            .iter()
            .for_each(|field| collect_bare_field(name, &field.node, bare)),
        TypeKind::Interface(interface) => interface
            .fields
            .iter()
            .for_each(|field| collect_bare_field(name, &field.node, bare)),
        TypeKind::InputObject(input) => input
            .fields
            .iter()
            .for_each(|field| collect_bare_input(name, &field.node, bare)),
        TypeKind::Enum(values) => values
            .values
            .iter()
            .filter(|value| value.node.description.is_none())
            .for_each(|value| bare.push(format!("{name}.{}", value.node.value.node))),
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
}

fn collect_bare_field(type_name: &str, field: &FieldDefinition, bare: &mut Vec<String>) {
    let name = format!("{type_name}.{}", field.name.node);
    for argument in &field.arguments {
        collect_bare_input(&name, &argument.node, bare);
    }
    if field.description.is_none() {
        bare.push(name);
    }
}

fn collect_bare_input(owner: &str, input: &InputValueDefinition, bare: &mut Vec<String>) {
    if input.description.is_none() {
        bare.push(format!("{owner}.{}", input.name.node));
    }
}

/// A field of this type would null its parent when it fails, where the other way round it nulls itself alone.
#[test]
fn no_field_is_a_result_of_an_option() {
    let forbidden = ["Result", "Option<"].join("<");
    for (path, source) in sources() {
        assert!(!source.contains(&forbidden), "{} has one", path.display());
    }
}

/// The crate's error would reach clients without its code: async-graphql takes whatever can be displayed.
#[test]
fn no_field_answers_with_the_error_of_the_crate() {
    let forbidden = ["Option", "Result<"].join("<");
    for (path, source) in sources() {
        assert!(!source.contains(&forbidden), "{} has one", path.display());
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let folder = in_the_crate("src/schema");
    let entries = std::fs::read_dir(folder).expect("the schema's folder can be read");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("the schema's folder can be read").path();
        let source = std::fs::read_to_string(&path).expect("every file in it is text");
        (path, source)
    };
    entries.map(read).collect()
}

/// Nothing that these requests ask for gets as far as the repository.
async fn ask(query: &str) -> Response {
    schema().execute(query).await
}

fn schema() -> GatewaySchema {
    build(SchemaSettings {
        introspection: Introspection::Enabled,
    })
}

fn json(response: Response) -> serde_json::Value {
    serde_json::to_value(response).expect("an answer can be written as JSON")
}

#[tokio::test]
async fn an_instant_without_an_offset_is_refused_with_a_code() {
    for wrong in [
        "2024-03-01T09:31:00",
        "2024-03-01 09:31:00+08:00",
        "2024-03-01T09:31+08:00",
        "2024-03-01T09:31:00+0800",
        "2024-03-01T09:31:00.+08:00",
        "2024-02-30T09:31:00Z",
        "2024-03-01T09:31:00Z[UTC]",
        "2024-03-01T09:31:00+24:00",
        "2024-03-01T09:31:00-25:00",
        "2024-03-01T09:31:00+23:60",
        "2024-03-01T09:31:00+8:00",
        "2024-03-01T24:00:00Z",
        "secret",
        "",
    ] {
        let answer = json(
            ask(&format!(
                r#"{{ tickets(filter: {{ dueFrom: "{wrong}" }}) {{ totalCount }} }}"#
            ))
            .await,
        );
        let error = &answer["errors"][0];
        assert_eq!(
            error["extensions"]["code"], "BAD_USER_INPUT",
            "{wrong}: {answer}"
        );
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("RFC 3339"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn every_scalar_of_the_schema_refuses_what_does_not_fit_it() {
    let sdl = super::sdl();
    let scalars = sdl.lines().filter_map(|line| line.strip_prefix("scalar "));
    let names: Vec<&str> = scalars
        .filter_map(|line| line.split_whitespace().next())
        .collect();

    assert!(!names.is_empty());
    for name in names {
        assert!(
            super::coercion_error(name, &Value::Boolean(true)).is_some(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_instant_with_an_offset_is_read() {
    for right in [
        "2024-03-01T09:31:00+08:00",
        "2024-03-01T09:31:00Z",
        "2024-03-01t09:31:00.25z",
        "2024-03-01T09:31:00.123456-05:30",
        "2024-03-01T09:31:00.1234567890123Z",
        "2024-03-01T09:31:00+23:59",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00+23:59",
    ] {
        let answer = json(
            ask(&format!(
                r#"{{ tickets(filter: {{ dueFrom: "{right}" }}) {{ totalCount }} }}"#
            ))
            .await,
        );
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "INTERNAL",
            "{right}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_day_that_does_not_exist_is_refused_with_a_code() {
    for wrong in ["2024-02-30", "2024-2-3", "20240203", "2024-02-03T00:00:00Z"] {
        let answer = json(
            ask(&format!(
                r#"{{ serviceRecordStats(from: "{wrong}", to: "2024-03-01") {{ total }} }}"#
            ))
            .await,
        );
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{wrong}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_malformed_id_nulls_its_own_field_alone() {
    let answer = json(
        ask(r#"{ ticket(id: "firstline:Employee:1") { id } node(id: "0") { id } __typename }"#)
            .await,
    );

    assert_eq!(
        answer["data"],
        serde_json::json!({"ticket": null, "node": null, "__typename": "Query"})
    );
    assert_eq!(answer["errors"][0]["path"], serde_json::json!(["ticket"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("id: not an id of this gateway"),
        "{message}"
    );
}

#[tokio::test]
async fn an_internal_error_says_nothing_of_the_gateway() {
    let answer = json(ask("{ sponsors { id } }").await);

    assert_eq!(answer["data"], serde_json::json!({"sponsors": null}));
    assert_eq!(
        answer["errors"][0]["message"],
        "the gateway failed; its log says why"
    );
    assert_eq!(
        answer["errors"][0]["extensions"],
        serde_json::json!({"code": "INTERNAL"})
    );
}

#[tokio::test]
async fn a_filter_names_the_path_of_what_is_wrong() {
    for (filter, path) in [
        ("{ statuses: [CLOSED, UNKNOWN] }", "filter.statuses[1]: "),
        (
            r#"{ handlerIds: ["firstline:Ticket:1"] }"#,
            "filter.handlerIds[0]: ",
        ),
        (
            r#"{ sponsorId: "firstline:Sponsor:01" }"#,
            "filter.sponsorId: ",
        ),
        (
            r#"{ dueFrom: "2024-03-02T00:00:00Z", dueTo: "2024-03-01T00:00:00Z" }"#,
            "filter.dueFrom: ",
        ),
    ] {
        let query = format!("{{ ticketStats(filter: {filter}) {{ total }} }}");
        let answer = json(ask(&query).await);
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(path), "{message}");
    }
}

#[test]
fn what_one_vendor_alone_can_filter_by_refuses_the_other_vendors_ids() {
    let filter: ServiceRecordFilter = parsed(value!({"contactId": "bangwo8:Contact:1"}));

    let refusal = filter
        .read("filter", &two_vendors())
        .expect_err("Bangwo8 has no such filter");

    assert!(refusal.to_string().starts_with("filter.contactId: "));
}

#[test]
fn a_vendors_levels_bound_the_category_of_a_ticket() {
    for (category, is_fine) in [
        ("firstline:Category:1-7", false),
        ("firstline:Category:2-7", true),
        ("firstline:Category:3-7", false),
    ] {
        let input: UpdateTicketInput = parsed(value!({
            "id": "firstline:Ticket:1", "categoryId": category,
        }));
        let found = faults(input.read(&two_vendors()));
        assert_eq!(found.is_empty(), is_fine, "{category}: {found:?}");
    }
}

/// One vendor with tickets and every filter, and one with neither.
fn two_vendors() -> VendorCapabilities {
    let able = Capabilities {
        has_tickets: true,
        has_editable_service_records: true,
        service_record_filters: ServiceRecordFilters {
            handler_group: true,
            contact: true,
            completed: true,
        },
        unapplied_filters: UnappliedFilters::default(),
        service_record_lookup: ServiceRecordLookup::ById,
        lists: ListCapabilities {
            granularity: TimeGranularity::Second,
            order: None,
            page_size: 100,
        },
        deepest_category_level: 2,
        category_source: CategorySource::Directory,
        has_employee_search: true,
        may_refuse_directory: false,
    };
    let plain = Capabilities {
        has_tickets: false,
        has_editable_service_records: false,
        service_record_filters: ServiceRecordFilters {
            handler_group: false,
            contact: false,
            completed: false,
        },
        ..able
    };
    [(Vendor::FirstLine, able), (Vendor::Bangwo8, plain)]
        .into_iter()
        .collect()
}

fn parsed<T: InputType>(input: Value) -> T {
    match T::parse(Some(input)) {
        Ok(input) => input,
        Err(error) => panic!("{}", error.into_server_error(Default::default())),
    }
}

fn faults<T>(written: WriteResult<T>) -> Vec<(String, String)> {
    let of = |error: UserError| {
        let code = Value::from(error.code).to_string();
        (code, error.field.unwrap_or_default().join("."))
    };
    match written {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(of).collect(),
    }
}

fn expected(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(code, field): &(&str, &str)| ((*code).to_owned(), (*field).to_owned());
    faults.iter().map(owned).collect()
}

#[test]
fn all_faults_of_a_new_ticket_are_reported_at_once() {
    let input: CreateTicketInput = parsed(value!({
        "subject": " ", "content": "", "status": "UNKNOWN", "priority": "UNKNOWN",
        "handlerId": "bangwo8:Employee:1", "contactId": "0", "categoryId": "firstline:Category:1-1",
        "idempotencyKey": "",
    }));

    let mut found = faults(input.read(&two_vendors()));
    found.sort();

    assert_eq!(
        found,
        expected(&[
            ("INVALID", "input.categoryId"),
            ("INVALID", "input.contactId"),
            ("INVALID", "input.content"),
            ("INVALID", "input.handlerId"),
            ("INVALID", "input.idempotencyKey"),
            ("INVALID", "input.priority"),
            ("INVALID", "input.status"),
            ("INVALID", "input.subject"),
        ])
    );
}

#[test]
fn a_change_distinguishes_omitted_from_null() {
    let input: UpdateTicketInput = parsed(value!({
        "id": "firstline:Ticket:1", "statusMemo": null, "dueAt": null, "handlerId": null, "subject": "x",
    }));

    let (id, changes) = input.read(&two_vendors()).expect("the input has no fault");

    assert_eq!(id.to_string(), "firstline:Ticket:1");
    assert_eq!(changes.status_memo, Change::Clear);
    assert_eq!(changes.due_at, Change::Clear);
    assert_eq!(changes.handler, Change::Clear);
    assert_eq!(changes.subject, Change::Set("x".to_owned()));
    assert_eq!(changes.content, Change::Keep);
    assert_eq!(changes.category, Change::Keep);
}

#[test]
fn a_change_needs_a_field_and_fields_that_every_ticket_has_stay_filled() {
    let nothing: UpdateTicketInput = parsed(value!({"id": "firstline:Ticket:1"}));
    let nulls: UpdateTicketInput = parsed(value!({
        "id": "firstline:Ticket:1", "subject": null, "content": null, "status": null, "priority": null,
    }));

    assert_eq!(
        faults(nothing.read(&two_vendors())),
        expected(&[("INVALID", "input")])
    );
    assert_eq!(faults(nulls.read(&two_vendors())).len(), 4);
}

#[test]
fn a_ticket_of_a_vendor_without_tickets_is_unsupported() {
    let unsupported = expected(&[("UNSUPPORTED_BY_VENDOR", "input.id")]);
    let update: UpdateTicketInput = parsed(value!({
        "id": "bangwo8:Ticket:1", "handlerId": "firstline:Employee:1",
    }));
    let delete: DeleteTicketInput = parsed(value!({"id": "bangwo8:Ticket:1"}));

    assert_eq!(faults(update.read(&two_vendors())), unsupported);
    assert_eq!(faults(delete.read(&two_vendors())), unsupported);
}

#[test]
fn custom_fields_are_checked_one_by_one() {
    let input: UpdateServiceRecordInput = parsed(value!({
        "id": "firstline:ServiceRecord:1",
        "memo": "臺".repeat(601),
        "customFields": [
            {"key": "7", "value": "a"},
            {"key": "7", "values": []},
            {"key": "07", "value": "a"},
            {"key": "8"},
            {"key": "9", "value": "a", "values": ["b"]},
        ],
    }));

    assert_eq!(
        faults(input.read(&two_vendors())),
        expected(&[
            ("INVALID", "input.memo"),
            ("INVALID", "input.customFields.1.key"),
            ("INVALID", "input.customFields.2.key"),
            ("INVALID", "input.customFields.3"),
            ("INVALID", "input.customFields.4"),
        ])
    );
}

#[test]
fn a_memo_is_counted_in_characters_and_no_values_clear_a_field() {
    let input: UpdateServiceRecordInput = parsed(value!({
        "id": "firstline:ServiceRecord:1",
        "memo": "臺".repeat(600),
        "customFields": [{"key": "7", "values": []}],
    }));

    let (_, changes) = input.read(&two_vendors()).expect("the input has no fault");

    let custom_fields = changes.custom_fields.unwrap_or_default();
    assert_eq!(custom_fields.len(), 1);
    assert_eq!(custom_fields[0].1, CustomFieldValue::Many(Vec::new()));
}

/// Whether they answer is for the tests that have vendors; here each must be one that the schema lets run.
#[tokio::test]
async fn every_example_query_fits_the_schema() {
    let folder = in_the_crate("examples/queries");
    let entries = std::fs::read_dir(folder).expect("the examples' folder can be read");
    let mut count = 0;

    for entry in entries {
        let path = entry.expect("the examples' folder can be read").path();
        let query = std::fs::read_to_string(&path).expect("every example is text");
        let name = path.display();
        assert!(query.starts_with("# "), "{name} says whose question it is");

        let request = Request::new(query.as_str()).variables(example_variables(&query));
        let answer = json(schema().execute(request).await);
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let is_known = |error: &serde_json::Value| error["extensions"]["code"].is_string();
        assert!(errors.iter().all(is_known), "{name}: {errors:?}");
        count += 1;
    }

    assert!(count >= 12, "only {count} examples");
}

/// What stands in the comment `# variables: {...}`; its ids stay placeholders, but its times have to be some.
fn example_variables(query: &str) -> Variables {
    let mut written = query
        .lines()
        .find_map(|line| line.strip_prefix("# variables: "))
        .unwrap_or("{}")
        .to_owned();
    for day in ["$TODAY", "$WEEK_AGO"] {
        written = written.replace(day, "2026-03-10");
    }
    for instant in ["$DAY_START", "$DAY_END", "$WEEK_START", "$NEXT_WEEK"] {
        written = written.replace(instant, "2026-03-10T00:00:00+08:00");
    }
    Variables::from_json(serde_json::from_str(&written).expect("the variables are JSON"))
}
