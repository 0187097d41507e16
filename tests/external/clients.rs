//! Independent clients and test programs work with the gateway.

use crate::{
    harness::{Desk, DeskOptions},
    node,
};

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    let desk = Desk::open().await;
    let printed = node::run("audits.mjs", &[&desk.url("/graphql")]).await;
    assert_eq!(printed.trim(), "61 of 61 audits passed");
}

/// Everything but the limits of a query: the reference server has none.
#[tokio::test]
async fn graphql_js_returns_the_same_responses_over_the_same_data() {
    let options = DeskOptions::default()
        .set("LIMITS__MAX_DIRECTIVES", 1_000)
        .set("LIMITS__MAX_ALIASES", 1_000)
        .set("CACHE__LIST_TTL_MS", 600_000);
    let desk = Desk::open_with(options).await;

    let addresses = [desk.url("/graphql"), desk.url("/schema.graphql")];
    let printed = node::run("referee.mjs", &[&addresses[0], &addresses[1]]).await;
    assert_eq!(printed.trim(), "122 of 122 answers are the referee's");
}

#[tokio::test]
async fn apollo_client_merges_pages_and_updates_every_view() {
    let desk = Desk::open().await;
    let printed = node::run("apollo.mjs", &[&desk.url("/graphql")]).await;
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        [
            "paged: 50 service records in 5 pages",
            "updated: a ticket, in the list, in the cache and at the gateway",
        ]
    );
}

/// One test, because the client is compiled with the generated types.
#[tokio::test]
async fn urql_with_generated_types_reads_an_update_back() {
    let desk = Desk::open().await;
    let url = desk.url("/graphql");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");

    let generated = node::run("codegen.mjs", &[&url, schema]).await;
    assert_eq!(
        generated.trim(),
        "generated: 4 files, the same from the gateway and from the file"
    );
    let complaints = node::run("node_modules/typescript/bin/tsc", &["--project", "."]).await;
    assert_eq!(complaints, "");
    let printed = node::run("generated/js/urql.js", &[&url]).await;
    assert_eq!(
        printed.trim(),
        "urql: a note that was written was read back"
    );
}
