//! The cost of the executor alone: a scenario's query over data in memory, parsed, validated, executed and encoded, without
//! network, cache or vendor; and the cost of reading a vendor's page with serde.

use std::{
    collections::HashMap,
    fs,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use async_graphql::{
    EmptyMutation, EmptySubscription, Enum, ID, InputObject, InputValueError, InputValueResult,
    Object, Request, Scalar, ScalarType, Schema, SimpleObject, Variables,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::page::{self, Page};

/// The processor time of one run of each.
#[derive(Clone, Copy)]
pub(crate) struct Bare {
    pub(crate) decoding: Duration,
    pub(crate) execution: Duration,
    /// Of the page that is decoded.
    pub(crate) page_bytes: usize,
}

impl Bare {
    /// Runs the query over the page for this time, and checks that the response is the gateway's. It runs on every thread of
    /// the machine, because under load the gateway has no idle one either.
    pub(crate) fn measure(page: &[u8], request: &Value, answer: &str, duration: Duration) -> Self {
        let query = request["query"].as_str().expect("a request has a query");
        let variables = &request["variables"];
        let executor = Executor::over(read(page));
        let answer: Value = serde_json::from_str(answer).expect("it is JSON");
        let own: Value = serde_json::from_slice(&executor.run(query, variables)).expect("so is it");
        assert_eq!(own["data"], answer["data"], "both answer the same");

        Self {
            decoding: average(duration / 2, || read(page)),
            execution: average(duration / 2, || executor.run(query, variables)),
            page_bytes: page.len(),
        }
    }

    pub(crate) fn both(&self) -> Duration {
        self.decoding + self.execution
    }
}

fn read(page: &[u8]) -> Page {
    serde_json::from_slice(page).expect("the page is as the vendor documents it")
}

/// The processor time of one run, while every thread of the machine runs it.
fn average<T>(duration: Duration, run: impl Fn() -> T + Sync) -> Duration {
    const RUNS_BETWEEN_LOOKS: u32 = 20;
    let measured = || {
        let (started, time) = (Instant::now(), time_of_this_thread());
        let mut runs = 0;
        while started.elapsed() < duration {
            for _ in 0..RUNS_BETWEEN_LOOKS {
                black_box(run());
            }
            runs += RUNS_BETWEEN_LOOKS;
        }
        (time_of_this_thread() - time) / runs
    };

    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(measured)).collect();
        let times = running
            .into_iter()
            .map(|thread| thread.join().expect("it runs to its end"));
        times.sum::<Duration>() / u32::try_from(threads).expect("no machine has so many threads")
    })
}

fn time_of_this_thread() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux reports it");
    crate::process::time_on_processor(&stat)
}

struct Executor(Schema<Query, EmptyMutation, EmptySubscription>);

impl Executor {
    fn over(page: Page) -> Self {
        let tickets: Vec<Ticket> = page.data.into_iter().map(Ticket::from).collect();
        let handlers = tickets.iter().filter_map(|ticket| ticket.handler.clone());
        let employees = handlers.map(|handler| (handler.id.to_string(), handler));
        let query = Query {
            employees: employees.collect(),
            tickets: TicketConnection { nodes: tickets },
        };
        Self(Schema::new(query, EmptyMutation, EmptySubscription))
    }

    fn run(&self, query: &str, variables: &Value) -> Vec<u8> {
        thread_local! {
            static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime starts");
        }

        let variables = Variables::from_json(variables.clone());
        let request = Request::new(query).variables(variables);
        let response = RUNTIME.with(|runtime| runtime.block_on(self.0.execute(request)));
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        serde_json::to_vec(&response).expect("it is written")
    }
}

struct Query {
    employees: HashMap<String, Employee>,
    tickets: TicketConnection,
}

/// The arguments are the gateway's. The data in memory is what they select.
#[Object]
impl Query {
    async fn tickets(
        &self,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
        filter: Option<TicketFilter>,
    ) -> Option<&TicketConnection> {
        black_box((first, after, filter));
        Some(&self.tickets)
    }

    async fn employee(&self, id: ID) -> Option<&Employee> {
        self.employees.get(id.as_str())
    }
}

#[derive(InputObject)]
struct TicketFilter {
    vendors: Option<Vec<Vendor>>,
    search: Option<String>,
    statuses: Option<Vec<TicketStatus>>,
    contact_id: Option<ID>,
    sponsor_id: Option<ID>,
    termination_code_ids: Option<Vec<ID>>,
    handler_ids: Option<Vec<ID>>,
    creator_ids: Option<Vec<ID>>,
    due_from: Option<DateTime>,
    due_to: Option<DateTime>,
    created_from: Option<DateTime>,
    created_to: Option<DateTime>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Vendor {
    #[graphql(name = "FIRSTLINE")]
    FirstLine,
    #[graphql(name = "BANGWO8")]
    Bangwo8,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum TicketStatus {
    Pending,
    InProgress,
    Resolved,
    Closed,
    Unknown,
}

struct DateTime(Timestamp);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: async_graphql::Value) -> InputValueResult<Self> {
        match value {
            async_graphql::Value::String(text) => Ok(Self(text.parse()?)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> async_graphql::Value {
        async_graphql::Value::String(self.0.to_string())
    }
}

#[derive(SimpleObject)]
struct TicketConnection {
    nodes: Vec<Ticket>,
}

#[derive(SimpleObject)]
struct Ticket {
    id: u64,
    subject: Option<String>,
    content: Option<String>,
    status: TicketStatus,
    status_memo: Option<String>,
    category: Option<Category>,
    handler: Option<Employee>,
}

#[derive(SimpleObject)]
struct Category {
    id: u64,
    name: Option<String>,
    description: Option<String>,
    parent: Option<Box<Category>>,
}

#[derive(Clone, SimpleObject)]
struct Employee {
    id: u64,
    name: Option<String>,
    employee_no: Option<String>,
    email: Option<String>,
}

impl From<page::Ticket> for Ticket {
    fn from(ticket: page::Ticket) -> Self {
        Self {
            id: ticket.id,
            subject: ticket.subject,
            content: ticket.content,
            status: match ticket.status {
                Some(0) => TicketStatus::Pending,
                Some(1) => TicketStatus::InProgress,
                Some(2) => TicketStatus::Resolved,
                Some(3) => TicketStatus::Closed,
                _ => TicketStatus::Unknown,
            },
            status_memo: ticket.status_memo,
            category: ticket.sub_category.map(|category| Category {
                id: category.id,
                name: category.name,
                description: category.description,
                parent: category.category.map(|parent| {
                    Box::new(Category {
                        id: parent.id,
                        name: parent.name,
                        description: parent.description,
                        parent: None,
                    })
                }),
            }),
            handler: ticket.handler.map(|handler| Employee {
                id: handler.id,
                name: handler.name,
                employee_no: handler.employee_no,
                email: handler.email,
            }),
        }
    }
}
