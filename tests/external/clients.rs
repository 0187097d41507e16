//! Other people's clients and test programs find nothing wrong with the gateway.

use crate::{
    harness::{Desk, Wishes},
    node,
};

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    let desk = Desk::open().await;
    let printed = node::run("audits.mjs", &[&desk.url("/graphql")]).await;
    assert_eq!(printed.trim(), "61 of 61 audits passed");
}

/// Everything but what a query may cost: the referee has no limits.
#[tokio::test]
async fn graphql_js_gives_the_same_answers_over_the_same_data() {
    let wishes = Wishes::default()
        .set("LIMITS__MAX_DIRECTIVES", 1_000)
        .set("LIMITS__MAX_ALIASES", 1_000)
        .set("CACHE__LIST_TTL_MS", 600_000);
    let desk = Desk::open_with(wishes).await;

    let addresses = [desk.url("/graphql"), desk.url("/schema.graphql")];
    let printed = node::run("referee.mjs", &[&addresses[0], &addresses[1]]).await;
    assert_eq!(printed.trim(), "122 of 122 answers are the referee's");
}

#[tokio::test]
async fn apollo_client_joins_pages_and_shows_an_update_everywhere() {
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

/// One test, since the client is compiled with the types that were generated.
#[tokio::test]
async fn types_are_generated_and_urql_reads_an_update_back_with_them() {
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
