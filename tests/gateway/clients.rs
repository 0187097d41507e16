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
    assert_eq!(printed.trim(), "113 of 113 answers are the referee's");
}
