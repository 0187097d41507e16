//! The table of all metrics: name, type, labels and the bounds of their values.

/// One metric. A test holds the registry to this table.
#[derive(Debug)]
pub struct Definition {
    /// As it is exported, with its unit, and with `_total` where it is a counter.
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [Label],
    pub help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug)]
pub struct Label {
    pub name: &'static str,
    pub values: Values,
}

/// What bounds the values of a label.
#[derive(Debug)]
pub enum Values {
    OneOf(&'static [&'static str]),
    /// A status code of HTTP; empty where the client left before the response.
    Status,
    /// The path templates of the program's own code; `other` for a path that has no route.
    Route,
    /// The names of the operations in the manifest of trusted documents; empty for any other document.
    ManifestOperation,
    /// The version of the program.
    Version,
}

const VENDORS: &[&str] = &["firstline", "bangwo8"];
const VENDOR: Label = label("vendor", Values::OneOf(VENDORS));

/// How one call to a vendor ended: `ok`, or a VendorErrorCode in lower case.
pub(super) const CALL_OUTCOMES: &[&str] = &[
    "ok",
    "timeout",
    "unreachable",
    "rate_limited",
    "unauthenticated",
    "forbidden",
    "not_found",
    "bad_response",
    "server_error",
    "circuit_open",
    "rejected",
    "gateway_error",
];

pub const TABLE: &[Definition] = &[
    Definition {
        name: "http_server_request_duration_seconds",
        kind: Kind::Histogram,
        labels: &[
            label(
                "http_request_method",
                Values::OneOf(&["GET", "HEAD", "POST", "OPTIONS", "_OTHER"]),
            ),
            label("http_route", Values::Route),
            label("http_response_status_code", Values::Status),
        ],
        help: "Time from the head of a request to the head of its response. Health checks and scrapes are not counted.",
    },
    Definition {
        name: "http_client_request_duration_seconds",
        kind: Kind::Histogram,
        labels: &[
            VENDOR,
            label("http_route", Values::Route),
            label("outcome", Values::OneOf(CALL_OUTCOMES)),
        ],
        help: "Time of one attempt of a call to a vendor, from its start to the end of the body. Logins and probes are counted.",
    },
    Definition {
        name: "deskgraph_operations_total",
        kind: Kind::Counter,
        labels: &[
            label(
                "type",
                Values::OneOf(&["query", "mutation", "subscription"]),
            ),
            label(
                "source",
                Values::OneOf(&["executed", "coalesced", "cached"]),
            ),
            label("outcome", Values::OneOf(&["ok", "error"])),
            label("operation", Values::ManifestOperation),
        ],
        help: "GraphQL operations with a response; `error` if the response has errors.",
    },
    Definition {
        name: "deskgraph_vendor_calls_per_operation",
        kind: Kind::Histogram,
        labels: &[],
        help: "Vendor calls that an executed operation caused.",
    },
    Definition {
        name: "deskgraph_vendor_retries_total",
        kind: Kind::Counter,
        labels: &[VENDOR],
        help: "Attempts of vendor calls after the first.",
    },
    Definition {
        name: "deskgraph_vendor_circuit_state",
        kind: Kind::Gauge,
        labels: &[VENDOR],
        help: "The circuit breaker: 0 closed, 1 half-open, 2 open.",
    },
    Definition {
        name: "deskgraph_vendor_slots_in_use",
        kind: Kind::Gauge,
        labels: &[VENDOR],
        help: "Vendor calls in flight; MAX_CONCURRENCY bounds them.",
    },
    Definition {
        name: "deskgraph_vendor_slot_wait_seconds",
        kind: Kind::Histogram,
        labels: &[VENDOR],
        help: "Time that a vendor call waited for its slot.",
    },
    Definition {
        name: "deskgraph_vendor_logins_total",
        kind: Kind::Counter,
        labels: &[VENDOR, label("outcome", Values::OneOf(CALL_OUTCOMES))],
        help: "Logins and token renewals at a vendor.",
    },
    Definition {
        name: "deskgraph_cache_requests_total",
        kind: Kind::Counter,
        labels: &[
            label(
                "kind",
                Values::OneOf(&["list", "entity", "directory", "response"]),
            ),
            label(
                "result",
                Values::OneOf(&["fresh", "stale", "miss", "shared"]),
            ),
        ],
        help: "Reads of a cache: `stale` stood in for a failing vendor, `shared` joined an equal read in flight.",
    },
    Definition {
        name: "deskgraph_cache_bytes",
        kind: Kind::Gauge,
        labels: &[label(
            "cache",
            Values::OneOf(&["data", "responses", "documents"]),
        )],
        help: "Estimated size of what a cache holds.",
    },
    Definition {
        name: "deskgraph_requests_refused_total",
        kind: Kind::Counter,
        labels: &[label("code", Values::OneOf(REFUSAL_CODES))],
        help: "Requests, or operations of a batch, that were refused before their execution, by error code.",
    },
    Definition {
        name: "deskgraph_live_subscribers",
        kind: Kind::Gauge,
        labels: &[label(
            "transport",
            Values::OneOf(&["websocket", "sse", "multipart"]),
        )],
        help: "Subscriptions that are open.",
    },
    Definition {
        name: "deskgraph_live_events_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events sent to subscribers.",
    },
    Definition {
        name: "deskgraph_shared_state_up",
        kind: Kind::Gauge,
        labels: &[],
        help: "Whether the state shared between replicas can be used; 1 where none is configured.",
    },
    Definition {
        name: "deskgraph_build_info",
        kind: Kind::Gauge,
        labels: &[label("version", Values::Version)],
        help: "The version of the program; always 1.",
    },
    process_gauge("process_resident_memory_bytes", "Resident memory."),
    process_gauge("process_virtual_memory_bytes", "Virtual memory."),
    process_gauge("process_open_fds", "Open file descriptors."),
    process_gauge("process_max_fds", "The limit of open file descriptors."),
    process_gauge("process_threads", "Threads of the process."),
    process_gauge(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970.",
    ),
    Definition {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Processor time, user and system.",
    },
];

/// Every error code of the gateway: `ErrorCode::name`.
const REFUSAL_CODES: &[&str] = &[
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "BAD_USER_INPUT",
    "LIMIT_EXCEEDED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "DOCUMENT_NOT_TRUSTED",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_CONTRACT",
    "UPSTREAM_REJECTED",
    "OUTCOME_UNKNOWN",
    "INTERNAL",
];

const fn label(name: &'static str, values: Values) -> Label {
    Label { name, values }
}

const fn process_gauge(name: &'static str, help: &'static str) -> Definition {
    Definition {
        name,
        kind: Kind::Gauge,
        labels: &[],
        help,
    }
}

/// The help text of a metric of the table.
pub(super) fn help(name: &str) -> &'static str {
    let definition = TABLE.iter().find(|definition| definition.name == name);
    definition.map_or("", |definition| definition.help)
}
