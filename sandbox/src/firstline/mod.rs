//! FirstLine: its routes, and what each does with its data.

mod api_error;
mod auth;
mod data;
mod edits;
mod parameters;
mod photo;
mod phrases;
mod shapes;
mod talk;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::control::{VendorControl, hold};
use super::middleware::{self, Vendor};
use super::random::Random;
use super::row::{Fields, Row, Table, fields_of, number, put_in_order};
use super::server::Stopping;
use super::switches::{AnswerShape, DeleteAnswer, FirstLineSwitches, MethodSupport};
use super::{Clock, SandboxOptions};
use api_error::ApiError;
use auth::{Expired, Tokens};
use data::{Data, printed};
use edits::Write;
use parameters::Parameters;
use shapes::Place;

type Pairs = Query<Vec<(String, String)>>;
type HandlerResult = Result<Response, ApiError>;

pub(super) struct FirstLine {
    pub(super) control: VendorControl<FirstLineSwitches>,
    clock: Clock,
    data: Mutex<Data>,
    tokens: Mutex<Tokens>,
    random: Mutex<Random>,
}

pub(super) fn router(firstline: Arc<FirstLine>, stopping: Stopping) -> Router {
    let routes = Router::new()
        .route("/api/v1/auth", post(auth::post_auth).put(auth::refresh))
        .route("/api/v1/auth/logout", post(auth::logout))
        .route("/api/v1/auth/me", get(auth::me))
        .route("/api/v1/interact-collection", get(list_records))
        .route(
            "/api/v1/interact-collection/{id}",
            get(show_record).put(put_record).post(post_record),
        )
        .route("/api/v1/ticket", get(list_tickets).post(create_ticket))
        .route(
            "/api/v1/ticket/{id}",
            get(show_ticket)
                .put(put_ticket)
                .delete(delete_ticket)
                .post(post_ticket),
        )
        .route("/api/v1/employee", get(list_employees))
        .route("/api/v1/sponsor", get(list_sponsors))
        .route(
            "/api/v1/ticket-termination-code",
            get(list_termination_codes),
        )
        .route("/api/v1/category", get(list_categories))
        .route("/api/v1/subcategory", get(list_subcategories))
        .route("/employee/{id}/photo", get(photo::show))
        .method_not_allowed_fallback(refuse_method)
        .fallback(refuse_path);
    middleware::guarded(firstline, stopping, routes)
}

impl FirstLine {
    pub(super) fn new(options: &SandboxOptions, clock: Clock) -> Self {
        let now = clock.local_start();
        let data = Data::seeded(options.seed, now, options.service_records, options.tickets);
        Self {
            control: VendorControl::new(FirstLineSwitches::default()),
            clock,
            data: Mutex::new(data),
            tokens: Mutex::new(Tokens::new(options.seed)),
            random: Mutex::new(Random::new(options.seed ^ 0x1e57)),
        }
    }

    pub(super) fn insert_record(&self, given: Value) -> i64 {
        let now = self.clock.local_now();
        let mut data = hold(&self.data);
        insert(&mut data.records, given, |id| {
            data::record_defaults(id, now)
        })
    }

    pub(super) fn insert_ticket(&self, given: Value) -> i64 {
        let now = self.clock.local_now();
        let mut data = hold(&self.data);
        insert(&mut data.tickets, given, |id| {
            data::ticket_defaults(id, now)
        })
    }

    pub(super) fn insert_employee(&self, given: Value) -> i64 {
        let mut data = hold(&self.data);
        let mut random = hold(&self.random);
        insert(&mut data.employees, given, |id| {
            data::employee_defaults(id, &mut random)
        })
    }

    pub(super) fn insert_contact(&self, given: Value) -> i64 {
        let mut data = hold(&self.data);
        let mut random = hold(&self.random);
        insert(&mut data.contacts, given, |id| {
            data::contact_defaults(id, &mut random)
        })
    }

