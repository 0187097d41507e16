//! What the executor itself costs: the dashboard's selection over data in memory, parsed, validated, executed and written,
//! without a network, a cache or a vendor.

use std::time::{Duration, Instant};

use async_graphql::{EmptyMutation, EmptySubscription, ID, Object, Request, Schema, SimpleObject};
use serde_json::Value;

#[derive(Clone, SimpleObject)]
struct Person {
    name: Option<String>,
}

#[derive(Clone, SimpleObject)]
struct Parent {
    name: Option<String>,
}

#[derive(Clone, SimpleObject)]
struct Category {
    name: Option<String>,
    parent: Option<Parent>,
}

#[derive(Clone, SimpleObject)]
struct Ticket {
    subject: Option<String>,
    status: Option<String>,
    handler: Option<Person>,
    category: Option<Category>,
}

struct List<'a>(&'a [Ticket]);

#[Object]
impl<'a> List<'a> {
    async fn nodes(&self) -> &'a [Ticket] {
        self.0
    }
}

struct Query(Vec<Ticket>);

#[Object]
impl Query {
    async fn tickets(&self, #[graphql(default = 20)] first: usize) -> Option<List<'_>> {
        Some(List(&self.0[..first.min(self.0.len())]))
    }

    async fn employee(&self, id: ID) -> Option<Person> {
        let _ = id;
        None
    }
}

/// The processor time of one execution of this query, over the data of that answer.
pub(crate) fn execution(answer: &str, query: &str, variables: &Value) -> Duration {
    let answer: Value = serde_json::from_str(answer).expect("it is JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nodes = answer["data"]["tickets"]["nodes"].as_array();
    let tickets = nodes.expect("the answer has tickets").iter().map(|node| {
        let category = &node["category"];
        Ticket {
            subject: text(&node["subject"]),
            status: text(&node["status"]),
            handler: node["handler"].is_object().then(|| Person {
                name: text(&node["handler"]["name"]),
            }),
            category: category.is_object().then(|| Category {
                name: text(&category["name"]),
                parent: category["parent"].is_object().then(|| Parent {
                    name: text(&category["parent"]["name"]),
                }),
            }),
        }
    });
    let schema = Schema::new(Query(tickets.collect()), EmptyMutation, EmptySubscription);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    let once = || {
        let request =
            Request::new(query).variables(async_graphql::Variables::from_json(variables.clone()));
        let response = runtime.block_on(schema.execute(request));
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        serde_json::to_vec(&response).expect("it is written")
    };
    average(once)
}

/// The processor time that reading a vendor's body as JSON takes.
pub(crate) fn decoding(body: &[u8]) -> Duration {
    average(|| serde_json::from_slice::<Value>(body).expect("the vendor sends JSON"))
}

/// This thread does nothing else, so that the time which passes is what it uses; the best of several rounds is the least
/// disturbed by others.
fn average<T>(mut once: impl FnMut() -> T) -> Duration {
    const ROUNDS: usize = 20;
    const RUNS: u32 = 100;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..RUNS {
            std::hint::black_box(once());
        }
        best = best.min(started.elapsed() / RUNS);
    }
    best
}
