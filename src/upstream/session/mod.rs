//! Calls a vendor with the gateway's credentials, and repeats a call whose token the vendor no longer accepts.

#[cfg(test)]
mod tests;
mod token_keeper;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use reqwest::{StatusCode, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{
    attempt::Attempts, call::Call, call_context::CallContext, client::VendorClient,
    response::VendorResponse,
};
use crate::{
    context::RequestScope,
    domain::{Vendor, VendorErrorCode},
    error::Result,
};
use token_keeper::{Replacement, TokenKeeper};

/// How often a call is repeated because its token was replaced while it was in flight.
const MAX_REPEATS: usize = 3;

pub(super) struct VendorSession<S> {
    client: Arc<VendorClient>,
    authorization: ArcSwap<Authorization<S>>,
}

/// How a call authenticates.
pub(super) enum Authorization<S> {
    /// A header that never changes.
    Permanent(HeaderValue),
    ByToken(Arc<TokenKeeper<S>>),
}

impl<S: TokenSource> Authorization<S> {
    pub(super) fn by_token(vendor: Vendor, source: S) -> Self {
        Self::ByToken(Arc::new(TokenKeeper::new(vendor, source)))
    }
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
            client: Arc::new(client),
            authorization: ArcSwap::from_pointee(authorization),
        }
    }

    pub(super) fn client(&self) -> &VendorClient {
        &self.client
    }

    /// Calls have other credentials from now on.
    pub(super) fn set_authorization(&self, authorization: Authorization<S>) {
        self.authorization.store(Arc::new(authorization));
    }

    fn is_current(&self, authorization: &Arc<Authorization<S>>) -> bool {
        Arc::ptr_eq(authorization, &self.authorization.load())
    }

    /// Sends a call; when the vendor does not accept the token, again with a new one. A call that was refused for its token was
    /// not executed, so that writes are repeated too. So is a call whose credentials are replaced while it is in flight.
    pub(super) async fn send<'a>(
        &'a self,
        scope: &'a RequestScope,
        call: &'a Call,
    ) -> Result<VendorResponse<'a>> {
        let context = self.client.context(scope);
        self.client.check_pace(&context, call)?;
        let mut attempts = self.client.attempts();
        loop {
            let authorization = self.authorization.load_full();
            let mut result = self
                .send_as(&authorization, &context, call, &mut attempts)
                .await;
            if self.is_current(&authorization) || !is_refusal(&result) {
                return result;
            }
            if let Ok(response) = &mut result {
                response.settle_permit_now();
            }
        }
    }

    async fn send_as<'a>(
        &'a self,
        authorization: &Arc<Authorization<S>>,
        context: &CallContext<'a>,
        call: &'a Call,
        attempts: &mut Attempts,
    ) -> Result<VendorResponse<'a>> {
        let keeper = match &**authorization {
            Authorization::Permanent(header) => {
                return self
                    .client
                    .send(context, call, Some(header), attempts)
                    .await;
            }
            Authorization::ByToken(keeper) => keeper,
        };

        let mut longer;
        let mut context = context;
        let mut pass = keeper.pass(&self.client, context).await?;
        for _ in 0..MAX_REPEATS {
            let mut response = self
                .client
                .send(context, call, Some(&pass.header), attempts)
                .await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                keeper.record_accepted(&pass);
                return Ok(response);
            }
            if !self.is_current(authorization) {
                return Ok(response);
            }

            // The circuit admits one trial at a time, and the next call may be a login.
            response.settle_permit_now();
            // What went on after its caller's deadline was not executed, and has its time again.
            if let Some(background) = call.background.as_ref().filter(|it| it.has_begun()) {
                longer = self.client.context_until(context.scope, background.limit());
                context = &longer;
            }
            match keeper.replacement_of(&pass, &self.client, context).await? {
                None => return Ok(response),
                Some(Replacement::Known(newer)) => pass = newer,
                // One call causes one login at most.
                Some(Replacement::FromLogin(newer)) => {
                    pass = newer;
                    break;
                }
            }
        }
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

/// Whether the vendor does not accept the credentials.
fn is_refusal(result: &Result<VendorResponse<'_>>) -> bool {
    match result {
        Ok(response) => response.status() == StatusCode::UNAUTHORIZED,
        Err(error) => error
            .vendor_failure()
            .is_some_and(|failure| failure.code == VendorErrorCode::Unauthenticated),
    }
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
