//! The profiles: gate, key, and how long its certificate is valid yet.

use axum::extract::State as Extract;
use axum::response::Response;
use maud::{Markup, html};
use signer::clock::rfc3339;
use time::OffsetDateTime;

use super::decisions::time;
use super::frame::{Section, page};
use super::session::Session;
use crate::expiry::Nearness;
use crate::profile::Profile;
use crate::state::State;

/// `GET /page/profiles`
pub(super) async fn show(Extract(state): Extract<State>, session: Session) -> Response {
    let now = state.setup.environment.now();
    let warned = state.setup.config.expiry_warning;
    let profiles = state.setup.profiles.iter();
    let mine = profiles.filter(|(name, _)| session.knows(name));
    let main = html! {
        table.wide {
            thead { tr {
                th scope="col" { "Profile" }
                th scope="col" { "Files must pass" }
                th scope="col" { "Certificate" }
                th scope="col" { "Thumbprint" }
                th scope="col" { "Valid until" }
            } }
            tbody {
                @for (name, profile) in mine { (row(name, profile, now, warned)) }
            }
        }
    };
    page(&session, Section::Profiles, "Profiles", &main)
}

fn row(name: &str, profile: &Profile, now: OffsetDateTime, warned: u32) -> Markup {
    let leaf = profile.identity.leaf();
    let end = leaf.not_after;
    let (class, words) = match Nearness::of(end, now, warned) {
        Nearness::Ended => ("tag bad", "expired".to_owned()),
        Nearness::Soon(0) => ("tag bad", "ends today".to_owned()),
        Nearness::Soon(days) => ("tag warn", format!("{days} days left")),
        Nearness::Far(days) => ("tag good", format!("{days} days left")),
    };
    html! {
        tr {
            th scope="row" data-name="Profile" { (name) }
            td data-name="Files must pass" { "the policy of " (profile.rules.gate.image()) " images" }
            td data-name="Certificate" { (leaf.subject) }
            td data-name="Thumbprint" { code { (profile.thumbprint()) } }
            td data-name="Valid until" { (time(&rfc3339(end))) " " span class=(class) { (words) } }
        }
    }
}
