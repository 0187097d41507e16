//! Bangwo8: its routes, and what each does with its data.

mod auth;
mod data;
mod phrases;
mod wire;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

use super::control::{VendorControl, hold};
use super::middleware::{self, Vendor, status_code};
use super::random::Random;
use super::row::{Fields, Row, Table, fields_of, number, page_of, put_in_order, read_date_time};
use super::server::Stopping;
use super::switches::{Bangwo8Switches, CountForm, ListOrder, SupportAnswer};
use super::{Clock, SandboxOptions};
use auth::Tokens;
use data::{Data, PUBLIC_ADDRESS};
use phrases::{FIRST_TYPES, SECOND_TYPES, THIRD_TYPES};
use wire::{ApiError, BARE};

const DEFAULT_PER_PAGE: usize = 100;
const REMOTE_SUMMARY: &str = "3";

type Pairs = Query<Vec<(String, String)>>;

pub(super) struct Bangwo8 {
    pub(super) control: VendorControl<Bangwo8Switches>,
    clock: Clock,
    data: Mutex<Data>,
    tokens: Mutex<Tokens>,
    random: Mutex<Random>,
}

pub(super) fn router(bangwo8: Arc<Bangwo8>, stopping: Stopping) -> Router {
    // The vendor's `{id}.json` cannot be a template of the router: a parameter is a whole segment.
    let routes = Router::new()
        .route("/api/token.php", any(auth::token))
        .route("/api/v1/remoterecord/histories.json", get(list_records))
        .route(
            "/api/v1/remoterecord/histories_v2.json",
            get(list_records_with_names),
        )
        .route(
            "/api/v1/remoterecord/histories/{id_json}",
            get(list_records_of_agent),
        )
        .route(
            "/api/v1/remoterecord/chatrecords/{id_json}",
            get(list_messages),
        )
        .route("/api/v1/servicesummary/{id_json}", get(show_summary))
        .route("/api/v1/supports.json", get(list_agents))
        .route("/api/v1/supports/{id_json}", get(show_agent))
        .method_not_allowed_fallback(refuse_path)
        .fallback(refuse_path);
    middleware::guarded(bangwo8, stopping, routes)
}

impl Bangwo8 {
    pub(super) fn new(options: &SandboxOptions, clock: Clock) -> Self {
        let now = clock.local_start();
        Self {
            control: VendorControl::new(Bangwo8Switches::default()),
            clock,
            data: Mutex::new(Data::seeded(options.seed, now, options.service_records)),
            tokens: Mutex::new(Tokens::new(options.seed)),
            random: Mutex::new(Random::new(options.seed ^ 0x1e58)),
        }
    }

    pub(super) fn insert_record(&self, given: Value) -> i64 {
        let now = self.clock.local_now();
        let mut data = hold(&self.data);
        let defaults = |id| data::record_defaults(id, now);
        insert(&mut data.records, given, "csId", "csBTime", defaults)
    }

    pub(super) fn insert_agent(&self, given: Value) -> i64 {
        let mut data = hold(&self.data);
        let mut random = hold(&self.random);
        let defaults = |id| data::agent_defaults(id, &mut random);
        insert(&mut data.agents, given, "sId", "createDT", defaults)
    }

    pub(super) fn remove_record(&self, id: i64) {
        hold(&self.data).records.remove(&id);
    }

    pub(super) fn set_chat(&self, id: i64, messages: Vec<Value>) {
        let mut data = hold(&self.data);
        if let Some(record) = data.records.get_mut(&id)
            && !record.given.contains_key("ChatRecord")
        {
            let has_chat = i32::from(!messages.is_empty());
            record.fields.insert("ChatRecord".into(), has_chat.into());
        }
        data.chats.insert(id, messages);
    }

    pub(super) fn set_summary(&self, id: i64, answer: Value) {
        hold(&self.data).summaries.insert(id, answer);
    }

    fn refuse(&self, refusal: ApiError) -> Response {
        match self.control.switches().refusals_are_ok {
            true => refusal.with_status_ok().into_response(),
            false => refusal.into_response(),
        }
    }
}

fn insert(
    table: &mut Table,
    given: Value,
    id_field: &str,
    created_field: &str,
    defaults: impl FnOnce(i64) -> Fields,
) -> i64 {
    let given = fields_of(given);
    let next = table.last_key_value().map_or(1, |(id, _)| id + 1);
    let id = given.get(id_field).and_then(number).unwrap_or(next);
    table.insert(id, Row::inserted(defaults(id), given, created_field));
    id
}