    pub(super) fn remove_record(&self, id: i64) {
        hold(&self.data).records.remove(&id);
    }

    fn presented_owner(&self, request: &Parts, expired: Expired) -> Option<Owner> {
        let token = auth::presented_token(request)?;
        if auth::is_permanent(&token) {
            let is_accepted = self.control.switches().permanent_token_is_accepted;
            return is_accepted.then_some(Owner(auth::PERMANENT_EMPLOYEE_ID));
        }
        let owner = hold(&self.tokens).owner(&token, self.clock.now(), expired)?;
        Some(Owner(owner))
    }

    fn unauthenticated(&self) -> ApiError {
        ApiError::Unauthenticated(self.control.switches().unauthenticated_body)
    }
}

/// The employee whose token a request presented.
#[derive(Clone, Copy)]
struct Owner(i64);

fn insert(table: &mut Table, given: Value, defaults: impl FnOnce(i64) -> Fields) -> i64 {
    let given = fields_of(given);
    let next = table.last_key_value().map_or(1, |(id, _)| id + 1);
    let id = given.get("id").and_then(number).unwrap_or(next);
    table.insert(id, Row::inserted(defaults(id), given, "created_at"));
    id
}

impl Vendor for FirstLine {
    type Switches = FirstLineSwitches;
    const NAME: &'static str = "firstline";

    fn control(&self) -> &VendorControl<FirstLineSwitches> {
        &self.control
    }

    fn calls_per_minute(&self) -> Option<usize> {
        self.control.switches().calls_per_minute
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn identify(&self, request: &Parts) -> Option<String> {
        let Owner(id) = self.presented_owner(request, Expired::Refused)?;
        let data = hold(&self.data);
        Some(data.employees.get(&id)?.text("employee_no").to_owned())
    }

    fn needs_credentials(&self, request: &Parts) -> bool {
        // The login and the refresh look at the credentials themselves.
        request.uri.path() != "/api/v1/auth"
    }

    fn refuse_unauthenticated(&self) -> Response {
        self.unauthenticated().into_response()
    }

    fn insert(&self, kind: &str, given: Value) -> Option<i64> {
        match kind {
            "records" => Some(self.insert_record(given)),
            "tickets" => Some(self.insert_ticket(given)),
            "employees" => Some(self.insert_employee(given)),
            "contacts" => Some(self.insert_contact(given)),
            _ => None,
        }
    }

    fn expire_tokens(&self) {
        hold(&self.tokens).expire();
    }
}

fn body_fields(body: &Bytes) -> Fields {
    fields_of(serde_json::from_slice(body).unwrap_or_default())
}

/// The method that `_method` names, in the query or the body.
fn overriding_method(pairs: &[(String, String)], body: &Fields) -> Option<String> {
    let in_query = pairs
        .iter()
        .find(|(name, _)| name == "_method")
        .map(|(_, value)| value.as_str());
    let in_body = body.get("_method").and_then(Value::as_str);
    in_body.or(in_query).map(str::to_ascii_lowercase)
}

/// The head of a request, for a handler that looks at the credentials itself.
struct Presented(Parts);

impl<S: Sync> axum::extract::FromRequestParts<S> for Presented {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Presented(parts.clone()))
    }
}

async fn list_records(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let mut asked = Parameters::read(pairs, &body, firstline.control.switches());
    let handler_id = asked.number("handler_id");
    let handler_group_id = asked.number("handler_group_id");
    let contact_id = asked.number("contact_id");
    let is_acw_completed = asked.boolean("is_acw_completed");
    let created = asked.range("created_at");
    let mut page = asked.page();
    let switches = asked.check()?;
    if switches.records_ignore_per_page {
        page.per_page = None;
    }

    let data = hold(&firstline.data);
    let group_of = |row: &Row| {
        let handler = row
            .number("handler_id")
            .and_then(|id| data.employees.get(&id))?;
        handler.number("group_id")
    };
    let mut rows: Vec<(i64, &Row)> = data
        .records
        .iter()
        .filter(|(_, row)| {
            handler_id.is_none_or(|id| row.number("handler_id") == Some(id))
                && contact_id.is_none_or(|id| row.number("contact_id") == Some(id))
                && is_acw_completed
                    .is_none_or(|wanted| row.get("is_acw_completed").as_bool() == Some(wanted))
                && handler_group_id.is_none_or(|id| group_of(row) == Some(id))
                && created.admits(row.created)
        })
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, switches.record_order);
    let envelope = page.envelope(&rows, "/api/v1/interact-collection", &switches, |row| {
        shapes::record(&data, row, Place::List, &switches)
    });
    Ok(Json(envelope).into_response())
}

