//! Chromium opens the start page and runs a query in the playground.

use std::{collections::BTreeSet, path::Path};

use crate::{
    harness::{Desk, DeskOptions},
    node,
};

/// The folder for screenshots of the pages, below `target/`.
fn pictures(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("browser")
        .join(name);
    folder.to_string_lossy().into_owned()
}

/// The steps of the browser, as lines; the script fails on an error in the console.
async fn browse(desk: &Desk, name: &str, key: Option<&str>) -> BTreeSet<String> {
    let (start_page, pictures) = (desk.url("/"), pictures(name));
    let mut arguments = vec![start_page.as_str(), &pictures];
    arguments.extend(key);

    let printed = node::run("browser.mjs", &arguments).await;
    for picture in ["start-page", "readme", "playground-1", "playground-dark"] {
        let picture = Path::new(&pictures).join(format!("{picture}.png"));
        assert!(picture.is_file(), "{} is missing", picture.display());
    }
    printed.lines().map(str::to_owned).collect()
}

/// The expected steps of a visit in which the browser sends requests to this gateway only.
fn expected_visit(desk: &Desk) -> BTreeSet<String> {
    let own_address = desk.url("/").replace("http://", "").replace('/', "");
    [
        "tabs: NewestServiceRecords, OpenTickets, VendorHealth, CategoryTree, EmployeeDirectory",
        "NewestServiceRecords: serviceRecords",
        "OpenTickets: tickets",
        "VendorHealth: vendors",
        "CategoryTree: categories",
        "EmployeeDirectory: employees",
        "kept for later visits: {}",
        &format!("hosts: {own_address}"),
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn the_start_page_leads_to_a_query_result_without_other_hosts() {
    let desk = Desk::open().await;
    let visit = browse(&desk, "open", None).await;
    assert_eq!(visit, expected_visit(&desk));
}

#[tokio::test]
async fn the_playground_works_with_an_api_key() {
    let keys = r#"[{"name":"person","key":"a-key-of-a-person","scopes":["read"]}]"#;
    let options = DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys)
        // The visit begins on the start page, which has no place for a key.
        .set("PAGES__PUBLIC", true);
    let desk = Desk::open_with(options).await;
    let visit = browse(&desk, "key", Some("a-key-of-a-person")).await;
    assert_eq!(visit, expected_visit(&desk));
}
