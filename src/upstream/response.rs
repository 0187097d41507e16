//! A vendor's response, and what it means.

use reqwest::StatusCode;

use super::{
    attempt::{Attempts, ReceivedResponse, Trace, call_end, code_of},
    breaker::{CallEnd, Permit},
    call::{Call, Purpose},
    client::VendorClient,
    wire::{self, Readable, WrongShape},
};
use crate::{
    domain::{VendorErrorCode, VendorFailure},
    error::{Error, ErrorKind, Result},
};

/// A vendor's response. Its methods decide what it means, record the vendor's health, and log errors.
#[derive(Debug)]
pub(super) struct VendorResponse<'a> {
    pub(super) client: &'a VendorClient,
    pub(super) call: &'a Call,
    pub(super) received: ReceivedResponse,
    /// Whether the vendor may have executed an earlier attempt.
    pub(super) may_have_executed_before: bool,
    /// None once it is settled.
    pub(super) permit: Option<Permit<'a>>,
}

impl VendorResponse<'_> {
    pub(super) fn status(&self) -> StatusCode {
        self.received.head.status
    }

    pub(super) fn may_have_executed_before(&self) -> bool {
        self.may_have_executed_before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.received.body.is_empty()
    }

    /// The body as a `T` if it decodes; this does not settle the response.
    pub(super) fn try_decode<T: Readable>(&self) -> Option<T> {
        wire::decode_root(&self.received.body).ok()
    }

    /// The body of a success.
    pub(super) fn read<T: Readable>(self) -> Result<T> {
        self.read_by(wire::decode)
    }

    /// The same for a page of a list.
    pub(super) fn read_page<T: Readable>(self) -> Result<T> {
        self.read_by(wire::decode_page)
    }

    fn read_by<T>(self, decode: fn(&[u8]) -> Result<T, WrongShape>) -> Result<T> {
        if !self.status().is_success() {
            return Err(self.refuse());
        }

        let (decoded, unreadable) = wire::with_unreadable(&self.received.body, decode);
        if let Some(unreadable) = unreadable {
            tracing::warn!(
                target: "deskgraph::upstream",
                vendor = self.client.vendor().slug(),
                http.route = self.call.route,
                json.path = unreadable.path,
                json.unreadable = unreadable.count,
                "parts of a vendor's response can't be read: fields are null, rows without an id are left out"
            );
        }
        match decoded {
            Ok(value) => Ok(self.settle(value)),
            Err(wrong_shape) => {
                let code = VendorErrorCode::BadResponse;
                // JSON of another shape is from the vendor, and says nothing about its other calls. Anything else is from a
                // proxy in front of a vendor that is unavailable.
                let end = match wire::is_json(&self.received.body) {
                    true => CallEnd::Responded,
                    false => CallEnd::Failed,
                };
                Err(self.fail(code, Some(wrong_shape.path), end))
            }
        }
    }

    /// The body of a success, or none where the vendor has no such object.
    pub(super) fn read_optional<T: Readable>(self) -> Result<Option<T>> {
        if self.status() == StatusCode::NOT_FOUND {
            return Ok(self.settle(None));
        }
        self.read().map(Some)
    }

    /// What `read` makes of the body of a success, or none where the vendor has no such object. A body that it can't read says
    /// nothing about the vendor's other calls.
    pub(super) fn read_bytes<T>(
        mut self,
        read: impl FnOnce(Vec<u8>) -> Option<T>,
    ) -> Result<Option<T>> {
        if self.status() == StatusCode::NOT_FOUND {
            return Ok(self.settle(None));
        }
        if !self.status().is_success() {
            return Err(self.refuse());
        }
        match read(std::mem::take(&mut self.received.body)) {
            Some(value) => Ok(self.settle(Some(value))),
            None => Err(self.fail(VendorErrorCode::BadResponse, None, CallEnd::Responded)),
        }
    }

    /// A success whose body does not matter.
    pub(super) fn accept(self) -> Result<()> {
        if !self.status().is_success() {
            return Err(self.refuse());
        }
        self.settle(());
        Ok(())
    }

    /// The response was understood, also where it was no success: the vendor is healthy.
    pub(super) fn settle<T>(mut self, outcome: T) -> T {
        self.client.record_success(self.call.purpose);
        self.settle_permit(CallEnd::Responded);
        outcome
    }

    /// Settles the permit before the meaning of the response is decided: until then, a trial would block every other call.
    pub(super) fn settle_permit_now(&mut self) {
        self.settle_permit(CallEnd::Responded);
    }

    fn settle_permit(&mut self, end: CallEnd) {
        if let Some(permit) = self.permit.take() {
            permit.settle(end);
        }
    }

    /// A refusal, classified by its status.
    pub(super) fn refuse(self) -> Error {
        if self.call.purpose == Purpose::Write && self.status() == StatusCode::NOT_FOUND {
            let vendor = self.client.vendor();
            return self.settle(Error::new(
                ErrorKind::NotFound,
                format!("{vendor} has no such object"),
            ));
        }
        let code = code_of(self.status()).unwrap_or(VendorErrorCode::BadResponse);
        self.refuse_as(code)
    }

    /// A refusal that the vendor does not express by the status.
    pub(super) fn refuse_as(self, code: VendorErrorCode) -> Error {
        self.fail(code, None, call_end(code))
    }

    fn fail(mut self, code: VendorErrorCode, wrong_at: Option<String>, end: CallEnd) -> Error {
        let failure = VendorFailure {
            vendor: self.client.vendor(),
            code,
            retry_after: self.received.head.retry_after,
        };
        self.settle_permit(end);
        self.received.metric.set_failure(code);
        let trace = Trace {
            wrong_at,
            ..self.received.trace
        };
        self.client
            .record_failure(self.call, &trace, failure, Some(end));

        match (code, self.call.purpose) {
            (VendorErrorCode::BadResponse, Purpose::Write) => outcome_unknown(failure),
            _ => failure.into(),
        }
    }
}

/// The error of a call without a response.
pub(super) fn failure_of(call: &Call, failure: VendorFailure, attempts: &Attempts) -> Error {
    match call.purpose {
        Purpose::Write if attempts.are_in_doubt => outcome_unknown(failure),
        _ => failure.into(),
    }
}

fn outcome_unknown(failure: VendorFailure) -> Error {
    let vendor = failure.vendor;
    Error::new(
        ErrorKind::OutcomeUnknown(failure),
        format!("whether {vendor} executed the write is unknown: {failure}"),
    )
}