async fn show_record(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
) -> HandlerResult {
    let switches = firstline.control.switches();
    let data = hold(&firstline.data);
    let row = find(&data.records, &id, "InteractCollection")?;
    let record = shapes::record(&data, row, Place::Single, &switches);
    Ok(single(record, switches.single_answer))
}

fn require_native_put(firstline: &FirstLine) -> Result<(), ApiError> {
    match firstline.control.switches().method_support {
        MethodSupport::Native => Ok(()),
        _ => Err(ApiError::MethodNotAllowed("PUT".into())),
    }
}

async fn put_record(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
    body: Bytes,
) -> HandlerResult {
    require_native_put(&firstline)?;
    update_record(&firstline, &id, &body_fields(&body))
}

async fn post_record(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let fields = body_fields(&body);
    match overriding_method(&pairs, &fields).as_deref() {
        Some("put" | "patch") => update_record(&firstline, &id, &fields),
        _ => Err(ApiError::MethodNotAllowed("POST".into())),
    }
}

fn update_record(firstline: &FirstLine, id: &str, sent: &Fields) -> HandlerResult {
    let now = firstline.clock.local_now();
    let mut data = hold(&firstline.data);
    let row = find(&data.records, id, "InteractCollection")?;
    if !row.get("acw_at").is_null() {
        let status = firstline.control.switches().acw_lock_status;
        return Err(ApiError::Locked { status });
    }
    let mut changes = edits::record_changes(row, sent, &firstline.control.switches())?;
    changes.insert("updated_at".into(), printed(now).into());

    let row = find_mut(&mut data.records, id, "InteractCollection")?;
    edits::write_over(row, changes);
    Ok(Json(shapes::updated_record(row)).into_response())
}

async fn list_tickets(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let mut asked = Parameters::read(pairs, &body, firstline.control.switches());
    let search = asked.text("search");
    let contact_id = asked.number("contact_id");
    let sponsor_id = asked.number("sponsor_id");
    let statuses = asked.numbers("statuses");
    let termination_code_ids = asked.numbers("termination_code_ids");
    let handler_ids = asked.numbers("handler_ids");
    let creater_ids = asked.numbers("creater_ids");
    let due = asked.range("due_at");
    let created = asked.range("created_at");
    let page = asked.page();
    let switches = asked.check()?;

    let is_one_of = |row: &Row, name: &str, wanted: &Option<Vec<i64>>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| row.number(name).is_some_and(|id| wanted.contains(&id)))
    };
    let data = hold(&firstline.data);
    let mut rows: Vec<(i64, &Row)> = data
        .tickets
        .iter()
        .filter(|(_, row)| {
            contact_id.is_none_or(|id| row.number("contact_id") == Some(id))
                && sponsor_id.is_none_or(|id| row.number("sponsor_id") == Some(id))
                && is_one_of(row, "status", &statuses)
                && is_one_of(row, "termination_code_id", &termination_code_ids)
                && is_one_of(row, "handler_id", &handler_ids)
                && is_one_of(row, "creater_id", &creater_ids)
                && due.admits(super::row::read_date_time(row.text("due_at")))
                && created.admits(row.created)
                && matches_search(row, &["subject", "content"], search.as_deref())
        })
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, switches.ticket_order);
    let envelope = page.envelope(&rows, "/api/v1/ticket", &switches, |row| {
        shapes::ticket(&data, row, Place::List)
    });
    Ok(Json(envelope).into_response())
}

