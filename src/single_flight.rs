//! Equal work at once runs once: the first caller leads, and those that come while it runs follow and get the same result.

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

/// The calls in flight, by key. `Info` is what a leader shares with its followers.
pub struct SingleFlight<Key, T, Info = ()> {
    flights: Mutex<Flights<Key, T, Info>>,
    started: AtomicU64,
}

type Flights<Key, T, Info> = HashMap<Key, InFlight<T, Info>>;

struct InFlight<T, Info> {
    /// A flight that has ended or was forgotten must not remove its successor.
    number: u64,
    info: Info,
    flight: WeakShared<Flight<T>>,
}

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

/// How a caller comes by a result that may be cached.
pub enum Joined<T, Info> {
    Cached(T),
    Leader(Shared<Flight<T>>),
    /// With the info of the leader.
    Follower(Shared<Flight<T>>, Info),
}

impl<Key, T> SingleFlight<Key, T>
where
    Key: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The flight of this key, or one that starts now. A flight is a task of its own: it runs as long as a caller waits for it,
    /// and ends with the last one.
    pub fn join<Work>(
        self: &Arc<Self>,
        key: Key,
        work: impl FnOnce() -> Work,
    ) -> (Shared<Flight<T>>, Role)
    where
        Work: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.flights();
        match in_flight(&flights, &key) {
            Some((flight, ())) => (flight, Role::Follower),
            None => {
                let flight = self.start(&mut flights, key, (), work(), |_| {});
                (flight, Role::Leader)
            }
        }
    }
}

impl<Key, T, Info> SingleFlight<Key, T, Info>
where
    Key: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
    Info: Clone + Send + 'static,
{
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            flights: Mutex::default(),
            started: AtomicU64::new(0),
        })
    }

    /// The same before a cache: `cached` looks the result up where no flight has it, and `store` stores it when the flight ends,
    /// unless the key was forgotten since. No caller misses both the flight and the cached result.
    pub fn join_cached<Work>(
        self: &Arc<Self>,
        key: Key,
        info: Info,
        cached: impl FnOnce() -> Option<T>,
        work: impl FnOnce() -> Work,
        store: impl FnOnce(&T) + Send + 'static,
    ) -> Joined<T, Info>
    where
        Work: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.flights();
        if let Some((flight, info)) = in_flight(&flights, &key) {
            return Joined::Follower(flight, info);
        }
        match cached() {
            Some(result) => Joined::Cached(result),
            None => Joined::Leader(self.start(&mut flights, key, info, work(), store)),
        }
    }

    /// Later callers start again, and the flight of this key does not store its result.
    pub fn forget(&self, key: &Key) {
        self.flights().remove(key);
    }

    fn start(
        self: &Arc<Self>,
        flights: &mut Flights<Key, T, Info>,
        key: Key,
        info: Info,
        work: impl Future<Output = T> + Send + 'static,
        store: impl FnOnce(&T) + Send + 'static,
    ) -> Shared<Flight<T>> {
        // Flights that all callers left are removed before the table grows for them.
        if flights.len() == flights.capacity() {
            flights.retain(|_, in_flight| in_flight.flight.upgrade().is_some());
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let flight = Arc::clone(self)
            .run(number, key.clone(), work.in_current_span(), store)
            .boxed()
            .shared();
        if let Some(weak) = flight.downgrade() {
            let in_flight = InFlight {
                number,
                info,
                flight: weak,
            };
            flights.insert(key, in_flight);
        }
        flight
    }

    async fn run(
        self: Arc<Self>,
        number: u64,
        key: Key,
        work: impl Future<Output = T> + Send + 'static,
        store: impl FnOnce(&T),
    ) -> Option<T> {
        // A set of tasks aborts them when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(work);
        let result = task.join_next().await?.ok();

        let mut flights = self.flights();
        if flights
            .get(&key)
            .is_some_and(|known| known.number == number)
        {
            flights.remove(&key);
            if let Some(result) = &result {
                store(result);
            }
        }
        result
    }

    fn flights(&self) -> MutexGuard<'_, Flights<Key, T, Info>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_flight<Key: Eq + Hash, T, Info: Clone>(
    flights: &Flights<Key, T, Info>,
    key: &Key,
) -> Option<(Shared<Flight<T>>, Info)> {
    let known = flights.get(key)?;
    Some((known.flight.upgrade()?, known.info.clone()))
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
    async fn a_result_is_stored_before_its_flight_leaves_the_table() {
        type Cached = SingleFlight<u8, usize, &'static str>;
        let flights = Cached::new();
        let stored = Arc::new(Mutex::new(None));
        let call = |info, result| {
            let (cached, store) = (Arc::clone(&stored), Arc::clone(&stored));
            flights.join_cached(
                1,
                info,
                move || *cached.lock().expect("no test panics with it"),
                || async move { result },
                move |result| *store.lock().expect("no test panics with it") = Some(*result),
            )
        };

        let Joined::Leader(first) = call("first", 3) else {
            panic!("nothing is in flight");
        };
        assert!(matches!(call("second", 4), Joined::Follower(_, "first")));
        assert_eq!(first.await, Some(3));
        assert!(matches!(call("third", 5), Joined::Cached(3)));

        *stored.lock().expect("no test panics with it") = None;
        let Joined::Leader(forgotten) = call("fourth", 6) else {
            panic!("nothing is in flight");
        };
        flights.forget(&1);
        let Joined::Leader(next) = call("fifth", 7) else {
            panic!("the key was forgotten");
        };
        assert_eq!(forgotten.await, Some(6));
        assert!(matches!(call("sixth", 8), Joined::Follower(_, "fifth")));
        assert_eq!(next.await, Some(7));
        assert!(matches!(call("seventh", 9), Joined::Cached(7)));
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
