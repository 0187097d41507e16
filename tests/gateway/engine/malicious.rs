//! Malicious input is rejected at once and without a vendor call, and the next valid query works.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::Desk;

/// The time that a rejection may take, on any machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Sends a body as it is, and asserts that it is rejected at once with a GraphQL error, and that the gateway still works.
async fn assert_rejected(desk: &Desk, what: &str, body: impl Into<reqwest::Body>) {
    desk.forget_calls();
    let begin = Instant::now();
    let response = desk
        .client()
        .post(desk.url("/graphql"))
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .body(body)
        .send()
        .await
        .unwrap_or_else(|err| panic!("{what}: {err}"));
    let status = response.status().as_u16();
    let answer: Value = response
        .json()
        .await
        .unwrap_or_else(|err| panic!("{what}: {err}"));
    let took = begin.elapsed();

    assert!((400..500).contains(&status), "{what}: {status} {answer}");
    assert!(
        answer["errors"][0]["message"].is_string(),
        "{what}: {answer}"
    );
    assert!(
        answer["errors"][0]["extensions"]["code"].is_string(),
        "{what}: {answer}"
    );
    assert_eq!(answer.get("data"), None, "{what}: {answer}");
    assert!(
        answer.to_string().len() < 10_000,
        "{what}: the error is large"
    );
    assert!(took < AT_ONCE, "{what}: it took {took:?}");
    assert_eq!(desk.calls(), (0, 0), "{what}");
    assert_eq!(
        desk.execute("{ __typename }").await,
        json!({ "__typename": "Query" }),
        "{what}"
    );
}

fn query(document: impl Into<String>) -> String {
    json!({ "query": document.into() }).to_string()
}

fn with_variables(document: &str, variables: &str) -> String {
    let document = json!(document);
    format!("{{\"query\":{document},\"variables\":{variables}}}")
}

fn nested(levels: usize) -> String {
    format!(
        "{{ serviceRecords {{ nodes {{ {} id {} }} }} }}",
        "handler { serviceRecords { nodes {".repeat(levels),
        "} } }".repeat(levels)
    )
}

/// Each fragment spreads the next one twice.
fn fragment_bomb(levels: usize) -> String {
    let mut document = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let next = level + 1;
        document.push_str(&format!(
            " fragment F{level} on Query {{ ...F{next} ...F{next} }}"
        ));
    }
    document + &format!(" fragment F{levels} on Query {{ __typename }}")
}

#[tokio::test]
async fn malicious_documents_are_rejected() {
    let desk = Desk::open().await;
    let aliases: String = (0..3_000)
        .map(|number| format!("a{number}: __typename "))
        .collect();
    let fragments: String = (0..1_000)
        .map(|number| {
            format!(
                " fragment F{number} on Query {{ ...F{} }}",
                (number + 1) % 1_000
            )
        })
        .collect();

    for (what, document) in [
        ("30 cycles", nested(30)),
        ("3,000 aliases", format!("{{ {aliases} }}")),
        ("5,000 directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(5_000))),
        ("5,000 unknown directives", format!("{{ __typename {} }}", "@a ".repeat(4_900))),
        ("60,000 braces", "{".repeat(60_000)),
        ("60,000 brackets in a value", format!("{{ a(b: {}", "[".repeat(60_000))),
        ("60,000 braces in a value", format!("{{ a(b: {}", "{a:".repeat(20_000))),
        ("60,000 brackets in a type", format!("query($a: {}", "[".repeat(60_000))),
        ("a cycle of fragments", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned()),
        ("a fragment of itself", "{ ...A } fragment A on Query { __typename ...A }".to_owned()),
        ("a long cycle of fragments", format!("{{ ...F0 }}{fragments}")),
        ("fragments that double 20 times", fragment_bomb(20)),
        ("fragments that double 300 times", fragment_bomb(300)),
        ("no end of a string", format!("{{ a(b: \"{}", "a".repeat(100_000))),
        ("no end of a block", format!("{{ a(b: \"\"\"{}", "\\\"\"\"".repeat(20_000))),
        ("commas alone", ",".repeat(100_000)),
        ("a huge number", format!("{{ tickets(first: {}) {{ totalCount }} }}", "9".repeat(100_000))),
        ("a huge exponent", "{ tickets(first: 1e999999999) { totalCount } }".to_owned()),
        ("a huge name", format!("{{ {} }}", "a".repeat(100_000))),
        ("1,000 variables of no type", format!("query({}) {{ __typename }}", (0..1_000).map(|number| format!("$a{number}: B ")).collect::<String>())),
        ("introspection in circles", "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }".to_owned()),
        ("4,000 unknown fields", format!("{{ ticket(id: 1) {{ {} }} }}", (0..4_000).map(|number| format!("a{number} ")).collect::<String>())),
        ("nothing", String::new()),
        ("zeros", "\0".repeat(1_000)),
    ] {
        assert_rejected(&desk, what, query(document)).await;
    }
}

#[tokio::test]
async fn oversized_and_broken_bodies_are_rejected() {
    let desk = Desk::open().await;
    let good = query("{ __typename }");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let batch = |length: usize| format!("[{}]", vec![good.as_str(); length].join(","));

    for (what, body) in [
        ("3 MB", query("a".repeat(3 << 20)).into_bytes()),
        (
            "3 MB of white space",
            format!("{good}{}", " ".repeat(3 << 20)).into_bytes(),
        ),
        ("1,000 in a batch", batch(1_000).into_bytes()),
        ("no JSON", b"{\"query\":".to_vec()),
        ("two values", format!("{good}{good}").into_bytes()),
        (
            "bytes that are no UTF-8",
            b"{\"query\":\"{ __typename \xff\xfe }\"}".to_vec(),
        ),
        (
            "UTF-16",
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "half a surrogate",
            b"{\"query\":\"{ __typename } # \\ud800\"}".to_vec(),
        ),
        (
            "JSON 100,000 deep",
            format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"a\":{deep}}}}}")
                .into_bytes(),
        ),
        ("a batch 100,000 deep", deep.clone().into_bytes()),
        (
            "a number beyond all",
            with_variables(
                "query($a: Int) { tickets(first: $a) { totalCount } }",
                "{\"a\":1e999}",
            )
            .into_bytes(),
        ),
        ("a body that says it is packed", vec![0x1f, 0x8b, 8, 0]),
        ("nothing", Vec::new()),
    ] {
        assert_rejected(&desk, what, body).await;
    }
}

