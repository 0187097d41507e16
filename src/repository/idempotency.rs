//! Idempotency keys: what became of the create that each key names, so that no ticket is created twice for one key.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, watch};

use super::creates::SentCreate;
use crate::{
    domain::{Canonical, Ticket, TicketId, VendorFailure},
    error::{Error, ErrorKind, FieldFault, Result},
};

/// How many keys are remembered, and for how long after their first use.
const MAX_KEYS: u64 = 10_000;
pub(super) const KEY_TTL: Duration = Duration::from_secs(24 * 3600);

/// The creates of this process, by caller and key.
pub(super) struct IdempotencyKeys(moka::sync::Cache<Digest, Arc<KeyRecord>>);

/// What a key is used for; none while it is free. Whoever decides what happens next holds the lock, but no request waits for the
/// vendor's answer to a create with it.
pub(super) type KeyRecord = Mutex<Option<KeyUse>>;

#[derive(Debug)]
pub(super) struct KeyUse {
    pub(super) content: Digest,
    pub(super) state: CreateState,
}

/// What became of the create that a key names.
#[derive(Debug)]
pub(super) enum CreateState {
    /// The vendor has not answered yet.
    Open(Answer),
    /// Its connection ended without an answer: the vendor may have executed it, or may do so for a while.
    Unknown {
        sent: SentCreate,
        ended_at: Timestamp,
        failure: VendorFailure,
    },
    /// The vendor refused it when no request waited any more. The next request with the key gets the refusal, and the key is free then.
    Refused(Error),
    Created(TicketId),
}

pub(super) type Outcome = Result<Arc<Ticket>>;

/// The outcome of a create, once it is there.
pub(super) type Answer = watch::Receiver<Option<Outcome>>;
pub(super) type AnswerSender = watch::Sender<Option<Outcome>>;

/// The digest of a canonical form: neither keys nor contents are stored in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(canonical: &Canonical) -> Self {
        Self(Sha256::digest(canonical.as_str()).into())
    }
}

impl IdempotencyKeys {
    pub(super) fn new() -> Self {
        let keys = moka::sync::Cache::builder()
            .max_capacity(MAX_KEYS)
            // The least recently used key makes room. The default policy counts uses, and would not let a new key in.
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .time_to_live(KEY_TTL)
            .build();
        Self(keys)
    }

    pub(super) fn record(&self, caller: &str, key: &str) -> Arc<KeyRecord> {
        let digest = Digest::of(&canonical(caller, key));
        self.0.get_with(digest, Arc::default)
    }
}

impl KeyUse {
    /// A key names one content: whatever else comes with it is an error, unless nothing was created.
    pub(super) fn check_content(&self, content: Digest) -> Result<()> {
        if self.content == content || matches!(self.state, CreateState::Refused(_)) {
            return Ok(());
        }
        Err(key_fault(
            "was used with other content: it must be new for each ticket",
        ))
    }
}

fn canonical(caller: &str, key: &str) -> Canonical {
    Canonical::new("idempotencyKey")
        .field("caller", Some(caller))
        .field("key", Some(key))
}

pub(super) fn key_fault(message: &str) -> Error {
    let fault = FieldFault {
        field: Some("idempotencyKey"),
        message: format!("the idempotency key {message}"),
    };
    Error::new(
        ErrorKind::InvalidFields(Arc::new([fault])),
        "the idempotency key can't be used",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_callers_own() {
        assert_eq!(
            canonical("desk", "7 caller=1:x").as_str(),
            "idempotencyKey caller=4:desk key=12:7 caller=1:x"
        );
        let keys = IdempotencyKeys::new();
        let record = keys.record("desk", "7");
        assert!(Arc::ptr_eq(&record, &keys.record("desk", "7")));
        assert!(!Arc::ptr_eq(&record, &keys.record("other", "7")));
    }

    #[test]
    fn the_newest_keys_are_remembered_however_often_the_older_ones_were_used() {
        let keys = IdempotencyKeys::new();
        let record = |number: u64| keys.record("desk", &number.to_string());
        for number in 0..MAX_KEYS {
            record(number);
            record(number);
        }
        keys.0.run_pending_tasks();

        let newest: Vec<_> = (0..100).map(|number| record(MAX_KEYS + number)).collect();
        keys.0.run_pending_tasks();
        for (number, known) in (0..).zip(&newest) {
            assert!(Arc::ptr_eq(known, &record(MAX_KEYS + number)));
        }
        assert!(keys.0.entry_count() <= MAX_KEYS);
    }
}
