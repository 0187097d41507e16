//! A short run of the soak program.

use std::time::Duration;

#[path = "../../examples/soak.rs"]
#[allow(
    dead_code,
    reason = "the example's own main prints what is asserted here"
)]
mod program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_response_is_correct_while_the_vendors_fail_at_random() {
    let report = program::run(Duration::from_secs(10)).await;
    let report = report.expect("the gateway and its vendors start");

    assert_eq!(report.wrong, 0, "{:#?}", report.shown);
    assert!(report.requests > 100 && report.writes > 0, "{report:?}");
    assert!(report.with_failures > 0, "{report:?}");
    assert!(report.longest <= program::LONGEST, "{:?}", report.longest);
    // All tests share this process's memory, so only the program itself checks it.
    assert!(report.tasks_are_flat(), "{report:?}");
}
