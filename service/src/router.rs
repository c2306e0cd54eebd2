//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

use crate::problem::{Problem, Slug};
use crate::state::State;
use crate::{
    catalogue, drain, headers, health, lint_api, metrics, openapi, report, request, sign,
    verify_api, window,
};

/// The routes for programs, which `openapi.json` describes.
pub(crate) fn for_programs() -> Vec<(&'static str, MethodRouter<State>)> {
    let mut routes = vec![
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(metrics::metrics)),
        ("/v1/sign", post(sign::sign)),
        ("/v1/sign-digest", post(sign::digest::sign_digest)),
        ("/v1/lint", post(lint_api::lint)),
        ("/v1/verify", post(verify_api::verify)),
        ("/v1/rules", get(catalogue::rules)),
        ("/v1/policies", get(catalogue::policies)),
        ("/v1/profiles", get(catalogue::profiles)),
        ("/v1/reports/{sha256}", get(report::show)),
        ("/v1/requests", get(request::list).post(request::ask)),
        ("/v1/requests/{id}", get(request::show)),
        ("/v1/requests/{id}/approve", post(request::approve)),
        ("/v1/requests/{id}/reject", post(request::reject)),
        ("/v1/requests/{id}/cancel", post(request::cancel)),
        ("/v1/requests/{id}/result", get(request::result)),
        ("/v1/windows", get(window::list).post(window::open)),
        ("/v1/windows/{id}/approve", post(window::approve)),
        ("/v1/windows/{id}/revoke", post(window::revoke)),
        ("/openapi.json", get(openapi::openapi)),
    ];
    routes.extend(crate::audit::routes());
    routes
}

/// Every route.
pub(crate) fn router(state: State) -> Router {
    let mut router = Router::new().merge(crate::page::routes());
    for (path, methods) in for_programs() {
        router = router.route(path, methods);
    }
    router
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
