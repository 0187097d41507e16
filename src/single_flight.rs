//! Equal work at once runs once: the first caller leads, and those who come while it runs follow and get the same result.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::task::JoinSet;
use tracing::Instrument;

/// The flights that are in flight, by key.
pub struct SingleFlight<Key, T> {
    flights: Mutex<Flights<Key, T>>,
    started: AtomicU64,
}

/// Each with its number: one that has ended must not remove its successor.
type Flights<Key, T> = HashMap<Key, (u64, WeakShared<Flight<T>>)>;

/// None where the work panicked.
type Flight<T> = BoxFuture<'static, Option<T>>;

/// The part of one caller in a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It started the flight.
    Leader,
    /// It joined one in flight.
    Follower,
}

impl<Key, T> SingleFlight<Key, T>
where
    Key: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            flights: Mutex::default(),
            started: AtomicU64::new(0),
        })
    }

    /// The result of the flight of this key, or of one that starts now. A flight is a task of its own: it runs as long as a
    /// caller waits for it, and ends with the last one.
    pub fn join<Work>(
        self: &Arc<Self>,
        key: Key,
        work: impl FnOnce() -> Work,
    ) -> (Shared<Flight<T>>, Role)
    where
        Work: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.flights();
        let in_flight = flights.get(&key).and_then(|(_, flight)| flight.upgrade());
        if let Some(flight) = in_flight {
            return (flight, Role::Follower);
        }

        // Flights that all callers left are removed before the table grows for them.
        if flights.len() == flights.capacity() {
            flights.retain(|_, (_, flight)| flight.upgrade().is_some());
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let flight = Arc::clone(self)
            .run(number, key.clone(), work().in_current_span())
            .boxed()
            .shared();
        flights.extend(flight.downgrade().map(|weak| (key, (number, weak))));
        (flight, Role::Leader)
    }

    async fn run(
        self: Arc<Self>,
        number: u64,
        key: Key,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        // A set of tasks aborts them when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(work);
        let result = task.join_next().await;

        let mut flights = self.flights();
        if flights.get(&key).is_some_and(|(known, _)| *known == number) {
            flights.remove(&key);
        }
        result?.ok()
    }

    fn flights(&self) -> MutexGuard<'_, Flights<Key, T>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::sync::{Notify, oneshot};

    use super::*;

    type Numbers = SingleFlight<u8, usize>;

    #[tokio::test]
    async fn a_hundred_equal_calls_at_once_run_once() {
        let flights = Numbers::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let call = |key| {
            let runs = Arc::clone(&runs);
            let run = || async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::SeqCst)
            };
            flights.join(key, run).0
        };

        let equal = join_all((0..100).map(|_| call(1))).await;
        assert!(equal.iter().all(|result| *result == Some(0)));
        assert_eq!(call(1).await, Some(1), "the first one is over");
        let of_two_keys = join_all([call(1), call(2)]).await;
        assert_ne!(of_two_keys[0], of_two_keys[1]);
    }

    #[tokio::test]
    async fn a_follower_gets_its_result_when_the_leader_leaves() {
        let flights = Numbers::new();
        let (finish, finished) = oneshot::channel();
        let run = || async move { finished.await.unwrap_or(0) };
        let (mut first, role) = flights.join(1, run);
        assert_eq!(role, Role::Leader);
        assert_eq!((&mut first).now_or_never(), None, "it runs");

        let (second, role) = flights.join(1, || async { 0 });
        assert_eq!(role, Role::Follower);
        drop(first);
        finish.send(7).expect("it still runs");
        assert_eq!(second.await, Some(7));
    }

    #[tokio::test]
    async fn a_flight_ends_with_its_last_waiter() {
        struct OnDrop(Arc<Notify>);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }

        let flights = Numbers::new();
        let stopped = Arc::new(Notify::new());
        let on_drop = OnDrop(Arc::clone(&stopped));
        let run = || async move {
            let _on_drop = on_drop;
            std::future::pending().await
        };
        let (mut first, _) = flights.join(1, run);
        let (second, _) = flights.join(1, || async { 0 });
        assert_eq!((&mut first).now_or_never(), None, "it runs");

        drop(first);
        tokio::task::yield_now().await;
        assert_eq!(stopped.notified().now_or_never(), None, "one waits for it");
        drop(second);
        stopped.notified().await;
        assert_eq!(flights.join(1, || async { 3 }).0.await, Some(3));
    }

    #[tokio::test]
    async fn a_panic_reaches_every_waiter_and_frees_the_key() {
        let flights = Numbers::new();
        let (first, _) = flights.join(1, || async { panic!("a resolver panics on purpose") });
        let (second, role) = flights.join(1, || async { 0 });
        assert_eq!(role, Role::Follower);

        assert_eq!(join_all([first, second]).await, [None, None]);
        assert_eq!(flights.join(1, || async { 3 }).0.await, Some(3));
    }
}
