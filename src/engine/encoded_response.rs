//! A response as the bytes to send, which any number of requests may share, and for how long it is good.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    EngineError,
    response::{GraphqlResponse, Rejection},
};
use crate::context::CacheDependencies;

/// How long a response is good that depends on no vendor's data, such as one about the schema.
const UNCHANGING: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(crate) struct EncodedResponse {
    body: Bytes,
    error_count: usize,
    rejection: Option<Rejection>,
    /// None where it must not be cached.
    dependencies: Option<CacheDependencies>,
    digest: OnceLock<Option<u128>>,
}

impl EncodedResponse {
    /// The response to a request that was not executed or changed something: it must not be cached.
    pub(super) fn uncached(response: &GraphqlResponse) -> Result<Self, EngineError> {
        Self::encode(response, None)
    }

    /// The response to a query. One with errors must not be cached.
    pub(super) fn of_query(
        response: &GraphqlResponse,
        dependencies: CacheDependencies,
    ) -> Result<Self, EngineError> {
        let is_whole = response.errors.is_empty() && response.rejection.is_none();
        Self::encode(response, is_whole.then_some(dependencies))
    }

    fn encode(
        response: &GraphqlResponse,
        dependencies: Option<CacheDependencies>,
    ) -> Result<Self, EngineError> {
        let body = serde_json::to_vec(response).map_err(|err| {
            tracing::error!(error = %err, "a response can't be encoded as JSON");
            EngineError::Internal
        })?;
        Ok(Self {
            // Without the spare capacity, which a cached response would hold on to.
            body: body.into_boxed_slice().into(),
            error_count: response.errors.len(),
            rejection: response.rejection,
            dependencies,
            digest: OnceLock::new(),
        })
    }

    /// Cheap to clone.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn error_count(&self) -> usize {
        self.error_count
    }

    pub(crate) fn rejection(&self) -> Option<Rejection> {
        self.rejection
    }

    /// None where the response must not be replayed.
    pub(super) fn dependencies(&self) -> Option<&CacheDependencies> {
        self.dependencies.as_ref()
    }

    /// How long clients may cache it; zero where they must not.
    pub(crate) fn good_for(&self) -> Duration {
        let dependencies = self.dependencies.as_ref();
        dependencies.map_or(Duration::ZERO, |dependencies| {
            dependencies.good_for(Instant::now(), UNCHANGING)
        })
    }

    /// How long the gateway may replay it.
    pub(super) fn replayable_for(&self) -> Duration {
        let dependencies = self.dependencies.as_ref();
        dependencies.map_or(Duration::ZERO, |dependencies| {
            dependencies.replayable_for(Instant::now(), UNCHANGING)
        })
    }

    /// The first half of the body's SHA-256. It is computed once, when it is first needed.
    pub(crate) fn digest(&self) -> Option<u128> {
        *self.digest.get_or_init(|| {
            let digest = Sha256::digest(&self.body);
            let start: [u8; 16] = digest.first_chunk().copied()?;
            Some(u128::from_be_bytes(start))
        })
    }
}
