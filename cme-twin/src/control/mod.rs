//! The control API: everything of [`crate::Twin`] over HTTP, for the demo, scripts and tests in other languages. `GET /` describes it.

mod act;
mod admin;
mod error;
mod guide;

use axum::Router;
use axum::routing::{get, post, put};
use tokio::net::TcpListener;

use crate::Twin;

/// Serves the control API until the twin stops.
pub(crate) async fn serve(listener: TcpListener, twin: Twin) {
    let stop = twin.stop_token();
    let app = routes(twin);
    let served = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::warn!(%error, "the control API ended");
    }
}

fn routes(twin: Twin) -> Router {
    Router::new()
        .route("/", get(|| async { guide::TEXT }))
        .route("/truth", get(admin::truth))
        .route("/system", get(admin::system))
        .route("/violations", get(admin::violations).delete(admin::clear_violations))
        .route("/requests", get(admin::requests).delete(admin::clear_requests))
        .route("/faults", get(admin::faults).put(admin::set_faults))
        .route("/behaviour", get(admin::behaviour).put(admin::set_behaviour))
        .route("/xml/knobs", get(admin::knobs).put(admin::set_knobs))
        .route("/reload", post(admin::reload))
        .route("/stop", post(admin::stop))
        .route("/connections/kill", post(admin::kill))
        .route("/connections/reset", post(admin::reset))
        .route("/connections/half-open", post(admin::half_open))
        .route("/cti/shutdown", post(admin::cti_shutdown))
        .route("/cti/basic", post(admin::basic_mode))
        .route("/cti/status", post(admin::cti_status))
        .route("/cti/reference", post(admin::reference))
        .route("/sessions/{number}/clear", post(admin::clear_session))
        .route("/sessions/{number}/lose", post(admin::lose_session))
        .route("/sessions/{number}/inject", post(admin::inject))
        .route("/sessions/{number}/stop-monitors", post(admin::stop_monitors))
        .route("/phones/{phone}/register", post(act::register))
        .route("/phones/{phone}/unregister", post(act::unregister))
        .route("/phones/{phone}/die", post(act::die))
        .route("/phones/{phone}/lose-power", post(act::lose_power))
        .route("/phones/{phone}/dnd", put(act::dnd))
        .route("/phones/{phone}/flood", post(admin::flood))
        .route("/phones/{phone}/login", post(act::login))
        .route("/users/{user}/logout", post(act::logout))
        .route("/phones/{phone}/{verb}", post(act::at_phone))
        .route("/lines/{number}/forward", put(act::forward))
        .route("/lines/{number}/{verb}", post(act::at_line))
        .route("/trunk/calls", post(act::call_in))
        .route("/trunk/calls/{gcid}/{action}", post(act::trunk))
        .with_state(twin)
}
