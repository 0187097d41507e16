//! Writes: one object's one after the other, never a create twice, and nothing stale afterwards.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{Repository, Shared, list::VendorList};
use crate::{
    context::RequestScope,
    domain::{
        Change, CustomField, Loaded, Scope, ServiceRecord, ServiceRecordChanges, ServiceRecordId,
        Ticket, TicketChanges, TicketFilter, TicketId, Topic, VendorErrorCode,
    },
    error::{Error, ErrorKind, FieldFault, Result},
    upstream::VendorApi,
};

/// How many idempotency keys are remembered, and for how long after their first use.
const REMEMBERED_KEYS: u64 = 10_000;
const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How far the vendor's clock may differ from ours when a ticket is looked for that may have been made.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// How many list pages are read to find such a ticket.
const SEARCH_MAX_CALLS: u32 = 10;

/// What the process remembers of its writes.
pub(super) struct Writes {
    /// One lock an object that is being written.
    locks: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// By caller and key, both hashed.
    keys: moka::sync::Cache<[u8; 32], Arc<IdempotentCreate>>,
    under_way: TaskTracker,
}

/// What became of the create that a key names.
struct IdempotentCreate {
    state: tokio::sync::Mutex<CreateState>,
}

#[derive(Clone, Copy)]
enum CreateState {
    /// Nothing was made: the key is free.
    Free,
    /// Sent, and what became of it is not known.
    Sent {
        content: [u8; 32],
        since: Timestamp,
    },
    Made {
        content: [u8; 32],
        ticket: TicketId,
    },
}

impl Writes {
    pub(super) fn new() -> Self {
        Self {
            locks: Mutex::default(),
            keys: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED_KEYS)
                // The oldest makes room. By how often they are used, as the default is, a new key would not get in.
                .eviction_policy(moka::policy::EvictionPolicy::lru())
                .time_to_live(KEY_LIFE)
                .build(),
            under_way: TaskTracker::new(),
        }
    }

    pub(super) async fn ended(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// The lock of one object. It lives as long as somebody holds or waits for it.
    fn lock(&self, object: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(object).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(object.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

impl Repository {
    /// With a key, the same content again answers with the ticket that the first one made.
    pub async fn create_ticket(
        &self,
        changes: TicketChanges,
        idempotency_key: Option<String>,
    ) -> Result<Arc<Ticket>> {
        self.authorize(Scope::Write)?;
        let with_tickets = self
            .shared
            .vendors
            .iter()
            .find(|vendor| vendor.has_tickets());
        let vendor = with_tickets.ok_or_else(|| {
            Error::bad_user_input(
                "there is no vendor with tickets: none that is configured has any",
            )
        })?;

        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        let vendor = Arc::clone(vendor);
        self.write("createTicket", None, async move {
            let ticket = match idempotency_key {
                None => shared.send_create(&vendor, &scope, &changes).await?,
                Some(key) => shared.create_once(&vendor, &scope, &changes, &key).await?,
            };
            Ok((ticket.id.to_string(), ticket))
        })
        .await
    }

    pub async fn update_ticket(&self, id: TicketId, changes: TicketChanges) -> Result<Arc<Ticket>> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("updateTicket", Some(id.to_string()), async move {
            let updated = vendor.update_ticket(&scope, id, &changes).await;
            shared.forget_ticket(id);
            Ok((id.to_string(), updated?))
        })
        .await
    }

    pub async fn delete_ticket(&self, id: TicketId) -> Result<()> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("deleteTicket", Some(id.to_string()), async move {
            let deleted = vendor.delete_ticket(&scope, id).await;
            shared.forget_ticket(id);
            deleted?;
            Ok((id.to_string(), ()))
        })
        .await
    }

    /// Checked by the schema: at least one change, the memo's length, custom field keys. The outer result is the write's; the
    /// inner one is the reading's of what it left, none where that is gone since.
    pub async fn update_service_record(
        &self,
        id: ServiceRecordId,
        changes: ServiceRecordChanges,
    ) -> Result<Result<Option<Arc<ServiceRecord>>>> {
        self.authorize(Scope::Write)?;
        let vendor = Arc::clone(self.vendor(id.vendor)?);
        let (shared, scope) = (Arc::clone(&self.shared), Arc::clone(&self.scope));
        self.write("updateServiceRecord", Some(id.to_string()), async move {
            let told = vendor.update_service_record(&scope, id, &changes).await;
            shared.forget_service_record(id);
            let record = reread(&shared, &vendor, &scope, id, told?).await;
            Ok((id.to_string(), record))
        })
        .await
    }

    /// Runs a write to its end even when the caller goes away, after the writes of the same object that came before it, and
    /// logs it once.
    async fn write<T: Send + 'static>(
        &self,
        mutation: &'static str,
        object: Option<String>,
        write: impl Future<Output = Result<(String, T)>> + Send + 'static,
    ) -> Result<T> {
        let lock = object
            .as_deref()
            .map(|object| self.shared.writes.lock(object));
        let scope = Arc::clone(&self.scope);
        let writing = async move {
            let _turn = match &lock {
                Some(lock) => Some(lock.lock().await),
                None => None,
            };
            let started = Instant::now();
            let written = write.await;
            let (outcome, written_object) = match &written {
                Ok((object, _)) => ("done", object.as_str()),
                Err(error) => (outcome_name(error), object.as_deref().unwrap_or("")),
            };
            tracing::info!(
                target: "deskgraph::write",
                caller = &*scope.caller.name,
                mutation = mutation,
                object.id = written_object,
                outcome = outcome,
                duration_ms = started.elapsed().as_millis() as u64,
                "a write ended"
            );
            written.map(|(_, value)| value)
        };
        let tasks = &self.shared.writes.under_way;
        let written = tasks.spawn(writing.in_current_span()).await;
        // The document's later fields are to see what this one did.
        self.forget_what_was_read();
        written.unwrap_or_else(|panic| Err(Error::internal("a write broke off").with_source(panic)))
    }
}

