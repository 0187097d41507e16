//! An answer as the bytes that are sent, and what its readers may do with it: how long to keep it, and how to ask whether
//! it is still the same.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::{
    context::Grounds,
    http::answer::{Answer, Fault, MediaType},
};

/// How long an answer is good for that rests on nothing of a vendor, such as the schema's own names.
const UNCHANGING: Duration = Duration::from_secs(300);

/// A whole answer, which any number of requests may share.
#[derive(Debug)]
pub(crate) struct Written {
    body: Bytes,
    error_count: usize,
    /// Set where nothing was executed.
    refused_with: Option<StatusCode>,
    /// None where nobody may keep it.
    grounds: Option<Grounds>,
    tag: OnceLock<Option<HeaderValue>>,
}

/// Whose eyes an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Nobody is known to the gateway, so everybody gets the same.
    Anybody,
    /// Only callers with this one's rights.
    Caller,
}

/// How a request wants to be answered.
pub(crate) struct Manner<'a> {
    pub(crate) media_type: MediaType,
    pub(crate) audience: Audience,
    /// The headers of a GET, which may say what its client holds already.
    pub(crate) conditions: Option<&'a HeaderMap>,
}

impl Written {
    /// What was not executed, or changed something: true of this one request.
    pub(crate) fn once(answer: &Answer) -> Result<Self, Fault> {
        Self::write(answer, None)
    }

    /// What a query was answered with.
    pub(crate) fn query(answer: &Answer, grounds: Grounds) -> Result<Self, Fault> {
        let is_whole = answer.errors.is_empty() && answer.refused_with.is_none();
        Self::write(answer, is_whole.then_some(grounds))
    }

    fn write(answer: &Answer, grounds: Option<Grounds>) -> Result<Self, Fault> {
        let body = serde_json::to_vec(answer).map_err(|err| {
            tracing::error!(error = %err, "an answer can't be written as JSON");
            Fault::internal()
        })?;
        Ok(Self {
            // Without the room that writing left over, which its reader would hold on to.
            body: body.into_boxed_slice().into(),
            error_count: answer.errors.len(),
            refused_with: answer.refused_with,
            grounds,
            tag: OnceLock::new(),
        })
    }

    pub(crate) fn error_count(&self) -> usize {
        self.error_count
    }

    pub(crate) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// None where it may not be given again.
    pub(crate) fn grounds(&self) -> Option<&Grounds> {
        self.grounds.as_ref()
    }

    /// Whether it tells of a failure, or of anything else that nobody is to keep.
    pub(crate) fn is_of_this_moment(&self) -> bool {
        self.good_for().is_zero()
    }

    pub(crate) fn respond(&self, manner: &Manner<'_>) -> Response {
        let good_for = self.good_for();
        let is_to_keep = !good_for.is_zero();
        let tag = manner
            .conditions
            .filter(|_| is_to_keep)
            .and_then(|_| self.tag());
        let is_held = manner.conditions.zip(tag).is_some_and(holds);

        let mut response = if is_held {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let status = match (manner.media_type, self.refused_with) {
                (MediaType::GraphqlResponse, Some(status)) => status,
                _ => StatusCode::OK,
            };
            (status, Body::from(self.body.clone())).into_response()
        };
        let headers = response.headers_mut();
        if !is_held {
            headers.insert(header::CONTENT_TYPE, manner.media_type.header());
        }
        headers.insert(header::CACHE_CONTROL, manner.audience.control(good_for));
        headers.insert(header::VARY, manner.audience.vary());
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag.clone());
        }
        response
    }

    /// Zero where nobody is to keep it.
    fn good_for(&self) -> Duration {
        let grounds = self.grounds.as_ref();
        grounds.map_or(Duration::ZERO, |grounds| {
            grounds.good_for(Instant::now(), UNCHANGING)
        })
    }

    /// How long it may be given again as it is.
    pub(crate) fn repeatable_for(&self) -> Duration {
        let grounds = self.grounds.as_ref();
        grounds.map_or(Duration::ZERO, |grounds| {
            grounds.repeatable_for(Instant::now(), UNCHANGING)
        })
    }

    /// Weak, because the same answer may leave compressed.
    fn tag(&self) -> Option<&HeaderValue> {
        let tag = self.tag.get_or_init(|| {
            let digest = Sha256::digest(&self.body);
            let start: [u8; 16] = digest.first_chunk().copied()?;
            HeaderValue::from_str(&format!("W/\"{:032x}\"", u128::from_be_bytes(start))).ok()
        });
        tag.as_ref()
    }
}

/// Answers to a batch, in the order of its requests. Each tells for itself how it went.
pub(crate) fn respond_to_batch(
    answers: &[Arc<Written>],
    media_type: MediaType,
    audience: Audience,
) -> Response {
    let bodies: Vec<&[u8]> = answers.iter().map(|answer| &*answer.body).collect();
    let mut body = vec![b'['];
    body.extend(bodies.join(&b','));
    body.push(b']');
    let good_for = answers.iter().map(|answer| answer.good_for()).min();

    let headers = [
        (header::CONTENT_TYPE, media_type.header()),
        (
            header::CACHE_CONTROL,
            audience.control(good_for.unwrap_or_default()),
        ),
        (header::VARY, audience.vary()),
    ];
    (headers, body).into_response()
}

impl Audience {
    fn control(self, good_for: Duration) -> HeaderValue {
        let seconds = good_for.as_secs();
        let not_at_all = HeaderValue::from_static(match self {
            Audience::Anybody => "no-store",
            Audience::Caller => "private, no-store",
        });
        if good_for.is_zero() {
            return not_at_all;
        }
        let control = match self {
            Audience::Anybody => format!("public, max-age={seconds}"),
            Audience::Caller => format!("private, max-age={seconds}"),
        };
        HeaderValue::from_str(&control).unwrap_or(not_at_all)
    }

    /// Of a whole answer and of a 304 alike, though only the former leaves compressed.
    fn vary(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Audience::Anybody => "accept, accept-encoding",
            Audience::Caller => "accept, accept-encoding, authorization, x-api-key",
        })
    }
}

/// Whether the client says that it holds what bears the tag.
fn holds((conditions, tag): (&HeaderMap, &HeaderValue)) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(opaque) else {
        return false;
    };
    conditions
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|held| held.to_str().ok())
        .flat_map(|held| held.split(','))
        .any(|held| held.trim() == "*" || opaque(held) == tag)
}
