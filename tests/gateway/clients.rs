//! Other people's clients and test programs find nothing wrong with the gateway.

use crate::{harness::Desk, node};

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    let desk = Desk::open().await;
    let printed = node::run("audits.mjs", &[&desk.url("/graphql")]).await;
    assert_eq!(printed.trim(), "61 of 61 audits passed");
}
