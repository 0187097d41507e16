//! Keeps the token of an account: renews it beside the traffic, and replaces it when it is refused. Logins do not use
//! `SingleFlight`: a flight has one result for all of its callers, so that a login which exceeds its leader's deadline would fail
//! callers with more time. Here the next request in the queue logs in under its own deadline.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderValue;
use tokio::{
    sync,
    time::{Instant, timeout_at},
};
use tracing::Instrument;

use super::{
    super::{call_context::CallContext, client::VendorClient},
    Token, TokenSource, bearer,
};
use crate::{
    context::RequestScope,
    domain::{Caller, Vendor, VendorErrorCode},
    error::{Error, Result},
};

/// A token is renewed when this or half of its life is left, whichever is less.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
/// After a renewal that failed, the next one waits this long.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);
/// A refused token may have been evicted by another process that logged in to the same account. Two such processes would evict
/// each other forever, so each makes a limited number of replacements per window, and only one for a token that was never
/// accepted.
const REPLACEMENT_WINDOW: Duration = Duration::from_secs(5);
const REPLACEMENTS_PER_WINDOW: usize = 4;

/// Only a request without a good token waits for one.
pub(in crate::upstream) struct TokenKeeper<S> {
    vendor: Vendor,
    source: S,
    state: Mutex<TokenState>,
    /// Held by whoever gets a token, so that there is one login or renewal at a time. If a request that holds it is cancelled, the
    /// next one in the queue goes on.
    turn: Arc<sync::Mutex<()>>,
    /// The newest token that the vendor accepted, by its generation.
    accepted: AtomicU64,
}

#[derive(Default)]
struct TokenState {
    current: Option<CurrentToken>,
    /// Counts the tokens, so that a refused one can be compared with the current one.
    generation: u64,
    credentials_refused_at: Option<Instant>,
    sign_in_failed: Option<(Instant, Error)>,
    renewal_failed_at: Option<Instant>,
    /// The newest last.
    replaced_at: [Option<Instant>; REPLACEMENTS_PER_WINDOW],
}

struct CurrentToken {
    header: HeaderValue,
    received_at: Instant,
    life: Option<Duration>,
}

/// The authorization of one call.
pub(super) struct Pass {
    pub(super) header: HeaderValue,
    generation: u64,
}

/// The pass that takes the place of a refused one.
pub(super) enum Replacement {
    /// There was a newer token: it came while the call was in flight.
    Known(Pass),
    FromLogin(Pass),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Good,
    NearItsEnd,
    Over,
}

impl CurrentToken {
    fn freshness(&self) -> Freshness {
        let Some(life) = self.life else {
            return Freshness::Good;
        };
        let left = life.saturating_sub(self.received_at.elapsed());
        if left.is_zero() {
            Freshness::Over
        } else if left < RENEWAL_MARGIN.min(life / 2) {
            Freshness::NearItsEnd
        } else {
            Freshness::Good
        }
    }
}

impl TokenState {
    fn pass(&self) -> Option<Pass> {
        let current = self.current.as_ref()?;
        Some(Pass {
            header: current.header.clone(),
            generation: self.generation,
        })
    }

    fn is_renewal_due(&self) -> bool {
        let freshness = self.current.as_ref().map(CurrentToken::freshness);
        freshness == Some(Freshness::NearItsEnd)
            && !is_within(self.renewal_failed_at, RENEWAL_PAUSE)
    }
}

impl<S: TokenSource> TokenKeeper<S> {
    pub(super) fn new(vendor: Vendor, source: S) -> Self {
        Self {
            vendor,
            source,
            state: Mutex::default(),
            turn: Arc::default(),
            accepted: AtomicU64::new(0),
        }
    }

    /// The current token while it is good, otherwise one from a login.
    pub(super) async fn pass(
        self: &Arc<Self>,
        client: &Arc<VendorClient>,
        context: &CallContext<'_>,
    ) -> Result<Pass> {
        if let Some(pass) = self.good_pass() {
            self.renew_if_due(client);
            return Ok(pass);
        }

        let requested_at = Instant::now();
        let _turn = self.turn(context).await?;
        // It may have come while this request waited.
        if let Some(pass) = self.good_pass() {
            return Ok(pass);
        }
        self.sign_in(client, context, requested_at).await?;
        self.current_pass()
    }

    pub(super) fn record_accepted(&self, pass: &Pass) {
        self.accepted.fetch_max(pass.generation, Ordering::Relaxed);
    }

    /// The replacement of a pass that the vendor refused; none after too many replacements. It waits for a renewal that runs: the
    /// vendor may have ended the old token before its answer with the new one arrived.
    pub(super) async fn replacement_of(
        &self,
        refused: &Pass,
        client: &VendorClient,
        context: &CallContext<'_>,
    ) -> Result<Option<Replacement>> {
        let requested_at = Instant::now();
        let _turn = self.turn(context).await?;
        {
            let mut state = self.state();
            if state.generation == refused.generation {
                let was_accepted = self.accepted.load(Ordering::Relaxed) >= refused.generation;
                let checked = if was_accepted {
                    0
                } else {
                    REPLACEMENTS_PER_WINDOW - 1
                };
                if is_within(state.replaced_at[checked], REPLACEMENT_WINDOW) {
                    return Ok(None);
                }
                state.current = None;
            }
            if let Some(pass) = state.pass() {
                return Ok(Some(Replacement::Known(pass)));
            }
        }

        self.sign_in(client, context, requested_at).await?;
        let mut state = self.state();
        state.replaced_at.rotate_left(1);
        state.replaced_at[REPLACEMENTS_PER_WINDOW - 1] = Some(Instant::now());
        drop(state);
        let pass = self.current_pass()?;
        Ok(Some(Replacement::FromLogin(pass)))
    }

