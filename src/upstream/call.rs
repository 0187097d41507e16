//! One call to a vendor, as the vendor's documents describe it.

use reqwest::Method;

use super::background::Background;

/// One call as the vendor's documents describe it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The path with names instead of values, for the log.
    pub(super) route: &'static str,
    /// With a query where the vendor named the path.
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<CallBody>,
    pub(super) purpose: Purpose,
    pub(super) repeat: Repeat,
    pub(super) recognizes: fn(&[u8]) -> bool,
    /// None where the call ends at its deadline.
    pub(super) background: Option<Background>,
    /// The media types that the response may have.
    pub(super) accept: &'static str,
    /// Beyond so many bytes the body is not read: what was read shows that it is too large. None for the client's own limit, which
    /// is an error.
    pub(super) cut_after: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum CallBody {
    Json(Vec<u8>),
    Form(&'static [(&'static str, &'static str)]),
}

/// What is lost when the response is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only the data.
    Read,
    /// Only a token, which proves nothing of the data.
    SignIn,
    /// Whether the vendor executed the call.
    Write,
}

/// Whether the same call may reach the vendor twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    Safe,
    /// It is sent again only when it certainly did not reach the vendor.
    Never,
}

impl Call {
    pub(super) fn get(route: &'static str, path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            route,
            path: path.into(),
            query: Vec::new(),
            body: None,
            purpose: Purpose::Read,
            repeat: Repeat::Safe,
            recognizes: |_| false,
            background: None,
            accept: "application/json",
            cut_after: None,
        }
    }

    /// A picture. The path may have a query.
    pub(super) fn image(route: &'static str, path: impl Into<String>, max_bytes: usize) -> Self {
        Self {
            accept: "image/png, image/jpeg, image/gif, image/webp",
            cut_after: Some(max_bytes),
            ..Self::get(route, path)
        }
    }

    pub(super) fn write(
        method: Method,
        route: &'static str,
        path: impl Into<String>,
        repeat: Repeat,
    ) -> Self {
        Self {
            method,
            purpose: Purpose::Write,
            repeat,
            ..Self::get(route, path)
        }
    }

    /// A call for a token.
    pub(super) fn sign_in(
        method: Method,
        route: &'static str,
        path: impl Into<String>,
        repeat: Repeat,
    ) -> Self {
        Self {
            method,
            purpose: Purpose::SignIn,
            repeat,
            ..Self::get(route, path)
        }
    }

    pub(super) fn query(mut self, query: Vec<(&'static str, String)>) -> Self {
        self.query = query;
        self
    }

    pub(super) fn json(mut self, body: Vec<u8>) -> Self {
        self.body = Some(CallBody::Json(body));
        self
    }

    pub(super) fn form(mut self, fields: &'static [(&'static str, &'static str)]) -> Self {
        self.body = Some(CallBody::Form(fields));
        self
    }

    /// A call that was sent goes on after its deadline.
    pub(super) fn going_on(mut self, background: &Background) -> Self {
        self.background = Some(background.clone());
        self
    }

    /// A response whose body `recognizes` accepts is final, whatever its status.
    pub(super) fn recognizing(mut self, recognizes: fn(&[u8]) -> bool) -> Self {
        self.recognizes = recognizes;
        self
    }
}
