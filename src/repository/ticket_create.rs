//! Creating a ticket: the create goes on after its caller's deadline, and its idempotency key waits for it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::{sync::watch, time::timeout_at};
use tracing::Instrument;

use super::{
    Shared,
    creates::{Found, SentCreate},
    idempotency::{
        Answer, AnswerSender, CreateState, Digest, KeyRecord, KeyUse, Outcome, key_fault,
    },
    list::VendorList,
    ticket::Creation,
    write::outcome_name,
};
use crate::{
    context::RequestScope,
    domain::{
        Ticket, TicketChanges, TicketFilter, TicketId, Topic, Vendor, VendorErrorCode,
        VendorFailure,
    },
    error::{Error, ErrorKind, Result},
    listing::Span,
    upstream::{Background, VendorApi},
};

/// A ticket that a caller wants to be created.
pub(super) struct NewTicket {
    pub(super) vendor: Arc<dyn VendorApi>,
    pub(super) scope: Arc<RequestScope>,
    pub(super) changes: TicketChanges,
}

/// A create in flight, as its caller sees it.
struct Started {
    answer: Answer,
    background: Background,
}

impl Shared {
    /// Without a key, each call creates a ticket.
    pub(super) async fn create_ticket(self: &Arc<Self>, new: NewTicket) -> Outcome {
        let vendor = new.vendor.vendor();
        let started = self.start(new, None);
        let outcome = self.answer_in_time(vendor, started).await;
        outcome.map_err(|error| match error.kind {
            ErrorKind::OutcomeUnknown(failure) => {
                let advice = "look for it in `tickets` by its subject before sending it again";
                outcome_unknown(failure, &failure.to_string(), advice).with_source(error)
            }
            _ => error,
        })
    }

    /// Creates at most one ticket for a key, also when requests with the key arrive at the same time.
    pub(super) async fn create_ticket_once(
        self: &Arc<Self>,
        new: NewTicket,
        key: &str,
    ) -> Result<(Arc<Ticket>, Creation)> {
        let earlier = |ticket| (ticket, Creation::Earlier);
        let (vendor, deadline) = (new.vendor.vendor(), new.scope.deadline);
        let content = Digest::of(&new.changes.canonical());
        let key = self
            .writes
            .idempotency_keys
            .record(&new.scope.caller.name, key);
        // Only a request that searches for the ticket holds the lock for long.
        let Ok(mut record) = timeout_at(deadline.into(), key.lock()).await else {
            return Err(still_unknown(timed_out(vendor)));
        };

        if let Some(key_use) = &*record {
            key_use.check_content(content)?;
            match &key_use.state {
                CreateState::Created(ticket) => {
                    let ticket = *ticket;
                    drop(record);
                    return created_before(&new, ticket).await.map(earlier);
                }
                CreateState::Open(answer) => {
                    let answer = answer.clone();
                    drop(record);
                    return match timeout_at(deadline.into(), outcome_of(answer)).await {
                        Ok(outcome) => outcome.map(earlier).map_err(of_key),
                        Err(_) => Err(still_unknown(timed_out(vendor))),
                    };
                }
                CreateState::Refused(error) if key_use.content == content => {
                    let error = error.clone();
                    *record = None;
                    return Err(error);
                }
                CreateState::Refused(_) => {}
                CreateState::Unknown {
                    sent,
                    ended_at,
                    failure,
                } => {
                    let (sent, failure) = (*sent, *failure);
                    // Of before the search, so that the search sees all that the vendor did until then.
                    let is_past = self.writes.creates.is_past(*ended_at, Timestamp::now());
                    let found = self.find_created(&new, sent).await;
                    match found.map_err(failed_search)? {
                        Found::Ticket(ticket) => {
                            let state = CreateState::Created(ticket.id);
                            *record = Some(KeyUse { content, state });
                            return Ok(earlier(ticket));
                        }
                        Found::Nothing if is_past => self.writes.creates.settle(sent, None),
                        Found::Nothing => return Err(still_unknown(failure)),
                        Found::Ambiguous => return Err(ambiguous(failure)),
                    }
                }
            }
        }

        let started = self.start(new, Some((Arc::clone(&key), content)));
        let state = CreateState::Open(started.answer.clone());
        *record = Some(KeyUse { content, state });
        drop(record);
        let created = self.answer_in_time(vendor, started).await.map_err(of_key)?;
        Ok((created, Creation::New))
    }

