//! Calls a vendor with the gateway's credentials: keeps the token, renews it early, replaces it when it is refused. Logins do
//! not use `SingleFlight`: a flight has one result for all of its callers, so that a login which exceeds its leader's deadline
//! would fail callers with more time. Here the next request in the queue logs in under its own deadline.

#[cfg(test)]
mod tests;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{StatusCode, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout_at},
};

use super::{
    attempt::Attempts, call::Call, call_context::CallContext, client::VendorClient,
    response::VendorResponse,
};
use crate::{
    context::RequestScope,
    domain::{Vendor, VendorErrorCode},
    error::{Error, Result},
};

/// A token is renewed when this or a tenth of its life is left, whichever is less.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
/// A refused token may have been evicted by another process that logged in to the same account. Two such processes would evict
/// each other forever, so each makes a limited number of replacements per window, and only one for a token that was never
/// accepted.
const REPLACEMENT_WINDOW: Duration = Duration::from_secs(5);
const REPLACEMENTS_PER_WINDOW: usize = 4;

pub(super) struct VendorSession<S> {
    client: VendorClient,
    authorization: Authorization<S>,
}

/// How a call authenticates.
pub(super) enum Authorization<S> {
    /// A header that never changes.
    Permanent(HeaderValue),
    ByToken(Box<TokenKeeper<S>>),
}

/// Gets tokens from a vendor.
#[async_trait]
pub(super) trait TokenSource: Send + Sync + 'static {
    /// Fails with UNAUTHENTICATED when the vendor does not accept the credentials themselves.
    async fn sign_in(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Token>;

    /// A new token for one that is still valid; none where the vendor has no such call.
    async fn renew(
        &self,
        _client: &VendorClient,
        _context: &CallContext<'_>,
        _current: &HeaderValue,
    ) -> Result<Option<Token>> {
        Ok(None)
    }
}

pub(super) struct Token {
    pub text: SecretString,
    /// None where the vendor reports no expiry: the token is valid until it is refused.
    pub life: Option<Duration>,
}

impl<S: TokenSource> VendorSession<S> {
    pub(super) fn new(client: VendorClient, authorization: Authorization<S>) -> Self {
        Self {
            client,
            authorization,
        }
    }

    pub(super) fn client(&self) -> &VendorClient {
        &self.client
    }

    /// Sends a call; when the vendor does not accept the token, once more with a new one.
    pub(super) async fn send<'a>(
        &'a self,
        scope: &'a RequestScope,
        call: &'a Call,
    ) -> Result<VendorResponse<'a>> {
        let context = self.client.context(scope);
        self.client.check_pace(&context, call)?;
        let mut attempts = self.client.attempts();
        match &self.authorization {
            Authorization::Permanent(header) => {
                self.client
                    .send(&context, call, Some(header), &mut attempts)
                    .await
            }
            Authorization::ByToken(keeper) => {
                self.send_by_token(keeper, &context, call, &mut attempts)
                    .await
            }
        }
    }

    async fn send_by_token<'a>(
        &'a self,
        keeper: &TokenKeeper<S>,
        context: &CallContext<'a>,
        call: &'a Call,
        attempts: &mut Attempts,
    ) -> Result<VendorResponse<'a>> {
        let pass = keeper.pass(&self.client, context).await?;
        let mut response = self
            .client
            .send(context, call, Some(&pass.header), attempts)
            .await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            keeper.record_accepted(&pass);
            return Ok(response);
        }

        // The circuit admits one trial at a time, and the next call may be a login.
        response.settle_permit_now();
        let Some(pass) = keeper.replacement_of(pass, &self.client, context).await? else {
            return Ok(response);
        };
        let response = self
            .client
            .send(context, call, Some(&pass.header), attempts)
            .await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            keeper.record_accepted(&pass);
        }
        Ok(response)
    }
}

/// Keeps the token of an account. Requests wait while one of them fetches a token; if that request is cancelled, the next one
/// in the queue fetches it.
pub(super) struct TokenKeeper<S> {
    vendor: Vendor,
    source: S,
    state: Mutex<TokenState>,
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
struct Pass {
    header: HeaderValue,
    generation: u64,
}

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
        } else if left < RENEWAL_MARGIN.min(life / 10) {
            Freshness::NearItsEnd
        } else {
            Freshness::Good
        }
    }
}

impl<S: TokenSource> TokenKeeper<S> {
    pub(super) fn new(vendor: Vendor, source: S) -> Self {
        Self {
            vendor,
            source,
            state: Mutex::default(),
            accepted: AtomicU64::new(0),
        }
    }

