//! Faults that a test can inject, and the requests that they apply to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The real response, late. Further rules still apply to the same request.
    Delay { ms: u64 },
    /// The real response, late: the request is executed after that time, also if the client has gone away.
    LateWork { ms: u64 },
    /// The same, after `VendorControl::release`.
    HeldWork,
    /// The request is executed; its real response comes after `VendorControl::release`.
    HeldResponse,
    /// This response instead of the real one.
    Status {
        code: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// An HTML page, as from a proxy in front of a vendor.
    HtmlError { code: u16 },
    /// The request is read but not executed; the connection closes without a response.
    CloseBeforeHead,
    /// The request is executed; the connection closes without a response.
    CloseAfterWork,
    /// The request is carried out; a proxy in front of the vendor responds with this status and an HTML page.
    HtmlErrorAfterWork { code: u16 },
    /// As `CloseBeforeHead`, by a reset.
    ResetConnection,
    /// The request is read but not executed, and gets no response.
    HangBeforeHead,
    /// The request is executed, and gets no response.
    HangAfterWork,
    /// The real head and half of the real body, then silence.
    HangInBody,
    /// The real head and half of the real body, then the connection closes.
    TruncatedBody,
    /// 200 with an HTML page.
    NotJson,
    /// 200 with JSON that has nothing of the documented shape.
    WrongShape,
    /// 200 with a body that reports an error.
    Errcode,
    /// 200 with valid JSON of this size, without a Content-Length.
    OversizedBody { bytes: usize },
}

/// Which requests a fault hits. A request's line is `METHOD /path?query`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    /// A part of the request's line: a path (`/ticket`), a method and the start of a path (`GET /api/v1/ticket`), a
    /// parameter (`page=2`). Empty is every request.
    #[serde(default)]
    pub path_contains: String,
    /// How many requests it hits; None is until it is removed.
    #[serde(default)]
    pub remaining: Option<u32>,
    /// How many requests pass before it hits the first.
    #[serde(default)]
    pub skip: u32,
    pub fault: Fault,
}

impl FaultRule {
    /// Hits every request with that text in its line, until it is removed.
    pub fn new(path_contains: &str, fault: Fault) -> Self {
        Self {
            path_contains: path_contains.to_owned(),
            remaining: None,
            skip: 0,
            fault,
        }
    }

    /// Hits that many requests, then none.
    pub fn times(self, remaining: u32) -> Self {
        Self {
            remaining: Some(remaining),
            ..self
        }
    }

    /// Lets that many requests pass first.
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Whether it hits this request; counts it.
    pub(super) fn takes(&mut self, request_line: &str) -> bool {
        if self.remaining == Some(0) || !request_line.contains(&self.path_contains) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining -= 1;
        }
        true
    }
}
