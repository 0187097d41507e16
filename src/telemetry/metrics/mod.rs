//! The metrics of one gateway: handles that are resolved once, and the page that a scrape reads.

mod labels;
mod process;
pub mod table;

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{prometheus_text, text},
    metrics::{
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry},
};

use crate::{
    domain::{CircuitState, Vendor, VendorErrorCode},
    error::ErrorCode,
};
pub use labels::{
    CacheKind, CacheName, CacheResult, Method, OperationKind, Outcome, Source, Transport,
};
use labels::{
    CacheRequest, Login, OfCache, OfTransport, OfVendor, Operation, Refused, ServerRequest, Status,
    TraceLabel, VendorRequest,
};
use table::{CALL_OUTCOMES, help};

/// From half a millisecond, which a cached response takes, to the time-out of a vendor call.
const SECONDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const CALLS: [f64; 10] = [0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

/// All metrics of one gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub http: HttpMetrics,
    pub operations: OperationMetrics,
    pub cache: CacheMetrics,
    pub live: LiveMetrics,
    /// 1 while it can be used, and where none is configured.
    pub shared_state_up: Gauge,
    refused: Family<Refused, Counter>,
    vendors: VendorFamilies,
}

/// The formats in which a scrape can read the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    PrometheusText,
    /// With exemplars.
    OpenMetrics,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let http = HttpMetrics {
            requests: Family::new_with_constructor(SecondsWithExemplars),
        };
        register(
            &mut registry,
            "http_server_request_duration_seconds",
            &http.requests,
        );
        let operations = OperationMetrics::register(&mut registry);
        let cache = CacheMetrics::register(&mut registry);
        let live = LiveMetrics::register(&mut registry);
        let vendors = VendorFamilies::register(&mut registry);
        let refused = Family::<Refused, Counter>::default();
        register(&mut registry, "deskgraph_requests_refused_total", &refused);
        for code in ErrorCode::ALL {
            refused.get_or_create_owned(&Refused { code: code.name() });
        }
        let shared_state_up = Gauge::default();
        shared_state_up.set(1);
        register(&mut registry, "deskgraph_shared_state_up", &shared_state_up);
        registry.register(
            "deskgraph_build",
            help("deskgraph_build_info"),
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(process::ProcessCollector));
        Self {
            registry,
            http,
            operations,
            cache,
            live,
            shared_state_up,
            refused,
            vendors,
        }
    }

    /// Counts a request, or an operation of a batch, that was not executed.
    pub fn count_refused(&self, code: ErrorCode) {
        self.refused
            .get_or_create(&Refused { code: code.name() })
            .inc();
    }

    pub fn vendor(&self, vendor: Vendor) -> VendorMetrics {
        self.vendors.of(vendor)
    }

    pub fn set_circuit(&self, vendor: Vendor, state: CircuitState) {
        let labels = OfVendor {
            vendor: vendor.slug(),
        };
        let circuit_state = self.vendors.circuit_state.get_or_create(&labels);
        circuit_state.set(match state {
            CircuitState::Closed => 0,
            CircuitState::HalfOpen => 1,
            CircuitState::Open => 2,
        });
    }

    pub fn page(&self, format: Format) -> Result<String, fmt::Error> {
        let mut page = String::new();
        match format {
            Format::PrometheusText => prometheus_text::encode(&mut page, &self.registry)?,
            Format::OpenMetrics => text::encode(&mut page, &self.registry)?,
        }
        Ok(page)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Registers a metric under its exported name. The encoder of a counter adds its `_total` again.
fn register(registry: &mut Registry, name: &'static str, metric: &(impl Metric + Clone)) {
    let base = name.strip_suffix("_total").unwrap_or(name);
    registry.register(base, help(name), metric.clone());
}

/// Requests of clients.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: Family<ServerRequest, HistogramWithExemplars<TraceLabel>, SecondsWithExemplars>,
}

impl HttpMetrics {
    /// Records one request. `trace_id` is the trace of a sampled request.
    pub fn record(
        &self,
        method: Method,
        route: &'static str,
        status: Option<u16>,
        duration: Duration,
        trace_id: Option<String>,
    ) {
        let labels = ServerRequest {
            http_request_method: method,
            http_route: route,
            http_response_status_code: Status(status),
        };
        let exemplar = trace_id.map(|trace_id| TraceLabel { trace_id });
        self.requests
            .get_or_create(&labels)
            .observe(duration.as_secs_f64(), exemplar, None);
    }
}