fn matches_search(row: &Row, names: &[&str], search: Option<&str>) -> bool {
    search.is_none_or(|search| {
        let search = search.to_lowercase();
        names
            .iter()
            .any(|name| row.text(name).to_lowercase().contains(&search))
    })
}

async fn create_ticket(
    State(firstline): State<Arc<FirstLine>>,
    request: Presented,
    body: Bytes,
) -> HandlerResult {
    let switches = firstline.control.switches();
    let creater = firstline.presented_owner(&request.0, Expired::Refused);
    let now = firstline.clock.local_now();
    let mut data = hold(&firstline.data);
    let changes = edits::ticket_changes(&data, &body_fields(&body), Write::Create)?;

    let id = data.next_ticket();
    let mut fields = data::ticket_defaults(id, now);
    fields.extend(changes);
    fields.insert("creater_id".into(), creater.map(|Owner(id)| id).into());
    let row = Row::new(fields, "created_at");
    let ticket = shapes::ticket(&data, &row, Place::Single);
    data.tickets.insert(id, row);

    let answer = single(ticket, switches.ticket_create_answer);
    Ok((StatusCode::CREATED, answer).into_response())
}

async fn show_ticket(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
) -> HandlerResult {
    let data = hold(&firstline.data);
    let row = find(&data.tickets, &id, "Ticket")?;
    let ticket = shapes::ticket(&data, row, Place::Single);
    Ok(single(ticket, firstline.control.switches().single_answer))
}

async fn put_ticket(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
    body: Bytes,
) -> HandlerResult {
    require_native_put(&firstline)?;
    update_ticket(&firstline, &id, &body_fields(&body))
}

async fn delete_ticket(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
) -> HandlerResult {
    if firstline.control.switches().method_support == MethodSupport::PutAndDeleteOverridden {
        return Err(ApiError::MethodNotAllowed("DELETE".into()));
    }
    remove_ticket(&firstline, &id)
}

async fn post_ticket(
    State(firstline): State<Arc<FirstLine>>,
    Path(id): Path<String>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let fields = body_fields(&body);
    match overriding_method(&pairs, &fields).as_deref() {
        Some("put" | "patch") => update_ticket(&firstline, &id, &fields),
        Some("delete") => remove_ticket(&firstline, &id),
        _ => Err(ApiError::MethodNotAllowed("POST".into())),
    }
}

fn update_ticket(firstline: &FirstLine, id: &str, sent: &Fields) -> HandlerResult {
    let switches = firstline.control.switches();
    let now = firstline.clock.local_now();
    let mut data = hold(&firstline.data);
    find(&data.tickets, id, "Ticket")?;
    let write = Write::Update(switches.update_semantics);
    let mut changes = edits::ticket_changes(&data, sent, write)?;
    changes.insert("updated_at".into(), printed(now).into());

    edits::write_over(find_mut(&mut data.tickets, id, "Ticket")?, changes);
    let row = find(&data.tickets, id, "Ticket")?;
    let ticket = shapes::ticket(&data, row, Place::Single);
    Ok(single(ticket, switches.single_answer))
}

fn remove_ticket(firstline: &FirstLine, id: &str) -> HandlerResult {
    let mut data = hold(&firstline.data);
    let (id, _) = numbered(&data.tickets, id, "Ticket")?;
    data.tickets.remove(&id);
    data.last_deleted_ticket = data.last_deleted_ticket.max(id);
    Ok(match firstline.control.switches().delete_answer {
        DeleteAnswer::NoContent => StatusCode::NO_CONTENT.into_response(),
        DeleteAnswer::StatusInBody => Json(json!({ "data": { "status": 200 } })).into_response(),
    })
}

fn find<'a>(table: &'a Table, id: &str, model: &'static str) -> Result<&'a Row, ApiError> {
    numbered(table, id, model).map(|(_, row)| row)
}