impl Shared {
    async fn send_create(
        &self,
        vendor: &Arc<dyn VendorApi>,
        scope: &RequestScope,
        changes: &TicketChanges,
    ) -> Result<Arc<Ticket>> {
        let created = vendor.create_ticket(scope, changes).await;
        self.cache.drop_lists(vendor.vendor(), Topic::Tickets);
        created.map_err(|error| match error.kind {
            ErrorKind::OutcomeUnknown(failure) => Error::new(
                ErrorKind::OutcomeUnknown(failure),
                format!(
                    "{failure}, so it is not known whether the ticket was created: look for it in `tickets` by its subject before sending it again"
                ),
            )
            .with_source(error),
            // A create names no object that could be missing: the vendor refused the call.
            ErrorKind::NotFound => Error::vendor(vendor.vendor(), VendorErrorCode::Rejected),
            _ => error,
        })
    }

    /// Creates at most once for a key, also when the same key comes twice at once.
    async fn create_once(
        self: &Arc<Self>,
        vendor: &Arc<dyn VendorApi>,
        scope: &Arc<RequestScope>,
        changes: &TicketChanges,
        key: &str,
    ) -> Result<Arc<Ticket>> {
        let slot_key = digest(&(&scope.caller.name, key));
        let slot = self.writes.keys.get_with(slot_key, || {
            Arc::new(IdempotentCreate {
                state: tokio::sync::Mutex::new(CreateState::Free),
            })
        });
        let content = digest(changes);
        let mut state = slot.state.lock().await;

        let since = match *state {
            CreateState::Made { content: made, .. } | CreateState::Sent { content: made, .. }
                if made != content =>
            {
                return Err(key_fault(
                    "was used with other content: it must be new for each ticket",
                ));
            }
            CreateState::Made { ticket, .. } => {
                let found = vendor.ticket(scope, ticket).await?;
                return found.ok_or_else(|| {
                    key_fault(
                        "made a ticket that was deleted since: it must be new for each ticket",
                    )
                });
            }
            CreateState::Sent { since, .. } => {
                if let Some(ticket) = find_made(self, vendor, scope, changes, since).await? {
                    // It may have been made after the lists were dropped that its sending dropped.
                    self.cache.drop_lists(vendor.vendor(), Topic::Tickets);
                    *state = CreateState::Made {
                        content,
                        ticket: ticket.id,
                    };
                    return Ok(ticket);
                }
                since
            }
            CreateState::Free => Timestamp::now(),
        };

        // Written before the call: whatever ends it early leaves the key saying that it may have been made.
        *state = CreateState::Sent { content, since };
        let created = self.send_create(vendor, scope, changes).await;
        *state = match &created {
            Ok(ticket) => CreateState::Made {
                content,
                ticket: ticket.id,
            },
            Err(error) if matches!(error.kind, ErrorKind::OutcomeUnknown(_)) => *state,
            Err(_) => CreateState::Free,
        };
        created
    }