/// GraphQL operations.
#[derive(Debug, Clone)]
pub struct OperationMetrics {
    operations: Family<Operation, Counter>,
    pub vendor_calls: Histogram,
}

impl OperationMetrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            operations: Family::default(),
            vendor_calls: Histogram::new(CALLS),
        };
        register(registry, "deskgraph_operations_total", &metrics.operations);
        register(
            registry,
            "deskgraph_vendor_calls_per_operation",
            &metrics.vendor_calls,
        );
        metrics.counters(OperationKind::Query, "");
        metrics.counters(OperationKind::Mutation, "");
        metrics
    }

    /// The counters of one operation, to be resolved once. Only operations of the manifest have a name.
    pub fn counters(&self, kind: OperationKind, name: &str) -> OperationCounters {
        let counter = |source, outcome| {
            self.operations.get_or_create_owned(&Operation {
                r#type: kind,
                source,
                outcome,
                operation: name.to_owned(),
            })
        };
        OperationCounters(
            [Source::Executed, Source::Coalesced, Source::Cached].map(|source| {
                [Outcome::Ok, Outcome::Error].map(|outcome| counter(source, outcome))
            }),
        )
    }
}

/// By source and outcome.
#[derive(Debug, Clone)]
pub struct OperationCounters([[Counter; 2]; 3]);

impl OperationCounters {
    pub fn count(&self, source: Source, outcome: Outcome) {
        self.0[source as usize][outcome as usize].inc();
    }
}

#[derive(Debug, Clone)]
pub struct CacheMetrics {
    requests: [[Counter; CacheResult::ALL.len()]; CacheKind::ALL.len()],
    bytes: Family<OfCache, Gauge>,
}

impl CacheMetrics {
    fn register(registry: &mut Registry) -> Self {
        let requests = Family::<CacheRequest, Counter>::default();
        let bytes = Family::<OfCache, Gauge>::default();
        register(registry, "deskgraph_cache_requests_total", &requests);
        register(registry, "deskgraph_cache_bytes", &bytes);
        for cache in CacheName::ALL {
            bytes.get_or_create(&OfCache { cache: *cache }).set(0);
        }
        Self {
            requests: std::array::from_fn(|kind| {
                std::array::from_fn(|result| {
                    requests.get_or_create_owned(&CacheRequest {
                        kind: CacheKind::ALL[kind],
                        result: CacheResult::ALL[result],
                    })
                })
            }),
            bytes,
        }
    }

    pub fn count(&self, kind: CacheKind, result: CacheResult) {
        self.requests[kind as usize][result as usize].inc();
    }

    pub fn set_bytes(&self, cache: CacheName, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.bytes.get_or_create(&OfCache { cache }).set(bytes);
    }
}

#[derive(Debug, Clone)]
pub struct LiveMetrics {
    subscribers: [Gauge; Transport::ALL.len()],
    pub events: Counter,
}

impl LiveMetrics {
    fn register(registry: &mut Registry) -> Self {
        let subscribers = Family::<OfTransport, Gauge>::default();
        let metrics = Self {
            subscribers: std::array::from_fn(|index| {
                subscribers.get_or_create_owned(&OfTransport {
                    transport: Transport::ALL[index],
                })
            }),
            events: Counter::default(),
        };
        register(registry, "deskgraph_live_subscribers", &subscribers);
        register(registry, "deskgraph_live_events_total", &metrics.events);
        metrics
    }

    pub fn subscribers(&self, transport: Transport) -> &Gauge {
        &self.subscribers[transport as usize]
    }
}

#[derive(Debug)]
struct VendorFamilies {
    requests: Family<VendorRequest, Histogram, Seconds>,
    retries: Family<OfVendor, Counter>,
    circuit_state: Family<OfVendor, Gauge>,
    slots_in_use: Family<OfVendor, Gauge>,
    slot_wait: Family<OfVendor, Histogram, Seconds>,
    logins: Family<Login, Counter>,
}