fn find_mut<'a>(
    table: &'a mut Table,
    id: &str,
    model: &'static str,
) -> Result<&'a mut Row, ApiError> {
    let not_found = || ApiError::NotFound {
        model,
        id: id.to_owned(),
    };
    let number: i64 = id.parse().map_err(|_| not_found())?;
    table.get_mut(&number).ok_or_else(not_found)
}

fn numbered<'a>(
    table: &'a Table,
    id: &str,
    model: &'static str,
) -> Result<(i64, &'a Row), ApiError> {
    let not_found = || ApiError::NotFound {
        model,
        id: id.to_owned(),
    };
    let number: i64 = id.parse().map_err(|_| not_found())?;
    let row = table.get(&number).ok_or_else(not_found)?;
    Ok((number, row))
}

fn single(object: Value, shape: AnswerShape) -> Response {
    match shape {
        AnswerShape::Bare => Json(object).into_response(),
        AnswerShape::Wrapped => Json(json!({ "data": object })).into_response(),
    }
}

async fn list_employees(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let asked = Parameters::read(pairs, &body, firstline.control.switches());
    let search = asked.text("search");
    let page = asked.page();
    let switches = asked.check()?;

    let data = hold(&firstline.data);
    let mut rows: Vec<(i64, &Row)> = data
        .employees
        .iter()
        .filter(|(_, row)| row.get("listed").as_bool() != Some(false))
        .filter(|(_, row)| {
            matches_search(
                row,
                &["name", "identity_no", "employee_no"],
                search.as_deref(),
            )
        })
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, switches.employee_order);
    let envelope = page.envelope(
        &rows,
        "/api/v1/employee",
        &switches,
        shapes::listed_employee,
    );
    Ok(Json(envelope).into_response())
}

async fn list_sponsors(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let asked = Parameters::read(pairs, &body, firstline.control.switches());
    let data = hold(&firstline.data);
    lookup(
        asked,
        &data.sponsors,
        "/api/v1/sponsor",
        |_| true,
        shapes::whole,
    )
}

async fn list_termination_codes(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let asked = Parameters::read(pairs, &body, firstline.control.switches());
    let search = asked.text("search");
    let data = hold(&firstline.data);
    lookup(
        asked,
        &data.termination_codes,
        "/api/v1/ticket-termination-code",
        |row| matches_search(row, &["name"], search.as_deref()),
        shapes::whole,
    )
}

async fn list_categories(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let asked = Parameters::read(pairs, &body, firstline.control.switches());
    let data = hold(&firstline.data);
    lookup(
        asked,
        &data.categories,
        "/api/v1/category",
        |_| true,
        |row| shapes::category_with_children(&data, row),
    )
}

async fn list_subcategories(
    State(firstline): State<Arc<FirstLine>>,
    Query(pairs): Pairs,
    body: Bytes,
) -> HandlerResult {
    let mut asked = Parameters::read(pairs, &body, firstline.control.switches());
    let category_id = asked.number("category_id");
    let data = hold(&firstline.data);
    lookup(
        asked,
        &data.subcategories,
        "/api/v1/subcategory",
        |row| category_id.is_none_or(|id| row.number("category_id") == Some(id)),
        |row| shapes::subcategory(&data, row),
    )
}

fn lookup(
    asked: Parameters,
    table: &Table,
    path: &str,
    keep: impl Fn(&Row) -> bool,
    show: impl Fn(&Row) -> Value,
) -> HandlerResult {
    let page = asked.page();
    let switches = asked.check()?;
    let mut rows: Vec<(i64, &Row)> = table
        .iter()
        .filter(|(_, row)| keep(row))
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, switches.lookup_order);
    Ok(Json(page.envelope(&rows, path, &switches, show)).into_response())
}

async fn refuse_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}

async fn refuse_path() -> ApiError {
    ApiError::NoSuchPath
}
