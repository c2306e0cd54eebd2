//! Pages for people: what was decided, what waits for them, the profiles, the log. They are made here and run nothing in
//! the browser; every button is a form.

mod decisions;
mod form;
mod frame;
mod log;
mod profiles;
mod requests;
mod session;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::state::State;

pub(crate) use session::SCHEMA;

/// Everything below `/page`.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(async || Redirect::to("/page")))
        .route("/page", get(decisions::show))
        .route("/page/style.css", get(frame::style))
        .route("/page/login", get(session::ask).post(session::begin))
        .route("/page/logout", post(session::end))
        .route("/page/requests", get(requests::list))
        .route(
            "/page/requests/{id}",
            get(requests::show).post(requests::decided),
        )
        .route("/page/profiles", get(profiles::show))
        .route("/page/log", get(log::show))
        .route("/page/log/{index}", get(log::entry))
        .route("/page/log/{index}/entry", get(log::entry_file))
        .route("/page/log/{index}/proof", get(log::proof_file))
}