impl Vendor for Bangwo8 {
    type Switches = Bangwo8Switches;
    const NAME: &'static str = "bangwo8";

    fn control(&self) -> &VendorControl<Bangwo8Switches> {
        &self.control
    }

    fn calls_per_minute(&self) -> Option<usize> {
        self.control.switches().calls_per_minute
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn identify(&self, request: &Parts) -> Option<String> {
        auth::identify(request, &hold(&self.tokens), self.clock.now())
    }

    fn needs_credentials(&self, request: &Parts) -> bool {
        // The token endpoint has another form of errors.
        request.uri.path() != auth::TOKEN_PATH
    }

    fn refuse_unauthenticated(&self) -> Response {
        self.refuse(ApiError::unauthenticated())
    }

    fn insert(&self, kind: &str, given: Value) -> Option<i64> {
        match kind {
            "records" => Some(self.insert_record(given)),
            "agents" => Some(self.insert_agent(given)),
            "chats" => {
                let id = number(&given["csId"])?;
                let messages = given["contents"].as_array().cloned().unwrap_or_default();
                self.set_chat(id, messages);
                Some(id)
            }
            "summaries" => {
                let id = number(&given["csId"])?;
                self.set_summary(id, given["answer"].clone());
                Some(id)
            }
            _ => None,
        }
    }

    fn expire_tokens(&self) {
        hold(&self.tokens).expire();
    }
}

/// How problem types are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProblemTypes {
    /// As the options' ids.
    Ids,
    /// As the options' contents: histories_v2.json alone.
    Names,
}

async fn list_records(State(bangwo8): State<Arc<Bangwo8>>, Query(pairs): Pairs) -> Response {
    let path = "/api/v1/remoterecord/histories.json";
    records(&bangwo8, &pairs, path, None, ProblemTypes::Ids)
}

async fn list_records_with_names(
    State(bangwo8): State<Arc<Bangwo8>>,
    Query(pairs): Pairs,
) -> Response {
    let path = "/api/v1/remoterecord/histories_v2.json";
    records(&bangwo8, &pairs, path, None, ProblemTypes::Names)
}

async fn list_records_of_agent(
    State(bangwo8): State<Arc<Bangwo8>>,
    Path(id_json): Path<String>,
    Query(pairs): Pairs,
) -> Response {
    let Some(agent_id) = id_of(&id_json) else {
        return bangwo8.refuse(ApiError::not_found());
    };
    let path = match bangwo8.control.switches().next_page_has_placeholder {
        true => "/api/v1/remoterecord/histories/{id}.json".to_owned(),
        false => format!("/api/v1/remoterecord/histories/{agent_id}.json"),
    };
    records(&bangwo8, &pairs, &path, Some(agent_id), ProblemTypes::Ids)
}

fn records(
    bangwo8: &Bangwo8,
    pairs: &[(String, String)],
    path: &str,
    agent_id: Option<i64>,
    problem_types: ProblemTypes,
) -> Response {
    let switches = bangwo8.control.switches();
    let days = match Days::asked(pairs, "starttime", "endtime", &switches) {
        Ok(days) => days,
        Err(refusal) => return bangwo8.refuse(refusal),
    };
    let agent_id = agent_id.filter(|_| !switches.ignores_agent);
    let data = hold(&bangwo8.data);
    let mut rows: Vec<(i64, &Row)> = data
        .records
        .iter()
        .filter(|(_, row)| agent_id.is_none_or(|id| row.number("csServicerId") == Some(id)))
        .filter(|(_, row)| switches.ignores_days || days.admit(row.created))
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, switches.record_order);

    let page = Page::asked(pairs, &switches);
    let shown: Vec<Value> = page
        .of(&rows)
        .iter()
        .map(|(_, row)| shown_record(row, problem_types, &switches))
        .collect();
    let mut envelope = json!({ "remoterecords": shown });
    page.add_counts(&mut envelope, rows.len(), path, pairs, &switches);
    wire::answer(&envelope)
}

fn shown_record(row: &Row, problem_types: ProblemTypes, switches: &Bangwo8Switches) -> Value {
    let mut answer = row.fields.clone();
    row.overlay(&mut answer, |_| true);
    if !row.given.contains_key("csServicerAgentId") && !switches.older_revision {
        answer.remove("csServicerAgentId");
    }
    if switches.older_revision {
        answer.remove("contents");
    }
    if switches.price_is_text
        && let Some(price) = answer.get_mut("csPrice")
        && let Some(bare) = price.get(BARE)
    {
        *price = bare.clone();
    }
    if problem_types == ProblemTypes::Names {
        let seconds = SECOND_TYPES.map(|(id, name, _)| (id, name));
        let thirds = THIRD_TYPES.map(|(id, name, _)| (id, name));
        name_option(&mut answer, "ptId", &FIRST_TYPES);
        name_option(&mut answer, "ptChildId", &seconds);
        name_option(&mut answer, "ptThird", &thirds);
    }
    Value::Object(answer)
}