impl VendorFamilies {
    fn register(registry: &mut Registry) -> Self {
        let families = Self {
            requests: Family::new_with_constructor(Seconds),
            retries: Family::default(),
            circuit_state: Family::default(),
            slots_in_use: Family::default(),
            slot_wait: Family::new_with_constructor(Seconds),
            logins: Family::default(),
        };
        register(
            registry,
            "http_client_request_duration_seconds",
            &families.requests,
        );
        register(
            registry,
            "deskgraph_vendor_retries_total",
            &families.retries,
        );
        register(
            registry,
            "deskgraph_vendor_circuit_state",
            &families.circuit_state,
        );
        register(
            registry,
            "deskgraph_vendor_slots_in_use",
            &families.slots_in_use,
        );
        register(
            registry,
            "deskgraph_vendor_slot_wait_seconds",
            &families.slot_wait,
        );
        register(registry, "deskgraph_vendor_logins_total", &families.logins);
        families
    }

    fn of(&self, vendor: Vendor) -> VendorMetrics {
        let labels = OfVendor {
            vendor: vendor.slug(),
        };
        self.circuit_state.get_or_create_owned(&labels);
        // From the start, so that the first failure shows as an increase.
        for outcome in CALL_OUTCOMES {
            self.logins.get_or_create_owned(&Login {
                vendor: vendor.slug(),
                outcome,
            });
        }
        VendorMetrics {
            vendor,
            requests: self.requests.clone(),
            retries: self.retries.get_or_create_owned(&labels),
            slots_in_use: self.slots_in_use.get_or_create_owned(&labels),
            slot_wait: self.slot_wait.get_or_create_owned(&labels),
            logins: self.logins.clone(),
        }
    }
}

/// The calls to one vendor.
#[derive(Debug, Clone)]
pub struct VendorMetrics {
    vendor: Vendor,
    requests: Family<VendorRequest, Histogram, Seconds>,
    pub retries: Counter,
    slots_in_use: Gauge,
    slot_wait: Histogram,
    logins: Family<Login, Counter>,
}

impl VendorMetrics {
    /// Metrics that no page has, for a vendor without a gateway around it.
    #[cfg(test)]
    pub fn detached(vendor: Vendor) -> Self {
        Metrics::new().vendor(vendor)
    }

    /// Records one attempt of a call; without a failure it went well.
    pub fn record_attempt(
        &self,
        route: &'static str,
        failure: Option<VendorErrorCode>,
        duration: Duration,
    ) {
        let labels = VendorRequest {
            vendor: self.vendor.slug(),
            http_route: route,
            outcome: failure.map_or("ok", outcome),
        };
        self.requests
            .get_or_create(&labels)
            .observe(duration.as_secs_f64());
    }

    /// Counts a slot in use until the guard is dropped.
    pub fn take_slot(&self) -> SlotInUse {
        self.slots_in_use.inc();
        SlotInUse(self.slots_in_use.clone())
    }

    pub fn record_slot_wait(&self, wait: Duration) {
        self.slot_wait.observe(wait.as_secs_f64());
    }

    /// Counts a login or a renewal of a token; without a failure it went well.
    pub fn count_login(&self, failure: Option<VendorErrorCode>) {
        let labels = Login {
            vendor: self.vendor.slug(),
            outcome: failure.map_or("ok", outcome),
        };
        self.logins.get_or_create(&labels).inc();
    }
}

#[derive(Debug)]
pub struct SlotInUse(Gauge);

impl Drop for SlotInUse {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn outcome(code: VendorErrorCode) -> &'static str {
    match code {
        VendorErrorCode::Timeout => "timeout",
        VendorErrorCode::Unreachable => "unreachable",
        VendorErrorCode::RateLimited => "rate_limited",
        VendorErrorCode::Unauthenticated => "unauthenticated",
        VendorErrorCode::Forbidden => "forbidden",
        VendorErrorCode::NotFound => "not_found",
        VendorErrorCode::BadResponse => "bad_response",
        VendorErrorCode::ServerError => "server_error",
        VendorErrorCode::CircuitOpen => "circuit_open",
        VendorErrorCode::Rejected => "rejected",
        VendorErrorCode::GatewayError => "gateway_error",
    }
}

/// Makes histograms of durations.
#[derive(Debug, Clone, Copy)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// The same, with exemplars.
#[derive(Debug, Clone, Copy)]
struct SecondsWithExemplars;

impl MetricConstructor<HistogramWithExemplars<TraceLabel>> for SecondsWithExemplars {
    fn new_metric(&self) -> HistogramWithExemplars<TraceLabel> {
        HistogramWithExemplars::new(SECONDS.into_iter())
    }
}
