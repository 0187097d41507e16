//! Clients that hardly read, or not at all: their connections end, and until then hold little memory.

use std::time::{Duration, Instant};

use deskgraph::sandbox::{Sandbox, SandboxOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{interval, sleep, timeout},
};

use super::wire::{
    DATA, Frames, PREFACE, WINDOW_UPDATE, connect_with_small_buffer, frame, get,
    settings_with_window,
};
use crate::program::{Program, client, settings_for};

/// After the write timeout, and before anything else would end a connection.
const DEADLINE: Duration = Duration::from_secs(15);

/// What a busy machine may add.
const A_LITTLE: Duration = Duration::from_secs(5);

const MEBIBYTE: u64 = 1 << 20;

struct Gateway {
    _vendors: Sandbox,
    program: Program,
}

impl Gateway {
    async fn start() -> Self {
        let vendors = Sandbox::start(SandboxOptions::default()).await;
        let vendors = vendors.expect("ports are free");
        let program = Program::start(&["serve"], &settings_for(&vendors)).await;
        Self {
            _vendors: vendors,
            program,
        }
    }

    fn address(&self) -> std::net::SocketAddr {
        self.program.address.parse().expect("it is an address")
    }

    /// A good request is answered.
    async fn answers(&self) {
        let sent = client().get(self.program.url("/readme")).send();
        let page = sent.await.expect("it answers").text().await;
        assert!(page.is_ok_and(|page| page.contains("<h2>Try it</h2>")));
    }
}

/// A query with a response of some hundred kilobytes.
fn large_query() -> String {
    let fields = "id vendor status subject content createdAt updatedAt handler { id name email }";
    let lists: Vec<String> = (0..5)
        .map(|list| format!("list{list}:tickets(first:100){{nodes{{{fields}}}}}"))
        .collect();
    let query = format!("{{{}}}", lists.join(" "));
    query
        .replace(' ', "%20")
        .replace('{', "%7B")
        .replace('}', "%7D")
}

#[tokio::test]
async fn two_hundred_clients_that_take_a_byte_in_five_seconds_are_ended_and_hold_little_memory() {
    let gateway = Gateway::start().await;
    let address = gateway.address();
    gateway.answers().await;

    let trickle = async |number: usize| {
        let mut stream = connect_with_small_buffer(address).await;
        let target = match number % 2 {
            0 => "/schema.graphql".to_owned(),
            _ => format!("/graphql?query={}", large_query()),
        };
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        // The second one waits for the first.
        let sent = stream.write_all(request.repeat(2).as_bytes()).await;
        sent.expect("it takes the requests");
        let _ = stream.read(&mut [0]).await;
        let started_at = Instant::now();
        let mut ticks = interval(Duration::from_secs(5));
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let read = stream.read(&mut [0]).await;
                    if !read.is_ok_and(|read| read > 0) {
                        break;
                    }
                }
                // The system tells of the end also while bytes are unread.
                () = is_reset(&stream) => break,
            }
        }
        started_at.elapsed()
    };
    let slow = async {
        let mut stream = connect_with_small_buffer(address).await;
        let request = "GET /docs/ARCHITECTURE.md HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(20);
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("it takes the requests");
        // Ten kilobytes a second.
        let mut bytes = 0;
        let started_at = Instant::now();
        while started_at.elapsed() < DEADLINE + A_LITTLE {
            let mut piece = [0; 1_000];
            let read = stream.read(&mut piece).await;
            bytes += read.expect("the connection goes on");
            sleep(Duration::from_millis(100)).await;
        }
        bytes
    };
    let memory = async {
        let mut most = 0;
        for _ in 0..40 {
            most = most.max(gateway.program.memory_bytes());
            sleep(Duration::from_millis(250)).await;
        }
        most
    };

    let all = futures_util::future::join_all((0..200).map(trickle));
    let (ends, slow_bytes, most) = tokio::join!(all, slow, memory);
    let longest = ends.into_iter().max().expect("there are many");
    assert!(longest < DEADLINE + A_LITTLE, "{longest:?}");
    assert!(slow_bytes > 50_000, "{slow_bytes}");
    assert!(most < 100 * MEBIBYTE, "{} MiB", most / MEBIBYTE);
    gateway.answers().await;
    let log = gateway.program.end_by("-TERM").await.stderr;
    let warnings = log.matches("takes its responses too slowly").count();
    assert!((1..=4).contains(&warnings), "{warnings} of them in {log}");
}