/// The option's content instead of its id. What is no known id stays: an inserted record may hold the content itself.
fn name_option(answer: &mut Fields, field: &str, options: &[(i64, &str)]) {
    let Some(value) = answer.get_mut(field) else {
        return;
    };
    let Some(id) = number(value) else {
        return;
    };
    *value = options
        .iter()
        .find(|(option, _)| *option == id)
        .map_or_else(|| Value::from(""), |(_, content)| Value::from(*content));
}

async fn list_messages(
    State(bangwo8): State<Arc<Bangwo8>>,
    Path(id_json): Path<String>,
    Query(pairs): Pairs,
) -> Response {
    let switches = bangwo8.control.switches();
    let days = match Days::asked(&pairs, "time_start", "time_end", &switches) {
        Ok(days) => days,
        Err(refusal) => return bangwo8.refuse(refusal),
    };
    let data = hold(&bangwo8.data);
    let known = id_of(&id_json)
        .filter(|id| data.records.contains_key(id) || !switches.unknown_record_is_not_found);
    let Some(id) = known else {
        return bangwo8.refuse(ApiError::not_found());
    };

    let mut messages: Vec<&Value> = data
        .chats
        .get(&id)
        .into_iter()
        .flatten()
        .filter(|message| days.admit(message["time"].as_str().and_then(read_date_time)))
        .collect();
    if matches!(
        switches.chat_order,
        ListOrder::TimeDescending | ListOrder::IdDescending
    ) {
        messages.reverse();
    }
    let page = Page::asked(&pairs, &switches);
    let mut envelope = json!({
        // The number of the record is a string here alone.
        "remote_chatrecords": { "csId": id.to_string(), "contents": page.of(&messages) },
    });
    let path = format!("/api/v1/remoterecord/chatrecords/{id}.json");
    page.add_counts(&mut envelope, messages.len(), &path, &pairs, &switches);
    wire::answer(&envelope)
}

async fn show_summary(
    State(bangwo8): State<Arc<Bangwo8>>,
    Path(id_json): Path<String>,
    Query(pairs): Pairs,
) -> Response {
    let switches = bangwo8.control.switches();
    let data = hold(&bangwo8.data);
    let known = id_of(&id_json)
        .filter(|id| data.records.contains_key(id) || !switches.unknown_record_is_not_found);
    let Some(id) = known else {
        return bangwo8.refuse(ApiError::not_found());
    };

    let is_remote = text(&pairs, "servicesummary_type") == Some(REMOTE_SUMMARY);
    let mut answer = match data.summaries.get(&id) {
        // The number then names a conversation or a call, of which this sandbox has none.
        _ if !is_remote => {
            json!({ "status": "120002", "message": "No service summary information" })
        }
        None => json!({ "status": "120001", "message": "No service summary template" }),
        Some(summary) => summary.clone(),
    };
    if switches.summary_status_is_number
        && let Some(status) = number(&answer["status"])
    {
        answer["status"] = status.into();
    }
    let is_absent = answer.get("data").is_none();
    let response = wire::answer(&answer);
    match is_absent {
        true => (status_code(switches.absent_summary_status), response).into_response(),
        false => response,
    }
}

async fn list_agents(State(bangwo8): State<Arc<Bangwo8>>, Query(pairs): Pairs) -> Response {
    let switches = bangwo8.control.switches();
    if switches.supports_are_forbidden {
        return bangwo8.refuse(ApiError::forbidden());
    }
    let days = match Days::asked(&pairs, "created_start", "created_end", &switches) {
        Ok(days) => days,
        Err(refusal) => return bangwo8.refuse(refusal),
    };
    let order = match text(&pairs, "created_order") {
        Some("desc") => ListOrder::TimeDescending,
        Some("asc") => ListOrder::TimeAscending,
        _ => switches.agent_order,
    };
    let data = hold(&bangwo8.data);
    let mut rows: Vec<(i64, &Row)> = data
        .agents
        .iter()
        .filter(|(_, row)| days.admit(row.created))
        .map(|(id, row)| (*id, row))
        .collect();
    put_in_order(&mut rows, order);

    let page = Page::asked(&pairs, &switches);
    let shown: Vec<Value> = page
        .of(&rows)
        .iter()
        .map(|(_, row)| shown_agent(row))
        .collect();
    let mut envelope = json!({ "supports": shown });
    page.add_counts(
        &mut envelope,
        rows.len(),
        "/api/v1/supports.json",
        &pairs,
        &switches,
    );
    wire::answer(&envelope)
}

