use async_graphql::{Variables, value};

use super::{CALL_COST, DocumentLimits, check_document, check_variables};
use crate::{
    engine::{
        document::DocumentRules,
        response::{GraphqlError, RequestErrors},
        schema_shape::SchemaShape,
    },
    schema::{self, Introspection},
};

const SCHEMA: &str = "
    interface Node { id: ID! }
    directive @a on QUERY
    directive @b on FIELD
    directive @c on FIELD
    directive @d on FRAGMENT_SPREAD
    directive @e on INLINE_FRAGMENT
    directive @g on FRAGMENT_DEFINITION
    type Query {
        node(id: ID!): Node
        nodes(ids: [ID!]!): [Node]!
        tickets(first: Int = 20, after: String): TicketConnection
        category(id: ID!): Category
        sponsors: [Sponsor!]
        ticketStats: Stats
        serviceRecordStats(from: Date!, to: Date!, vendors: [Vendor!]): Stats
    }
    scalar Date
    enum Vendor { FIRSTLINE BANGWO8 }
    type Stats { total: Int }
    type Mutation { deleteTicket(id: ID!): ID }
    type PageInfo { hasNextPage: Boolean! }
    type TicketConnection { edges: [TicketEdge!]! nodes: [Ticket!]! pageInfo: PageInfo! totalCount: Int }
    type TicketEdge { cursor: String! node: Ticket! }
    type Ticket implements Node {
        id: ID! subject: String handler: Employee category: Category messages(first: Int = 50): TicketConnection
    }
    type Employee { id: ID! name: String }
    type Category { id: ID! name: String parent: Category children: [Category!] }
    type Sponsor { id: ID! name: String }
";

const LIMITS: DocumentLimits = DocumentLimits {
    max_depth: 15,
    max_complexity: 20_000,
    max_aliases: 30,
    max_root_fields: 30,
    max_directives: 50,
    max_tokens: 5_000,
    max_document_bytes: 100_000,
    max_variables_bytes: 100,
    max_page_size: 100,
};

fn checked(query: &str, limits: &DocumentLimits) -> Result<(), RequestErrors> {
    checked_with(query, &Variables::default(), limits)
}

/// The first operation of the document.
fn checked_with(
    query: &str,
    variables: &Variables,
    limits: &DocumentLimits,
) -> Result<(), RequestErrors> {
    let rules = DocumentRules {
        shape: SchemaShape::read(SCHEMA).expect("the schema can be parsed"),
        limits: limits.clone(),
        introspection: Introspection::Enabled,
    };
    check_variables(variables, limits)?;
    let document = rules.read(query)?;
    let mut operations = document.executable.operations.iter();
    let (_, operation) = operations.next().expect("it has an operation");
    let checked = check_document(&document, &operation.node, variables, &rules);
    checked.map(|_| ()).map_err(Into::into)
}

fn only_error(result: Result<(), RequestErrors>) -> GraphqlError {
    let errors = result.expect_err("it is refused");
    errors.0.into_iter().next().expect("there is an error")
}

