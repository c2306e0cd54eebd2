//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use crate::problem::{Problem, Slug};
use crate::state::State;
use crate::{
    catalogue, drain, headers, health, lint_api, metrics, report, request, sign, verify_api, window,
};

/// Every route.
pub(crate) fn router(state: State) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .merge(crate::audit::routes())
        .merge(crate::page::routes())
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/sign", post(sign::sign))
        .route("/v1/sign-digest", post(sign::digest::sign_digest))
        .route("/v1/lint", post(lint_api::lint))
        .route("/v1/verify", post(verify_api::verify))
        .route("/v1/rules", get(catalogue::rules))
        .route("/v1/policies", get(catalogue::policies))
        .route("/v1/profiles", get(catalogue::profiles))
        .route("/v1/reports/{sha256}", get(report::show))
        .route("/v1/requests", get(request::list).post(request::ask))
        .route("/v1/requests/{id}", get(request::show))
        .route("/v1/requests/{id}/approve", post(request::approve))
        .route("/v1/requests/{id}/reject", post(request::reject))
        .route("/v1/requests/{id}/cancel", post(request::cancel))
        .route("/v1/requests/{id}/result", get(request::result))
        .route("/v1/windows", get(window::list).post(window::open))
        .route("/v1/windows/{id}/approve", post(window::approve))
        .route("/v1/windows/{id}/revoke", post(window::revoke))
        .fallback(async || Problem::new(Slug::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Slug::MethodNotAllowed))
        .layer(middleware::from_fn(headers::one_meaning))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            metrics::count,
        ))
        .layer(middleware::from_fn(drain::read_on))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            headers::protect,
        ))
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}