async fn show_agent(State(bangwo8): State<Arc<Bangwo8>>, Path(id_json): Path<String>) -> Response {
    let switches = bangwo8.control.switches();
    if switches.supports_are_forbidden {
        return bangwo8.refuse(ApiError::forbidden());
    }
    let data = hold(&bangwo8.data);
    let agent = id_of(&id_json)
        .filter(|_| switches.support_by_id_exists)
        .and_then(|id| data.agents.get(&id));
    let Some(agent) = agent.map(shown_agent) else {
        return bangwo8.refuse(ApiError::not_found());
    };
    wire::answer(&match switches.support_answer {
        SupportAnswer::Object => json!({ "support": agent }),
        SupportAnswer::Array => json!({ "support": [agent] }),
        SupportAnswer::Bare => agent,
    })
}

fn shown_agent(row: &Row) -> Value {
    let mut answer = row.fields.clone();
    row.overlay(&mut answer, |_| true);
    Value::Object(answer)
}

fn id_of(id_json: &str) -> Option<i64> {
    id_json.strip_suffix(".json")?.parse().ok()
}

fn text<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

/// Whole days, the last one included.
struct Days {
    first: Option<Date>,
    last: Option<Date>,
    last_is_included: bool,
}

impl Days {
    fn asked(
        pairs: &[(String, String)],
        start: &str,
        end: &str,
        switches: &Bangwo8Switches,
    ) -> Result<Self, ApiError> {
        let day = |name: &str| match text(pairs, name) {
            None => Ok(None),
            Some(value) => match read_date_time(value) {
                Some(at) => Ok(Some(at.date())),
                None => Err(ApiError::malformed(name)),
            },
        };
        Ok(Self {
            first: day(start)?,
            last: day(end)?,
            last_is_included: switches.end_day_is_inclusive,
        })
    }

    fn admit(&self, at: Option<DateTime>) -> bool {
        if self.first.is_none() && self.last.is_none() {
            return true;
        }
        at.map(DateTime::date).is_some_and(|day| {
            self.first.is_none_or(|first| day >= first)
                && self
                    .last
                    .is_none_or(|last| day < last || (day == last && self.last_is_included))
        })
    }
}

struct Page {
    number: usize,
    size: usize,
}

impl Page {
    fn asked(pairs: &[(String, String)], switches: &Bangwo8Switches) -> Self {
        let positive = |name| {
            text(pairs, name)
                .and_then(|value| value.parse::<usize>().ok())
                .filter(|number| *number > 0)
        };
        Self {
            number: positive("page").unwrap_or(1),
            size: positive("per_page")
                .unwrap_or(DEFAULT_PER_PAGE)
                .min(switches.per_page_cap.max(1)),
        }
    }

    fn of<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        page_of(items, self.number, self.size)
    }

    /// The total, and the neighbours at the vendor's public address.
    fn add_counts(
        &self,
        envelope: &mut Value,
        total: usize,
        path: &str,
        pairs: &[(String, String)],
        switches: &Bangwo8Switches,
    ) {
        let filters: String = match switches.next_page_keeps_filters {
            true => pairs
                .iter()
                .filter(|(name, _)| name != "page" && name != "per_page")
                .map(|(name, value)| format!("{name}={}&", value.replace(' ', "%20")))
                .collect(),
            false => String::new(),
        };
        let address = |page: usize| {
            format!(
                "{PUBLIC_ADDRESS}{path}?{filters}per_page={}&page={page}",
                self.size
            )
        };
        let has_next = self.number.saturating_mul(self.size) < total;
        envelope["count"] = match switches.count_form {
            CountForm::Number => total.into(),
            CountForm::Text => total.to_string().into(),
        };
        envelope["next_page"] = has_next.then(|| address(self.number + 1)).into();
        envelope["previous_page"] = (self.number > 1).then(|| address(self.number - 1)).into();
    }
}

async fn refuse_path(State(bangwo8): State<Arc<Bangwo8>>) -> Response {
    bangwo8.refuse(ApiError::not_found())
}