    /// Starts a renewal in the background, unless a login or a renewal runs.
    fn renew_if_due(self: &Arc<Self>, client: &Arc<VendorClient>) {
        if !self.state().is_renewal_due() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else {
            return;
        };
        let due = {
            // One may have ended in between.
            let state = self.state();
            state.is_renewal_due().then(|| state.pass()).flatten()
        };
        let Some(due) = due else {
            return;
        };

        let (keeper, client) = (Arc::clone(self), Arc::clone(client));
        let scope = RequestScope::new(
            "token-renewal".to_owned(),
            Caller::new("token-renewal", Vec::new()),
            std::time::Instant::now() + client.timeout(),
        );
        let span = tracing::error_span!(parent: None, "token renewal", request.id = scope.id);
        let renewing = async move {
            keeper.renew(&client, &scope, &due).await;
            drop(turn);
        };
        tokio::spawn(renewing.instrument(span));
    }

    /// A token that can't be renewed stays: it is still good for a while.
    async fn renew(&self, client: &VendorClient, scope: &RequestScope, due: &Pass) {
        let requested_at = Instant::now();
        let context = client.context(scope);
        let renewed = self.source.renew(client, &context, &due.header).await;
        match &renewed {
            Ok(None) => {}
            Ok(Some(_)) => client.metrics().count_login(None),
            Err(err) => client.metrics().count_login(failure_code(err)),
        }
        let renewed = match renewed {
            Ok(Some(token)) => self.keep(token),
            Ok(None) | Err(_) => self.sign_in(client, &context, requested_at).await,
        };
        if let Err(err) = renewed {
            self.state().renewal_failed_at = Some(Instant::now());
            tracing::warn!(
                target: "deskgraph::upstream",
                vendor = self.vendor.slug(),
                error = %err,
                pause_ms = RENEWAL_PAUSE.as_millis() as u64,
                "the token can't be renewed: calls go on with it until it expires"
            );
        }
    }

    /// Only the holder of the turn calls it.
    async fn sign_in(
        &self,
        client: &VendorClient,
        context: &CallContext<'_>,
        requested_at: Instant,
    ) -> Result<()> {
        {
            let state = self.state();
            if is_within(state.credentials_refused_at, client.refused_login_pause()) {
                return Err(self.failure(VendorErrorCode::Unauthenticated));
            }
            // A failure while this request waited is its failure too. Otherwise each waiting request would log in again.
            if let Some((failed_at, err)) = &state.sign_in_failed
                && *failed_at > requested_at
            {
                return Err(err.clone());
            }
        }

        let signed_in = self.source.sign_in(client, context).await;
        let failure = signed_in.as_ref().err().and_then(failure_code);
        client.metrics().count_login(failure);
        match signed_in {
            Ok(token) => {
                let mut state = self.state();
                state.credentials_refused_at = None;
                state.sign_in_failed = None;
                drop(state);
                self.keep(token)
            }
            Err(err) => {
                let mut state = self.state();
                match err.vendor_failure().map(|failure| failure.code) {
                    Some(VendorErrorCode::Unauthenticated) => {
                        state.credentials_refused_at = Some(Instant::now());
                    }
                    // The deadline is this request's: another one may have more time.
                    Some(VendorErrorCode::RateLimited) => {}
                    Some(VendorErrorCode::Timeout) if context.is_over_for_request() => {}
                    _ => state.sign_in_failed = Some((Instant::now(), err.clone())),
                }
                drop(state);
                Err(err)
            }
        }
    }

    fn keep(&self, token: Token) -> Result<()> {
        let header =
            bearer(&token.text).ok_or_else(|| self.failure(VendorErrorCode::BadResponse))?;
        let mut state = self.state();
        state.generation += 1;
        state.renewal_failed_at = None;
        state.current = Some(CurrentToken {
            header,
            received_at: Instant::now(),
            life: token.life,
        });
        Ok(())
    }

    fn good_pass(&self) -> Option<Pass> {
        let state = self.state();
        let freshness = state.current.as_ref()?.freshness();
        state.pass().filter(|_| freshness != Freshness::Over)
    }

    fn current_pass(&self) -> Result<Pass> {
        let pass = self.state().pass();
        pass.ok_or_else(|| self.failure(VendorErrorCode::Unauthenticated))
    }

    fn state(&self) -> MutexGuard<'_, TokenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self, context: &CallContext<'_>) -> Result<sync::MutexGuard<'_, ()>> {
        let _waiting = context.wait();
        timeout_at(context.last_moment().into(), self.turn.lock())
            .await
            .map_err(|_| self.failure(VendorErrorCode::Timeout))
    }

    fn failure(&self, code: VendorErrorCode) -> Error {
        Error::vendor(self.vendor, code)
    }
}

/// What a login fails with that no vendor's failure explains is the gateway's own.
fn failure_code(error: &Error) -> Option<VendorErrorCode> {
    let failure = error.vendor_failure();
    Some(failure.map_or(VendorErrorCode::GatewayError, |failure| failure.code))
}

fn is_within(at: Option<Instant>, pause: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < pause)
}
