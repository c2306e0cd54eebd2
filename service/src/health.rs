//! Whether the service runs, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;

use crate::problem::{Problem, Slug};
use crate::state::Inner;

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, and files can be written.
pub(crate) async fn readyz(State(state): State<Arc<Inner>>) -> Result<&'static str, Problem> {
    state.store.ping().await?;
    state
        .uploads
        .probe()
        .map_err(|error| Problem::storage(&error))?;
    match state.setup.profiles.is_empty() {
        true => Err(Problem::because(Slug::Unavailable, "there is no profile")),
        false => Ok("ready\n"),
    }
}
