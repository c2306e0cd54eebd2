//! `POST /v1/sign-digest`: a signature for a file that stays with the client, where the profile allows it: the gate
//! cannot see what it signs.
//!
//! What comes in is the request that `proofmark extract` writes, what goes out is the signature that `proofmark
//! attach` puts into the file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use signer::anchor::Purpose;
use signer::detached::SigningRequest;
use signer::digest::{DigestAlgorithm, hex};

use super::answer::ENTRY;
use super::failure;
use super::record::entry_of;
use super::work::WorkError;
use crate::audit::{Decision, Subject};
use crate::auth::{Principal, Role};
use crate::decisions::Decided;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::upload;

/// Longest request, in bytes: attributes and certificates, no content.
const LONGEST: usize = 1 << 20;

/// Which profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestQuery {
    profile: String,
}

/// Signs what a request asks for.
pub(crate) async fn sign_digest(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<DigestQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let Query(DigestQuery { profile: name }) = query?;
    principal.expect(Role::Sign, &name)?;
    let profile = state.setup.profiles.get(&name);
    let profile = profile.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let _ticket = state.admit(&principal)?;
    if !profile.rules.digest_signing {
        let problem = "this profile signs files that the gate has seen, and nothing else";
        return Err(Problem::because(Slug::Forbidden, problem));
    }
    if profile.rules.approvals > 0 {
        let problem = "this profile signs what was approved";
        return Err(Problem::because(Slug::ApprovalNeeded, problem));
    }
    let bytes = upload::small(body, LONGEST).await?;
    let unreadable = |error: &dyn std::fmt::Display| Problem::because(Slug::NotSignable, error);
    let request = SigningRequest::read(&bytes).map_err(|error| unreadable(&error))?;
    request
        .content_digest()
        .map_err(|error| unreadable(&error))?;
    if request.certificates.leaf().der != profile.identity.leaf().der {
        let problem = "the request is for another certificate than that of the profile";
        return Err(Problem::because(Slug::NotSignable, problem));
    }
    let now = state.setup.environment.now();
    let objection = profile.objection(now, &state.setup.anchors, Purpose::Code);
    if let Some(objection) = objection {
        return Err(failure(&WorkError::Objection(objection)));
    }
    let at_work = Arc::clone(&state);
    let (digest, attributes) = (request.options.digest, request.signed_attributes.clone());
    let key_of = name.clone();
    let signing = state.workers.run(move || {
        let profile = at_work.setup.profiles.get(&key_of)?;
        Some(profile.identity.key().sign(digest, &attributes))
    });
    let signature = signing.await?.ok_or_else(|| Problem::new(Slug::NotFound))?;
    let signature = signature.map_err(|error| failure(&WorkError::Key(error)))?;
    let mut entry = entry_of(&state, &principal, Decision::Signed, &name, profile);
    entry.input = Some(Subject {
        sha256: hex(&request.sha256),
        size: request.size,
        format: Some(request.format.clone()),
        name: Some(request.file_name.clone()),
    });
    entry.output = Some(Subject {
        sha256: hex(&DigestAlgorithm::Sha256.of(&signature)),
        size: signature.len() as u64,
        format: Some("signature".to_owned()),
        name: None,
    });
    entry.reason = Some("signed by its digest: the gate has not seen the file".to_owned());
    let decided = Decided::new(state.now_ms(), entry, None);
    let receipt = state.decisions.commit(decided).await?;
    state.metrics.decided(&name, "signed");
    let mut response = signature.into_response();
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(ENTRY, receipt.index.into());
    Ok(response)
}
