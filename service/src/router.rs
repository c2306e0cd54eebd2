//! Which path leads where.

use axum::Router;
use axum::routing::get;

use crate::health;
use crate::problem::{Problem, Slug};
use crate::state::State;

/// Every route.
pub(crate) fn router(state: State) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .fallback(async || Problem::new(Slug::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Slug::MethodNotAllowed))
        .with_state(state)
}