#[tokio::test]
async fn malicious_variables_are_rejected() {
    let desk = Desk::open().await;
    let list = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let filter = "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount } }";
    let first = "query($n: Int) { tickets(first: $n) { totalCount } }";
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));

    for (what, document, variables) in [
        (
            "a list of 100,000",
            list,
            format!("{{\"ids\":[{}]}}", vec!["1"; 100_000].join(",")),
        ),
        (
            "a filter of 100,000",
            filter,
            format!(
                "{{\"filter\":{{\"handlerIds\":[{}]}}}}",
                vec!["1"; 100_000].join(",")
            ),
        ),
        (
            "a list 120 deep",
            list,
            format!("{{\"ids\":{}}}", nested(120)),
        ),
        (
            "an object 120 deep",
            filter,
            format!(
                "{{\"filter\":{}1{}}}",
                "{\"filter\":".repeat(120),
                "}".repeat(120)
            ),
        ),
        (
            "10,000 unknown fields",
            filter,
            format!(
                "{{\"filter\":{{{}}}}}",
                (0..10_000)
                    .map(|number| format!("\"a{number}\":1"))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
        (
            "a huge number",
            first,
            format!("{{\"n\":{}}}", "9".repeat(300)),
        ),
        (
            "a number just beyond",
            first,
            "{\"n\":2147483648}".to_owned(),
        ),
        (
            "the last of two keys counts",
            first,
            "{\"n\":5,\"n\":\"five\"}".to_owned(),
        ),
        (
            "a huge name of a field",
            filter,
            format!("{{\"filter\":{{\"{}\":1}}}}", "a".repeat(50_000)),
        ),
    ] {
        assert_rejected(&desk, what, with_variables(document, &variables)).await;
    }
}

#[tokio::test]
async fn a_slow_body_times_out_and_does_not_delay_other_requests() {
    let desk = Desk::open().await;

    for (what, pause) in [
        ("a stall", None),
        ("a drip", Some(Duration::from_millis(100))),
    ] {
        let (begin, mut connection) = begin_body(&desk).await;
        // While the gateway waits for the rest, it executes other requests.
        assert_eq!(desk.execute("{ __typename }").await["__typename"], "Query");

        let answer = read_response_while_sending(&mut connection, pause).await;
        let took = begin.elapsed();
        assert!(took < AT_ONCE, "{what}: it took {took:?}");
        assert!(answer.starts_with("HTTP/1.1 408"), "{what}: {answer}");
        assert!(
            answer.contains("LIMIT_EXCEEDED") && answer.contains("\"allowed\":1500"),
            "{what}: {answer}"
        );
        assert_eq!(desk.calls(), (0, 0), "{what}");
        assert_eq!(desk.execute("{ __typename }").await["__typename"], "Query");
    }
}

/// Sends the head of a request and the start of its body.
async fn begin_body(desk: &Desk) -> (Instant, TcpStream) {
    let address = desk.url("").replace("http://", "");
    let mut connection = TcpStream::connect(&address)
        .await
        .expect("the gateway listens");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"que"
    );
    let begin = Instant::now();
    connection
        .write_all(head.as_bytes())
        .await
        .expect("it is taken");
    (begin, connection)
}

/// What the gateway returns while nothing more is sent, or one byte after each pause.
async fn read_response_while_sending(
    connection: &mut TcpStream,
    pause: Option<Duration>,
) -> String {
    let (mut receiving, mut sending) = connection.split();
    let dripping = async {
        match pause {
            None => std::future::pending().await,
            Some(pause) => {
                let mut drops = tokio::time::interval(pause);
                loop {
                    drops.tick().await;
                    // After the timeout the gateway may close the connection.
                    let _ = sending.write_all(b" ").await;
                }
            }
        }
    };

    let mut answer = vec![0; 4096];
    let length = tokio::select! {
        length = tokio::time::timeout(Duration::from_secs(30), receiving.read(&mut answer)) => length,
        () = dripping => unreachable!("it drips on"),
    };
    let length = length.expect("it is given up").expect("it is answered");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
