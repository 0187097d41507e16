//! Idempotency keys: what became of the create that each key names, so that no ticket is created twice for one key.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::{
    domain::{Canonical, TicketId},
    error::{Error, ErrorKind, FieldFault, Result},
};

/// How many keys are remembered, and for how long after their first use.
const MAX_KEYS: u64 = 10_000;
const KEY_TTL: Duration = Duration::from_secs(24 * 3600);

/// The creates of this process, by caller and key.
pub(super) struct IdempotencyKeys(moka::sync::Cache<Digest, Arc<Mutex<CreateState>>>);

/// What became of the create that a key names.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum CreateState {
    /// Nothing was created: the key is free.
    #[default]
    Free,
    /// Sent, and its outcome is unknown.
    Sent {
        content: Digest,
        since: Timestamp,
    },
    Created {
        content: Digest,
        ticket: TicketId,
    },
}

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

    /// The create that a caller's key names. Equal creates run one after the other under its lock.
    pub(super) fn create(&self, caller: &str, key: &str) -> Arc<Mutex<CreateState>> {
        let digest = Digest::of(&canonical(caller, key));
        self.0.get_with(digest, Arc::default)
    }
}

impl CreateState {
    /// A key names one content: whatever else comes with it is an error.
    pub(super) fn check_content(self, content: Digest) -> Result<()> {
        match self {
            CreateState::Sent { content: known, .. }
            | CreateState::Created { content: known, .. }
                if known != content =>
            {
                Err(key_fault(
                    "was used with other content: it must be new for each ticket",
                ))
            }
            _ => Ok(()),
        }
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
        let create = keys.create("desk", "7");
        assert!(Arc::ptr_eq(&create, &keys.create("desk", "7")));
        assert!(!Arc::ptr_eq(&create, &keys.create("other", "7")));
    }

    #[test]
    fn the_newest_keys_are_remembered_however_often_the_older_ones_were_used() {
        let keys = IdempotencyKeys::new();
        let create = |number: u64| keys.create("desk", &number.to_string());
        for number in 0..MAX_KEYS {
            create(number);
            create(number);
        }
        keys.0.run_pending_tasks();

        let newest: Vec<_> = (0..100).map(|number| create(MAX_KEYS + number)).collect();
        keys.0.run_pending_tasks();
        for (number, known) in (0..).zip(&newest) {
            assert!(Arc::ptr_eq(known, &create(MAX_KEYS + number)));
        }
        assert!(keys.0.entry_count() <= MAX_KEYS);
    }
}
