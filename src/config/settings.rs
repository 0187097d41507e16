//! The table of all settings: name, default, valid values and meaning.

/// One setting. Its key is its place in the TOML file, and names its environment variable too.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) kind: Kind,
    meaning: &'static str,
}

/// The valid values of a setting.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// An IP address and a port.
    Address,
    /// An address of a server: http or https, with neither credentials nor a query.
    Url,
    /// The same, over TLS unless it is on loopback.
    GuardedUrl,
    Text,
    Secret,
    /// A secret of at least 32 characters.
    SigningKey,
    Choice(&'static [&'static str]),
    Number {
        min: u64,
        max: u64,
    },
    Switch,
    TimeZone,
    LogFilter,
    CertificateFile,
    KeyFile,
    ApiKeys,
    Origins,
    HostNames,
}

pub(super) const MIN_SIGNING_KEY_CHARACTERS: usize = 32;

impl Kind {
    /// A secret may also come from a file.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Kind::Secret | Kind::SigningKey | Kind::ApiKeys)
    }
}

pub(super) const ENVIRONMENT_PREFIX: &str = "DESKGRAPH_";

impl Setting {
    pub(super) fn variable(&self) -> String {
        variable(self.key)
    }

    /// Whether a changed value takes effect on reload. Other settings need a restart.
    pub(super) fn is_reloadable(&self) -> bool {
        RELOADABLE.iter().any(|start| self.key.starts_with(start))
    }

