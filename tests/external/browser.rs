//! A person at a browser: Chromium opens the start page, and asks in the playground.

use std::{collections::BTreeSet, path::Path};

use crate::{
    harness::{Desk, Wishes},
    node,
};

/// Where the pictures of the pages are left, for whoever wants to see them: below `target/`.
fn pictures(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("browser")
        .join(name);
    folder.to_string_lossy().into_owned()
}

/// What the browser did, as lines; it fails itself when the console tells an error.
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

/// What is told of a visit in which everything works, by a browser that asks this gateway alone.
fn everything_works(desk: &Desk) -> BTreeSet<String> {
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
async fn a_person_gets_from_the_start_page_to_an_answer_without_another_host() {
    let desk = Desk::open().await;
    let told = browse(&desk, "open", None).await;
    assert_eq!(told, everything_works(&desk));
}

#[tokio::test]
async fn with_the_callers_key_the_playground_works_where_keys_are_asked_for() {
    let keys = r#"[{"name":"person","key":"a-key-of-a-person","scopes":["read"]}]"#;
    let wishes = Wishes::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys);
    let desk = Desk::open_with(wishes).await;
    let told = browse(&desk, "key", Some("a-key-of-a-person")).await;
    assert_eq!(told, everything_works(&desk));
}
