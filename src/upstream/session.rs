//! Calls a vendor under the gateway's credentials: keeps the token, renews it early, replaces it when it is refused.

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
    attempt::Attempts,
    call::Call,
    client::{CallContext, VendorClient},
    response::VendorResponse,
};
use crate::{
    context::RequestScope,
    domain::{Vendor, VendorErrorCode},
    error::{Error, Result},
};

/// A token is renewed when this or a tenth of its life is left, whichever is less.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
/// A token that is refused may have been evicted by another process that signed in with the same account. Two such would
/// evict each other for ever, so each makes so many replacements in so long, and none for a token that was never accepted.
const REPLACEMENT_WINDOW: Duration = Duration::from_secs(5);
const REPLACEMENTS_PER_WINDOW: usize = 4;

pub(super) struct VendorSession<S> {
    client: VendorClient,
    authorization: Authorization<S>,
}

/// How a call shows who asks.
pub(super) enum Authorization<S> {
    /// What it sends never changes.
    Permanent(HeaderValue),
    ByToken(Box<TokenKeeper<S>>),
}

/// Gets tokens from a vendor.
#[async_trait]
pub(super) trait TokenSource: Send + Sync + 'static {
    /// Fails with UNAUTHENTICATED when the vendor does not accept the credentials themselves.
    async fn sign_in(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Token>;

    /// A new token for one that is still good; none where the vendor has no such call.
    async fn renew(
        &self,
        _client: &VendorClient,
        _errand: &CallContext<'_>,
        _current: &HeaderValue,
    ) -> Result<Option<Token>> {
        Ok(None)
    }
}

pub(super) struct Token {
    pub text: SecretString,
    /// None where the vendor tells no end: the token is good until it is refused.
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

        // The circuit lets one trial through at a time, and the next call may be a login.
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

/// Holds the one token of an account. Whoever needs it while it is fetched waits for that; when the fetching request goes
/// away, the next in line fetches it.
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
    /// Counts the tokens, to tell whether one that was refused is still the current one.
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

/// What one call shows.
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

    /// A pass in the place of one that the vendor refused; none where there were too many of late.
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

    /// Leaves a token that can't be renewed as it is: it is still good for a while.
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
        // A failure that came while this request stood in line is its own too, or each in line would try in turn.
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
                    // The time was this request's: another may have more.
                    Some(VendorErrorCode::Timeout) => {}
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
        timeout_at(context.deadline.into(), self.state.lock())
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

/// The header of a bearer token; none when the token can't stand in a header.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

/// A header that is never shown in a log.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
