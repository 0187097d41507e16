//! Which parts of a response are stale.
//!
//! The repository knows what it serves stale, and a resolver knows its path, and neither knows the other's. So what is read stale
//! while a field is resolved is noted in the task, and reported with the path of the field when the field is resolved.

use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError},
};

use crate::domain::{DateTime, Vendor};

/// At most this many parts are reported: a query may have thousands.
const MAX_PARTS: usize = 100;

tokio::task_local! {
    static READS: RefCell<Vec<StaleRead>>;
}

/// Stale data of one vendor.
#[derive(Debug, Clone, Copy)]
pub struct StaleRead {
    pub vendor: Vendor,
    /// The oldest of it.
    pub fetched_at: DateTime,
}

impl StaleRead {
    /// Notes it for the field that is being resolved; without one, no response has the data.
    pub fn note(self) {
        // Outside of a field there is no path to report.
        let _ = READS.try_with(|reads| add(&mut reads.borrow_mut(), self));
    }

    /// Resolves a field, and returns what it read stale: at most one for each vendor.
    pub async fn noted_by<T>(field: impl Future<Output = T>) -> (T, Vec<StaleRead>) {
        let resolving = async {
            let resolved = field.await;
            (resolved, READS.with(RefCell::take))
        };
        READS.scope(RefCell::default(), resolving).await
    }
}

fn add(reads: &mut Vec<StaleRead>, read: StaleRead) {
    match reads.iter_mut().find(|known| known.vendor == read.vendor) {
        Some(known) if known.fetched_at.timestamp <= read.fetched_at.timestamp => {}
        Some(known) => *known = read,
        None => reads.push(read),
    }
}

/// A step of a path in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    Key(String),
    Index(usize),
}

/// A part of a response that is stale, or rests on stale data.
#[derive(Debug, Clone)]
pub struct StalePart {
    pub path: Vec<PathStep>,
    pub read: StaleRead,
}

/// The stale parts of one response.
#[derive(Debug, Default)]
pub struct StaleParts(Mutex<RecordedStaleParts>);

#[derive(Debug, Clone, Default)]
pub struct RecordedStaleParts {
    /// The first of them.
    pub parts: Vec<StalePart>,
    /// How many there are.
    pub count: usize,
}

impl StaleParts {
    pub fn report(&self, path: &[PathStep], reads: Vec<StaleRead>) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for read in reads {
            let is_same =
                |part: &&mut StalePart| part.path == path && part.read.vendor == read.vendor;
            if let Some(known) = recorded.parts.iter_mut().find(is_same) {
                if read.fetched_at.timestamp < known.read.fetched_at.timestamp {
                    known.read = read;
                }
                continue;
            }
            recorded.count += 1;
            if recorded.parts.len() < MAX_PARTS {
                recorded.parts.push(StalePart {
                    path: path.to_vec(),
                    read,
                });
            }
        }
    }

    pub fn recorded(&self) -> RecordedStaleParts {
        let recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clone()
    }
}
