//! Who asks, and what they may do. Nothing is allowed that no rule allows.

mod certificate;
mod jwt;
mod keys;
mod oidc;
mod role;
pub mod token;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::listen::Peer;
use crate::problem::{Problem, Slug};
use crate::state::{Inner, State};

pub use certificate::CertificateRule;
pub use oidc::{ClaimRule, Issuer};
pub use role::{Grant, Role};

pub(crate) use keys::is_address;
pub(crate) use oidc::Issuers;

/// The columns by which people are told apart.
pub(crate) const PEOPLE: &str = include_str!("people.sql");

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// One name for one principal, e.g. `token:5c1f…`, `oidc:ISSUER#SUBJECT`, `certificate:THUMBPRINT`.
    pub(crate) id: String,
    /// One name for one person, who may have several credentials: what approvals count.
    pub(crate) person: String,
    /// What it is called in the log.
    pub(crate) claims: Value,
    grants: Vec<Grant>,
}

impl Principal {
    /// Who holds a token.
    pub(crate) fn of_token(token: token::Token) -> Self {
        let claims = match token.person == token::person(&token.name) {
            true => json!({ "name": token.name }),
            false => json!({ "name": token.name, "person": token.person }),
        };
        Self {
            id: format!("token:{}", token.id),
            person: token.person,
            claims,
            grants: token.grants,
        }
    }

    /// Who made a request, for the log. It may do nothing any more.
    pub(crate) fn of_request(id: &str, claims: &Value) -> Self {
        Self {
            id: id.to_owned(),
            person: id.to_owned(),
            claims: claims.clone(),
            grants: Vec::new(),
        }
    }

    /// Whether it may act in a role with a profile.
    pub(crate) fn may(&self, role: Role, profile: &str) -> bool {
        self.grants.iter().any(|grant| grant.covers(role, profile))
    }

    /// Whether it may act in a role with any profile.
    pub(crate) fn may_somewhere(&self, role: Role) -> bool {
        self.grants.iter().any(|grant| grant.roles.contains(&role))
    }

    /// Refuses what it may not do, in the words for what is not there.
    pub(crate) fn expect(&self, role: Role, profile: &str) -> Result<(), Problem> {
        match self.may(role, profile) {
            true => Ok(()),
            false => Err(Problem::new(Slug::NotFound)),
        }
    }

    /// As [`Principal::expect`] for what belongs to no profile.
    pub(crate) fn expect_somewhere(&self, role: Role) -> Result<(), Problem> {
        match self.may_somewhere(role) {
            true => Ok(()),
            false => Err(Problem::new(Slug::NotFound)),
        }
    }
}

impl FromRequestParts<State> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.ok_or_else(|| Problem::internal(&"a request without a connection"))?;
        authenticate(state, &parts.headers, peer).await
    }
}

/// Finds out who asks: by the bearer token, else by the certificate of the connection.
///
/// # Errors
/// [`Slug::Unauthenticated`] whatever is wrong with the credential: whoever guesses learns nothing.
async fn authenticate(
    state: &State,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<Principal, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let credential = match (given.next(), given.next()) {
        (Some(one), None) => one,
        (None, _) => return of_certificate(state, headers, peer),
        (Some(_), Some(_)) => return Err(refused("two credentials")),
    };
    let text = credential.to_str().map_err(|_| refused("not text"))?;
    let bearer = match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => return Err(refused("not a bearer token")),
    };
    if token::is_token(bearer) {
        let found = token::find(&state.store, bearer, state.now_ms()).await?;
        let found = found.ok_or_else(|| refused("no valid token"))?;
        return Ok(Principal::of_token(found));
    }
    let (state, token) = (Arc::clone(state), bearer.to_owned());
    // The issuer may have to be asked for its keys.
    let verifying = tokio::task::spawn_blocking(move || {
        state.issuers.verify(&token, &*state.setup.environment)
    });
    let verified = verifying.await.map_err(|error| Problem::internal(&error))?;
    let verified = verified.map_err(|problem| refused(&problem))?;
    let id = format!("oidc:{}#{}", verified.issuer, verified.subject);
    Ok(Principal {
        person: id.clone(),
        id,
        claims: verified.claims,
        grants: verified.grants,
    })
}

/// What browsers say of whose page a request is.
const FROM_PAGES: [&str; 2] = ["origin", "sec-fetch-site"];

fn of_certificate(state: &Inner, headers: &HeaderMap, peer: &Peer) -> Result<Principal, Problem> {
    // A browser shows its certificate for the forms of any page.
    if FROM_PAGES.iter().any(|name| headers.contains_key(*name)) {
        return Err(refused("a certificate in the hands of a browser"));
    }
    let certificate = peer.certificate.as_deref();
    let certificate = certificate.ok_or_else(|| refused("no credential"))?;
    let known = certificate::identify(certificate, &state.setup.config.certificate);
    let known = known.ok_or_else(|| refused("a certificate that cannot be read"))?;
    let id = format!("certificate:{}", known.thumbprint);
    Ok(Principal {
        person: known.person.unwrap_or_else(|| id.clone()),
        id,
        claims: json!({ "subject": known.subject }),
        grants: known.grants,
    })
}

/// The reason goes to the log, not to the client.
fn refused(reason: &str) -> Problem {
    tracing::info!(reason, "a credential was refused");
    Problem::new(Slug::Unauthenticated)
}
