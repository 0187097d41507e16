//! The cost of a field when everything is cached: 100 tickets flat, and with their relations.

use std::{
    ffi::OsString,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use deskgraph::{
    Vendors,
    config::Config,
    context::RequestScope,
    domain::{Caller, Scope},
    repository::{PhotoAddresses, Shared},
    sandbox::{Sandbox, credentials},
    schema::{self, GatewaySchema},
    telemetry::metrics::Metrics,
};
use divan::{Bencher, counter::ItemsCount};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

static DESK: LazyLock<Desk> = LazyLock::new(Desk::open);

struct Desk {
    runtime: Runtime,
    schema: GatewaySchema,
    shared: Arc<Shared>,
    _vendors: Sandbox,
}

impl Desk {
    fn open() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let sandbox = runtime
            .block_on(Sandbox::start(Default::default()))
            .expect("the sandbox starts");
        let settings = [
            ("FIRSTLINE__BASE_URL", sandbox.firstline_url()),
            ("FIRSTLINE__TOKEN", credentials::FIRSTLINE_TOKEN.to_owned()),
            // Nothing expires while the benchmark runs.
            ("CACHE__LIST_TTL_MS", "3600000".to_owned()),
            ("CACHE__ENTITY_TTL_MS", "3600000".to_owned()),
        ];
        let variables = settings.map(|(name, value)| {
            (
                OsString::from(format!("DESKGRAPH_{name}")),
                OsString::from(value),
            )
        });
        let config = Config::from_sources(None, variables).expect("the settings are right");
        let metrics = Metrics::new();
        let vendors = Vendors::new(config.firstline, config.bangwo8, &metrics)
            .expect("the settings are right");
        let photos = PhotoAddresses::new(config.photos).expect("the system has random numbers");
        Self {
            schema: schema::build(config.schema),
            shared: Shared::new(
                vendors.all(),
                config.cache,
                config.limits,
                config.creates,
                photos,
                &metrics,
            ),
            runtime,
            _vendors: sandbox,
        }
    }

    fn ask(&self, query: &str) -> async_graphql::Response {
        let scope = RequestScope::new(
            "benchmark".to_owned(),
            Caller::new("benchmark", Scope::ALL.to_vec()),
            Instant::now() + Duration::from_secs(30),
        );
        let repository = Arc::new(self.shared.for_request(Arc::new(scope)));
        let request = async_graphql::Request::new(query).data(repository);
        self.runtime.block_on(self.schema.execute(request))
    }
}

/// The number of scalars and objects per ticket below `nodes`.
const FLAT_FIELDS: usize = 6;
const RELATED_FIELDS: usize = 10;

#[divan::bench]
fn tickets_flat(bencher: Bencher) {
    run(
        bencher,
        FLAT_FIELDS,
        "{ tickets(first: 100) { nodes { id subject status priority createdAt isOverdue } } }",
    );
}

#[divan::bench]
fn tickets_with_handler_and_category(bencher: Bencher) {
    run(
        bencher,
        RELATED_FIELDS,
        "{ tickets(first: 100) { nodes { id subject status handler { id name } category { name parent { name } } } } }",
    );
}

/// The printed rate is fields a second, so that the two queries can be compared.
fn run(bencher: Bencher, fields: usize, query: &str) {
    let warm = DESK.ask(query);
    assert!(warm.errors.is_empty(), "{:?}", warm.errors);
    bencher
        .counter(ItemsCount::new(fields * 100))
        .bench(|| DESK.ask(query));
}
