//! The bytes of responses that clients have not taken yet: a limit for each connection and for all, and a deadline.

use std::{
    cmp::Reverse,
    collections::HashMap,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use arc_swap::ArcSwap;
use axum::{
    Error,
    body::{Body, HttpBody},
};
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};

use super::repeated_warning::RepeatedWarning;

/// A client must take this much within the write timeout. That is a tenth of what a slow mobile connection carries, and more than
/// a client takes that reads only to stay connected.
const LEAST_PROGRESS_BYTES: u64 = 10 << 10;

const CHECK_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
pub struct UnsentLimits {
    /// How long a client may take nothing, or next to nothing.
    pub timeout: Duration,
    /// Beyond this, further requests of a connection wait.
    pub max_bytes_per_connection: u64,
    /// Beyond this, the connections that have stalled for longest are closed.
    pub max_bytes: u64,
}

/// All connections, and what they have not sent.
pub(super) struct Connections {
    limits: ArcSwap<UnsentLimits>,
    bytes: AtomicU64,
    open: Mutex<Open>,
    warning: RepeatedWarning,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    connections: HashMap<u64, Arc<Connection>>,
}

/// One connection.
pub(super) struct Connection {
    all: Arc<Connections>,
    id: u64,
    pub(super) has_request: AtomicBool,
    pub(super) speaks_http2: AtomicBool,
    unsent: AtomicU64,
    sent: AtomicU64,
    /// What was sent when there was progress last.
    progress: AtomicU64,
    /// The socket takes no bytes at present.
    is_blocked: AtomicBool,
    /// How often in a row a check found less progress than there must be. A process that is itself delayed makes fewer checks.
    stalled_checks: AtomicU64,
    has_room: Notify,
    is_ended: AtomicBool,
    end: Notify,
}

/// Removes the connection when it is dropped.
pub(super) struct OpenConnection(pub(super) Arc<Connection>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.0.all.open();
        open.connections.remove(&self.0.id);
    }
}

impl Connections {
    pub(super) fn new(limits: UnsentLimits) -> Arc<Self> {
        Arc::new(Self {
            limits: ArcSwap::from_pointee(limits),
            bytes: AtomicU64::new(0),
            open: Mutex::default(),
            warning: RepeatedWarning::new(),
        })
    }

    /// Connections that wait for room look at the limits when they have sent more.
    pub(super) fn set_limits(&self, limits: UnsentLimits) {
        self.limits.store(Arc::new(limits));
    }

    fn limits(&self) -> UnsentLimits {
        **self.limits.load()
    }

    pub(super) fn open_one(self: &Arc<Self>) -> OpenConnection {
        let mut open = self.open();
        open.next_id += 1;
        let connection = Arc::new(Connection {
            all: self.clone(),
            id: open.next_id,
            has_request: AtomicBool::new(false),
            speaks_http2: AtomicBool::new(false),
            unsent: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            is_blocked: AtomicBool::new(false),
            stalled_checks: AtomicU64::new(0),
            has_room: Notify::new(),
            is_ended: AtomicBool::new(false),
            end: Notify::new(),
        });
        open.connections.insert(connection.id, connection.clone());
        OpenConnection(connection)
    }

    /// Ends the connections that have stalled for too long, as long as it is polled.
    pub(super) async fn end_stalled(self: Arc<Self>) {
        let mut checks = interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            checks.tick().await;
            let most = self.limits().timeout.as_millis() / CHECK_INTERVAL.as_millis();
            for connection in self.open().connections.values() {
                if u128::from(connection.check()) > most {
                    connection.end();
                }
            }
        }
    }

    /// Ends the connections that have stalled for longest, until the others are within the limit.
    fn relieve(&self) {
        let open = self.open();
        let mut holding: Vec<_> = open
            .connections
            .values()
            .filter(|connection| !connection.is_ended())
            .map(|connection| {
                let stalled_checks = connection.stalled_checks.load(Relaxed);
                (stalled_checks, connection.unsent.load(Relaxed), connection)
            })
            .filter(|(_, unsent, _)| *unsent > 0)
            .collect();
        let mut bytes: u64 = holding.iter().map(|(_, unsent, _)| unsent).sum();

        holding.sort_unstable_by_key(|(stalled_checks, unsent, connection)| {
            Reverse((*stalled_checks, *unsent, connection.id))
        });
        for (_, unsent, connection) in holding {
            if bytes <= self.limits().max_bytes {
                return;
            }
            connection.end();
            bytes -= unsent;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Waits until the client has taken enough of the former responses.
    pub(super) async fn room(&self) {
        loop {
            let has_room = self.has_room.notified();
            if self.unsent.load(Relaxed) < self.all.limits().max_bytes_per_connection {
                return;
            }
            has_room.await;
        }
    }

    /// Done once the connection has to be closed.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Relaxed)
    }

    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Relaxed);
    }

    fn end(&self) {
        if self.is_ended.swap(true, Relaxed) {
            return;
        }
        self.end.notify_one();
        if let Some(repeats) = self.all.warning.due() {
            tracing::warn!(
                repeats,
                "a connection is closed, because its client takes its responses too slowly"
            );
        }
    }

    /// How many checks in a row, with this one, have found that the client takes too little.
    fn check(&self) -> u64 {
        let sent = self.sent.load(Relaxed);
        let owes = self.unsent.load(Relaxed) > 0 || self.is_blocked.load(Relaxed);
        if owes && sent - self.progress.load(Relaxed) < LEAST_PROGRESS_BYTES {
            return self.stalled_checks.fetch_add(1, Relaxed) + 1;
        }
        self.set_progress(sent);
        0
    }

    fn add(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if self.unsent.fetch_add(bytes, Relaxed) == 0 {
            self.set_progress(self.sent.load(Relaxed));
        }
        let all = self.all.bytes.fetch_add(bytes, Relaxed) + bytes;
        if all > self.all.limits().max_bytes {
            self.all.relieve();
        }
    }

    /// These bytes have left, or will never be sent.
    fn remove(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let before = self.unsent.fetch_sub(bytes, Relaxed);
        self.all.bytes.fetch_sub(bytes, Relaxed);
        let limit = self.all.limits().max_bytes_per_connection;
        if before >= limit && before - bytes < limit {
            self.has_room.notify_waiters();
        }
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
        self.remove(bytes);
    }

    fn set_progress(&self, sent: u64) {
        self.progress.store(sent, Relaxed);
        self.stalled_checks.store(0, Relaxed);
    }
}

