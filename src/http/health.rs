//! Liveness and readiness.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    PageAccess,
    auth::{Authenticator, network_of},
    first_checks::FirstChecks,
    server::IsStopping,
};
use crate::{
    domain::{CircuitState, VendorState, VendorStatus},
    repository::Shared,
};

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vendors: Vec<VendorHealth>,
}

#[derive(Serialize)]
struct VendorHealth {
    vendor: &'static str,
    state: &'static str,
    circuit: &'static str,
}

/// The process responds; nothing else is checked.
pub(super) async fn live() -> Response {
    health_response(
        StatusCode::OK,
        Health {
            status: "live",
            vendors: Vec::new(),
        },
    )
}

/// What readiness is judged by.
pub(super) struct Readiness {
    pub(super) shared: Arc<Shared>,
    pub(super) first_checks: Arc<FirstChecks>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) pages: PageAccess,
}

/// Ready from the first check of the vendors until the process is to stop, while at least one vendor is not down, because a partial
/// response is useful, or while the cache holds data that may be served in place of the vendors'. Only those who may read the pages
/// learn more than that.
pub(super) async fn ready(State(readiness): State<Arc<Readiness>>, request: Request) -> Response {
    let statuses = readiness.shared.vendor_statuses();
    let checks = &readiness.first_checks;
    let is_a_vendor_up = statuses
        .iter()
        .any(|status| status.state != VendorState::Down && !checks.has_failed(status.vendor));
    let is_stopping = request.extensions().get::<IsStopping>().is_some();
    let (code, status) = if is_stopping {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if checks.are_pending() {
        (StatusCode::SERVICE_UNAVAILABLE, "starting")
    } else if is_a_vendor_up {
        (StatusCode::OK, "ready")
    } else if readiness.shared.has_servable_data() {
        (StatusCode::OK, "no vendor is up; cached data is served")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no vendor is up")
    };

    let health = match readiness.shows_details(request).await {
        true => Health {
            status,
            vendors: statuses.iter().map(VendorHealth::of).collect(),
        },
        false => Health {
            status: match code {
                StatusCode::OK => "ready",
                _ => "not ready",
            },
            vendors: Vec::new(),
        },
    };
    health_response(code, health)
}

impl Readiness {
    async fn shows_details(&self, request: Request) -> bool {
        if self.pages == PageAccess::Everyone || !self.authenticator.knows_callers() {
            return true;
        }
        let network = network_of(request.extensions());
        let caller = self.authenticator.caller(request.headers(), network).await;
        caller.is_ok()
    }
}

impl VendorHealth {
    fn of(status: &VendorStatus) -> Self {
        Self {
            vendor: status.vendor.slug(),
            state: state_name(status.state),
            circuit: match status.circuit {
                CircuitState::Closed => "CLOSED",
                CircuitState::Open => "OPEN",
                CircuitState::HalfOpen => "HALF_OPEN",
            },
        }
    }
}

pub(super) fn state_name(state: VendorState) -> &'static str {
    match state {
        VendorState::Up => "UP",
        VendorState::Degraded => "DEGRADED",
        VendorState::Down => "DOWN",
        VendorState::Unknown => "UNKNOWN",
    }
}

fn health_response(status: StatusCode, health: Health) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Json(health)).into_response()
}
