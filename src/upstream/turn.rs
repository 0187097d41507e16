//! The turn of a call in its vendor's queue, and what a call without one fails with.

use std::time::Instant;

use reqwest::StatusCode;
use tokio::time;

use super::{
    attempt::{FailedAttempt, Head},
    call::Call,
    call_context::CallContext,
    client::VendorClient,
    pace::{NoTurn, Slot},
};
use crate::{
    context::CallPriority,
    domain::{VendorErrorCode, VendorFailure},
    error::Result,
};

impl VendorClient {
    /// Fails if the vendor requested a pause that the request can't wait for.
    pub(super) fn check_pace(&self, context: &CallContext<'_>, call: &Call) -> Result<()> {
        match self.pace().opens_at().map(time::Instant::into_std) {
            Some(until) if until >= context.last_moment() => {
                let failure = self.rate_limited(context, call, until);
                Err(failure.into())
            }
            _ => Ok(()),
        }
    }

    /// Waits until the call may be sent, which does not take from the call's own time.
    pub(super) async fn turn(
        &self,
        context: &CallContext<'_>,
        number: usize,
    ) -> Result<Slot, FailedAttempt> {
        let _waiting = context.wait();
        let scope = context.scope;
        let deadline = context.last_moment().into();
        let claim = context.claim();
        let since = Instant::now();
        let slot = match claim.priority {
            CallPriority::Caller => self.pace().turn(&claim, deadline).await,
            CallPriority::Background => tokio::select! {
                biased;
                slot = self.pace().turn(&claim, deadline) => slot,
                () = scope.priority_raised() => {
                    self.pace().turn(&context.claim(), deadline).await
                }
            },
        };
        self.metrics().record_slot_wait(since.elapsed());
        slot.map_err(|no_turn| match no_turn {
            NoTurn::NoSlot => FailedAttempt::unsent(VendorErrorCode::Timeout, number),
            NoTurn::RateLimited { until } => FailedAttempt {
                retry_after: Some(until.saturating_duration_since(time::Instant::now())),
                ..FailedAttempt::unsent(VendorErrorCode::RateLimited, number)
            },
        })
    }

    /// A 429 pauses all calls to the vendor; the head then says for how long.
    pub(super) fn keep_pace(&self, slot: &Slot, head: &mut Head) {
        if head.status == StatusCode::TOO_MANY_REQUESTS {
            head.retry_after = Some(slot.pause_vendor(head.retry_after));
        } else if head.status.is_success() {
            slot.note_success();
        }
    }

    /// The failure of a call that the vendor's pause prevents. A request with more time can wait for the end of the pause.
    pub(super) fn rate_limited(
        &self,
        context: &CallContext<'_>,
        call: &Call,
        until: Instant,
    ) -> VendorFailure {
        tracing::debug!(
            target: "deskgraph::upstream",
            vendor = self.vendor().slug(),
            http.route = call.route,
            "a call is not made: the vendor limits the rate of calls"
        );
        context.scope.deadline_miss.record(until);
        VendorFailure {
            vendor: self.vendor(),
            code: VendorErrorCode::RateLimited,
            retry_after: Some(until.saturating_duration_since(Instant::now())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use super::*;
    use crate::{
        domain::Vendor,
        telemetry::metrics::VendorMetrics,
        upstream::{client::ClientSettings, test_support::scripted_vendor::scope},
    };

    fn client() -> VendorClient {
        let settings = ClientSettings {
            vendor: Vendor::FirstLine,
            base_url: "http://127.0.0.1:9".to_owned(),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
            max_concurrency: 1,
            requests_per_minute: None,
            max_retries: 0,
            max_body_bytes: 1000,
            refused_login_pause: Duration::from_secs(60),
        };
        VendorClient::new(settings, VendorMetrics::detached(Vendor::FirstLine))
            .expect("the settings are good")
    }

    #[tokio::test]
    async fn background_work_that_a_caller_begins_to_wait_for_takes_its_place_among_the_callers() {
        let client = client();
        let (first, background, last) = (scope(), scope().for_background(), scope());
        let slot = client.turn(&client.context(&first), 1).await;
        let slot = slot.expect("it is free");
        let order = Mutex::new(Vec::new());
        let turn = async |scope, name| {
            let context = client.context(scope);
            let slot = client.turn(&context, 1).await.expect("there is time");
            order.lock().expect("no test panics with it").push(name);
            drop(slot);
        };

        let raise = async {
            tokio::task::yield_now().await;
            background.raise_priority();
            tokio::task::yield_now().await;
            // It is in the queue of the callers by now.
            turn(&last, "last").await;
        };
        let release = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            drop(slot);
        };
        tokio::join!(turn(&background, "raised"), raise, release);
        let order = order.into_inner().expect("no test panics with it");
        assert_eq!(order, ["raised", "last"]);
    }
}
