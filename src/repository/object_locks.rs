//! Locks of objects: the writes of one object run one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// One lock for each object that is being written, by its id.
#[derive(Default)]
pub(super) struct ObjectLocks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl ObjectLocks {
    /// The lock of one object. It lives as long as a write holds it or waits for it.
    pub(super) fn of(&self, object: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(object).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(object.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_share_a_lock_while_one_uses_it() {
        let locks = ObjectLocks::default();
        let first = locks.of("a");
        assert!(Arc::ptr_eq(&first, &locks.of("a")));
        let other = locks.of("b");
        assert!(!Arc::ptr_eq(&first, &other));

        drop(first);
        let _third = locks.of("c");
        let remembered = locks.0.lock().expect("no test panics with it");
        assert!(!remembered.contains_key("a"), "no write uses it");
        assert!(remembered.contains_key("b"));
    }
}
