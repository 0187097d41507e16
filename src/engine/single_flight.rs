//! Equal operations at once run once: who comes while one runs waits for its answer.

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

/// The executions under way.
pub(crate) struct Sharing<Key, Answer> {
    table: Mutex<Table<Key, Answer>>,
    started: AtomicU64,
}

/// Each with its number: one that is over must not take its successor off the table.
type Table<Key, Answer> = HashMap<Key, (u64, WeakShared<Execution<Answer>>)>;

/// None where it broke off.
type Execution<Answer> = BoxFuture<'static, Option<Answer>>;

/// Whether the one who asked had it run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Started,
    Joined,
}

impl<Key, Answer> Sharing<Key, Answer>
where
    Key: Copy + Eq + Hash + Send + 'static,
    Answer: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            started: AtomicU64::new(0),
        })
    }

    /// The answer of the execution under way, or of one that starts now. It is a task of its own: it goes on as long as
    /// anybody waits for it, and no longer.
    pub(crate) fn join<Running>(
        self: &Arc<Self>,
        key: Key,
        execute: impl FnOnce() -> Running,
    ) -> (Shared<Execution<Answer>>, Part)
    where
        Running: Future<Output = Answer> + Send + 'static,
    {
        let mut table = self.table();
        let under_way = table
            .get(&key)
            .and_then(|(_, execution)| execution.upgrade());
        if let Some(execution) = under_way {
            return (execution, Part::Joined);
        }

        // Executions that everybody left are cleared away before the table grows for them.
        if table.len() == table.capacity() {
            table.retain(|_, (_, execution)| execution.upgrade().is_some());
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let execution = Arc::clone(self)
            .run(number, key, execute().in_current_span())
            .boxed()
            .shared();
        table.extend(execution.downgrade().map(|weak| (key, (number, weak))));
        (execution, Part::Started)
    }

    async fn run(
        self: Arc<Self>,
        number: u64,
        key: Key,
        running: impl Future<Output = Answer> + Send + 'static,
    ) -> Option<Answer> {
        // A set of tasks ends them when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(running);
        let ended = task.join_next().await;

        let mut table = self.table();
        if table.get(&key).is_some_and(|(known, _)| *known == number) {
            table.remove(&key);
        }
        ended?.ok()
    }

    fn table(&self) -> MutexGuard<'_, Table<Key, Answer>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::sync::{Notify, oneshot};

    use super::*;

    type Numbers = Sharing<u8, usize>;

    #[tokio::test]
    async fn a_hundred_at_once_make_one_execution() {
        let sharing = Numbers::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let ask = |key| {
            let runs = Arc::clone(&runs);
            let run = || async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::SeqCst)
            };
            sharing.join(key, run).0
        };

        let equal = join_all((0..100).map(|_| ask(1))).await;
        assert!(equal.iter().all(|answer| *answer == Some(0)));
        assert_eq!(ask(1).await, Some(1), "the first one is over");
        let of_two_keys = join_all([ask(1), ask(2)]).await;
        assert_ne!(of_two_keys[0], of_two_keys[1]);
    }

    #[tokio::test]
    async fn who_leaves_takes_nobodys_answer_along() {
        let sharing = Numbers::new();
        let (finish, finished) = oneshot::channel();
        let run = || async move { finished.await.unwrap_or(0) };
        let (mut first, part) = sharing.join(1, run);
        assert_eq!(part, Part::Started);
        assert_eq!((&mut first).now_or_never(), None, "it runs");

        let (second, part) = sharing.join(1, || async { 0 });
        assert_eq!(part, Part::Joined);
        drop(first);
        finish.send(7).expect("it still runs");
        assert_eq!(second.await, Some(7));
    }

    #[tokio::test]
    async fn it_stops_when_the_last_one_that_waits_has_left() {
        struct Told(Arc<Notify>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }

        let sharing = Numbers::new();
        let stopped = Arc::new(Notify::new());
        let told = Told(Arc::clone(&stopped));
        let run = || async move {
            let _told = told;
            std::future::pending().await
        };
        let (mut first, _) = sharing.join(1, run);
        let (second, _) = sharing.join(1, || async { 0 });
        assert_eq!((&mut first).now_or_never(), None, "it runs");

        drop(first);
        tokio::task::yield_now().await;
        assert_eq!(stopped.notified().now_or_never(), None, "one waits for it");
        drop(second);
        stopped.notified().await;
        assert_eq!(sharing.join(1, || async { 3 }).0.await, Some(3));
    }

    #[tokio::test]
    async fn a_panic_reaches_all_who_wait_and_frees_the_key() {
        let sharing = Numbers::new();
        let (first, _) = sharing.join(1, || async { panic!("a resolver panics on purpose") });
        let (second, part) = sharing.join(1, || async { 0 });
        assert_eq!(part, Part::Joined);

        assert_eq!(join_all([first, second]).await, [None, None]);
        assert_eq!(sharing.join(1, || async { 3 }).0.await, Some(3));
    }
}
