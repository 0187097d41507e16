//! The scenarios: their queries, and the conditions that must hold.

use serde_json::json;

use crate::subject::Calls;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) cache: &'static str,
    /// As `load` sends it.
    pub(crate) body: String,
    pub(crate) calls: Calls,
    pub(crate) executor: BareExecutor,
}

/// Whether the same query is also run over data in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BareExecutor {
    Measured,
    NotMeasured,
}

const DASHBOARD: &str =
    "nodes { subject status handler { name } category { name parent { name } } }";

/// Scenarios of one group have the same query, and are measured in turn.
pub(crate) fn groups() -> Vec<Vec<Scenario>> {
    let dashboard = text(&format!(
        "query Dashboard {{ tickets(first: 100) {{ {DASHBOARD} }} }}"
    ));
    let another_question = format!(
        "query Dashboard($from: DateTime!) {{ tickets(first: 100, filter: {{ createdFrom: $from }}) {{ {DASHBOARD} }} }}"
    );
    let merged =
        "query Merged { serviceRecords(first: 100) { nodes { id createdAt handler { name } } } }";
    vec![
        vec![
            Scenario {
                name: "1: one dashboard query by all, cache off",
                cache: "false",
                body: dashboard.clone(),
                calls: Calls::AsManyAsItTakes,
                executor: BareExecutor::NotMeasured,
            },
            Scenario {
                name: "2: the same, cache on",
                cache: "true",
                body: dashboard,
                calls: Calls::NowAndThen,
                executor: BareExecutor::NotMeasured,
            },
        ],
        vec![other_variables()],
        vec![Scenario {
            name: "4: cache off, another query each time",
            cache: "false",
            body: json!({ "query": another_question, "variables": { "from": "{t}" } }).to_string(),
            calls: Calls::OneForEach,
            executor: BareExecutor::Measured,
        }],
        vec![Scenario {
            name: "5: the merged list of both vendors, cache off",
            cache: "false",
            body: text(merged),
            calls: Calls::AsManyAsItTakes,
            executor: BareExecutor::NotMeasured,
        }],
        vec![Scenario {
            name: "6: `{__typename}`",
            cache: "true",
            body: text("{__typename}"),
            calls: Calls::NowAndThen,
            executor: BareExecutor::NotMeasured,
        }],
    ]
}

/// The dashboard and an employee of another number each time, who is looked up in the cached directory. No employee has such a
/// number, so that all responses are equal, though the gateway can't know.
pub(crate) fn other_variables() -> Scenario {
    let query = format!(
        "query Dashboard($employee: ID!) {{ tickets(first: 100) {{ {DASHBOARD} }} employee(id: $employee) {{ name }} }}"
    );
    let variables = json!({ "employee": "firstline:Employee:{n}" });
    Scenario {
        name: "3: cache on, other variables each time",
        cache: "true",
        body: json!({ "query": query, "variables": variables }).to_string(),
        calls: Calls::NowAndThen,
        executor: BareExecutor::Measured,
    }
}

fn text(query: &str) -> String {
    json!({ "query": query }).to_string()
}