    /// The valid values, to follow "must be".
    pub(super) fn expectation(&self) -> String {
        match self.kind {
            Kind::Address => {
                "an IP address and a port, such as 127.0.0.1:4000 or [::]:4000".to_owned()
            }
            Kind::Url => {
                "an http or https address without credentials, query or fragment".to_owned()
            }
            Kind::GuardedUrl => {
                "an https address (on loopback http too) without credentials, query or fragment"
                    .to_owned()
            }
            Kind::Text | Kind::Secret => "text without control characters".to_owned(),
            Kind::SigningKey => format!(
                "text of at least {MIN_SIGNING_KEY_CHARACTERS} characters without control characters"
            ),
            Kind::Choice(choices) => one_of(choices),
            Kind::Number { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Switch => "true or false".to_owned(),
            Kind::TimeZone => "the name of a time zone, such as Asia/Taipei".to_owned(),
            Kind::CertificateFile => {
                "the path of a PEM file of a certificate, followed by those of its issuers"
                    .to_owned()
            }
            Kind::KeyFile => "the path of a PEM file of a private key".to_owned(),
            Kind::LogFilter => {
                "a level such as info, or targets with their levels such as deskgraph::upstream=debug"
                    .to_owned()
            }
            Kind::Origins => {
                "origins such as https://desk.example.com (no `*`, path or default port), as a JSON array, or separated by commas"
                    .to_owned()
            }
            Kind::HostNames => {
                "names of hosts such as desk.example.com (no scheme, port or `*`), as a JSON array, or separated by commas"
                    .to_owned()
            }
            Kind::ApiKeys => {
                "a JSON array of {\"name\", \"key\" or \"sha256\", \"scopes\"}".to_owned()
            }
        }
    }
}

/// The environment variable of the setting with this key.
pub(super) fn variable(key: &str) -> String {
    format!(
        "{ENVIRONMENT_PREFIX}{}",
        key.to_uppercase().replace('.', "__")
    )
}

/// Every setting as a Markdown table, for `docs/CONFIGURATION.md`.
pub fn settings_table() -> String {
    let mut table = String::from("| variable | default | meaning |\n|---|---|---|\n");

    for setting in SETTINGS {
        let variable = setting.variable();
        let default = match setting.default {
            Some(default) => format!("`{default}`"),
            None => "none".to_owned(),
        };
        let meaning = setting.meaning;

        table.push_str(&match setting.kind {
            Kind::Number { min, max } => {
                format!("| `{variable}` | {default} | {meaning} ({min} to {max}) |\n")
            }
            Kind::Choice(choices) => {
                let choices = one_of(choices);
                format!("| `{variable}` | {default} | {meaning}: {choices} |\n")
            }
            kind if kind.is_secret() => {
                format!("| `{variable}` | {default} | {meaning} (or `{variable}_FILE`) |\n")
            }
            _ => format!("| `{variable}` | {default} | {meaning} |\n"),
        });
    }
    table
}

fn one_of(choices: &[&str]) -> String {
    match choices {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|choice| format!("`{choice}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

const fn setting(
    key: &'static str,
    default: Option<&'static str>,
    kind: Kind,
    meaning: &'static str,
) -> Setting {
    Setting {
        key,
        default,
        kind,
        meaning,
    }
}

const fn number(
    key: &'static str,
    default: &'static str,
    min: u64,
    max: u64,
    meaning: &'static str,
) -> Setting {
    setting(key, Some(default), Kind::Number { min, max }, meaning)
}

const TEN_MINUTES_MS: u64 = 600_000;
const DAY_MS: u64 = 86_400_000;
const MONTH_MS: u64 = 30 * DAY_MS;
const MEBIBYTE: u64 = 1 << 20;
const TEBIBYTE: u64 = 1 << 40;

const LIST_ORDERS: Kind = Kind::Choice(&["auto", "newest_first", "oldest_first"]);

/// The keys, or their beginnings, of the settings that take effect on reload.
const RELOADABLE: &[&str] = &[
    "firstline.token",
    "firstline.username",
    "firstline.password",
    "bangwo8.account",
    "bangwo8.password",
    "bangwo8.client_id",
    "bangwo8.client_secret",
    "cache.list_ttl_ms",
    "cache.entity_ttl_ms",
    "cache.directory_ttl_ms",
    "cache.stale_ms",
    "auth.",
    "cors.",
    "limits.",
    "documents.mode",
    "documents.manifest",
    "log.filter",
    "tls.",
    "shutdown.",
    "graphiql.",
    "pages.",
    "introspection.",
];

pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        Some("127.0.0.1:4000"),
        Kind::Address,
        "The address that the gateway listens on",
    ),
    setting(
        "public_url",
        None,
        Kind::Url,
        "The URL under which browsers reach the gateway, which `photoUrl` begins with; without it, `photoUrl` begins with `/photos/`",
    ),
    setting(
        "photos.signing_key",
        None,
        Kind::SigningKey,
        "The key that the addresses of photos are signed with, at least 32 characters; without it, each process makes its own",
    ),
    // FirstLine
    setting(
        "firstline.base_url",
        None,
        Kind::Url,
        "FirstLine's URL; without it FirstLine is not configured",
    ),
    setting(
        "firstline.token",
        None,
        Kind::Secret,
        "A permanent token; or the next two",
    ),
    setting(
        "firstline.username",
        None,
        Kind::Text,
        "The name to log in with",
    ),
    setting(
        "firstline.password",
        None,
        Kind::Secret,
        "The password to log in with",
    ),
    setting(
        "firstline.update_method",
        Some("auto"),
        Kind::Choice(&["auto", "put", "post_override"]),
        "How an object is updated; `auto` uses PUT, and after a 405 POST with `_method`",
    ),
    setting(
        "firstline.array_style",
        Some("auto"),
        Kind::Choice(&["auto", "brackets", "comma"]),
        "How a query string lists several values; `auto` uses brackets, and commas and then a JSON body for a filter that FirstLine does not apply",
    ),
    setting(
        "firstline.cleared_value",
        Some("empty_text"),
        Kind::Choice(&["empty_text", "null"]),
        "What is sent to clear a custom field that has one value",
    ),
    setting(
        "firstline.created_end",
        Some("inclusive"),
        Kind::Choice(&["inclusive", "exclusive"]),
        "Whether an upper bound of time includes its own second",
    ),
    setting(
        "firstline.time_zone",
        Some("Asia/Taipei"),
        Kind::TimeZone,
        "The zone of FirstLine's local times",
    ),
    setting(
        "firstline.list_order",
        Some("auto"),
        LIST_ORDERS,
        "A hint at the order of FirstLine's lists, which helps to choose what is read first",
    ),
    number(
        "firstline.list_page_size",
        "100",
        1,
        500,
        "The page size that the gateway requests",
    ),
    number(
        "firstline.timeout_ms",
        "10000",
        1,
        TEN_MINUTES_MS,
        "The timeout of one call, including its retries; the wait until it may be sent does not count",
    ),
    number(
        "firstline.connect_timeout_ms",
        "2000",
        1,
        TEN_MINUTES_MS,
        "The timeout of opening a connection",
    ),
    number(
        "firstline.max_concurrency",
        "16",
        1,
        1024,
        "Concurrent calls",
    ),
    number(
        "firstline.requests_per_minute",
        "0",
        0,
        1_000_000,
        "Calls in any minute at most, logins, probes and retries included; a quarter of them may come at once; 0: no limit",
    ),
    number(
        "firstline.max_retries",
        "2",
        0,
        10,
        "Retries of a call that is safe to repeat",
    ),
    number(
        "firstline.refused_login_pause_ms",
        "60000",
        0,
        DAY_MS,
        "How long the gateway waits after a rejected login, so that the account is not locked",
    ),
    // Bangwo8
    setting(
        "bangwo8.base_url",
        None,
        Kind::Url,
        "Bangwo8's URL; without it Bangwo8 is not configured",
    ),
    setting(
        "bangwo8.account",
        None,
        Kind::Text,
        "The account for Basic authentication",
    ),
    setting(
        "bangwo8.password",
        None,
        Kind::Secret,
        "Its password; or the next two",
    ),
    setting(
        "bangwo8.client_id",
        None,
        Kind::Text,
        "The client id for OAuth2 client credentials",
    ),
    setting(
        "bangwo8.client_secret",
        None,
        Kind::Secret,
        "The client's secret",
    ),
    number(
        "bangwo8.find_max_calls",
        "10",
        0,
        1000,
        "List pages that are searched, from the newest, for a record whose id lacks its day",
    ),
    number(
        "bangwo8.category_records",
        "500",
        1,
        10_000,
        "How many of the newest records the category tree is read from",
    ),
    setting(
        "bangwo8.time_zone",
        Some("Asia/Shanghai"),
        Kind::TimeZone,
        "The zone of Bangwo8's local times",
    ),
    setting(
        "bangwo8.list_order",
        Some("auto"),
        LIST_ORDERS,
        "A hint at the order of Bangwo8's lists, which helps to choose what is read first",
    ),
    number(
        "bangwo8.list_page_size",
        "100",
        1,
        500,
        "The page size that the gateway requests",
    ),
    number(
        "bangwo8.timeout_ms",
        "10000",
        1,
        TEN_MINUTES_MS,
        "The timeout of one call, including its retries; the wait until it may be sent does not count",
    ),
    number(
        "bangwo8.connect_timeout_ms",
        "2000",
        1,
        TEN_MINUTES_MS,
        "The timeout of opening a connection",
    ),
    number("bangwo8.max_concurrency", "16", 1, 1024, "Concurrent calls"),
    number(
        "bangwo8.requests_per_minute",
        "0",
        0,
        1_000_000,
        "Calls in any minute at most, logins, probes and retries included; a quarter of them may come at once; 0: no limit",
    ),
    number(
        "bangwo8.max_retries",
        "2",
        0,
        10,
        "Retries of a call that is safe to repeat",
    ),
    number(
        "bangwo8.refused_login_pause_ms",
        "60000",
        0,
        DAY_MS,
        "How long the gateway waits after a rejected login, so that the account is not locked",
    ),
    // The cache
    setting(
        "cache.enabled",
        Some("true"),
        Kind::Switch,
        "`false`: nothing is cached between requests",
    ),
    number(
        "cache.list_ttl_ms",
        "5000",
        0,
        DAY_MS,
        "How long lists and totals are fresh",
    ),
    number(
        "cache.entity_ttl_ms",
        "30000",
        0,
        DAY_MS,
        "How long single tickets and service records are fresh",
    ),
    number(
        "cache.directory_ttl_ms",
        "300000",
        0,
        DAY_MS,
        "How long employees, categories, sponsors and termination codes are fresh",
    ),
    number(
        "cache.stale_ms",
        "3600000",
        0,
        MONTH_MS,
        "How long after that expired data may replace the data of a vendor that fails",
    ),
    number(
        "cache.max_bytes",
        "268435456",
        0,
        TEBIBYTE,
        "The size of the cache of the vendors' data",
    ),
    number(
        "cache.answers_max_bytes",
        "33554432",
        0,
        TEBIBYTE,
        "The size of the response cache",
    ),
    // Callers
    setting(
        "auth.mode",
        Some("none"),
        Kind::Choice(&["none", "api_key", "jwt"]),
        "Authentication; `none` gives every client every scope, and needs a loopback address",
    ),
    setting(
        "auth.allowed_hosts",
        None,
        Kind::HostNames,
        "With the mode `none`: the host names, besides `localhost` and IP addresses, under which the gateway accepts requests, such as `desk.example.com`; a JSON array, or separated by commas",
    ),
    setting(
        "auth.api_keys",
        None,
        Kind::ApiKeys,
        "JSON array of `{\"name\",\"key\" or \"sha256\",\"scopes\":[\"read\",\"write\",\"pii\"]}`; a key has at least 16 characters and is sent as `Authorization: Bearer` or `x-api-key`",
    ),
    setting(
        "auth.jwks_url",
        None,
        Kind::GuardedUrl,
        "The URL of the issuer's key set (JWKS); https, or http on loopback",
    ),
    setting("auth.issuer", None, Kind::Text, "The tokens' issuer"),
    setting("auth.audience", None, Kind::Text, "The tokens' audience"),
    setting(
        "auth.scope_claim",
        Some("scope"),
        Kind::Text,
        "The tokens' claim with the scopes: words separated by spaces, or an array of them",
    ),
    setting(
        "auth.scope_prefix",
        None,
        Kind::Text,
        "What stands before `read`, `write` and `pii` in that claim, such as `deskgraph:`; words without it are ignored",
    ),
    number(
        "auth.failures_per_minute",
        "60",
        0,
        1_000_000,
        "Failed authentications of one address (with IPv6 of one /64 network) per minute that get 401; more get 429; 0: no limit",
    ),
    setting(
        "cors.origins",
        None,
        Kind::Origins,
        "The origins whose pages may send requests, such as `https://desk.example.com`; a JSON array, or separated by commas",
    ),
    // Limits
    number(
        "limits.max_depth",
        "15",
        1,
        30,
        "How many levels of fields a query may have; introspection is one level",
    ),
    number(
        "limits.max_complexity",
        "20000",
        1,
        10_000_000,
        "The cost that a query may have: a scalar 1, an object 2, each vendor call that a field may cause 10 more, a list that much for each item; introspection the same, by the size of the schema",
    ),
    number(
        "limits.max_page_size",
        "100",
        1,
        1000,
        "The largest `first`, and the most ids of `nodes`",
    ),
    number(
        "limits.requests_per_minute",
        "0",
        0,
        1_000_000,
        "Requests of one caller per minute, which may all come at once; each request of a batch counts; 0: no limit",
    ),
    number(
        "limits.max_connections",
        "10000",
        1,
        1_000_000,
        "Concurrent connections; more wait until one of them ends",
    ),
    number(
        "limits.write_timeout_ms",
        "10000",
        1000,
        TEN_MINUTES_MS,
        "How long a client may take less than 10 KiB of a response that it has not taken whole; then its connection is closed",
    ),
    number(
        "limits.max_unsent_bytes_per_connection",
        "8388608",
        65_536,
        TEBIBYTE,
        "Bytes of responses that one connection has not taken yet; beyond that its further requests wait",
    ),
    number(
        "limits.max_unsent_bytes",
        "67108864",
        MEBIBYTE,
        TEBIBYTE,
        "The same of all connections; beyond that the connections that have stalled for longest are closed",
    ),
    number("limits.max_batch", "10", 1, 1000, "Requests in one batch"),
    number(
        "limits.max_body_bytes",
        "1048576",
        1,
        64 * MEBIBYTE,
        "The largest request body",
    ),
    number(
        "limits.request_timeout_ms",
        "30000",
        1,
        TEN_MINUTES_MS,
        "How long one request may take",
    ),
    number(
        "limits.body_timeout_ms",
        "1500",
        1,
        TEN_MINUTES_MS,
        "How long a request's whole body may take to arrive",
    ),
    number(
        "limits.max_aliases",
        "30",
        0,
        10_000,
        "Aliases in a query, with its fragments expanded",
    ),
    number(
        "limits.max_root_fields",
        "30",
        1,
        10_000,
        "Root fields in a query",
    ),
    number(
        "limits.max_directives",
        "50",
        0,
        10_000,
        "Directives in a document",
    ),
    number(
        "limits.max_tokens",
        "5000",
        1,
        100_000,
        "Tokens in a document",
    ),
    number(
        "limits.max_document_bytes",
        "131072",
        1,
        64 * MEBIBYTE,
        "The largest document",
    ),
    number(
        "limits.max_variables_bytes",
        "131072",
        2,
        64 * MEBIBYTE,
        "The largest variables, as compact JSON",
    ),
    number(
        "limits.max_vendor_pages",
        "10",
        1,
        1000,
        "Vendor pages that one request may read for a filter that the gateway applies",
    ),
    number(
        "limits.max_vendor_calls",
        "200",
        1,
        10_000,
        "Vendor calls that one HTTP request may cause, its whole batch included; beyond it a field fails with `LIMIT_EXCEEDED`",
    ),
    number(
        "limits.filter_retry_ms",
        "3600000",
        1_000,
        86_400_000,
        "How long the gateway itself applies a filter that a vendor did not apply, before the vendor is sent it again",
    ),
    // Documents
    setting(
        "documents.mode",
        Some("any"),
        Kind::Choice(&["any", "trusted_only"]),
        "Which documents are executed; `trusted_only`: those of the manifest",
    ),
    setting(
        "documents.manifest",
        None,
        Kind::Text,
        "A JSON file of documents by their ids: `{\"hash\":\"document\"}`, or Apollo's manifest",
    ),
    number(
        "documents.max_persisted_bytes",
        "16777216",
        0,
        TEBIBYTE,
        "The size of the store of documents that clients persist; 0: none",
    ),
    // The rest
    setting(
        "tls.cert_file",
        None,
        Kind::CertificateFile,
        "A PEM file of the certificate and its chain; with it the gateway serves TLS",
    ),
    setting(
        "tls.key_file",
        None,
        Kind::KeyFile,
        "A PEM file of the certificate's private key",
    ),
    number(
        "shutdown.drain_ms",
        "5000",
        0,
        TEN_MINUTES_MS,
        "After SIGTERM: how long the gateway still accepts connections, while `/health/ready` returns 503",
    ),
    setting(
        "log.format",
        Some("text"),
        Kind::Choice(&["text", "json"]),
        "The format of the log",
    ),
    setting(
        "log.filter",
        None,
        Kind::LogFilter,
        "What is logged, such as `info` or `warn,deskgraph::upstream=debug`; without it `RUST_LOG` says so, and without both it is `info`",
    ),
    setting(
        "metrics.listen",
        None,
        Kind::Address,
        "Address of `/metrics`, for Prometheus; none serves no metrics. It is not protected, so it must not be public",
    ),
    setting(
        "graphiql.enabled",
        Some("true"),
        Kind::Switch,
        "Whether `/graphiql` is served",
    ),
    setting(
        "pages.public",
        Some("false"),
        Kind::Switch,
        "With the modes `api_key` and `jwt`: whether the start page, the documents, `/schema.graphql` and the vendors in `/health/ready` are shown without a key or token",
    ),
    setting(
        "introspection.enabled",
        Some("true"),
        Kind::Switch,
        "Whether introspection is allowed; where not, errors reveal no names of the schema and `/schema.graphql` is not served",
    ),
];