    async fn pass(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Pass> {
        let requested_at = Instant::now();
        let mut state = self.lock(context).await?;

        match state.current.as_ref().map(CurrentToken::freshness) {
            Some(Freshness::Good) => {}
            Some(Freshness::NearItsEnd) => {
                self.renew(&mut state, client, context, requested_at).await
            }
            Some(Freshness::Over) | None => {
                self.sign_in(&mut state, client, context, requested_at)
                    .await?;
            }
        }
        self.pass_of(&state)
    }

    fn record_accepted(&self, pass: &Pass) {
        self.accepted.fetch_max(pass.generation, Ordering::Relaxed);
    }

    /// The replacement of a pass that the vendor refused; none after too many replacements.
    async fn replacement_of(
        &self,
        refused: Pass,
        client: &VendorClient,
        context: &CallContext<'_>,
    ) -> Result<Option<Pass>> {
        let requested_at = Instant::now();
        let mut state = self.lock(context).await?;

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
        if state.current.is_none() {
            self.sign_in(&mut state, client, context, requested_at)
                .await?;
            state.replaced_at.rotate_left(1);
            state.replaced_at[REPLACEMENTS_PER_WINDOW - 1] = Some(Instant::now());
        }
        self.pass_of(&state).map(Some)
    }

    /// Keeps a token that can't be renewed: it is still valid for a while.
    async fn renew(
        &self,
        state: &mut TokenState,
        client: &VendorClient,
        context: &CallContext<'_>,
        requested_at: Instant,
    ) {
        if is_within(state.renewal_failed_at, REPLACEMENT_WINDOW) {
            return;
        }
        let Some(current) = state.current.as_ref().map(|current| current.header.clone()) else {
            return;
        };

        let renewed = match self.source.renew(client, context, &current).await {
            Ok(Some(token)) => self.keep(state, token),
            Ok(None) | Err(_) => self.sign_in(state, client, context, requested_at).await,
        };
        if renewed.is_err() {
            state.renewal_failed_at = Some(Instant::now());
        }
    }

    async fn sign_in(
        &self,
        state: &mut TokenState,
        client: &VendorClient,
        context: &CallContext<'_>,
        requested_at: Instant,
    ) -> Result<()> {
        if is_within(state.credentials_refused_at, client.refused_login_pause()) {
            return Err(self.failure(VendorErrorCode::Unauthenticated));
        }
        // A failure while this request waited is its failure too. Otherwise each waiting request would log in again.
        if let Some((failed_at, err)) = &state.sign_in_failed
            && *failed_at > requested_at
        {
            return Err(err.clone());
        }

        match self.source.sign_in(client, context).await {
            Ok(token) => {
                state.credentials_refused_at = None;
                state.sign_in_failed = None;
                self.keep(state, token)
            }
            Err(err) => {
                match err.vendor_failure().map(|failure| failure.code) {
                    Some(VendorErrorCode::Unauthenticated) => {
                        state.credentials_refused_at = Some(Instant::now());
                    }
                    // The deadline is this request's: another one may have more time.
                    Some(VendorErrorCode::RateLimited) => {}
                    Some(VendorErrorCode::Timeout) if context.is_over_for_request() => {}
                    _ => state.sign_in_failed = Some((Instant::now(), err.clone())),
                }
                Err(err)
            }
        }
    }

    fn keep(&self, state: &mut TokenState, token: Token) -> Result<()> {
        let header =
            bearer(&token.text).ok_or_else(|| self.failure(VendorErrorCode::BadResponse))?;
        state.generation += 1;
        state.renewal_failed_at = None;
        state.current = Some(CurrentToken {
            header,
            received_at: Instant::now(),
            life: token.life,
        });
        Ok(())
    }

    fn pass_of(&self, state: &TokenState) -> Result<Pass> {
        let current = state
            .current
            .as_ref()
            .ok_or_else(|| self.failure(VendorErrorCode::Unauthenticated))?;
        Ok(Pass {
            header: current.header.clone(),
            generation: state.generation,
        })
    }

    async fn lock(&self, context: &CallContext<'_>) -> Result<MutexGuard<'_, TokenState>> {
        let _waiting = context.wait();
        timeout_at(context.scope.deadline.into(), self.state.lock())
            .await
            .map_err(|_| self.failure(VendorErrorCode::Timeout))
    }

    fn failure(&self, code: VendorErrorCode) -> Error {
        Error::vendor(self.vendor, code)
    }
}

fn is_within(at: Option<Instant>, pause: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < pause)
}

/// The header of a bearer token; none where the token is not valid in a header.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

/// A header that is never shown in a log.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
