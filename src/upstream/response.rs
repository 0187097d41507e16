//! What a vendor answered, and what that means.

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

/// What a vendor answered. Its methods decide what the answer means, note what it shows of the vendor, and log what is wrong.
#[derive(Debug)]
pub(super) struct VendorResponse<'a> {
    pub(super) client: &'a VendorClient,
    pub(super) call: &'a Call,
    pub(super) received: ReceivedResponse,
    /// Whether an attempt before this one may have been carried out.
    pub(super) may_have_executed_before: bool,
    /// None once the circuit has heard of the answer.
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

    /// The body as a `T` where it is one; nothing is decided by it.
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
                "parts of a vendor's answer can't be read: fields are null, rows without an id are left out"
            );
        }
        match decoded {
            Ok(value) => Ok(self.settle(value)),
            Err(wrong_shape) => {
                let code = VendorErrorCode::BadResponse;
                // JSON of another shape is the vendor's own answer, and says nothing of its other calls. Anything else comes
                // from whatever stands in for a vendor that is not there.
                let end = match wire::is_json(&self.received.body) {
                    true => CallEnd::ReceivedResponse,
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

    /// A success whose body does not matter.
    pub(super) fn accept(self) -> Result<()> {
        if !self.status().is_success() {
            return Err(self.refuse());
        }
        self.settle(());
        Ok(())
    }

    /// The answer was understood, also where it was no success: the vendor is well.
    pub(super) fn settle<T>(mut self, outcome: T) -> T {
        self.client.record_success();
        self.settle_permit(CallEnd::ReceivedResponse);
        outcome
    }

    /// Tells the circuit that the vendor answers, before it is decided what the answer means: a trial would keep every other
    /// call back until then.
    pub(super) fn settle_permit_now(&mut self) {
        self.settle_permit(CallEnd::ReceivedResponse);
    }

    fn settle_permit(&mut self, end: CallEnd) {
        if let Some(permit) = self.permit.take() {
            permit.settle(end);
        }
    }

    /// A refusal, as its status tells it.
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

    /// A refusal that the answer tells otherwise than by its status.
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

/// What a call fails with that got no answer.
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
        format!("{vendor} was told to, but whether it did is not known: {failure}"),
    )
}
