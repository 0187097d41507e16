//! The page of metrics, on a port of its own.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::telemetry::metrics::{Format, Metrics};

const OPEN_METRICS: &str = "application/openmetrics-text";

/// What a scrape reads.
#[derive(Clone)]
struct Page {
    metrics: Arc<Metrics>,
    /// Sets the gauges of what the gateway is now.
    report_state: Arc<dyn Fn() + Send + Sync>,
}

/// Serves the page until it is aborted.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    report_state: Arc<dyn Fn() + Send + Sync>,
) -> io::Result<()> {
    let page = Page {
        metrics,
        report_state,
    };
    let router = Router::new().route("/metrics", get(metrics_page).with_state(page));
    axum::serve(listener, router).await
}

async fn metrics_page(State(page): State<Page>, headers: HeaderMap) -> Response {
    (page.report_state)();
    let format = accepted_format(&headers);
    let content_type = match format {
        Format::PrometheusText => "text/plain; version=0.0.4; charset=utf-8",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };

    match page.metrics.page(format) {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(_) => {
            tracing::error!("the metrics can't be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Prometheus lists OpenMetrics where it can read it.
fn accepted_format(headers: &HeaderMap) -> Format {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    match accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains(OPEN_METRICS))
    }) {
        true => Format::OpenMetrics,
        false => Format::PrometheusText,
    }
}
