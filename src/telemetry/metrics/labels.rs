//! The values of labels, as types: none can be made from what a client or a vendor sends.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

macro_rules! label_values {
    ($($(#[$comment:meta])* $Name:ident { $($Variant:ident => $text:literal),+ $(,)? })+) => {$(
        $(#[$comment])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Name { $($Variant),+ }

        impl $Name {
            pub const ALL: &[Self] = &[$(Self::$Variant),+];

            pub const fn text(self) -> &'static str {
                match self { $(Self::$Variant => $text),+ }
            }
        }

        impl EncodeLabelValue for $Name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                self.text().encode(encoder)
            }
        }
    )+};
}

label_values! {
    Method { Get => "GET", Head => "HEAD", Post => "POST", Options => "OPTIONS", Other => "_OTHER" }

    OperationKind { Query => "query", Mutation => "mutation", Subscription => "subscription" }

    Source { Executed => "executed", Coalesced => "coalesced", Cached => "cached" }

    Outcome { Ok => "ok", Error => "error" }

    /// What was read from a cache.
    CacheKind { List => "list", Entity => "entity", Directory => "directory", Response => "response" }

    CacheResult { Fresh => "fresh", Stale => "stale", Miss => "miss", Shared => "shared" }

    CacheName { Data => "data", Responses => "responses", Documents => "documents" }

    Transport { WebSocket => "websocket", Sse => "sse", Multipart => "multipart" }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ServerRequest {
    pub(super) http_request_method: Method,
    pub(super) http_route: &'static str,
    pub(super) http_response_status_code: Status,
}

/// None where the client left before the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Status(pub(super) Option<u16>);

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => EncodeLabelValue::encode(&status, encoder),
            None => EncodeLabelValue::encode(&"", encoder),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct VendorRequest {
    pub(super) vendor: &'static str,
    pub(super) http_route: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Operation {
    pub(super) r#type: OperationKind,
    pub(super) source: Source,
    pub(super) outcome: Outcome,
    pub(super) operation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfVendor {
    pub(super) vendor: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Login {
    pub(super) vendor: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheRequest {
    pub(super) kind: CacheKind,
    pub(super) result: CacheResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfCache {
    pub(super) cache: CacheName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    pub(super) code: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfTransport {
    pub(super) transport: Transport,
}

/// An exemplar leads from a bucket to a trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TraceLabel {
    pub(super) trace_id: String,
}