/// The body of a response, counted until the socket has taken it.
pub(super) struct CountedBody {
    body: Body,
    connection: Arc<Connection>,
    /// What is counted already of what is left in the body.
    counted: u64,
}

impl CountedBody {
    pub(super) fn new(body: Body, connection: Arc<Connection>) -> Self {
        let counted = body.size_hint().exact().unwrap_or(0);
        connection.add(counted);
        Self {
            body,
            connection,
            counted,
        }
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        self.connection.remove(self.counted);
    }
}

impl HttpBody for CountedBody {
    type Data = CountedBytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<CountedBytes>, Error>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(err)) => return Poll::Ready(Some(Err(err))),
            None => return Poll::Ready(None),
        };
        let frame = frame.map_data(|bytes| {
            let length = bytes.len() as u64;
            let counted = self.counted.min(length);
            self.counted -= counted;
            self.connection.add(length - counted);
            CountedBytes {
                bytes,
                connection: self.connection.clone(),
            }
        });
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes that hyper holds until the socket takes them.
pub(super) struct CountedBytes {
    bytes: Bytes,
    connection: Arc<Connection>,
}

impl Buf for CountedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.connection.sent(count as u64);
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.connection
            .remove(mem::take(&mut self.bytes).len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const LIMITS: UnsentLimits = UnsentLimits {
        timeout: Duration::from_secs(10),
        max_bytes_per_connection: 1_000,
        max_bytes: 10_000,
    };

    async fn is_ended_within(connection: &OpenConnection, wait: Duration) -> bool {
        timeout(wait, connection.0.ended()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_too_little_is_ended_and_a_slow_one_is_not() {
        let all = Connections::new(UnsentLimits {
            max_bytes: 1 << 30,
            ..LIMITS
        });
        tokio::spawn(all.clone().end_stalled());
        let [trickle, slow, idle, blocked] = [(); 4].map(|()| all.open_one());
        trickle.0.add(1 << 20);
        slow.0.add(1 << 20);
        blocked.0.set_blocked(true);

        // One byte in five seconds, and ten kilobytes a second in pieces of a loopback segment.
        for _ in 0..2 {
            sleep(Duration::from_secs(5)).await;
            trickle.0.sent(1);
            slow.0.sent(50_000);
        }
        assert!(!trickle.0.is_ended() && !blocked.0.is_ended());
        assert!(is_ended_within(&trickle, Duration::from_secs(2)).await);
        assert!(is_ended_within(&blocked, Duration::from_secs(2)).await);
        assert!(!is_ended_within(&slow, Duration::from_secs(6)).await);
        assert!(is_ended_within(&slow, Duration::from_secs(6)).await);
        assert!(!is_ended_within(&idle, Duration::from_secs(600)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_for_all_the_longest_stalled_connections_are_ended() {
        let all = Connections::new(LIMITS);
        let [first, second, third] = [(); 3].map(|()| all.open_one());
        for connection in [&first, &second, &third] {
            connection.0.add(3_333);
            first.0.check();
            second.0.check();
        }
        assert!(!first.0.is_ended());

        third.0.add(2);
        assert!(first.0.is_ended());
        assert!(!second.0.is_ended() && !third.0.is_ended());
        drop(first);
        second.0.add(3_000);
        assert!(!second.0.is_ended() && !third.0.is_ended());
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_limit_of_a_connection_a_request_waits_for_room() {
        let all = Connections::new(LIMITS);
        let OpenConnection(connection) = &all.open_one();
        let body = CountedBody::new(Body::from(vec![0; 999]), connection.clone());
        connection.room().await;
        let second = CountedBody::new(Body::from("a"), connection.clone());
        let waits = timeout(Duration::from_secs(1), connection.room()).await;
        assert!(waits.is_err());

        let taken = async {
            tokio::task::yield_now().await;
            drop(body);
        };
        tokio::join!(connection.room(), taken);
        drop(second);
        assert_eq!(connection.unsent.load(Relaxed), 0);
        assert_eq!(all.bytes.load(Relaxed), 0);
    }
}
