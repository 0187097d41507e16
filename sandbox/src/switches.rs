//! Switches for what the vendors' documents leave open or contradict.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstLineSwitches {
    pub record_order: ListOrder,
    pub ticket_order: ListOrder,
    pub employee_order: ListOrder,
    /// Categories, subcategories, sponsors and termination codes.
    pub lookup_order: ListOrder,
    /// A larger requested size is silently reduced to this.
    pub per_page_cap: usize,
    /// Lists of service records ignore `per_page`: their page does not document it.
    pub records_ignore_per_page: bool,
    pub meta_in_lists: bool,
    /// The newer endpoints' `links`, beside `data` and inside `meta`.
    pub links_in_lists: bool,
    /// A single record, a single ticket and an updated ticket.
    pub single_answer: AnswerShape,
    pub ticket_create_answer: AnswerShape,
    pub method_support: MethodSupport,
    pub delete_answer: DeleteAnswer,
    pub update_semantics: UpdateSemantics,
    /// The 2021 page prints `provider` in a single record's logs, the newer page does not.
    pub single_record_has_provider: bool,
    pub other_channel_body: ChannelBody,
    pub custom_field_places: CustomFieldPlaces,
    /// A custom field takes null, not only a text or a list.
    pub custom_fields_take_null: bool,
    pub photo_answer: PhotoAnswer,
    /// The status of the refusal to edit a record that is wrapped up.
    pub acw_lock_status: u16,
    pub created_at_end_is_inclusive: bool,
    /// Lists take no notice of bounds on the creation time.
    pub ignores_created_at: bool,
    /// Whether an end without a time of day means the end of that day, not its start.
    pub date_only_end_covers_day: bool,
    pub array_encoding: ArrayEncoding,
    /// Filters of lists that the vendor takes no notice of.
    pub ignored_parameters: Vec<IgnoredParameter>,
    pub login_answer: LoginAnswer,
    pub expiry_unit: ExpiryUnit,
    /// How long a token from a login lives; None is as the documents say.
    pub login_life_seconds: Option<i64>,
    /// Whether a token past its end can still be exchanged for a new one.
    pub refreshes_expired_tokens: bool,
    pub permanent_token_is_accepted: bool,
    pub unauthenticated_body: UnauthenticatedBody,
    /// More calls within a minute, logins included, get 429 with the seconds until the next one is accepted. None is no limit.
    pub calls_per_minute: Option<usize>,
}

