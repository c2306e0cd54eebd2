//! The profiles: gate, key, and how long its certificate is valid yet.

use axum::extract::State as Extract;
use axum::response::Response;
use maud::{Markup, html};
use signer::clock::rfc3339;
use signer::identity::thumbprint;
use time::OffsetDateTime;

use super::decisions::time;
use super::frame::{Section, page};
use super::session::Session;
use crate::profile::Profile;
use crate::state::State;

/// Days before its end from which a certificate is warned of.
const SOON: i64 = 60;

/// `GET /page/profiles`
pub(super) async fn show(Extract(state): Extract<State>, session: Session) -> Response {
    let now = state.setup.environment.now();
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
                @for (name, profile) in mine { (row(name, profile, now)) }
            }
        }
    };
    page(&session, Section::Profiles, "Profiles", &main)
}

fn row(name: &str, profile: &Profile, now: OffsetDateTime) -> Markup {
    let leaf = profile.identity.leaf();
    let end = leaf.not_after;
    let days = (end - now).whole_days();
    let (class, words) = match days {
        _ if end < now => ("tag bad", "expired".to_owned()),
        0 => ("tag bad", "ends today".to_owned()),
        days if days < SOON => ("tag warn", format!("{days} days left")),
        days => ("tag good", format!("{days} days left")),
    };
    html! {
        tr {
            th scope="row" data-name="Profile" { (name) }
            td data-name="Files must pass" { "the policy of " (profile.rules.gate.image()) " images" }
            td data-name="Certificate" { (leaf.subject) }
            td data-name="Thumbprint" { code { (thumbprint(leaf)) } }
            td data-name="Valid until" { (time(&rfc3339(end))) " " span class=(class) { (words) } }
        }
    }
}