/// Done once the gateway has reset the connection.
async fn is_reset(stream: &tokio::net::TcpStream) {
    let mut looks = interval(Duration::from_millis(100));
    while stream.take_error().is_ok_and(|error| error.is_none()) {
        looks.tick().await;
    }
}

#[tokio::test]
async fn http_2_connections_without_a_window_are_ended_and_hold_little_memory() {
    let gateway = Gateway::start().await;
    gateway.answers().await;
    let before = gateway.program.memory_bytes();

    let mut connections = Vec::new();
    for connection in 0..6usize {
        let mut frames = Frames::open(gateway.address(), &settings_with_window(0)).await;
        for request in 0..100usize {
            let stream = u32::try_from(2 * request + 1).expect("it is small");
            let path = match connection % 2 {
                0 => "/readme".to_owned(),
                _ => format!(
                    "/graphql?query=%7Ba{connection}_{request}:__schema%7Btypes%7Bname,description%7D%7D%7D"
                ),
            };
            assert!(frames.send(&get(stream, &path)).await);
        }
        connections.push(frames);
    }
    // One connection's window opens by a byte in five seconds.
    let mut trickle = Frames::open(gateway.address(), &settings_with_window(0)).await;
    assert!(trickle.send(&get(1, "/readme")).await);
    let trickling = async {
        let update = frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]);
        let mut ticks = interval(Duration::from_secs(5));
        let mut bytes = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => { trickle.send(&update).await; }
                next = trickle.next() => match next {
                    Some(next) if next.kind == DATA => bytes += next.payload.len(),
                    Some(_) => {}
                    None => return bytes,
                }
            }
        }
    };
    let ending = async {
        let mut most = 0;
        let measure = async {
            loop {
                most = most.max(gateway.program.memory_bytes());
                sleep(Duration::from_millis(100)).await;
            }
        };
        let all = connections
            .iter_mut()
            .map(|connection| connection.ends_within(DEADLINE + A_LITTLE));
        let all = futures_util::future::join_all(all);
        let ended = tokio::select! { ended = all => ended, () = measure => Vec::new() };
        (ended, most)
    };
    let (bytes, (ended, most)) = timeout(DEADLINE + A_LITTLE, async {
        tokio::join!(trickling, ending)
    })
    .await
    .expect("all of them end");
    assert!((1..=5).contains(&bytes), "{bytes}");
    assert_eq!(ended, [true; 6]);
    assert!(
        most < before + 100 * MEBIBYTE,
        "from {} to {} MiB",
        before / MEBIBYTE,
        most / MEBIBYTE
    );
    gateway.answers().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_at_all_is_ended_whatever_waits_for_it() {
    let gateway = Gateway::start().await;
    let mut stream = connect_with_small_buffer(gateway.address()).await;
    // Window enough, so that the socket is what does not take more.
    let start = [PREFACE, &settings_with_window(1 << 30)].concat();
    let window = frame(WINDOW_UPDATE, 0, 0, &[0x20, 0, 0, 0]);
    let requests = (0..100).map(|request| get(2 * request + 1, "/schema.graphql"));
    let requests: Vec<u8> = requests.flatten().collect();
    let sent = stream.write_all(&[start, window, requests].concat()).await;
    sent.expect("it takes the requests");
    timeout(DEADLINE + A_LITTLE, is_reset(&stream))
        .await
        .expect("the connection is reset");
    gateway.answers().await;
}
