//! The map of the API: every route on one page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::document::{ApiDocument, complete, outline};
use super::extract::BODY_LIMIT;
use super::problem::Problem;
use super::route::{
    calls, clients, csta, doctor, documents, enrolments, events, features, health, journal, line_lists, lines, locate,
    log_level, me, number_rules, operations, pbxs, probe, rules_replay, status_page, support, tickets, tokens, trace,
};
use super::state::ApiState;
use super::{idempotency, layers};

/// What only reads, or changes nothing at a PBX.
fn plain_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(outline())
        .routes(routes!(pbxs::list_pbxs))
        .routes(routes!(pbxs::get_pbx, pbxs::update_pbx, pbxs::delete_pbx))
        .routes(routes!(pbxs::pbx_status))
        .routes(routes!(number_rules::get_number_rules, number_rules::put_number_rules))
        .routes(routes!(number_rules::test_number_rules))
        .routes(routes!(rules_replay::replay_number_rules))
        .routes(routes!(number_rules::list_number_rules_versions))
        .routes(routes!(number_rules::undo_number_rules))
        .routes(routes!(number_rules::export_number_rules))
        .routes(routes!(number_rules::import_number_rules))
        .routes(routes!(pbxs::forget_learned))
        .routes(routes!(pbxs::twin_system))
        .routes(routes!(probe::get_probe, probe::stop_probe))
        .routes(routes!(probe::continue_probe))
        .routes(routes!(probe::probe_report))
        .routes(routes!(probe::learn_from_probe))
        .routes(routes!(csta::get_csta_config))
        .routes(routes!(csta::csta_journal))
        .routes(routes!(locate::locate))
        .routes(routes!(lines::list_lines))
        .routes(routes!(lines::get_line, lines::update_line, lines::delete_line))
        .routes(routes!(features::get_forwarding, features::set_forwarding))
        .routes(routes!(features::get_do_not_disturb, features::set_do_not_disturb))
        .routes(routes!(calls::list_calls))
        .routes(routes!(calls::get_call, calls::update_call))
        .routes(routes!(journal::list_finished_calls))
        .routes(routes!(journal::list_blind_times))
        .routes(routes!(events::events))
        .routes(routes!(events::snapshot))
        .routes(routes!(tickets::create_ticket))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::delete_token))
        .routes(routes!(enrolments::list_enrolments, enrolments::create_enrolment))
        .routes(routes!(enrolments::delete_enrolment))
        .routes(routes!(enrolments::enrol))
        .routes(routes!(me::me))
        .routes(routes!(line_lists::export_lines))
        .routes(routes!(clients::list_clients))
        .routes(routes!(log_level::set_log_level))
        .routes(routes!(trace::get_trace))
        .routes(routes!(trace::get_capture))
        .routes(routes!(support::get_support_bundle))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(documents::openapi_json))
        .routes(routes!(documents::asyncapi_json))
        .routes(routes!(status_page::status_page))
}

/// What acts on a PBX: each takes an `Idempotency-Key`.
fn acting_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(pbxs::create_pbx))
        .routes(routes!(pbxs::load_lines))
        .routes(routes!(line_lists::import_lines))
        .routes(routes!(probe::begin_probe))
        .routes(routes!(csta::apply_csta_config))
        .routes(routes!(csta::undo_csta_config))
        .routes(routes!(doctor::diagnose))
        .routes(routes!(lines::create_line))
        .routes(routes!(lines::refresh_line))
        .routes(routes!(lines::dial))
        .routes(routes!(calls::answer_call))
        .routes(routes!(calls::drop_call))
        .routes(routes!(calls::hold_call))
        .routes(routes!(calls::retrieve_call))
        .routes(routes!(operations::redirect_call))
        .routes(routes!(operations::blind_transfer_call))
        .routes(routes!(operations::consult))
        .routes(routes!(operations::dial_digits))
        .routes(routes!(operations::send_digits))
        .routes(routes!(operations::swap_calls))
        .routes(routes!(operations::complete_transfer))
        .routes(routes!(operations::add_to_conference))
        .routes(routes!(operations::remove_from_conference))
}

/// The whole API as a service.
pub fn router(state: ApiState) -> Router {
    let once = from_fn_with_state(state.clone(), idempotency::once);
    let (routes, _) = plain_routes().merge(acting_routes().route_layer(once)).split_for_parts();
    let browser = SwaggerUi::new("/docs").config(Config::from("/openapi.json").validator_url("none"));
    let docs = Router::from(browser).layer(from_fn(layers::docs_policy));
    let mut routes = routes
        .merge(docs)
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(layers::caught));
    if let Some(cors) = layers::cors(state.settings()) {
        routes = routes.layer(cors);
    }
    let router = routes.layer(from_fn_with_state(state.clone(), layers::around)).with_state(state.clone());
    state.set_router(router.clone());
    router
}

/// The document of the API: OpenAPI 3.1, made from the routes.
pub fn openapi() -> ApiDocument {
    let (_, document) = plain_routes().merge(acting_routes()).split_for_parts();
    complete(document)
}

async fn unknown_route(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(200).collect();
    Problem::new("not_found", format!("There is no route {shown}."))
        .hint("Every route stands in /openapi.json; the API begins at /api/v1.")
}

async fn unknown_method(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(200).collect();
    Problem::new("method_not_allowed", format!("This method is not possible on {shown}."))
        .hint("The possible ones stand in the Allow header.")
}
