//! Totals that an Int can't be as large: null where the field may be, an error of the nearest such field where not.

use deskgraph::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

/// The gateway requests one row where it needs the total alone, and 50 where it needs rows.
async fn desk_with_total(total: u64) -> Desk {
    let options = DeskOptions::default()
        .without("BANGWO8")
        .set("FIRSTLINE__LIST_PAGE_SIZE", 50)
        .set("CACHE__ENABLED", false);
    let desk = Desk::open_with(options).await;
    let meta = json!({ "current_page": 1, "last_page": total, "per_page": "1", "total": total });
    let body = json!({ "data": [], "meta": meta }).to_string();
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let fault = Fault::Status {
        code: 200,
        body,
        headers: headers.into(),
    };
    let rule = FaultRule::new("page=1&per_page=1", fault);
    desk.sandbox.firstline().add_fault(rule);
    desk
}

/// The largest Int, and more than that.
const LARGEST: u64 = 2_147_483_647;
const LARGER: [u64; 3] = [2_147_483_648, 3_000_000_000, 9_007_199_254_740_991];

#[tokio::test]
async fn the_total_of_a_list_is_null() {
    for (total, expected) in [(LARGEST, json!(LARGEST))]
        .into_iter()
        .chain(LARGER.map(|total| (total, Value::Null)))
    {
        let desk = desk_with_total(total).await;
        let first = desk
            .execute("{ tickets(first: 2) { pageInfo { endCursor } } }")
            .await;
        let query = "query ($after: String) { tickets(first: 2, after: $after) {
            totalCount nodes { id } sources { vendor state totalCount } } }";
        let after = json!({ "after": first["tickets"]["pageInfo"]["endCursor"] });
        let page = desk.data(query, after).await;
        assert_eq!(page["tickets"]["totalCount"], expected, "{total}");
        assert_eq!(
            page["tickets"]["sources"][0]["totalCount"], expected,
            "{total}"
        );
        assert_eq!(page["tickets"]["nodes"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn counts_that_are_never_null_fail_with_the_nearest_field_that_may_be() {
    for total in LARGER {
        let desk = desk_with_total(total).await;
        let query = |selection: &str| {
            format!(
                "{{ serviceRecordStats(from: \"2026-01-01\", to: \"2026-01-01\") {{ {selection} }} }}"
            )
        };
        let stats = desk.execute(&query("total sources { totalCount }")).await;
        assert_eq!(
            stats["serviceRecordStats"],
            json!({ "total": null, "sources": [{ "totalCount": null }] }),
            "{total}"
        );
        let failing = query("total byVendor { count }");
        let (error, data) = desk.execute_failing(&failing, json!({})).await;
        assert_eq!(data["serviceRecordStats"], Value::Null);
        assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED", "{error}");
    }
}
