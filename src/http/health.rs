//! Liveness and readiness.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::server::IsStopping;
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

/// Ready until the process is to stop, while at least one vendor is not down, because a partial response is useful, or while the
/// cache holds data that may be served in place of the vendors'.
pub(super) async fn ready(
    State(shared): State<Arc<Shared>>,
    is_stopping: Option<Extension<IsStopping>>,
) -> Response {
    let statuses = shared.vendor_statuses();
    let is_a_vendor_up = statuses
        .iter()
        .any(|status| status.state != VendorState::Down);

    let (code, status) = if is_stopping.is_some() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if is_a_vendor_up {
        (StatusCode::OK, "ready")
    } else if shared.has_servable_data() {
        (StatusCode::OK, "no vendor is up; cached data is served")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no vendor is up")
    };
    health_response(
        code,
        Health {
            status,
            vendors: statuses.iter().map(VendorHealth::of).collect(),
        },
    )
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