    /// Whatever became of the write, nothing that it could have changed is served from the cache any more.
    fn forget_ticket(&self, id: TicketId) {
        let key = self.entity_key(id);
        self.cache.drop_object(key);
    }

    /// Tickets hold copies of their service records, so they are dropped too.
    fn forget_service_record(&self, id: ServiceRecordId) {
        let key = self.entity_key(id);
        self.cache.drop_object(key);
        self.cache.drop_all(id.vendor, Topic::Tickets);
    }
}

/// The ticket that a create of unknown outcome made, if it made one: the same subject and content, created since.
async fn find_made(
    shared: &Arc<Shared>,
    vendor: &Arc<dyn VendorApi>,
    scope: &Arc<RequestScope>,
    changes: &TicketChanges,
    since: Timestamp,
) -> Result<Option<Arc<Ticket>>> {
    let filter = TicketFilter {
        created_from: Some(since - CLOCK_SKEW_SECONDS.seconds()),
        ..TicketFilter::default()
    };
    let is_same = |ticket: &Ticket| {
        is_set_to(&changes.subject, ticket.subject.as_ref())
            && is_set_to(&changes.content, ticket.content.as_ref())
    };
    // What a list held before the create is no answer to whether it was made.
    shared.cache.drop_lists(vendor.vendor(), Topic::Tickets);
    let list = VendorList::new(shared, scope, vendor, filter).limited_to(SEARCH_MAX_CALLS);
    let tickets = list
        .newest(usize::MAX, |tickets: &[Arc<Ticket>]| {
            tickets.iter().any(|ticket| is_same(ticket))
        })
        .await?;
    Ok(tickets.into_iter().find(|ticket| is_same(ticket)))
}

/// The vendor's framework trims what it is sent.
fn is_set_to(change: &Change<String>, value: Option<&String>) -> bool {
    matches!(change, Change::Set(set) if Some(set.trim()) == value.map(|value| value.trim()))
}

/// The vendor answers an update with a part of the record, so the whole is read again; custom fields that the second reading
/// lacks are taken from the update's answer.
async fn reread(
    shared: &Arc<Shared>,
    vendor: &Arc<dyn VendorApi>,
    scope: &Arc<RequestScope>,
    id: ServiceRecordId,
    told: Option<Vec<CustomField>>,
) -> Result<Option<Arc<ServiceRecord>>> {
    let answers = shared.records_by_id(vendor, scope, &[id]).await;
    let record = match answers.into_iter().find(|(read, _)| *read == id) {
        Some((_, result)) => result?,
        None => None,
    };
    Ok(record.map(|record| match (&record.custom_fields, told) {
        (Loaded::NotLoaded, Some(told)) => Arc::new(ServiceRecord {
            custom_fields: Loaded::some(told),
            ..ServiceRecord::clone(&record)
        }),
        _ => record,
    }))
}

fn key_fault(message: &str) -> Error {
    let fault = FieldFault {
        field: Some("idempotencyKey"),
        message: format!("the idempotency key {message}"),
    };
    Error::new(
        ErrorKind::InvalidFields(Arc::new([fault])),
        "the idempotency key can't be used",
    )
}

/// Contents and keys are compared by digest, so that neither is kept.
fn digest(content: &impl std::fmt::Debug) -> [u8; 32] {
    Sha256::digest(format!("{content:?}")).into()
}

fn outcome_name(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::OutcomeUnknown(_) => "unknown",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Locked => "locked",
        ErrorKind::InvalidFields(_) => "invalid",
        ErrorKind::UnsupportedByVendor(_) => "unsupported",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_keys_are_remembered_however_often_the_older_ones_were_used() {
        let writes = Writes::new();
        let slot = |number: u64| {
            writes.keys.get_with(digest(&number), || {
                Arc::new(IdempotentCreate {
                    state: tokio::sync::Mutex::new(CreateState::Free),
                })
            })
        };
        for number in 0..REMEMBERED_KEYS {
            slot(number);
            slot(number);
        }
        writes.keys.run_pending_tasks();

        let newest: Vec<_> = (0..100)
            .map(|number| slot(REMEMBERED_KEYS + number))
            .collect();
        writes.keys.run_pending_tasks();
        for (number, made) in (0..).zip(&newest) {
            assert!(Arc::ptr_eq(made, &slot(REMEMBERED_KEYS + number)));
        }
        assert!(writes.keys.entry_count() <= REMEMBERED_KEYS);
    }
}
