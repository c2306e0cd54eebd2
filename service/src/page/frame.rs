//! What every page has: head, navigation, the way to sign out, and the headers that keep it from being misused.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::session::Session;

/// Pages run nothing, load one style sheet from here, and are put into no other page.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The places of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Decisions,
    Requests,
    Profiles,
    Log,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Decisions, "/page", "Decisions"),
        (Self::Requests, "/page/requests", "Requests"),
        (Self::Profiles, "/page/profiles", "Profiles"),
        (Self::Log, "/page/log", "Log"),
    ];
}

/// A page for somebody who has signed in.
pub(super) fn page(session: &Session, section: Section, title: &str, main: &Markup) -> Response {
    let top = html! {
        nav aria-label="Main" {
            ul {
                @for (there, address, name) in Section::ALL {
                    li { a href=(address) aria-current=[(there == section).then_some("page")] { (name) } }
                }
            }
        }
        form method="post" action="/page/logout" {
            (session.field())
            span.soft { (session.name()) }
            button { "Sign out" }
        }
    };
    respond(StatusCode::OK, title, &top, main)
}

/// A page for anybody.
pub(super) fn bare(status: StatusCode, title: &str, main: &Markup) -> Response {
    respond(status, title, &html! {}, main)
}

fn respond(status: StatusCode, title: &str, top: &Markup, main: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - proofmark" }
                link rel="stylesheet" href="/page/style.css";
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.name href="/page" { "proofmark" }
                    (top)
                }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (main)
                }
            }
        }
    };
    let mut response = (status, page.into_string() + "\n").into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The style sheet of every page.
pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, include_str!("style.css"))
}