#[track_caller]
fn assert_refused(result: Result<(), RequestErrors>, parts: &[&str]) {
    let message = only_error(result).message;
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

fn with(change: impl FnOnce(&mut DocumentLimits)) -> DocumentLimits {
    let mut limits = LIMITS;
    change(&mut limits);
    limits
}

/// What the query costs, found by asking for no more than nothing.
fn complexity(query: &str, variables: Variables) -> u64 {
    let limits = with(|limits| limits.max_complexity = 0);
    let error = only_error(checked_with(query, &variables, &limits));
    let extensions = error.extensions.expect("it is over a limit");
    match extensions.get("cost") {
        Some(async_graphql::Value::Number(cost)) => cost.as_u64().expect("a count"),
        other => panic!("it costs nothing: {other:?}"),
    }
}

#[test]
fn depth_is_counted_through_fragments() {
    let query = "{ category(id: 1) { ...A } } fragment A on Category { parent { ...B } } \
        fragment B on Category { parent { ... on Category { name } } }";

    assert!(checked(query, &with(|limits| limits.max_depth = 4)).is_ok());
    assert_refused(
        checked(query, &with(|limits| limits.max_depth = 3)),
        &["4 levels of fields", "at most 3"],
    );
}

#[test]
fn aliases_and_root_fields_are_counted_with_fragments_expanded() {
    let query = "{ ...A ...A } fragment A on Query { a: sponsors { b: id } c: sponsors { id } }";

    let aliases = checked(query, &with(|limits| limits.max_aliases = 5));
    assert_refused(aliases, &["6 aliases", "at most 5"]);
    let root_fields = checked(query, &with(|limits| limits.max_root_fields = 3));
    assert_refused(root_fields, &["4 root fields", "at most 3"]);
    assert!(checked(query, &LIMITS).is_ok());
}

#[test]
fn directives_are_counted_as_they_are_written() {
    let query = "query @a { sponsors @b @c { ...A @d ... @e { id @b } } } fragment A on Sponsor @g { id @c }";

    let directives = checked(query, &with(|limits| limits.max_directives = 7));
    assert_refused(directives, &["8 directives", "at most 7"]);
    assert!(checked(query, &with(|limits| limits.max_directives = 8)).is_ok());
}

#[test]
fn tokens_and_brackets_are_counted_while_parsing() {
    let many = format!("{{ {} }}", "a ".repeat(5_000));
    assert_refused(checked(&many, &LIMITS), &["5002 tokens", "at most 5000"]);

    for (start, bracket) in [
        ("", "{a"),
        ("", "{...{a"),
        ("{a(b:", "["),
        ("{a(b:", "{c:"),
        ("query($a:", "["),
    ] {
        let deep = format!("{start}{}", bracket.repeat(100));
        let over = "has 65 brackets inside each other; at most 64";
        assert_refused(checked(&deep, &LIMITS), &[over]);
    }
}

#[test]
fn a_page_costs_its_size() {
    let none = Variables::default;
    let (call, ticket) = (CALL_COST, 2 + 1);

    assert_eq!(complexity("{ sponsors { id } }", none()), call + 10 * 3);
    assert_eq!(
        complexity("{ category(id: 1) { id name } }", none()),
        call + 2 + 2
    );
    assert_eq!(
        complexity("{ nodes(ids: [1, 2, 3]) { id } }", none()),
        3 * (call + 3)
    );
    assert_eq!(
        complexity("{ tickets { totalCount nodes { id } } }", none()),
        call + 2 + 1 + 20 * ticket
    );
    assert_eq!(
        complexity(
            "{ tickets(first: 7) { ...P } } fragment P on TicketConnection { nodes { id } }",
            none()
        ),
        call + 2 + 7 * ticket
    );
    assert_eq!(
        complexity("{ tickets(first: 7) { edges { node { id } } } }", none()),
        call + 2 + 7 * (2 + ticket)
    );

    let query = "query($n: Int = 5) { tickets(first: $n) { nodes { id } } }";
    assert_eq!(complexity(query, none()), call + 2 + 5 * ticket);
    let variables = Variables::from_value(value!({ "n": 9 }));
    assert_eq!(complexity(query, variables), call + 2 + 9 * ticket);
    let variables = Variables::from_value(value!({ "n": 9.0 }));
    assert_eq!(complexity(query, variables), call + 2 + 9 * ticket);
    let variables = Variables::from_value(value!({ "n": null }));
    assert_eq!(complexity(query, variables), call + 2 + 20 * ticket);
}

#[test]
fn a_field_that_needs_a_call_costs_more_for_each_object() {
    let of = |field: &str| {
        let query = format!("{{ tickets(first: 100) {{ nodes {{ {field} }} }} }}");
        complexity(&query, Variables::default())
    };
    let page = of("messages(first: 1) { totalCount }");

    assert_eq!(page - of("handler { id }"), 100 * CALL_COST);
}

#[test]
fn counts_cost_the_calls_that_they_can_cause() {
    let none = Variables::default;
    let of = |calls: u64| 2 + 1 + calls * CALL_COST;
    assert_eq!(complexity("{ ticketStats { total } }", none()), of(12));

    let stats = |arguments: &str| format!("{{ serviceRecordStats({arguments}) {{ total }} }}");
    for (arguments, calls) in [
        ("from: \"2026-03-01\", to: \"2026-03-01\"", 2 * 2),
        ("from: \"2026-01-01\", to: \"2026-04-02\"", 2 * 93),
        (
            "from: \"2026-01-01\", to: \"2026-01-07\", vendors: [BANGWO8]",
            8,
        ),
        // These fail by themselves.
        ("from: \"2020-01-01\", to: \"2026-01-01\"", 2 * 93),
        ("from: \"2026-01-02\", to: \"2026-01-01\"", 2 * 2),
    ] {
        assert_eq!(
            complexity(&stats(arguments), none()),
            of(calls),
            "{arguments}"
        );
    }

    let query =
        "query($from: Date!) { serviceRecordStats(from: $from, to: \"2026-01-31\") { total } }";
    for (from, calls) in [("2026-01-02", 2 * 31), ("today", 2 * 93)] {
        let variables = Variables::from_value(value!({ "from": from }));
        assert_eq!(complexity(query, variables), of(calls), "{from}");
    }
}

#[test]
fn the_variables_are_weighed_as_compact_json() {
    let variables = |length| Variables::from_value(value!({ "a": "b".repeat(length) }));
    let around = "{\"a\":\"\"}".len();

    assert!(checked_with("{ __typename }", &variables(100 - around), &LIMITS).is_ok());
    assert_refused(
        checked_with("{ __typename }", &variables(101 - around), &LIMITS),
        &["101 bytes of variables", "at most 100"],
    );
}

#[test]
fn a_full_page_with_its_relations_passes_and_a_page_of_pages_does_not() {
    let desk = "{ tickets(first: 100) { nodes { id subject handler { id name } \
        category { id name parent { id name } } } pageInfo { hasNextPage } totalCount } }";
    assert!(checked(desk, &LIMITS).is_ok());

    let product = "{ tickets(first: 100) { nodes { messages(first: 100) { nodes { id } } } } }";
    assert_refused(
        checked(product, &LIMITS),
        &["31412 points of complexity", "at most 20000"],
    );
}

#[test]
fn a_size_that_is_refused_anyway_costs_no_more_than_the_largest() {
    let none = Variables::default;
    let largest = complexity("{ tickets(first: 100) { nodes { id } } }", none());

    for size in ["101", "2147483647"] {
        let query = format!("{{ tickets(first: {size}) {{ nodes {{ id }} }} }}");
        assert_eq!(complexity(&query, none()), largest);
    }
    let query = "query($n: Int) { tickets(first: $n) { nodes { id } } }";
    let variables = Variables::from_value(value!({ "n": 9223372036854775807u64 }));
    assert_eq!(complexity(query, variables), largest);
    assert!(checked("{ tickets(first: -1) { nodes { id } } }", &LIMITS).is_ok());
}

#[test]
fn costs_beyond_all_numbers_do_not_overflow() {
    let levels = 27;
    let query = format!(
        "{{ tickets(first: 100) {{ nodes {{ {} id {} }} }} }}",
        "messages(first: 100) { nodes { ".repeat(levels),
        "} } ".repeat(levels)
    );
    let limits = with(|limits| limits.max_depth = u64::MAX);

    assert_refused(checked(&query, &limits), &["points of complexity"]);
}

#[test]
fn fragments_that_multiply_are_refused_in_no_time() {
    let mut query = "{ ...F0 } ".to_owned();
    for level in 0..60 {
        let next = level + 1;
        query.push_str(&format!(
            "fragment F{level} on Query {{ ...F{next} ...F{next} }} "
        ));
    }
    query.push_str("fragment F60 on Query { __typename }");

    assert_refused(checked(&query, &LIMITS), &["at most"]);
}

#[test]
fn a_long_chain_of_fragments_is_refused() {
    let mut query = "{ ...F0 } ".to_owned();
    for level in 0..500 {
        let next = level + 1;
        query.push_str(&format!("fragment F{level} on Query {{ ...F{next} }} "));
    }
    query.push_str("fragment F500 on Query { __typename }");

    // Fragments come in an order that is never twice the same.
    for _ in 0..50 {
        assert_refused(checked(&query, &LIMITS), &["fields and fragments"]);
    }
}

#[test]
fn a_fragment_that_spreads_itself_is_invalid() {
    let query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";

    assert_refused(
        checked(query, &LIMITS),
        &["Cannot spread fragment \"A\" within itself via \"B\"."],
    );
}

#[test]
fn what_the_other_operations_expand_to_counts_too() {
    let mut query = "query Q { __typename } query R { ...F0 } ".to_owned();
    for level in 0..30 {
        let next = level + 1;
        query.push_str(&format!(
            "fragment F{level} on Query {{ ...F{next} ...F{next} }} "
        ));
    }
    query.push_str("fragment F30 on Query { __typename }");

    assert_refused(checked(&query, &LIMITS), &["at most"]);
}

#[test]
fn introspection_passes_and_its_multiplication_does_not() {
    assert!(checked(INTROSPECTION, &LIMITS).is_ok());

    let bomb = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_refused(checked(bomb, &LIMITS), &["lists of introspection"]);

    let fields = |count: usize| format!("{{ __schema {{ {} }} }}", "description ".repeat(count));
    assert!(checked(&fields(999), &LIMITS).is_ok());
    let in_two = format!("query A {} query B {}", fields(500), fields(499));
    assert_refused(
        checked(&in_two, &LIMITS),
        &["1001 fields of introspection", "at most 1000"],
    );
}

/// The rules for the gateway's own schema, at which no more than nothing is allowed but introspection.
fn own_rules() -> DocumentRules {
    DocumentRules {
        shape: SchemaShape::read(&schema::sdl()).expect("the schema can be parsed"),
        limits: with(|limits| limits.max_complexity = 1),
        introspection: Introspection::Enabled,
    }
}

fn checked_by(rules: &DocumentRules, query: &str) -> Result<u64, RequestErrors> {
    let document = rules.read(query)?;
    let mut operations = document.executable.operations.iter();
    let (_, operation) = operations.next().expect("it has an operation");
    let variables = Variables::default();
    check_document(&document, &operation.node, &variables, rules).map_err(Into::into)
}

#[test]
fn the_whole_schema_may_be_read_once_and_not_twice() {
    let rules = own_rules();
    assert_eq!(checked_by(&rules, INTROSPECTION).ok(), Some(1));

    let schema = "__schema { types { ...FullType } }";
    let (_, fragments) = INTROSPECTION
        .split_once("fragment")
        .expect("it has fragments");
    for twice in [
        format!("a: {schema} b: {schema}"),
        "__schema { a: types { ...FullType } b: types { ...FullType } }".to_owned(),
    ] {
        let query = format!("{{ {twice} }} fragment{fragments}");
        let refused = checked_by(&rules, &query).map(|_| ());
        assert_refused(refused, &["points of complexity; at most 10000"]);
    }
    // Beside anything else, introspection has no more than the settings allow.
    let mixed = "{ __typename __type(name: \"Ticket\") { name } }";
    let refused = checked_by(&rules, mixed).map(|_| ());
    assert_refused(refused, &["4 points of complexity", "at most 1 "]);
}

#[test]
fn the_schema_may_be_selected_a_few_times_in_a_request() {
    let rules = own_rules();
    let types = |count: usize| {
        let selected =
            (0..count).map(|number| format!("t{number}: __type(name: \"ID\") {{ name }} "));
        format!("{{ {} }}", selected.collect::<String>())
    };
    assert_eq!(checked_by(&rules, &types(4)).ok(), Some(4));
    let refused = checked_by(&rules, &types(5)).map(|_| ());
    assert_refused(
        refused,
        &["5 selections of `__schema` and `__type`; at most 4"],
    );
    let spread =
        "{ __typename ...A ...A ...A ...A ...A } fragment A on Query { __schema { description } }";
    assert_refused(checked_by(&rules, spread).map(|_| ()), &["5 selections of"]);
}

/// The introspection query of GraphiQL.
const INTROSPECTION: &str = include_str!("../../../tests/fixtures/introspection.graphql");