    /// Sends a create. It runs to its end, whoever waits for it.
    fn start(self: &Arc<Self>, new: NewTicket, key: Option<(Arc<KeyRecord>, Digest)>) -> Started {
        let creates = &self.writes.creates;
        let sent = creates.begin(&new.changes, Timestamp::now());
        let background = Background::new(creates.settings.background);
        let (sender, answer) = watch::channel(None);

        let (shared, of_call) = (Arc::clone(self), background.clone());
        let run = async move {
            let started_at = Instant::now();
            let vendor = new.vendor.vendor();
            let creating = new.vendor.create_ticket(&new.scope, &new.changes, &of_call);
            let created = AssertUnwindSafe(creating).catch_unwind().await;
            let created = created
                .unwrap_or_else(|_| Err(panicked(vendor)))
                .map_err(|error| match error.kind {
                    // A create names no object that could be missing: the vendor rejected the call.
                    ErrorKind::NotFound => Error::vendor(vendor, VendorErrorCode::Rejected),
                    _ => error,
                });
            if of_call.has_begun() {
                log_late(&new.scope, &created, started_at);
            }
            shared.settle(vendor, sent, key, (created, sender)).await;
        };
        self.writes.spawn(run.in_current_span());
        Started { answer, background }
    }

    /// Records the outcome of a create, and sends it to the requests that wait.
    async fn settle(
        &self,
        vendor: Vendor,
        sent: SentCreate,
        key: Option<(Arc<KeyRecord>, Digest)>,
        (created, sender): (Outcome, AnswerSender),
    ) {
        self.drop_lists(vendor, Topic::Tickets);
        let now = Timestamp::now();
        let creates = &self.writes.creates;
        match &created {
            Ok(ticket) => creates.settle(sent, Some(ticket.id)),
            Err(error) if is_unknown(error) => creates.end(sent, now),
            Err(_) => creates.settle(sent, None),
        }
        let Some((key, content)) = key else {
            let _ = sender.send(Some(created));
            return;
        };

        let mut record = key.lock().await;
        // The record holds a receiver too.
        *record = None;
        let is_awaited = sender.receiver_count() > 0;
        let state = match &created {
            Ok(ticket) => Some(CreateState::Created(ticket.id)),
            Err(error) => match error.kind {
                ErrorKind::OutcomeUnknown(failure) => Some(CreateState::Unknown {
                    sent,
                    ended_at: now,
                    failure,
                }),
                _ if !is_awaited && is_refusal(error) => Some(CreateState::Refused(error.clone())),
                _ => None,
            },
        };
        *record = state.map(|state| KeyUse { content, state });
        let _ = sender.send(Some(created));
    }

    /// The outcome of a create, or that it is unknown when the caller's deadline passes.
    async fn answer_in_time(&self, vendor: Vendor, started: Started) -> Outcome {
        tokio::select! {
            biased;
            outcome = outcome_of(started.answer) => outcome,
            failure = started.background.begins() => {
                // The vendor may have created it.
                self.drop_lists(vendor, Topic::Tickets);
                Err(Error::new(ErrorKind::OutcomeUnknown(failure), failure.to_string()))
            }
        }
    }