impl Default for FirstLineSwitches {
    fn default() -> Self {
        Self {
            record_order: ListOrder::IdDescending,
            ticket_order: ListOrder::IdDescending,
            employee_order: ListOrder::IdDescending,
            lookup_order: ListOrder::IdAscending,
            per_page_cap: 100,
            records_ignore_per_page: false,
            meta_in_lists: true,
            links_in_lists: false,
            single_answer: AnswerShape::Bare,
            ticket_create_answer: AnswerShape::Wrapped,
            method_support: MethodSupport::Native,
            delete_answer: DeleteAnswer::NoContent,
            update_semantics: UpdateSemantics::Partial,
            single_record_has_provider: false,
            other_channel_body: ChannelBody::Full,
            custom_field_places: CustomFieldPlaces::Updates,
            custom_fields_take_null: false,
            photo_answer: PhotoAnswer::Png,
            acw_lock_status: 422,
            created_at_end_is_inclusive: true,
            ignores_created_at: false,
            date_only_end_covers_day: true,
            array_encoding: ArrayEncoding::Both,
            ignored_parameters: Vec::new(),
            login_answer: LoginAnswer::AccessToken,
            expiry_unit: ExpiryUnit::Seconds,
            login_life_seconds: None,
            refreshes_expired_tokens: false,
            permanent_token_is_accepted: true,
            unauthenticated_body: UnauthenticatedBody::Message,
            calls_per_minute: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bangwo8Switches {
    pub record_order: ListOrder,
    /// Messages have no id, so only the time counts here.
    pub chat_order: ListOrder,
    pub agent_order: ListOrder,
    /// A larger requested size is silently reduced to this.
    pub per_page_cap: usize,
    pub count_form: CountForm,
    /// The account is no administrator: supports.json responds with 403.
    pub supports_are_forbidden: bool,
    pub support_answer: SupportAnswer,
    /// The address of one agent is inferred, not documented.
    pub support_by_id_exists: bool,
    /// The older revision of the page: records have csServicerAgentId and no contents.
    pub older_revision: bool,
    /// Amounts are strings everywhere, not only in some records.
    pub price_is_text: bool,
    /// The list of one agent's records is that of all agents.
    pub ignores_agent: bool,
    /// Lists take no notice of the days.
    pub ignores_days: bool,
    /// Whether the end day belongs to the range, as documented.
    pub end_day_is_inclusive: bool,
    pub next_page_keeps_filters: bool,
    /// The documented example of one agent's records shows `{id}` itself in next_page.
    pub next_page_has_placeholder: bool,
    /// The HTTP status of "no template" and "not filled in".
    pub absent_summary_status: u16,
    /// `"status": 200` instead of `"200"`.
    pub summary_status_is_number: bool,
    /// A record that does not exist: 404, or else an empty response with 200.
    pub unknown_record_is_not_found: bool,
    /// Rejections carry their body with status 200.
    pub refusals_are_ok: bool,
    /// More calls within a minute, logins included, get 429 with the seconds until the next one is accepted. None is no limit.
    pub calls_per_minute: Option<usize>,
}

impl Default for Bangwo8Switches {
    fn default() -> Self {
        Self {
            record_order: ListOrder::TimeDescending,
            chat_order: ListOrder::TimeAscending,
            agent_order: ListOrder::IdAscending,
            per_page_cap: 500,
            count_form: CountForm::Number,
            supports_are_forbidden: false,
            support_answer: SupportAnswer::Object,
            support_by_id_exists: true,
            older_revision: false,
            price_is_text: false,
            ignores_agent: false,
            ignores_days: false,
            end_day_is_inclusive: true,
            next_page_keeps_filters: false,
            next_page_has_placeholder: false,
            absent_summary_status: 200,
            summary_status_is_number: false,
            unknown_record_is_not_found: true,
            refusals_are_ok: false,
            calls_per_minute: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    IdAscending,
    IdDescending,
    /// By creation.
    TimeAscending,
    TimeDescending,
    /// In no order that anything shows, the same at each call.
    Shuffled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerShape {
    Bare,
    /// Under `data`.
    Wrapped,
}

/// POST with `_method` is accepted always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodSupport {
    Native,
    /// PUT gets 405.
    PutOverridden,
    /// PUT and DELETE get 405.
    PutAndDeleteOverridden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAnswer {
    /// 204 without a body.
    NoContent,
    /// 200 with `{"data":{"status":200}}`, as in 2019.
    StatusInBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateSemantics {
    /// What is not sent stays.
    Partial,
    /// What is not sent falls back to its documented default.
    Replace,
}

/// The provider of a log that is no livechat: undocumented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelBody {
    /// Messages like a livechat's for messengers, a call or a mail for the others.
    Full,
    IdOnly,
    Null,
}

/// Which responses have a record's custom fields and the time of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomFieldPlaces {
    /// As in the samples: those to updates.
    Updates,
    /// Those for one record too.
    SingleRecords,
    /// Lists too.
    Everywhere,
}

/// The response for the photo of an employee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoAnswer {
    Png,
    Svg,
    Html,
    /// A PNG of more than 1 MiB.
    TooLarge,
    /// To another host.
    Redirect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrayEncoding {
    Both,
    /// `statuses[]=0&statuses[]=1`; a plain value is refused.
    Brackets,
    /// `statuses=0,1`; brackets are refused.
    Comma,
    /// Both are refused, but not a list in a JSON body.
    Body,
}

/// A filter that the vendor takes no notice of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredParameter {
    /// Without brackets; `*` is every filter. The page and its size are no filters.
    pub name: String,
    #[serde(default)]
    pub place: ParameterPlace,
}

/// Where, or in which form, a parameter is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterPlace {
    #[default]
    Anywhere,
    Query,
    /// In the query, under a name with brackets.
    Brackets,
    /// In the query, under a name without brackets.
    Plain,
    Body,
}

/// Where a login's response has the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginAnswer {
    AccessToken,
    DataAccessToken,
    Token,
    DataToken,
}

/// The unit of `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryUnit {
    Seconds,
    Milliseconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnauthenticatedBody {
    /// `{"message":"Unauthenticated."}`
    Message,
    /// `{"error":"token_expired"}`
    Error,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountForm {
    Number,
    Text,
}

/// The content of `support` in the response for one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportAnswer {
    Object,
    Array,
    /// The agent itself, without `support`.
    Bare,
}