    /// Searches the vendor for the ticket of a create whose connection ended.
    async fn find_created(self: &Arc<Self>, new: &NewTicket, sent: SentCreate) -> Result<Found> {
        let (vendor, creates) = (new.vendor.vendor(), &self.writes.creates);
        // A list that was cached before the create does not show whether it succeeded.
        self.drop_lists(vendor, Topic::Tickets);
        let list = VendorList::new(self, &new.scope, &new.vendor, TicketFilter::default())
            .limited_to(new.scope.vendor_calls.allowed());
        let span = Span {
            from: Some(creates.earliest(sent).as_second()),
            to: None,
        };
        let window = list.exactly(span).await?.value;
        if window.is_too_large {
            return Ok(Found::Ambiguous);
        }
        let found = creates.claim(sent, window.rows.iter().chain(&window.undated));
        if let Found::Ticket(_) = found {
            // The vendor may have created it after the create dropped the lists.
            self.drop_lists(vendor, Topic::Tickets);
        }
        Ok(found)
    }
}

async fn created_before(new: &NewTicket, ticket: TicketId) -> Outcome {
    let found = new.vendor.ticket(&new.scope, ticket).await?;
    found.ok_or_else(|| {
        key_fault("made a ticket that was deleted since: it must be new for each ticket")
    })
}

async fn outcome_of(mut answer: Answer) -> Outcome {
    match answer.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(stopped())),
        Err(_) => Err(stopped()),
    }
}

fn stopped() -> Error {
    Error::internal("the gateway stopped before the create ended")
}

/// Whether the vendor itself refused the create, so that the same create would be refused again.
fn is_refusal(error: &Error) -> bool {
    match &error.kind {
        ErrorKind::InvalidFields(_) => true,
        ErrorKind::Vendor(failure) => matches!(
            failure.code,
            VendorErrorCode::Rejected | VendorErrorCode::Forbidden
        ),
        _ => false,
    }
}

fn is_unknown(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::OutcomeUnknown(_))
}

fn timed_out(vendor: Vendor) -> VendorFailure {
    VendorFailure {
        vendor,
        code: VendorErrorCode::Timeout,
        retry_after: None,
    }
}

fn panicked(vendor: Vendor) -> Error {
    let failure = VendorFailure {
        code: VendorErrorCode::BadResponse,
        ..timed_out(vendor)
    };
    Error::new(ErrorKind::OutcomeUnknown(failure), "a create panicked")
}

fn outcome_unknown(failure: VendorFailure, why: &str, advice: &str) -> Error {
    Error::new(
        ErrorKind::OutcomeUnknown(failure),
        format!("{why}, so it is not known whether the ticket was created: {advice}"),
    )
}

fn still_unknown(failure: VendorFailure) -> Error {
    let advice = "send it again with the same idempotency key after a while, or look for it in `tickets` by its subject";
    outcome_unknown(failure, &failure.to_string(), advice)
}

/// A failure that is not worth a retry must not look like that of a create.
fn failed_search(error: Error) -> Error {
    match error.vendor_failure() {
        Some(failure) if !failure.code.is_retryable() => still_unknown(failure).with_source(error),
        _ => error,
    }
}

/// The same for the request that sent a create, or waited for it.
fn of_key(error: Error) -> Error {
    match error.kind {
        ErrorKind::OutcomeUnknown(failure) => still_unknown(failure).with_source(error),
        _ => error,
    }
}

fn ambiguous(failure: VendorFailure) -> Error {
    let why = format!("{failure}, and other tickets can't be told from this one");
    let advice = "look for it in `tickets` by its subject, and send it with a new idempotency key if it is missing";
    outcome_unknown(failure, &why, advice)
}

/// Its request has a line of its own, which says that the outcome is unknown.
fn log_late(scope: &RequestScope, created: &Outcome, started_at: Instant) {
    let id = created.as_ref().map(|ticket| ticket.id.to_string());
    tracing::info!(
        target: "deskgraph::write",
        caller = &*scope.caller.name,
        mutation = "createTicket",
        object.id = id.as_deref().unwrap_or(""),
        outcome = created.as_ref().map_or_else(outcome_name, |_| "done"),
        duration_ms = started_at.elapsed().as_millis() as u64,
        "a create ended after its caller's deadline"
    );
}
